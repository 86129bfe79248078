<?php
// Reads From fields with one PHP extension: php php_extensions.php <extension>
// Protocol: see ../mail_readers.py.
error_reporting(0);
$name = $argv[1];
if (!extension_loaded($name)) {
    fwrite(STDERR, "$name is not installed\n");
    exit(1);
}

// Groups and syntax errors come as entries without a host, or with this one.
function hosted(array $items): array
{
    $good = array_filter($items, fn($item) => !in_array($item->host ?? "", ["", ".SYNTAX-ERROR."], true));
    return array_values(array_map(fn($item) => "$item->mailbox@$item->host", $good));
}

function imap(string $text): array
{
    $found = hosted(imap_rfc822_parse_adrlist($text, ""));
    imap_errors();
    return $found;
}

function mailparse(string $text): array
{
    $found = [];
    foreach (mailparse_rfc822_parse_addresses($text) ?: [] as $item) {
        array_push($found, ...($item["is_group"] ? mailparse($item["address"]) : [$item["address"]]));
    }
    return $found;
}

function decoded(string $text): string
{
    // It drops raw octets that are not ASCII, and with them letters of honest addresses.
    if (preg_match('/[\x80-\xff]/', $text)) {
        throw new Exception("not ASCII");
    }
    return iconv_mime_decode($text, ICONV_MIME_DECODE_CONTINUE_ON_ERROR, "UTF-8");
}

function fields_of_mailparse(string $block): array
{
    $mail = mailparse_msg_create();
    mailparse_msg_parse($mail, $block);
    $from = mailparse_msg_get_part_data($mail)["headers"]["from"] ?? [];
    mailparse_msg_free($mail);
    return (array) $from;
}

function from_of_imap(string $block): array
{
    $header = explode("\r\n\r\n", $block)[0] . "\r\n";  // it takes whatever it is given for a header
    $found = hosted(imap_rfc822_parse_headers($header, "")->from ?? []);
    imap_errors();
    return $found;
}

$mime = "iconv_mime_decode";
$ways = [
    "imap" => [
        "body" => [
            "imap_rfc822_parse_adrlist" => fn($text) => imap($text),
            "$mime, imap_rfc822_parse_adrlist" => fn($text) => imap(decoded($text)),
        ],
        "block" => ["imap_rfc822_parse_headers" => fn($block) => from_of_imap($block)],
        "fields" => [],
    ],
    "mailparse" => [
        "body" => [
            "mailparse_rfc822_parse_addresses" => fn($text) => mailparse($text),
            "$mime, mailparse_rfc822_parse_addresses" => fn($text) => mailparse(decoded($text)),
        ],
        "block" => [
            "mailparse_msg_parse" => fn($block) => array_merge(...array_map("mailparse", fields_of_mailparse($block))),
        ],
        "fields" => ["mailparse_msg_parse" => fn($block) => fields_of_mailparse($block)],
    ],
][$name];

function answered(array $ways, string $given): object
{
    $answers = [];
    foreach ($ways as $way => $read) {
        try {
            $answers[$way] = array_values($read($given));
        } catch (Throwable $error) {
            $answers[$way] = $error->getMessage();
        }
    }
    return (object) $answers;
}

function say(array $answer): void
{
    echo json_encode($answer, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}

say(["version" => "$name " . phpversion($name) . ", PHP " . PHP_VERSION]);
while (($line = fgets(STDIN)) !== false) {
    $given = json_decode($line, true);
    if (isset($given["body"])) {
        $text = str_replace("\r\n", "", base64_decode($given["body"]));
        say(["addresses" => answered($ways["body"], $text)]);
    } else {
        $block = base64_decode($given["block"]);
        say(["addresses" => answered($ways["block"], $block), "fields" => answered($ways["fields"], $block)]);
    }
}

"""What a name or a comment hides, and what it shows, to any reader."""

from __future__ import annotations

import base64
from typing import Final

import attrs
import pytest
from from_bodies import CEO, OWN, PRINTABLE, asked, b_word, jis, one

from sendertrust import SUBMISSION, Action, Reason
from sendertrust.address import Address
from sendertrust.author import parse_author
from sendertrust.display_name import (
    _HERE,
    SURE_ADDRESS,
    Mailbox,
    _nfkc,
    _unquoted,
    _without_comments,
    _without_own,
    _words_left_out,
    cut_to_octets,
    hidden_addresses,
    shown_addresses,
)


def test_several_mailboxes_keep_their_own_names() -> None:
    mailboxes = parse_author(f'"{CEO}" <a@x.example>, Taro <b@x.example> (c@y.example)', SUBMISSION)
    assert isinstance(mailboxes, tuple)
    assert [set(shown_addresses(mailbox)) for mailbox in mailboxes] == [{CEO}, {"c@y.example"}]


def test_characters_are_cut_to_octets() -> None:
    """Splitting the Email Atom, 2024, 'Unicode overflow': one that is two in UTF-16 gives two octets."""
    assert cut_to_octets("aé山\U0001f440") == "aéq=@"
    assert cut_to_octets(f"ŀ{_HERE}ŀ") == f"@{_HERE}@"


# What a reader takes for the author that ignores quotes, escapes or comments, or decodes first.
DOUBTFUL: Final = b_word(b"ceo\x81\x40victim.example", "x-sjis")
DOUBTFUL_IN_BRACKETS: Final = b_word(b"<ceo\x81\x40victim.example>", "x-sjis")

HIDDEN: Final = {
    "brackets in quotes": f'"<{CEO}>" <{OWN}>',
    "brackets in quotes with a name": f'"Boss <{CEO}> x" <{OWN}>',
    "no dotted domain": f'"<ceo@host>" <{OWN}>',
    "bracket not closed": f'"<{CEO}" <{OWN}>',
    "bracket not opened": f'"{CEO}>" <{OWN}>',
    "brackets in a comment": f"{OWN} (<{CEO}>)",
    "brackets in a comment in front": f"(<{CEO}>) <{OWN}>",
    "brackets in a nested comment": f"{OWN} (a (b <{CEO}>))",
    "blanks in the brackets": f'"< {CEO} >" <{OWN}>',
    "blanks around the at": f'"<ceo @ victim.example>" <{OWN}>',
    "fold around the at": f'"<ceo@\r\n victim.example>" <{OWN}>',
    "quoted local part": rf'"<\"c e o\"@victim.example>" <{OWN}>',
    "literal": f'"<ceo@[192.0.2.1]>" <{OWN}>',
    "route": f'"<@victim.example:" <{OWN}>',
    "nothing but an at": f'"<@>" <{OWN}>',
    "comma after": f'"{CEO}, Boss" <{OWN}>',
    "comma before": f'"Boss, {CEO}" <{OWN}>',
    "semicolon after": f'"{CEO}; Boss" <{OWN}>',
    "colon before": f'"Team: {CEO}" <{OWN}>',
    "blanks between": f'"{CEO}   , Boss" <{OWN}>',
    "quotes between": rf'"\"{CEO}\", Boss" <{OWN}>',
    "comma right after the quotes": f'{OWN} ("{CEO}", Boss)',
    "words between": f'"x {CEO} x, Boss" <{OWN}>',
    "comma in a comment": f"{OWN} (x, {CEO})",
    "comma behind a blank, in a comment behind": f"<{OWN}> (ceo@corp ,x)",
    "comma first, encoded": f"=?utf-8?q?=2Cceo=40corp?= <{OWN}>",
    "escaped at": rf'"<ceo\@victim.example>" <{OWN}>',
    "escaped at beside a comma": rf'"Boss, ceo\@victim.example" <{OWN}>',
    "blanks around the at, beside a comma": f'"Boss, ceo @ victim.example" <{OWN}>',
    "tabs around the at, beside a comma": f'"Boss, ceo\t@\tvictim.example" <{OWN}>',
    "fold before the at, beside a comma": f'"Boss, ceo\r\n @victim.example" <{OWN}>',
    "escaped brackets": rf'"\<{CEO}\>" <{OWN}>',
    "escaped comma": rf'"{CEO}\, Boss" <{OWN}>',
    "escaped quotes around": rf'"a\" <{CEO}> \"" <{OWN}>',
    "full-width at": f'"<ceo＠victim.example>" <{OWN}>',
    "full-width brackets": f"＜ceo＠victim.example＞ <{OWN}>",
    "small commercial at and comma": f'"ceo﹫victim.example﹐ Boss" <{OWN}>',
    "Q": f"=?utf-8?Q?=3Cceo=40victim.example=3E?= <{OWN}>",
    "Q, raw": f'"=?utf-8?q?<{CEO}>?=" <{OWN}>',
    "Q, comma": f"=?utf-8?Q?ceo=40victim.example=2C_Boss?= <{OWN}>",
    "B": f"{b_word(f'<{CEO}>')} <{OWN}>",
    "B without padding": f"=?utf-8?B?{base64.b64encode(b'x<ceo@victim>').decode().rstrip('=')}?= <{OWN}>",
    "B with a comma": f"{b_word(f'{CEO}, Boss')} <{OWN}>",
    "B in a comment": f"{OWN} ({b_word(f'<{CEO}>')})",
    "B in quotes": f'"{b_word(f"<{CEO}>")}" <{OWN}>',
    "full-width in B": f"{b_word('＜ceo＠victim.example＞')} <{OWN}>",
    "escape in B": f"=?utf-8?q?=3Cceo=5C=40victim.example=3E?= <{OWN}>",
    "UTF-7": f"=?utf-7?Q?+ADw-ceo+AEA-victim.example+AD4-?= <{OWN}>",
    "UTF-7 to its end": f"=?UTF-7?Q?+ADw-ceo+AEA-victim.example+AD4?= <{OWN}>",
    "UTF-16": f"{b_word(f'<{CEO}>'.encode('utf-16'), 'utf-16')} <{OWN}>",
    "UTF-16BE": f"{b_word(f'<{CEO}>'.encode('utf-16-be'), 'UTF-16BE')} <{OWN}>",
    "UTF-32": f"{b_word(f'<{CEO}>'.encode('utf-32'), 'utf-32')} <{OWN}>",
    "EBCDIC": f"{b_word(f'<{CEO}>'.encode('cp037'), 'cp037')} <{OWN}>",
    "EBCDIC, German": f"{b_word(f'<{CEO}>'.encode('cp273'), 'IBM273')} <{OWN}>",
    "HZ": f"{b_word(b'~{#<~}ceo@victim.example,', 'hz-gb-2312')} <{OWN}>",
    "ISO-2022-JP": f"{b_word(jis('!c') + b'ceo' + jis('!w') + b'victim.example' + jis('!d'), 'iso-2022-jp')} <{OWN}>",
    "unknown charset": f"=?x-klingon?Q?=3Cceo=40victim.example=3E?= <{OWN}>",
    "unknown charset, full-width": f"{b_word('＜ceo＠victim.example＞', 'x-klingon')} <{OWN}>",
    "escapes of Python": f"=?unicode_escape?Q?=5Cx3cceo=5Cu0040victim.example=5C76?= <{OWN}>",
    "broken UTF-8": f"=?utf-8?Q?=E9_=3Cceo=40victim.example=3E?= <{OWN}>",
    "language": f"=?utf-8*en?Q?=3Cceo=40victim.example=3E?= <{OWN}>",
    "blanks in the word": f"=?utf-8?Q?=3C ceo=40victim.example =3E?= <{OWN}>",
    "two words": f"=?utf-8?Q?=3Cceo?= =?utf-8?Q?=40victim.example=3E?= <{OWN}>",
    "two charsets": f"=?utf-8?Q?=3Cceo?=\r\n =?us-ascii?Q?=40victim.example=3E?= <{OWN}>",
    "the at split between words": f"=?utf-8?q?=3Cceo=EF=BC?= =?utf-8?q?=A0victim.example=3E?= <{OWN}>",
    "word and text": f"=?utf-8?Q?=3Cceo?= (=?utf-8?Q?=40victim.example?=) <{OWN}>",
    "encoded twice": f"{b_word(b_word(f'<{CEO}>'))} <{OWN}>",
    "encoded three times": f"{b_word(b_word(b_word(f'<{CEO}>')))} <{OWN}>",
    "words that make a word": f"{b_word('=?utf-8?Q?=3Cceo')} {b_word('=40victim.example=3E?=')} <{OWN}>",
    "longer than own address": f'"<{OWN}.example>" <{OWN}>',
    "own address and another": f'"<{OWN}>, <{CEO}>" <{OWN}>',
    "in the second name": f'Taro <{OWN}>, "<{CEO}>" <{OWN}>',
}

# Readings that a first look missed: each of them is what some real reader makes of the field.
HIDDEN_DEEPER: Final = {
    # Decoded first, these are in no quotes: email.utils of Python 3.12 and Email::Address::XS read them.
    "decoded, unquoted": f"{b_word(CEO)} <{OWN}>",
    "decoded, unquoted, blanks": f"=?utf-8?q?ceo_=40victim=2Eexample?= <{OWN}>",
    "decoded, unquoted, other words": f"=?utf-8?q?The_ceo=40victim.example_Office?= <{OWN}>",
    # A comment within the address, whose own part is what is found without it.
    "decoded comment around the own name": f"=?utf-8?q?ceo_=28_user1=29=40test-sample=2Ejp=2C?= <{OWN}>",
    "decoded dot with blanks before the own name": f"=?utf-8?q?ceo_=2E_user1=40test-sample=2Ejp=2C?= <{OWN}>",
    # Quotes and comments that begin or end in an encoded-word, or behind a last backslash.
    "quote in a word": f'"{CEO}" =?utf-8?q?=22?= <{OWN}>',
    "bracket in a word": f'"{CEO}" =?utf-8?q?=5D?= <{OWN}>',
    "backslash and quote in a word": f'=?utf-8?q?=5C=22?= "x {CEO} x" <{OWN}>',
    "parenthesis in a word": f"(() {CEO} ) =?utf-8?q?=28?= <{OWN}>",
    # Emacs takes a quote in a comment for the beginning or the end of a quoted string.
    "quotes in two comments": f'"{CEO}" (") <{OWN}> (")',
    "quotes in two comments, undotted": f'"ceo@corp" (") <{OWN}> (")',
    "half a pair in two comments": f'"ceo@corp" ([) <{OWN}> (])',
    "half an angle in two comments": f'"ceo@corp" (<=) <{OWN}> (])',
    "half a wide pair in two comments": f'"ceo@corp" (（) <{OWN}> (）)',
    "half a pair that is encoded": f'"ceo@corp" (=?utf-8?q?=5B?=) <{OWN}> (])',
    # Horde does not go on with a phrase in which a word that is no ASCII stands behind a quoted string.
    "quoted string before a word that is no ASCII": f'"ceo@corp" 山 <{OWN}>',
    "quoted string before a comment and such a word": f'"ceo@corp" (c) 山 <{OWN}>',
    "quoted strings before such a word": f'"ceo@corp" "b" 山 <{OWN}>',
    "quoted string before an encoded-word": f'"ceo@corp" =?utf-8?q?a?= <{OWN}>',
    # Apache mime4j cuts each character to its last octet, which makes an at sign of U+0140.
    "at sign in the last octet of a letter": f"ceo\u0140victim.example <{OWN}>",
    "dot and at sign in last octets": f"ceo\u0140victim\u012eexample <{OWN}>",
    "brackets and at sign in the last octets of encoded letters": (
        f"=?utf-8?q?=C4=BCceo=C5=80victim.example=C4=BE?= <{OWN}>"
    ),
    # Email::Address ends a phrase before an empty quoted string.
    "quoted string before an empty one": f'"ceo@corp" ""<{OWN}>',
    "quoted string before one that is glued and empty": f'"é@x" "ceo@corp"""<{OWN}>',
    "empty quoted string before a quoted one": f'"""ceo@corp" <{OWN}>',
    "empty quoted string before a word": f'"ceo@corp" x "" y <{OWN}>',
    # Sylpheed and Claws Mail take each quote for one, and nothing for an escape or a comment.
    "escaped quote": rf'"\"ceo@corp" <{OWN}>',
    "letter and escaped quote": rf'"x\"ceo@corp" <{OWN}>',
    "escaped quote and a quoted local part": rf'"\""ceo"@x.example" <{OWN}>',
    "escaped quote and an address that has quotes": r'"\"ceo@" <"user1"@test-sample.jp>',
    "escaped quote and a blank": rf'ceo"\" @corp" <{OWN}>',
    "escaped quote, a comment and a blank": rf'"\"ceo(x) @corp" <{OWN}>',
    "escaped quote, and a quoted string": rf'"a\"b" "ceo@corp" <{OWN}>',
    "escaped quote and an encoded address": rf'"\"=?utf-8?q?ceo=40corp?=" <{OWN}>',
    "encoded quote, and a quoted string": f'=?utf-8?q?=22?= "ceo@corp" <{OWN}>',
    "quote in a comment behind an address": rf'(\)ceo@corp") <{OWN}>',
    "escaped parenthesis behind a word": rf"=?utf-8?q?ceo=40corp?= (\() <{OWN}>",
    "quote in a comment before a quoted string": f'(") ") ceo@corp" <{OWN}>',
    # rspamd ends a comment behind the address at its first parenthesis.
    "behind a parenthesis in a comment": rf"<{OWN}>(()\)ceo@corp)",
    "behind a comment in a comment": f"<{OWN}> ((x) ceo@corp)",
    "in a second comment": f"<{OWN}> (x) (ceo@corp)",
    "behind a quote in a comment": f'<{OWN}> ("ceo@corp)',
    "behind quotes in a comment": f'<{OWN}> ("x" ceo@corp)',
    # To who does not know x-sjis, an octet of this word is an at sign.
    "at sign in half a letter, brackets in quotes": f'"{DOUBTFUL_IN_BRACKETS}" <{OWN}>',
    "at sign in half a letter, quotes in two comments": f'"{DOUBTFUL}" (") <{OWN}> (")',
    "at sign in half a letter, in no quotes": f"{DOUBTFUL} <{OWN}>",
    "at sign in half a letter, quotes that some cannot decode": f"=?y?q?=22?= {DOUBTFUL} =?y?q?=22?= <{OWN}>",
    "at sign in half a letter, in a comment, and a bracket in a word": f"=?utf-8?q?=5B?= ({DOUBTFUL}) <{OWN}>",
    "at sign and backslash in half a letter": f"({DOUBTFUL}) {b_word('ソ'.encode('cp932'), 'x-sjis')} <{OWN}>",
    "backslash in half a letter, address in a comment": f"({CEO}) {b_word('ソ'.encode('cp932'), 'x-sjis')} <{OWN}>",
    "backslash in half a letter, encoded address": f"({b_word(CEO)}) {b_word('ソ'.encode('cp932'), 'x-sjis')} <{OWN}>",
    "quote in a word, and a comment": f"=?utf-8?q?=22?= ({b_word(CEO)}) <{OWN}>",
    "encoded route, and quotes in two comments": f'(") "=?utf-8?q?=3Cvictim!ceo=3E?=" <{OWN}> (")',
    # Some readers cannot decode each word, or glue a quoted string to what is decoded behind it.
    "quotes in words that some cannot decode": f"=?x-unknown?q?=22?= {b_word('<black>')} =?x-unknown?q?=22?= <{OWN}>",
    "brackets in UTF-7, quotes in what is unknown": f"=?x?q?=22?= =?utf-7?q?+ADw-black+AD4-?= =?x?q?=22?= <{OWN}>",
    "own address but for a bracket between": f'"user1@test-sample" (<.jp) <{OWN}> (>)',
    "bracket and quote that some cannot decode": f'=?x?q?=22=3C=3E?= {b_word("<black>")} "b" <{OWN}>',
    "own address over two words": f"=?x?q??= =?utf-8?q?user1=40?= {b_word('test-sample.jp, x')} <{OWN}>",
    "empty word that some cannot decode": f"=?x?q??= {b_word(f'{OWN},')} <{OWN}>",
    "quoted string before the own address": f'"a" {b_word(f"{OWN},")} <{OWN}>',
    "quotes in comments of two mailboxes": f'"ceo@corp" (") <{OWN}>, <{OWN}> (")',
    "backslash before the quote": rf'"{CEO} \\" <{OWN}>',
    "backslash before the quote, undotted": rf'"ceo@corp\\" <{OWN}>',
    "backslash before the quote, comment": rf'"a\\" (ceo@corp) <{OWN}>',
    "blanks inside a word": f"=?utf-8?q?=3Cceo= 40victim.example=3E?= <{OWN}>",
    "at behind the address": f"=?utf-8?q?ceo=40victim.example=40?= <{OWN}>",
    # Readers that let blanks pass inside an address make one of all this.
    "at before the own address": f'"ceo" =?utf-8?q?=40?= <{OWN}>',
    "brackets before the own address": f"=?utf-8?q?=3Cblack=3E?= <{OWN}>",
    "word before the own address": f"=?utf-8?q?black_{OWN.replace('@', '=40')}?= <{OWN}>",
    "word behind the own address": f"=?utf-8?q?{OWN.replace('@', '=40')}_x?= <{OWN}>",
    # Mail::Address glues what follows an open bracket to the address.
    "decoded bracket without an end": f"=?utf-8?q?=3Cblack?= <{OWN}>",
    "route with a bang": f'"<victim!ceo>" <{OWN}>',
    "route with a percent sign": f'"<ceo%victim.example>" <{OWN}>',
    "route in a comment in front": f"(<victim!ceo>) {OWN}",
    "EBCDIC by another name": f"{b_word(f'<{CEO}>'.encode('cp037'), 'ebcdic-cp-us')} <{OWN}>",
    "EBCDIC with a blank in its name": f"{b_word(f'<{CEO}>'.encode('cp037'), 'cp 037')} <{OWN}>",
    "EBCDIC by a name that is not known": f"{b_word(f'<{CEO}>'.encode('cp1140'), 'ibm-1047')} <{OWN}>",
    "UTF-7 by another name": f"=?utf/7?q?+ADw-ceo+AEA-victim.example+AD4-?= <{OWN}>",
    "UTF-7 by a name that is not known": f"=?x-utf-7?q?+ADw-ceo+AEA-victim.example+AD4-?= <{OWN}>",
    "HZ to a reader that does not know it": f"{b_word(b'~{<ceo@victim.example>~}', 'hz-gb-2312')} <{OWN}>",
    "more addresses than anybody has": '"' + " ".join(f"{OWN[:-3]}{n}.jp" for n in range(40)) + f', x" <{OWN}>',
    # Encoded-text joined before it is decoded.
    "Q escape split between words": f"=?utf-8?q?=2Cceo=4?= =?utf-8?q?0victim.example?= <{OWN}>",
    "base64 quantum split between words": f"=?cp037?B?TM?= =?cp037?B?fXfPfYbg==?= <{OWN}>",
    # binascii ignores a lone "=" that comes too early to be padding.
    "early padding": f"=?cp037?b?TP=eEfMiG1W4=?= <{OWN}>",
    # Encoded-text runs on where no end is, also across its blanks.
    "Q word without an end, blanks": f"=?utf-8?q?=3C ceo=40victim.example =3E <{OWN}>",
    # email.policy.default decodes to the end of the field where "?=" is missing.
    "Q word without an end": f"=?utf-8?q?=3Cceo=40victim.example=3E <{OWN}>",
    # Decoders that replace what they cannot decode go on behind it.
    "UTF-7 with a broken octet": f"=?utf-7?q?+ADw-ceo+AEA-victim.example+AD4-=FF?= <{OWN}>",
    # RFC 2781, 4.3: without a byte order mark, UTF-16 should be taken as big-endian.
    "UTF-16 without a byte order mark": f"{b_word(f'<{CEO}>'.encode('utf-16-be'), 'utf-16')} <{OWN}>",
    # Comments and quotes inside an address, to a reader that decodes or ignores quotes first.
    "decoded comment before the at": f"=?utf-8?q?ceo=28x=29=40victim.example=2C?= <{OWN}>",
    "decoded comment after the at": f"=?utf-8?q?ceo=40=28x=29victim.example=2C?= <{OWN}>",
    "quoted comment before the at": f'"ceo(x)@victim.example, Boss" <{OWN}>',
    "quoted comment after the at": f'"ceo@(x)victim.example, Boss" <{OWN}>',
    "quoted domain": rf'"ceo@\"victim.example\", Boss" <{OWN}>',
    # What makes one's own address out of another one must not be all that is looked at.
    "quoted comment around the own name": f'"ceo ( user1)@test-sample.jp, x" <{OWN}>',
    "full-width letter in the own address": f'"<ｕser1@test-sample.jp>" <{OWN}>',
    "words before the own address, comment without an end": f"{OWN} (=?utf-8?q?=28ceo_user1=40test-sample.jp?=)",
    # Where a bracket with blanks would be all that is between a name and the address.
    "quote in a word, blanks in the brackets": f'"ceo@corp" =?utf-8?q?=22?= < {OWN} >',
    "parenthesis in a word, comment behind": f"=?utf-8?q?=28?= <{OWN}> (ceo@corp)",
    # A codec shows letters here, or the address to whoever does not know it.
    "ISO-2022-KR to a reader that does not know it": f"=?iso-2022-kr?q?=1B$)C=0E<ceo@victim.example>=0F?= <{OWN}>",
    "UTF-16 to a reader that does not know it": f"{b_word(b'<ceo@victim.example>', 'utf-16be')} <{OWN}>",
}


@pytest.mark.parametrize("body", (HIDDEN | HIDDEN_DEEPER).values(), ids=(HIDDEN | HIDDEN_DEEPER).keys())
def test_hidden_addresses_are_refused(body: str) -> None:
    """Law, 4: 'a reader that scans for brackets, ignores escapes or decodes first would take it as the author'."""
    verdict = asked(body, attrs.evolve(SUBMISSION, multiple_authors="all_must_match"))
    assert verdict.decision is Action.REJECT
    assert verdict.reason in {Reason.FROM_HIDDEN_ADDRESS, Reason.FROM_MALFORMED}


@pytest.mark.parametrize("body", HIDDEN.values(), ids=HIDDEN.keys())
def test_hidden_addresses_are_found(body: str) -> None:
    mailboxes = parse_author(body, SUBMISSION)
    assert isinstance(mailboxes, tuple)
    assert any(list(hidden_addresses(mailbox)) for mailbox in mailboxes)
    finding = asked(body, attrs.evolve(SUBMISSION, multiple_authors="all_must_match")).findings[0]
    assert (finding.reason, finding.rule) == (Reason.FROM_HIDDEN_ADDRESS, "hidden-address")


HIDDEN_TEXTS: Final = {
    "brackets": (f'"<{CEO}>" <{OWN}>', {CEO}),
    "comma": (f'"x, {CEO}" <{OWN}>', {CEO}),
    "part": (f'"x {CEO} y; z" <{OWN}>', {CEO}),
    "no delimiter": (f'"{CEO}" <{OWN}>', set()),
    "no address": (f'"<山@>" <{OWN}>', {"山@"}),
    "own part": (f'"a: b {CEO} c" <{OWN}>', set()),
    "nothing": (f'"a, b" <{OWN}>', set()),
    "brackets around the address itself": (f'"a@b <" <{OWN}>', set()),
    "blanks beside a letter": (f'"a X {CEO}, x" <{OWN}>', {CEO}),
    "bracket in front, at behind": (f"(<) <{OWN}> (a@b)", set()),
    "own part, comment in front": (f"(a: b {CEO} c) <{OWN}>", set()),
    # Roundcube 1.6 and Gnus overlook angle brackets with a blank inside, and take the first address
    "blank behind the bracket": (f'"{CEO}" < {OWN}>', {CEO}),
    "blank before the bracket": (f'"a ceo@victim b" <{OWN} >', {"ceo@victim"}),
    "fold in the brackets": (f"{b_word(CEO)} <\r\n {OWN}>", {CEO}),
    "a name at work, loose brackets": (f'"User @ Company" < {OWN} >', set()),
    "own address and loose brackets": (f'"{OWN}" < {OWN} >', {OWN}),
    "loose brackets, behind": (f"Me < {OWN} > ({CEO})", set()),
    "no brackets, comment behind": (f"{OWN} (a {CEO} c)", set()),
    "no brackets, in the address's own part": (f"{OWN} (x {CEO} y, z)", set()),
    "a heart, where quotes may move": (f'"I <3 =?utf-8?q?=28x=29?=" <{OWN}> (@bob)', set()),
    "a heart, and half a pair in two comments": (f'"Team <3" (") <{OWN}> ("@bob)', set()),
    "two quoted strings": (f'"ceo@corp" "b" <{OWN}>', set()),
    "a quoted string, then ASCII": (f'"ceo@corp" x山 <{OWN}>', set()),
    "a word that is no ASCII, then a quoted string": (f'山 "ceo@corp" <{OWN}>', set()),
    "half a pair in a name and in a comment": (f'"ceo@corp [" ([) <{OWN}>', set()),
    "what EBCDIC would take for half a pair in two comments": (f'"ceo@corp" (=?x?q?L?=) <{OWN}> (=?x?q?n?=)', set()),
    "ASCII, a word that is none, and a quoted string": (f'a 山 "ceo@corp" <{OWN}>', set()),
    "brackets in one comment": (f'"ceo@corp" ([) <{OWN}>', set()),
    "pairs in two comments": (f'"ceo@corp" ("[（a）]") <{OWN}> (「b」)', set()),
    "quotes in one comment": (f'"ceo@corp" (") <{OWN}>', set()),
    "parentheses before two comments": (f'"{CEO}"(a) "y"(b) <{OWN}>', set()),
    "parentheses behind two comments": (f'(a)"{CEO}" (b)"y" <{OWN}>', set()),
    "a wide bracket open before a bare address": (f"(＜山田@営業部) {OWN}", set()),
    "a bracket in a literal": (f'"ceo@[a[b]," <{OWN}>', set()),
    "a line end behind a backslash, in UTF-7": (rf'"\=?x-unk?q?+AAo-ceo+AEA-victim.example?=" <{OWN}>', set()),
    "own address in encoded quotes and brackets": (f"=?utf-8?q?=22=3C{OWN.replace('@', '=40')}=3E=22?= <{OWN}>", {OWN}),
    "a comment in what would be a word": (f"=?utf-8?(c)q?ceo=40victim.example=2C?= <{OWN}>", set()),
    "two blanks in a local part": (f'(<"a  b"@victim.example>) <{OWN}>', {'a b"@victim.example', "b@victim.example"}),
    "no ASCII, dotted, loose brackets": (f'"社長@会社。例" < {OWN} >', {"社長@会社。例"}),
    "part with brackets": (f'"x, a <b> {CEO} y, z" <{OWN}>', set()),
    "an even number of escaped quotes": (rf'"a \"ceo@corp\" b" <{OWN}>', set()),
    "an empty quoted string alone": (f'"" <{OWN}> (ceo@corp)', set()),
    "an odd number of quotes behind the address": (f'<{OWN}> (ceo@corp ")', set()),
    "an escaped parenthesis and nothing before it": (rf'(\() "ceo@corp" <{OWN}>', set()),
    "in a comment that closes before odd quotes": (rf'(ceo@corp) "\"" <{OWN}>', set()),
    "a letter and blanks outside of odd quotes": (rf'"\"x X ceo@corp" <{OWN}>', {"ceo@corp"}),
    "half a letter that some take for an at sign": (f"{b_word(bytes([0x91, 0x40]), 'x-sjis')} <{OWN}>", set()),
    "what is cut to octets, a blank and a letter": (f"ļceoŀa X.exampleľ <{OWN}>", set()),
    "what is decoded and cut to octets, a blank and a letter": (f"{b_word('ļceoŀa X.exampleľ')} <{OWN}>", set()),
    "brackets in last octets of letters, and an address behind": (f"{b_word('ļaľceoŀvictim.exampleľ')} <{OWN}>", set()),
    "a handle outside of odd quotes": (rf'"\" @corp" <{OWN}>', set()),
    "before a parenthesis in a comment": (f"<{OWN}> (ceo@corp (x))", set()),
    "what is cut to octets, in quotes": (f'"ceo\u0140victim.example, x" <{OWN}>', set()),
    "what is cut to octets, in quotes that are cut": (
        f'"\u0122ceo\u0140victim.example, \u0122" <{OWN}>',
        {f"x{CEO}"},
    ),
    "what is cut to octets, in a comment": (f"<{OWN}> (ceo\u0140victim.example, x)", set()),
    "what is decoded and cut to octets": (f"{b_word('ceoŀvictim.example, x')} <{OWN}>", set()),
    "what is decoded and cut to octets, undotted": (f"{b_word('ļceoŀcorpľ')} <{OWN}>", set()),
    "what is cut to octets and has controls": (f"\u0101ceo\u0140victim.example <{OWN}>", {f"\x01{CEO}"}),
    "what is cut to octets and has a tab": (f"\u013cx\u0109ceo\u0140victim.example\u013e <{OWN}>", {f"x {CEO}"}),
    "what is cut to octets, before half a comment": (f"ceo\u0140victim.example\u0128\u0100<{OWN}>", {f"{CEO}(\0"}),
    "what is cut to octets and has quotes": (
        f"\u0122ceo\u0122\u0140victim.example <{OWN}>",
        {'ceo"@victim.example'},
    ),
    "what is cut to octets, beside the own address": (f'"Тимур, {OWN}" <{OWN}>', {OWN}),
    "what is cut to octets, beside the own address in other letters": (f'"สมชาย {OWN.upper()}" <{OWN}>', set()),
    "what is cut to octets, a quote and the own address": (f'"สมชาย {OWN}" <{OWN}>', set()),
    "doubtful with blanks": (
        f"{b_word(jis('<ceo @x.example>'), 'csISO2022JP')} <{OWN}>",
        {"ceo @x.example", "ceo@x.example"},
    ),
    "doubtful with quotes": (
        f"=?csISO2022JP?b?GyRCPCJjZW8iQHguZXhhbXBsZT4bKEI=?= <{OWN}>",
        {'ceo"@x.example', "ceo@x.example"},
    ),
    "doubtful beside the own address, of Japanese": (f"{b_word(jis('EDCf'), 'csISO2022JP')} <{OWN}> ({OWN})", set()),
    "doubtful beside the own address": (f'"=?x-sjis?q?=81=40=2C=20user1=40test-sample.jp?=" <{OWN}>', {OWN}),
    "a letter on both sides": (f'"X {CEO} X" <{OWN}>', set()),
    "a letter before the comma": (f"<{OWN}> ({CEO} X, y)", set()),
    "nothing before it, a comma at the end": (f"=?utf-8?q?ceo=40corp?= <{OWN}> (x,)", set()),
    "own address and a letter, in front": (f"(=?utf-8?q?=28?= {OWN}X) <{OWN}>", {f"{OWN}X", f"(({OWN}X)"}),
    "a letter and the own address, behind": (f"{OWN} (X{OWN} =?utf-8?q?=28?=)", {f"X{OWN}", f"(X{OWN}()"}),
    "a backslash": (rf'"x, \{CEO}" <{OWN}>', {CEO}),
    "nothing before the bang": (f'"<!ceo>" <{OWN}>', set()),
    "nothing behind the percent sign": (f'"<100%>" <{OWN}>', set()),
    "a letter at its end": (f'"x, ceoX@victim.example" <{OWN}>', {"ceoX@victim.example"}),
    "a blank that is none to NFKC": (f'"x, ceo\u1680@victim.example" <{OWN}>', set()),
    "undotted but for the sentence": (f'"x, User @ Company." <{OWN}>', set()),
    "words in brackets": (f'"<x {CEO} y>" <{OWN}>', {CEO}),
    "blanks beside a letter, decoded": (f"{b_word(f'a X {CEO}, x')} <{OWN}>", {CEO, f"aX{CEO}"}),
}


@pytest.mark.parametrize(("body", "hidden"), HIDDEN_TEXTS.values(), ids=HIDDEN_TEXTS.keys())
def test_what_hidden_addresses_gives(body: str, hidden: set[str]) -> None:
    assert {text.strip('" >') for text in hidden_addresses(one(body))} == hidden


@pytest.mark.parametrize("wide", "＠﹫")
@pytest.mark.parametrize(
    ("behind", "hidden"),
    [
        ("営業部", False),
        ("営", False),
        *((f"営業部{character}", True) for character in "amzAMZ059-.。．｡"),
        *((f"{character}営業部", True) for character in "~aZ9"),
        ("営業部 .", True),
        ("営業部  。東京", True),
        ("営業部 a", False),
        ("営業部，佐藤＠総務部", False),
        *((f"営業部{delimiter}1.a", False) for delimiter in "，：；（）＜＞＂﹐﹕﹔﹙﹚﹤﹥︐︓︔︵︶⁽⁾₍₎\u037e"),
        ("営業部・1", True),
        ("営業部，佐藤﹫総務部", False),
        ("営業部﹫総務部", False),
        ("営業部＠総務部", False),
    ],
)
def test_the_wide_at_sign_of_a_name(behind: str, wide: str, *, hidden: bool) -> None:
    """Law, 4: `山田@営業部` is a name; before a comma it is one only if no reader finds a dot or ASCII in it."""
    mailbox = one(f'"山田{wide}{behind}, 東京" <{OWN}>')
    assert any(hidden_addresses(mailbox)) is hidden


# What stands around the address (here ``#``) without quotes and comments, and what is found there.
AROUND: Final[dict[str, tuple[str, list[str]]]] = {
    "nothing": ("<#>", []),
    "a name": ("a, b <#>", []),
    "an at before it": (" x @ <#>", ["x @"]),
    "an at right before it": ("x@#", ["x@"]),
    "an at, then a letter": ("x@X <#>", []),
    "an at, then a no-break space": ("x@\u00a0<#>", []),
    "an at, then a no-break space, bare": ("x@\u00a0#", []),
    "a no-break space, then an at": ("\u00a0x@#", ["\u00a0x@"]),
    "a letter, then an at": ("Xx@# @X", ["Xx@"]),
    "brackets": ("<ceo@corp><#>", ["ceo@corp"]),
    "brackets, dotted": (f"<{CEO}> <#>", [CEO]),
    "several brackets": ("<ceo@corp> <b@x> <#>", ["ceo@corp"]),
    "a letter at its end, bare": (f"{CEO}X#", [f"{CEO}X"]),
    "brackets in brackets": ("<ceo@corp>> <#>", ["ceo@corp"]),
    "brackets without an at": ("a <black> <#>", ["a <black>"]),
    "bracket without an end": ("<black<#>", ["<black"]),
    "bracket without an end, at": ("<ceo@corp<#>", ["ceo@corp"]),
    "blanks in the brackets": (f"{CEO}, < # > a@b.c", [CEO, "a@b.c"]),
    "blanks in the brackets, an at": ("x@ < # > x@", ["x@", "x@"]),
    "address behind it": (f"<#> {CEO}", [CEO]),
    "behind it and a bracket": (f"<#>> {CEO}", [f">{CEO}"]),
    "a no-break space behind it": (f"#\u00a0>{CEO}", [f"\u00a0>{CEO}"]),
    "a letter behind it": (f"#X>{CEO}", [f"X>{CEO}"]),
    "words in a row": ("The ceo@victim.example Office; a@b <#>", ["Theceo@victim.exampleOffice"]),
}


@pytest.mark.parametrize(("around", "hidden"), AROUND.values(), ids=AROUND.keys())
def test_what_is_hidden_around_an_address(around: str, hidden: list[str]) -> None:
    """Law, 4: 'a reader that scans for brackets, ignores escapes or decodes first would take it as the author'."""
    mailbox = Mailbox(Address(OWN), unquoted=(around.replace("#", _HERE),))
    assert list(hidden_addresses(mailbox)) == hidden


@pytest.mark.parametrize(
    ("text", "with_at", "with_bracket"),
    [
        ("a", "a", "a"),
        ("a =?x?q?b?= c", "a x c", "a x c"),
        (
            "=?x?q?b?= c =?utf-8?q?d=40?= =?utf-8?q?e?= f =?utf-8?q?g?= =?utf-8?q?=3C?= h",
            "x c =?utf-8?q?d=40?= =?utf-8?q?e?= f x x h",
            "x c x x f x =?utf-8?q?=3C?= h",
        ),
        ("=?x?q?=40?=X=?x?q?a?=", "=?x?q?=40?=Xx", "xXx"),
        ("=?x?q?=40?=\u00a0=?x?q?a?=", "=?x?q?=40?=\u00a0x", "x\u00a0x"),
    ],
)
def test_words_apart(text: str, with_at: str, with_bracket: str) -> None:
    """Law, 4: 'a reader that […] decodes first would take it as the author', be it one that knows few charsets."""
    assert list(_words_left_out(text)) == [with_at, with_bracket]


@pytest.mark.parametrize(
    ("view", "form"),
    [
        ("Ａ＠ｂ", "A@b"),
        ("山田＠営業部", "山田＠営業部"),
        ("﹫営業部", "﹫営業部"),
        ("山田＠営業部，", "山田＠営業部,"),
        ("山田＠営業部.", "山田@営業部."),
        ("山田＠営業部  .", "山田@営業部  ."),
        ("ａ＠営業部ａ", "a@営業部a"),
        ("＠a営業部", "@a営業部"),
        ("a＠営業部＠総務部", "a＠営業部＠総務部"),
    ],
)
def test_nfkc_of_a_view(view: str, form: str) -> None:
    """Law, 4: 'The test runs over the raw text, […] and its NFKC form', but for the wide at sign of a name."""
    assert _nfkc(view) == form


@pytest.mark.parametrize(
    ("view", "left"),
    [
        ("", ""),
        ("a", "a"),
        ("a(b)c", "ac"),
        ("a(b(c)d)e", "ae"),
        ("(((a)))b(c)d", "bd"),
        ("a)b))c(d)e", "abce"),
        ("a(b", "a"),
        ("a((b)c", "a"),
    ],
)
def test_what_is_left_without_comments(view: str, left: str) -> None:
    """RFC 5322, 3.2.2: comments nest."""
    assert _without_comments(view) == left


@pytest.mark.parametrize(
    ("view", "left"),
    [
        ("", ""),
        ('a"b"c', "axc"),
        ('"a\\"b"c', "xc"),
        ('"a"@b', '"a"@b'),
        ('"a" @b', '"a" @b'),
        ('a"b', 'a"b'),
        ("a(b)c", "ac"),
        ("a(b(c)d)e", "ae"),
        ("a(\\))e", "ae"),
        ("a\\(b)c", "a\\(b)c"),
        ('a"(b)"c', "axc"),
        ('a("b)"c', 'a"c'),
        ('a(b "c"', 'a(b "c"'),
    ],
)
def test_what_is_left_without_quotes(view: str, left: str) -> None:
    """RFC 5322, 3.2.2 and 3.2.4; a comment without an end is none to anybody who goes on reading."""
    assert _unquoted(view) == left


SHOWN: Final = {
    "quoted": (f'"{CEO}" <{OWN}>', [CEO]),
    "in words": (f'"Boss {CEO} Tokyo" <{OWN}>', [CEO]),
    "apostrophes": (f"\"'{CEO}'\" <{OWN}>", [CEO]),
    "comment": (f"{OWN} ({CEO})", [CEO]),
    "comment behind the brackets": (f"Me <{OWN}> ({CEO})", [CEO]),
    "decoded": (f'"{b_word(CEO)}" <{OWN}>', [CEO]),
    "full-width at": (f"ceo＠victim.example <{OWN}>", [CEO]),
    "escaped at": (rf'"ceo\@victim.example" <{OWN}>', [CEO]),
    "full-width dot": (f'"ceo@victim．example" <{OWN}>', [CEO]),
    "final dot": (f'"{CEO}." <{OWN}>', [CEO]),
    "literal": (f'"ceo@[192.0.2.1]" <{OWN}>', ["ceo@[192.0.2.1]"]),
    "quoted local part": (f'{OWN} ("c e"@victim.example)', ['"c e"@victim.example']),
    "decoded word before it, in quotes": (f'"=?utf-8?q?X?= {CEO}" <{OWN}>', [CEO]),
    "comment in it": (f'"ceo(x)@victim.example" <{OWN}>', [CEO]),
    "half a letter": (f'"{DOUBTFUL}" <{OWN}>', ["ceo\ufffd@victim.example"]),
    "half a letter before a number": (f"=?cp932?B?jlKTY4FATm8uMYFAl1yS6A==?= <{OWN}>", []),
    "wide quotes": (f'"＂ceo＂@victim.example" <{OWN}>', [CEO]),
    "undotted": (f'"ceo@victim" <{OWN}>', []),
    "short domain": (f'"ceo@X.XX" <{OWN}>', ["ceo@X.XX"]),
    "undotted but for the sentence": (f'"ceo@victim." <{OWN}>', []),
    "handle": (f'"@handle.example" <{OWN}>', []),
    "User @ Company": (f'"User @ Company.example" <{OWN}>', []),
    "department": (f'"山田@営業部" <{OWN}>', []),
    "no at": (f'"victim.example" <{OWN}>', []),
}


@pytest.mark.parametrize(("body", "shown"), SHOWN.values(), ids=SHOWN.keys())
def test_what_a_name_shows(body: str, shown: list[str]) -> None:
    """Law, 4: 'A dotted domain is needed to count as an address'."""
    found = set(shown_addresses(one(body)))
    assert found.issuperset(shown)
    assert bool(found) is bool(shown)


def test_without_the_own_address() -> None:
    """Law, 4: '"foreign" means: neither the login nor an exact grant', in any letter case of ASCII and no other."""
    assert _without_own(f"a {OWN}, {OWN.upper()} <{OWN}>", Address(OWN)) == "a own, own <own>"
    for other in (f"x{OWN}", f"{OWN}x", f"{OWN}@x", f"{OWN}.example"):
        assert _without_own(other, Address(OWN)) == other
    assert _without_own("\u212a@d.example k@d.example", Address("k@d.example")) == "\u212a@d.example own"
    assert _without_own("k@d.example", Address("\u212a@d.example")) == "k@d.example"
    assert _without_own("é@d.example É@d.example", Address("é@d.example")) == "own É@d.example"


@pytest.mark.parametrize("brackets", ["（）", "＜＞", "()", "；：", "\u207d\u207e", '"(" ")"'])
def test_brackets_are_no_part_of_what_a_name_shows(brackets: str) -> None:
    """Law, 4: 'a spoof to the eye', which sees where a wide bracket is."""
    half = len(brackets) // 2
    name = f"山田{brackets[:half]}{OWN}{brackets[half:]}様"
    assert set(shown_addresses(one(f'"{name}" <{OWN}>'))) == {OWN}


def test_an_empty_quoted_string_behind_a_comma_is_in_no_phrase() -> None:
    """Law, 4: '`""` as name' is allowed, and `山田@営業部` is a name, whoever stands behind it in the list."""
    policy = attrs.evolve(SUBMISSION, multiple_authors="all_must_match")
    assert asked(f'"山田@営業部" <{OWN}>, "" <{OWN}>', policy).decision is Action.ACCEPT


def test_a_name_shows_quotes_that_are_decoded() -> None:
    """Law, 4: 'a spoof to the eye', which sees the quotes as they stand."""
    assert '"c e"@victim.example' in shown_addresses(one(f"=?utf-8?q?=22c_e=22=40victim.example?= <{OWN}>"))


def test_decoding_ends_after_three_times() -> None:
    """Law, 4: 'the decoded text (repeated to a small fixed depth […])'."""
    encoded = f"<{CEO}>"
    for times in range(1, 5):
        encoded = b_word(encoded)
        findings = asked(f"{encoded} <{OWN}>").findings
        assert [finding.rule for finding in findings] == (["hidden-address"] if times <= 3 else [])


def test_characters_of_what_is_no_chance() -> None:
    """Law, 4: 'A dotted domain is needed', where octets of letters might be an address by chance."""
    letters = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    in_labels = letters | set("0123456789-_")
    for view, needed in (
        ("{}@b.cc", in_labels | set("!#$%&'*+/=?^`{|}~.\")")),
        ("a@{}.cc", in_labels),
        ("a@b.{}.cc", in_labels),
        ("a@b.{}c", letters),
        ("a@b.c{}", letters),
    ):
        assert {c for c in PRINTABLE if SURE_ADDRESS.search(view.format(c))} == needed
    assert {c for c in PRINTABLE if SURE_ADDRESS.search(f"a@b{c}cc")} == {"."}
    assert {c for c in PRINTABLE if SURE_ADDRESS.search(f"a{c}b.cc")} == {"@"}
    assert SURE_ADDRESS.search(" a@b-c.d_e.ff ")
    assert SURE_ADDRESS.search("a\ufffd@b.cc")  # half a letter
    assert not SURE_ADDRESS.search("\ufffd@b.cc")
    assert not SURE_ADDRESS.search("a@b.cc.1")


@pytest.mark.parametrize("body", [body for body, shown in SHOWN.values() if shown])
def test_shown_addresses_are_an_advisory_and_refused_on_request(body: str) -> None:
    """Law, 4: 'one mailbox to every parser, but a spoof to the eye'."""
    verdict = asked(body)
    assert verdict.decision is Action.ACCEPT
    assert len(verdict.advisories) == 1
    refused = asked(body, attrs.evolve(SUBMISSION, display_name="reject"))
    assert [finding.reason for finding in refused.findings] == [Reason.DISPLAY_NAME_SPOOF]
    ignored = asked(body, attrs.evolve(SUBMISSION, display_name="ignore"))
    assert (ignored.findings, ignored.advisories) == ((), ())


NOT_FOREIGN: Final = {
    "grant shown": (f'"{CEO}" <{OWN}>', (CEO,)),
    "grant in brackets": (f'"<{CEO}>" <{OWN}>', (CEO,)),
    "grant beside a comma, encoded": (f"{b_word(f'{CEO}, Boss')} <{OWN}>", (CEO,)),
    "own address from an alias": (f'"<{OWN}>" <{CEO}>', (CEO,)),
    "own address in apostrophes after a colon": (f"\"Reply to: '{OWN}'\" <{OWN}>", ()),
    "own address in apostrophes before a comma": (f"\"'{OWN}', Sales\" <{OWN}>", ()),
}


@pytest.mark.parametrize(("body", "aliases"), NOT_FOREIGN.values(), ids=NOT_FOREIGN.keys())
def test_own_addresses_and_exact_grants_are_not_foreign(body: str, aliases: tuple[str, ...]) -> None:
    """Law, 4: 'For both rows "foreign" means: neither the login nor an exact grant'."""
    verdict = asked(body, aliases=aliases)
    assert (verdict.findings, verdict.advisories) == ((), ())


@pytest.mark.parametrize("alias", ["*", "@victim.example"])
def test_wide_grants_do_not_make_an_address_ones_own(alias: str) -> None:
    """Law, 4: '`*` and `@domain` do not count'."""
    assert asked(f'"<{CEO}>" <{OWN}>', aliases=(alias,)).reason is Reason.FROM_HIDDEN_ADDRESS
    assert len(asked(f'"{CEO}" <{OWN}>', aliases=(alias,)).advisories) == 1


def test_punctuation_around_what_a_name_shows() -> None:
    """Law, 4: 'a spoof to the eye', which reads over punctuation."""
    for body in (f'"x {{0}}{CEO}{{0}} y" <{OWN}>', f"Me <{OWN}> (x {{0}}{CEO}{{0}} y)"):
        bodies = {c: body.format(c) for c in PRINTABLE if c not in '"()'}
        alone = {c for c, filled in bodies.items() if CEO in shown_addresses(one(filled))}
        assert alone == set(" !'*,.:;<>?[\\]`")


def test_what_splits_a_name() -> None:
    """Law, 4: '*extractable*: inside `<…>`, or beside a `,` `;` `:`'."""
    names = (f"x {{0}}{CEO}{{0}} y", f"x {CEO} {{}} y", f"x {{}} {CEO} y", f"x {CEO} y{{}} z")
    for body in (f'"{name}" <{OWN}>' for name in names):
        found = {c: set(hidden_addresses(one(body.format(c)))) for c in PRINTABLE if c != '"'}
        assert {c for c, hidden in found.items() if hidden == {CEO}} - set("<>") == set(",:;")
        assert {c for c, hidden in found.items() if hidden} - set("<>") == set(",:;")

"""The sessions that every mail server goes through, the client that plays them, and the page that compares the servers.

A server's test module plays each of `SESSIONS` with `play`, compares what the
client saw with `expected`, gives what is stored of each accepted message to
`judge_again`, and at last its outcomes to `check_column`, which compares them
with ``docs/reference/servers.md`` (with ``SENDERTRUST_WRITE_PAGES=1`` it writes them there).

An outcome is a line such as ``MAIL 550 5.7.1 Sender <…> is not allowed…``: the
step that decided about a message and the reply to it; ``DATA 250`` is a
message that was accepted, in whatever words.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Self, TypeAlias

import attrs

from sendertrust import (
    SUBMISSION,
    UNSEEN,
    Aliases,
    Policy,
    Reason,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)
from sendertrust.maps import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ME: Final = "user1@test-sample.jp"
OTHER: Final = "user2@test-sample.jp"
SALES: Final = "sales@test-sample.jp"
BOSS: Final = "boss@test-sample.jp"
VICTIM: Final = "ceo@victim.example"
PASSWORDS: Final = {ME: "user1234", OTHER: "user5678"}

#: What the maps say: file name (the ending tells the format), text.
MAPS: Final = {
    "senders": f"{SALES} {ME}\n",
    "delegates.csv": f"login,address,right\n{ME},{BOSS},on-behalf-of\n{ME},info@xn--r8jz45g.jp,send-as\n",
}

#: Where all messages go; the local part tells the session and the message.
INBOX: Final = "inbox.example"

TIMEOUT: Final = 20.0  # a server that says nothing for so long is broken; no test waits for it otherwise

Differences: TypeAlias = "Mapping[str, tuple[Sequence[str], str]]"


@attrs.frozen
class Message:
    """One mail transaction."""

    #: The path as written after ``MAIL FROM:``.
    path: bytes
    #: Header block and body with CRLF, not yet dot-stuffed.
    content: bytes
    #: What the library says: where it decides, and why.
    stage: Stage = Stage.DATA
    reason: Reason = Reason.OK
    #: The ESMTP parameters that follow the path.
    parameters: bytes = b""
    #: After this step the client says RSET, and sends no message.
    reset_after: Literal["MAIL", "RCPT"] | None = None


@attrs.frozen
class Session:
    """One connection."""

    id: str
    shows: str
    messages: tuple[Message, ...]
    login: str | None = ME
    #: Another one than the account's.
    password: str | None = None
    #: Commands go out together, and the next ones with the message before (RFC 2920).
    pipelined: bool = False

    @property
    def logged_in(self) -> str | None:
        """Who the server knows the client to be."""
        return None if self.password else self.login

    def recipient(self, number: int) -> str:
        """Give the recipient of a message, which no other has."""
        return f"{self.id}-{number}@{INBOX}"


def _text(header: str | bytes, body: bytes = b"test.\r\n") -> bytes:
    octets = header.encode() if isinstance(header, str) else header
    return b"Subject: test\r\n" + octets + b"\r\nTo: <user2@test-sample.jp>\r\n\r\n" + body


def _at_data(header: str | bytes, reason: Reason = Reason.OK, path: str = ME, parameters: bytes = b"") -> Message:
    return Message(f"<{path}>".encode(), _text(header), Stage.DATA, reason, parameters)


def _at_mail(path: str, reason: Reason, parameters: bytes = b"") -> Message:
    return Message(path.encode(), _text(f"From: <{ME}>"), Stage.MAIL, reason, parameters)


def _raw(content: bytes, reason: Reason = Reason.HEADERS_MALFORMED) -> Message:
    return Message(f"<{ME}>".encode(), content, Stage.DATA, reason)


def _one(session_id: str, shows: str, message: Message, login: str | None = ME) -> Session:
    return Session(session_id, shows, (message,), login)


_OWN: Final = f"From: <{ME}>"
_FOREIGN: Final = f"From: <{VICTIM}>"
_UTF8: Final = b" SMTPUTF8"
_BODY_10_MB: Final = (b"x" * 998 + b"\r\n") * 10_000

SESSIONS: Final = (
    Session(
        "e-post",
        "the E-Post document's session",
        (
            _at_mail(f"<{OTHER}>", Reason.ENVELOPE_MISMATCH),
            _at_data(f"from: <{OTHER}>", Reason.FROM_MISMATCH),
            _at_data(f"from: <{ME}>"),
        ),
    ),
    _one("other-case", "own address in capitals", _at_data(f"FROM: <{ME.upper()}>", path=ME.upper())),
    _one("alias", "an alias in envelope and From", _at_data(f"From: <{SALES}>", path=SALES)),
    _one("alias-in-from", "an alias in From alone", _at_data(f"From: Sales <{SALES}>")),
    _one("alias-of-another", "somebody else's alias", _at_mail(f"<{SALES}>", Reason.ENVELOPE_MISMATCH), OTHER),
    _one(
        "alias-of-another-in-from",
        "somebody else's alias in From",
        _at_data(f"From: <{SALES}>", Reason.FROM_MISMATCH, OTHER),
        OTHER,
    ),
    _one("on-behalf", "From of the boss, Sender of the secretary", _at_data(f"From: Boss <{BOSS}>\r\nSender: <{ME}>")),
    _one("on-behalf-hidden", "the same without Sender", _at_data(f"From: Boss <{BOSS}>", Reason.FROM_MISMATCH)),
    _one("null-sender", "null path, own From", _at_data(_OWN, path="")),
    _one("null-sender-foreign-from", "null path, foreign From", _at_data(_FOREIGN, Reason.FROM_MISMATCH, "")),
    _one("envelope-percent", "a foreign path with %", _at_mail("<100%s@victim.example>", Reason.ENVELOPE_MISMATCH)),
    _one(
        "envelope-route",
        "a source route before the own path",
        _at_mail(f"<@a.example:{ME}>", Reason.ENVELOPE_MALFORMED),
    ),
    _one("envelope-blanks", "blanks inside the path", _at_mail(f"< {ME} >", Reason.ENVELOPE_MALFORMED)),
    _one("envelope-unclosed", "a path that is not closed", _at_mail(f"<{ME}", Reason.ENVELOPE_MALFORMED)),
    _one("envelope-quoted", 'the own path as `"user1"@…`', _at_data(_OWN, path='"user1"@test-sample.jp')),
    _one(
        "envelope-quoted-address",
        '`"ceo@victim.example"@test-sample.jp` as path',
        _at_mail(f'<"{VICTIM}"@test-sample.jp>', Reason.ENVELOPE_MALFORMED),
    ),
    _one("from-quoted", 'the own address as `"user1"@…`', _at_data('From: <"user1"@test-sample.jp>')),
    _one(
        "from-quoted-address",
        '`"ceo@victim.example"@test-sample.jp` in From',
        _at_data(f'From: <"{VICTIM}"@test-sample.jp>', Reason.FROM_MALFORMED),
    ),
    _one("from-foreign", "a foreign From", _at_data(_FOREIGN, Reason.FROM_MISMATCH)),
    _one("from-duplicate", "own From, then a foreign one", _at_data(f"{_OWN}\r\n{_FOREIGN}", Reason.FROM_DUPLICATE)),
    _one(
        "from-duplicate-reversed",
        "foreign From, then the own one",
        _at_data(f"{_FOREIGN}\r\n{_OWN}", Reason.FROM_DUPLICATE),
    ),
    _one(
        "from-spaced",
        "`From :` foreign, then the own From",
        _at_data(f"From : <{VICTIM}>\r\n{_OWN}", Reason.FROM_DUPLICATE),
    ),
    _one(
        "from-spaced-second",
        "own From, then `From :` foreign",
        _at_data(f"{_OWN}\r\nFrom : <{VICTIM}>", Reason.FROM_DUPLICATE),
    ),
    _one("from-spaced-alone", "`From :` own, and no other", _at_data(f"From : <{ME}>", Reason.HEADERS_MALFORMED)),
    _one("from-folded", "own From, folded twice", _at_data(f'From:\r\n "User One"\r\n\t<{ME}>')),
    _one(
        "from-folded-foreign",
        "own address as a folded name",
        _at_data(f'From: "{ME}"\r\n <{VICTIM}>', Reason.FROM_MISMATCH),
    ),
    _one("from-in-fold", "a folded line that looks like From", _at_data(f"X-Note: hello\r\n {_FOREIGN}\r\n{_OWN}")),
    _one("from-group", "a group", _at_data(f"From: team: {ME};", Reason.FROM_GROUP)),
    _one("from-multiple", "two mailboxes", _at_data(f"From: {ME}, {VICTIM}", Reason.FROM_MULTIPLE)),
    _one("from-encoded-word", "an honest encoded-word", _at_data(f"From: =?utf-8?b?5bGx55Sw?= <{ME}>")),
    _one(
        "from-encoded-word-hiding",
        "an encoded-word that hides `<ceo@victim.example>`",
        _at_data(f"From: =?utf-8?q?=3Cceo=40victim=2Eexample=3E?= <{ME}>", Reason.FROM_HIDDEN_ADDRESS),
    ),
    _one(
        "from-name-hiding",
        "a quoted name that hides it",
        _at_data(f'From: "<{VICTIM}>" <{ME}>', Reason.FROM_HIDDEN_ADDRESS),
    ),
    _one("from-missing", "no From", _raw(b"Subject: test\r\n\r\ntest.\r\n", Reason.FROM_MISSING)),
    _one("header-missing", "no header at all", _raw(b"\r\ntest.\r\n", Reason.FROM_MISSING)),
    _one("utf8-name", "a name in UTF-8, with SMTPUTF8", _at_data(f"From: 山田 <{ME}>", parameters=_UTF8)),
    _one("utf8-name-unannounced", "a name in UTF-8, without SMTPUTF8", _at_data(f"From: 山田 <{ME}>")),
    _one(
        "utf8-domain",
        "a granted U-label in envelope and From",
        _at_data("From: <info@例え.jp>", path="info@例え.jp", parameters=_UTF8),
    ),
    _one(
        "utf8-domain-mixed",
        "A-label in the envelope, U-label in From",
        _at_data("From: <info@例え.jp>", path="info@xn--r8jz45g.jp", parameters=_UTF8),
    ),
    _one("utf8-domain-foreign", "a foreign U-label", _at_mail("<info@例え.test>", Reason.ENVELOPE_MISMATCH, _UTF8)),
    _one("block-bare-lf", "a bare LF before a foreign From", _raw(_text(f"{_OWN}\r\nX-Note: hello\n{_FOREIGN}"))),
    _one("block-bare-cr", "a bare CR before a foreign From", _raw(_text(f"{_OWN}\r\nX-Note: hello\r{_FOREIGN}"))),
    _one("block-nul", "NUL in From", _raw(_text(f"From: a\0b <{ME}>"))),
    _one("block-leading-fold", "a first line that continues nothing", _raw(b" folded\r\n" + _text(_OWN))),
    _one(
        "block-blank-fold",
        "a folded line of blanks, then a foreign From",
        _raw(_text(f"{_OWN}\r\nX-Note: hello\r\n \r\n{_FOREIGN}")),
    ),
    _one(
        "block-no-field", "a line that is no field, then a foreign From", _raw(_text(f"{_OWN}\r\nhello\r\n{_FOREIGN}"))
    ),
    _one("block-utf8-name", "a field name in UTF-8", _raw(_text(f"{_OWN}\r\nX-Nöte: hello"))),
    _one("block-long-line", "a line of more than 998 octets", _raw(_text(f"{_OWN}\r\nX-Note: {'x' * 1500}"))),
    _one("block-unended", "a body without the empty line before it", _raw(f"{_OWN}\r\ntest.\r\n".encode())),
    _one("ten-megabytes", "10 MB, own From", Message(f"<{ME}>".encode(), _text(_OWN, _BODY_10_MB))),
    _one(
        "ten-megabytes-foreign",
        "10 MB, foreign From",
        Message(f"<{ME}>".encode(), _text(_FOREIGN, _BODY_10_MB), reason=Reason.FROM_MISMATCH),
    ),
    Session(
        "several",
        "several messages on a connection",
        (
            _at_data(_OWN),
            _at_data(_FOREIGN, Reason.FROM_MISMATCH),
            _at_mail(f"<{VICTIM}>", Reason.ENVELOPE_MISMATCH),
            _at_data(f"From: <{SALES}>", path=SALES),
        ),
    ),
    Session(
        "pipelined",
        "the same, pipelined",
        (
            _at_data(_OWN),
            _at_data(_FOREIGN, Reason.FROM_MISMATCH),
            _at_mail(f"<{VICTIM}>", Reason.ENVELOPE_MISMATCH),
            _at_data(f"From: <{SALES}>", path=SALES),
        ),
        pipelined=True,
    ),
    Session(
        "reset",
        "RSET between: nothing is left of what came before",
        (
            attrs.evolve(_at_data(_OWN), reset_after="MAIL"),
            _at_mail(f"<{VICTIM}>", Reason.ENVELOPE_MISMATCH),
            attrs.evolve(_at_data(_OWN, path=SALES), reset_after="RCPT"),
            _at_data(_FOREIGN, Reason.FROM_MISMATCH),
            _at_data(_OWN),
        ),
    ),
    Session(
        "wrong-password",
        "a wrong password, and MAIL all the same",
        (_at_mail(f"<{ME}>", Reason.NOT_AUTHENTICATED),),
        password="wrong",  # noqa: S106 - it is
    ),
    _one("no-login", "no AUTH", _at_mail(f"<{ME}>", Reason.NOT_AUTHENTICATED), None),
    _one("no-login-null-sender", "no AUTH, null path", _at_mail("<>", Reason.NOT_AUTHENTICATED), None),
)

# --- what the library says


def aliases(login: str | None) -> Aliases:
    """Give what `MAPS` let a login send as."""
    formats = {"senders": "postfix", "delegates.csv": "csv"}
    maps = [parse(text, formats[name], source=name) for name, text in MAPS.items()]
    return Aliases.union(*(one.may(login) for one in maps)) if login else Aliases()


def write_maps(folder: Path) -> list[str]:
    """Write `MAPS` as files, and give their names."""
    for name, text in MAPS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in MAPS]


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """Give a folder that a server's own user reaches.

    It is not one of pytest's: whenever pytest starts anew on this machine, it
    takes that right from the folder that all of its own are in.
    """
    with tempfile.TemporaryDirectory(prefix="sendertrust-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def judge(login: str | None, message: Message, policy: Policy = SUBMISSION, level: TrustLevel | None = None) -> Verdict:
    """Judge a message as it came over the wire: at MAIL, and if it passes there, at DATA."""
    granted = aliases(login)
    verdict = check(login, message.path, UNSEEN, granted, policy=policy, level=level)
    if verdict.allowed and not message.reset_after:
        verdict = check_message(login, message.path, message.content, granted, policy=policy, level=level)
    return verdict


def judge_again(
    login: str | None,
    message: Message,
    stored: bytes,
    *,
    line_ends: Literal["crlf", "lf"],
    policy: Policy = SUBMISSION,
    level: TrustLevel | None = None,
    path: str | None = None,
) -> None:
    """Judge an accepted message as it is stored: what reached the queue is what was judged.

    *path* is the stored path, if the server tells it.
    """
    verdict = check_message(
        login,
        message.path if path is None else path,
        stored,
        aliases(login),
        policy=policy,
        level=level,
        line_ends=line_ends,
    )
    assert verdict.allowed, (verdict, stored[:2000])


def expected(session: Session, policy: Policy = SUBMISSION, level: TrustLevel | None = None) -> list[str]:
    """Give the outcomes of a session by the library alone."""
    outcomes = ["AUTH 535"] if session.password else []
    for message in session.messages:
        verdict = judge(session.logged_in, message, policy, level)
        if not verdict.allowed:
            outcomes.append(f"{verdict.stage.name} {reply_for(verdict)}")
        else:
            outcomes.append("RSET 250" if message.reset_after else "DATA 250")
    return outcomes


# --- the client


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the certificate is made for the test
    return context


_TLS: Final = _tls()  # once, for all clients
_ENHANCED: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3} ")


class Client:
    """Says exact octets over a socket, and reads replies; takes up STARTTLS where AUTH needs it."""

    def __init__(self, port: int) -> None:
        """Connect, and say EHLO."""
        self._socket: socket.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._replies: BinaryIO = self._socket.makefile("rb")
        try:
            self.read()
            offered = self.say(b"EHLO client.example")
            if "STARTTLS" in offered and "AUTH" not in offered:
                self.say(b"STARTTLS")
                self._socket = _TLS.wrap_socket(self._socket)
                self._replies = self._socket.makefile("rb")
                self.say(b"EHLO client.example")
        except BaseException:
            self.close()
            raise

    def read(self) -> str:
        """Read one reply; its lines come joined, the code and the enhanced code (RFC 2034 4) once."""
        text: list[str] = []
        while True:
            line = self._replies.readline()
            if not line.endswith(b"\n"):
                msg = f"the server hung up after {text or 'its last reply'}"
                raise ConnectionError(msg)
            text.append(line.rstrip(b"\r\n").decode("utf-8", "backslashreplace"))
            if text[-1][3:4] != "-":
                first, *more = (part[4:] for part in text)
                enhanced = match[0] if (match := _ENHANCED.match(first)) else ""
                return " ".join([text[0][:3], first, *(part.removeprefix(enhanced) for part in more)]).strip()

    def write(self, octets: bytes) -> None:
        """Send octets as they are."""
        self._socket.sendall(octets)

    def say(self, line: bytes) -> str:
        """Send a command, and read the reply."""
        self.write(line + b"\r\n")
        return self.read()

    def log_in(self, login: str, password: str) -> str:
        """Authenticate with PLAIN."""
        return self.say(b"AUTH PLAIN " + base64.b64encode(f"\0{login}\0{password}".encode()))

    def close(self) -> None:
        """Hang up."""
        self._replies.close()
        self._socket.close()

    def __enter__(self) -> Self:
        """Close it at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def stuffed(content: bytes) -> bytes:
    """Give a message as it follows DATA, its end included (RFC 5321 4.5.2)."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def play(port: int, session: Session) -> list[str]:
    """Play a session, and give the outcome of each message; a server that hangs up is ``CLOSED``."""
    outcomes: list[str] = []
    with contextlib.suppress(BrokenPipeError, ConnectionResetError), Client(port) as client:
        try:
            if session.login is not None:
                said = client.log_in(session.login, session.password or PASSWORDS[session.login])
                if not said.startswith("235"):
                    outcomes.append(f"AUTH {said}")
            (_play_pipelined if session.pipelined else _play)(client, session, outcomes)
            client.write(b"QUIT\r\n")
        except ConnectionError:
            outcomes.append("CLOSED")
    return outcomes


def _commands(session: Session, number: int) -> list[tuple[str, bytes]]:
    message = session.messages[number]
    return [
        ("MAIL", b"MAIL FROM:" + message.path + message.parameters),
        ("RCPT", f"RCPT TO:<{session.recipient(number)}>".encode()),
        ("DATA", b"DATA"),
    ]


def _play(client: Client, session: Session, outcomes: list[str]) -> None:
    for number, message in enumerate(session.messages):
        for step, command in _commands(session, number):
            said = client.say(command)
            if said[0] not in "23":
                outcomes.append(f"{step} {said}")
                client.say(b"RSET")
                break
            if step == message.reset_after:
                outcomes.append("RSET " + client.say(b"RSET"))
                break
        else:
            client.write(stuffed(message.content))
            outcomes.append("DATA " + client.read())


def _play_pipelined(client: Client, session: Session, outcomes: list[str]) -> None:
    waiting = b""  # the message that goes out together with the next commands
    for number, message in enumerate(session.messages):
        commands = _commands(session, number)
        client.write(waiting + b"".join(command + b"\r\n" for _, command in commands))
        if waiting:
            outcomes.append("DATA " + client.read())
        said = [(step, client.read()) for step, _ in commands]
        refused = [f"{step} {reply}" for step, reply in said if reply[0] not in "23"]
        outcomes += refused[:1]
        # A server may let DATA follow although all else was refused (RFC 2920 3.1): then nothing is sent.
        waiting = stuffed(message.content) if not refused else b""
        if refused and said[-1][1].startswith("354"):
            client.write(b".\r\n")
            client.read()
        if refused and number + 1 < len(session.messages):
            client.say(b"RSET")
    if waiting:
        client.write(waiting)
        outcomes.append("DATA " + client.read())


def agree(seen: Sequence[str], wanted: Sequence[str]) -> bool:
    """Say whether outcomes are the expected ones: the words of an acceptance, and of AUTH, are the server's."""
    free = ("DATA 250", "RSET 250", "AUTH 535")
    return len(seen) == len(wanted) and all(
        one == other or (other in free and one.startswith(other)) for one, other in zip(seen, wanted, strict=True)
    )


def check_session(
    session: Session,
    seen: Sequence[str],
    differences: Differences,
    policy: Policy = SUBMISSION,
    level: TrustLevel | None = None,
) -> None:
    """Compare what the client saw with what the library says, or with the patterns of the server's own difference."""
    wanted = expected(session, policy, level)
    if session.id not in differences:
        assert agree(seen, wanted), f"{session.id}: saw {seen}, the library says {wanted}"
        return
    patterns, _ = differences[session.id]
    same = len(seen) == len(patterns) and all(map(re.fullmatch, patterns, seen))
    assert same, f"{session.id}: saw {seen}, the difference says {patterns}"
    assert not agree(seen, wanted), f"{session.id}: no difference any more"


def accepted(session: Session, seen: Sequence[str]) -> list[tuple[str, Message]]:
    """Give the recipient and the message of each acceptance."""
    outcomes = [outcome for outcome in seen if not outcome.startswith("AUTH ")]
    return [
        (session.recipient(number), session.messages[number])
        for number, outcome in enumerate(outcomes)
        if outcome.startswith("DATA 250")
    ]


# --- the page

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "servers.md"

_LIBRARY: Final = "library"
#: The columns of the table: how a test calls its server, and how the page does.
COLUMNS: Final = {
    _LIBRARY: "The library",
    "postfix-milter": "Postfix, milter",
    "postfix-policy": "Postfix, policy",
    "exim": "Exim",
    "opensmtpd": "OpenSMTPD",
    "aiosmtpd": "aiosmtpd",
}
_OUTCOME: Final = re.compile(r"([A-Z]+)(?: ([2-5][0-9]{2}(?: [245]\.[0-9]+\.[0-9]+)?))?.*")
_TABLE: Final = re.compile(r"^\| Session \| What.*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)


def cell(outcomes: Sequence[str]) -> str:
    """Give the outcomes of a session as they stand in the table: the step, the code and the enhanced code."""
    return "; ".join(_short(outcome) for outcome in outcomes)


def _short(outcome: str) -> str:
    match = _OUTCOME.fullmatch(outcome)
    assert match, outcome
    if match[1] == "DATA" and outcome.startswith("DATA 250"):
        return "accepted"
    if match[1] == "RSET":
        return "reset"
    return " ".join(part for part in match.groups() if part)


def _rows(page: str) -> dict[str, dict[str, str]]:
    """Read the table: for each session the cell of each column."""
    table = _TABLE.search(page)
    lines = table[1].splitlines() if table else []
    cells = [[part.strip() for part in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("`"): dict(zip(COLUMNS, row[2:], strict=True)) for row in cells}


def _table(rows: Mapping[str, Mapping[str, str]]) -> str:
    head = "| Session | What it shows | " + " | ".join(COLUMNS.values()) + " |\n"
    text = head + "|---|---|" + "---|" * len(COLUMNS) + "\n"
    for session in SESSIONS:
        found = {_LIBRARY: cell(expected(session)), **rows.get(session.id, {})}
        found[_LIBRARY] = cell(expected(session))
        cells = [f"`{session.id}`", session.shows, *(found.get(column, "–") for column in COLUMNS)]
        text += "| " + " | ".join(cells) + " |\n"
    return text


def _section(server: str, differences: Differences) -> str:
    lines = [f"### {COLUMNS[server]}\n\n", "| Session | Why it differs |\n|---|---|\n"]
    lines += [
        f"| `{session.id}` | {differences[session.id][1]} |\n" for session in SESSIONS if session.id in differences
    ]
    return "".join(lines) if differences else f"### {COLUMNS[server]}\n\nNo difference.\n"


def _section_of(server: str) -> re.Pattern[str]:
    return re.compile(rf"^### {re.escape(COLUMNS[server])}\n\n(?:.+\n)*", re.MULTILINE)


def check_column(server: str, seen: Mapping[str, Sequence[str]], differences: Differences) -> None:
    """Compare a server's column of the page, and its reasons for differences, with what was seen and is known."""
    page = PAGE.read_text(encoding="utf-8")
    cells = {session_id: cell(outcomes) for session_id, outcomes in seen.items()}
    if os.environ.get("SENDERTRUST_WRITE_PAGES"):
        rows = _rows(page)
        rows = {session.id: {**rows.get(session.id, {}), server: cells[session.id]} for session in SESSIONS}
        page = _TABLE.sub(lambda _: _table(rows), page)
        page = _section_of(server).sub(lambda _: _section(server, differences), page)
        PAGE.write_text(page, encoding="utf-8")
    assert {session_id: row[server] for session_id, row in _rows(page).items()} == cells
    assert _section(server, differences) in page

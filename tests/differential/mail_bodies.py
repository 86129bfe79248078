"""What the readers are asked: From bodies and header blocks, honest and hostile, made from a seed.

Most are built so that sendertrust might accept them, since a refused body is
no question: an own address with something hostile around it, in quotes, in
comments, in encoded-words, and then a few edits that break it a little.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import random
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sendertrust import SUBMISSION, TrustLevel, testing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

    from sendertrust.testing import Vector

OWN: Final = "user1@test-sample.jp"
OWN_INTERNATIONAL: Final = "user1@日本語.jp"
FOREIGN: Final = "ceo@victim.example"

TESTS: Final = Path(__file__).parents[1]

_SPELLINGS: Final = {
    OWN: (OWN, OWN, OWN, OWN.upper(), '"user1"@test-sample.jp', "User1@Test-Sample.jp", r'"user\1"@test-sample.jp'),
    OWN_INTERNATIONAL: (OWN_INTERNATIONAL, "user1@xn--wgv71a119e.jp", "user1@XN--wgv71a119e.JP"),
}
_FOREIGN: Final = (
    FOREIGN,
    FOREIGN,
    "ceo@victim",
    '"c e o"@victim.example',
    "ceo@[192.0.2.1]",
    "user2@test-sample.jp",
    "user1@test-sample.jp.victim.example",
    "xuser1@test-sample.jp",
    "ceo＠victim.example",
    r"ceo\@victim.example",
    "ceo @ victim.example",
    "@victim.example",
    "ceo(x)@victim.example",
    "ceo%victim.example",
    "victim.example!ceo",
)
_WORDS: Final = (
    "Taro",
    "Yamada",
    "J.",
    "O'Neil",
    "a",
    "1",
    "山田",
    "営業部",
    "é",
    "Sales-Team",
    "via",
    "ß",
    "\u00a0",
    "🙂",
)
_GLUE: Final = (" ",) * 10 + ("",) * 6 + ("\t", "  ", "\r\n ")
_SPECIALS: Final = (
    *"<>()[]:;@\\,.\"'=?_%!&*#+-/",
    *("=?", "?=", "<>", "><", "@@", "\\\\", '\\"', "=?utf-8?q?", "//"),
)
_ODD: Final = (
    *("，", "；", "：", "＜", "＞", "＠", "﹫", "．", "。", "（", "）", "＂", "“", "”", "‹", "›", "\u212a", "ı"),
    *(
        "\u200b",
        "\u200d",
        "\ufeff",
        "\u00ad",
        "\u202e",
        "\u2028",
        "\x0b",
        "\x0c",
        "\x85",
        "\x7f",
        "\x00",
        "\x1b$B",
        "\r",
        "\n",
    ),
)
_TERSE: Final = (
    *(
        "(",
        "(",
        ")",
        ")",
        '"',
        '"',
        "\\",
        "\\\\",
        "\\)",
        "\\(",
        '\\"',
        " ",
        " ",
        " ",
        "x",
        ".",
        ",",
        ";",
        ":",
        "<",
        ">",
        "@",
    ),
    *(
        "()",
        "( )",
        '""',
        FOREIGN,
        FOREIGN,
        "@victim.example",
        "ceo",
        "=?utf-8?q?ceo=40victim.example?=",
        "=?utf-8?q?=22?=",
    ),
    *("=?utf-8?q?=28?=", "=?utf-8?q?=29?=", "=?utf-8?q?=3C?=", "=?utf-8?q?=3E?=", "=?utf-8?q?=5C?=", "=?utf-8?q?=2C?="),
)
_CHARSETS: Final = (
    *("utf-8", "UTF-8", "us-ascii", "iso-8859-1", "windows-1252", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030"),
    *("utf-7", "utf-16", "utf-16be", "utf-16le", "utf-32", "cp037", "koi8-r", "big5", "hz-gb-2312", "iso-2022-kr"),
)
_UNKNOWN_CHARSETS: Final = ("unknown-8bit", "x-klingon", "", "utf8", "utf-8*en", "cp932")


class _Maker:
    """One run of the generator: the same seed makes the same bodies."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be repeatable

    def any(self, choices: Sequence[str]) -> str:
        return self.random.choice(choices)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def text(self, most: int = 5) -> str:
        """Make text that might hide something: words, delimiters, somebody's address."""
        parts = []
        for _ in range(self.random.randint(0, most)):
            kind = self.random.random()
            if kind < 0.4:
                parts.append(self.any(_WORDS))
            elif kind < 0.65:
                parts.append(self.any(_SPECIALS))
            elif kind < 0.8:
                parts.append(self.any(_FOREIGN))
            elif kind < 0.85:
                parts.append(OWN)
            elif kind < 0.87:
                parts.append(self.any(_ODD))
            parts.append(self.any(_GLUE))
        return "".join(parts)

    def quoted(self) -> str:
        text = self.encoded_word() if self.chance(0.1) else self.text()
        escaped = "".join("\\" + c if c in '"\\' or self.chance(0.03) else c for c in text)
        return '"' + (text if self.chance(0.05) else escaped) + '"'

    def comment(self, depth: int = 0) -> str:
        text = self.encoded_word() if self.chance(0.1) else self.text()
        escaped = "".join("\\" + c if c in "()\\" or self.chance(0.03) else c for c in text)
        inner = self.comment(depth + 1) if depth < 3 and self.chance(0.2) else ""
        return "(" + (text if self.chance(0.05) else escaped) + inner + ")"

    def encoded_word(self) -> str:
        charset = self.any(_CHARSETS)
        text = self.text(3)
        octets = (text if self.chance(0.05) else " ".join(text.split())).encode(charset, "replace")
        if self.chance(0.1):
            charset = self.any(_UNKNOWN_CHARSETS)
        if self.chance(0.5):
            text = base64.b64encode(octets).decode()
            text = text.rstrip("=") if self.chance(0.1) else text
            encoding = self.any("bB")
        else:
            raw = b"" if self.chance(0.3) else b'=?_"(),.:;<>@[\\] '
            text = "".join(
                f"={octet:02X}" if octet < 33 or octet > 126 or octet in raw or octet in b"=?_" else chr(octet)
                for octet in octets
            )
            text = text.replace("=20", self.any(("_", "_", "=20", " ")))
            encoding = self.any("qQ")
        if self.chance(0.1):
            at = self.random.randint(0, len(text))
            text = text[:at] + (" " + text[at:] if self.chance(0.5) else "")
        return f"=?{charset}?{encoding}?{text}?="

    def name(self) -> str:
        parts = []
        for _ in range(self.random.randint(0, 3)):
            makers = (self.quoted, self.quoted, self.comment, self.encoded_word, lambda: self.any(_WORDS))
            parts += [self.random.choice(makers)(), self.any(_GLUE)]
        return "".join(parts)

    def edited(self, body: str) -> str:
        """Break a body a little: it may still be one, of another meaning."""
        for _ in range(self.random.choice((0, 0, 0, 0, 1, 1, 2))):
            at = self.random.randint(0, len(body))
            end = min(len(body), at + self.random.randint(1, 6))
            new = self.random.choice(
                (
                    self.any(_SPECIALS),
                    self.any(_SPECIALS),
                    self.any(_GLUE),
                    self.any(_ODD),
                    "",
                    body[at:end] * 2,
                    self.any(_FOREIGN),
                )
            )
            body = body[:at] + new + body[at if self.chance(0.5) else end :]
        return body

    def terse(self, own: str) -> str:
        """Make a field of very few kinds of pieces, closed where it is open: what a strict parser may accept."""
        pieces = [self.any(_TERSE) for _ in range(self.random.randint(1, 8))]
        pieces.insert(self.random.randint(0, len(pieces)), self.any((own, f"<{own}>")))
        made = "".join(pieces)
        if made.replace('\\"', "").count('"') % 2:
            made = self.any(('"' + made, made.replace("<", '"<')))
        missing = made.replace("\\(", "").count("(") - made.replace("\\)", "").count(")")
        return made + ")" * missing if self.chance(0.5) else "(" * -missing + made

    def body(self, login: str) -> str:
        own = self.any(_SPELLINGS[login])
        shape = self.random.random()
        if shape < 0.35:
            return self.terse(own)
        if shape < 0.65:
            blank = self.any(("", "", "", " ", "\r\n "))
            made = f"{self.name()}<{blank}{own}{blank}>{self.any(_GLUE)}"
        elif shape < 0.85:
            before = self.comment() + self.any(_GLUE) if self.chance(0.4) else ""
            after = self.any(_GLUE) + self.comment() if self.chance(0.8) else ""
            made = f"{before}{own}{after}"
        else:
            made = f"{self.text(3)}{self.any(('<' + own + '>', own))}{self.text(2)}"
        return self.edited(made)

    def field(self) -> str:
        """Make one header field, perhaps of a broken kind."""
        if self.chance(0.35):
            body = (
                self.any((OWN, f"Taro <{OWN}>", f'"Yamada, Taro"\r\n <{OWN}>')) if self.chance(0.7) else self.body(OWN)
            )
            name = self.any((*("From", "From", "from", "FROM", "From ", "From\t") * 4, *_LOOKALIKE_NAMES))
        else:
            name = self.any(
                ("To", "Subject", "Received", "X-From", "Fro", "Sender", "Resent-From", "Reply-To", "Content-Type")
            )
            body = self.any(
                (
                    FOREIGN,
                    f"x\r\n From: {FOREIGN}",
                    f"x\r\n\tFrom: {FOREIGN}",
                    "",
                    "a b",
                    "multipart/mixed",
                    self.text(3),
                )
            )
        return f"{name}:{self.any((' ', '', '  '))}{body}{self.any(_LINE_ENDS)}"

    def block(self) -> bytes:
        fields = [self.field() for _ in range(self.random.randint(1, 4))]
        made = "".join(fields)
        if self.chance(0.2):
            made = self.edited(made)
        body = self.field() + "\r\n" if self.chance(0.3) else ""  # a body that looks like a header
        return f"{made}\r\n{body}".encode("utf-8", "surrogateescape")


_LOOKALIKE_NAMES: Final = (
    "\ufeffFrom",
    "Fr\u043em",
    "From\u00a0",
    " From",
    "From\x00",
    "X",
    "From\r\n ",
    "Ｆrom",
    "From\x0b",
)
_LINE_ENDS: Final = ("\r\n",) * 60 + (
    "\n",
    "\r",
    "\r\r\n",
    "\r\n \r\n",
    "\r\n\t\r\n",
    "\x0b",
    "\u2028",
    "\x85",
    "\r\n\r\n",
)


def generated_bodies(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give (login, From body)."""
    maker = _Maker(seed)
    for number in range(count):
        login = OWN_INTERNATIONAL if number % 20 == 0 else OWN
        yield login, maker.body(login).encode("utf-8", "surrogateescape")


def generated_blocks(count: int, seed: int) -> Iterator[bytes]:
    maker = _Maker(seed)
    for _ in range(count):
        yield maker.block()


def bodies_of_tables() -> Iterator[bytes]:
    """Give the bodies in the tables of two test modules: each value, or the first of a row."""
    for name in ("test_author", "test_display_name"):
        for table in vars(_test_module(name)).values():
            for row in table.values() if isinstance(table, dict) else ():
                first = row[0] if isinstance(row, tuple) and row else row
                if isinstance(first, (str, bytes)):
                    yield _octets(first)


def blocks_of_tables() -> Iterator[bytes]:
    for table in vars(_test_module("test_message")).values():
        for row in table.values() if isinstance(table, dict) else ():
            first = row[0] if isinstance(row, tuple) and row else row
            if isinstance(first, str):
                yield _octets(first.replace("\n", "\r\n").replace("a@x", OWN))
            elif isinstance(first, bytes):
                yield first.replace(b"a@x", OWN.encode())


def accepted_vectors() -> Iterator[tuple[frozenset[str], Vector]]:
    """Give every vector whose header is accepted, with the addresses that are its account's.

    Those are its login, its exact grants for the header, and the authors:
    what a wide grant covers is not the account's own.
    """
    granted = _exact_grants()
    for vector in testing.vectors():
        verdict = vector.verdict(SUBMISSION)
        if verdict.satisfies(TrustLevel.HEADER):
            yield granted[vector.id] | {vector.auth_id or "", *verdict.header_from}, vector


def _exact_grants() -> dict[str, frozenset[str]]:
    """Read them from the files: a compiled `Aliases` does not show what it has."""
    raw = [
        vector
        for file in resources.files("sendertrust").joinpath("vectors").iterdir()
        if file.name.endswith(".json")
        for vector in json.loads(file.read_text(encoding="utf-8")).get("vectors", ())
    ]
    return {
        vector["id"]: frozenset(
            entry["address"] if isinstance(entry, dict) else entry
            for directory in vector.get("aliases", ())
            if directory != "LOOKUP_FAILED"
            for entry in directory
            if not isinstance(entry, dict) or entry["right"] in {"send-as", "header-only"}
        )
        for vector in raw
    }


def bodies_of_vector(vector: Vector) -> list[bytes]:
    """Give its From bodies, if it has them apart, with CRLF where they are folded."""
    return [_with_crlf(vector, body) for body in vector.header_from or ()]


def block_of_vector(vector: Vector) -> bytes:
    """Give its message, or one that its fields or From bodies make, with CRLF at the line ends."""
    if isinstance(vector.message, bytes):
        return _with_crlf(vector, vector.message)
    fields = vector.message or [(b"From", b" " + body) for body in vector.header_from or ()]
    return b"".join(name + b":" + _with_crlf(vector, body) + b"\r\n" for name, body in fields) + b"\r\n"


def _with_crlf(vector: Vector, octets: bytes) -> bytes:
    return octets.replace(b"\n", b"\r\n") if vector.line_ends == "lf" else octets


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _test_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tables_of_{name}", TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

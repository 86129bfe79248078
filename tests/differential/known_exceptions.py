"""Where a reader takes somebody else for the author of a From field that sendertrust accepts.

Each row is a vector with the flag ``reader-exception``, what the reader makes
of it, and the argument of why it is accepted all the same. The test of a row
fails when that reader changes its mind, when another version than the row's
answers, or when sendertrust refuses: then the row goes or is corrected. The page
``docs/reference/readers.md`` shows the same table, and a test compares them.
"""

from __future__ import annotations

import re
from email.errors import HeaderParseError
from email.header import decode_header
from enum import Enum
from typing import Final

import attrs

from sendertrust.testing import vectors


class Why(Enum):
    """Why a disagreement is let pass."""

    UNDOTTED = (
        "the reader decodes the name before it reads the field, against RFC 2047 6.2, and takes for an address what "
        "has no dotted domain: the law needs one, since `山田@営業部` is a name"
    )


@attrs.frozen
class KnownException:
    reader: str
    #: That of each reader with this name and way; of several, the first and the last.
    version: str
    way: str
    #: The id of a vector.
    vector: str
    answer: str
    why: Why

    @property
    def body(self) -> str:
        (body,) = FLAGGED[self.vector].header_from or ()
        return body.decode()


FLAGGED: Final = {vector.id: vector for vector in vectors() if "reader-exception" in vector.flags}

_PYTHON: Final = ("email of Python", "3.6.15 to 3.13.0")
_XS: Final = ("Email::Address::XS", "1.05", "MIME-Header decoded, parse")
_PHP: Final = ("PHP imap", "8.2.36", "iconv_mime_decode, imap_rfc822_parse_adrlist")
_GMIME: Final = ("GMime", "3.2.13", "decode_text, parse, loose")

_ONE: Final = ("hidden-addresses-reader-exception-1", "ceo@victim", Why.UNDOTTED)
_TWO: Final = ("hidden-addresses-reader-exception-2", "ceo@victim", Why.UNDOTTED)
_THREE: Final = ("hidden-addresses-reader-exception-3", "ceo@victim", Why.UNDOTTED)

EXCEPTIONS: Final = tuple(
    KnownException(*row)
    for row in (
        (*_PYTHON, "decoded, getaddresses, not strict", *_ONE),
        (*_PYTHON, "decoded, parseaddr, not strict", *_ONE),
        # Strict since 3.13: as many addresses as commas, and the one in the comment counts too.
        ("email of Python", "3.13.0", "decoded, getaddresses", *_TWO),
        (*_XS, *_ONE),
        (*_PHP, *_ONE),
        (*_GMIME, *_THREE),
    )
)

_ENCODED_WORD: Final = re.compile(r"=\?[^?]*\?[bBqQ]\?.*\?=", re.DOTALL)
_OWN_IN_BRACKETS: Final = re.compile(r'<\s*"?user\\?1"?@test-sample\.jp\s*>', re.IGNORECASE)
_IGNORED: Final = re.compile(r'[\s"\\()]')


def excused(reader: str, way: str, body: bytes, address: str) -> bool:
    """Say whether a row covers that this way of this reader takes *address* for the author of *body*."""
    text = body.decode("utf-8", "replace")
    domain = address.strip().rpartition("@")[2].lower()
    decoded, decodes = _decoded(text), bool(_ENCODED_WORD.search(text))
    covers = {Why.UNDOTTED: "." not in domain and decodes}
    reasons = {row.why for row in EXCEPTIONS if reader.startswith(row.reader) and row.way == way}
    return any(covers[why] for why in reasons) and not _extractable((text, decoded), address)


def _extractable(views: tuple[str, str], address: str) -> bool:
    """Say whether the address is in brackets or beside a delimiter, encoding, quotes and escapes aside."""
    needle = _IGNORED.sub("", address)
    for whole in views:
        view = _OWN_IN_BRACKETS.sub("", whole)
        before, found, after = _IGNORED.sub("", view).partition(needle)
        if found and (before[-1:] in tuple("<,;:") or after[:1] in tuple(",;:")):
            return True
    return False


def _decoded(text: str) -> str:
    try:
        parts = decode_header(text)
    except (HeaderParseError, ValueError):  # base64 that is none
        return text
    return "".join(part if isinstance(part, str) else _to_text(part, charset) for part, charset in parts)


def _to_text(octets: bytes, charset: str | None) -> str:
    try:
        return octets.decode(charset or "raw-unicode-escape", "replace")
    except LookupError:
        return octets.decode("ascii", "replace")

"""Encoded-words (RFC 2047), read as leniently as any mail reader might.

::

    encoded-word = "=?" charset [ "*" language ] "?" ( "B" / "Q" ) "?" encoded-text "?="

The RFC allows no blank and no question mark in encoded-text; readers do, so
both are taken here. What comes out is never shown to anybody: it is only
searched for what a name may hide.
"""

from __future__ import annotations

import binascii
import re
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHARSETS", "READERS", "USUAL_READERS", "Reader", "decode", "encoded_words", "unclosed_word"]

_START: Final = r"=\?([^?]*+)\?([bBqQ])\?"
# Two ways to find a word: by its two ends, and as the RFC has it, without blanks or "?" in its text.
_WIDE: Final = re.compile(_START + r"((?:[^?]|\?(?!=))*+)\?=")
_NARROW: Final = re.compile(_START + r"([^? \t\r\n]*+)\?=")
_UNCLOSED: Final = re.compile(_START)

_BLANKS: Final = " \t\r\n"
_Q_OCTET: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
# Encoded-text that ends within an octet: an escape that is cut, or base64 without all its digits.
_BROKEN: Final = {"q": re.compile(r"=[0-9A-Fa-f]?\Z"), "b": re.compile(r"\A(?:[^=]{4})*+[^=]{1,3}\Z")}
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=]")
# Charsets whose ordinary letters are ASCII octets between shifts: raw, those octets say nothing.
_SHIFTED: Final = ("iso-2022-", "hz-")
_SHIFTS: Final = dict.fromkeys((0x0E, 0x0F, 0x1B))  # SO, SI, ESC: no control characters there

# EBCDIC (which hides an "@" from whoever does not decode it), and pages of the DOS.
_IBM_PAGES: Final = ("037", "273", "424", "500", "1026", "1140", "437", "850", "852", "866")

#: Charsets that real mail uses (or that hide things well) and the Python codec that reads each.
#: Where the name on the wire is commonly a lie, the codec is the superset that readers use instead
#: (WHATWG Encoding 4.2). Names from the wire are looked up here,
#: in lower case and with "-" for "_", and nowhere else.
CHARSETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "us-ascii": "cp1252",
        "ascii": "cp1252",
        "iso-8859-1": "cp1252",
        "latin1": "cp1252",
        "iso-8859-9": "cp1254",
        "utf-8": "utf-8",
        "utf8": "utf-8",
        "utf-7": "utf-7",
        "utf7": "utf-7",
        "unicode-1-1-utf-7": "utf-7",
        "csunicode11utf7": "utf-7",
        "utf-16": "utf-16",
        "utf-16be": "utf-16-be",
        "utf-16le": "utf-16-le",
        "utf-32": "utf-32",
        "utf-32be": "utf-32-be",
        "utf-32le": "utf-32-le",
        "iso-2022-jp": "iso2022_jp_ext",
        "iso-2022-jp-1": "iso2022_jp_ext",
        "iso-2022-jp-2": "iso2022_jp_2",
        "iso-2022-jp-3": "iso2022_jp_3",
        "iso-2022-kr": "iso2022_kr",
        "shift-jis": "cp932",
        "sjis": "cp932",
        "x-sjis": "cp932",
        "windows-31j": "cp932",
        "cp932": "cp932",
        "euc-jp": "euc_jp",
        "x-euc-jp": "euc_jp",
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "gb18030": "gb18030",
        "hz-gb-2312": "hz",
        "big5": "big5hkscs",
        "big5-hkscs": "big5hkscs",
        "euc-kr": "cp949",
        "ks-c-5601-1987": "cp949",
        "koi8-r": "koi8_r",
        "koi8-u": "koi8_u",
        "tis-620": "cp874",
        "windows-874": "cp874",
        "macintosh": "mac_roman",
    }
    | {f"{prefix}{page}": f"cp{page}" for prefix in ("ibm", "cp") for page in _IBM_PAGES}
    | {f"iso-8859-{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16)}
    | {f"windows-{page}": f"cp{page}" for page in range(1250, 1259)}
)


#: What a reader without a byte order mark takes big-endian (RFC 2781 4.3), where Python does not.
_BIG_ENDIAN: Final[Mapping[str, str]] = MappingProxyType({"utf-16": "utf-16-be", "utf-32": "utf-32-be"})


class Join(Enum):
    """What a reader joins, of adjacent words in one charset, before it decodes."""

    NOTHING = "nothing"
    OCTETS = "octets"
    BROKEN_TEXT = "encoded-text that ends within an octet"


@attrs.frozen(kw_only=True)
class Reader:
    """One way in which some mail reader decodes."""

    find: re.Pattern[str] = _WIDE
    join: Join = Join.OCTETS
    #: Whether an ``=`` that is no padding at the end is skipped, or ends a run of base64.
    skip_padding: bool = False
    #: Charsets that it takes for another codec than `CHARSETS` says.
    codecs: Mapping[str, str] = MappingProxyType({})
    #: Whether it shows the octets as they are, their ASCII at least.
    raw: bool = False


#: What every reader may be expected to see, be it one that joins words or not.
USUAL_READERS: Final = (Reader(), Reader(join=Join.NOTHING))

#: Through whose eyes a name is searched; what the first one sees is decoded again.
READERS: Final = (
    *USUAL_READERS,
    Reader(join=Join.BROKEN_TEXT),
    Reader(skip_padding=True),
    Reader(find=_NARROW),
    Reader(codecs=_BIG_ENDIAN),
    Reader(raw=True),
)


def encoded_words(text: str, pattern: re.Pattern[str] = _WIDE) -> list[re.Match[str]]:
    """Find what some reader takes for an encoded-word; groups: charset, encoding, encoded-text.

    Nothing beyond the last ``?=`` is searched, so that each start that gets
    as far as its text also finds an end: linear, whatever the input.
    """
    return list(pattern.finditer(text, 0, text.rfind("?=") + 2))


def unclosed_word(text: str) -> int | None:
    """Find where a word begins that has no end: some readers decode it all the same, up to wherever."""
    words = encoded_words(text)
    start = _UNCLOSED.search(text, words[-1].end() if words else 0)
    return start.start() if start else None


def decode(text: str, reader: Reader) -> str:
    """Replace the encoded-words of *text* by what they decode to.

    Blanks between adjacent words vanish (RFC 2047 6.2), and adjacent words of
    one charset are joined as the reader does: some senders split characters,
    or even escapes, between words.
    """
    pieces: list[str] = []
    run, end = _Run(), 0
    for word in encoded_words(text, reader.find):
        charset, encoding = word[1].partition("*")[0].strip(_BLANKS).lower().replace("_", "-"), word[2].lower()
        gap = text[end : word.start()]
        adjacent = end > 0 and not gap.strip(_BLANKS)
        if not (adjacent and charset == run.charset and run.joins(encoding, reader)):
            pieces += [run.decode(reader), "" if adjacent else gap]
            run = _Run(charset)
        run.add(encoding, word[3], reader)
        end = word.end()
    return "".join([*pieces, run.decode(reader), text[end:]])


@attrs.define
class _Run:
    """Adjacent words of one charset that a reader decodes as one."""

    charset: str = ""
    #: Encoding and encoded-texts, of which those in one list are joined before the encoding is undone.
    texts: list[tuple[str, list[str]]] = attrs.field(factory=list)

    def joins(self, encoding: str, reader: Reader) -> bool:
        """Say whether a reader joins the next word to these."""
        last_encoding, last_texts = self.texts[-1]
        ends_within_an_octet = last_encoding == encoding and bool(_BROKEN[encoding].search(last_texts[-1]))
        return reader.join is Join.OCTETS or (reader.join is Join.BROKEN_TEXT and ends_within_an_octet)

    def add(self, encoding: str, text: str, reader: Reader) -> None:
        if self.texts and reader.join is Join.BROKEN_TEXT:
            self.texts[-1][1].append(text)
        else:
            self.texts.append((encoding, [text]))

    def decode(self, reader: Reader) -> str:
        octets = b"".join(_to_octets("".join(texts), encoding, reader) for encoding, texts in self.texts)
        codec = reader.codecs.get(self.charset) or CHARSETS.get(self.charset)
        shifted = self.charset.startswith(_SHIFTED)
        if codec is None or (reader.raw and not shifted):
            text = octets.decode("ascii", "replace")
            return text.translate(_SHIFTS) if shifted else text
        # Whatever is broken is replaced, as most readers do. UTF-7 may give surrogates: pairs make a
        # character, a lone one is none.
        text = octets.decode(codec, "replace")
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _to_octets(encoded_text: str, encoding: str, reader: Reader) -> bytes:
    if encoding == "q":
        octets = encoded_text.replace("_", " ").encode("utf-8", "replace")
        return _Q_OCTET.sub(lambda escape: bytes.fromhex(escape[1].decode("ascii")), octets)
    base64 = _NOT_BASE64.sub("", encoded_text)
    runs = [base64] if reader.skip_padding else base64.split("=")
    return b"".join(_from_base64(run) for run in runs)


def _from_base64(run: str) -> bytes:
    """Decode a run of base64 without its padding; a single character left over means nothing."""
    digits = run.replace("=", "")
    whole = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))

"""Encoded-words (RFC 2047), read as leniently as any mail reader might.

::

    encoded-word = "=?" charset [ "*" language ] "?" ( "B" / "Q" ) "?" encoded-text "?="

The RFC allows no blank and no question mark in encoded-text; readers do, so
both are taken here. What comes out is not shown as a name: it is searched for
addresses that a name or a comment may hide or show, and a finding quotes only
those.
"""

from __future__ import annotations

import re
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.charset import (
    BIG_ENDIAN,
    BY_THE_LETTER,
    CHARSETS,
    EBCDIC_NAME,
    HIDING,
    MODIFIED_UTF_7,
    OTHER_EBCDIC,
    charset_key,
    from_base64,
    from_quoted_printable,
    octets_to_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "MAX_ENCODED_WORDS",
    "READERS",
    "USUAL_READERS",
    "Join",
    "Reader",
    "decode",
    "decodings",
    "encoded_words",
    "views",
    "without_words",
    "word_fault",
]

# Names of encodings that only KMime knows, and what begins with B or Q, since Sylpheed looks at the first letter alone:
# nobody else sees a word there.
_ENCODING: Final = "(?:[bBqQ][^?]*+|(?i:x-uuencode|x-kmime-rfc2231))"
_START: Final = re.compile(rf"=\?[^?]*+\?{_ENCODING}\?")
_WORD: Final = re.compile(r"=\?([^?]*+)\?([bBqQ])\?((?>(?:[^?]++|\?(?!=))*))\?=")

#: More words in a text than anybody writes, and each costs time: every reader's way to decode it is tried.
MAX_ENCODED_WORDS: Final = 32

_BLANKS: Final = " \t\r\n"
_NO_BLANKS: Final = dict.fromkeys(map(ord, _BLANKS))
_URL_SAFE: Final = str.maketrans("-_", "+/")
# Encoded-text that ends within an octet: an escape that is cut, or base64 without all its digits.
_BROKEN: Final = {"q": re.compile(r"=[0-9A-Fa-f]?\Z"), "b": re.compile(r"\A(?>(?:[^=]{4})*)[^=]{1,3}\Z")}
_DECODING_DEPTH: Final = 3


class Join(Enum):
    """What a reader joins, of adjacent words in one charset, before it decodes."""

    NOTHING = "nothing"
    OCTETS = "octets"
    BROKEN_TEXT = "encoded-text that ends within an octet"


@attrs.frozen(kw_only=True)
class Reader:
    """One way in which some mail reader decodes."""

    join: Join = Join.OCTETS
    #: Whether an ``=`` that is no padding at the end is skipped, or ends a run of base64.
    skip_padding: bool = False
    #: Whether blanks inside a Q word are skipped, or are blanks.
    skip_blanks: bool = False
    #: Whether a ``_`` in a Q word is one, or a blank.
    keep_underscores: bool = False
    #: Whether ``-`` and ``_`` are digits of base64, too (RFC 4648 5).
    url_safe: bool = False
    #: Whether it knows the charsets of `BY_THE_LETTER` alone, and takes all others for ASCII.
    by_the_letter: bool = False
    #: Charsets that it takes for another codec than `CHARSETS` says.
    codecs: Mapping[str, str] = MappingProxyType({})
    #: The codec for charsets that are not in `CHARSETS`.
    unknown: str = "ascii"
    #: The codec for those of them that have the name of an EBCDIC page, if that is another one.
    ebcdic: str | None = None
    #: Whether what it sees is often chance: then only an address with a dotted domain counts.
    doubtful: bool = False

    def codec(self, name: str, charset: str) -> str:
        """Give the codec, as the tables name it, for what a word calls its charset and the key of that."""
        if self.by_the_letter:
            return BY_THE_LETTER.get(name, "ascii")
        known = self.codecs.get(charset) or CHARSETS.get(charset)
        return known or (self.ebcdic if self.ebcdic and EBCDIC_NAME.match(charset) else self.unknown)


def _read_as(other: str, codecs: set[str]) -> Mapping[str, str]:
    return MappingProxyType({charset: other for charset, codec in CHARSETS.items() if codec in codecs})


#: What every reader may be expected to see, be it one that joins words or not.
USUAL_READERS: Final = (Reader(), Reader(join=Join.NOTHING))

# What single readers do otherwise, be they such as join words or not.
_ODD_READERS: Final = (
    Reader(skip_padding=True),
    Reader(skip_blanks=True),
    Reader(url_safe=True),
    Reader(codecs=MappingProxyType(BIG_ENDIAN)),
    Reader(codecs=MappingProxyType(BIG_ENDIAN), skip_padding=True, keep_underscores=True),  # mb_decode_mimeheader
    Reader(codecs=_read_as("ascii", HIDING)),
    Reader(codecs=_read_as("ascii", HIDING), skip_padding=True),
    Reader(by_the_letter=True, doubtful=True),
    Reader(by_the_letter=True, doubtful=True, skip_padding=True),
    Reader(unknown="cp037", doubtful=True),
    Reader(ebcdic=OTHER_EBCDIC),
    Reader(unknown="utf-7"),
    Reader(unknown="utf-8"),
    Reader(codecs=_read_as(MODIFIED_UTF_7, {"utf-7"}), unknown=MODIFIED_UTF_7),
)

#: Through whose eyes a name is searched.
READERS: Final = (
    *USUAL_READERS,
    Reader(join=Join.BROKEN_TEXT),
    *(attrs.evolve(reader, join=usual.join) for reader in _ODD_READERS for usual in USUAL_READERS),
)


def encoded_words(text: str) -> list[re.Match[str]]:
    """Find what some reader takes for an encoded-word; groups: charset, encoding, encoded-text.

    Nothing beyond the last ``?=`` is searched, so that each start that gets
    as far as its text also finds an end: linear, whatever the input.
    """
    return list(_WORD.finditer(text, 0, text.rfind("?=") + 2))


def without_words(text: str) -> str:
    """Leave the encoded-words out."""
    return _WORD.sub("", text)


def word_fault(text: str) -> tuple[str, int] | None:
    """Find a word too many, or one that has no end or begins inside another one.

    Of the latter readers differ on what is encoded there.
    """
    words = encoded_words(text)
    if len(words) > MAX_ENCODED_WORDS:
        return "field-too-long", words[MAX_ENCODED_WORDS].start()
    end = 0
    for word in words:
        if unclosed := _START.search(text, end, word.start()):
            return "encoded-word-unclosed", unclosed.start()
        if nested := _START.search(text, word.start(3), word.end()):
            return "encoded-word-nested", nested.start()
        end = word.end()
    unclosed = _START.search(text, end)
    return ("encoded-word-unclosed", unclosed.start()) if unclosed else None


def decodings(text: str, reader: Reader) -> list[str]:
    """Decode, and decode again what came out of it as long as there are words in it: three times at most."""
    views = [text]
    while len(views) <= _DECODING_DEPTH and "=?" in views[-1]:
        decoded = decode(views[-1], reader)
        if decoded == views[-1]:
            break
        views.append(decoded)
    return views[1:]


def views(text: str) -> dict[str, bool]:
    """Give the `decodings` of all `READERS`, and for each view whether all who see it are doubtful.

    A view of too many words, which is a `word_fault`, is not decoded again.
    """
    seen: dict[str, bool] = {}
    seers = {text: list(READERS)}
    for _ in range(_DECODING_DEPTH):
        deeper: dict[str, list[Reader]] = {}
        for view, readers in seers.items():
            for alike in _grouped(readers, view):
                decoded = decode(view, alike[0])
                seen[decoded] = seen.get(decoded, True) and all(reader.doubtful for reader in alike)
                deeper.setdefault(decoded, []).extend(alike)
        seers = deeper
    return seen


def _grouped(readers: list[Reader], text: str) -> Iterable[list[Reader]]:
    """Put those together that decode a text alike, since what they do otherwise is about what it does not have.

    Most words have nothing of the kind, and then two or three groups are left to ask.
    """
    words = encoded_words(text)
    charsets = dict.fromkeys(_charset(word) for word in words)
    in_b = "".join(word[3].rstrip("=") for word in words if word[2] in "bB")
    in_q = "".join(word[3] for word in words if word[2] in "qQ")
    several = len(words) > 1
    padded = "=" in in_b
    url_safe = not _URL_SAFE.keys().isdisjoint(map(ord, in_b))
    blank = not _NO_BLANKS.keys().isdisjoint(map(ord, in_q))
    underscore = "_" in in_q
    groups: dict[object, list[Reader]] = {}
    for reader in readers if 0 < len(words) <= MAX_ENCODED_WORDS else ():
        differences = (
            several and reader.join,
            padded and reader.skip_padding,
            url_safe and reader.url_safe,
            blank and reader.skip_blanks,
            underscore and reader.keep_underscores,
            reader.by_the_letter,
            *[reader.codec(name, charset) for name, charset in charsets],
        )
        groups.setdefault(differences, []).append(reader)
    return groups.values()


def decode(text: str, reader: Reader) -> str:
    """Replace the encoded-words of *text* by what they decode to.

    Blanks between adjacent words vanish (RFC 2047 6.2), and adjacent words of
    one charset are joined as the reader does: some senders split characters,
    or even escapes, between words.
    """
    pieces: list[str] = []
    run, end = _Run(), 0
    for word in encoded_words(text):
        (name, charset), encoding = _charset(word), word[2].lower()
        gap = text[end : word.start()]
        adjacent = end > 0 and not gap.strip(_BLANKS)
        if not (adjacent and charset == run.charset and run.joins(encoding, reader)):
            pieces += [run.decode(reader), "" if adjacent else gap]
            run = _Run(name, charset)
        run.add(encoding, word[3], reader)
        end = word.end()
    return "".join([*pieces, run.decode(reader), text[end:]])


def _charset(word: re.Match[str]) -> tuple[str, str]:
    """Give what a word calls its charset, without a language, and the key of that."""
    name = word[1].partition("*")[0].lower()
    return name, charset_key(name)


@attrs.define
class _Run:
    """Adjacent words of one charset that a reader decodes as one."""

    #: What the first of them calls the charset, and the key of that.
    name: str = ""
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
        codec = reader.codec(self.name, self.charset)
        return octets_to_text(octets, codec, self.charset, by_the_letter=reader.by_the_letter)


def _to_octets(encoded_text: str, encoding: str, reader: Reader) -> bytes:
    if encoding == "q":
        text = encoded_text.translate(_NO_BLANKS) if reader.skip_blanks else encoded_text
        text = text if reader.keep_underscores else text.replace("_", " ")
        return from_quoted_printable(text.encode("utf-8", "replace"))
    text = encoded_text.translate(_URL_SAFE) if reader.url_safe else encoded_text
    runs = [text] if reader.skip_padding else text.split("=")
    return b"".join(from_base64(run) for run in runs)

"""Encoded-words (RFC 2047), read as leniently as any mail reader might.

::

    encoded-word = "=?" charset [ "*" language ] "?" ( "B" / "Q" ) "?" encoded-text "?="

The RFC allows no blank and no question mark in encoded-text; readers do, so
both are taken here. What comes out is not shown as a name: it is searched for
addresses that a name or a comment may hide or show, and a finding quotes only
those.
"""

from __future__ import annotations

import binascii
import codecs
import html
import re
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CHARSETS",
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
_Q_OCTET: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_HEXADECIMAL: Final = "0123456789ABCDEFabcdef"
_OCTETS: Final = {(a + b).encode(): bytes([int(a + b, 16)]) for a in _HEXADECIMAL for b in _HEXADECIMAL}
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=]")
# Encoded-text that ends within an octet: an escape that is cut, or base64 without all its digits.
_BROKEN: Final = {"q": re.compile(r"=[0-9A-Fa-f]?\Z"), "b": re.compile(r"\A(?>(?:[^=]{4})*)[^=]{1,3}\Z")}
_NOT_IN_CHARSET_NAME: Final = re.compile(r"[^a-z0-9]")
_DECODING_DEPTH: Final = 3

# No charset, but Python's email package decodes with any codec, GNU's libiconv with these: backslash escapes in ASCII.
_ESCAPES: Final = "unicode_escape"
_ESCAPE: Final = re.compile(rb"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-3]?[0-7]{1,2}|N\{[^{}]*+\})")

# The UTF-7 of mailbox names (RFC 3501 5.1.3), which Ruby's mail reads wherever a charset's name has "utf-7" in it.
_MODIFIED_UTF_7: Final = "imap4-utf-7"
_UTF_7_SHIFT: Final = re.compile(rb"&([^-]*+)-")

# No charsets either, but encodings to PHP's mb_decode_mimeheader.
_HTML_ENTITIES: Final = "html_entities"
_QUOTED_PRINTABLE: Final = "quoted_printable"
_BASE64: Final = "base64"
_ANYTHING: Final = re.compile(rb".++", re.DOTALL)

# Charsets that Python has no codec for: how to turn their octets into those of the codec behind it. EBCDIC of other
# countries has its "@" (and one page "<", one the quote) elsewhere; the rest have a second copy of the specials.
_OTHER_EBCDIC: Final = "other_ebcdic"
_SEVEN_BITS: Final = "seven_bits"
_EBCDIC_SMALL_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz".encode("cp037")
_KATAKANA_SMALL_LETTERS: Final = bytes.fromhex("62636465666768697172737475767778 8b9babb3b4b5b6b7b8b9")
_BY_OCTETS: Final = {
    _OTHER_EBCDIC: (bytes.maketrans(b"\x44\x80\xac\xae\xaf\xb5\xec\x4a\xfc", b"\x7c" * 7 + b"\x4c\x7f"), "cp037"),
    "katakana_ebcdic": (bytes.maketrans(_KATAKANA_SMALL_LETTERS, _EBCDIC_SMALL_LETTERS), "cp037"),
    "armscii_8": (bytes.maketrans(b"\xa4\xa5\xa9\xab", b")(.,"), "cp1252"),
    "isiri_3342": (bytes.maketrans(b"\xa6\xa8\xa9\xba\xbc\xbe", b".)(:<>"), "cp1252"),
    "mac_hebrew": (bytes.maketrans(b"\xa2\xa8\xa9\xac\xae\xba\xbb\xbc\xbe", b'"(),.:;<>'), "mac_roman"),
    "iso_5428": (bytes.maketrans(b"?", b";"), "cp1252"),
    _SEVEN_BITS: (bytes(octet & 0x7F for octet in range(256)), "ascii"),
}

# EBCDIC hides an "@" from whoever does not decode it.
_EBCDIC_PAGES: Final = ("037", "273", "424", "500", "875", "1026", "1140")
_JIS_NAMES: Final = (
    *("iso2022jp", "csiso2022jp", "xiso2022jp", "iso2022jpms", "iso2022jp1", "iso2022jpext"),
    *("xwindowsiso2022jp", "cp50220", "cp50221", "cp50222"),
)
_SHIFT_JIS_NAMES: Final = (
    *("shiftjis", "sjis", "xsjis", "sjiswin", "xmacjapanese", "windows31j", "cp932", "ms932", "cp943"),
)
_DOS_PAGES: Final = (
    *("437", "720", "737", "775", "850", "852", "855", "856", "857", "858", "860", "861", "862", "863", "864", "865"),
    *("866", "869"),
)
# The names of the EBCDIC pages of the GNU C library, by their letters and digits.
_EBCDIC_NAME: Final = re.compile(
    r"(?:x|cs)?(?:ibm|cp|ccsid)?0*(?:37|38|256|27[3-9]|28[0-9]|290|297|42[0-5]|500(?:v1)?|803|83[3-8]|87[015]|880"
    r"|905|918|924|93[013579]|1025|1026|1047|1069|1070|1079|108[14]|1097|1112|1122|1123|1130|1132|1137|114[0-9]"
    r"|115[3-9]|116[046]|1364|1371|1388|1390|1399|4517|4899|4971|5123|9030|12712|16804)\Z"
    r"|(?:cs)?ebcdic|osf1002|posixbc"
)

#: Charsets that real mail uses, or that hide things well, and for each the Python codec that reads it, or
#: the key of `_BY_OCTETS`. Where the name on the wire is commonly a lie, the codec is the superset that
#: readers use instead (WHATWG Encoding 4.2). Names from the wire are looked up here, by their letters and
#: digits, and nowhere else.
CHARSETS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("usascii", "ascii", "iso88591", "latin1", "l1", "isoir100", "cp819", "ibm819"), "cp1252")
    | dict.fromkeys(("iso88599", "latin5", "l5"), "cp1254")
    | {"latin2": "iso8859_2", "l2": "iso8859_2", "latin9": "iso8859_15"}
    | dict.fromkeys(("utf8", "utf8sig", "unicode11utf8", "csutf8", "u8", "utf"), "utf-8")
    | dict.fromkeys(("utf7", "u7", "unicode11utf7", "csunicode11utf7"), "utf-7")
    | dict.fromkeys(("utf16", "u16"), "utf-16")
    | dict.fromkeys(("utf16be", "unicodebigunmarked"), "utf-16-be")
    | dict.fromkeys(("utf16le", "unicodelittleunmarked"), "utf-16-le")
    | dict.fromkeys(("utf32", "u32"), "utf-32")
    | {"utf32be": "utf-32-be", "utf32le": "utf-32-le"}
    | dict.fromkeys(_JIS_NAMES, "iso2022_jp_ext")
    | {"iso2022jp2": "iso2022_jp_2", "iso2022jp3": "iso2022_jp_3", "iso2022jp2004": "iso2022_jp_2004"}
    | dict.fromkeys(("iso2022kr", "csiso2022kr"), "iso2022_kr")
    | dict.fromkeys(_SHIFT_JIS_NAMES, "cp932")
    | dict.fromkeys(("eucjp", "xeucjp", "eucjpms", "eucjpwin", "cp51932"), "euc_jp")
    | dict.fromkeys(("gb2312", "gbk", "xgbk", "gb18030", "cp936", "ms936"), "gb18030")
    | dict.fromkeys(("hzgb2312", "hzgb", "hz"), "hz")
    | dict.fromkeys(("unicodeescape", "rawunicodeescape", "java", "c99"), _ESCAPES)
    | dict.fromkeys(("htmlentities", "html"), _HTML_ENTITIES)
    | dict.fromkeys(("quotedprintable", "qprint"), _QUOTED_PRINTABLE)
    | {"base64": _BASE64}
    | dict.fromkeys(("big5", "big5hkscs", "cp950", "ms950"), "big5hkscs")
    | dict.fromkeys(("euckr", "ksc56011987", "ksc56011989", "cp949", "ms949", "windows949"), "cp949")
    | {"johab": "johab"}
    | {"koi8r": "koi8_r", "koi8u": "koi8_u", "macintosh": "mac_roman", "xmacroman": "mac_roman"}
    | {"xmaccyrillic": "mac_cyrillic"}
    | dict.fromkeys(("macarabic", "xmacarabic"), "mac_arabic")
    | dict.fromkeys(("macfarsi", "xmacfarsi"), "mac_farsi")
    | dict.fromkeys(("machebrew", "xmachebrew"), "mac_hebrew")
    | dict.fromkeys(("ibm930", "cp930", "csibm930", "ibm1390", "cp1390", "csibm1390"), "katakana_ebcdic")
    | {"armscii8": "armscii_8", "isiri3342": "isiri_3342"}
    | dict.fromkeys(("iso5428", "iso54281980", "isoir55", "csiso5428greek"), "iso_5428")
    | dict.fromkeys(("tis620", "windows874"), "cp874")
    | {f"iso8859{part}": f"iso8859_{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16)}
    | {f"iso8859{part}{order}": f"iso8859_{part}" for part in (6, 8) for order in "ei"}
    | {f"{name}{page}": f"cp{page}" for name in ("windows", "cp", "xcp") for page in range(1250, 1259)}
    | {f"{name}{page}": f"cp{page}" for name in ("ibm", "cp", "csibm", "") for page in _EBCDIC_PAGES + _DOS_PAGES}
    | {"ebcdiccpus": "cp037", "ebcdiccpca": "cp037", "ebcdiccpnl": "cp037", "ebcdiccpwt": "cp037", "ibm039": "cp037"}
    | {"ebcdiccphe": "cp424", "ebcdiccpbe": "cp500", "ebcdiccpch": "cp500"}
)

# What a reader takes big-endian without a byte order mark (RFC 2781 4.3), where Python does not.
_BIG_ENDIAN: Final = {"utf16": "utf-16-be", "u16": "utf-16-be", "utf32": "utf-32-be", "u32": "utf-32-be"}
# What hides plain ASCII from whoever decodes it, and shows it to whoever does not know the charset.
_HIDING: Final = {
    *("utf-7", "hz", _ESCAPES, _HTML_ENTITIES, _QUOTED_PRINTABLE, _BASE64, "katakana_ebcdic"),
    *(f"cp{page}" for page in _EBCDIC_PAGES),
}
# Charsets in which octets of ASCII are halves of letters, by the names that every reader knows, and of each no more
# than its standard has. Under other names, in a vendor's extension and in the rest of ISO 2022 some reader sees ASCII.
_BY_THE_LETTER: Final = {
    "iso-2022-jp": "iso2022_jp",
    "shift_jis": "shift_jis",
    "gb2312": "gb2312",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "big5",
}
_OF_ISO_2022_JP: Final = re.compile(rb"(?>(?:[\x00-\x1a\x1c-\x7f]++|\x1b(?:\$[@B]|\([BJ]))*)")  # RFC 1468
_ISO_2022: Final = "iso2022"  # how the names of most of these charsets begin, and those of their codecs
_SHIFTS: Final = dict.fromkeys((0x0E, 0x0F, 0x1B))  # SO, SI, ESC: no control characters in ISO 2022


def _one_octet(error: UnicodeError) -> tuple[str, int]:
    """Replace no more than the escape that Python's codecs of ISO 2022 do not know: what follows it is text."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - nothing is encoded with this; tells mypy so
    return "\ufffd", error.start + 1


_ONE_OCTET: Final = "sendertrust.one-octet"
codecs.register_error(_ONE_OCTET, _one_octet)


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
    #: Whether it knows the charsets of `_BY_THE_LETTER` alone, and takes all others for ASCII.
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
        """Give a codec of Python, or a key of `_BY_ESCAPES` or `_BY_OCTETS`, for what `_charset` gives."""
        if self.by_the_letter:
            return _BY_THE_LETTER.get(name, "ascii")
        known = self.codecs.get(charset) or CHARSETS.get(charset)
        return known or (self.ebcdic if self.ebcdic and _EBCDIC_NAME.match(charset) else self.unknown)


def _read_as(other: str, codecs: set[str]) -> Mapping[str, str]:
    return MappingProxyType({charset: other for charset, codec in CHARSETS.items() if codec in codecs})


#: What every reader may be expected to see, be it one that joins words or not.
USUAL_READERS: Final = (Reader(), Reader(join=Join.NOTHING))

# What single readers do otherwise, be they such as join words or not.
_ODD_READERS: Final = (
    Reader(skip_padding=True),
    Reader(skip_blanks=True),
    Reader(url_safe=True),
    Reader(codecs=MappingProxyType(_BIG_ENDIAN)),
    Reader(codecs=MappingProxyType(_BIG_ENDIAN), skip_padding=True, keep_underscores=True),  # mb_decode_mimeheader
    Reader(codecs=_read_as("ascii", _HIDING)),
    Reader(codecs=_read_as("ascii", _HIDING), skip_padding=True),
    Reader(by_the_letter=True, doubtful=True),
    Reader(by_the_letter=True, doubtful=True, skip_padding=True),
    Reader(unknown="cp037", doubtful=True),
    Reader(ebcdic=_OTHER_EBCDIC),
    Reader(unknown="utf-7"),
    Reader(unknown="utf-8"),
    Reader(codecs=_read_as(_MODIFIED_UTF_7, {"utf-7"}), unknown=_MODIFIED_UTF_7),
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
                if decoded != view:
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
    """Give what a word calls its charset, without a language, and that in letters and digits."""
    name = word[1].partition("*")[0].lower()
    return name, _NOT_IN_CHARSET_NAME.sub("", name)


@attrs.define
class _Run:
    """Adjacent words of one charset that a reader decodes as one."""

    #: What the first of them calls the charset, and that in letters and digits.
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
        of_iso_2022 = _ISO_2022 in {self.charset[:7], CHARSETS.get(self.charset, "")[:7]}
        if reader.by_the_letter and of_iso_2022 and (codec == "ascii" or not _OF_ISO_2022_JP.fullmatch(octets)):
            codec = _SEVEN_BITS
        if codec in _BY_ESCAPES:
            pattern, decoded = _BY_ESCAPES[codec]
            octets, codec = pattern.sub(decoded, octets), "utf-8"
        elif codec in _BY_OCTETS:
            others, codec = _BY_OCTETS[codec]
            octets = octets.translate(others)
        # Whatever is broken is replaced, as most readers do.
        replace = _ONE_OCTET if codec.startswith(_ISO_2022) else "replace"
        text = octets.decode(codec, replace)
        if codec == "utf-7":  # it may give surrogates: pairs make a character, a lone one is none
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text.translate(_SHIFTS) if codec == "ascii" and of_iso_2022 else text


def _to_octets(encoded_text: str, encoding: str, reader: Reader) -> bytes:
    if encoding == "q":
        text = encoded_text.translate(_NO_BLANKS) if reader.skip_blanks else encoded_text
        text = text if reader.keep_underscores else text.replace("_", " ")
        octets = text.encode("utf-8", "replace")
        return _Q_OCTET.sub(_unescape_octet, octets)
    text = encoded_text.translate(_URL_SAFE) if reader.url_safe else encoded_text
    base64 = _NOT_BASE64.sub("", text)
    runs = [base64] if reader.skip_padding else base64.split("=")
    return b"".join(_from_base64(run) for run in runs)


def _from_base64(run: str) -> bytes:
    """Decode a run of base64 without its padding; a single character left over means nothing."""
    digits = run.replace("=", "")
    whole = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))


def _unescape(escape: re.Match[bytes]) -> bytes:
    return escape[0].decode(_ESCAPES, "replace").encode("utf-8", "replace")


def _unescape_entities(octets: re.Match[bytes]) -> bytes:
    return html.unescape(octets[0].decode("utf-8", "replace")).encode("utf-8", "replace")


def _unescape_octet(escape: re.Match[bytes]) -> bytes:
    return _OCTETS[escape[1]]


def _decode_again(octets: re.Match[bytes]) -> bytes:
    return _from_base64(_NOT_BASE64.sub("", octets[0].decode("ascii", "ignore")))


def _unshift(shift: re.Match[bytes]) -> bytes:
    """Decode a run of modified base64; an empty one is the shift character itself."""
    base64 = _NOT_BASE64.sub("", shift[1].decode("ascii", "ignore").replace(",", "/"))
    return _from_base64(base64).decode("utf-16-be", "replace").encode("utf-8", "replace") if shift[1] else b"&"


# What Python has no codec for, or none that keeps silent about what it does not know: ASCII, and in it escapes.
_BY_ESCAPES: Final = {
    _ESCAPES: (_ESCAPE, _unescape),
    _MODIFIED_UTF_7: (_UTF_7_SHIFT, _unshift),
    _HTML_ENTITIES: (_ANYTHING, _unescape_entities),
    _QUOTED_PRINTABLE: (_Q_OCTET, _unescape_octet),
    _BASE64: (_ANYTHING, _decode_again),
}

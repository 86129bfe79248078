"""Charsets of encoded-words: by which codec a reader reads one, and what octets are to that codec.

Never a name from the wire goes to `codecs.lookup`: it is looked up in tables.
Some of what stands there is no charset, but an encoding or an escape that some
reader undoes in its place.
"""

from __future__ import annotations

import binascii
import codecs
import html
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BIG_ENDIAN",
    "BY_THE_LETTER",
    "CHARSETS",
    "EBCDIC_NAME",
    "HIDING",
    "MODIFIED_UTF_7",
    "OTHER_EBCDIC",
    "charset_key",
    "from_base64",
    "from_quoted_printable",
    "octets_to_text",
]

_NOT_IN_CHARSET_NAME: Final = re.compile(r"[^a-z0-9]")
_Q_OCTET: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_HEXADECIMAL: Final = "0123456789ABCDEFabcdef"
_OCTETS: Final = {(a + b).encode(): bytes([int(a + b, 16)]) for a in _HEXADECIMAL for b in _HEXADECIMAL}
_NOT_DIGIT: Final = re.compile(r"[^A-Za-z0-9+/]")

# No charset, but Python's email package decodes with any codec, GNU's libiconv with these: backslash escapes in ASCII.
_ESCAPES: Final = "unicode_escape"
_ESCAPE: Final = re.compile(rb"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-3]?[0-7]{1,2}|N\{[^{}]*+\})")

# The UTF-7 of mailbox names (RFC 3501 5.1.3), which Ruby's mail reads wherever a charset's name has "utf-7" in it.
MODIFIED_UTF_7: Final = "imap4-utf-7"
_UTF_7_SHIFT: Final = re.compile(rb"&([^-]*+)-")

# No charsets either, but encodings to PHP's mb_decode_mimeheader.
_HTML_ENTITIES: Final = "html_entities"
_QUOTED_PRINTABLE: Final = "quoted_printable"
_BASE64: Final = "base64"
_ANYTHING: Final = re.compile(rb".++", re.DOTALL)

# Charsets that Python has no codec for: how to turn their octets into those of the codec behind it. EBCDIC of other
# countries has its "@" (and one page "<", one the quote) elsewhere; the rest have a second copy of the specials.
OTHER_EBCDIC: Final = "other_ebcdic"
_SEVEN_BITS: Final = "seven_bits"
_EBCDIC_SMALL_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz".encode("cp037")
_KATAKANA_SMALL_LETTERS: Final = bytes.fromhex("62636465666768697172737475767778 8b9babb3b4b5b6b7b8b9")
_BY_OCTETS: Final = {
    OTHER_EBCDIC: (bytes.maketrans(b"\x44\x80\xac\xae\xaf\xb5\xec\x4a\xfc", b"\x7c" * 7 + b"\x4c\x7f"), "cp037"),
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
EBCDIC_NAME: Final = re.compile(
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
BIG_ENDIAN: Final = {"utf16": "utf-16-be", "u16": "utf-16-be", "utf32": "utf-32-be", "u32": "utf-32-be"}
# What hides plain ASCII from whoever decodes it, and shows it to whoever does not know the charset.
HIDING: Final = {
    *("utf-7", "hz", _ESCAPES, _HTML_ENTITIES, _QUOTED_PRINTABLE, _BASE64, "katakana_ebcdic"),
    *(f"cp{page}" for page in _EBCDIC_PAGES),
}
# Charsets in which octets of ASCII are halves of letters, by the names that every reader knows, and of each no more
# than its standard has. Under other names, in a vendor's extension and in the rest of ISO 2022 some reader sees ASCII.
BY_THE_LETTER: Final = {
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


def charset_key(name: str) -> str:
    """Give the letters and digits of a charset's name, which is in lower case: so the tables have it."""
    return _NOT_IN_CHARSET_NAME.sub("", name)


def octets_to_text(octets: bytes, codec: str, charset: str, *, by_the_letter: bool) -> str:
    """Decode with a codec that a table names for a charset (its key); whatever is broken is replaced, as readers do.

    Who knows a charset of ISO 2022 *by the letter* alone takes for ASCII what its standard does not have. To who takes
    one for ASCII, its shifts are no characters.
    """
    of_iso_2022 = _ISO_2022 in {charset[:7], CHARSETS.get(charset, "")[:7]}
    if by_the_letter and of_iso_2022 and (codec == "ascii" or not _OF_ISO_2022_JP.fullmatch(octets)):
        codec = _SEVEN_BITS
    if codec in _BY_ESCAPES:
        pattern, decoded = _BY_ESCAPES[codec]
        octets, codec = pattern.sub(decoded, octets), "utf-8"
    elif codec in _BY_OCTETS:
        others, codec = _BY_OCTETS[codec]
        octets = octets.translate(others)
    text = octets.decode(codec, _ONE_OCTET if codec.startswith(_ISO_2022) else "replace")
    if codec == "utf-7":  # it may give surrogates: pairs make a character, a lone one is none
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.translate(_SHIFTS) if codec == "ascii" and of_iso_2022 else text


def from_quoted_printable(octets: bytes) -> bytes:
    """Undo the escapes of quoted-printable, which are those of the Q encoding (RFC 2045 6.7)."""
    return _Q_OCTET.sub(_unescape_octet, octets)


def from_base64(text: str) -> bytes:
    """Decode a run of base64 without its padding (RFC 4648 4); what is no digit is skipped.

    A single digit left over means nothing.
    """
    digits = _NOT_DIGIT.sub("", text)
    whole = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))


def _unescape(escape: re.Match[bytes]) -> bytes:
    return escape[0].decode(_ESCAPES, "replace").encode("utf-8", "replace")


def _unescape_entities(octets: re.Match[bytes]) -> bytes:
    return html.unescape(octets[0].decode("utf-8", "replace")).encode("utf-8", "replace")


def _unescape_octet(escape: re.Match[bytes]) -> bytes:
    return _OCTETS[escape[1]]


def _decode_again(octets: re.Match[bytes]) -> bytes:
    return from_base64(octets[0].decode("ascii", "ignore"))


def _unshift(shift: re.Match[bytes]) -> bytes:
    """Decode a run of modified base64; an empty one is the shift character itself."""
    base64 = shift[1].decode("ascii", "ignore").replace(",", "/")
    return from_base64(base64).decode("utf-16-be", "replace").encode("utf-8", "replace") if shift[1] else b"&"


# What Python has no codec for, or none that keeps silent about what it does not know: ASCII, and in it escapes.
_BY_ESCAPES: Final = {
    _ESCAPES: (_ESCAPE, _unescape),
    MODIFIED_UTF_7: (_UTF_7_SHIFT, _unshift),
    _HTML_ENTITIES: (_ANYTHING, _unescape_entities),
    _QUOTED_PRINTABLE: (_Q_OCTET, _unescape_octet),
    _BASE64: (_ANYTHING, _decode_again),
}

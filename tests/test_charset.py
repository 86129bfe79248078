"""Charsets as they stand in encoded-words: which codec reads one, and what hides in it."""

from __future__ import annotations

import base64
import re
from types import MappingProxyType
from typing import Final

import pytest
from from_bodies import PRINTABLE, b_word

from sendertrust.charset import (
    _ESCAPE,
    _NOT_DIGIT,
    _NOT_IN_CHARSET_NAME,
    _Q_OCTET,
    CHARSETS,
    EBCDIC_NAME,
)
from sendertrust.encoded_word import READERS, Join, Reader, decode

WHOLE: Final = Reader()
APART: Final = Reader(join=Join.NOTHING)
HEXADECIMAL: Final = set("0123456789ABCDEFabcdef")
BY_THE_LETTER: Final = Reader(by_the_letter=True)
OF_ASCII: Final = {"mac_hebrew", "armscii_8", "isiri_3342", "iso_5428", "html_entities", "quoted_printable"}


# For each charset octets that it reads as no other kin of it does, or that show which superset is used.
SAMPLES: Final[dict[str, tuple[bytes, str]]] = (
    {
        "us-ascii": (b"\x80", "€"),
        "ascii": (b"\x80", "€"),
        "iso-8859-1": (b"\x80\xe9", "€é"),
        "latin1": (b"\x80\xe9", "€é"),
        "l1": (b"\x80\xe9", "€é"),
        "iso-ir-100": (b"\x80\xe9", "€é"),
        "cp819": (b"\x80\xe9", "€é"),
        "ibm819": (b"\x80\xe9", "€é"),
        "latin5": (b"\x80\xfe", "€ş"),
        "l5": (b"\x80\xfe", "€ş"),
        "latin2": (b"\xa3", "Ł"),
        "l2": (b"\xa3", "Ł"),
        "latin-9": (b"\xa4", "€"),
        "iso-8859-6-e": (b"\xc7", "ا"),
        "iso-8859-6-i": (b"\xc7", "ا"),
        "iso-8859-8-e": (b"\xe0", "א"),
        "iso-8859-8-i": (b"\xe0", "א"),
        "ms932": (b"\x87\x40", "①"),
        "x-gbk": (b"\xd5\xc5", "张"),
        "cp936": (b"\xd5\xc5", "张"),
        "ms936": (b"\xd5\xc5", "张"),
        "cp950": (b"\xa4\x40", "一"),
        "ms950": (b"\xa4\x40", "一"),
        "ks_c_5601-1989": (b"\xb0\xa1", "가"),
        "cp949": (b"\xb0\xa1", "가"),
        "ms949": (b"\xb0\xa1", "가"),
        "windows-949": (b"\xb0\xa1", "가"),
        "johab": (b"\x88\x61", "가"),
        "x-mac-roman": (b"\x8e", "é"),
        "x-mac-cyrillic": (b"\x80", "А"),
        "iso-8859-2": (b"\xa3", "Ł"),
        "iso-8859-3": (b"\xa1", "Ħ"),
        "iso-8859-4": (b"\xa2", "ĸ"),
        "iso-8859-5": (b"\xb0", "А"),
        "iso-8859-6": (b"\xc7", "ا"),
        "iso-8859-7": (b"\xc1", "Α"),
        "iso-8859-8": (b"\xe0", "א"),
        "iso-8859-9": (b"\x80\xfe", "€ş"),
        "iso-8859-10": (b"\xa2", "Ē"),
        "iso-8859-11": (b"\xa1", "ก"),
        "iso-8859-13": (b"\xa8", "Ø"),
        "iso-8859-14": (b"\xa1", "Ḃ"),
        "iso-8859-15": (b"\xa4", "€"),
        "iso-8859-16": (b"\xa1", "Ą"),
        "utf-8": (b"\xe5\xb1\xb1", "山"),
        "unicode-1-1-utf-8": (b"\xe5\xb1\xb1", "山"),
        "utf-8-sig": (b"\xe5\xb1\xb1", "山"),
        "csutf8": (b"\xe5\xb1\xb1", "山"),
        "u8": (b"\xe5\xb1\xb1", "山"),
        "utf8": (b"\xe5\xb1\xb1", "山"),
        "utf-7": (b"+AEA-", "@"),
        "utf7": (b"+AEA-", "@"),
        "u7": (b"+AEA-", "@"),
        "ibm039": (b"\x7cZ", "@!"),
        "ebcdic-cp-us": (b"\x7cZ", "@!"),
        "ebcdic-cp-ca": (b"\x7cZ", "@!"),
        "ebcdic-cp-nl": (b"\x7cZ", "@!"),
        "ebcdic-cp-wt": (b"\x7cZ", "@!"),
        "ebcdic-cp-he": (b"\x7cA", "@א"),
        "ebcdic-cp-be": (b"\x7cO", "@!"),
        "ebcdic-cp-ch": (b"\x7cO", "@!"),
        "csunicode11utf7": (b"+AEA-", "@"),
        "unicode-1-1-utf-7": (b"+AEA-", "@"),
        "utf-16": (b"\xff\xfe@\0", "@"),
        "utf-16be": (b"\0@", "@"),
        "utf-16le": (b"@\0", "@"),
        "utf": ("山".encode(), "山"),
        "u16": (b"\xfe\xff\0@", "@"),
        "unicode-big-unmarked": (b"\0@", "@"),
        "unicode-little-unmarked": (b"@\0", "@"),
        "u32": (b"\xff\xfe\0\0@\0\0\0", "@"),
        "csiso2022jp": (b"\x1b$B;3\x1b(B", "山"),
        "x-windows-iso2022jp": (b"\x1b$B;3\x1b(B", "山"),
        "iso-2022-jp-ext": (b"\x1b$B;3\x1b(B", "山"),
        "iso-2022-jp-2004": (b"\x1b$B;3\x1b(B", "山"),
        "csiso2022kr": (b"\x1b$)C\x0e0!\x0f", "가"),
        "hz-gb": (b"~{0!~}", "啊"),
        "hz": (b"~{0!~}", "啊"),
        "unicode_escape": (rb"\u5c71", "山"),
        "java": (rb"\u5c71", "山"),
        "c99": (rb"\u5c71", "山"),
        "html": (b"&#64;&lt;", "@<"),
        "html-entities": (b"&#64;&#x3c;&gt;&commat;", "@<>@"),
        "quoted-printable": (b"=40=3C", "@<"),
        "qprint": (b"=40=3C", "@<"),
        "base64": (b"QDw=", "@<"),
        "raw-unicode-escape": (rb"\u5c71", "山"),
        "utf-32": (b"\xff\xfe\0\0@\0\0\0", "@"),
        "utf-32be": (b"\0\0\0@", "@"),
        "utf-32le": (b"@\0\0\0", "@"),
        "x-iso-2022-jp": (b"\x1b$B;3\x1b(I1\x1b(B", "山ｱ"),
        "iso-2022-jp-ms": (b"\x1b$B;3\x1b(I1\x1b(B", "山ｱ"),
        "cp50220": (b"\x1b$B;3\x1b(I1\x1b(B", "山ｱ"),
        "cp50221": (b"\x1b$B;3\x1b(I1\x1b(B", "山ｱ"),
        "cp50222": (b"\x1b$B;3\x1b(I1\x1b(B", "山ｱ"),
        "sjis-win": (b"\x87@", "①"),
        "x-mac-japanese": (b"\x87@", "①"),
        "cp943": (b"\x87@", "①"),
        "eucjp-ms": (b"\xbb\xb3", "山"),
        "eucjp-win": (b"\xbb\xb3", "山"),
        "cp51932": (b"\xbb\xb3", "山"),
        "iso-2022-jp": (b"\x1b$B;3\x1b(I1\x1b(B", "山ｱ"),
        "iso-2022-jp-1": (b"\x1b$(D0!\x1b(I1\x1b(B", "丂ｱ"),
        "iso-2022-jp-2": (b"\x1b$A0!\x1b(B", "啊"),
        "iso-2022-jp-3": (b"\x1b$(O-!\x1b(B", "①"),
        "iso-2022-kr": (b"\x1b$)C\x0e0!\x0f", "가"),
        "shift-jis": (b"\x87@", "①"),
        "sjis": (b"\x87@", "①"),
        "x-sjis": (b"\x87@", "①"),
        "windows-31j": (b"\x87@", "①"),
        "cp932": (b"\x87@", "①"),
        "euc-jp": (b"\xbb\xb3", "山"),
        "x-euc-jp": (b"\xbb\xb3", "山"),
        "gb2312": (b"\xb0\xa1\x81@", "啊丂"),
        "gbk": (b"\xb0\xa1\x81@", "啊丂"),
        "gb18030": (b"\xb0\xa1\x81@", "啊丂"),
        "hz-gb-2312": (b"~{0!~}", "啊"),
        "big5": (b"\xa4\xa4\x87@", "中䏰"),
        "big5-hkscs": (b"\xa4\xa4\x87@", "中䏰"),
        "euc-kr": (b"\xb0\xa1\x81A", "가갂"),
        "ks-c-5601-1987": (b"\xb0\xa1\x81A", "가갂"),
        "koi8-r": (b"\xc1\xa4", "а╓"),
        "koi8-u": (b"\xc1\xa4", "ає"),
        "tis-620": (b"\xa1\x80", "ก€"),
        "windows-874": (b"\xa1\x80", "ก€"),
        "macintosh": (b"\x8e", "é"),
        "mac-arabic": (b"\xa8\xbc@\xbe\xa9\xac", "(<@>)،"),
        "x-mac-arabic": (b"\xa8\xbc@\xbe\xa9\xac", "(<@>)،"),
        "mac-farsi": (b"\xa8\xbc@\xbe\xa9\xac", "(<@>)،"),
        "x-mac-farsi": (b"\xa8\xbc@\xbe\xa9\xac", "(<@>)،"),
        "mac-hebrew": (b"\xa8\xbc@\xbe\xa9\xac", "(<@>),"),
        "x-mac-hebrew": (b"\xa8\xbc@\xbe\xa9\xac", "(<@>),"),
        "IBM930": (b"\x62\x7c\x8b", "a@q"),
        "cp930": (b"\x62\x7c\x8b", "a@q"),
        "csIBM930": (b"\x62\x7c\x8b", "a@q"),
        "IBM1390": (b"\x62\x7c\x8b", "a@q"),
        "cp1390": (b"\x62\x7c\x8b", "a@q"),
        "csIBM1390": (b"\x62\x7c\x8b", "a@q"),
        "ARMSCII-8": (b"\xa5@\xa4\xa9\xab", "(@).,"),
        "ISIRI-3342": (b"\xa9\xbc@\xbe\xa8\xa6\xba", "(<@>).:"),
        "ISO_5428": (b"a@?", "a@;"),
        "ISO_5428:1980": (b"a@?", "a@;"),
        "iso-ir-55": (b"a@?", "a@;"),
        "csISO5428Greek": (b"a@?", "a@;"),
    }
    | {
        f"{prefix}{page}": sample
        for prefix in ("windows-", "cp", "x-cp")
        for page, sample in {
            "1250": (b"\x8a", "Š"),
            "1251": (b"\xc0", "А"),
            "1252": (b"\x80", "€"),
            "1253": (b"\xc1", "Α"),
            "1254": (b"\xde", "Ş"),
            "1255": (b"\xe0", "א"),
            "1256": (b"\xc7", "ا"),
            "1257": (b"\xa8", "Ø"),
            "1258": (b"\xfe", "₫"),
        }.items()
    }
    | {
        f"{prefix}{page}": sample
        for prefix in ("ibm", "cp", "csibm", "")
        for page, sample in {
            "037": (b"\x7cZ", "@!"),
            "273": (b"\xb5", "@"),
            "424": (b"\x7cA", "@א"),
            "500": (b"\x7cO", "@!"),
            "875": (b"\x7c\x42", "@Β"),
            "1026": (b"\xae", "@"),
            "1140": (b"\x7c\x9f", "@€"),
            "437": (b"\x82\x9b", "é¢"),
            "850": (b"\x82\x9b", "éø"),
            "852": (b"\x82\x9d", "éŁ"),
            "720": (b"\x9b", "ؤ"),
            "737": (b"\x86", "Η"),
            "775": (b"\x86", "å"),
            "855": (b"\x86", "є"),
            "856": (b"\x86", "ז"),
            "857": (b"\x86", "å"),
            "858": (b"\x86", "å"),
            "860": (b"\x86", "Á"),
            "861": (b"\x86", "å"),
            "862": (b"\x86", "ז"),
            "863": (b"\xe1", "ß"),
            "864": (b"\xd5", "ﺻ"),
            "865": (b"\x86", "å"),
            "869": (b"\x86", "Ά"),
            "866": (b"\x80", "А"),
        }.items()
    }
)


def test_every_charset_has_a_sample() -> None:
    assert {re.sub("[^a-z0-9]", "", charset.lower()) for charset in SAMPLES} == set(CHARSETS)
    assert isinstance(CHARSETS, MappingProxyType)


@pytest.mark.parametrize("reader", [WHOLE, APART], ids=["joined", "apart"])
@pytest.mark.parametrize(("charset", "sample"), SAMPLES.items(), ids=SAMPLES.keys())
def test_charsets(charset: str, sample: tuple[bytes, str], reader: Reader) -> None:
    """Law, 4: 'a closed table of the real ones'."""
    octets, text = sample
    quoted = "".join(f"={octet:02X}" for octet in octets)
    assert decode(b_word(octets, charset), reader) == text
    assert decode(b_word(octets, charset.upper().replace("-", "_")), reader) == text
    assert decode(f"=?{charset}?q?{quoted}?=", reader) == text
    assert decode(f"=? {charset}\t?Q?{quoted.lower()}?=", reader) == text
    assert decode(f"=?{charset}*ja-JP?Q?{quoted}?=", reader) == text


@pytest.mark.parametrize("charset", CHARSETS)
def test_every_charset_reads_an_address(charset: str) -> None:
    address = "<ceo@victim.example>"
    codec = CHARSETS[charset]
    if codec == "base64":
        octets = base64.b64encode(address.encode())
    elif codec == "katakana_ebcdic":
        octets = bytes.fromhex("4c6466777cb57164b371754b66b76275787466 6e")
    else:
        octets = address.encode("ascii" if codec in OF_ASCII else codec)
    assert decode(b_word(octets, charset), WHOLE) == address


@pytest.mark.parametrize(
    "charset",
    ["", "x-klingon", "unknown-8bit", "rot13", "idna", "punycode", "zlib", "utf-8\u212a"],
)
def test_other_charsets_keep_their_ascii(charset: str) -> None:
    """Law, 4: 'Never `codecs.lookup` on a name from the wire'."""
    assert decode(f"=?{charset}?q?a=40=E9\\x40?=", WHOLE) == "a@\ufffd\\x40"


def test_digits_of_escapes() -> None:
    """RFC 2045, 6.7; the Python Language Reference, 2.4.1.1: one to three octal digits, and 2, 4 or 8 hexadecimal."""
    for escape in ("={}0", "=0{}"):
        assert {c for c in PRINTABLE if _Q_OCTET.fullmatch(escape.format(c).encode())} == HEXADECIMAL
    for escape in (r"\x{}0", r"\x0{}", r"\u{}000", r"\u000{}", r"\U{}0000000", r"\U0000000{}"):
        assert {c for c in PRINTABLE if _ESCAPE.fullmatch(escape.format(c).encode())} == HEXADECIMAL
    octal = set("01234567")
    for escape, digits in (
        (r"\{}", octal),
        (r"\1{}", octal),
        (r"\{}7", octal),
        (r"\{}00", set("0123x")),
        (r"\10{}", octal),
    ):
        assert {c for c in PRINTABLE if _ESCAPE.fullmatch(escape.format(c).encode())} == digits
    named = {c for c in PRINTABLE if _ESCAPE.fullmatch(b"\\N{%b}" % c.encode())}
    assert named == set(PRINTABLE) - set("{}")
    for text in (rb"\x000", rb"\u00000", rb"\U000000000", rb"\0000", rb"\N{AB}}"):
        found = _ESCAPE.match(text)
        assert found
        assert found.end() == len(text) - 1
    assert _ESCAPE.fullmatch(rb"\N{}")


def test_digits_of_base64_and_letters_of_names() -> None:
    """RFC 4648, 4; and a charset's name is looked up by its letters and digits, in lower case."""
    lower = set("0123456789abcdefghijklmnopqrstuvwxyz")
    assert {c for c in PRINTABLE if not _NOT_DIGIT.match(c)} == lower | set("ABCDEFGHIJKLMNOPQRSTUVWXYZ+/")
    assert {c for c in PRINTABLE if not _NOT_IN_CHARSET_NAME.match(c)} == lower


ONLY_BY_THE_LETTER: Final = {
    "a name that few know": ("=?x-sjis?q?=81=40?=", "\ufffd@"),
    "the name that all know": ("=?shift_jis?q?=81=40?=", "\u3000"),
    "a single octet of ISO 8859": ("=?iso-8859-1?q?=E9=40?=", "\ufffd@"),
    "ISO-2022-JP": ("=?iso-2022-jp?q?=1B$B0=40=1B(B?=", "粟"),
    "ISO-2022-JP by another name": ("=?cp50220?q?=1B$B0=40=1B(B?=", "$B0@(B"),
    "ISO-2022-JP with an escape that nobody knows": ("=?iso-2022-jp?q?=1B)B=C0?=", ")B@"),
    "Korean": ("=?iso-2022-kr?q?=1B$)C=0E0!=0F?=", "$)C0!"),
    "an unknown one of ISO 2022": ("=?iso-2022-cn?q?=1B$A=0Ea=C1=0F?=", "$AaA"),
    "shifts outside ISO 2022": ("=?x-klingon?q?=1Ba=0E=C1?=", "\x1ba\x0e\ufffd"),
}


@pytest.mark.parametrize(("text", "decoded"), ONLY_BY_THE_LETTER.values(), ids=ONLY_BY_THE_LETTER.keys())
def test_some_know_few_charsets(text: str, decoded: str) -> None:
    """Law, 4: 'A closed table of the real ones', which is shorter with some, and each name has one spelling."""
    assert decode(text, BY_THE_LETTER) == decoded


EBCDIC_PAGES: Final = (
    *(37, 38, 256, *range(273, 291), 297, *range(420, 426), 500, 803, *range(833, 839), 870, 871, 875, 880, 905, 918),
    *(930, 931, 933, 935, 937, 939, 1025, 1026, 1047, 1069, 1070, 1079, 1081, 1084, 1097, 1112, 1122, 1123, 1130, 1132),
    *(1137, *range(1140, 1150), *range(1153, 1161), 1164, 1166, 1364, 1371, 1388, 1390, 1399, 4517, 4899, 4971, 5123),
    *(924, 9030, 12712, 16804),
)


def test_names_of_ebcdic_pages() -> None:
    """Those of the GNU C library, which any reader on it knows."""
    assert [page for page in range(20_000) if EBCDIC_NAME.match(f"ibm{page}")] == sorted(EBCDIC_PAGES)
    for prefix in ("", "x", "cs", "ibm", "cp", "ccsid", "xibm", "csibm", "ibm0", "ibm00"):
        assert EBCDIC_NAME.match(f"{prefix}277")
    for name in ("ebcdicatde", "csebcdicatde", "osf10020115", "posixbc", "ibm500v1"):
        assert EBCDIC_NAME.match(name)
    for name in ("ebcdi", "osf1003", "posixb", "xebcdic", "ibm", ""):
        assert not EBCDIC_NAME.match(name)
    for name in ("csx277", "xcs277", "ibmx277", "windows277", "ibm277x", "ibm500v", "ibm500v2"):
        assert not EBCDIC_NAME.match(name)


def test_an_unknown_escape_hides_nothing_behind_it() -> None:
    """Law, 4: what readers see, be it that Python's codec would replace more than the escape."""
    assert decode("=?iso-2022-jp?q?=1B(0<a=40b>=1B$?=", WHOLE) == "\ufffd(0<a@b>\ufffd$"


ESCAPES: Final = {
    "hexadecimal": (r"\x3c", "<"),
    "four digits": (r"\u0040", "@"),
    "eight digits": (r"\U00000040", "@"),
    "octal": (r"\100\74", "@<"),
    "name": (r"\N{COMMERCIAL AT}", "@"),
    "unknown name": (r"\N{NOBODY}", "\ufffd"),
    "no character": (r"\Uffffffff", "\ufffd"),
    "surrogate": (r"\ud800", "?"),
    "cut": (r"a\x4", r"a\x4"),
    "unknown": (r"\q\9 ", r"\q\9 "),
}


@pytest.mark.parametrize(("escaped", "text"), ESCAPES.values(), ids=ESCAPES.keys())
@pytest.mark.parametrize("charset", ["unicode_escape", "raw-unicode-escape"])
def test_escapes_of_python(escaped: str, text: str, charset: str) -> None:
    """Python's ``email.header.decode_header`` and ``bytes.decode`` take any codec for a charset."""
    assert decode(b_word(escaped.encode(), charset), WHOLE) == text
    assert decode(b_word(b"@", charset), WHOLE) == "@"


MODIFIED: Final = {
    "UTF-7": ("utf-7", "&AEA-", "@"),
    "another name": ("x-imap4-utf-7", "&AEA-", "@"),
    "two characters": ("utf-7", "&ADwAQA-", "<@"),
    "comma for slash": ("utf-7", "&,x4-", "\uff1e"),
    "itself": ("utf-7", "&-", "&"),
    "nothing": ("utf-7", "&x-", ""),
    "other characters inside": ("utf-7", "&A E.A-", "@"),
    "no end": ("utf-7", "&AEA", "&AEA"),
    "half a character": ("utf-7", "&AA-", "\ufffd"),
    "other octets inside": ("utf-7", "&AéEA-", "@"),
    "a shift of plain UTF-7": ("utf-7", "+AEA-", "+AEA-"),
}


@pytest.mark.parametrize(("charset", "encoded", "text"), MODIFIED.values(), ids=MODIFIED.keys())
def test_modified_utf_7(charset: str, encoded: str, text: str) -> None:
    """RFC 3501 5.1.3: '"&" is used to shift to modified BASE64', as Ruby's mail takes UTF-7 to be."""
    assert decode(b_word(encoded.encode(), charset), READERS[-1]) == text

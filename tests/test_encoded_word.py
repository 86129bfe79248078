"""Encoded-words (RFC 2047): found and decoded as leniently as any reader might."""

from __future__ import annotations

from typing import Final

import attrs
import pytest
from from_bodies import OWN, PRINTABLE, asked, b_word
from hypothesis import given
from hypothesis import strategies as st

from sendertrust import Action, encoded_word
from sendertrust.charset import CHARSETS
from sendertrust.encoded_word import (
    _BROKEN,
    _ODD_READERS,
    MAX_ENCODED_WORDS,
    READERS,
    Join,
    Reader,
    decode,
    decodings,
    encoded_words,
    views,
    without_words,
    word_fault,
)

WHOLE: Final = Reader()
APART: Final = Reader(join=Join.NOTHING)
IF_BROKEN: Final = Reader(join=Join.BROKEN_TEXT)
HEXADECIMAL: Final = set("0123456789ABCDEFabcdef")


def test_some_decode_the_url_safe_alphabet() -> None:
    """RFC 4648 5, as the Buffer of Node reads it."""
    assert decode("=?iso-8859-1?b?c-lA?=", Reader(url_safe=True)) == "sé@"
    assert decode("=?iso-8859-1?b?Pz8_?=", Reader(url_safe=True)) == "???"
    assert decode("=?iso-8859-1?b?c+lA?=", Reader(url_safe=True)) == "sé@"


@pytest.mark.parametrize("at_sign", [0x44, 0x7C, 0x80, 0xAC, 0xAE, 0xAF, 0xB5, 0xEC])
def test_an_unknown_charset_may_be_any_page_of_ebcdic(at_sign: int) -> None:
    """Every octet that is "@" in some EBCDIC charset of the GNU C library, such as 277, 278, 280, 297, 871."""
    address = "ceo@victim.example".encode("cp037").replace(b"\x7c", bytes([at_sign]))
    assert "ceo@victim.example" in [decode(b_word(address, "ibm1143"), reader) for reader in READERS]


FOUND: Final = {
    "nothing": ("Taro", []),
    "empty": ("", []),
    "one": ("=?utf-8?q?a?=", [("utf-8", "q", "a")]),
    "two": ("=?a?B?b?= =?c?Q?d?=", [("a", "B", "b"), ("c", "Q", "d")]),
    "no blank between": ("=?a?b?b?==?c?q?d?=", [("a", "b", "b"), ("c", "q", "d")]),
    "in mid-word": ("x=?a?q?b?=y", [("a", "q", "b")]),
    "empty text": ("=?a?q??=", [("a", "q", "")]),
    "empty charset": ("=??q?a?=", [("", "q", "a")]),
    "text begins with an escape": ("=?a?q?=3C?=", [("a", "q", "=3C")]),
    "blanks in text": ("=?a?q?b c\td\r\n e?=", [("a", "q", "b c\td\r\n e")]),
    "question mark in text": ("=?a?q?b?c??=", [("a", "q", "b?c?")]),
    "quotes in text": ('=?a?q?"<b@c>"?=', [("a", "q", '"<b@c>"')]),
    "first end counts": ("=?a?q?b?= ?=", [("a", "q", "b")]),
    "blank in the charset": ("=? a ?q?b?=", [(" a ", "q", "b")]),
    "language": ("=?a*en?q?b?=", [("a*en", "q", "b")]),
    "start before a word": ("=?=?a?q?b?=", [("a", "q", "b")]),
    "unknown encoding": ("=?a?x?b?=", []),
    "long encoding": ("=?a?qq?b?=", []),
    "no encoding": ("=?a??b?=", []),
    "no end": ("=?a?q?b", []),
    "half an end": ("=?a?q?b?", []),
    "no text": ("=?a?q?=", []),
    "end before start": ("?= =?a?q?b", []),
}


@pytest.mark.parametrize(("text", "found"), FOUND.values(), ids=FOUND.keys())
def test_what_is_taken_for_an_encoded_word(text: str, found: list[tuple[str, str, str]]) -> None:
    """RFC 2047, 2, and the forms beyond it that readers take."""
    assert [match.groups() for match in encoded_words(text)] == found


DECODED: Final = {
    "no word": ("Taro", "Taro"),
    "empty": ("", ""),
    "around": ("a =?utf-8?q?b?= c", "a b c"),
    "Q underscore": ("=?utf-8?q?a_b?=", "a b"),
    "Q underscore escaped": ("=?utf-8?q?a=5Fb?=", "a_b"),
    "Q lower-case escape": ("=?utf-8?q?=e5=b1=b1?=", "山"),
    "Q lone equals sign": ("=?utf-8?q?a=b=4?=", "a=b=4"),
    "Q escape is no hexadecimal": ("=?utf-8?q?=G0=+1= 1?=", "=G0=+1= 1"),
    "Q escaped escape": ("=?utf-8?q?=3D40?=", "=40"),
    "Q raw UTF-8": ("=?utf-8?q?山?=", "山"),
    "Q raw UTF-8, other charset": ("=?us-ascii?q?é?=", "Ã©"),
    "Q undecodable": ("=?utf-8?q?a\udce9?=", "a?"),
    "Q question marks": ("=?utf-8?q?a?b??=", "a?b?"),
    "B": ("=?utf-8?b?5bGx?=", "山"),
    "B, blanks inside": ("=?utf-8?b?5b Gx\r\n?=", "山"),
    "B, padded": ("=?utf-8?b?YQ==?=", "a"),
    "B, one padded": ("=?utf-8?b?YWI=?=", "ab"),
    "B, padding left out": ("=?utf-8?b?YQ?=", "a"),
    "B, padding cut": ("=?utf-8?b?YQ=?=", "a"),
    "B, too much padding": ("=?utf-8?b?YQ====?=", "a"),
    "B, padding alone": ("=?utf-8?b?====?=", ""),
    "B, empty": ("=?utf-8?b??=", ""),
    "B, one character": ("=?utf-8?b?Y?=", ""),
    "B, one character too many": ("=?utf-8?b?YWJjZ?=", "abc"),
    "B, more after padding": ("=?utf-8?b?YQ==YmM=?=", "abc"),
    "B, other characters": ("=?utf-8?b?Y-W*J_j?=", "abc"),
    "B, non-ASCII": ("=?utf-8?b?Y山Q?=", "a"),
    "adjacent": ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
    "adjacent, folded": ("=?utf-8?q?a?=\r\n\t=?utf-8?b?Yg==?=", "ab"),
    "adjacent, no blank": ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
    "adjacent, two charsets": ("=?utf-8?q?a?= =?us-ascii?q?b?=", "ab"),
    "text between": ("=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
    "blank before the first": (" =?utf-8?q?a?= ", " a "),
    "broken UTF-8": ("=?utf-8?q?caf=E9_=40?=", "caf\ufffd @"),
    "UTF-7 surrogate": ("=?utf-7?q?+2AA-?=", "\ufffd"),
    "UTF-16 lone surrogate": ("=?utf-16be?b?2AA=?=", "\ufffd"),
    "broken ISO 2022": ("=?iso-2022-jp?q?=1B$B=FF=1B(B?=", "\ufffd"),
    "unknown ISO 2022": ("=?iso-2022-cn?q?=1B$A=0Ea=0F?=", "$Aa"),
    "escape outside ISO 2022": ("=?utf-8?q?=1B?=", "\x1b"),
    "escape in a charset that nobody knows": ("=?x-klingon?q?=1B?=", "\x1b"),
    "shifts where the charset has none": ("=?iso-2022-jp?q?=0Ea=0F?=", "\x0ea\x0f"),
    "octets that are no UTF-8, and an entity": ("=?html?q?=26#64;=E9?=", "@\ufffd"),
    "octets that are no ASCII, in base64 twice": ("=?base64?q?Q=E9Dw=3D?=", "@<"),
    "a line end in base64 twice": ("=?base64?q?QD=0Aw=3D?=", "@<"),
    "text between, and two charsets": ("=?utf-8?q?a?= x =?utf-8?q?b?= y =?us-ascii?q?c?=", "a x b y c"),
    "only once": ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", "=?utf-8?q?a?="),
}


@pytest.mark.parametrize("reader", [WHOLE, APART], ids=["joined", "apart"])
@pytest.mark.parametrize(("text", "decoded"), DECODED.values(), ids=DECODED.keys())
def test_decode(text: str, decoded: str, reader: Reader) -> None:
    """RFC 2047, 4 and 6.2, and what readers make of broken forms."""
    assert decode(text, reader) == decoded


JOINED: Final = {
    "UTF-8 character": ("=?utf-8?q?=E5=B1?= =?UTF-8?q?=B1?=", "山"),
    "Q and B": ("=?utf-8?q?=E5=B1?= =?UTF-8?b?sQ==?=", "山"),
    "language differs": ("=?utf-8*en?q?=E5?= =?utf-8*ja?q?=B1=B1?=", "山"),
    "three words": ("=?utf-8?q?=E5?= =?utf-8?q?=B1?=\r\n =?utf-8?q?=B1?=", "山"),
    "another spelling of the charset": ("=?utf-8?q?=E5?= =?UTF8?q?=B1=B1?=", "山"),
    "ISO 2022 state": ("=?iso-2022-jp?q?=1B$B;?= =?iso-2022-jp?q?3=1B(B?=", "山"),
    "base64 that ends within three octets": ("=?utf-8?b?5Q?= =?utf-8?b?sbE=?=", "山"),
}
NOT_JOINED: Final = {
    "charset differs": "=?utf-8?q?=E5?= =?gb18030?q?=B1=B1?=",
    "text between": "=?utf-8?q?=E5?= x =?utf-8?q?=B1=B1?=",
}


@pytest.mark.parametrize(("text", "joined"), JOINED.values(), ids=JOINED.keys())
def test_join(text: str, joined: str) -> None:
    """Law, 4: 'adjacent words of one charset joined before decoding'."""
    assert decode(text, WHOLE) == joined
    assert joined not in decode(text, APART)


@pytest.mark.parametrize("text", NOT_JOINED.values(), ids=NOT_JOINED.keys())
def test_no_join(text: str) -> None:
    assert "山" not in decode(text, WHOLE)


TEXT_JOINED: Final = {
    "escape": ("=?utf-8?q?=4?= =?utf-8?q?0?=", "@"),
    "escape after its first character": ("=?utf-8?q?=?= =?utf-8?q?40?=", "@"),
    "base64": ("=?utf-8?b?Q?= =?utf-8?b?A==?=", "@"),
    "octets that are whole": ("=?utf-8?q?=E5?= =?utf-8?q?=B1=B1?=", "\ufffd\ufffd\ufffd"),
    "another encoding": ("=?utf-8?q?=4?= =?utf-8?b?MA==?=", "=40"),
    "another charset": ("=?utf-8?q?=4?= =?us-ascii?q?0?=", "=40"),
    "what ends whole after it": ("=?utf-8?q?=4?= =?utf-8?q?0=E5?= =?utf-8?q?=B1=B1?=", "@\ufffd\ufffd\ufffd"),
}


@pytest.mark.parametrize(("text", "decoded"), TEXT_JOINED.values(), ids=TEXT_JOINED.keys())
def test_some_join_what_ends_within_an_octet(text: str, decoded: str) -> None:
    """RFC 2047, 5: 'Each "encoded-word" MUST encode an integral number of octets'; senders do not, and readers mend."""
    assert decode(text, IF_BROKEN) == decoded


def test_what_ends_within_an_octet() -> None:
    """RFC 2047, 4: four digits of base64 are three octets; RFC 2045, 6.7: an escape has two digits."""
    assert {c for c in PRINTABLE if _BROKEN["q"].search(f"a={c}")} - {"="} == HEXADECIMAL
    assert _BROKEN["q"].search("a=")
    assert not any(map(_BROKEN["q"].search, ("", "a", "a=40", "=4=40", "=4 ")))
    assert [length for length in range(11) if _BROKEN["b"].search("A" * length)] == [1, 2, 3, 5, 6, 7, 9, 10]
    assert not any(map(_BROKEN["b"].search, ("=", "A=", "AA==", "=AA", "AAAA=AA", "AAAAAA==")))


SEEN_BY_SOME: Final = {
    "escape split between words": "=?utf-8?q?=4?= =?utf-8?q?0?=",
    "base64 split between words": "=?utf-8?b?Q?= =?utf-8?b?A?=",
    "early padding": "=?utf-8?b?Q=A==?=",
    "EBCDIC by an unknown name": "=?ibm-1047?q?=7C?=",
    "UTF-7 by an unknown name": "=?x-utf-7?q?+AEA-?=",
    "HZ read raw": "=?hz-gb-2312?q?~{=40~}?=",
    "UTF-16 without a byte order mark": "=?utf-16?b?AEA=?=",
    "UTF-32 without a byte order mark": "=?utf-32?b?AAAAQA==?=",
    "behind a broken octet": "=?utf-7?q?=FF+AEA-?=",
    "raw UTF-7": "=?utf-7?q?+=40-?=",
    "multi-byte by a name that few know": "=?x-sjis?q?=81=40?=",
    "multi-byte by a known name with other marks": "=?g-bk?q?=81=40?=",
    "more than GB 2312": "=?gb2312?q?=81=40?=",
    "more than Shift_JIS": "=?shift_jis?q?=87=40?=",
    "ISO-2022-JP by a name that few know": "=?csiso2022jp?q?=1B$B0=40=1B(B?=",
    "ISO-2022-JP by a name without ISO": "=?cp50220?q?=1B$B0=40=1B(B?=",
    "ISO-2022-JP with JIS X 0212": "=?iso-2022-jp?q?=1B$(D0=40=1B(B?=",
    "ISO-2022-JP with kana": "=?iso-2022-jp?q?=1B(I0=40=1B(B?=",
    "ISO-2022-JP with an escape that nobody knows": "=?iso-2022-jp?q?=1B(0=40?=",
    "ISO-2022-JP with ASCII on the right": "=?iso-2022-jp?q?=1B)B=C0?=",
    "ISO 2022 with ASCII on the right": "=?iso-2022-8bit-ss2?q?=1B)B=C0?=",
    "UTF-16 in words apart": "=?utf-16?b?//4=?= =?utf-16?b?AEA=?=",
    "UTF-16 with padding in mid-word": "=?utf-16?b?AE==A?=",
}


def test_decodings_end_after_three() -> None:
    """Law, 4: 'the decoded text (repeated to a small fixed depth […])'."""
    encoded = ["a"]
    for _ in range(4):
        encoded.append(b_word(encoded[-1]))
    assert decodings(encoded[0], WHOLE) == []
    for times in range(1, 5):
        assert decodings(encoded[times], WHOLE) == encoded[:times][:-4:-1]


@pytest.mark.parametrize("text", SEEN_BY_SOME.values(), ids=SEEN_BY_SOME.keys())
def test_some_reader_sees_it(text: str) -> None:
    """Law, 4: 'a reader that […] decodes first would take it as the author'."""
    assert any("@" in decode(text, reader) for reader in READERS)


def test_characters_of_encoded_words() -> None:
    """RFC 2047, 2: 'encoding = "Q" / "B"', in either case, and nothing but blanks between adjacent words."""
    assert {c for c in PRINTABLE if encoded_words(f"=?a?{c}?b?=")} == set("bBqQ")
    assert {c for c in PRINTABLE if word_fault(f"=?a?{c}?b")} == set("bBqQ")
    characters = [*map(chr, range(0x100)), "\u2028", "\u3000"]
    assert {c for c in characters if decode(f"=?a?q?b?={c}=?a?q?c?=", WHOLE) == "bc"} == set(" \t\r\n")
    skipping = Reader(skip_blanks=True)
    assert {c for c in characters if decode(f"=?utf-8?q?=4{c}0?=", skipping) == "@"} == set(" \t\r\n")
    assert decode("=?utf-8?q?=4 0?=", WHOLE) == "=4 0"


def test_without_words() -> None:
    assert without_words("a =?utf-8?q?b?= c=?utf-8?q?d?=") == "a  c"


def test_decodings_end_when_nothing_is_decoded() -> None:
    assert decodings("a =? b", WHOLE) == []


def test_too_many_words_are_not_decoded() -> None:
    """Law, 4: 'limits come before parsing'; and the limit holds for what comes out of a word, too."""
    most = "=?utf-8?q?a?= " * MAX_ENCODED_WORDS
    assert list(views(most)) == ["a" * MAX_ENCODED_WORDS + " "]
    one_more = f"{most}=?utf-8?q?a?="
    assert views(one_more) == {}
    assert list(views(b_word(one_more))) == [one_more]
    assert word_fault(most) is None
    assert word_fault(one_more) == ("field-too-long", len(most))


def test_what_only_doubtful_readers_see_is_doubtful() -> None:
    assert views("=?x-klingon?q?L?=") == {"L": False, "<": True}
    assert views("=?utf-8?q?L?=") == {"L": False}


def views_one_by_one(text: str) -> dict[str, bool]:
    seen: dict[str, bool] = {}
    for reader in READERS:
        for view in decodings(text, reader):
            seen[view] = seen.get(view, True) and reader.doubtful
    return seen


# What only some decode otherwise, alone and in words that come out of words.
DECODED_IN_SEVERAL_WAYS: Final = {
    "padding inside": "=?utf-8?b?YQ==YmM=?=",
    "padding before what is no base64": "=?utf-8?b?YQ=!YmM=?=",
    "URL-safe minus": "=?utf-8?b?c-lA?=",
    "URL-safe underscore": "=?utf-8?B?c_lA?=",
    "blank": "=?utf-8?Q?=4 0?=",
    "line end": "=?utf-8?q?=4\r\n0?=",
    "underscore": "=?utf-8?q?a_b?=",
    "underscore behind a word in base64": "=?utf-8?b?YQ==?= =?utf-8?q?a_b?=",
    "letter split between words": "=?utf-8?q?=E5?= =?utf-8?q?=B1=B1?=",
    "escape split between words": "=?utf-8?q?=4?= =?utf-8?q?0?=",
    "charset that nobody knows": "=?x-klingon?q?+AEA-L=C3=A9?=",
    "second charset": "=?utf-8?q?a?= =?sjis?q?=81=40?=",
    "EBCDIC page": "=?ibm277?q?=80?=",
    "by the letter": "=?sjis?q?=81=40?= =?shift_jis?q?=81=40?=",
    "ISO 2022 that nobody knows": "=?iso-2022-cn?q?=1B$A=0Ea=C1=0F?=",
    "language": "=?sjis*ja?q?=81=40?=",
    "word in a word": "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa_b=3F=3D?=",
    "word in a word that only some see": "=?utf-8?q?=3D=3Futf-8=3Fq=3F=3D4?= =?utf-8?q?0=3F=3D?=",
}


@pytest.mark.parametrize("text", DECODED_IN_SEVERAL_WAYS.values(), ids=DECODED_IN_SEVERAL_WAYS.keys())
def test_readers_are_asked_in_groups(text: str) -> None:
    """Law, 4: 'The test runs over […] the decoded text (repeated to a small fixed depth)'; who decodes alike is one."""
    assert len(views_one_by_one(text)) > 1
    assert views(text) == views_one_by_one(text)


NAMES_OF_CHARSETS: Final = (
    *("utf-8", "us-ascii", "utf-7", "utf-16", "shift_jis", "x-sjis", "iso-2022-jp", "iso-2022-cn", "cp50220", "hz"),
    *("ibm037", "ibm277", "cp930", "java", "html", "base64", "x-klingon", "UTF-8*en", "mac-arabic"),
)
WORDS: Final = st.builds(
    "=?{}?{}?{}?={}".format,
    st.sampled_from(NAMES_OF_CHARSETS),
    st.sampled_from("bBqQ"),
    st.one_of(
        st.text("AQYab=-_+/ &\\x40", max_size=10),
        st.sampled_from(["=3D=3Futf-8=3Fq=3F=40_=3F=3D", "PT91dGYtOD9xP2FfYj89", "=1B$B0=40", "=81=40", "é=", "=E9"]),
    ),
    st.sampled_from(["", " ", "\r\n ", " x "]),
)


@given(st.lists(WORDS, min_size=1, max_size=4).map("".join))
def test_groups_of_readers_see_what_each_reader_sees(text: str) -> None:
    """Law 9: 'The fast path and the full scanner agree wherever both answer'."""
    assert views(text) == views_one_by_one(text)


# For each of `_ODD_READERS` a body that is accepted without it, in the same order.
NEEDED: Final = (
    "=?utf-8?q?山田＠営業部_。東京?= =?cp037?b?a=w=?=",
    "=?utf-8?q?ceo=4 0victim.example?=",
    "=?iso-8859-1?q?jo?= =?iso-8859-1?b?c-lA?= =?iso-8859-1?q?victim.example=2C?=",
    "=?utf-16?b?AGMAZQBvAEAAdg==AGkAYwB0AGkAbQAuAGUAeABhAG0AcABsAGUALA==?=",
    "=?utf-16?b?AGMAZQBvAEA=AdgBpAGMAdABpAG0ALgBlAHgAYQBtAHAAbABlACw?=",
    "=?hz?b?fntjZW8=QGNvcnAsYWJj?=",
    "=?cp037?b?eEB=5LHp6?=",
    "=?sjis?b?Y2VvgUB2aWN0aW0=LmV4YW1wbGUs?=",
    "=?sjis?b?Y2VvgUB2aWN0aW0=uZXhhbXBsZSw?=",
    "=?x-klingon?B?TIOFlnyliYOjiZRLhaeBlJeThW4=?=",
    "=?ibm277?b?g4WWgKWJg6OJlEuFp4GUl5OF?=",
    "=?x-klingon?q?+ADw-ceo+AEA-victim.example+AD4-?=",
    "=?x-klingon?B?JmNlb++8oHZpY3RpbS5leGFtcGxlLCAt?=",
    "=?utf-7?q?&ADw-ceo&AEA-victim.example&AD4-?=",
)


@pytest.mark.parametrize(("reader", "name"), list(zip(_ODD_READERS, NEEDED, strict=True)))
def test_every_reader_is_needed(reader: Reader, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law, 4: 'a reader that […] decodes first would take it as the author', and no other one of these would."""
    others = tuple(other for other in READERS if attrs.evolve(other, join=reader.join) != reader)
    assert len(others) == len(READERS) - 2
    assert [finding.rule for finding in asked(f"{name} <{OWN}>").findings] == ["hidden-address"]
    monkeypatch.setattr(encoded_word, "READERS", others)
    assert asked(f"{name} <{OWN}>").decision is Action.ACCEPT


NEEDED_TO_JOIN: Final = {
    Join.NOTHING: '"=?iso-2022-jp?q?=1B$B00=1?= =?iso-2022-jp?q?<ceo=40corp>?="',
    Join.OCTETS: '"=?utf-8?q?ceo=EF=BC?= =?utf-8?q?=A0victim.example=2C?="',
    Join.BROKEN_TEXT: '"=?utf-8?q?<ceo=4?= =?utf-8?q?0corp>?="',
}


@pytest.mark.parametrize("join", Join)
def test_every_way_to_join_is_needed(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law, 4: 'adjacent words of one charset joined before decoding', as readers join them, or do not."""
    body = f"{NEEDED_TO_JOIN[join]} <{OWN}>"
    assert [finding.rule for finding in asked(body).findings] == ["hidden-address"]
    monkeypatch.setattr(encoded_word, "READERS", tuple(reader for reader in READERS if reader.join is not join))
    assert asked(body).decision is Action.ACCEPT


def test_only_ebcdic_by_name_is_read_as_such() -> None:
    danish = Reader(ebcdic="cp037")
    assert decode(b_word(b"\x7c", "ibm277"), danish) == "@"
    assert decode(b_word(b"a@", "x-klingon"), danish) == "a@"


@pytest.mark.parametrize("charset", ["utf-16", "u16", "utf-32", "u32"])
def test_some_take_what_has_no_byte_order_mark_for_big_endian(charset: str) -> None:
    """RFC 2781, 4.3: 'the text SHOULD be interpreted as being big-endian'."""
    octets = "@".encode(f"utf-{charset[-2:]}-be")
    assert "@" in [decode(b_word(octets, charset), reader) for reader in READERS]


@pytest.mark.parametrize(
    "charset", ["utf-7", "hz", "java", "html", "quoted-printable", "base64", "cp930", "cp037", "cp500", "cp1140"]
)
def test_what_hides_ascii_is_seen_raw(charset: str) -> None:
    """Law, 4: 'A closed table of the real ones': to who does not know one of these, it is ASCII."""
    text = r"<a@b> +AEA-~{0!~}\x40&lt;=40"
    assert text in [decode(b_word(text, charset), reader) for reader in READERS if not reader.doubtful]


def test_an_unknown_charset_may_be_utf_8() -> None:
    assert any(decode("=?x-utf-8?q?=EF=BC=A0?=", reader) == "\uff20" for reader in READERS)


HONEST: Final = {
    "ISO-2022-JP": "=?iso-2022-jp?q?=1B$B0=40=1B(B?=",
    "ISO-2022-JP of 1978, with the Roman set": "=?ISO-2022-JP?q?=1B$=400=40=1B(J?=",
    "Shift_JIS": "=?Shift_JIS?q?=81=40?=",
    "GB 2312": "=?gb2312?q?=B0=A1?=",
    "GBK": "=?GBK?q?=81=40?=",
    "GB 18030": "=?gb18030?q?=81=40?=",
    "Big5": "=?big5?q?=A4=40?=",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST.keys())
def test_half_a_letter_is_no_at_sign(text: str) -> None:
    """Law, 4: 'A closed table of the real ones': every reader knows these by these names."""
    assert not [reader for reader in READERS if "@" in decode(text, reader)]


@pytest.mark.parametrize("reader", READERS)
def test_no_reader_sees_half_a_surrogate_pair(reader: Reader) -> None:
    """RFC 2152, 'Rule 2': surrogates are pairs; one alone could pass for the address's place."""
    assert "\ud800" not in decode("=?x-klingon?q?+2AA-?=", reader)


def test_some_keep_underscores() -> None:
    """PHP up to 8.2, mb_decode_mimeheader, against RFC 2047 4.2 (2)."""
    assert decode("=?utf-8?q?a_=40?=", Reader(keep_underscores=True)) == "a_@"
    assert decode("=?utf-8?q?a_=40?=", WHOLE) == "a @"


FAULTS: Final[dict[str, tuple[str, tuple[str, int] | None]]] = {
    "no word": ("Taro =? =?utf-8 =?utf-8?x?a", None),
    "with an end": ("=?utf-8?q?a?=", None),
    "end behind a blank": ("=?utf-8?q?a b?=", None),
    "two": ("=?utf-8?q?a?= =?utf-8?q?b?=", None),
    "without an end": ("x =?utf-8?q?a", ("encoded-word-unclosed", 2)),
    "without an end, before another one": ("x =?utf-8?base64?YQ =?utf-8?q?a?=", ("encoded-word-unclosed", 2)),
    "base64 by a long name": ("=?utf-8?Base64?YQ==?=", ("encoded-word-unclosed", 0)),
    "quoted-printable by a long name": ("=?utf-8?quoted-printable?a?=", ("encoded-word-unclosed", 0)),
    "uuencoded": ("=?utf-8?x-uuencode?a?=", ("encoded-word-unclosed", 0)),
    "percent-encoded": ("=?utf-8?X-KMime-RFC2231?a?=", ("encoded-word-unclosed", 0)),
    "begins with B": ("=?utf-8?bx?a?=", ("encoded-word-unclosed", 0)),
    "begins with Q": ("=?utf-8?Q*en?a?=", ("encoded-word-unclosed", 0)),
    "no name of an encoding": ("=?utf-8?xb?a?=", None),
    "behind one that has an end": ("=?a?q?b?= =?utf-8?B?a?", ("encoded-word-unclosed", 10)),
    "an end before it": ("?= =?utf-8?q?a", ("encoded-word-unclosed", 3)),
    "inside another one": ("=?utf-8?q?a =?utf-8?q?b?=", ("encoded-word-nested", 12)),
    "inside another one, whose end it hides": ("=?a?b?QQ=?a?q?=3C?=", ("encoded-word-nested", 8)),
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_words_that_readers_find_differently(text: str, fault: tuple[str, int] | None) -> None:
    """Law, 4: 'malformed is whatever two receivers could read differently'."""
    assert word_fault(text) == fault


HOSTILE: Final = {
    "starts without an end": "=?",
    "charsets without an end": "=?a",
    "heads without an end": "=?a?q?",
    "heads of base64": "=?utf-8?b?",
    "words": "=?a?q?b?=",
    "words with blanks": "=?utf-8?q?=E5?= ",
    "words of two charsets": "=?a?q?b?= =?c?q?d?= ",
    "ends": "?=",
    "question marks": "?",
    "equals signs": "=",
}


@pytest.mark.parametrize("tail", ["", "?=", "=?a?b?YQ?="], ids=["no tail", "end", "word"])
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_each_character_is_decoded_once_at_most(piece: str, tail: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 7: 'Time and memory are linear in the total input'."""
    text = piece * 2000 + tail
    decoded: list[int] = []
    to_octets = encoded_word._to_octets

    def counting_to_octets(encoded_text: str, encoding: str, reader: Reader) -> bytes:
        decoded.append(len(encoded_text))
        return to_octets(encoded_text, encoding, reader)

    monkeypatch.setattr(encoded_word, "_to_octets", counting_to_octets)
    for reader in READERS:
        decoded.clear()
        assert len(decode(text, reader)) <= len(text)
        assert sum(decoded) <= len(text)


def test_nothing_is_searched_behind_the_last_end() -> None:
    """A start that gets as far as its text also finds an end, so none is followed in vain."""
    heads = "=?a?q?b " * 10_000
    assert encoded_words(heads) == []
    (found,) = encoded_words(f"{heads}?={heads}")
    assert found.span() == (0, len(heads) + 2)


@given(
    text=st.one_of(st.text(), st.text("=?qb8 \t_4aA+-", max_size=60)),
    charset=st.sampled_from([*CHARSETS, "x-klingon", "iso-2022-cn"]),
    octets=st.binary(max_size=20),
    reader=st.sampled_from(READERS),
)
def test_anything_decodes_to_text_that_utf_8_can_hold(text: str, charset: str, octets: bytes, reader: Reader) -> None:
    """Law 8: 'No input makes `check` […] raise'; a decoded surrogate could pass for the address's place."""
    body = text.encode("utf-8", "replace").decode() + b_word(octets, charset) * 2
    decoded = decode(body, reader)
    assert decoded.encode().decode() == decoded


@given(text=st.text(max_size=20), split=st.integers(0, 30))
def test_octets_split_anywhere_are_joined(text: str, split: int) -> None:
    """RFC 2047, 5, forbids splitting characters; senders do it, and readers join."""
    octets = text.encode("utf-8", "replace")
    assert decode(f"{b_word(octets[:split])} {b_word(octets[split:])}", WHOLE) == octets.decode()

"""One address: what it is to whoever reads it, or why two readers might differ."""

from __future__ import annotations

import pickle
from typing import Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendertrust.address import (
    _INVISIBLE,
    _PLAIN,
    MAX_ADDRESS_OCTETS,
    MAX_CLAIM_OCTETS,
    MAX_DOMAIN_OCTETS,
    MAX_LABEL_OCTETS,
    MAX_LOCAL_PART_OCTETS,
    NULL_PATH,
    Address,
    NullPath,
    as_text,
    login_address,
    parse_domain,
    parse_mailbox,
    parse_reverse_path,
    plain_address,
)
from sendertrust.decision import check
from sendertrust.terms import UNSEEN, Malformed, TrustLevel

_LABEL: Final = "b" * 63
_DOMAIN_255: Final = f"{_LABEL}.{_LABEL}.{_LABEL}.{_LABEL}"
_DOMAIN_189: Final = _DOMAIN_255[:189]
_DOMAIN_190: Final = _DOMAIN_255[:190]  # 64 + 1 + 190 is one too many
_A_LABELS: Final = "xn--wgv71a119e.jp"

# What a claim is, in canonical form.
_GOOD: Final = {
    "plain": ("user1@test-sample.jp", "user1@test-sample.jp"),
    "one-letter": ("a@b", "a@b"),
    "dots": ("a.b.c@d.e.f", "a.b.c@d.e.f"),
    "every-atext": ("!#$%&'*+-/=?^_`{|}~aZ09@d", "!#$%&'*+-/=?^_`{|}~aZ09@d"),
    # letter case
    "case-of-domain": ("user1@Test-Sample.JP", "user1@test-sample.jp"),
    "case-of-local-part": ("UsEr1@d.jp", "UsEr1@d.jp"),
    # quoting
    "needless-quotes": ('"user1"@d.jp', "user1@d.jp"),
    "needless-quotes-dots": ('"a.b"@d', "a.b@d"),
    "needless-quotes-case": ('"User1"@D', "User1@d"),
    "needless-escapes": (r'"\u\s\e\r1"@d', "user1@d"),
    "quotes-needed-blank": ('"a b"@d', '"a b"@d'),
    "quotes-needed-one-blank": ('" "@d', '" "@d'),
    "quotes-needed-dots": ('"a..b"@d', '"a..b"@d'),
    "quotes-needed-last-dot": ('"a."@d', '"a."@d'),
    "quotes-needed-first-dot": ('".a"@d', '".a"@d'),
    "quotes-needed-specials": ('"a,b;c:(d)[e]"@d', '"a,b;c:(d)[e]"@d'),
    "escapes-needed": (r'"a\"b\\c"@d', r'"a\"b\\c"@d'),
    "escaped-blank": (r'"a\ b"@d', '"a b"@d'),
    "escaped-dots": (r'"a\.\.b"@d', '"a..b"@d'),
    "quoted-international": ('"é"@d', "é@d"),
    "quoted-international-blank": ('"日 本"@d', '"日 本"@d'),
    # what might begin an encoded-word, and is none
    "question-marks": ("a=?b@d", "a=?b@d"),
    "half-an-encoded-word": ("=?utf-8?q?a@d", "=?utf-8?q?a@d"),
    # Unicode form
    "nfc": ("\u00e9@d", "\u00e9@d"),
    "sharp-s": ("ß@d", "ß@d"),
    "dotless-i": ("\u0131@d", "\u0131@d"),
    "full-width-letter": ("\uff55ser1@d", "\uff55ser1@d"),
    "full-width-capital": ("\uff38@d", "\uff38@d"),
    "kanji": ("山田@d", "山田@d"),
    "emoji": ("\U0001f44d@d", "\U0001f44d@d"),
    "international-dots": ("山.田@d", "山.田@d"),
    # IDN
    "u-label": ("u@日本語.jp", f"u@{_A_LABELS}"),
    "a-label": (f"u@{_A_LABELS}", f"u@{_A_LABELS}"),
    "a-label-upper-case": (f"u@{_A_LABELS.upper()}", f"u@{_A_LABELS}"),
    "u-label-ascii-case": ("u@Bücher.EXAMPLE", "u@xn--bcher-kva.example"),
    "u-label-not-first": ("u@mail.日本語.jp", "u@mail.xn--wgv71a119e.jp"),
    "u-label-ideographic-number": ("u@一.jp", "u@xn--4gq.jp"),
    "domain-sharp-s": ("u@straße.de", "u@xn--strae-oqa.de"),
    "domain-ss": ("u@strasse.de", "u@strasse.de"),
    "domain-dotless-i": ("u@\u0131x.jp", "u@xn--x-eka.jp"),
    "international-both": ("山田@日本語.jp", f"山田@{_A_LABELS}"),
    "hyphens-3-4": ("u@ab--cd.jp", "u@ab--cd.jp"),
    "hyphens-3-4-beside-u-label": ("u@ab--cd.日本語", "u@ab--cd.xn--wgv71a119e"),
    "xn-not-at-the-start": ("u@axn--b.jp", "u@axn--b.jp"),
    # special-use domains
    "local": ("user@corp.local", "user@corp.local"),
    "localhost": ("user@localhost", "user@localhost"),
    "host": ("user@host", "user@host"),
    "internal": ("user@x.internal", "user@x.internal"),
    "test": ("user@x.test", "user@x.test"),
    "invalid": ("user@x.invalid", "user@x.invalid"),
    "local-international": ("山田@corp.local", "山田@corp.local"),
    "localhost-quoted": ('"a b"@localhost', '"a b"@localhost'),
    "digits": ("u@1.2.3.4", "u@1.2.3.4"),
    # domain literals
    "literal-4": ("u@[127.0.0.1]", "u@[127.0.0.1]"),
    "literal-6": ("u@[IPv6:FE80::1]", "u@[ipv6:fe80::1]"),
    "literal-not-an-address": ("u@[999]", "u@[999]"),
    "literal-6-other-spelling": ("u@[IPv6:fe80:0::1]", "u@[ipv6:fe80:0::1]"),
    # sizes
    "local-part-64": (f"{'a' * 64}@d", f"{'a' * 64}@d"),
    "local-part-64-octets-of-2": (f"{'é' * 32}@d", f"{'é' * 32}@d"),
    "local-part-64-quoted": (f'"{"a " * 31}"@d', f'"{"a " * 31}"@d'),
    "local-part-64-needless-quotes": (f'"{"a" * 64}"@d', f"{'a' * 64}@d"),
    "label-63": (f"u@{_LABEL}", f"u@{_LABEL}"),
    "label-63-beside-u-label": (f"u@日本語.{_LABEL}", f"u@xn--wgv71a119e.{_LABEL}"),
    "address-254": (f"{'a' * 64}@{_DOMAIN_189}", f"{'a' * 64}@{_DOMAIN_189}"),
    "address-254-international": (f"{'é' * 32}@{_DOMAIN_189}", f"{'é' * 32}@{_DOMAIN_189}"),
    "address-254-a-labels": (f"u@{'日本語.' * 16}{'b' * 12}", f"u@{'xn--wgv71a119e.' * 16}{'b' * 12}"),
    "address-254-long-domain": (f"a@{_DOMAIN_255[:252]}", f"a@{_DOMAIN_255[:252]}"),
}


@pytest.mark.parametrize(("claim", "canonical"), _GOOD.values(), ids=_GOOD)
def test_good_claims(claim: str, canonical: str) -> None:
    """Quoting that is not needed is dropped; domains are compared as A-labels (RFC 5321 4.1.2)."""
    assert parse_mailbox(claim) == Address(canonical)
    assert parse_mailbox(claim, legacy_dots=True) == Address(canonical)
    assert parse_reverse_path(claim) == Address(canonical)
    assert parse_reverse_path(f"<{claim}>") == Address(canonical)


@pytest.mark.parametrize("canonical", sorted({canonical for _, canonical in _GOOD.values()}), ids=ascii)
def test_canonical_is_canonical(canonical: str) -> None:
    """Canonicalising twice equals once."""
    assert parse_mailbox(canonical) == Address(canonical)
    assert login_address(canonical, None) == Address(canonical)


# What is malformed, by which rule, and at which octet.
_BAD: Final = {
    # no mailbox at all
    "empty": ("", "no-at-sign", 0),
    "no-at-sign": ("user1", "no-at-sign", 5),
    "no-at-sign-octets": ("山田", "no-at-sign", 6),
    "only-at": ("@", "local-part-empty", 0),
    "no-local-part": ("@d.jp", "local-part-empty", 0),
    "empty-quotes": ('""@d', "local-part-empty", 0),
    "no-domain": ("u@", "domain-empty", 2),
    "no-domain-octets": ("山田@", "domain-empty", 7),
    "star": ("*@", "domain-empty", 2),
    # source routes
    "source-route": ("@a:u@d", "source-route", 0),
    "source-route-two": ("@a,@b:u@d", "source-route", 0),
    # dots
    "dots-two": ("a..b@d", "local-part-dots", 0),
    "dot-last": ("a.@d", "local-part-dots", 0),
    "dot-first": (".a@d", "local-part-dots", 0),
    "dot-only": (".@d", "local-part-dots", 0),
    "dots-international": ("山..田@d", "local-part-dots", 0),
    # quotes
    "quotes-unclosed": ('"ab@d', "local-part-quotes", 0),
    "quotes-unclosed-escape": ('"ab\\"@d', "local-part-quotes", 0),
    "quotes-unclosed-at-end": ('"ab', "local-part-quotes", 0),
    "quotes-in-atom": ('a"b"@d', "local-part-quotes", 1),
    "quotes-then-atom": ('"a"b@d', "local-part-quotes", 3),
    "quotes-then-dot": ('"a".b@d', "local-part-quotes", 3),
    "quotes-twice": ('"a""b"@d', "local-part-quotes", 3),
    "quotes-then-atom-octets": ('"山"b@d', "local-part-quotes", 5),
    # delimiters in a quoted local part
    "quoted-at": ('"a@b"@d', "local-part-delimiter", 0),
    "quoted-less": ('"a<b"@d', "local-part-delimiter", 0),
    "quoted-greater": ('"a>b"@d', "local-part-delimiter", 0),
    "escaped-at": (r'"a\@b"@d', "local-part-delimiter", 0),
    "quoted-address": ('"<ceo@victim.example>"@d', "local-part-delimiter", 0),
    # characters of the local part
    "backslash": (r"a\b@d", "local-part-character", 1),
    "comma": ("a,b@d", "local-part-character", 1),
    "comma-before-quotes": ('a,"b"@d', "local-part-character", 1),
    "angle": ("<u@d>", "local-part-character", 0),
    "angle-octets": ("山<u@d>", "local-part-character", 3),
    "bracket": ("[a]@d", "local-part-character", 0),
    "colon": ("a:b@d", "local-part-character", 1),
    # blanks and comments
    "blank-first": (" u@d", "blank-in-address", 0),
    "blank-before-at": ("u @d", "blank-in-address", 1),
    "blank-after-at": ("u@ d", "blank-in-address", 2),
    "blank-last": ("u@d ", "blank-in-address", 3),
    "blank-octets": ("山田 @d", "blank-in-address", 6),
    "blank-in-domain-octets": ("山@日 本", "blank-in-address", 7),
    "comment-first": ("(c)u@d", "comment-in-address", 0),
    "comment-before-at": ("u(c)@d", "comment-in-address", 1),
    "comment-after-at": ("u@(c)d", "comment-in-address", 2),
    "comment-last": ("u@d(c)", "comment-in-address", 3),
    "comment-end": ("u)@d", "comment-in-address", 1),
    "comment-end-in-domain": ("u@d)", "comment-in-address", 3),
    "comment-octets": ("山(c)@d", "comment-in-address", 3),
    # control characters, and what is no UTF-8
    "nul": ("u\x00@d", "control-character", 1),
    "tab": ("u\t@d", "blank-in-address", 1),
    "cr": ("u\r@d", "blank-in-address", 1),
    "lf": ("u@d\n", "blank-in-address", 3),
    "crlf-injection": ("u@d\r\nRCPT TO:<x@y>", "blank-in-address", 3),
    "del": ("u@d\x7f", "control-character", 3),
    "c1": ("u\x85@d", "control-character", 1),
    "control-quoted": ('"a\x01b"@d', "control-character", 2),
    "control-escaped": ('"a\\\x01b"@d', "control-character", 3),
    "control-octets": ("山\x1b@d", "control-character", 3),
    "surrogate-high": ("\ud800@d", "not-utf8", 0),
    "surrogate-low": ("u@\udfff", "not-utf8", 2),
    "surrogate-pair": ("\ud83d\udc4d@d", "not-utf8", 0),
    "surrogate-octets": ("山\udcff@d", "not-utf8", 3),
    "surrogate-before-control": ("\udcff\x00@d", "not-utf8", 0),
    "control-before-surrogate": ("\x00\udcff@d", "control-character", 0),
    "surrogate-in-international-domain": ("u@山\udcff", "not-utf8", 5),
    # encoded-words
    "encoded-word-q": ("=?utf-8?q?user1?=@d", "encoded-word-in-address", 0),
    "encoded-word-b": ("=?UTF-8?B?dXNlcjE=?=@d", "encoded-word-in-address", 0),
    "encoded-word-unknown-charset": ("=?x?q?user1?=@d", "encoded-word-in-address", 0),
    "encoded-word-inside": ("a=?utf-8?q?b?=c@d", "encoded-word-in-address", 1),
    "encoded-word-in-domain": ("u@=?utf-8?q?d?=", "encoded-word-in-address", 2),
    "encoded-word-over-at": ("=?utf-8?q?u@d?=@d", "encoded-word-in-address", 0),
    "encoded-word-quoted": ('"=?utf-8?q?user1?="@d', "encoded-word-in-address", 1),
    "encoded-word-octets": ("山=?utf-8?q?b?=@d", "encoded-word-in-address", 3),
    "encoded-words": ("=?utf-8?q?a?=.=?utf-8?q?b?=@d", "encoded-word-in-address", 0),
    "encoded-word-escaped": (r'"=\?utf-8?q?user1?="@d', "encoded-word-in-address", 0),
    # Unicode form of the local part
    "nfd": ("e\u0301@d", "local-part-unicode", 0),
    "nfd-quoted": ('"e\u0301"@d', "local-part-unicode", 0),
    "kelvin": ("\u212a@d", "local-part-unicode", 0),
    "angstrom": ("\u212b@d", "local-part-unicode", 0),
    "hangul-jamo": ("\u1100\u1161@d", "local-part-unicode", 0),
    "mark-first": ("\u0301a@d", "local-part-unicode", 0),
    "full-width-at": ("a\uff20b@d", "local-part-unicode", 0),
    "full-width-less": ("a\uff1cb@d", "local-part-unicode", 0),
    "small-at": ("a\ufe6bb@d", "local-part-unicode", 0),
    "full-width-quote": ("a\uff02b@d", "local-part-unicode", 0),
    "full-width-comma": ("a\uff0cb@d", "local-part-unicode", 0),
    "private-use": ("a\ue000@d", "local-part-unicode", 0),
    "unassigned": ("a\U000e1000@d", "local-part-unicode", 0),
    "noncharacter": ("a\uffff@d", "local-part-unicode", 0),
    # domains
    "final-dot": ("u@d.jp.", "domain-syntax", 2),
    "final-dot-international": ("u@日本語.jp.", "domain-idna", 2),
    "final-dot-of-host": ("u@localhost.", "domain-syntax", 2),
    "first-dot": ("u@.jp", "domain-syntax", 2),
    "two-dots": ("u@d..jp", "domain-syntax", 2),
    "two-dots-international": ("u@日本語..jp", "domain-idna", 2),
    "hyphen-first": ("u@-d.jp", "domain-syntax", 2),
    "hyphen-last": ("u@d-.jp", "domain-syntax", 2),
    "hyphen-first-beside-u-label": ("u@日本語.-a", "domain-idna", 2),
    "underscore": ("u@a_b.jp", "domain-syntax", 2),
    "underscore-beside-u-label": ("u@日本語.a_b", "domain-idna", 2),
    "two-ats": ("u@a@b", "domain-syntax", 2),
    "at-at": ("u@@b", "domain-syntax", 2),
    "list": ("u@a,v@b", "domain-syntax", 2),
    "angle-after": ("u@d>", "angle-unopened", 3),
    "quoted-domain": ('u@"d"', "domain-syntax", 2),
    "domain-octets": ("山@a_b", "domain-syntax", 4),
    # domain literals
    "literal-empty": ("u@[]", "domain-syntax", 2),
    "literal-unclosed": ("u@[127.0.0.1", "domain-syntax", 2),
    "literal-unopened": ("u@127.0.0.1]", "domain-syntax", 2),
    "literal-then-text": ("u@[127.0.0.1].jp", "domain-syntax", 2),
    "literal-blank": ("u@[127.0.0.1 ]", "blank-in-address", 12),
    "literal-escape": (r"u@[127\.0.0.1]", "domain-syntax", 2),
    "literal-nested": ("u@[[127.0.0.1]]", "domain-syntax", 2),
    "literal-international": ("u@[日]", "domain-idna", 2),
    # not valid IDNA2008 up to the case of ASCII letters
    "idna-full-width": ("u@\uff44.jp", "domain-idna", 2),
    "idna-kelvin": ("u@\u212aelvin.jp", "domain-idna", 2),
    "idna-kelvin-beside-u-label": ("u@日\u212a.jp", "domain-idna", 2),
    "idna-ideographic-stop": ("u@日本語\u3002jp", "domain-idna", 2),
    "idna-full-width-stop": ("u@d\uff0ejp", "domain-idna", 2),
    "idna-half-width-stop": ("u@d\uff61jp", "domain-idna", 2),
    "idna-soft-hyphen": ("u@d\u00ad.jp", "domain-idna", 2),
    "idna-zero-width-space": ("u@d\u200b.jp", "domain-idna", 2),
    "idna-zero-width-joiner": ("u@d\u200d.jp", "domain-idna", 2),
    "idna-zero-width-joiner-where-it-is-valid": ("u@\u0915\u094d\u200d\u0937.jp", "domain-idna", 2),
    "idna-bidi": ("u@d\u202e.jp", "domain-idna", 2),
    "idna-variation-selector": ("u@日\ufe00.jp", "domain-idna", 2),
    "idna-nfd": ("u@e\u0301.jp", "domain-idna", 2),
    "idna-upper-case": ("u@\u00c9.jp", "domain-idna", 2),
    "idna-dotted-capital-i": ("u@\u0130.jp", "domain-idna", 2),
    "idna-capital-sharp-s": ("u@\u1e9e.jp", "domain-idna", 2),
    "idna-symbol": ("u@☃.jp", "domain-idna", 2),
    "idna-emoji": ("u@\U0001f44d.jp", "domain-idna", 2),
    "idna-octets": ("山@☃.jp", "domain-idna", 4),
    "a-label-empty": ("u@xn--.jp", "domain-idna", 2),
    "a-label-broken": ("u@xn--a.jp", "domain-idna", 2),
    "a-label-of-ascii": ("u@xn--abc-.jp", "domain-idna", 2),
    "a-label-in-another-spelling": ("u@xn---mgbh0fb.jp", "domain-idna", 2),  # idna before 3.19 takes it
    "a-label-of-upper-case": ("u@xn--dca.jp", "domain-idna", 2),
    "a-label-of-nfd": ("u@xn--e-xbb.jp", "domain-idna", 2),
    "a-label-of-symbol": ("u@xn--n3h.jp", "domain-idna", 2),
    "a-label-overflow": ("u@xn--99999999.jp", "domain-idna", 2),
    "a-label-final-dot": ("u@xn--wgv71a119e.", "domain-idna", 2),
    "a-label-upper-case-broken": ("u@d.XN--A", "domain-idna", 2),
    # sizes, in octets
    "local-part-65": (f"{'a' * 65}@d", "address-too-long", 0),
    "local-part-65-before-a-bad-domain": (f"{'a' * 65}@d..", "address-too-long", 0),
    "local-part-66-octets-of-2": (f"{'é' * 33}@d", "address-too-long", 0),
    "local-part-66-quoted": (f'"{"a " * 32}"@d', "address-too-long", 0),
    "local-part-65-needless-quotes": (f'"{"a" * 65}"@d', "address-too-long", 0),
    "local-part-600-octets-of-2": (f"{'é' * 300}@d", "address-too-long", 0),
    "label-64": (f"u@{'b' * 64}", "domain-syntax", 2),
    "label-64-not-first": (f"u@d.{'b' * 64}", "domain-syntax", 2),
    "label-64-beside-u-label": (f"u@日本語.{'b' * 64}", "domain-idna", 2),
    "label-64-international": (f"u@{'日' * 60}", "domain-idna", 2),
    "address-255": (f"{'a' * 64}@{_DOMAIN_190}", "address-too-long", 0),
    "address-255-international": (f"{'é' * 32}@{_DOMAIN_190}", "address-too-long", 0),
    "address-255-long-domain": (f"a@{_DOMAIN_255[:253]}", "address-too-long", 0),
    "address-255-a-labels": (f"u@{'日本語.' * 16}{'b' * 13}", "address-too-long", 0),
    "domain-256": (f"u@{_DOMAIN_255}b", "address-too-long", 2),
    "domain-of-a-labels-256": (f"u@{'日本語.' * 40}jp", "domain-idna", 2),
}


@pytest.mark.parametrize(("claim", "rule", "offset"), _BAD.values(), ids=_BAD)
def test_bad_claims(claim: str, rule: str, offset: int) -> None:
    """Ambiguity: malformed is whatever two receivers could read differently."""
    assert parse_mailbox(claim) == Malformed(rule, offset)


@pytest.mark.parametrize(
    ("claim", "rule", "offset"),
    [row for row in _BAD.values() if row[0] and not row[0].startswith("<")],
    ids=[row for row, (claim, _, _) in _BAD.items() if claim and not claim.startswith("<")],
)
def test_bad_reverse_paths(claim: str, rule: str, offset: int) -> None:
    """With or without angle brackets; octets are counted from the start of the path."""
    assert parse_reverse_path(claim) == Malformed(rule, offset)
    assert parse_reverse_path(f"<{claim}>") == Malformed(rule, offset + 1)


def test_escapes_do_not_make_an_encoded_word() -> None:
    """An encoded-word inside an address is malformed even if it equals the login; canonicalising twice equals once."""
    assert isinstance(parse_mailbox(r'"=\?utf-8?q?user1?="@d'), Malformed)


# Characters that nobody sees, or that turn the text around.
_UNSEEN: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200b\u200c\u200d\u200e\u200f"
    "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069"
    "\u206a\u206f\u2800\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\ufff8\ufff9\ufffb"
    "\u00a0\u1680\u2000\u2003\u200a\u205f\u3000"
    "\U0001bca0\U0001bca3\U0001d173\U0001d17a\U000e0001\U000e0020\U000e007f\U000e0100\U000e01ef\U000e0fff"
)


@pytest.mark.parametrize("character", _UNSEEN, ids=ascii)
def test_invisible_characters(character: str) -> None:
    """Invisible or bidi characters in an address are malformed."""
    for local in (f"a{character}b", f"a{character}", f"{character}a", f'"a{character} b"', f"山{character}"):
        assert parse_mailbox(f"{local}@d") == Malformed("local-part-unicode", 0)
    assert isinstance(parse_mailbox(f"a@b{character}c.jp"), Malformed)
    assert isinstance(parse_mailbox(f"a@bc.jp{character}"), Malformed)


# Characters, one by one

_PRINTABLE: Final = [chr(code) for code in range(0x20, 0x7F)]
_C0_C1: Final = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]}


def _refused(claim: str) -> set[str]:
    """Give the printable characters that a mailbox may not have at the ``{}`` of a claim."""
    return {c for c in _PRINTABLE if not isinstance(parse_mailbox(claim.format(c)), Address)}


@pytest.mark.parametrize("more", ["", "山"], ids=["ASCII", "UTF-8"])
def test_characters_of_an_address(more: str) -> None:
    """RFC 5321 4.1.2, RFC 5322 3.2.3: atext and dots, or anything in quotes; but no `@` `<` `>` there."""
    assert _refused(f"{more}a{{}}a@d") == set(' "(),:;<>@[\\]')
    assert _refused(f'"{more}a{{}}a"@d') == set('"<>@')
    assert _refused(f'"{more}a\\{{}}a"@d') == set("<>@")
    needs_quotes = {c for c in _PRINTABLE if parse_mailbox(f'"{more}a\\{c}a"@d') != Address(f"{more}a{c}a@d")}
    assert needs_quotes == set(' "(),:;<>@[\\]')


@pytest.mark.parametrize("more", ["", "日."], ids=["ASCII", "UTF-8"])
def test_characters_of_a_domain(more: str) -> None:
    """RFC 1035 2.3.1: letters, digits, hyphens, and dots between labels; a literal has colons, too."""
    letters = set("-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    assert _refused(f"u@{more}a{{}}a") == set(_PRINTABLE) - letters
    assert _refused(f"u@{more}a{{}}") == _refused(f"u@{more}{{}}a") == set(_PRINTABLE) - letters | set("-.")
    if not more:
        assert _refused("u@[a{}a]") == _refused("u@[{}]") == set(_PRINTABLE) - letters - {":"}


def test_every_control_character_is_refused() -> None:
    """Ambiguity: control characters (raw, or appearing after RFC 2047 decoding) are malformed."""
    for claim in ("a{}a@d", '"a{}a"@d', '"a\\{}a"@d', "u@d{}d", "山{}@d"):
        found = {chr(code): parse_mailbox(claim.format(chr(code))) for code in range(0x100)}
        rules = {c: result.rule for c, result in found.items() if isinstance(result, Malformed)}
        assert {c for c, rule in rules.items() if rule == "control-character"} == _C0_C1 - set("\t\r\n")
        assert set("\t\r\n") <= rules.keys()


def test_no_login_has_control_characters_or_lone_surrogates() -> None:
    """A login with control characters or lone surrogates owns nothing."""
    refused = {code for code in [*range(0x100), *range(0xD7FF, 0xE001)] if not login_address(f"a{chr(code)}", "d")}
    assert refused - {ord("@")} == {*map(ord, _C0_C1), *range(0xD800, 0xE000)}


def test_every_lone_surrogate_is_refused() -> None:
    """Other surrogates are malformed."""
    for code in (0xD800, 0xDBFF, 0xDC00, 0xDFFF):
        assert parse_mailbox(f"a{chr(code)}@d") == Malformed("not-utf8", 1)


@pytest.mark.parametrize(
    ("character", "accepted"),
    [("\u00a1", True), ("\U00030000", True), ("\U0010ffff", False)],
    ids=["first", "of the last plane with text", "last"],
)
def test_characters_beyond_ascii(character: str, *, accepted: bool) -> None:
    """RFC 6531 3.3: UTF8-non-ascii needs no quotes; what is no text is malformed, but a login as it stands."""
    for local in (f"a{character}b", f'"{character} "'):
        address = Address(f"{local}@d")
        assert parse_mailbox(f"{local}@d") == (address if accepted else Malformed("local-part-unicode", 0))
        assert login_address(local, "d") == address


@pytest.mark.parametrize("delimiter", sorted('()<>[]:;@\\,."'))
def test_full_width_delimiters(delimiter: str) -> None:
    """Malformed is whatever two receivers could read differently: NFKC makes delimiters of these."""
    full_width = chr(ord(delimiter) + 0xFEE0)
    for local in (f"a{full_width}b", f'"a {full_width}b"'):
        assert parse_mailbox(f"{local}@d") == Malformed("local-part-unicode", 0)


@pytest.mark.parametrize("prefix", ["xn--", "Xn--", "xN--", "XN--"])
def test_prefix_of_an_a_label(prefix: str) -> None:
    """Any `xn--` label goes the international path and must round-trip."""
    assert parse_mailbox(f"u@{prefix}wgv71a119e.jp") == Address(f"u@{_A_LABELS}")
    assert parse_mailbox(f"u@d.{prefix}a.jp") == Malformed("domain-idna", 2)


# DerivedCoreProperties.txt of Unicode 15, Default_Ignorable_Code_Point; and what has no glyph.
_IGNORABLE: Final = [
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
]  # fmt: skip
_NO_GLYPH: Final = "\u2800\u2d7f\U0001107f\U00016fe4\U0001d159"


def test_every_invisible_character() -> None:
    """Invisible or bidi characters in an address are malformed, whatever email-validator and idna say of them."""
    everything = "".join(map(chr, range(0x110000)))
    expected = {chr(code) for first, last in _IGNORABLE for code in range(first, last + 1)} | set(_NO_GLYPH)
    assert set(_INVISIBLE.findall(everything)) == expected | {c for c in everything if c.isspace()} - {" "}


@pytest.mark.parametrize(
    ("claim", "plain"),
    [
        ("a@b", True),
        ("a1.b-2.c@d-1.e2--f3.g", True),
        ("u@xn-a.axn--b.jp", True),
        ("u@d.xn--a", False),
        ("a..b@d", False),
        (".a@d", False),
        ("a.@d", False),
        ("a@d.", False),
        ("a@d..d", False),
        ("a@-d", False),
        ("a@d-", False),
        ("ad", False),
    ],
)
def test_plain_addresses_take_the_fast_path(claim: str, *, plain: bool) -> None:
    """Law 9: the fast path and the full scanner agree wherever both answer; and plain addresses are fast."""
    assert bool(_PLAIN.fullmatch(claim)) is plain


def test_characters_of_the_fast_path() -> None:
    letters = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    for claim in ("{}a@d", "a{}@d", "a.{}a@d", "a.a{}@d"):
        assert {c for c in _PRINTABLE if _PLAIN.fullmatch(claim.format(c))} == letters | set("!#$%&'*+-/=?^_`{|}~")
    for claim in ("a@{}", "a@d-{}", "a@d.{}"):
        assert {c for c in _PRINTABLE if _PLAIN.fullmatch(claim.format(c))} == letters


# Envelopes


@pytest.mark.parametrize("legacy_dots", [False, True])
@pytest.mark.parametrize("path", ["", "<>"])
def test_null_path(path: str, *, legacy_dots: bool) -> None:
    """`""`/`"<>"` is the null reverse-path."""
    assert parse_reverse_path(path, legacy_dots=legacy_dots) is NULL_PATH


def test_null_path_is_no_address() -> None:
    """RFC 5321 4.5.5."""
    assert NULL_PATH is NullPath.NULL_PATH
    assert NULL_PATH.value == "<>"
    assert not isinstance(NULL_PATH, Address)
    assert pickle.loads(pickle.dumps(NULL_PATH)) is NULL_PATH  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("path", "rule", "offset"),
    [
        ("<", "angle-unclosed", 1),
        ("<u@d", "angle-unclosed", 4),
        ("<山@d", "angle-unclosed", 6),
        ("<\udcff@d", "angle-unclosed", 4),
        ("<u@d> ", "text-after-address", 5),
        ("<u@d> SIZE=10", "text-after-address", 5),
        ("<u@d>x>y", "text-after-address", 7),
        ("<山@d>山", "text-after-address", 7),
        ("<><u@d", "text-after-address", 2),
        ("<u@d>>", "angle-unopened", 4),
        ("<u@d><v@d>", "angle-unopened", 4),
        ("<<u@d>>", "local-part-character", 1),
        ("<<>>", "local-part-character", 1),
        ("<><u@d>", "angle-unopened", 1),
        (">", "angle-unopened", 0),
        (" ", "blank-in-address", 0),
        ("< >", "blank-in-address", 1),
        ("<> ", "text-after-address", 2),
        (" <>", "blank-in-address", 0),
        (" <u@d>", "blank-in-address", 0),
        ("< u@d>", "blank-in-address", 1),
        ("<u@d >", "blank-in-address", 4),
        ("u@d>", "angle-unopened", 3),
        ("Name <u@d>", "blank-in-address", 4),
        ("<@a:u@d>", "source-route", 1),
        ("<@>", "local-part-empty", 1),
        ("<\x00>", "control-character", 1),
        ("<>\r\n", "text-after-address", 2),
    ],
    ids=ascii,
)
def test_brackets_of_a_path(path: str, rule: str, offset: int) -> None:
    """Malformed: source routes, unbalanced brackets, text after `>`."""
    assert parse_reverse_path(path) == Malformed(rule, offset)


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("a b@d" + "x" * 1019, "blank-in-address"),
        ("a b@d" + "x" * 1020, "address-too-long"),
        ("<a b@d" + "x" * 1017 + ">", "blank-in-address"),
        ("<a b@d" + "x" * 1018 + ">", "address-too-long"),
        ("é" * 512, "no-at-sign"),
        ("é" * 512 + "a", "address-too-long"),
        ("a b@d" + "\udcff" * 1020, "address-too-long"),
        ("x" * 10**6, "address-too-long"),
    ],
    ids=["1024", "1025", "1024-brackets", "1025-brackets", "1024-octets", "1025-octets", "1025-no-utf8", "huge"],
)
def test_path_of_more_than_1_kib(path: str, rule: str) -> None:
    """Limits come before parsing, and hitting one is malformed: 1 KiB an envelope."""
    malformed = parse_reverse_path(path)
    assert isinstance(malformed, Malformed)
    assert malformed.rule == rule
    assert malformed.offset == 0 or rule != "address-too-long"


def test_mailbox_of_more_than_1_kib() -> None:
    assert parse_mailbox("a b@d" + "x" * 1020) == Malformed("address-too-long", 0)


def test_limits() -> None:
    """Named constants."""
    assert MAX_CLAIM_OCTETS == 1024
    assert MAX_ADDRESS_OCTETS == 254
    assert MAX_LOCAL_PART_OCTETS == 64
    assert MAX_DOMAIN_OCTETS == 255
    assert MAX_LABEL_OCTETS == 63


# Japanese carriers


@pytest.mark.parametrize(
    ("claim", "canonical"),
    [
        ("a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
        ("a.@docomo.ne.jp", '"a."@docomo.ne.jp'),
        ("a.b..@docomo.ne.jp", '"a.b.."@docomo.ne.jp'),
        ("a...b@ezweb.ne.jp", '"a...b"@ezweb.ne.jp'),
        ("山..田@docomo.ne.jp", '"山..田"@docomo.ne.jp'),
    ],
    ids=ascii,
)
def test_legacy_dots(claim: str, canonical: str) -> None:
    """`legacy_dots` accepts them as *claims* (off by default); they equal their quoted form."""
    assert parse_mailbox(claim) == Malformed("local-part-dots", 0)
    assert parse_reverse_path(f"<{claim}>") == Malformed("local-part-dots", 1)
    assert parse_mailbox(claim, legacy_dots=True) == Address(canonical)
    assert parse_reverse_path(f"<{claim}>", legacy_dots=True) == Address(canonical)
    assert parse_reverse_path(claim, legacy_dots=True) == Address(canonical)
    assert parse_mailbox(canonical) == parse_mailbox(canonical, legacy_dots=True) == Address(canonical)
    # A login is never a claim.
    assert login_address(claim, None) == Address(canonical)


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        (".a@d", "local-part-dots"),
        (".@d", "local-part-dots"),
        ("..@d", "local-part-dots"),
        ("a..b c@d", "blank-in-address"),
        ("a..(c)@d", "comment-in-address"),
        ('a.."b@d', "local-part-quotes"),
        ("e\u0301..b@d", "local-part-unicode"),
        ("a..b", "no-at-sign"),
        (f"a..{'b' * 60}@d", "address-too-long"),  # 63 octets, and the quotes
    ],
    ids=ascii,
)
def test_legacy_dots_allow_nothing_else(claim: str, rule: str) -> None:
    malformed = parse_mailbox(claim, legacy_dots=True)
    assert isinstance(malformed, Malformed)
    assert malformed.rule == rule


# Domains


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("D.jp", "d.jp"),
        ("日本語.jp", _A_LABELS),
        ("[1.2.3.4]", "[1.2.3.4]"),
        (_DOMAIN_255, _DOMAIN_255),
        (f"日本語.{_LABEL}.{_LABEL}.{_LABEL}.{'b' * 48}", f"xn--wgv71a119e.{_LABEL}.{_LABEL}.{_LABEL}.{'b' * 48}"),
        (f"[{'1' * 253}]", f"[{'1' * 253}]"),
        ("", Malformed("domain-empty", 0)),
        (f"{_DOMAIN_255}b", Malformed("address-too-long", 0)),
        (f"[{'1' * 254}]", Malformed("address-too-long", 0)),
        (f"日本語.{_LABEL}.{_LABEL}.{_LABEL}.{'b' * 49}", Malformed("domain-idna", 0)),
        ("日 本", Malformed("blank-in-address", 3)),
        ("日(本)", Malformed("comment-in-address", 3)),
        ("a\tb", Malformed("blank-in-address", 1)),
        ("a\nb", Malformed("blank-in-address", 1)),
        ("a\udcff b", Malformed("blank-in-address", 2)),
        ("\ud800", Malformed("domain-idna", 0)),
        ("*", Malformed("domain-syntax", 0)),
        ("*.d.jp", Malformed("domain-syntax", 0)),
    ],
    ids=ascii,
)
def test_domain(text: str, domain: str | Malformed) -> None:
    """Limits: 63 octets a label, 255 a domain."""
    assert parse_domain(text) == domain


# Addresses


@pytest.mark.parametrize(
    ("text", "key", "domain"),
    [
        ("User1@d.jp", "user1@d.jp", "d.jp"),
        ('"A b"@d', '"a b"@d', "d"),
        (r'"A\"\\b"@d', r'"a\"\\b"@d', "d"),
        ("A@[1.2.3.4]", "a@[1.2.3.4]", "[1.2.3.4]"),
        ("\u00c9A@d", "\u00c9a@d", "d"),
        ('"\u00c9@AZ["@d', '"\u00c9@az["@d', "d"),
        ("\u212aK@d", "\u212ak@d", "d"),
        ("\u0130I@d", "\u0130i@d", "d"),
        ("\u1e9eS@d", "\u1e9es@d", "d"),
        ("\uff21A@d", "\uff21a@d", "d"),
    ],
    ids=ascii,
)
def test_parts_of_an_address(text: str, key: str, domain: str) -> None:
    """ASCII A-Z compared without case; nothing else is folded. The canonical address keeps its case."""
    address = Address(text)
    assert (address.key, address.domain) == (key, domain)


def test_address_is_a_value() -> None:
    address = Address("user1@d.jp")
    assert pickle.loads(pickle.dumps(address)) == address  # noqa: S301 - our own bytes
    assert len({address, Address("user1@d.jp")}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        address.text = "user2@d.jp"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "separators", "base"),
    [
        ("user1+x@d", "+", "user1@d"),
        ("user1+@d", "+", "user1@d"),
        ("user1+x+y@d", "+", "user1@d"),
        ("User1+X@d", "+", "User1@d"),
        ("user1@d", "+", None),
        ("user1-x@d", "+", None),
        ("user1+x@d", "", None),
        # the base is never empty
        ("+x@d", "+", None),
        ("+@d", "+", None),
        ("+user1+x@d", "+", None),
        ("-user1+x@d", "+-", None),
        # several separators: the first that occurs wins, whatever their order
        ("user1-x+y@d", "+-", "user1@d"),
        ("user1-x+y@d", "-+", "user1@d"),
        ("user1+x-y@d", "-+", "user1@d"),
        ("a-b+c@d", "+", "a-b@d"),
        # what needs quotes is no subaddress: its rest would be the account's to choose
        ('"user1+a b"@d', "+", None),
        ('"user1+,ceo"@d', "+", None),
        ('"a b+x"@d', "+", None),
        ("a.+x@d", "+", '"a."@d'),
        ("山田+x@d", "+", "山田@d"),
        ("user1+x@[1.2.3.4]", "+", "user1@[1.2.3.4]"),
        # only in the local part
        ("user1@a-b", "-", None),
        # the base would need quotes for which there is no room
        (f"{'a' * 62}.+@d", "+", None),
    ],
    ids=ascii,
)
def test_without_subaddress(text: str, separators: str, base: str | None) -> None:
    """Base not empty, first separator wins (RFC 5233)."""
    assert Address(text).without_subaddress(separators) == (None if base is None else Address(base))


@pytest.mark.parametrize(
    ("local", "domain", "text"),
    [
        ("User1", "D.JP", "User1@d.jp"),
        ("a" * 64, _DOMAIN_189, f"{'a' * 64}@{_DOMAIN_189}"),
        ("a" * 65, "d", None),
        ("a" * 64, _DOMAIN_190, None),
        ("a", _LABEL, f"a@{_LABEL}"),
        ("a", f"{_LABEL}.d", f"a@{_LABEL}.d"),
        ("a", f"{_LABEL}b", None),
        ("=?a", "d", None),
    ],
    ids=ascii,
)
def test_plain_address(local: str, domain: str, text: str | None) -> None:
    assert plain_address(local, domain) == (None if text is None else Address(text))


# Octets and text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"u@d", "u@d"),
        ("山田@d".encode(), "山田@d"),
        (b"\xff@d", "\udcff@d"),
        (b"\xe5\xb1@d", "\udce5\udcb1@d"),
        (b"\xed\xa0\x80@d", "\udced\udca0\udc80@d"),  # CESU-8
        (b"\xc0\x80@d", "\udcc0\udc80@d"),  # NUL, too long
        (b"\xc3\xa9\xff@d", "é\udcff@d"),
        (b"", ""),
    ],
    ids=ascii,
)
def test_octets_and_text_are_the_same(octets: bytes, text: str) -> None:
    """`str` is taken as UTF-8 with surrogateescape and judged as bytes."""
    assert as_text(octets) == text
    assert as_text(text) == text
    # An escaped octet at a time, as a host might have it that decodes as ASCII.
    assert as_text(octets.decode("ascii", "surrogateescape")) == text
    assert parse_reverse_path(as_text(octets)) == parse_reverse_path(as_text(text))


@pytest.mark.parametrize("text", ["\ud800@d", "é\udfff@d", "\ud83d\udc4d@d", "\ud800\udcc3\udca9@d"], ids=ascii)
def test_other_surrogates(text: str) -> None:
    """Other surrogates are malformed."""
    malformed = parse_mailbox(as_text(text))
    assert isinstance(malformed, Malformed)
    assert malformed.rule == "not-utf8"


# Logins

_LOGINS: Final[list[tuple[str, str | None, str | None]]] = [
    ("user1@test-sample.jp", None, "user1@test-sample.jp"),
    ("User1@Test-Sample.JP", None, "User1@test-sample.jp"),
    ("user1@test-sample.jp", "other.jp", "user1@test-sample.jp"),
    # split at the last @; a quoted local part is unquoted, anything else is taken literally
    ('"user1"@d', None, "user1@d"),
    ('"a..b"@d', None, '"a..b"@d'),
    (r'"a\b"@d', None, "ab@d"),
    ("a..b@d", None, '"a..b"@d'),
    ("a.@d", None, '"a."@d'),
    (".a@d", None, '".a"@d'),
    ("a b@d", None, '"a b"@d'),
    (" user1@d", None, '" user1"@d'),
    ('a"b@d', None, r'"a\"b"@d'),
    ('"a@d', None, r'"\"a"@d'),
    ('"@d', None, r'"\""@d'),
    (r"a\b@d", None, r'"a\\b"@d'),
    ("a@b@c", None, '"a@b"@c'),
    ("@a@b", None, '"@a"@b'),
    ("a(c)@d", None, '"a(c)"@d'),
    ("<user1@d", None, '"<user1"@d'),
    ("=?utf-8?q?a?=@d", None, "=?utf-8?q?a?=@d"),
    ("山田@日本語.jp", None, f"山田@{_A_LABELS}"),
    ("e\u0301@d", None, "e\u0301@d"),  # no claim can be this
    ("\u212a@d", None, "\u212a@d"),
    ("user1@[1.2.3.4]", None, "user1@[1.2.3.4]"),
    ("user1@localhost", None, "user1@localhost"),
    # a bare login
    ("user1", None, None),
    ("user1", "test-sample.jp", "user1@test-sample.jp"),
    ("user1", _A_LABELS, f"user1@{_A_LABELS}"),
    ("a..b", "d", '"a..b"@d'),
    ('"user1"', "d", "user1@d"),
    ("山田", "d", "山田@d"),
    ("DOMAIN\\user1", "d", r'"DOMAIN\\user1"@d'),
    # never a pattern
    ("*", None, None),
    ("*", "d", "*@d"),
    ("*@d", None, "*@d"),
    ("@x.example", None, None),
    ("@x.example", "d", None),
    ("x.example", None, None),
    ("x.example", "d", "x.example@d"),
    # no address at all
    ("@", None, None),
    ("@", "d", None),
    ("user1@", None, None),
    ("user1@", "d", None),
    ('""', "d", None),
    ('""@d', None, None),
    ("user1@d.", None, None),
    ("user1@a_b", None, None),
    ("user1@d e", None, None),
    ("<user1@d>", None, None),
    ("user1@\uff44.jp", None, None),
    ("user1@\u212a.jp", None, None),
    ("user1@e\u0301.jp", None, None),
    # control characters or lone surrogates
    ("user1\x00@d", None, None),
    ("user1@d\n", None, None),
    ("user1\r\n", "d", None),
    ("user1\x7f", "d", None),
    ("user1\x85@d", None, None),
    ("\ud800@d", None, None),
    ("user1@\udcff", None, None),
    ("user1\udcff", "d", None),
    # sizes
    ("a" * 64 + "@d", None, "a" * 64 + "@d"),
    ("a" * 65 + "@d", None, None),
    ("a" * 65, "d", None),
    ("é" * 32 + "@d", None, "é" * 32 + "@d"),
    ("é" * 33 + "@d", None, None),
    (f"{'a' * 64}@{_DOMAIN_189}", None, f"{'a' * 64}@{_DOMAIN_189}"),
    (f"{'a' * 64}@{_DOMAIN_190}", None, None),
    ("a" * 64, _DOMAIN_190, None),
    ("a" * 1025, "d", None),
    ("a" * 10**6 + "@d", None, None),
]


@pytest.mark.parametrize(("login", "default_domain", "text"), _LOGINS, ids=lambda value: ascii(value)[:40])
def test_login(login: str, default_domain: str | None, text: str | None) -> None:
    """Trusted text: split at the last `@`; a quoted local part is unquoted, anything else is taken literally."""
    assert login_address(login, default_domain) == (None if text is None else Address(text))


@pytest.mark.parametrize(
    ("auth_id", "envelope_from"),
    [("\udcc3\udca9@d", "é@d".encode()), ("\udce5\udcb1\udcb1@d", "山@d"), ("山@d", "山@d".encode())],
    ids=ascii,
)
def test_login_is_octets_too(auth_id: str, envelope_from: str | bytes) -> None:
    """`str` is taken as UTF-8 with surrogateescape and judged as bytes; other surrogates are malformed."""
    assert check(auth_id, envelope_from, UNSEEN, level=TrustLevel.ENVELOPE).allowed


# Laws

_NASTY: Final = st.text(
    'abAB.@"\\<>()[]:;, =?qxn-19+*é\u0301\u212a\u0131ß日\u3002\uff0e\u200b\u202e\x00\r\n\udcff', max_size=12
)
_QUOTED: Final = st.builds(
    lambda local, domain: f'"{local}"@{domain}', _NASTY, st.sampled_from(["d", "D.jp", "日本.jp", "[::1]", _A_LABELS])
)
_CLAIMS: Final = st.one_of(st.text(max_size=30), _NASTY, _QUOTED, st.builds("{}@{}".format, _NASTY, _NASTY))


@given(_CLAIMS, st.booleans())
def test_canonical_twice_is_once(text: str, legacy_dots: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
    """For each policy, canonicalising twice equals once."""
    address = parse_reverse_path(as_text(text), legacy_dots=legacy_dots)
    if isinstance(address, Address):
        assert parse_reverse_path(address.text) == address
        assert login_address(address.text, None) == address


@given(_CLAIMS, st.sampled_from([None, "d", _A_LABELS]))
def test_any_login_is_an_address_or_none(login: str, default_domain: str | None) -> None:
    """No input makes it raise; what comes out is canonical text."""
    address = login_address(login, default_domain)
    if address is not None:
        assert login_address(address.text, None) == address
        assert len(address.text.encode()) <= MAX_ADDRESS_OCTETS

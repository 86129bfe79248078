"""One From field body: what is read, and what is refused and where."""

from __future__ import annotations

import base64
import unicodedata
from typing import TYPE_CHECKING, Final

import attrs
import pytest
from from_bodies import CEO, OWN, PRINTABLE, asked, b_word, jis, one
from hypothesis import example, given
from hypothesis import strategies as st

from sendertrust import STRICT, SUBMISSION, Action, Policy, Reason
from sendertrust.address import Address, as_text
from sendertrust.author import _PAIRS, _halves, parse_author, simple_author
from sendertrust.display_name import Mailbox, hidden_addresses, shown_addresses
from sendertrust.message import body_fault
from sendertrust.terms import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendertrust.terms import LineEnds

HONEST: Final = {
    "bare": OWN,
    "angle": f"<{OWN}>",
    "bare between blanks": f" \t{OWN} \t",
    "comment right behind it": f"{OWN}(Joe)",
    "comment right before it": f"(Joe){OWN}",
    "atoms": f"Taro Yamada <{OWN}>",
    "no blank before the bracket": f"Taro<{OWN}>",
    "quoted string": f'"Yamada, Taro" <{OWN}>',
    "comma and semicolon in quotes": f'"Sales; Tokyo, Osaka" <{OWN}>',
    "empty quoted string": f'"" <{OWN}>',
    "two quoted strings": f'"Taro" "Yamada" <{OWN}>',
    "atom and quoted string": f'Dr "Taro" Yamada <{OWN}>',
    "escaped quotes": rf'"Taro \"T\" Yamada" <{OWN}>',
    "escaped backslash": rf'"Taro \\" <{OWN}>',
    "tab in quotes": f'"Taro\tYamada" <{OWN}>',
    "parentheses in quotes": f'"Taro (Sales" <{OWN}>',
    "brackets in quotes": f'"[Taro]" <{OWN}>',
    "apostrophe": f"O'Neil <{OWN}>",
    "dots in an unquoted name": f"John Q. Public <{OWN}>",
    "a name of dots": f"... <{OWN}>",
    "trailing comment": f"{OWN} (Cron Daemon)",
    "trailing comment after a bracket": f"root <{OWN}> (Cron Daemon)",
    "leading comment": f"(Cron Daemon) {OWN}",
    "comment in a name": f"Taro (Sales) Yamada <{OWN}>",
    "comments alone as name": f"(Taro) <{OWN}>",
    "comment with an escaped parenthesis": rf"Taro (a \) b) <{OWN}> (c \) d)",
    "comment that ends with an escaped parenthesis": rf"{OWN} (a \))",
    "comment with an escaped backslash": rf"{OWN} (a \\)",
    "comment with quotes": f'{OWN} (")',
    "nested comments": f"Taro (a (b (c) d) e) <{OWN}> (a (b) c)",
    "nested comment at the end of one": f"{OWN} (Foo (Bar)) (((x)))",
    "comments side by side": f"{OWN} (a)(b) (c)",
    "non-ASCII comment": f"{OWN} (営業部)",
    "blanks inside the brackets": f"Taro < {OWN}\t>",
    "fold inside the brackets": f"Taro <\r\n {OWN}\r\n\t>",
    "blanks inside the brackets, more at the start": f"Taro <  {OWN} >",
    "blanks inside the brackets, more at the end": f"Taro < {OWN}\r\n >",
    "folded name": f"Taro\r\n Yamada\r\n <{OWN}>",
    "folded comment": f"{OWN} (Cron\r\n Daemon)",
    "folded quoted string": f'"Taro\r\n Yamada" <{OWN}>',
    "fold before everything": f"\r\n {OWN}",
    "line end after everything": f"{OWN}\r\n",
    "own address as name": f'"{OWN}" <{OWN}>',
    "own address as name, Outlook": f"\"'{OWN}'\" <{OWN}>",
    "own address as name, case apart": f'"User1@TEST-sample.jp" <{OWN}>',
    "own address in an encoded-word": f"{b_word(OWN)} <{OWN}>",
    "own address and a company": f'"{OWN}, Sales" <{OWN}>',
    "own address in brackets": f'"<{OWN}>" <{OWN}>',
    "own address in a comment": f"{OWN} ({OWN})",
    "own address after mailto": f'"{OWN} (mailto:{OWN})" <{OWN}>',
    "on behalf of oneself": f'"{OWN}; on behalf of; {OWN}" <{OWN}>',
    "raw UTF-8 name": f"山田太郎 <{OWN}>",
    "raw UTF-8 quoted name": f'"山田、太郎" <{OWN}>',
    "raw UTF-8 with no-break space": f"Jean\u00a0Dupont <{OWN}>",
    "full-width at in a name": f"山田＠営業部 <{OWN}>",
    "small at in a name": f"山田﹫営業部 <{OWN}>",
    "full-width at in a comment": f"(山田＠営業部) {OWN}",
    "small at in a comment": f"(山田﹫営業部) {OWN}",
    "at in a comment before": f"(山田@営業部) {OWN}",
    "pairs in a comment before": f"(a <b> [c]) {OWN}",
    "pairs in a comment after": f"{OWN} (a [b] <c>)",
    "pairs in pairs": f"(Taro [x [y] <z>]) {OWN} (Foo [x [y] <z>])",
    "opened and not closed, after": f"{OWN} (a < b)",
    "encoded pairs in words": f"{OWN} (=?utf-8?q?=5Ba=5D?= =?iso-8859-1?q?=5Bb=5D?=)",
    "encoded comment over words": f"{OWN} (=?utf-8?q?a_=28b?= =?utf-8?q?c=29?=)",
    "encoded comment in a comment": f"(=?utf-8?q?=28=2Ca=29?=) {OWN}",
    "encoded half a comment after": f"{OWN} (=?utf-8?q?=28=2Ca?=)",
    "at and a letter in a comment before": f"(山田@営業部X) {OWN}",
    "encoded comment in a nested one": f"{OWN} ((=?utf-8?q?=28a=29?=))",
    "delimiters in a comment before": f"(a, b: c; d) {OWN}",
    "escapes and quotes in a comment after": rf'{OWN} (a \( "b" [" <)',
    "words in each of two comments": f"(=?utf-8?q?a?=) {OWN} (=?utf-8?q?b?=)",
    "ASCII at in a quoted Japanese name": f'"山田@営業部" <{OWN}>',
    "at in an encoded-word": f"{b_word('山田@営業部')} <{OWN}>",
    "handle": f'"@handle" <{OWN}>',
    "User @ Company": f'"User @ Company" <{OWN}>',
    "at with a dotted word elsewhere": f'"User @ Company Co. Ltd." <{OWN}>',
    "User @ Company and a comma": f'"User @ Company, Tokyo" <{OWN}>',
    "full-width brackets": f"＜山田＞ <{OWN}>",
    "colon in quotes": f'"Support: Taro" <{OWN}>',
    "ISO-2022-JP": f"{b_word(jis(';3', 'ED'), 'ISO-2022-JP')} <{OWN}>",
    "ISO-2022-JP whose octets hold at and bracket": f"{b_word(jis('<R', '%@'), 'iso-2022-jp')} <{OWN}>",
    "ISO-2022-JP half-width katakana": "=?ISO-2022-JP?B?" + base64.b64encode(b"\x1b(I1\x1b(B").decode() + f"?= <{OWN}>",
    "UTF-8 split in mid-character": "=?UTF-8?B?5bE=?= =?UTF-8?B?sQ==?= <user1@test-sample.jp>",
    "UTF-8 split in mid-character, folded": f"=?UTF-8?Q?=E5=B1?=\r\n =?UTF-8?Q?=B1?= <{OWN}>",
    "ISO-2022-JP split in mid-character": f"=?iso-2022-jp?B?GyRCOw==?= =?ISO-2022-JP?B?MxsoQg==?= <{OWN}>",
    "padded words, UTF-8": f"=?UTF-8?B?6YOOY+ODvCA=?= =?UTF-8?B?ZuOIseODvGPjg4g=?= <{OWN}>",
    "padded words, ISO-2022-JP": f"{b_word(jis('6H', 'ED'), 'iso-2022-jp')} {b_word(jis(';3'), 'iso-2022-jp')} <{OWN}>",
    "padded words, Latin-1": f"=?iso-8859-1?B?SulydA==?= =?iso-8859-1?B?IEQ=?= <{OWN}>",
    "Q words": f"=?UTF-8?Q?J=C3=A9r?=\r\n =?UTF-8?Q?=C3=B4me_D?= <{OWN}>",
    "quoted encoded-word": f'"{b_word("山田, 太郎")}" <{OWN}>',
    "encoded-word in a comment": f"{OWN} ({b_word('山田')})",
    "encoded-word with a language": f"=?us-ascii*en-GB?Q?Taro?= <{OWN}>",
    "encoded comma": f"=?UTF-8?Q?Yamada=2C_Taro?= <{OWN}>",
    "encoded brackets in quotes": f'"=?UTF-8?Q?=3CTaro=3E?=" <{OWN}>',
    "unknown-8bit": f"=?unknown-8bit?Q?=E9?= <{OWN}>",
    "unknown charset": f"=?x-klingon?B?4eHh?= <{OWN}>",
    "broken UTF-8 in an encoded-word": f"=?utf-8?Q?caf=E9?= <{OWN}>",
    "broken base64": f"=?utf-8?B?5bGx5?= <{OWN}>",
    "empty encoded-word": f"=?utf-8?Q??= <{OWN}>",
    "a lone =?": f"=? <{OWN}>",
    "UTF-16 whose octets hold an at and a comma": f"{b_word('研究所本部'.encode('utf-16-be'), 'utf-16be')} <{OWN}>",
    "needlessly quoted local part": '"user1"@test-sample.jp',
    "needlessly quoted local part in brackets": 'Taro <"user1"@test-sample.jp>',
    "upper-case domain": "user1@TEST-SAMPLE.JP",
}


@pytest.mark.parametrize("body", HONEST.values(), ids=HONEST.keys())
def test_honest_shapes_are_accepted(body: str) -> None:
    """Law, 4, allowed: 'blanks and folds just inside `<…>`, unquoted dots […], comments outside the address'."""
    for given_as in (body, body.encode()):
        verdict = asked(given_as)
        assert verdict.findings == ()
        assert verdict.advisories == ()
        assert verdict.header_from == (OWN,)
        assert verdict.decision is Action.ACCEPT


@pytest.mark.parametrize("body", HONEST.values(), ids=HONEST.keys())
def test_honest_shapes_are_accepted_by_the_scanner(body: str) -> None:
    assert one(body).address.key == OWN


# NEC's row 13 and its IBM extensions: in many Japanese company and family names, and in no
# ISO-2022-JP codec. Their neighbours' octets are two to a character, no delimiters.
JIS_WITH_EXTENSIONS: Final = {
    "(株)社ダ": jis("-j", "<R", "%@"),
    "式ダ、1": jis("<0", "%@", "!$", "-!"),
}


@pytest.mark.parametrize("octets", JIS_WITH_EXTENSIONS.values(), ids=JIS_WITH_EXTENSIONS.keys())
def test_octets_of_kanji_are_no_delimiters(octets: bytes) -> None:
    """Law, 4, charsets: 'a broken encoding […] is not refused for that alone'."""
    assert asked(f"{b_word(octets, 'ISO-2022-JP')} <{OWN}>").findings == ()


@given(
    words=st.lists(
        st.lists(st.sampled_from([*"山田太郎式社東京営業部ダイヤ、ー aZ.", "（株）"]), min_size=1, max_size=8).map(
            "".join
        ),
        min_size=1,
        max_size=3,
    ),
    charset=st.sampled_from(["utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030", "utf-16", "utf-16be"]),
    encoding=st.sampled_from("BQ"),
)
@example(words=["郎cー ", "f営ーcト"], charset="utf-8", encoding="B")
@example(words=["業田", "山"], charset="iso-2022-jp", encoding="B")
def test_honest_names_in_encoded_words_are_accepted(words: list[str], charset: str, encoding: str) -> None:
    """Law, 4, allowed, 'since real mail has it'; RFC 2047, 5: each word is whole in itself."""
    octets = [word.encode(charset) for word in words]
    if encoding == "B":
        name = "\r\n ".join(b_word(word, charset) for word in octets)
    else:
        name = "\r\n ".join(f"=?{charset}?Q?{''.join(f'={octet:02X}' for octet in word)}?=" for word in octets)
    for body in (f"{name} <{OWN}>", f'"{name}" <{OWN}>', f"{OWN} ({name})"):
        verdict = asked(body)
        assert (verdict.findings, verdict.advisories) == ((), ())


RFC_5322_A: Final = {
    "A.1.1": ("John Doe <jdoe@machine.example>", ["jdoe@machine.example"]),
    "A.1.2 From": ('"Joe Q. Public" <john.q.public@example.com>', ["john.q.public@example.com"]),
    "A.1.2 To": (
        "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        ["mary@x.test", "jdoe@example.org", "one@y.test"],
    ),
    "A.1.2 Cc": (
        '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
        ["boss@nil.test", "sysservices@example.net"],
    ),
    "A.1.3 From": ("Pete <pete@silly.example>", ["pete@silly.example"]),
    "A.6.1 From": ("Joe Q. Public <john.q.public@example.com>", ["john.q.public@example.com"]),
    "comma in quotes and a list": ('"a, b" <c@d.example> (e, f),g@h.example', ["c@d.example", "g@h.example"]),
}


@pytest.mark.parametrize(("body", "addresses"), RFC_5322_A.values(), ids=RFC_5322_A.keys())
def test_rfc_5322_appendix_a(body: str, addresses: list[str]) -> None:
    mailboxes = parse_author(body, SUBMISSION)
    assert isinstance(mailboxes, tuple)
    assert [mailbox.address.text for mailbox in mailboxes] == addresses


RFC_5322_A_REFUSED: Final[dict[str, tuple[str | bytes, str, int]]] = {
    "A.1.3 To": ("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", "from-group", 7),
    "A.1.3 Cc": ("Undisclosed recipients:;", "from-group", 22),
    "A.5 From": ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "comment-in-address", 26),
    "A.5 To": ("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>;", "from-group", 27),
    "A.6.1 To": ("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example", "source-route", 12),
    "A.6.3 From": ("John Doe <jdoe@machine(comment).  example>", "comment-in-address", 22),
}

REFUSED: Final[dict[str, tuple[str | bytes, str, int]]] = {
    # nothing there
    "empty": ("", "no-address", 0),
    "blanks": (" \t", "no-address", 0),
    "comment alone": ("(a)", "no-address", 0),
    "one word": ("Taro", "no-address", 0),
    "name alone": (" Taro Yamada", "no-address", 1),
    "unquoted comma in a name": (f"Yamada, Taro <{OWN}>", "no-address", 0),
    "stray parenthesis": ("Taro)", "no-address", 0),
    "word after a list": (f"{OWN}, x", "no-address", 22),
    "empty brackets": ("Taro <>", "no-at-sign", 6),
    "brackets around a blank": ("<\t>", "no-at-sign", 2),
    "brackets without at": ("<user1>", "no-at-sign", 6),
    # lists and groups
    "comma alone": (",", "empty-element", 0),
    "comma at the end": (f"{OWN},", "empty-element", 21),
    "comma at the start": (f",{OWN}", "empty-element", 0),
    "two commas": (f"{OWN}, ,{OWN}", "empty-element", 21),
    "comment as an element": (f"{OWN},(a)", "empty-element", 21),
    "group": (f"Team:{OWN};", "from-group", 4),
    "empty group": ("Team: ;", "from-group", 4),
    "group with a quoted name": (f'"Team" : <{OWN}>;', "from-group", 7),
    "group with a non-ASCII name": (f"営業部: {OWN};", "from-group", 9),
    "group without an end": (f"Team: {OWN}", "delimiter-unexpected", 4),
    "group without a name": (f":{OWN};", "delimiter-unexpected", 0),
    "second group": (f"{OWN}, Team:{OWN};", "from-group", 26),
    "semicolon for a comma": (f"{OWN};ceo@victim.example", "delimiter-unexpected", 20),
    "semicolon in a name": (f"a;b <{OWN}>", "delimiter-unexpected", 1),
    "colon after an at": (f"a@b: {OWN}", "delimiter-unexpected", 3),
    "colon after an at, and a semicolon": (f"a@b: {OWN};", "delimiter-unexpected", 3),
    # brackets
    "two addresses in brackets": (f"<{OWN}><{CEO}>", "text-after-address", 22),
    "two addresses with a blank": (f"<{CEO}> <{OWN}>", "text-after-address", 21),
    "text after the bracket": (f"<{OWN}> x", "text-after-address", 23),
    "quoted string after the bracket": (f'<{OWN}> "x"', "text-after-address", 23),
    "semicolon after the bracket": (f"<{OWN}>;", "text-after-address", 22),
    "brackets in brackets": (f"<<{OWN}>>", "text-after-address", 23),
    "address before the bracket": (f"a@x <{OWN}>", "at-in-name", 1),
    "at alone before the bracket": (f"@ <{OWN}>", "at-in-name", 0),
    "at after a non-ASCII name": (f"山田@営業部 <{OWN}>", "at-in-name", 6),
    "angle never opened": (f"{OWN}>", "angle-unopened", 20),
    "angle opened too late": (f"> <{OWN}>", "angle-unopened", 0),
    "angle never closed": (f"Taro <{OWN}", "angle-unclosed", 5),
    "angle closed in a comment": (f"<{OWN} (>)", "angle-unclosed", 0),
    "angle closed in quotes": (f'<{OWN}">"', "angle-unclosed", 0),
    "list in brackets": (f"<{OWN},{CEO}>", "domain-syntax", 7),
    "route": (f"<@relay.example:{OWN}>", "source-route", 1),
    "route without brackets": (f"@relay.example:{OWN}", "delimiter-unexpected", 14),
    "literal in a name": (f"[x] <{OWN}>", "special-in-name", 0),
    "bracket in a name": (f"a [ <{OWN}>", "special-in-name", 2),
    "closing bracket in a name": (f"a] <{OWN}>", "special-in-name", 1),
    "backslash in a name": (f"a\\b <{OWN}>", "special-in-name", 1),
    "parenthesis in a name": (f"a) <{OWN}>", "special-in-name", 1),
    # unbalanced
    "quote never closed": (f'a "{OWN}', "quotes-unclosed", 2),
    "quote closed by an escape": (f'"a\\" <{OWN}>', "quotes-unclosed", 0),
    "quote after the address": (f'<{OWN}>"', "quotes-unclosed", 22),
    "comment never closed": (f"{OWN} (a", "comment-unclosed", 21),
    "inner comment never closed": (f"{OWN} (a (b)", "comment-unclosed", 21),
    "comment closed by an escape": (f"{OWN} (a\\)", "comment-unclosed", 21),
    "comment ends in a backslash": (f"{OWN} (a\\", "comment-unclosed", 21),
    # the address itself, with offsets from the field's start
    "comment before the at": ("user1(a)@test-sample.jp", "comment-in-address", 5),
    "comment after the at": ("user1@(a)test-sample.jp", "comment-in-address", 6),
    "comment in the domain": ("<user1@test-sample(a).jp>", "comment-in-address", 18),
    "comment inside the brackets": (f"<{OWN}(a)>", "comment-in-address", 21),
    "comment first inside the brackets": (f"<(a){OWN}>", "comment-in-address", 1),
    "blank before the at": ("山 <user1 @test-sample.jp>", "blank-in-address", 10),
    "fold after the at": ("user1@\r\n test-sample.jp", "blank-in-address", 6),
    "no-break space first inside the brackets": (f"<\u00a0{OWN}>", "local-part-unicode", 1),
    "ideographic space last inside the brackets": (f"<{OWN}\u3000>", "domain-idna", 7),
    "two addresses": (f"{OWN} {CEO}", "blank-in-address", 20),
    # postal-mime ends a comment at its first parenthesis; readers that decode first do at an encoded one.
    # rspamd, Horde, Email::Address::List and mblaze go astray where nothing is between a comment and what is beside it.
    "quote in a comment right behind the address": (f'{OWN}(".evil.example,")', "comment-beside-address", 20),
    "one quote in a comment right behind the address": (f'{OWN}("black,)', "comment-beside-address", 20),
    "encoded quote in a comment right behind the address": (
        f"{OWN}(=?utf-8?q?=22black=22?=)",
        "comment-beside-address",
        20,
    ),
    "at sign in a comment right behind the address": (f"{OWN}( {CEO} )", "comment-beside-address", 20),
    "encoded at sign in a comment right behind the address": (f"{OWN}({b_word('@')})", "comment-beside-address", 20),
    "comments that touch before the address": (f"()(,black) {OWN}", "comment-beside-address", 0),
    "the second and the third of them": (f"(x) (y)(,black) {OWN}", "comment-beside-address", 4),
    "half a comment in an encoded-word, that closes": (f"({b_word('x)')}) {OWN}", "comment-beside-address", 0),
    "an escape in a comment before the address": (rf"(\)) {OWN}", "comment-beside-address", 0),
    "a backslash in an encoded-word before the address": (f"(=?utf-8?q?=5C?=) {OWN}", "comment-beside-address", 0),
    "text behind a nested comment, before": (f"((x) ceo@corp ){OWN}", "comment-beside-address", 0),
    "text behind a nested comment, after": (f"{OWN} ((x).evil.example )", "comment-beside-address", 21),
    "what is in no domain behind a nested comment": (f"{OWN} ((x) /)", "comment-beside-address", 21),
    "text behind an escaped parenthesis": (rf"{OWN} (x \) y)", "comment-beside-address", 21),
    "a letter behind a nested comment": (f"{OWN} ((x) X)", "comment-beside-address", 21),
    "text behind one that two kinds of readers see": (
        f"{OWN} (=?x-unknown?q?=3C?= a =?utf-8?q?=3E?= m =?x-klingon?q?n?= b)",
        "comment-beside-address",
        21,
    ),
    "text behind one in EBCDIC": (f"(=?x-klingon?q?=5Dblack?=) {OWN}", "comment-beside-address", 0),
    "text behind an encoded parenthesis": (f"(=?utf-8?q?=29black=28?=){OWN}", "comment-beside-address", 0),
    "half a pair before": (f"(a > b) {OWN}", "comment-beside-address", 0),
    "opened and not closed, before": (f"(a < b) {OWN}", "comment-beside-address", 0),
    "opened literal, before": (f"(a [ b) {OWN}", "comment-beside-address", 0),
    "half a pair after": (f"{OWN} (a > b)", "comment-beside-address", 21),
    "half a literal after": (f"{OWN} (a ] b)", "comment-beside-address", 21),
    "half a pair in a pair": (f"([<]) {OWN}", "comment-beside-address", 0),
    "half a pair in the other pair": (f"(<[>) {OWN}", "comment-beside-address", 0),
    "half a pair behind a pair of quotes": (f'{OWN} ("["]m)', "comment-beside-address", 21),
    "half of an escaped pair": (rf"{OWN} (\<x>m)", "comment-beside-address", 21),
    "word that ends a comment, and one that some cannot decode": (
        f"(=?utf-8?q?=29?= =?x-unknown?q??=) {OWN}",
        "comment-beside-address",
        0,
    ),
    "half a pair in a word that some cannot decode": (
        f"{OWN} (=?x-unknown?q?=5B?= a =?utf-8?q?=5D?= m)",
        "comment-beside-address",
        21,
    ),
    "half an escape in front of another one": (f"(=?utf-8?q?a=2?= =?utf-8?q?8b?=) {OWN}", "comment-beside-address", 0),
    "a letter behind a word that shows a parenthesis only by itself": (
        f"{OWN} (=?utf-8?q?=3D=3Futf-8=3Fb=3F?= {b_word('=?utf-8?q?=29?=')} X)",
        "comment-beside-address",
        21,
    ),
    "encoded half a comment before": (f"(=?utf-8?q?=28=2Ca?=) {OWN}", "comment-beside-address", 0),
    "encoded half a pair": (f"{OWN} (=?utf-8?q?=3E?=)", "comment-beside-address", 21),
    "quote before": (f'(") {OWN}', "comment-beside-address", 0),
    "pair of quotes before": (f'(a "b" c) {OWN}', "comment-beside-address", 0),
    "at sign and a delimiter before": (f"(:!..@) {OWN}", "comment-beside-address", 0),
    "at sign in a pair before": (f"(<x@y>) {OWN}", "comment-beside-address", 0),
    "quote in the address": ('user1(")@test-sample.jp', "comment-in-address", 5),
    "a word that begins in a comment": (f"(=?utf-8?q?a) {OWN} (b?=)", "comment-beside-address", 0),
    "a word from comment to comment": (f"{OWN} (x) (=?utf-8?q?a) (b?=)", "comment-beside-address", 25),
    # A word that begins inside another one: readers differ on which of them is one.
    "word inside a Q word": (f"=?utf-8?q?x=?utf-8?b?QUE=?= <{OWN}>", "encoded-word-nested", 11),
    "word inside a B word": (f"=?utf-8?b?QQ=?utf-8?q?=3Cceo=40v=3E?= <{OWN}>", "encoded-word-nested", 12),
    "word with a blank inside a word": (f"=?a?q?=?utf-8?b?PGNl b0A=?= <{OWN}>", "encoded-word-nested", 6),
    "word inside a decoded word": (
        f"=?utf-8?q?=3D=3Fa=3Fq=3Fx=3D=3Fa=3Fq=3Fy=3F=3D?= <{OWN}>",
        "encoded-word-nested",
        0,
    ),
    "word before the address": (f"x {OWN}", "blank-in-address", 1),
    "word after the address": (f"{OWN} x", "blank-in-address", 20),
    "at in a quoted local part": ('"a@b"@test-sample.jp', "local-part-delimiter", 0),
    "bracket in a quoted local part": ('<"a<b"@test-sample.jp>', "local-part-delimiter", 1),
    "quoted string and atom": ('"x"user1@test-sample.jp', "local-part-quotes", 3),
    "two ats": ("user1@test@sample.jp", "domain-syntax", 6),
    "no domain": ("user1@", "domain-empty", 6),
    "no local part": ("@test-sample.jp", "local-part-empty", 0),
    "literal not closed": ("user1@[192.0.2.1", "domain-syntax", 6),
    "final dot": (f"{OWN}.", "domain-syntax", 6),
    "dots": ("山 <user..1@test-sample.jp>", "local-part-dots", 5),
    "zero-width space": ("<user1\u200b@test-sample.jp>", "local-part-unicode", 1),
    "full-width letter in the domain": ("user1@test-sampleｅ.jp", "domain-idna", 6),
    "full-width at": ("user1＠test-sample.jp", "no-address", 0),
    "local part too long": ("a" * 65 + "@test-sample.jp", "address-too-long", 0),
    # encoded-words
    "encoded-word as local part": ("=?utf-8?q?user1?=@test-sample.jp", "encoded-word-in-address", 0),
    "encoded-word in brackets": ("山 <=?utf-8?q?user1?=@test-sample.jp>", "encoded-word-in-address", 5),
    "encoded-word for the address": (f"<{b_word(OWN)}>", "encoded-word-in-address", 1),
    "encoded-word over the address": (f"=?utf-8?q? <{OWN}> (?=)", "encoded-word-in-address", 12),
    "encoded-word from the name into the address": (
        "=?utf-8?q? <user1?=@test-sample.jp>",
        "encoded-word-in-address",
        12,
    ),
    "encoded-word out of the address": ("<user1@=?utf-8?q?test> (?=)", "encoded-word-in-address", 1),
    "second encoded-word into the address": (
        "=?utf-8?q?x?= =?utf-8?q? <user1?=@test-sample.jp> (=?utf-8?q?x?=)",
        "encoded-word-in-address",
        26,
    ),
    "encoded control character": (f"=?utf-8?q?=07?= <{OWN}>", "control-decoded", 0),
    "encoded line end": (f"=?utf-8?q?a=0D=0ABcc=3A_b?= <{OWN}>", "control-decoded", 0),
    "encoded NUL in base64": (f"=?utf-8?B?YQA=?= <{OWN}>", "control-decoded", 0),
    "encoded NEL": (f"=?utf-8?q?=C2=85?= <{OWN}>", "control-decoded", 0),
    "encoded escape outside ISO 2022": (f"=?utf-8?q?=1B?= <{OWN}>", "control-decoded", 0),
    "encoded twice": (f"{b_word('=?utf-8?q?=07?=')} <{OWN}>", "control-decoded", 0),
    "encoded in a comment": (f"{OWN} (=?utf-8?q?=07?=)", "control-decoded", len(OWN) + 2),
    "encoded bidi override": (f"=?utf-8?q?=E2=80=AE?= <{OWN}>", "bidi-in-name", 0),
    "encoded line separator": (f"=?utf-8?q?=E2=80=A8?= <{OWN}>", "line-separator", 0),
    # Without the address, which has a question mark, the text around it looks like a word.
    "word around the address": ("=?utf-8 <u?x@test-sample.jp> (?q?=07?=)", "control-decoded", 0),
    "word around a quoted local part": ('=?utf-8 <"u?x"@test-sample.jp> (?q?=07?=)', "control-decoded", 0),
    "word around a bare address": ("(=?utf-8) u?x@test-sample.jp (?q?=07?=)", "control-decoded", 0),
    "unclosed word in one around the address": (
        "=?utf-8 <u?x@test-sample.jp> (?q?=3D=3Fa=3Fq=3Fx?=)",
        "encoded-word-unclosed",
        0,
    ),
    "word around the second address of three": (
        f"{OWN},=?utf-8 <u?x@test-sample.jp> (?q?=07?=),=?utf-8?q?a?= <{OWN}>",
        "control-decoded",
        21,
    ),
    "encoded in the second element": (f"{OWN},=?utf-8?q?=E2=80=A9?= <{OWN}>", "line-separator", 21),
    # what nobody can read
    "NUL": (f"{OWN}\0", "control-character", 20),
    "NUL after a non-ASCII name": (f"山\0 <{OWN}>", "control-character", 3),
    "vertical tab": (f"a\x0b <{OWN}>", "control-character", 1),
    "form feed": (f"a\x0c <{OWN}>", "control-character", 1),
    "delete": (f"a\x7f <{OWN}>", "control-character", 1),
    "NEL": (f"a\x85 <{OWN}>", "control-character", 1),
    "line separator": (f"a\u2028 <{OWN}>", "line-separator", 1),
    "paragraph separator in quotes": (f'"a\u2029" <{OWN}>', "line-separator", 2),
    "line separator in a comment": (f"{OWN} (\u2028)", "line-separator", 22),
    "bidi override": (f"山\u202e <{OWN}>", "bidi-in-name", 3),
    "bidi embedding": (f"a\u202a <{OWN}>", "bidi-in-name", 1),
    "bidi isolate": (f"a\u2066b\u2069 <{OWN}>", "bidi-in-name", 1),
    "bidi in the address": ("user1\u202e@test-sample.jp", "bidi-in-name", 5),
    "Latin-1": (b"caf\xe9 <user1@test-sample.jp>", "not-utf8", 3),
    "Latin-1 after UTF-8": ("山".encode() + b"\xe9 <user1@test-sample.jp>", "not-utf8", 3),
    "Shift_JIS": ("山田".encode("cp932") + b" <user1@test-sample.jp>", "not-utf8", 0),
    "overlong": (b'"\xc0\xbc" <user1@test-sample.jp>', "not-utf8", 1),
    "raw ISO-2022-JP": (jis(";3") + b" <user1@test-sample.jp>", "control-character", 0),
}
REFUSED_AS_TEXT: Final = {
    **RFC_5322_A_REFUSED,
    **{name: (as_text(body), rule, at) for name, (body, rule, at) in REFUSED.items()},
}


@pytest.mark.parametrize(("body", "rule", "offset"), REFUSED_AS_TEXT.values(), ids=REFUSED_AS_TEXT.keys())
def test_what_two_receivers_could_read_differently_is_refused(body: str, rule: str, offset: int) -> None:
    """Law, 4, ambiguity: 'malformed is whatever two receivers could read differently'."""
    assert parse_author(body, SUBMISSION) == Malformed(rule, offset)
    assert simple_author(body, SUBMISSION) is None


@pytest.mark.parametrize(("body", "rule", "offset"), REFUSED_AS_TEXT.values(), ids=REFUSED_AS_TEXT.keys())
def test_what_is_refused_is_refused_by_check(body: str, rule: str, offset: int) -> None:
    finding = asked(body).findings[0]
    reason = Reason.FROM_GROUP if rule == "from-group" else Reason.FROM_MALFORMED
    assert (finding.reason, finding.rule) == (reason, "nul" if "\0" in body else rule)


def test_legacy_dots_reach_the_author() -> None:
    """Law, 4, carrier addresses: '`policy.legacy_dots` accepts them as claims'."""
    policy = attrs.evolve(SUBMISSION, legacy_dots=True)
    assert one("Taro <a..b@docomo.ne.jp>", policy).address == Address('"a..b"@docomo.ne.jp')
    assert one("a.@docomo.ne.jp", policy).address == Address('"a."@docomo.ne.jp')
    assert simple_author("a..b@docomo.ne.jp", policy) is None


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        pytest.param(16, True, id="at the limit"),
        pytest.param(17, False, id="one over"),
        pytest.param(4000, False, id="far over"),
    ],
)
def test_comment_depth(depth: int, *, expected: bool) -> None:
    """Law, 4, size: 'comments 16 deep'."""
    result = parse_author(f"{OWN} {'(' * depth}{')' * depth}", SUBMISSION)
    if expected:
        assert result == (Mailbox(Address(OWN)),)
    else:
        assert result == Malformed("comment-too-deep", len(OWN) + 1 + 16)


def test_comment_depth_counts_nesting_and_not_comments() -> None:
    assert isinstance(parse_author(f"<{OWN}> {'()' * 100} ({'()' * 100})", SUBMISSION), tuple)


@pytest.mark.parametrize("filler", ["a" * 3, "山"], ids=["ASCII", "UTF-8"])
def test_field_length(filler: str) -> None:
    """Law, 4, size: '8 KiB a From field', in octets, and 'limits come before parsing'."""
    octets = 8 * 1024 - len(f'"" <{OWN}>')
    name = filler * (octets // 3) + "x" * (octets % 3)
    assert parse_author(f'"{name}" <{OWN}>', SUBMISSION) == (Mailbox(Address(OWN)),)
    assert parse_author(f'"{name}x" <{OWN}>', SUBMISSION) == Malformed("field-too-long", 0)
    assert parse_author(f'"{name}\0" <{OWN}>', SUBMISSION) == Malformed("field-too-long", 0)


def test_field_length_of_what_is_no_utf8() -> None:
    """A lone surrogate stands for one octet."""
    policy = attrs.evolve(SUBMISSION, max_field_octets=30)
    assert parse_author("\udce9" * 30, policy) == Malformed("not-utf8", 0)
    assert parse_author("\udce9" * 31, policy) == Malformed("field-too-long", 0)


@pytest.mark.parametrize(
    ("comment", "halves"),
    [
        ("", ""),
        ("a", ""),
        ("<a> [b]", ""),
        ("[X]", ""),
        ("[<a> [b]]", ""),
        ('"[]" <>', ""),
        ('"[" <>', '"["'),
        ('"["]', '"["]'),
        ('<"">', ""),
        ('"<', '"<'),
        ('5"', '"'),
        ("<", "<"),
        ("a>", ">"),
        ("]", "]"),
        ("[", "["),
        ("><", "><"),
        ("[<]>", "[<]>"),
        ("（［〈「a」〉］）", ""),
        ("（］", "（］"),
        (r"\<a>", "<>"),
        (r"\[]", "[]"),
        ("\\", ""),
    ],
)
def test_what_has_no_other_half(comment: str, halves: str) -> None:
    """Law, 4: 'malformed is whatever two receivers could read differently'; Emacs errs at such a bracket."""
    assert "".join(_halves(comment)) == halves


def test_every_pair_of_unicode() -> None:
    """Law, 4: likewise for the brackets of any script."""
    for opening, closing in zip(_PAIRS[::2], _PAIRS[1::2], strict=True):
        assert isinstance(parse_author(f"{OWN} ({opening}{closing}m)", SUBMISSION), tuple)
        assert parse_author(f"{OWN} ({closing}m)", SUBMISSION) == Malformed("comment-beside-address", 21)
        assert parse_author(f"({opening}m) {OWN}", SUBMISSION) == Malformed("comment-beside-address", 0)
    opens_or_closes = {c for c in map(chr, range(0x10000)) if unicodedata.category(c) in {"Ps", "Pe"}}
    assert opens_or_closes.difference(_PAIRS) <= set("(){}\u201a\u201e\u2e42\u301f")


GROUPS: Final = {
    "group": ("Re: a@b.example;", Malformed("from-group", 2)),
    "group with a list": ("Re: a@b.example, c@d.example;", Malformed("from-group", 2)),
    "its end in quotes": (f'Re: "a; b" <{OWN}>', Malformed("delimiter-unexpected", 2)),
    "its end in a comment": (f"Re: Taro <{OWN}> (x;y)", Malformed("delimiter-unexpected", 2)),
    "its end before it": (f'"a;" Re: Taro <{OWN}>', Malformed("delimiter-unexpected", 7)),
}


@pytest.mark.parametrize(("body", "fault"), GROUPS.values(), ids=GROUPS.keys())
def test_what_is_a_group(body: str, fault: Malformed) -> None:
    """RFC 5322 3.4: 'group = display-name ":" [group-list] ";" [CFWS]'."""
    assert parse_author(body, SUBMISSION) == fault


def test_what_decoding_shows_is_at_the_first_word() -> None:
    """*offset* counts to 'where it is amiss': the words of that mailbox, here."""
    policy = attrs.evolve(SUBMISSION, multiple_authors="all_must_match")
    assert parse_author(f"Taro Yamada =?utf-8?q?a=0Db?= <{OWN}>", policy) == Malformed("control-decoded", 12)
    body = f"=?utf-8?q?a=07?= =?utf-8?q?a?= <{OWN}>"
    assert parse_author(body, policy) == Malformed("control-decoded", 0)
    body = f"=?utf-8?q?a?= <{OWN}>, 山 =?utf-8?q?a=E2=80=AEb?= <{OWN}>"
    assert parse_author(body, policy) == Malformed("bidi-in-name", len(f"=?utf-8?q?a?= <{OWN}>, 山 ".encode()))


def test_no_encoded_word_reaches_over_a_comma() -> None:
    """Law, 4: 'malformed is whatever two receivers could read differently'; who decodes first finds no comma there."""
    policy = attrs.evolve(SUBMISSION, multiple_authors="all_must_match")
    assert parse_author("a@b.example (=?utf-8), (?q?a?=) a@b.example", policy) == Malformed("encoded-word-unclosed", 13)
    assert parse_author("=?utf-8,?q?a?= <a@b.example>", policy) == Malformed("encoded-word-unclosed", 0)
    assert parse_author("=?a?q?b?= =?utf-8,?q?a?= <a@b.example>", policy) == Malformed("encoded-word-unclosed", 10)
    for word in ("(=?utf-8?q?a?=),", ",=?utf-8?q?a?="):
        assert isinstance(parse_author(word.join(["<a@b.example> ", " <a@b.example>"]), policy), tuple)


CUT: Final = {
    "ends before more": ("(ĩ.com)", False),  # and then a parenthesis, which no domain has
    "ends before a parenthesis": ("(ĩ.comĨ)", True),
    "ends before more that is no ASCII": ("(ĩǩ)", False),
    "ends before a control character": ("(ĩ\u0101)", False),
    "ends at the end": ("(Belĩ )", False),
    "ends before parentheses": ("(Belĩ(a))", False),
    "nested": ("(ĩ) m)", True),
    "ends before a domain and a parenthesis": ("(ĩ .a-1.com Ĩx)", True),
    "ends before letters that are no ASCII": ("(ĩ.éĨ)", True),
    "ends before a domain and a comma": ("(ĩx,)", True),
    "ends before an address": ("(ĩceo@victim.example,Ĩ)", True),
    "ends before a comma and an address": ("(ĩ,ceo@victim.exampleĨ)", True),
    "ends before what no domain ends with": ("(ĩ .com-Ĩ)", False),
    "ends before a blank behind that": ("(ĩ .com- Ĩ)", False),
    "ends before what no domain has": ("(ĩ .c/omĨ)", False),
    "an Arabic name": ("(فاطمة محمد)", False),
    "encoded": (f"({b_word('ĩ.comĨ')})", True),
    "encoded, without an end": (f"({b_word('ĩ.com')})", False),
    "encoded, a Russian name": (f"({b_word('Щуклин')})", False),
    "encoded, a Korean name": ("(=?iso-2022-kr?B?GyQpQw5ATDwtPywP?=)", False),
    "in a charset that not all know": (f"({b_word(jis(').com,'), 'csISO2022JP')})", True),
    "in a charset that not all know, at the end": (f"({b_word(jis('x).com'), 'csISO2022JP')})", True),
    "in a charset that not all know, before a semicolon": (f"({b_word(jis(').m;'), 'csISO2022JP')})", True),
    "in a charset that not all know, before a dot": (f"({b_word(jis(').m.(x'), 'csISO2022JP')})", True),
    "in a charset that not all know, without a dot": (f"({b_word(jis('x)m<x'), 'csISO2022JP')})", False),
    "in a charset that not all know, no domain": (f"({b_word(jis(')./om,'), 'csISO2022JP')})", False),
    "in a charset that not all know, a quote and an escape": ("(=?csISO2022JP?b?GyRCISIhXBsoQg==?=)", False),
    "encoded, in a charset that nobody knows": (f"({b_word('ĩ.comĨ', 'x-klingon')})", True),
}


@pytest.mark.parametrize(("comment", "refused"), CUT.values(), ids=CUT.keys())
def test_comments_whose_characters_are_cut(comment: str, *, refused: bool) -> None:
    """Splitting the Email Atom, 2024, 'Unicode overflow': Apache mime4j cuts strings to octets."""
    assert isinstance(parse_author(f"{OWN} {comment}", SUBMISSION), Malformed) == refused


@pytest.mark.parametrize("text", [" x", "black.", "a_b", "\u0122", "\u0149"])
def test_comments_before_an_address_whose_characters_are_cut(text: str) -> None:
    """Likewise: there whatever is behind the parenthesis is part of an address."""
    for comment in (f"(ĩ{text})", f"(ĩ{text}Ĩ)", f"({b_word(f'ĩ{text}')})"):
        assert parse_author(f"{comment} {OWN}", SUBMISSION) == Malformed("comment-beside-address", 0)
    assert isinstance(parse_author(f"(Belĩ ) {OWN}", SUBMISSION), tuple)
    for doubtful in ("x)x", "x)/x"):
        word = b_word(jis(doubtful), "csISO2022JP")
        assert parse_author(f"({word}) {OWN}", SUBMISSION) == Malformed("comment-beside-address", 0)
    assert isinstance(parse_author(f"(=?csISO2022JP?b?GyRCISIhXBsoQg==?=) {OWN}", SUBMISSION), tuple)


def test_mailboxes_are_counted() -> None:
    """Law, 4: 'limits come before parsing, and hitting one is malformed'."""
    most = ",".join(["a@b.example"] * 64)
    mailboxes = parse_author(most, SUBMISSION)
    assert isinstance(mailboxes, tuple)
    assert len(mailboxes) == 64
    assert parse_author(f"{most},a@b.example", SUBMISSION) == Malformed("field-too-long", len(most) + 1)
    assert parse_author(f"{most},", SUBMISSION) == Malformed("field-too-long", len(most) + 1)


def test_encoded_words_are_counted() -> None:
    """Law, 4: 'limits come before parsing, and hitting one is malformed'."""
    most = "=?utf-8?q?a?= " * 32
    assert isinstance(parse_author(f"{most}<{OWN}>", SUBMISSION), tuple)
    one_more = f"{most}=?utf-8?q?a?= <{OWN}>"
    assert parse_author(one_more, SUBMISSION) == Malformed("field-too-long", len(most))


@pytest.mark.parametrize("body", ["{} <{}>", '"{}" <{}>', "({}) <{}>", "({}) {}"])
def test_encoded_words_that_come_out_of_one_are_counted(body: str) -> None:
    """Likewise: they cost as much."""
    most = "=?utf-8?q?a?= " * 32
    assert isinstance(parse_author(body.format(b_word(most), OWN), SUBMISSION), tuple)
    one_more = body.format(b_word(f"{most}=?utf-8?q?a?="), OWN)
    assert parse_author(one_more, SUBMISSION) == Malformed("field-too-long", one_more.index("=?"))
    in_one_more = body.format(b_word(b_word(f"{most}=?utf-8?q?a?=")), OWN)
    assert parse_author(in_one_more, SUBMISSION) == Malformed("field-too-long", in_one_more.index("=?"))


def test_parentheses_in_a_quoted_local_part_are_no_comment() -> None:
    """RFC 5322, 3.2.4: a quoted string has no comments in it."""
    assert one('"a)b"@test-sample.jp').address == Address('"a)b"@test-sample.jp')


def test_colons_in_a_literal_are_no_group() -> None:
    """RFC 5321, 4.1.3: an address literal may have colons; RFC 5322, 3.4.1: a literal is one token."""
    assert one("user1@[IPv6:FE80::1]").address == Address("user1@[ipv6:fe80::1]")


@pytest.mark.parametrize("end_of_line", ["\r\n", "\n"])
def test_line_ends_are_not_escaped(end_of_line: str) -> None:
    """RFC 5322, 3.2.1: a quoted-pair has VCHAR or WSP."""
    assert parse_author(f'"a\\{end_of_line} b" <{OWN}>', SUBMISSION) == Malformed("quotes-unclosed", 0)
    assert parse_author(f"(a\\{end_of_line} b) {OWN}", SUBMISSION) == Malformed("comment-unclosed", 0)


SIMPLE: Final = {
    "bare": (OWN, OWN),
    "blanks": (f" \t{OWN} ", OWN),
    "angle": (f"<{OWN}>", OWN),
    "atoms": (f" J. Q. Public\t<{OWN}> ", OWN),
    "quoted": (f'"Public, J. (x)" <{OWN}>', OWN),
    "no name": (f'""<{OWN}>', OWN),
    "tabs": (f'"a"\t<{OWN}>\t', OWN),
    "tabs, bare": (f"\t{OWN}\t", OWN),
    "upper-case domain": ("User1@TEST-Sample.JP", "User1@test-sample.jp"),
}


@pytest.mark.parametrize(("body", "address"), SIMPLE.values(), ids=SIMPLE.keys())
def test_common_shapes_take_the_fast_path(body: str, address: str) -> None:
    assert simple_author(body, SUBMISSION) == Address(address)


NOT_SIMPLE: Final = {
    "comment": f"{OWN} (x)",
    "at in quotes": f'"a@b" <{OWN}>',
    "encoded-word": f"=?utf-8?q?x?= <{OWN}>",
    "encoded-word as local part": "=?utf-8?q?x?=@test-sample.jp",
    "non-ASCII": f"山 <{OWN}>",
    "fold": f"Taro\r\n <{OWN}>",
    "escape": rf'"\a" <{OWN}>',
    "list": f"{OWN},{OWN}",
    "A-label": "user1@xn--wgv71a.jp",
    "long line": f"{'a' * 998} <{OWN}>",
    "long field": f"{OWN}",
}


@pytest.mark.parametrize("name", NOT_SIMPLE)
def test_what_needs_a_closer_look_is_left_to_the_scanner(name: str) -> None:
    policy = attrs.evolve(SUBMISSION, max_field_octets=19) if name == "long field" else SUBMISSION
    assert simple_author(NOT_SIMPLE[name], policy) is None


# Characters, one by one
CONTROLS: Final = {chr(code) for code in [*range(0x20), *range(0x7F, 0xA0)]}
BIDI: Final = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def q_word(text: str) -> str:
    return f"=?utf-8?Q?{''.join(f'={octet:02X}' for octet in text.encode())}?="


def refused_for(rule: str, characters: Iterable[str], body: str) -> set[str]:
    """Of some characters, give those for which a rule refuses the body that has them at its ``{}``."""
    found = {c: parse_author(body.format(c), SUBMISSION) for c in characters}
    return {c for c, result in found.items() if isinstance(result, Malformed) and result.rule == rule}


def test_characters_of_names_on_the_fast_path() -> None:
    """Law 9: 'The fast path and the full scanner agree'; the fast path is for names that cannot hide anything."""
    assert {c for c in PRINTABLE if not simple_author(f'"{c}" <{OWN}>', SUBMISSION)} == set('"\\@<>=')
    for name in ("{} <%s>", "a{}a <%s>"):
        bodies = {c: (name % OWN).format(c) for c in [*PRINTABLE, "\t"]}
        assert {c for c, body in bodies.items() if not simple_author(body, SUBMISSION)} == set('"(),:;<=>@[\\]')


def test_lengths_on_the_fast_path() -> None:
    """Law, 4, size: '8 KiB a From field, 998 octets a line'; what has just that length is as fast as the rest."""
    for short in (attrs.evolve(SUBMISSION, max_line_octets=20), attrs.evolve(SUBMISSION, max_field_octets=20)):
        assert simple_author(OWN, short) == Address(OWN)
        assert simple_author(f"{OWN} ", short) is None


def test_characters_of_an_unquoted_name() -> None:
    """RFC 5322, 3.2.3 and 4.1: a phrase is made of atoms and dots; RFC 6532, 3.2: and of UTF-8."""
    refused = {c for c in PRINTABLE if isinstance(parse_author(f"a{c}a <{OWN}>", SUBMISSION), Malformed)}
    assert refused == set('"(),:;<>@[\\]')
    for name in ("\xa0", "\U0010ffff"):
        assert one(f"{name} <{OWN}>").address.text == OWN


@pytest.mark.parametrize("body", [f"a{{}}a <{OWN}>", f'"{{}}" <{OWN}>', f"{OWN} ({{}})"])
def test_every_control_character_is_refused(body: str) -> None:
    """Law, 4, ambiguity: 'control characters (raw, or appearing after RFC 2047 decoding)'."""
    characters = [chr(code) for code in range(0x100)]
    assert refused_for("control-character", characters, body) == CONTROLS - set("\t\r\n")
    assert refused_for("control-decoded", map(q_word, characters), body) == set(map(q_word, CONTROLS))


@pytest.mark.parametrize("body", [f"a{{}}a <{OWN}>", f'"{{}}" <{OWN}>', f"{OWN} ({{}})"])
def test_every_bidi_control_and_separator_is_refused(body: str) -> None:
    """Law, 4, ambiguity: 'bidi overrides or isolates and U+2028/2029 in a name'."""
    characters = [chr(code) for code in range(0x2000, 0x2100)]
    for seen in (characters, [q_word(c) for c in characters]):
        spelled = dict(zip(characters, seen, strict=True))
        assert refused_for("bidi-in-name", seen, body) == {spelled[c] for c in BIDI}
        assert refused_for("line-separator", seen, body) == {spelled["\u2028"], spelled["\u2029"]}


def test_every_lone_surrogate_is_refused() -> None:
    """Law, 3: '`str` is taken as UTF-8 with surrogateescape […]; other surrogates are malformed'."""
    characters = [chr(code) for code in (0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000)]
    assert refused_for("not-utf8", characters, f"a{{}}a <{OWN}>") == set(characters[1:-1])


_BLANK = st.sampled_from(["", "", " ", "\t", "  "])
_NAMES = st.one_of(
    st.just(""),
    st.text("Aaz09.!'-? \t&", max_size=12),
    st.text('Aa ,.()[];:-"', max_size=12).map('"{}"'.format),
    st.sampled_from(['""', '"a@b.example"', "=?utf-8?q?a?=", "山", "(c)", "a, b", "a:", '"\t"', "=?", "<", '"\\""']),
)
_LOCAL_PARTS = st.one_of(
    st.text("aZ0.+=?_-'", min_size=1, max_size=10),
    st.sampled_from(["user1", "a" * 64, "a" * 65, "=?utf-8?q?a?=", '"a"', "a..b"]),
)
_DOMAINS = st.one_of(
    st.text("aZ0.-", min_size=1, max_size=12),
    st.sampled_from(["test-sample.jp", "xn--a", "a" * 63, "a" * 64, ("a" * 63 + ".") * 3 + "jp", "[192.0.2.1]", "a."]),
)
_ADDRESSES = st.builds("{}@{}".format, _LOCAL_PARTS, _DOMAINS)
_BODIES = st.one_of(
    st.builds("{}{}<{}>{}".format, _NAMES, _BLANK, _ADDRESSES, _BLANK),
    st.builds("{}{}{}".format, _BLANK, _ADDRESSES, _BLANK),
    st.builds("{}{}{}<{}>{}".format, _BLANK, _NAMES, _NAMES, _ADDRESSES, _NAMES),
    st.text(f'aA<>@."(), {chr(9)}=?', max_size=20),
)
_POLICIES = st.sampled_from(
    [
        SUBMISSION,
        STRICT,
        attrs.evolve(SUBMISSION, legacy_dots=True),
        attrs.evolve(SUBMISSION, max_field_octets=25),
        attrs.evolve(SUBMISSION, max_line_octets=25),
        attrs.evolve(SUBMISSION, max_line_octets=10_000),
    ]
)


@given(body=_BODIES, policy=_POLICIES, line_ends=st.sampled_from(["crlf", "lf"]))
@example(body=f'"{"a" * 960}" <{OWN}>', policy=SUBMISSION, line_ends="crlf")
@example(body=f'"{"a" * 980}" <{OWN}>', policy=SUBMISSION, line_ends="crlf")
@example(body=f'"{"a" * 9000}" <{OWN}>', policy=attrs.evolve(SUBMISSION, max_line_octets=10_000), line_ends="crlf")
@example(body="=?utf-8?q?a?=@b", policy=SUBMISSION, line_ends="lf")
def test_fast_path_and_scanner_agree(body: str, policy: Policy, line_ends: LineEnds) -> None:
    """Law 9: 'The fast path and the full scanner agree wherever both answer.'"""
    simple = simple_author(body, policy)
    if simple is not None:
        assert body_fault(body, policy, line_ends) is None
        assert parse_author(body, policy) == (Mailbox(simple),)


@given(body=st.one_of(st.text(), st.text('a@<>()",;:\\.[]= ?q\r\n\t', max_size=40), st.binary().map(as_text)))
def test_any_body_gives_mailboxes_or_a_rule_inside_it(body: str) -> None:
    """Law 8: 'No input makes `check` […] raise'."""
    result = parse_author(body, SUBMISSION)
    if isinstance(result, Malformed):
        assert 0 <= result.offset <= len(body.encode("utf-8", "replace"))
    else:
        for mailbox in result:
            assert all(isinstance(text, str) for text in [*hidden_addresses(mailbox), *shown_addresses(mailbox)])

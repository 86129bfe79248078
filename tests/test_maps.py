"""Whole-site maps: what each format says, what is wrong with a line, and who may send as whom."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendertrust import STRICT, SUBMISSION, UNSEEN, Aliases, Grant, Policy, Right, TrustLevel, check, maps
from sendertrust.maps import FORMATS, Entry, MapError, MapProblem, SenderMap, format_and_file, parse, read, render

LOCAL = attrs.evolve(SUBMISSION, name="LOCAL", default_domain="a.example", subaddress="+")


def said(site: SenderMap) -> list[tuple[str, str]]:
    return [(entry.login, str(entry.grant)) for entry in site.entries]


def told(site: SenderMap) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.expected, problem.found) for problem in site.problems]


def owners(site: SenderMap, address: str, policy: Policy = LOCAL) -> list[str]:
    return [entry.login for entry in site.who(address, policy)]


def allowed(site: SenderMap, login: str, address: str, policy: Policy = LOCAL) -> bool:
    return bool(check(login, address, UNSEEN, site.may(login), level=TrustLevel.ENVELOPE, policy=policy))


# What each format says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("a@x alice", [("alice", "a@x")], id="one-without-line-end"),
        pytest.param(
            "a@x alice, bob\tcarol,,dave\n", [(n, "a@x") for n in ("alice", "bob", "carol", "dave")], id="many"
        ),
        pytest.param("a@x alice alice\n", [("alice", "a@x")], id="one-login-twice"),
        pytest.param("\ufeffa@x alice\n", [("alice", "a@x")], id="bom"),
        pytest.param("a@x alice\r\n\r\n# b\r\nb@x bob\r\n", [("alice", "a@x"), ("bob", "b@x")], id="crlf"),
        pytest.param("# c\n \t\n  # c\na@x alice\n", [("alice", "a@x")], id="comments-and-blanks"),
        pytest.param("a@x\n  alice,\n\tbob\n", [("alice", "a@x"), ("bob", "a@x")], id="continued"),
        pytest.param(
            "a@x alice,\n# c\n\n  # c\n bob\n", [("alice", "a@x"), ("bob", "a@x")], id="continued-past-comment"
        ),
        pytest.param("a@x ali\n\tce\n", [("ali", "a@x"), ("ce", "a@x")], id="continuation-keeps-its-blank"),
        pytest.param('"a b"@x alice\n', [("alice", '"a b"@x')], id="blank-in-quotes"),
        pytest.param(r'"a\" b"@x alice', [("alice", r'"a\" b"@x')], id="quote-in-quotes"),
        pytest.param("a..b@x alice\n", [("alice", "a..b@x")], id="postfix-asks-without-quotes-too"),
        pytest.param("@x alice\nuser bob\n", [("alice", "@x"), ("bob", "user")], id="domain-and-bare"),
        pytest.param("a@x ,\n", [("", "a@x")], id="nobody"),
        pytest.param("a@x domain\\login\n", [("domain\\login", "a@x")], id="windows-login"),
    ],
)
def test_postfix(text: str, expected: list[tuple[str, str]]) -> None:
    """postmap(1): "A line that starts with whitespace continues a logical line"."""
    site = parse(text, "postfix")
    assert said(site) == expected
    assert site.narrowest


@pytest.mark.parametrize(
    ("text", "expected", "problems"),
    [
        pytest.param(
            "  lost\n more\na@x alice\n",
            [("alice", "a@x")],
            [(1, "a line that does not start with a blank: there is none to continue", "  lost more")],
            id="first-line-blank",
        ),
        pytest.param(
            "a@x alice\nA@X bob\n",
            [("alice", "a@x")],
            [(2, "each key once (the first one counts)", "A@X")],
            id="duplicate",
        ),
        pytest.param(
            "a@x\nb@x bob\n",
            [("", "a@x"), ("bob", "b@x")],
            [(1, "a blank and logins after the key", "a@x")],
            id="no-value",
        ),
        pytest.param(
            '"a@x alice\nb@x bob\n',
            [("bob", "b@x")],
            [(1, "a key with balanced quotes, a blank and logins", '"a@x alice')],
            id="unbalanced",
        ),
        *(
            pytest.param(
                f"{line}\nb@x bob\n",
                [("bob", "b@x")],
                [(1, "a key with balanced quotes, a blank and logins", line)],
                id=f"ends amid a word: {line}",
            )
            for line in ('@x"y alice', 'sales"@x alice', 'a@x" alice', 'a@x"alice', "a@x\\")
        ),
        pytest.param(
            "sales: alice\n",
            [],
            [(1, "a key without a colon (is this an aliases file?)", "sales:")],
            id="aliases-file",
        ),
        pytest.param(
            '"a"@x alice\n"b c" bob\n"d" d\n',
            [("bob", '"b c"')],
            [
                (1, "a key quoted as RFC 5322 needs it and not more, which is what Postfix looks up", '"a"@x'),
                (3, "a key quoted as RFC 5322 needs it and not more, which is what Postfix looks up", '"d"'),
            ],
            id="needless-quotes",
        ),
        *(
            pytest.param(
                f"{key} alice\nb@x bob\n",
                [("bob", "b@x")],
                [(1, "user@domain, @domain or user", key)],
                id=name,
            )
            for name, key in [
                ("star", "*"),
                ("null", "<>"),
                ("star-at", "*@x"),
                ("quoted-star-at", '"*"@x'),
                ("brackets", "<a@x>"),
                ("double-at", "a@b@x"),
                ("domain-empty", "a@"),
                ("at", "@"),
                ("underscore", "a@x_y"),
                ("control", "a\x01@x"),
                ("too-long", "a" * 65 + "@x"),
                ("label-too-long", "@" + "a" * 64),
            ]
        ),
        pytest.param(
            "a@x \x01, alice\nb@x *\nc@x @x, *@x\n",
            [("alice", "a@x"), ("", "b@x"), ("", "c@x")],
            [(1, "a login", "\x01"), (2, "a login", "*"), (3, "a login", "@x"), (3, "a login", "*@x")],
            id="logins",
        ),
        pytest.param(
            f"a@x {'é' * 513}\nb@x {'é' * 512}",
            [("", "a@x"), ("é" * 512, "b@x")],
            [(1, "a login", "é" * 201)],
            id="login-too-long",
        ),
        pytest.param(
            "a@x ali\x00ce\nb\udc80@x bob\nc@x carol\n",
            [("", "a@x"), ("carol", "c@x")],
            [
                (1, "a login", "ali\x00ce"),
                (2, "user@domain, @domain or user", "b\udc80@x"),
            ],
            id="null-and-surrogate",
        ),
    ],
)
def test_postfix_problems(text: str, expected: list[tuple[str, str]], problems: list[tuple[int, str, str]]) -> None:
    """A bad line loses nothing else; a key that can be read is nobody's then, and no wider one is asked instead."""
    site = parse(text, "postfix", strict=False)
    assert said(site) == expected
    assert told(site) == problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("sales: alice, bob\n", [("alice", "sales"), ("bob", "sales")], id="two"),
        pytest.param("sales : alice,\n  bob,\n", [("alice", "sales"), ("bob", "sales")], id="continued"),
        pytest.param('"john doe": jd\n', [("jd", '"john doe"')], id="quoted-name"),
        pytest.param('s: "john doe"@x, "jd"\n', [('"john doe"@x', "s"), ("jd", "s")], id="quoted-destinations"),
        pytest.param("s: \\alice\n", [("alice", "s")], id="backslash"),
        pytest.param('s: |cmd, "|cmd a, b", /f, "/f g", alice\n', [("alice", "s")], id="pipes-and-files"),
        pytest.param("s: /dev/null\n", [("", "s")], id="nobody"),
        pytest.param("s: t, bob\nt: alice\n", [("bob", "s"), ("alice", "s"), ("alice", "t")], id="chain"),
        pytest.param("s: t@A.example\nt: alice\n", [("alice", "s"), ("alice", "t")], id="chain-by-local-domain"),
        pytest.param("s: t@b.example\nt: alice\n", [("t@b.example", "s"), ("alice", "t")], id="foreign-domain"),
        pytest.param(
            "root: root, admin\nx: root\n", [(n, k) for k in ("root", "x") for n in ("root", "admin")], id="self"
        ),
        pytest.param("a: b, c\nb: d\nc: d\n", [("d", "a"), ("d", "b"), ("d", "c")], id="diamond"),
        pytest.param("S: T\nt: Alice\n", [("Alice", "S"), ("Alice", "t")], id="letter-case"),
    ],
)
def test_aliases(text: str, expected: list[tuple[str, str]]) -> None:
    """aliases(5): "name: value1, value2, ..."; alias.c: "when an alias includes its own name, deliver to the user"."""
    site = parse(text, "aliases", local_domains=["a.example"])
    assert said(site) == expected
    assert site.narrowest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "s@a.example alice, bob@b.example\n", [("alice", "s@a.example"), ("bob@b.example", "s@a.example")], id="two"
        ),
        pytest.param("a.example anything\ns@a.example x\n", [("x", "s@a.example")], id="domain-marker"),
        pytest.param("first.last x\n", [("x", "first.last")], id="dotted-user"),
        pytest.param(
            "s@a.example t\nt u\nu@a.example v\n", [("v", "s@a.example"), ("v", "t"), ("v", "u@a.example")], id="local"
        ),
        pytest.param("s@b.example t@b.example\nt u\n", [("t@b.example", "s@b.example"), ("u", "t")], id="not-local"),
        pytest.param("@b.example x@b.example\n", [("x@b.example", "@b.example")], id="catch-all-of-itself"),
        pytest.param("s y@b.example\n@b.example x\n", [("x", "s"), ("x", "@b.example")], id="through-catch-all"),
        pytest.param("s@b.example s@b.example, x\n", [("s@b.example", "s@b.example"), ("x", "s@b.example")], id="self"),
        pytest.param("s s, x\n", [("s", "s"), ("x", "s")], id="bare-self"),
    ],
)
def test_virtual(text: str, expected: list[tuple[str, str]]) -> None:
    """virtual(5): "Virtual aliasing is recursive; to terminate recursion […] alias that address to itself"."""
    site = parse(text, "virtual", local_domains=["a.example"])
    assert said(site) == expected
    assert site.narrowest


def test_virtual_without_a_local_domain() -> None:
    assert said(parse("s@b.example t\nt u\n", "virtual")) == [("u", "s@b.example"), ("u", "t")]


@pytest.mark.parametrize(
    ("format_", "text", "expected", "problems"),
    [
        pytest.param(
            "aliases",
            "a: b\nb: c, alice\nc: a\n",
            [("alice", key) for key in "abc"],
            [(3, "a chain that ends", "a -> b -> c -> a")],
            id="loop",
        ),
        pytest.param(
            "aliases",
            "x: a\na: b\nb: a\n",
            [("", key) for key in "xab"],
            [(3, "a chain that ends", "a -> b -> a")],
            id="loop-with-a-way-in",
        ),
        pytest.param(
            "aliases",
            "a: alice\nnothing\nb@x: bob\na b: c\nA: bob\n: x\nc:\n",
            [("alice", "a"), ("", "c")],
            [
                (2, "name: destinations", "nothing"),
                (3, "a name without a domain", "b@x"),
                (4, "name: destinations", "a b: c"),
                (5, "each key once (the first one counts)", "A"),
                (6, "name: destinations", ": x"),
                (7, "destinations with balanced quotes", ""),
            ],
            id="lines",
        ),
        pytest.param(
            "aliases",
            'a: alice, :include:/f\nb: ":include:/f"\nc: @x\nd: x y, bob\ne: "x\nf: *, <>, ()\n*: a\n',
            [("alice", "a"), ("", "b"), ("", "c"), ("bob", "d"), ("", "e"), ("", "f")],
            [
                (1, "addresses of accounts, with commas between them", ":include:/f"),
                (2, "addresses of accounts, with commas between them", '":include:/f"'),
                (3, "addresses of accounts, with commas between them", "@x"),
                (4, "addresses of accounts, with commas between them", "x y"),
                (5, "destinations with balanced quotes", '"x'),
                (6, "addresses of accounts, with commas between them", "*"),
                (6, "addresses of accounts, with commas between them", "<>"),
                (6, "addresses of accounts, with commas between them", "()"),
                (7, "a name", "*"),
            ],
            id="destinations",
        ),
        pytest.param(
            "virtual",
            '"a x\na@x\nb@x bob\n* c\n',
            [("", "a@x"), ("bob", "b@x")],
            [
                (1, "a pattern, a blank and destinations", '"a x'),
                (2, "destinations with balanced quotes", ""),
                (4, "user@domain, @domain or user", "*"),
            ],
            id="virtual-lines",
        ),
    ],
)
def test_alias_problems(
    format_: str, text: str, expected: list[tuple[str, str]], problems: list[tuple[int, str, str]]
) -> None:
    site = parse(text, format_, strict=False)
    assert said(site) == expected
    assert told(site) == problems


CSV = "login,address\n"
CSV_RIGHTS = "login,address,right\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param(CSV, [], id="header"),
        pytest.param(
            "\ufefflogin,address\r\nalice,a@x\r\n\r\nalice,*\r\n", [("alice", "a@x"), ("alice", "*")], id="excel"
        ),
        pytest.param("login,address\ralice,a@x\r", [("alice", "a@x")], id="cr"),
        pytest.param(CSV + ' alice , "a@x"\n', [("alice", "a@x")], id="blanks"),
        pytest.param(CSV + '"x, y","""a b""@x"\n', [("x, y", '"a b"@x')], id="quoted"),
        pytest.param(
            CSV_RIGHTS + "alice,boss@x,on-behalf-of\nalice,a@x,\nbot,<>,null-sender\n",
            [("alice", "on-behalf-of boss@x"), ("alice", "a@x"), ("bot", "null-sender <>")],
            id="rights",
        ),
    ],
)
def test_csv(text: str, expected: list[tuple[str, str]]) -> None:
    site = parse(text, "csv")
    assert said(site) == expected
    assert not site.narrowest


RIGHTS = "send-as, on-behalf-of, envelope-only, header-only; null-sender of <>"


@pytest.mark.parametrize(
    ("text", "expected", "problems"),
    [
        pytest.param(
            "alice,a@x\nbob,b@x\n",
            [],
            [(1, "the header row login,address or login,address,right", "alice,a@x\n")],
            id="no-header",
        ),
        pytest.param(
            CSV + 'alice,"a@x\nbob,b@x\n"c"c,d@x\ne,"a@x\x00',
            [("bob", "b@x")],
            [
                (2, "cells with balanced quotes, without null characters", 'alice,"a@x\n'),
                (4, "cells with balanced quotes, without null characters", '"c"c,d@x\n'),
                (5, "cells with balanced quotes, without null characters", 'e,"a@x\x00'),
            ],
            id="a-stray-quote-ends-with-its-line",
        ),
        pytest.param(
            CSV + "alice\nalice,a@x,b@x\nbob,b@x\n",
            [("bob", "b@x")],
            [(2, "2 cells", "alice\n"), (3, "2 cells", "alice,a@x,b@x\n")],
            id="cells",
        ),
        pytest.param(
            CSV_RIGHTS + "alice,a@x,own\nalice,<>,\nalice,a@x,null-sender\n,a@x,\n*,a@x,\nalice,*@x,\n",
            [],
            [
                (2, RIGHTS, "own a@x"),
                (3, RIGHTS, "send-as <>"),
                (4, RIGHTS, "null-sender a@x"),
                (5, "a login", ""),
                (6, "a login", "*"),
                (7, "user@domain, @domain, user or *", "*@x"),
            ],
            id="cells-that-say-nothing",
        ),
    ],
)
def test_csv_problems(text: str, expected: list[tuple[str, str]], problems: list[tuple[int, str, str]]) -> None:
    site = parse(text, "csv", strict=False)
    assert said(site) == expected
    assert told(site) == problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(" {\n} \n", [], id="empty"),
        pytest.param('{"alice": []}', [], id="no-grants"),
        pytest.param(
            '{"alice": ["a@x", {"address": "boss@x", "right": "on-behalf-of"}],\n "b": [{"address": "*"}]}',
            [("alice", "a@x"), ("alice", "on-behalf-of boss@x"), ("b", "*")],
            id="grants",
        ),
        pytest.param('\ufeff{"\\u5c71": ["a@x"]}', [("山", "a@x")], id="bom-and-escape"),
    ],
)
def test_json(text: str, expected: list[tuple[str, str]]) -> None:
    site = parse(text, "json")
    assert said(site) == expected
    assert not site.narrowest


A_GRANT = 'an address or {"address": "...", "right": "..."}'


@pytest.mark.parametrize(
    ("text", "expected", "problems"),
    [
        pytest.param("", [], [(1, "JSON (Expecting {)", "")], id="empty"),
        pytest.param("[]", [], [(1, "JSON (Expecting {)", "[]")], id="list"),
        pytest.param('{"a": ["a@x"]', [("a", "a@x")], [(1, "JSON (Expecting , or })", "")], id="cut"),
        pytest.param('{"a": ["a@x"],\n}', [("a", "a@x")], [(2, "JSON (Expecting value)", "}")], id="comma"),
        pytest.param('{"a" ["a@x"]}', [], [(1, "JSON (Expecting :)", '["a@x"]}')], id="colon"),
        pytest.param("{} x", [], [(1, "JSON (Expecting the end)", "x")], id="more"),
        pytest.param('{1: [], "a": ["a@x"]}', [("a", "a@x")], [(1, "a login in quotes", "1")], id="login-number"),
        pytest.param(
            '{"a": ["a@x"],\n\n"a": ["b@x"], "b": "b@x"}',
            [("a", "a@x")],
            [(3, "each login once (the first one counts)", "a"), (3, "a list of addresses", '"b@x"')],
            id="twice",
        ),
        pytest.param(
            '{"a": [1, null, ["x"], {}, {"address": 1}, {"address": "a@x", "address": "b@x"},'
            ' {"right": "send-as"}, "b@x"]}',
            [("a", "b@x")],
            [
                (1, A_GRANT, "1"),
                (1, A_GRANT, "null"),
                (1, A_GRANT, "[...]"),
                *[(1, A_GRANT, "{...}")] * 4,
            ],
            id="grants",
        ),
        pytest.param(
            '{"\\u0000": ["a@x"], "\\ud800": ["a@x"], "b": ["\\ud800@x", "@x"]}',
            [("b", "@x")],
            [(1, "a login", "\x00"), (1, "a login", "\ud800"), (1, "user@domain, @domain, user or *", "\ud800@x")],
            id="unreadable",
        ),
        pytest.param(
            '{"a": ["a@x"],\n"b": ' + "[" * 100_000,
            [("a", "a@x")],
            [(2, "a list of addresses", "lists in lists in lists")],
            id="deep",
        ),
        *(
            pytest.param(
                f'{{"a": {outer[0]}{inner[0] * depth}1{inner[1] * depth}{outer[1]}, "b": ["b@x"]}}',
                [("b", "b@x")],
                [(1, what, found)],
                id=f"{outer}-{depth}",
            )
            for inner, outer, what, found in [
                (('{"a":', "}"), ("[", "]"), A_GRANT, "{...}"),
                (('{"a":', "}"), ("", ""), "a list of addresses", "{...}"),
            ]
            for depth in (100, 200, 400)
        ),
        pytest.param('{"a": ' + "1" * 5_000 + "}", [], [(1, "a list of addresses", "1" * 201)], id="long-number"),
    ],
)
def test_json_problems(text: str, expected: list[tuple[str, str]], problems: list[tuple[int, str, str]]) -> None:
    site = parse(text, "json", strict=False)
    assert said(site) == expected
    assert told(site) == problems


# Work that does not explode


def test_a_chain_may_have_32_aliases() -> None:
    lines = [f"a{n}: a{n + 1}" for n in range(1, 33)]
    assert owners(parse("\n".join([*lines, "a33:alice"]), "aliases", strict=False), "a2@a.example") == ["alice"]
    site = parse("\n".join([*lines, "a33: alice"]), "aliases", strict=False)
    assert told(site) == [(1, "a chain of at most 32 aliases", "a1")]
    assert owners(site, "a1@a.example") == []


def test_a_long_chain_is_many_problems_and_no_more_work() -> None:
    text = "\n".join([f"a{n}: a{n + 1}" for n in range(10_000)])
    site = parse(text, "aliases", strict=False)
    assert len(site.problems) == 10_000 - 32
    assert owners(site, "a9999@a.example") == ["a10000"]


def test_a_long_loop_is_told_shortly() -> None:
    text = "\n".join([f"a{n}: a{n + 1}, a0" for n in range(1_000)] + ["a1000: a0"])
    site = parse(text, "aliases", strict=False)
    loops = [problem.found for problem in site.problems if problem.expected == "a chain that ends"]
    assert len(loops) == 1_000
    assert loops[-1] == " -> ".join(f"a{n}" for n in range(16)) + " -> ... -> a0"
    assert loops[0] == "a0 -> a1 -> a0"


def test_a_fan_out_bomb_is_put_out() -> None:
    """100 ** 32 ways lead from the first layer to the last: each alias is asked once for each question."""
    layers = [
        f"a{layer}x{n}: " + ", ".join(f"a{layer + 1}x{other}" for other in range(100))
        for layer in range(32)
        for n in range(100)
    ]
    site = parse("\n".join(layers), "aliases", strict=False)
    assert {problem.expected for problem in site.problems} == {"aliases that lead to fewer logins in all"}
    assert owners(site, "a0x0@a.example") == [f"a32x{n}" for n in range(100)]
    assert owners(site, "a31x99@a.example") == []
    assert len(site.entries) < 1_000_000 + 4 * 320_000


def test_a_catch_all_with_many_of_its_own_is_linear() -> None:
    text = "@b.example " + ", ".join(f"u{n}@b.example" for n in range(20_000))
    assert len(parse(text, "virtual").who("x@b.example")) == 20_000


# Questions


POSTFIX = """
sales@a.example      alice, bob
sales+eu@a.example   carol
hr                   dave
hr+x                 erin
both@a.example       frank
both                 nobody-sees-this
"john doe"@a.example john
gone@a.example       ,
@a.example           admin
@b.example           boss
"""


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("sales@a.example", ["alice", "bob"], id="full"),
        pytest.param("SALES@A.Example", ["alice", "bob"], id="letter-case"),
        pytest.param("sales+x@a.example", ["alice", "bob"], id="base"),
        pytest.param("sales+eu@a.example", ["carol"], id="subaddress-first"),
        pytest.param("hr@a.example", ["dave"], id="bare"),
        pytest.param("hr+x@a.example", ["erin"], id="bare-subaddress"),
        pytest.param("hr+y@a.example", ["dave"], id="bare-base"),
        pytest.param("+hr@a.example", ["admin"], id="no-base"),
        pytest.param("*+x@a.example", ["admin"], id="base-that-can-be-no-key"),
        pytest.param("both@a.example", ["frank"], id="full-before-bare"),
        pytest.param("hr@b.example", ["boss"], id="bare-elsewhere"),
        pytest.param('"john doe"@a.example', ["john"], id="quoted"),
        pytest.param('"sales"@a.example', ["alice", "bob"], id="needless-quotes"),
        pytest.param('"john doe+x"@a.example', ["admin"], id="quoted-is-no-subaddress"),
        pytest.param("gone@a.example", [], id="nobody"),
        pytest.param("x@a.example", ["admin"], id="domain"),
        pytest.param("x@sub.a.example", [], id="no-subdomain"),
        pytest.param("", [], id="null"),
    ],
)
def test_the_narrowest_key_counts(address: str, expected: list[str]) -> None:
    """virtual(5), as for every table: "user+foo@domain, user@domain, user+foo, user, and @domain"."""
    site = parse(POSTFIX, "postfix")
    assert owners(site, address) == expected
    if address:
        logins = ["alice", "bob", "carol", "dave", "erin", "frank", "john", "admin", "boss"]
        assert [login for login in logins if allowed(site, login, address)] == expected


def test_without_subaddress_and_default_domain() -> None:
    site = parse(POSTFIX, "postfix")
    assert owners(site, "sales+x@a.example", SUBMISSION) == ["admin"]
    assert owners(site, "hr@a.example", SUBMISSION) == ["admin"]


def test_every_key_counts_in_a_union() -> None:
    rows = ["a@x,one", "@x,two", "*,three", "a+b@x,four", "a,five"]
    site = parse(CSV + "".join(f"{login},{key}\n" for key, login in (row.split(",") for row in rows)), "csv")
    policy = attrs.evolve(LOCAL, default_domain="x")
    assert owners(site, "a+b@x", policy) == ["four", "one", "five", "two", "three"]
    assert all(allowed(site, login, "a+b@x", policy) for login in owners(site, "a+b@x", policy))


def test_exact_letter_case_is_the_policys() -> None:
    site = parse(CSV + "alice,A@x\nbob,a@x\n", "csv")
    assert owners(site, "a@x") == ["alice", "bob"]
    assert owners(site, "a@x", STRICT) == ["bob"]
    assert owners(site, "A@X", STRICT) == ["alice"]


def test_the_null_sender_is_granted_by_name() -> None:
    site = parse(CSV_RIGHTS + "bot,<>,null-sender\nservice,*,\n", "csv")
    assert owners(site, "") == owners(site, "<>") == ["bot"]


def test_international_domains_are_one_in_both_forms() -> None:
    site = parse("info@例え.jp alice\n@xn--r8jz45g.jp bob\n", "postfix")
    assert owners(site, "info@xn--r8jz45g.jp") == ["alice"]
    assert owners(site, "x@例え.jp") == ["bob"]


@pytest.mark.parametrize("address", ["sales", "@a.example", "*", "a b@x", "a@x_y"])
def test_who_asks_for_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="expected an address, such as user@domain, found"):
        parse("", "postfix").who(address)


def test_logins_are_compared_as_postfix_does() -> None:
    """postconf(5) has a list of SASL login names; smtpd_check.c compares them with strcasecmp."""
    site = parse("a@x Alice\nb@x alice@A.example\nc@x alice@b.example, Älice\n", "postfix", local_domains=["a.example"])
    assert [entry.grant.address for entry in site.grants("ALICE")] == ["a@x", "b@x"]
    assert [entry.grant.address for entry in site.grants("alice@a.example")] == ["a@x", "b@x"]
    assert [entry.grant.address for entry in site.grants("alice@b.Example")] == ["c@x"]
    assert [entry.grant.address for entry in site.grants("älice")] == []
    assert allowed(site, "alice@a.example", "a@x")


@pytest.mark.parametrize("login", [None, "", "*", "@x", "x", "nobody", "@", "a@x_y"])
def test_who_has_nothing_gets_nothing(login: str | None) -> None:
    """Law, 3: "A login is never a pattern: a login named `*`, `@x.example` or `x.example` gains nothing"."""
    site = parse("a@x alice\nb@x ,\n@x bob\n", "postfix", local_domains=["a.example"])
    assert site.grants(login) == ()
    for address in ("a@x", "b@x", "c@x"):
        assert not check(login or "nobody", address, UNSEEN, site.may(login), policy=LOCAL)


def test_what_matched_names_the_source() -> None:
    site = parse("sales@a.example alice\n", "postfix", source="senders")
    verdict = check("alice", "sales@a.example", UNSEEN, site.may("alice"), policy=SUBMISSION)
    assert verdict.matched_by == ("sales@a.example (senders)",)


def test_an_account_is_compiled_once_and_the_others_leave_nothing() -> None:
    site = parse("@x alice, bob\na@x alice\n", "postfix", source="senders", local_domains=["a.example"])
    assert site.may("alice") is site.may("ALICE@a.example")
    assert site.may("bob") is not site.may("alice")
    nobodies = [site.may(login) for login in (None, "", "@a.example", *(f"login-{n}" for n in range(100)))]
    assert set(nobodies) == {Aliases()}
    assert site._compiled.keys() == {"alice", "bob"}
    fresh = [Aliases(keys, source="senders", within=Aliases(["@x", "a@x"])) for keys in (["@x", "a@x"], ["@x"])]
    assert [site.may(login) for login in ("alice", "bob")] == fresh


def test_what_is_kept_of_a_map_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps.site, "_MAX_COMPILED", 3)
    site = parse("".join(f"a{n}@x login-{n}\n" for n in range(10)), "postfix")
    for n in [*range(10), 0, *range(10)]:
        assert site.may(f"login-{n}") == Aliases([f"a{n}@x"], within=Aliases([f"a{m}@x" for m in range(10)]))
        assert len(site._compiled) <= 3


def test_threads_share_a_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps.site, "_MAX_COMPILED", 3)
    site = parse("login,address\n" + "".join(f"login-{n},a{n}@x\n" for n in range(10)), "csv")

    def ask(first: int) -> bool:
        numbers = [(first + step) % 10 for step in range(200)]
        return all(site.may(f"login-{n}") == Aliases([f"a{n}@x"]) for n in numbers)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))
    assert len(site._compiled) <= 3 + 8


# Values and errors


def test_strict_raises_with_all_problems() -> None:
    with pytest.raises(MapError) as caught:
        parse("a@x\na@x alice\n", "postfix", source="senders")
    assert str(caught.value).splitlines() == [
        'senders:1: expected a blank and logins after the key, found "a@x"',
        'senders:2: expected each key once (the first one counts), found "a@x"',
    ]
    assert [problem.line for problem in caught.value.problems] == [1, 2]
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own
    assert again.problems == caught.value.problems


def test_a_problem_is_one_line_of_printable_ascii() -> None:
    problem = MapProblem("se\nnders", 7, "a login", "\x1b[2J\n山" + "x" * 300)
    assert str(problem).isprintable()
    assert str(problem).isascii()
    assert str(problem).startswith('se\\nnders:7: expected a login, found "\\u001b[2J\\n\\u5c71xxx')
    assert str(problem).endswith('xxx"...')
    assert str(MapProblem("", 7, "a login", "x")) == 'line 7: expected a login, found "x"'


def test_lenient_gives_the_rest() -> None:
    site = parse("a@x\nb@x bob\n", "postfix", strict=False, source="senders")
    assert repr(site) == "<SenderMap 'senders': 2 entries, 1 problems>"
    assert owners(site, "b@x") == ["bob"]


def test_a_map_is_a_value() -> None:
    site = parse("a@x alice\n", "postfix", source="one")
    assert site == parse("# moved\na@x alice\n", "postfix", source="two")
    assert site != parse("a@x alice\n", "virtual", local_domains=["a.example"])
    assert site == copy.deepcopy(site) == pickle.loads(pickle.dumps(site))  # noqa: S301 - our own
    assert hash(site) == hash(copy.copy(site))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        site.narrowest = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("login", "address", "message"),
    [
        ("*", "a@x", "expected a login, found '*'"),
        ("a", "*@x", "expected user@domain, @domain, user or \\*, found '\\*@x'"),
    ],
)
def test_an_entry_that_could_never_match_is_refused(login: str, address: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Entry(login, Grant(address))


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (TypeError, lambda: parse(b"", "csv"), "pass text as str, not bytes: decode it"),  # type: ignore[arg-type]
        (
            ValueError,
            lambda: parse("", "ldif"),
            "unknown format 'ldif': write one of postfix, aliases, virtual, csv, json",
        ),
        (
            TypeError,
            lambda: parse("", "csv", local_domains="a.example"),
            "pass local_domains as a list or tuple of str",
        ),
        (ValueError, lambda: parse("", "csv", local_domains=["a b"]), "'a b' is no domain"),
        (
            ValueError,
            lambda: render(parse("", "csv"), "aliases"),
            "unknown format 'aliases': write one of postfix, csv, json",
        ),
    ],
)
def test_mistakes_of_the_caller(error: type[Exception], call: st.SearchStrategy[None], message: str) -> None:
    with pytest.raises(error, match=message):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("file", "prefix", "text"),
    [
        ("senders", "", "a@x alice\n"),
        ("m.CSV", "", "login,address\nalice,a@x\n"),
        ("m.json", "", '{"alice": ["a@x"]}'),
        ("m.csv", "postfix:", "a@x alice\n"),
        ("virtual", "virtual:", "a@x alice\n"),
    ],
)
def test_a_file_is_read_by_its_format_or_suffix(file: str, prefix: str, text: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8-sig")
    site = read(f"{prefix}{tmp_path / file}")
    assert said(site) == [("alice", "a@x")]
    assert site.source == str(tmp_path / file)
    assert format_and_file(f"{prefix}{tmp_path / file}")[1] == site.source


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("latin").write_bytes(b"a@x \xe9\n")
    Path("bad").write_text("a@x\nb@A.example bob\n")
    with pytest.raises(ValueError, match="latin is not UTF-8"):
        read("latin")
    with pytest.raises(FileNotFoundError, match="csv:"):
        read("csv:")
    with pytest.raises(MapError, match=r"^bad:1: expected"):
        read("bad")
    assert [entry.login for entry in read("bad", strict=False, local_domains=["a.example"]).who("b@a.example")] == [
        "bob"
    ]


# There and back


def test_rendered() -> None:
    site = parse("a@x alice, bob\nb@x ,\n", "postfix")
    assert render(site, "postfix") == "a@x alice, bob\nb@x ,\n"
    union = parse(CSV_RIGHTS + 'alice,a@x,\nalice,b@x,header-only\n"b, c",@x,\n', "csv")
    assert render(union, "csv") == CSV_RIGHTS + 'alice,a@x,send-as\nalice,b@x,header-only\n"b, c",@x,send-as\n'
    assert json.loads(render(union, "json")) == {
        "alice": ["a@x", {"address": "b@x", "right": "header-only"}],
        "b, c": ["@x"],
    }


def test_a_login_with_another_at_is_nobody_at_a_local_domain() -> None:
    """Law, 3: a login is 'split at the last `@`', so this one is "bob@other.example" at a.example."""
    site = parse("ceo@a.example bob@other.example\n", "postfix", local_domains=["a.example"])
    assert not site.grants("bob@other.example@a.example")
    assert len(site.grants("bob@other.example")) == 1


def test_a_key_in_two_spellings_is_rendered_once() -> None:
    """'parsing a rendered map gives it back'"""
    spellings = [("", Grant("a@x")), ("b", Grant('"a"@x')), ("c", Grant("@例え.jp")), ("d", Grant("@xn--r8jz45g.JP"))]
    text = render(site_of(*spellings, narrowest=True), "postfix")
    assert text == "a@x b\n@例え.jp c, d\n"
    assert owners(parse(text, "postfix"), "x@xn--r8jz45g.jp") == ["c", "d"]


def site_of(*entries: tuple[str, Grant], narrowest: bool) -> SenderMap:
    return SenderMap(entries=[Entry(*entry) for entry in entries], narrowest=narrowest)


@pytest.mark.parametrize(
    ("site", "format_", "message"),
    [
        (
            site_of(narrowest=True),
            "csv",
            "csv cannot say this map: in it only the narrowest key that covers an address",
        ),
        (site_of(narrowest=True), "json", "in json every key that covers an address counts"),
        (site_of(narrowest=False), "postfix", "in it every key that covers an address counts, in postfix only the"),
        (
            site_of(("a", Grant("a@x", Right.ENVELOPE_ONLY)), narrowest=True),
            "postfix",
            "postfix cannot say that 'a' has envelope-only 'a@x'",
        ),
        (site_of(("a", Grant("*")), narrowest=True), "postfix", "'a' has send-as '\\*': line 1: expected user@domain"),
        (site_of(("a b", Grant("a@x")), narrowest=True), "postfix", "postfix cannot say that 'a' has send-as 'a@x'"),
        (site_of(("a", Grant("#a@x")), narrowest=True), "postfix", "postfix cannot say that 'a' has send-as '#a@x'"),
        (site_of(("a", Grant("A@x")), ("b", Grant("a@x")), narrowest=True), "postfix", "each key once"),
        (site_of((" a", Grant("a@x")), narrowest=False), "csv", "csv cannot say that ' a' has send-as 'a@x'"),
    ],
)
def test_what_a_format_cannot_say(site: SenderMap, format_: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(site, format_)


def test_nobody_means_nothing_in_a_union() -> None:
    site = site_of(("", Grant("a@x")), ("a", Grant("@x")), narrowest=False)
    assert render(site, "csv") == CSV + "a,@x\n"
    assert said(parse(render(site, "json"), "json")) == [("a", "@x")]


# Properties


LOGINS = st.sampled_from(["alice", "Bob", "carol@a.example", "dave@c.example", "x\\y", "é"]) | st.text(
    min_size=1, max_size=5
)
LOCAL_PARTS = st.sampled_from(["s", "S", "s+t", "s-t+u", "+t", "s.t", '"s t"', '"s"', "a..b", "é", "*"])
DOMAINS = st.sampled_from(["a.example", "A.example", "b.example", "例え.jp", "xn--r8jz45g.jp", "[127.0.0.1]"])
ADDRESSES = st.builds("{}@{}".format, LOCAL_PARTS, DOMAINS)
KEYS = ADDRESSES | LOCAL_PARTS | DOMAINS.map("@{}".format) | st.text(max_size=5)
GRANTS = st.builds(Grant, KEYS.filter(lambda key: key != "<>"), st.sampled_from([*Right][:4])) | st.just(
    Grant("<>", Right.NULL_SENDER)
)
POLICIES = st.builds(
    attrs.evolve,
    st.sampled_from([SUBMISSION, STRICT]),
    subaddress=st.sampled_from(["", "+", "-+"]),
    default_domain=st.sampled_from([None, "a.example", "b.example"]),
    legacy_dots=st.booleans(),
)


def entry(login: str, grant: Grant) -> Entry | None:
    try:
        return Entry(login, grant)
    except ValueError:
        return None


ENTRIES = st.lists(st.builds(entry, LOGINS, GRANTS).filter(bool), max_size=12)
SITES = st.builds(SenderMap, entries=ENTRIES, narrowest=st.booleans())


@given(SITES, st.sampled_from(["postfix", "csv", "json"]))
def test_parsing_a_rendered_map_gives_it_back(site: SenderMap, format_: str) -> None:
    """Parsing a rendered map gives it back, in what it means; or the format cannot say it, and that is said."""
    try:
        text = render(site, format_)
    except ValueError as error:
        assert str(error).startswith(f"{format_} cannot say ")  # noqa: PT017 - both outcomes are right
        return
    again = parse(text, format_)
    for each in site.entries:
        assert {entry.grant for entry in again.grants(each.login)} == {entry.grant for entry in site.grants(each.login)}
    assert (again.narrowest, len(again.problems)) == (site.narrowest, 0)


@given(st.lists(st.tuples(KEYS, st.lists(st.sampled_from("abc"), min_size=1, unique=True)), max_size=8))
def test_most_maps_can_be_rendered(rows: list[tuple[str, list[str]]]) -> None:
    """What `parse` gives, `render` takes: of every format that has a writer."""
    text = "".join(f"{key} {', '.join(logins)}\n" for key, logins in rows if "\n" not in key)
    site = parse(text, "postfix", strict=False)
    assert parse(render(site, "postfix"), "postfix") == site
    union = SenderMap(entries=[each for each in site.entries if each.login])
    assert parse(render(union, "csv"), "csv") == union
    assert set(parse(render(union, "json"), "json").entries) == set(union.entries)


@given(SITES, ADDRESSES, POLICIES)
def test_who_and_may_agree(site: SenderMap, address: str, policy: Policy) -> None:
    """Who may send as an address is who `check` allows it by a grant for the envelope."""
    try:
        found = site.who(address, policy)
    except ValueError:
        assert check(None, address, UNSEEN, policy=policy).envelope_from is None
        return
    who = {site.account(each.login) for each in found if each.grant.right in {Right.SEND_AS, Right.ENVELOPE_ONLY}}
    for login in {site.account(each.login) for each in site.entries}:
        # The login's own address is allowed without a grant: ask as a login that is no address.
        verdict = check("\\", address, UNSEEN, site.may(login), level=TrustLevel.ENVELOPE, policy=policy)
        assert bool(verdict) is (login in who)


@given(KEYS)
def test_a_key_can_be_read_here_where_the_core_can_read_it(key: str) -> None:
    policy = attrs.evolve(SUBMISSION, default_domain="a.example")
    ignored = check("x", "", UNSEEN, Aliases([key]), policy=policy).advisories
    assert (entry("x", Grant(key)) is None) is bool(ignored) if key != "<>" else ignored


@given(KEYS, KEYS)
def test_two_keys_are_one_here_where_they_are_one_in_the_core(one: str, other: str) -> None:
    """A key that is canonical as it stands is not read a second time: that must make no difference."""
    first, second = entry("x", Grant(one)) if one != "<>" else None, entry("x", Grant(other)) if other != "<>" else None
    if first and second and "@" in one[1:] and "@" in other[1:]:
        verdict = check("\\", first.key, UNSEEN, Aliases([other]), policy=attrs.evolve(STRICT, legacy_dots=True))
        assert (verdict.matched_by[0] is not None) is (first.key == second.key)


@given(st.sampled_from(FORMATS), st.text(st.sampled_from('ab@x. ,:"\\\n\t#|/*<>{}[]') | st.characters(), max_size=60))
def test_any_text_is_read_or_told(format_: str, text: str) -> None:
    site = parse(text, format_, strict=False)
    for problem in site.problems:
        assert str(problem).isascii()
        assert str(problem).isprintable()
        assert 1 <= problem.line <= text.count("\n") + text.count("\r") + 1
    for each in site.entries:
        assert entry(each.login, each.grant) == each
    if site.problems:
        with pytest.raises(MapError):
            parse(text, format_)
    else:
        assert parse(text, format_) == site


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.lists(st.sampled_from("abcdexyz"), max_size=4)), max_size=6))
def test_aliases_lead_where_reading_them_again_and_again_does(rows: list[tuple[str, list[str]]]) -> None:
    table: dict[str, list[str]] = {}
    for name, values in rows:
        table.setdefault(name, values)
    site = parse(
        "".join(f"{name}: {', '.join(values) or '/dev/null'}\n" for name, values in rows), "aliases", strict=False
    )
    for name, values in table.items():
        reached = set(values)
        for _ in range(10):
            reached |= {value for other in reached & set(table) for value in table[other]}
        ends = {value for value in reached if value not in table or value in table[value]}
        assert set(owners(site, f"{name}@a.example")) == ends

"""Whose address it is: the login's own, or one that its aliases grant."""

from __future__ import annotations

import itertools
import pickle
from typing import Any, Final

import attrs
import pytest

from sendertrust.address import Address, parse_mailbox
from sendertrust.policy import EPOST, STRICT, SUBMISSION, Policy
from sendertrust.rights import OWN, Aliases, right_to, same_mailbox
from sendertrust.terms import LOOKUP_FAILED, UNSEEN, LocalPartCase, excerpt

FOLD: Final = Policy()
EXACT: Final = Policy(local_part_case=LocalPartCase.EXACT)
PLUS: Final = Policy(subaddress="+")
PLUS_EXACT: Final = Policy(subaddress="+", local_part_case=LocalPartCase.EXACT)
PLUS_MINUS: Final = Policy(subaddress="+-")
HOME: Final = Policy(default_domain="d.jp")
HOME_EXACT: Final = Policy(default_domain="d.jp", local_part_case=LocalPartCase.EXACT)
HOME_PLUS: Final = Policy(default_domain="d.jp", subaddress="+")
HOME_IDN: Final = Policy(default_domain="日本語.jp")


def ignored(aliases: Aliases, policy: Policy) -> tuple[str, ...]:
    return tuple(advisory.removeprefix("alias ignored: ") for advisory in aliases.ignored(policy))


def _claim(text: str) -> Address:
    address = parse_mailbox(text, legacy_dots=True)
    assert isinstance(address, Address), address
    return address


# What grants what: entries, claim, policy, the alias that is named.
_MATCHES: Final[list[tuple[list[str], str, Policy, str | None]]] = [
    ([], "user2@d.jp", FOLD, None),
    # exact
    (["user2@d.jp"], "user2@d.jp", FOLD, "user2@d.jp"),
    (["user2@d.jp"], "user3@d.jp", FOLD, None),
    (["user2@d.jp"], "user2@e.jp", FOLD, None),
    (["user2@d.jp"], "user2@sub.d.jp", FOLD, None),
    (["user2@D.JP"], "user2@d.jp", EXACT, "user2@d.jp"),
    (['"user2"@d.jp'], "user2@d.jp", FOLD, "user2@d.jp"),
    (["user2@d.jp"], '"user2"@d.jp', FOLD, "user2@d.jp"),
    (['"a b"@d.jp'], '"a b"@d.jp', FOLD, '"a b"@d.jp'),
    (["a..b@docomo.ne.jp"], '"a..b"@docomo.ne.jp', FOLD, '"a..b"@docomo.ne.jp'),
    (['"a..b"@docomo.ne.jp'], "a..b@docomo.ne.jp", FOLD, '"a..b"@docomo.ne.jp'),
    (["u@[IPv6:::1]"], "u@[ipv6:::1]", FOLD, "u@[ipv6:::1]"),
    (["u@[IPv6:::1]"], "u@[IPv6:0::1]", FOLD, None),
    (["u@host"], "u@host", FOLD, "u@host"),
    # IDN: A-label and U-label of one domain are equal
    (["u@日本語.jp"], "u@xn--wgv71a119e.jp", FOLD, "u@xn--wgv71a119e.jp"),
    (["u@XN--WGV71A119E.jp"], "u@日本語.jp", FOLD, "u@xn--wgv71a119e.jp"),
    (["@日本語.jp"], "u@日本語.JP", FOLD, "@xn--wgv71a119e.jp"),
    (["山田@d.jp"], "山田@d.jp", EXACT, "山田@d.jp"),
    (["straße@d.jp"], "strasse@d.jp", FOLD, None),
    (["@straße.de"], "u@strasse.de", FOLD, None),
    # letter case: ASCII A-Z compared without case by default; nothing else is folded
    (["User2@d.jp"], "uSER2@d.jp", FOLD, "User2@d.jp"),
    (["User2@d.jp"], "user2@d.jp", EXACT, None),
    (["User2@d.jp"], "User2@d.jp", EXACT, "User2@d.jp"),
    (["user2@d.jp", "User2@d.jp"], "user2@d.jp", EXACT, "user2@d.jp"),
    (["user2@d.jp", "User2@d.jp"], "User2@d.jp", FOLD, "User2@d.jp"),
    (["user2@d.jp", "User2@d.jp"], "USER2@d.jp", FOLD, "User2@d.jp"),
    (["user2@d.jp", "User2@d.jp"], "USER2@d.jp", EXACT, None),
    (['"A b"@d.jp'], '"a B"@d.jp', FOLD, '"A b"@d.jp'),
    (["\u00c9@d.jp"], "\u00e9@d.jp", FOLD, None),
    (["k@d.jp"], "K@d.jp", FOLD, "k@d.jp"),
    (["i@d.jp"], "\u0131@d.jp", FOLD, None),
    (["\uff41@d.jp"], "\uff21@d.jp", FOLD, None),
    # @domain: every address there, not its subdomains
    (["@d.jp"], "anyone@d.jp", FOLD, "@d.jp"),
    (["@D.jp"], "Anyone@d.JP", EXACT, "@d.jp"),
    (["@d.jp"], "a@sub.d.jp", FOLD, None),
    (["@sub.d.jp"], "a@d.jp", FOLD, None),
    (["@d.jp"], "a@xd.jp", FOLD, None),
    (["@jp"], "a@d.jp", FOLD, None),
    (["@[1.2.3.4]"], "a@[1.2.3.4]", FOLD, "@[1.2.3.4]"),
    # *: any address
    (["*"], "anyone@anywhere", FOLD, "*"),
    (["*"], "anyone@anywhere", STRICT, "*"),
    # the narrowest is named
    (["*", "@d.jp", "user2@d.jp"], "user2@d.jp", FOLD, "user2@d.jp"),
    (["*", "@d.jp", "user2@d.jp"], "user3@d.jp", FOLD, "@d.jp"),
    (["*", "@d.jp", "user2@d.jp"], "user2@e.jp", FOLD, "*"),
    # bare names
    (["user2"], "user2@d.jp", FOLD, None),
    (["user2"], "user2@d.jp", HOME, "user2@d.jp"),
    (["user2"], "user2@e.jp", HOME, None),
    (["User2"], "user2@d.jp", HOME, "User2@d.jp"),
    (["User2"], "user2@d.jp", HOME_EXACT, None),
    (["User2"], "User2@d.jp", HOME_EXACT, "User2@d.jp"),
    (['"user2"'], "user2@d.jp", HOME, "user2@d.jp"),
    (['"a b"'], '"a b"@d.jp', HOME, '"a b"@d.jp'),
    (["a..b"], "a..b@d.jp", HOME, '"a..b"@d.jp'),
    (["user2"], "user2@xn--wgv71a119e.jp", HOME_IDN, "user2@xn--wgv71a119e.jp"),
    (["d.jp"], "user2@d.jp", HOME, None),
    (["user2", "user2@d.jp"], "user2@d.jp", HOME, "user2@d.jp"),
    (["user2@"], "user2@d.jp", HOME, None),
    # subaddresses of an exact alias, never the reverse
    (["user2@d.jp"], "user2+x@d.jp", FOLD, None),
    (["user2@d.jp"], "user2+x@d.jp", PLUS, "user2@d.jp"),
    (["user2@d.jp"], "user2+@d.jp", PLUS, "user2@d.jp"),
    (["user2@d.jp"], "user2+x+y@d.jp", PLUS, "user2@d.jp"),
    (["user2@d.jp"], "user2-x@d.jp", PLUS, None),
    (["user2@d.jp"], "user2-x+y@d.jp", PLUS_MINUS, "user2@d.jp"),
    (["user2-x@d.jp"], "user2-x+y@d.jp", PLUS_MINUS, None),
    (["user2@d.jp"], "user2+x@e.jp", PLUS, None),
    (["user2+x@d.jp"], "user2@d.jp", PLUS, None),
    (["user2+x@d.jp"], "user2+y@d.jp", PLUS, None),
    (["user2+x@d.jp"], "user2+x@d.jp", PLUS, "user2+x@d.jp"),
    (["user2+x@d.jp"], "user2+x@d.jp", FOLD, "user2+x@d.jp"),
    (["user2@d.jp", "user2+x@d.jp"], "user2+x@d.jp", PLUS, "user2+x@d.jp"),
    (["User2@d.jp"], "user2+x@d.jp", PLUS, "User2@d.jp"),
    (["User2@d.jp"], "user2+x@d.jp", PLUS_EXACT, None),
    (["user2@d.jp"], "+x@d.jp", PLUS, None),
    (["user2"], "user2+x@d.jp", HOME_PLUS, "user2@d.jp"),
    (["user2+x"], "user2@d.jp", HOME_PLUS, None),
    (["@d.jp"], "user2+x@d.jp", PLUS, "@d.jp"),
    # malformed: never matches
    (["*@d.jp"], "user2@d.jp", FOLD, None),
    (["*@d.jp"], "*@d.jp", FOLD, None),
    (["**"], "user2@d.jp", HOME, None),
    (["@*"], "user2@d.jp", FOLD, None),
    (["*.jp"], "user2@d.jp", HOME, None),
    (["", "@", "@@d.jp", " user2@d.jp", "user2@d.jp.", "<user2@d.jp>"], "user2@d.jp", HOME, None),
]


@pytest.mark.parametrize(
    ("entries", "claim", "policy", "alias"),
    _MATCHES,
    ids=[f"{' '.join(entries)!a}-{claim!a}" for entries, claim, _, _ in _MATCHES],
)
def test_match(entries: list[str], claim: str, policy: Policy, alias: str | None) -> None:
    """`user@domain`, `@domain` (every address there, not its subdomains), `*` (service accounts)."""
    for aliases in (Aliases(entries), Aliases(reversed(entries))):
        assert aliases.match(_claim(claim), policy) == alias
        assert right_to(_claim(claim), None, aliases, policy) == alias
    # Of several spellings in several sources, any may be named.
    apart = Aliases.union(*([entry] for entry in entries)).match(_claim(claim), policy)
    assert (apart or "").lower() == (alias or "").lower()


@pytest.mark.parametrize(
    ("entries", "claim", "policy", "alias"),
    [
        (["*", "@d.jp"], "user2@d.jp", FOLD, None),
        (["*", "@d.jp", "user2@d.jp"], "user2@d.jp", FOLD, "user2@d.jp"),
        (["*", "user2@d.jp"], "user2+x@d.jp", PLUS, "user2@d.jp"),
        (["*", "user2"], "user2@d.jp", HOME, "user2@d.jp"),
    ],
    ids=["wide", "exact", "subaddress", "bare"],
)
def test_exact_only(entries: list[str], claim: str, policy: Policy, alias: str | None) -> None:
    """Neither the login nor an exact grant; `*` and `@domain` do not count."""
    assert Aliases(entries).match(_claim(claim), policy, exact_only=True) == alias
    assert right_to(_claim(claim), None, Aliases(entries), policy, exact_only=True) == alias


# Malformed entries

_MALFORMED: Final = (
    *(
        "",
        " ",
        "@",
        "*@d.jp",
        '"*"@d.jp',
        r'"\*"@d.jp',
        "@*",
        "@*.jp",
        "@.d.jp",
        "@d.jp.",
        "@d@e",
        "@user2@d.jp",
        "@a_b",
    ),
    *(" user2@d.jp", "user2@d.jp ", "user2@", "user2@*", "<user2@d.jp>", "Name <user2@d.jp>", "a@b@c", "a@b,c@d"),
    *("user 2", ".user2", ".user2@d.jp", '"user2', '""', '"*"', "user2\n", "user2\x00@d.jp", '"a@b"@d.jp', '"a@b"'),
    *(
        "e\u0301@d.jp",
        "\u212a",
        "u\u200b@d.jp",
        "u@\uff44.jp",
        "@\uff44.jp",
        "@xn--a",
        "\ud800@d.jp",
        "@\ud800",
        "\udcff",
    ),
    *("=?utf-8?q?a?=@d.jp", "a" * 65, f"{'a' * 65}@d.jp", f"@{'a' * 64}", "a" * 10**5, "@" + "a." * 10**5),
)


@pytest.mark.parametrize("entry", _MALFORMED, ids=lambda entry: ascii(entry)[:40])
def test_malformed_entry(entry: str) -> None:
    """A malformed alias in the list never matches, never crashes, is named in `advisories`."""
    aliases = Aliases([entry, "user3@d.jp"])
    for policy in (FOLD, HOME, STRICT):
        assert ignored(aliases, policy) == (excerpt(entry),)
        assert aliases.match(_claim("user2@d.jp"), policy) is None
        assert aliases.match(_claim("user3@d.jp"), policy) == "user3@d.jp"
    assert not aliases.failed


@pytest.mark.parametrize("entry", ["*", "@d.jp", "user2@d.jp", "a..b@d.jp", "u@localhost", "@日本語.jp", "山田@d.jp"])
def test_sound_entry(entry: str) -> None:
    assert ignored(Aliases([entry]), FOLD) == ()


def test_bare_names_are_malformed_without_a_default_domain() -> None:
    """A bare `user1` is qualified by `default_domain`, else malformed."""
    aliases = Aliases.union(["user2", "*@d.jp"], ["User1", "", "user2"])
    assert ignored(aliases, FOLD) == ("", "*@d.jp", "User1", "user2")
    assert ignored(aliases, HOME) == ("", "*@d.jp")


def test_surrogateescaped_entries() -> None:
    """`str` is taken as UTF-8 with surrogateescape."""
    assert Aliases(["\udcc3\udca9@d.jp"]).match(_claim("é@d.jp"), FOLD) == "é@d.jp"


# Mistakes


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ("*@shared.jp", "str"),
        ("", "str"),
        (b"user2@d.jp", "bytes"),
        (None, "NoneType"),
        ({"user2@d.jp": 1}, "dict"),
        ({}, "dict"),
        (1, "int"),
        (UNSEEN, "Unseen"),
    ],
    ids=repr,
)
def test_wrong_collection(entries: Any, kind: str) -> None:
    """A bare `str` or `bytes` or `None` is a `TypeError` (iterating `"*@shared.jp"` would grant everything)."""
    message = f"pass aliases as a list, tuple, set or frozenset of str, not {kind}$"
    with pytest.raises(TypeError, match=message):
        Aliases(entries)
    with pytest.raises(TypeError, match=message):
        Aliases.union(["user2@d.jp"], entries)


@pytest.mark.parametrize(
    ("entries", "kind"),
    [
        ([b"user2@d.jp"], "bytes"),
        (["user2@d.jp", None], "NoneType"),
        ((1,), "int"),
        ([["user2@d.jp"]], "list"),
        ([Aliases()], "Aliases"),
        ({LOOKUP_FAILED}, "LookupFailed"),
    ],
    ids=repr,
)
def test_wrong_entry(entries: Any, kind: str) -> None:
    message = f"pass each alias as str, not {kind}$"
    with pytest.raises(TypeError, match=message):
        Aliases(entries)
    with pytest.raises(TypeError, match=message):
        Aliases.union(LOOKUP_FAILED, entries)


@pytest.mark.parametrize("source", [Aliases(["user2@d.jp"]), LOOKUP_FAILED], ids=["Aliases", "LOOKUP_FAILED"])
def test_only_union_takes_sources(source: Any) -> None:
    with pytest.raises(TypeError, match="pass aliases as a list"):
        Aliases(source)


@pytest.mark.parametrize("collection", [list, tuple, set, frozenset], ids=lambda kind: kind.__name__)
def test_collections(collection: Any) -> None:
    """A list, tuple, set or frozenset of `str`."""
    assert Aliases(collection(["user2@d.jp"])) == Aliases(["user2@d.jp"])
    assert Aliases.union(collection(["user2@d.jp"])) == Aliases(["user2@d.jp"])


def test_an_iterator_is_compiled_but_no_source_of_a_question() -> None:
    """One that was read at MAIL would be empty at DATA."""
    assert Aliases(iter(["user2@d.jp"])) == Aliases(["user2@d.jp"])
    with pytest.raises(TypeError, match=r"pass aliases as a list, tuple, set or frozenset of str, not list_iterator$"):
        Aliases.union(iter(["user2@d.jp"]))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match=r"not bytearray$"):
        Aliases.union(bytearray(b"user2@d.jp"))  # type: ignore[arg-type]  # likewise


def test_of_many_useless_entries_the_first_are_named() -> None:
    """Law 7: 'a compiled `Aliases` adds O(1)', though the directory be full of rubbish."""
    rubbish = [f"*@{number}" for number in range(10)]
    named = tuple(f"alias ignored: *@{number}" for number in range(8))
    assert Aliases(rubbish).ignored(FOLD) == (*named, "aliases ignored: 2 more")
    assert Aliases.union(rubbish[5:], rubbish[:5]).ignored(FOLD) == (*named, "aliases ignored: 2 more")
    assert Aliases(rubbish[:8]).ignored(FOLD) == named


# Union

_SOURCES: Final = (Aliases(["user2@d.jp"]), ["@e.jp"], LOOKUP_FAILED, {"*@d.jp"})


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(_SOURCES)))), ids=str)
def test_union_in_any_order(order: tuple[int, ...]) -> None:
    """Several alias sources: any grant allows; `union` joins sources and remembers the failure."""
    aliases = Aliases.union(*(_SOURCES[index] for index in order))
    assert aliases.failed
    assert aliases.match(_claim("user2@d.jp"), FOLD) == "user2@d.jp"
    assert aliases.match(_claim("a@e.jp"), FOLD) == "@e.jp"
    assert aliases.match(_claim("user3@d.jp"), FOLD) is None
    assert ignored(aliases, FOLD) == ("*@d.jp",)


def test_union_of_nothing() -> None:
    assert not Aliases.union().failed
    assert Aliases.union().match(_claim("user2@d.jp"), FOLD) is None
    assert ignored(Aliases.union(), FOLD) == ()


def test_union_remembers_a_failure_further_down() -> None:
    assert Aliases.union(LOOKUP_FAILED).failed
    assert Aliases.union(Aliases(["*"]), Aliases.union(["user2@d.jp"], LOOKUP_FAILED)).failed
    assert not Aliases.union(Aliases(["*"]), Aliases.union(["user2@d.jp"], [])).failed


def test_union_matches_across_sources_before_it_widens() -> None:
    """Precedence only chooses what `matched_by` names: the narrowest."""
    aliases = Aliases.union(["*"], ["@d.jp"], ["User2@d.jp"])
    assert aliases.match(_claim("user2@d.jp"), FOLD) == "User2@d.jp"
    assert aliases.match(_claim("user2@d.jp"), EXACT) == "@d.jp"
    assert aliases.match(_claim("user2+x@d.jp"), PLUS) == "User2@d.jp"


# The login's own address


@pytest.mark.parametrize(
    ("claim", "login", "policy", "right"),
    [
        ("user1@d.jp", "user1@d.jp", FOLD, OWN),
        ("user1@d.jp", "user1@d.jp", EXACT, OWN),
        ("USER1@d.jp", "user1@d.jp", FOLD, OWN),
        ("USER1@d.jp", "user1@d.jp", EXACT, None),
        ("user2@d.jp", "user1@d.jp", FOLD, None),
        ("user1@e.jp", "user1@d.jp", FOLD, None),
        ("user1@d.jp", None, FOLD, None),
        # subaddresses belong to the login, never the reverse
        ("user1+x@d.jp", "user1@d.jp", FOLD, None),
        ("user1+x@d.jp", "user1@d.jp", PLUS, OWN),
        ("USER1+x@d.jp", "user1@d.jp", PLUS, OWN),
        ("USER1+x@d.jp", "user1@d.jp", PLUS_EXACT, None),
        ("user1@d.jp", "user1+x@d.jp", PLUS, None),
        ("user1+y@d.jp", "user1+x@d.jp", PLUS, None),
        ("user1+x@d.jp", "user1+x@d.jp", PLUS, OWN),
        ("+x@d.jp", "user1@d.jp", PLUS, None),
    ],
    ids=str,
)
def test_own_address(claim: str, login: str | None, policy: Policy, right: str | None) -> None:
    """`policy.subaddress = "+"` makes `user1+x@d` belong to `user1@d`; never the reverse."""
    account = None if login is None else _claim(login)
    for exact_only in (True, False):
        assert right_to(_claim(claim), account, Aliases(), policy, exact_only=exact_only) == right


def test_own_address_is_named_first() -> None:
    """Own address, which alias, null."""
    aliases = Aliases(["user1@d.jp", "*"])
    assert right_to(_claim("user1@d.jp"), _claim("user1@d.jp"), aliases, FOLD) == OWN
    assert right_to(_claim("USER1@d.jp"), _claim("user1@d.jp"), aliases, EXACT) == "*"


@pytest.mark.parametrize(
    ("one", "other", "folded", "exact"),
    [
        ("a@d", "a@d", True, True),
        ("A@d", "a@d", True, False),
        ("A@D", "A@d", True, True),
        ("\u00c9@d", "\u00e9@d", False, False),
        ('"a"@d', "a@d", True, True),
        ("a@d", "b@d", False, False),
        ("a@d", "a@e", False, False),
    ],
    ids=ascii,
)
def test_same_mailbox(one: str, other: str, *, folded: bool, exact: bool) -> None:
    """Local part: ASCII A-Z compared without case by default (`policy.local_part_case`)."""
    for left, right in ((_claim(one), _claim(other)), (_claim(other), _claim(one))):
        assert same_mailbox(left, right, FOLD) is folded
        assert same_mailbox(left, right, EXACT) is exact


# A compiled value


def test_one_compiled_value_serves_every_policy() -> None:
    """It indexes the folded form and keeps the exact ones, and the policy is applied at the question."""
    aliases = Aliases(["User2@d.jp", "user3"])
    before = pickle.dumps(aliases)
    named = {
        policy: (aliases.match(_claim("user2+x@d.jp"), policy), aliases.match(_claim("user3@d.jp"), policy))
        for policy in (FOLD, EXACT, PLUS, PLUS_EXACT, HOME, HOME_EXACT, HOME_PLUS, EPOST, SUBMISSION, STRICT)
    }
    assert named == {
        **dict.fromkeys((FOLD, EXACT, PLUS_EXACT, EPOST, SUBMISSION, STRICT), (None, None)),
        PLUS: ("User2@d.jp", None),
        HOME: (None, "user3@d.jp"),
        HOME_EXACT: (None, "user3@d.jp"),
        HOME_PLUS: ("User2@d.jp", "user3@d.jp"),
    }
    assert pickle.dumps(aliases) == before


def test_compiled_once() -> None:
    entries = ["user2@d.jp"]
    aliases = Aliases(entries)
    entries.append("*")
    assert aliases.match(_claim("user3@d.jp"), FOLD) is None


class _Index(dict[str, tuple[str, ...]]):
    """An index that counts what it is asked, and cannot be walked."""

    asked = 0

    def get(self, *arguments: Any) -> Any:
        self.asked += 1
        return super().get(*arguments)

    def __getitem__(self, key: str) -> Any:
        self.asked += 1
        return super().__getitem__(key)

    def __iter__(self) -> Any:
        raise AssertionError

    keys = values = items = __iter__


@pytest.mark.parametrize("policy", [FOLD, EXACT, HOME_PLUS], ids=["fold", "exact", "home-plus"])
@pytest.mark.parametrize("claim", ["user2@d.jp", "nobody+x@d.jp"])
def test_a_question_costs_the_same_whatever_the_size(claim: str, policy: Policy) -> None:
    """A compiled `Aliases` adds O(1)."""
    asked = []
    for size in (1, 1000):
        (source,) = Aliases(["user2@d.jp", *(f"other{number}@d.jp" for number in range(size))])._sources
        index = _Index(source.exact)
        aliases = Aliases.union()
        object.__setattr__(aliases, "_sources", (attrs.evolve(source, exact=index),))
        aliases.match(_claim(claim), policy)
        asked.append(index.asked)
    assert asked[0] == asked[1]
    assert 1 <= asked[0] <= 4  # the address and its base, each with and without its domain


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "aliases",
    [Aliases(), Aliases(["user2@d.jp", "@e.jp", "*", "user3", ""]), Aliases.union(["user2@d.jp"], [], LOOKUP_FAILED)],
    ids=repr,
)
def test_pickle(aliases: Aliases, protocol: int) -> None:
    copy = pickle.loads(pickle.dumps(aliases, protocol))  # noqa: S301 - our own bytes
    assert copy == aliases
    assert copy.failed is aliases.failed


def test_equality() -> None:
    assert Aliases(["a@d", "b@d"]) == Aliases(("b@d", "a@d", "a@d"))
    assert Aliases(["a@d"]) != Aliases(["b@d"])
    assert Aliases.union(["a@d"]) != Aliases.union(["a@d"], LOOKUP_FAILED)


@pytest.mark.parametrize("name", ["_sources", "failed"])
def test_frozen(name: str) -> None:
    """Every public value is immutable and may be shared by threads."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(Aliases(), name, ())


@pytest.mark.parametrize(
    ("aliases", "shown"),
    [
        (Aliases(), "<Aliases: 0 entries from 1 sources>"),
        (Aliases(["a@d", "@e", "*", "b", ""]), "<Aliases: 4 entries from 1 sources>"),
        (Aliases.union(["a@d"], ["@e"]), "<Aliases: 2 entries from 2 sources>"),
        (Aliases.union(["a@d"], LOOKUP_FAILED), "<Aliases: 1 entries from 1 sources, and a failed one>"),
        (Aliases(f"a{number}@d" for number in range(10_000)), "<Aliases: 10000 entries from 1 sources>"),
    ],
    ids=["none", "each-kind", "union", "failed", "many"],
)
def test_repr(aliases: Aliases, shown: str) -> None:
    """Count rather than list: there may be a million."""
    assert repr(aliases) == shown

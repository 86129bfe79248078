"""Whose address it is: the login's own, or one that its aliases grant."""

from __future__ import annotations

import itertools
import pickle
from typing import Any, Final

import attrs
import pytest

from sendertrust.address import Address, parse_mailbox
from sendertrust.grant import Grant, Right
from sendertrust.policy import EPOST, STRICT, SUBMISSION, Policy
from sendertrust.rights import (
    IN_ENVELOPE,
    IN_HEADER,
    ON_BEHALF,
    OWN,
    Aliases,
    gives,
    null_sender_right,
    right_to,
    same_mailbox,
    useless,
)
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
    return tuple(advisory.removeprefix("alias ignored: ") for advisory in useless(aliases, policy))


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
    (["user2@d.jp", "User2@d.jp"], "USER2@d.jp", FOLD, "user2@d.jp"),
    (["USER2@d.jp", "User2@d.jp"], "user2@d.jp", FOLD, "USER2@d.jp"),
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
        assert right_to(_claim(claim), None, aliases, policy, IN_HEADER) == alias
        assert right_to(_claim(claim), None, aliases, policy, IN_HEADER) == alias
    # Of several spellings in several sources, any may be named.
    apart = right_to(_claim(claim), None, Aliases.union(*([entry] for entry in entries)), policy, IN_HEADER)
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
    assert right_to(_claim(claim), None, Aliases(entries), policy, IN_HEADER, exact_only=True) == alias
    assert right_to(_claim(claim), None, Aliases(entries), policy, IN_HEADER, exact_only=True) == alias


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
        assert right_to(_claim("user2@d.jp"), None, aliases, policy, IN_HEADER) is None
        assert right_to(_claim("user3@d.jp"), None, aliases, policy, IN_HEADER) == "user3@d.jp"
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
    assert right_to(_claim("é@d.jp"), None, Aliases(["\udcc3\udca9@d.jp"]), FOLD, IN_HEADER) == "é@d.jp"


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
    message = f"pass aliases as a list, tuple, set or frozenset of str or Grant, not {kind}$"
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
    message = f"pass each alias as str or Grant, not {kind}$"
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
    with pytest.raises(
        TypeError, match=r"pass aliases as a list, tuple, set or frozenset of str or Grant, not list_iterator$"
    ):
        Aliases.union(iter(["user2@d.jp"]))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match=r"not bytearray$"):
        Aliases.union(bytearray(b"user2@d.jp"))  # type: ignore[arg-type]  # likewise


def test_of_many_useless_entries_the_first_are_named() -> None:
    """Law 7: 'a compiled `Aliases` adds O(1)', though the directory be full of rubbish."""
    rubbish = [f"*@{number}" for number in range(10)]
    named = tuple(f"alias ignored: *@{number}" for number in range(8))
    assert useless(Aliases(rubbish), FOLD) == (*named, "aliases ignored: 2 more")
    assert useless(Aliases.union(rubbish[5:], rubbish[:5]), FOLD) == (*named, "aliases ignored: 2 more")
    assert useless(Aliases(rubbish[:8]), FOLD) == named


# Union

_SOURCES: Final = (Aliases(["user2@d.jp"]), ["@e.jp"], LOOKUP_FAILED, {"*@d.jp"})


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(_SOURCES)))), ids=str)
def test_union_in_any_order(order: tuple[int, ...]) -> None:
    """Several alias sources: any grant allows; `union` joins sources and remembers the failure."""
    aliases = Aliases.union(*(_SOURCES[index] for index in order))
    assert aliases.failed
    assert right_to(_claim("user2@d.jp"), None, aliases, FOLD, IN_HEADER) == "user2@d.jp"
    assert right_to(_claim("a@e.jp"), None, aliases, FOLD, IN_HEADER) == "@e.jp"
    assert right_to(_claim("user3@d.jp"), None, aliases, FOLD, IN_HEADER) is None
    assert ignored(aliases, FOLD) == ("*@d.jp",)


def test_union_of_nothing() -> None:
    assert not Aliases.union().failed
    assert right_to(_claim("user2@d.jp"), None, Aliases.union(), FOLD, IN_HEADER) is None
    assert ignored(Aliases.union(), FOLD) == ()


def test_union_remembers_a_failure_further_down() -> None:
    assert Aliases.union(LOOKUP_FAILED).failed
    assert Aliases.union(Aliases(["*"]), Aliases.union(["user2@d.jp"], LOOKUP_FAILED)).failed
    assert not Aliases.union(Aliases(["*"]), Aliases.union(["user2@d.jp"], [])).failed


def test_union_matches_across_sources_before_it_widens() -> None:
    """Precedence only chooses what `matched_by` names: the narrowest."""
    aliases = Aliases.union(["*"], ["@d.jp"], ["User2@d.jp"])
    assert right_to(_claim("user2@d.jp"), None, aliases, FOLD, IN_HEADER) == "User2@d.jp"
    assert right_to(_claim("user2@d.jp"), None, aliases, EXACT, IN_HEADER) == "@d.jp"
    assert right_to(_claim("user2+x@d.jp"), None, aliases, PLUS, IN_HEADER) == "User2@d.jp"


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
        assert right_to(_claim(claim), account, Aliases(), policy, IN_HEADER, exact_only=exact_only) == right


def test_own_address_is_named_first() -> None:
    """Own address, which alias, null."""
    aliases = Aliases(["user1@d.jp", "*"])
    assert right_to(_claim("user1@d.jp"), _claim("user1@d.jp"), aliases, FOLD, IN_HEADER) == OWN
    assert right_to(_claim("USER1@d.jp"), _claim("user1@d.jp"), aliases, EXACT, IN_HEADER) == "*"


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
        policy: (
            right_to(_claim("user2+x@d.jp"), None, aliases, policy, IN_HEADER),
            right_to(_claim("user3@d.jp"), None, aliases, policy, IN_HEADER),
        )
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
    assert right_to(_claim("user3@d.jp"), None, aliases, FOLD, IN_HEADER) is None


# Grants: which right covers which identity

GRANTS: Final = [Grant(f"{right.value}@d.jp", right) for right in Right if right is not Right.NULL_SENDER]


@pytest.mark.parametrize("grant", GRANTS, ids=str)
@pytest.mark.parametrize("rights", [IN_ENVELOPE, IN_HEADER, ON_BEHALF], ids=["envelope", "header", "on-behalf"])
def test_a_right_covers_what_it_says(grant: Grant, rights: tuple[Right, ...]) -> None:
    claim = _claim(grant.address)
    assert right_to(claim, None, Aliases(GRANTS), FOLD, rights) == (str(grant) if grant.right in rights else None)
    assert right_to(claim, None, Aliases(GRANTS), FOLD, rights) == (str(grant) if grant.right in rights else None)


def test_the_rights_of_an_identity() -> None:
    assert set(IN_ENVELOPE) == {Right.SEND_AS, Right.ENVELOPE_ONLY}
    assert set(IN_HEADER) == {Right.SEND_AS, Right.HEADER_ONLY}
    assert set(ON_BEHALF) == {Right.ON_BEHALF_OF}


def test_any_right_to_an_address_will_do() -> None:
    both = Aliases([Grant("a@d.jp", Right.HEADER_ONLY), Grant("a@d.jp", Right.ENVELOPE_ONLY)])
    assert right_to(_claim("a@d.jp"), None, both, FOLD, IN_HEADER) == "header-only a@d.jp"
    assert right_to(_claim("a@d.jp"), None, both, FOLD, IN_ENVELOPE) == "envelope-only a@d.jp"
    assert right_to(_claim("a@d.jp"), None, both, FOLD, ON_BEHALF) is None


@pytest.mark.parametrize(
    ("aliases", "right"),
    [
        (Aliases(), None),
        (Aliases(["*", "<>"]), None),
        (Aliases(GRANTS), None),
        (Aliases([Grant("<>", Right.NULL_SENDER)]), "null-sender <>"),
        (Aliases([Grant("<>", Right.NULL_SENDER)], source="hr.csv"), "null-sender <> (hr.csv)"),
        (Aliases.union(["*"], [Grant("<>", Right.NULL_SENDER)]), "null-sender <>"),
    ],
    ids=repr,
)
def test_the_null_path_is_granted_by_its_own_right(aliases: Aliases, right: str | None) -> None:
    assert null_sender_right(aliases) == right
    assert gives(aliases, Right.NULL_SENDER) is (right is not None)


def test_a_source_is_named() -> None:
    """Precedence only chooses what `matched_by` names (grant and source)."""
    aliases = Aliases(["a@d.jp", "b", Grant("@e.jp", Right.ENVELOPE_ONLY), "x y"], source="hr.csv")
    assert right_to(_claim("a@d.jp"), None, aliases, FOLD, IN_ENVELOPE) == "a@d.jp (hr.csv)"
    assert right_to(_claim("b@d.jp"), None, aliases, HOME, IN_ENVELOPE) == "b@d.jp (hr.csv)"
    assert right_to(_claim("x@e.jp"), None, aliases, FOLD, IN_ENVELOPE) == "envelope-only @e.jp (hr.csv)"
    assert ignored(aliases, FOLD) == ("b (hr.csv)", "x y (hr.csv)")
    both = Aliases.union(aliases, Aliases(["@d.jp"], source="other"))
    assert right_to(_claim("a@d.jp"), None, both, FOLD, IN_ENVELOPE) == "a@d.jp (hr.csv)"
    assert right_to(_claim("c@d.jp"), None, both, FOLD, IN_ENVELOPE) == "@d.jp (other)"


# Maps in which only the narrowest key counts (Postfix, mail_addr_find)

KEYS: Final = Aliases(["a@d.jp", "a+x@d.jp", "b", "c+x", "c@d.jp", "@d.jp", "@e.jp", "Dora@d.jp", "*"])
_NARROWEST: Final[list[tuple[str, str, Policy, str | None]]] = [
    # the account's entry, the claim: who has the wider key does not have the narrower
    ("@d.jp", "z@d.jp", FOLD, "@d.jp"),
    ("@d.jp", "a@d.jp", FOLD, None),
    ("@d.jp", "A@D.jp", FOLD, None),
    ("@d.jp", "A@d.jp", EXACT, "@d.jp"),
    ("@d.jp", "dora@d.jp", FOLD, None),
    ("@d.jp", "dora@d.jp", EXACT, "@d.jp"),
    ("a@d.jp", "a@d.jp", FOLD, "a@d.jp"),
    ("a@d.jp", "a+y@d.jp", PLUS, "a@d.jp"),
    ("a@d.jp", "a+x@d.jp", PLUS, None),
    ("a+x@d.jp", "a+x@d.jp", PLUS, "a+x@d.jp"),
    ("@d.jp", "a+y@d.jp", PLUS, None),
    ("@d.jp", "a+y@d.jp", FOLD, "@d.jp"),
    ("b", "b@d.jp", HOME, "b@d.jp"),
    ("@d.jp", "b@d.jp", HOME, None),
    ("@d.jp", "b@d.jp", FOLD, "@d.jp"),
    ("@d.jp", "b+x@d.jp", HOME_PLUS, None),
    # the full address goes before the bare one, subaddress or not
    ("c+x", "c+x@d.jp", HOME_PLUS, None),
    ("c@d.jp", "c+x@d.jp", HOME_PLUS, "c@d.jp"),
    ("*", "a@d.jp", FOLD, None),
    ("*", "z@d.jp", FOLD, None),
    ("*", "z@f.jp", FOLD, "*"),
    ("@e.jp", "a@e.jp", FOLD, "@e.jp"),
]


@pytest.mark.parametrize(("entry", "claim", "policy", "alias"), _NARROWEST, ids=repr)
def test_within_a_map_the_narrowest_key_alone_counts(entry: str, claim: str, policy: Policy, alias: str | None) -> None:
    """smtpd_sender_login_maps: 'john@example.com' is looked up before '@example.com', and the first found decides."""
    assert right_to(_claim(claim), None, Aliases([entry], within=KEYS), policy, IN_HEADER) == alias
    assert right_to(_claim(claim), None, Aliases([entry]), policy, IN_HEADER) is not None


def test_within_keys_that_are_not_all_known_nothing_is_granted() -> None:
    """'An outage is never a permanent rejection and never an acceptance': a narrower key may be what is missing."""
    aliases = Aliases(["@d.jp"], within=Aliases.union(KEYS, LOOKUP_FAILED))
    assert aliases.failed
    assert right_to(_claim("x@d.jp"), None, aliases, SUBMISSION, IN_HEADER) is None


@pytest.mark.parametrize("entry", ["u{}", "u{}@@"])
def test_what_can_match_nothing_is_counted_and_not_copied(entry: str) -> None:
    """Law, 7: 'a compiled `Aliases` adds O(1)'."""

    class Entries(tuple[str, ...]):
        __slots__ = ()

        def __getitem__(self, index: Any) -> Any:
            assert index == slice(None, 8)
            return super().__getitem__(index)

    aliases = Aliases([entry.format(number) for number in range(1_000)])
    (source,) = aliases._sources
    looked_at = attrs.evolve(source, bare=Entries(source.bare), malformed=Entries(source.malformed))
    object.__setattr__(aliases, "_sources", (looked_at,))
    assert useless(aliases, SUBMISSION)[-1] == "aliases ignored: 992 more"


def test_within_binds_its_own_source_alone() -> None:
    """Any grant allows."""
    bound, free = Aliases(["@d.jp"], within=KEYS), Aliases(["@d.jp"])
    for union in (Aliases.union(bound, free), Aliases.union(free, bound)):
        assert right_to(_claim("a@d.jp"), None, union, FOLD, IN_HEADER) == "@d.jp"
    assert right_to(_claim("a@d.jp"), None, Aliases.union(bound, LOOKUP_FAILED), FOLD, IN_HEADER) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": b"x"}, "pass source as str, not bytes"),
        ({"source": None}, "pass source as str, not NoneType"),
        ({"within": ["a@d.jp"]}, "pass within as an Aliases of all the keys, not list"),
        ({"within": LOOKUP_FAILED}, "pass within as an Aliases of all the keys, not LookupFailed"),
    ],
    ids=repr,
)
def test_wrong_source(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        Aliases(["a@d.jp"], **arguments)


class _Index(frozenset[str]):
    """An index that counts what it is asked, and cannot be walked."""

    asked = 0

    def __contains__(self, key: object) -> bool:
        type(self).asked += 1
        return super().__contains__(key)

    def __iter__(self) -> Any:
        raise AssertionError


@pytest.mark.parametrize("policy", [FOLD, EXACT, HOME_PLUS], ids=["fold", "exact", "home-plus"])
@pytest.mark.parametrize("claim", ["user2@d.jp", "nobody+x@d.jp"])
@pytest.mark.parametrize("in_map", [False, True], ids=["own", "within"])
def test_a_question_costs_the_same_whatever_the_size(
    claim: str, policy: Policy, *, in_map: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled `Aliases` adds O(1)."""
    asked = []
    for size in (1, 10_000):
        entries = ["user2@d.jp", *(f"other{number}@d.jp" for number in range(size))]
        aliases = Aliases(entries, within=Aliases(entries) if in_map else None)
        keys = aliases._sources[0].within
        sources = [*aliases._sources, *(keys._sources if keys else ())]
        for source in sources:
            object.__setattr__(source, "spelled", _Index(source.spelled))
        monkeypatch.setattr(_Index, "asked", 0)
        right_to(_claim(claim), None, aliases, policy, IN_HEADER)
        asked.append(_Index.asked)
    assert asked[0] == asked[1]
    # As spelled and folded: the address and its base, each with and without its domain; @domain and "*".
    assert 1 <= asked[0] <= 2 * 6 * (1 + in_map)


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
        (Aliases(), "<Aliases: 0 entries>"),
        (Aliases(["a@d", "@e", "*", "b", ""]), "<Aliases: 4 entries>"),
        (Aliases.union(["a@d"], ["@e"]), "<Aliases: 2 entries>"),
        (Aliases.union(["a@d"], LOOKUP_FAILED), "<Aliases: 1 entries, and a failed one>"),
        (Aliases(f"a{number}@d" for number in range(10_000)), "<Aliases: 10000 entries>"),
    ],
    ids=["none", "each-kind", "union", "failed", "many"],
)
def test_repr(aliases: Aliases, shown: str) -> None:
    """Count rather than list: there may be a million."""
    assert repr(aliases) == shown

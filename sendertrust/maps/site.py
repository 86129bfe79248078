"""A whole site: its entries, what is wrong with its text, and who may send as what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust import SUBMISSION, Aliases, Grant, Policy
from sendertrust.maps.keys import NOBODY, NULL_PATH, canonical_domains, canonical_key, fold, is_login, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AN_ADDRESS", "A_LOGIN", "MAX_FOUND", "Draft", "Entry", "MapError", "MapProblem", "SenderMap"]

MAX_FOUND: Final = 200  # letters of the text that a problem quotes
_MAX_COMPILED: Final = 10_000  # accounts of a map whose grants are kept compiled: some 600 octets each
_NOTHING: Final = Aliases()
AN_ADDRESS: Final = "user@domain, @domain, user or *"
A_LOGIN: Final = "a login"


@attrs.frozen
class MapProblem:
    """What is wrong with one line of a map; `str` makes one line of printable ASCII of it."""

    source: str
    line: int
    expected: str
    found: str

    def __str__(self) -> str:
        """Say where, what was expected and what is there instead."""
        where = f"{json.dumps(self.source)[1:-1]}:{self.line}" if self.source else f"line {self.line}"
        more = "..." if len(self.found) > MAX_FOUND else ""
        return f"{where}: expected {self.expected}, found {json.dumps(self.found[:MAX_FOUND])}{more}"


class MapError(ValueError):
    """A map with problems, all of which it carries and its text tells, one a line."""

    def __init__(self, problems: Iterable[MapProblem]) -> None:
        """Take the problems, of which there is at least one."""
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Tell all of them."""
        return "\n".join(map(str, self.problems))


@attrs.frozen
class Entry:
    """One account and one of its grants; *line* is where its source has it, and 0 if nowhere.

    A login of ``""`` is nobody's: the key is in the map, and grants nothing.
    Raises `ValueError` for a login or an address that could never match.
    """

    login: str
    grant: Grant
    line: int = attrs.field(default=0, eq=False)
    #: The canonical form of the address, in its own letter case.
    key: str = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what could never match."""
        key = canonical_key(self.grant.address)
        if key is None or not is_login(self.login):
            what, found = (AN_ADDRESS, self.grant.address) if key is None else (A_LOGIN, self.login)
            msg = f"expected {what}, found {found!r}"
            raise ValueError(msg)
        # One string for both where they are equal: there may be a million.
        object.__setattr__(self, "key", self.grant.address if key == self.grant.address else key)


def _as_tuple(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(entries)


@attrs.frozen(kw_only=True, repr=False)
class SenderMap:
    """A whole site: which account may send as what. Ask it; it is indexed when it is made.

    Logins are compared without ASCII letter case, and a bare login is the
    same account as that login at one of *local_domains*. With *narrowest*,
    only the narrowest key that covers an address counts, as in Postfix,
    whatever right it gives; without, every one does.
    """

    entries: tuple[Entry, ...] = attrs.field(converter=_as_tuple)
    narrowest: bool = False
    local_domains: tuple[str, ...] = attrs.field(default=(), converter=canonical_domains)
    #: Names the map in ``matched_by`` and in problems.
    source: str = attrs.field(default="", eq=False)
    #: What a lenient `parse` could not read.
    problems: tuple[MapProblem, ...] = attrs.field(default=(), eq=False)
    _by_login: dict[str, list[Entry]] = attrs.field(init=False, eq=False, repr=False)
    _by_key: dict[str, list[Entry]] = attrs.field(init=False, eq=False, repr=False)
    _keys: Aliases | None = attrs.field(init=False, eq=False, repr=False)
    _compiled: dict[str, Aliases] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Make the indexes."""
        by_login: dict[str, list[Entry]] = {}
        by_key: dict[str, list[Entry]] = {}
        for entry in self.entries:
            by_key.setdefault(fold(entry.key), []).append(entry)
            if entry.login != NOBODY:
                by_login.setdefault(self.account(entry.login), []).append(entry)
        addresses = (entry.grant.address for entry in self.entries if entry.key != NULL_PATH)
        keys = Aliases(addresses) if self.narrowest else None
        for name, value in (("_by_login", by_login), ("_by_key", by_key), ("_keys", keys), ("_compiled", {})):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Count rather than list: there may be a million."""
        return f"<SenderMap {self.source!r}: {len(self.entries)} entries, {len(self.problems)} problems>"

    def account(self, login: str) -> str:
        """Give the one spelling of all logins that are the same account."""
        folded = fold(login)
        if not self.local_domains or "@" not in folded:
            return folded
        local, _, domain = folded.rpartition("@")
        is_bare = "@" not in local and (canonical_key("@" + domain) or "")[1:] in self.local_domains
        return local if is_bare else folded

    def grants(self, login: str | None) -> tuple[Entry, ...]:
        """Give the entries of an account, in the order of the map."""
        return tuple(self._by_login.get(self.account(login), ())) if login else ()

    def may(self, login: str | None) -> Aliases:
        """Give what an account may send as, for `check`. Costs what the account has, not what the site has.

        It is compiled once, and kept for some thousands of accounts.
        """
        account = self.account(login) if login else NOBODY
        entries = self._by_login.get(account)
        if entries is None:  # there is no end of such logins, so nothing is kept of them
            return _NOTHING
        compiled = self._compiled.get(account)
        if compiled is None:
            compiled = Aliases([entry.grant for entry in entries], source=self.source, within=self._keys)
            if len(self._compiled) >= _MAX_COMPILED:
                self._compiled.clear()  # whole: threads share it, and what is asked again is soon back
            self._compiled[account] = compiled
        return compiled

    def who(self, address: str, policy: Policy = SUBMISSION) -> tuple[Entry, ...]:
        """Give the entries that grant an address (``""`` is the null one), those of its narrowest key first.

        Letter case, subaddresses and the domain of bare keys are the
        policy's. The account of that very address needs no grant and is not
        among them. Raises `ValueError` if *address* is no address.
        """
        exact = policy.local_part_case.value == "exact"
        owners: list[Entry] = []
        for key in keys_of(address, policy):
            found = [entry for entry in self._by_key.get(fold(key), ()) if not exact or entry.key == key]
            owners += [entry for entry in found if entry.login != NOBODY]
            if found and self.narrowest:
                break
        return tuple(dict.fromkeys(owners))


@attrs.define(kw_only=True)
class Draft:
    """A map in the making."""

    source: str
    local_domains: tuple[str, ...]
    entries: list[Entry] = attrs.field(factory=list)
    problems: list[MapProblem] = attrs.field(factory=list)

    def problem(self, line: int, expected: str, found: str) -> None:
        """Note what is wrong with a line."""
        self.problems.append(MapProblem(self.source, line, expected, found[: MAX_FOUND + 1]))

    def add(self, line: int, logins: Iterable[str], grant: Grant) -> None:
        """Give each of *logins* a grant, whose address can be read; without any, it is nobody's."""
        owners = []
        for login in dict.fromkeys(logins):
            if login and is_login(login):
                owners.append(login)
            else:
                self.problem(line, A_LOGIN, login)
        self.entries += [Entry(login, grant, line) for login in owners or [NOBODY]]

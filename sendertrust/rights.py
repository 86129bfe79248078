"""Whose address is it: the account's own, or one that its aliases grant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from sendertrust.address import Address, as_text, parse_domain, parse_mailbox
from sendertrust.terms import LOOKUP_FAILED, LocalPartCase, LookupFailed, Malformed, excerpt

if TYPE_CHECKING:
    from sendertrust.policy import Policy

__all__ = ["NO_ALIASES", "OWN", "AliasSource", "Aliases", "as_aliases", "right_to", "same_mailbox"]

_ANY_DOMAIN: Final = "example.com"  # only to read a bare local part as the mailbox it will be

_MAX_NAMED: Final = 8  # of the entries that can match nothing: there may be a million
_NO_COLLECTION: Final = "pass aliases as a list, tuple, set or frozenset of str, not {}"

#: What `right_to` answers for the login's own address.
OWN: Final = "own"


@attrs.frozen
class _Source:
    """One source of aliases, indexed: each question costs a few look-ups, whatever its size."""

    #: Folded address (``local@`` where an alias has no domain) to the spellings that fold to it.
    exact: dict[str, tuple[str, ...]]
    domains: frozenset[str]
    everything: bool
    #: The entries without a domain: they match only where the policy has a default one.
    bare: tuple[str, ...]
    malformed: tuple[str, ...]

    def find(self, key: str, text: str, policy: Policy) -> str | None:
        """Give the spelling that grants an address, which is *key* folded and *text* as written."""
        spellings = self.exact.get(key, ())
        if text in spellings:
            return text
        return spellings[0] if spellings and policy.local_part_case is LocalPartCase.FOLD else None


@attrs.frozen(init=False, repr=False)
class Aliases:
    """What an account may send as beside its own address, compiled once and shared.

    *entries* are texts: ``user@domain``, ``@domain`` (every address there,
    not its subdomains), ``*`` (any address: service accounts), or a bare
    ``user``, which the policy's ``default_domain`` qualifies. An entry that
    is none of these matches nothing and is named in the verdict's
    ``advisories``. Letter case and subaddresses are the policy's business, so
    one `Aliases` serves every policy.

    Raises `TypeError` for a bare ``str``, ``bytes`` or mapping, and for an
    entry that is no ``str``: iterating ``"*@shared.jp"`` would grant everything.
    """

    #: One index a source; their order chooses nothing but which of several spellings is named.
    _sources: tuple[_Source, ...]
    #: Whether a source did not answer, so that what is not granted is not known.
    failed: bool

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """Compile *entries*."""
        self.__attrs_init__(sources=(_compile(entries),), failed=False)

    @classmethod
    def union(cls, *sources: AliasSource) -> Aliases:
        """Join several sources, each an `Aliases`, a collection of `str` or `LOOKUP_FAILED`.

        Any source may grant; with a failed one among them, what none grants
        is not known to be refused.
        """
        answered = [source for source in sources if source is not LOOKUP_FAILED]
        parts = [source if isinstance(source, Aliases) else cls(_collection(source)) for source in answered]
        joined = cls.__new__(cls)
        joined.__attrs_init__(
            sources=tuple(part for source in parts for part in source._sources),  # noqa: SLF001 - our own
            failed=len(answered) < len(sources) or any(part.failed for part in parts),
        )
        return joined

    def __repr__(self) -> str:
        """Count rather than list: there may be a million."""
        entries = sum(len(source.exact) + len(source.domains) + source.everything for source in self._sources)
        failed = ", and a failed one" if self.failed else ""
        return f"<Aliases: {entries} entries from {len(self._sources)} sources{failed}>"

    def match(self, address: Address, policy: Policy, *, exact_only: bool = False) -> str | None:
        """Give the alias that grants *address*, the narrowest one first, or None."""
        for candidate in _spelled_by(address, policy):
            for source in self._sources:
                if alias := source.find(candidate.key, candidate.text, policy):
                    return alias
                if address.domain == policy.default_domain and (
                    alias := source.find(_without_domain(candidate.key), _without_domain(candidate.text), policy)
                ):
                    return alias + address.domain
        if exact_only:
            return None
        if any(address.domain in source.domains for source in self._sources):
            return "@" + address.domain
        return "*" if any(source.everything for source in self._sources) else None

    def ignored(self, policy: Policy) -> tuple[str, ...]:
        """Name the entries that can match nothing; of many the first, and how many more there are."""
        if self is NO_ALIASES:
            return ()
        useless = [source.malformed for source in self._sources]
        if policy.default_domain is None:
            useless += [source.bare for source in self._sources]
        looked_at = sorted({entry for entries in useless for entry in entries[:_MAX_NAMED]})
        named, others = looked_at[:_MAX_NAMED], looked_at[_MAX_NAMED:]
        more = len(others) + sum(len(entries[_MAX_NAMED:]) for entries in useless)
        advisories = [f"alias ignored: {entry}" for entry in named]
        return (*advisories, f"aliases ignored: {more} more") if more else tuple(advisories)


AliasSource: TypeAlias = Aliases | LookupFailed | list[str] | tuple[str, ...] | AbstractSet[str]


def as_aliases(source: AliasSource) -> Aliases:
    """Compile what is not compiled yet."""
    if source == ():
        return NO_ALIASES
    return source if isinstance(source, Aliases) else Aliases.union(source)


def right_to(
    address: Address,
    login: Address | None,
    aliases: Aliases,
    policy: Policy,
    *,
    exact_only: bool = False,
) -> str | None:
    """Say by what right an account may use *address*: `OWN`, an alias, or None.

    With *exact_only*, ``@domain`` and ``*`` do not count.
    """
    if login is not None and any(same_mailbox(candidate, login, policy) for candidate in _spelled_by(address, policy)):
        return OWN
    return aliases.match(address, policy, exact_only=exact_only)


def same_mailbox(one: Address, other: Address, policy: Policy) -> bool:
    """Say whether two addresses are one mailbox, letter case in the local part as the policy has it."""
    return one.text == other.text or (policy.local_part_case is LocalPartCase.FOLD and one.key == other.key)


def _spelled_by(address: Address, policy: Policy) -> tuple[Address, ...]:
    """Give the address, and what it is a subaddress of: a right to either will do."""
    base = address.without_subaddress(policy.subaddress) if policy.subaddress else None
    return (address,) if base is None else (address, base)


def _collection(source: object) -> Iterable[str]:
    """Refuse what can be read only once, as an iterator can, or is no collection of entries."""
    if isinstance(source, list | tuple | AbstractSet):
        return source
    raise TypeError(_NO_COLLECTION.format(type(source).__name__))


def _compile(entries: object) -> _Source:
    if isinstance(entries, str | bytes | Mapping) or not isinstance(entries, Iterable):
        raise TypeError(_NO_COLLECTION.format(type(entries).__name__))
    exact: dict[str, set[str]] = {}
    domains, bare, malformed = set(), set(), set()
    everything = False
    for entry in entries:
        if not isinstance(entry, str):
            msg = f"pass each alias as str, not {type(entry).__name__}"
            raise TypeError(msg)
        text = as_text(entry)
        if text == "*":
            everything = True
        elif text.startswith("@"):
            domain = parse_domain(text[1:])
            domains.add(domain) if isinstance(domain, str) else malformed.add(excerpt(text))
        else:
            # A directory may list an address that must be quoted in mail as it stands: hence legacy_dots.
            address = parse_mailbox(text if "@" in text else f"{text}@{_ANY_DOMAIN}", legacy_dots=True)
            if isinstance(address, Malformed) or address.text.startswith("*@"):
                malformed.add(excerpt(text))
            elif "@" in text:
                exact.setdefault(address.key, set()).add(address.text)
            else:
                bare.add(excerpt(text))
                exact.setdefault(_without_domain(address.key), set()).add(_without_domain(address.text))
    return _Source(
        exact={key: tuple(sorted(spellings)) for key, spellings in exact.items()},
        domains=frozenset(domains),
        everything=everything,
        bare=tuple(sorted(bare)),
        malformed=tuple(sorted(malformed)),
    )


def _without_domain(address: str) -> str:
    local, at, _ = address.rpartition("@")
    return local + at


#: What a login without aliases has.
NO_ALIASES: Final = Aliases()

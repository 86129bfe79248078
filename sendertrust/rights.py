"""Whose address is it: the account's own, or one that its aliases grant?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from sendertrust.address import Address, as_text, parse_domain, parse_mailbox
from sendertrust.grant import NULL_PATTERN, Grant, Right, named
from sendertrust.terms import LOOKUP_FAILED, LocalPartCase, LookupFailed, Malformed, excerpt

if TYPE_CHECKING:
    from sendertrust.policy import Policy

__all__ = [
    "IN_ENVELOPE",
    "IN_HEADER",
    "NO_ALIASES",
    "ON_BEHALF",
    "OWN",
    "AliasSource",
    "Aliases",
    "as_aliases",
    "gives",
    "null_sender_right",
    "right_to",
    "same_mailbox",
    "useless",
]

_ANY_DOMAIN: Final = "example.com"  # only to read a bare local part as the mailbox it will be
_EVERYTHING: Final = "*"

_MAX_NAMED: Final = 8  # of the entries that can match nothing: there may be a million
_NO_COLLECTION: Final = "pass aliases as a list, tuple, set or frozenset of str or Grant, not {}"

#: What `right_to` answers for the login's own address.
OWN: Final = "own"

#: The rights that let an account use an address in the envelope, in the header, or there on behalf of its owner.
IN_ENVELOPE: Final = (Right.SEND_AS, Right.ENVELOPE_ONLY)
IN_HEADER: Final = (Right.SEND_AS, Right.HEADER_ONLY)
ON_BEHALF: Final = (Right.ON_BEHALF_OF,)


@attrs.frozen
class _Source:
    """The entries of one source that give one right, indexed: a question costs a few look-ups, always."""

    name: str
    right: Right
    #: Canonical addresses, ``@domain``, ``*``, and ``user@`` where an entry has no domain.
    spelled: frozenset[str]
    #: Those of them that folding changes: the folded form to one that is spelled so.
    folded: dict[str, str]
    #: The entries without a domain: they match only where the policy has a default one.
    bare: tuple[str, ...]
    malformed: tuple[str, ...]
    #: All keys of the map that the entries are from, if only the narrowest of them counts.
    within: Aliases | None

    def find(self, text: str, key: str, policy: Policy) -> str | None:
        """Give the spelling that grants what is asked: *text* as it stands, and *key* with its letters folded."""
        if text in self.spelled:
            return text
        if policy.local_part_case is not LocalPartCase.FOLD:
            return None
        return key if key in self.spelled else self.folded.get(key)

    def overruled(self, text: str, key: str, policy: Policy) -> bool:
        """Say whether the map has this key for others than the account, so that no wider one counts."""
        keys = _sources(self.within) if self.within else ()
        return any(source.find(text, key, policy) for source in keys)

    def named(self, address: str) -> str:
        """Name a grant and its source, for ``matched_by``."""
        return named(address, self.right, self.name)


@attrs.frozen(init=False, repr=False)
class Aliases:
    """What an account may send as beside its own address, compiled once and shared.

    *entries* are texts or `Grant`: ``user@domain``, ``@domain`` (every
    address there, not its subdomains), ``*`` (any address: service accounts),
    or a bare ``user``, which the policy's ``default_domain`` qualifies. A text
    grants the right to send as the address. An entry that is none of these matches
    nothing and is named in the verdict's ``advisories``. Letter case and
    subaddresses are the policy's business, so one `Aliases` serves every
    policy. *source* names where the entries are from, in ``matched_by`` and
    ``advisories``. *within* is for maps in which only the narrowest key that
    covers an address counts, as in Postfix: an `Aliases` of all their keys,
    which the accounts share; then a wider entry grants nothing where the map
    has a narrower key. If a source of *within* did not answer, which key is
    the narrowest is not known, and all of it is a failed source.

    Raises `TypeError` for a bare ``str``, ``bytes`` or mapping, and for an
    entry that is neither ``str`` nor `Grant`: iterating ``"*@shared.jp"``
    would grant everything.

    >>> from sendertrust import Aliases, Grant, Right
    >>> Aliases(["sales@a.example", Grant("boss@a.example", Right.ON_BEHALF_OF)], source="hr.csv")
    <Aliases: 2 entries>
    """

    #: One index a source and right; their order chooses nothing but which of several grants is named.
    _sources: tuple[_Source, ...]
    #: Whether a source did not answer, so that what is not granted is not known.
    failed: bool

    def __init__(
        self,
        entries: Iterable[str | Grant] = (),
        *,
        source: str = "",
        within: Aliases | None = None,
    ) -> None:
        """Compile *entries*."""
        sources = _compile(entries, source, within)
        failed = within is not None and within.failed
        self.__attrs_init__(sources=() if failed else sources, failed=failed)

    @classmethod
    def union(cls, *sources: AliasSource) -> Aliases:
        """Join several sources, each an `Aliases`, a collection of `str` or `Grant`, or `LOOKUP_FAILED`.

        Any source may grant; with a failed one among them, what none grants
        is not known to be refused.
        """
        answered = [source for source in sources if source is not LOOKUP_FAILED]
        parts = [source if isinstance(source, Aliases) else cls(_collection(source)) for source in answered]
        joined = cls.__new__(cls)
        joined.__attrs_init__(
            sources=tuple(part for source in parts for part in _sources(source)),
            failed=len(answered) < len(sources) or any(part.failed for part in parts),
        )
        return joined

    def __repr__(self) -> str:
        """Count rather than list: there may be a million."""
        entries = sum(len(source.spelled) for source in self._sources)
        failed = ", and a failed one" if self.failed else ""
        return f"<Aliases: {entries} entries{failed}>"


AliasSource: TypeAlias = (
    Aliases
    | LookupFailed
    | list[str]
    | list[Grant]
    | list[str | Grant]
    | tuple[str | Grant, ...]
    | AbstractSet[str]
    | AbstractSet[Grant]
    | AbstractSet[str | Grant]
)


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
    rights: tuple[Right, ...],
    *,
    exact_only: bool = False,
) -> str | None:
    """Say by what right an account may use *address*: `OWN`, the narrowest grant of one of *rights*, or None.

    The order of the keys is that of Postfix (mail_addr_find): the address,
    what it is a subaddress of, both without the domain if that is the
    default one, ``@domain`` and ``*``. With *exact_only*, the last two do not count;
    without a *login*, grants alone do.
    """
    if login is not None and any(same_mailbox(candidate, login, policy) for candidate in _spelled_by(address, policy)):
        return OWN
    sources = [source for source in _sources(aliases) if source.right in rights]
    for text, key in _keys(address, policy, exact_only=exact_only) if sources else ():
        for source in sources:
            if alias := source.find(text, key, policy):
                return source.named(alias + address.domain if alias.endswith("@") else alias)
        sources = [source for source in sources if not source.overruled(text, key, policy)]
    return None


def null_sender_right(aliases: Aliases) -> str | None:
    """Name the grant of the null reverse-path, or give None."""
    granting = (source for source in _sources(aliases) if source.right is Right.NULL_SENDER)
    return next((source.named(NULL_PATTERN) for source in granting), None)


def gives(aliases: Aliases, right: Right) -> bool:
    """Say whether any entry gives *right*."""
    return any(source.right is right for source in _sources(aliases))


def useless(aliases: Aliases, policy: Policy) -> tuple[str, ...]:
    """Name the entries that can match nothing; of many the first, and how many more there are."""
    if aliases is NO_ALIASES:
        return ()
    listed = [source.malformed for source in _sources(aliases)]
    if policy.default_domain is None:
        listed += [source.bare for source in _sources(aliases)]
    looked_at = sorted({entry for entries in listed for entry in entries[:_MAX_NAMED]})
    named, others = looked_at[:_MAX_NAMED], looked_at[_MAX_NAMED:]
    more = len(others) + sum(max(0, len(entries) - _MAX_NAMED) for entries in listed)
    advisories = [f"alias ignored: {entry}" for entry in named]
    return (*advisories, f"aliases ignored: {more} more") if more else tuple(advisories)


def same_mailbox(one: Address, other: Address, policy: Policy) -> bool:
    """Say whether two addresses are one mailbox, letter case in the local part as the policy has it."""
    return one.text == other.text or (policy.local_part_case is LocalPartCase.FOLD and one.key == other.key)


def _sources(aliases: Aliases) -> tuple[_Source, ...]:
    return aliases._sources  # noqa: SLF001 - this module's own; what is public of the class is in its docstring


def _spelled_by(address: Address, policy: Policy) -> tuple[Address, ...]:
    """Give the address, and what it is a subaddress of: a right to either will do."""
    base = address.without_subaddress(policy.subaddress) if policy.subaddress else None
    return (address,) if base is None else (address, base)


def _keys(address: Address, policy: Policy, *, exact_only: bool) -> Iterator[tuple[str, str]]:
    """Give what may grant an address, the narrowest first: each as it stands, and with its letters folded."""
    spellings = _spelled_by(address, policy)
    for spelling in spellings:
        yield spelling.text, spelling.key
    if address.domain == policy.default_domain:
        for spelling in spellings:
            yield _without_domain(spelling.text), _without_domain(spelling.key)
    if not exact_only:
        yield "@" + address.domain, "@" + address.domain
        yield _EVERYTHING, _EVERYTHING


def _collection(source: object) -> Iterable[str | Grant]:
    """Refuse what is no collection of entries, and what can be read only once: the next question would see nothing."""
    if isinstance(source, list | tuple | AbstractSet):
        return source
    raise TypeError(_NO_COLLECTION.format(type(source).__name__))


def _compile(entries: object, name: object, within: object) -> tuple[_Source, ...]:
    if not isinstance(name, str):
        msg = f"pass source as str, not {type(name).__name__}"
        raise TypeError(msg)
    if within is not None and not isinstance(within, Aliases):
        msg = f"pass within as an Aliases of all the keys, not {type(within).__name__}"
        raise TypeError(msg)
    if isinstance(entries, str | bytes | Mapping) or not isinstance(entries, Iterable):
        raise TypeError(_NO_COLLECTION.format(type(entries).__name__))
    by_right: dict[Right, list[str]] = {}
    for entry in entries:
        if isinstance(entry, Grant):
            by_right.setdefault(entry.right, []).append(entry.address)
        elif isinstance(entry, str):
            by_right.setdefault(Right.SEND_AS, []).append(entry)
        else:
            msg = f"pass each alias as str or Grant, not {type(entry).__name__}"
            raise TypeError(msg)
    return tuple(_index(by_right[right], name, right, within) for right in Right if right in by_right)


def _index(addresses: Iterable[str], name: str, right: Right, within: Aliases | None) -> _Source:
    spelled, bare, malformed = set(), set(), set()
    for address in addresses:
        text = as_text(address)
        key = _key(text, right)
        if key is None:
            malformed.add(excerpt(text))
            continue
        spelled.add(key)
        if key.endswith("@"):
            bare.add(excerpt(text))
    folded: dict[str, str] = {}
    for key in sorted(key for key in spelled if key != key.lower()):
        folded.setdefault(Address(key).key, key)
    return _Source(
        name=name,
        right=right,
        spelled=frozenset(spelled),
        folded=folded,
        bare=tuple(sorted(named(entry, right, name) for entry in bare)),
        malformed=tuple(sorted(named(entry, right, name) for entry in malformed)),
        within=within,
    )


def _key(text: str, right: Right) -> str | None:
    """Give the canonical form of an entry: an address, ``@domain``, ``*``, ``user@`` or ``<>``; None if it has none."""
    if text == _EVERYTHING or right is Right.NULL_SENDER:
        return text
    if text.startswith("@"):
        domain = parse_domain(text[1:])
        return "@" + domain if isinstance(domain, str) else None
    # A directory may list an address that must be quoted in mail as it stands: hence legacy_dots.
    address = parse_mailbox(text if "@" in text else f"{text}@{_ANY_DOMAIN}", legacy_dots=True)
    if isinstance(address, Malformed) or address.text.startswith("*@"):
        return None
    return address.text if "@" in text else _without_domain(address.text)


def _without_domain(address: str) -> str:
    local, at, _ = address.rpartition("@")
    return local + at


#: What a login without aliases has.
NO_ALIASES: Final = Aliases()

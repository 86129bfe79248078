"""Tables of redirections: aliases(5) and virtual(5), resolved to the logins at their ends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust import Grant
from sendertrust.maps.keys import EVERYTHING, NULL_PATH, canonical_key, fold
from sendertrust.maps.postmap import A_KEY, BLANKS, KEY_AND_VALUE, QUOTED, Keys, logical_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sendertrust.maps.site import Draft

__all__ = ["read_aliases", "read_virtual"]

_MAX_CHAIN: Final = 32  # aliases one after the other
_MAX_PATH: Final = 16  # names of a loop that are told
_MIN_STEPS: Final = 1_000_000  # of resolving aliases, however short the text
_STEPS_A_TARGET: Final = 4
_NAME_AND_VALUE: Final = re.compile(rf'([^ \t\r\v\f":\\,]++|{QUOTED})[ \t\r\v\f]*+:[ \t\r\v\f]*+(.*)', re.DOTALL)
_DESTINATIONS: Final = re.compile(rf'(?>(?:[^"\\]++|\\.|{QUOTED})*)', re.DOTALL)
_DESTINATION: Final = re.compile(rf'(?>(?:[^,"\\]++|\\.|{QUOTED})+)', re.DOTALL)


@attrs.define(eq=False)
class _Record:
    """One alias, and what it leads to: other aliases or logins."""

    line: int
    name: str
    targets: list[_Target] = attrs.field(factory=list)


@attrs.define(eq=False)
class _Target:
    """One address that is a destination: an alias if it has a record, else a login."""

    login: str
    record: _Record | None
    #: Mail ends here: no alias has the address, or one that names it again, as both pages have it.
    is_end: bool


def read_aliases(text: str, site: Draft) -> None:
    r"""Read aliases(5) as postalias(1) does, less the comments and routes of RFC 822.

    entry       = name *WSP ":" *WSP destination *( "," destination )
    name        = 1*( any but WSP, quotes, backslash, colon, comma ) / quoted-string
    destination = address / "\\" address / "/" file / "|" command   ; the last two may be quoted: nobody
    """

    def lookups(address: str) -> list[str]:
        local, _, domain = address.rpartition("@")
        return [local + "@" if domain in site.local_domains else address]

    _read_table(text, site, _NAME_AND_VALUE, lookups)


def read_virtual(text: str, site: Draft) -> None:
    """Read virtual(5) by the lines of postmap(1).

    entry       = pattern 1*WSP destination *( "," destination )
    pattern     = user@domain / user / @domain / domain     ; a domain of another pattern: no address
    destination = address

    An address is looked up as the page's TABLE SEARCH ORDER has it, less the address extension.
    """

    def lookups(address: str) -> list[str]:
        local, _, domain = address.rpartition("@")
        domain = domain or next(iter(site.local_domains), "")
        bare = [local + "@"] if domain in site.local_domains else []
        return [f"{local}@{domain}", *bare, "@" + domain]

    _read_table(text, site, KEY_AND_VALUE, lookups)


def _read_table(text: str, site: Draft, grammar: re.Pattern[str], lookups: Callable[[str], list[str]]) -> None:
    """Read aliases, and resolve each to the logins at its end; *lookups* are the keys of a destination."""
    is_aliases = grammar is _NAME_AND_VALUE
    keys = Keys(site)
    records: dict[str, _Record] = {}
    values: dict[str, str] = {}
    for line, logical in logical_lines(text, site):
        match = grammar.fullmatch(logical)
        if match is None:
            site.problem(line, "name: destinations" if is_aliases else "a pattern, a blank and destinations", logical)
            continue
        name, value = match.groups()
        if is_aliases and "@" in name:
            site.problem(line, "a name without a domain", name)
        elif key := keys.take(line, name, "a name" if is_aliases else A_KEY):
            records[key], values[key] = _Record(line, name), value
    # virtual(5): "virtual-alias.domain anything" only says that there is such a domain.
    for domain in {key.rpartition("@")[2] for key in records}:
        if domain:
            records.pop(domain + "@", None)
    targets: dict[str, _Target] = {}
    for key, record in records.items():
        for address, canonical in _destinations(values[key], record, site):
            found = lookups(fold(canonical))
            target = targets.get(found[0])
            if target is None:
                alias = next((records[other] for other in found if other in records), None)
                target = targets[found[0]] = _Target(address, alias, is_end=alias is None)
            target.is_end |= target.record is record
            record.targets.append(target)
    _report_loops(records.values(), site)
    _add_owners(records.values(), site)


def _destinations(value: str, record: _Record, site: Draft) -> Iterator[tuple[str, str]]:
    """Give the addresses that an alias leads to, and their canonical forms; pipes and files are nobody."""
    if not value or not _DESTINATIONS.fullmatch(value):
        site.problem(record.line, "destinations with balanced quotes", value)
        return
    for piece in _DESTINATION.findall(value):
        destination = piece.strip(BLANKS)
        is_quoted = len(destination) > 1 and destination[0] == destination[-1] == '"'
        target = destination[is_quoted:]
        if not target or target.startswith(("|", "/")):
            continue
        address = destination.removeprefix("\\")  # sendmail: without further aliases, which the end has anyway
        canonical = None if target.startswith((":include:", "@")) else canonical_key(address)
        if canonical is None or canonical in {EVERYTHING, NULL_PATH}:
            site.problem(record.line, "addresses of accounts, with commas between them", destination)
        else:
            yield (canonical.removesuffix("@") if '"' in address else address), canonical


def _report_loops(records: Iterable[_Record], site: Draft) -> None:
    """Make a problem of every alias that leads back to one that led to it."""
    done: set[_Record] = set()
    for root in records:
        path, depth, following = [root], {root: 0}, [_next_records(root)]
        while root not in done:
            record = next(following[-1], None)
            if record is None:
                following.pop()
                done.add(path[-1])
                del depth[path.pop()]
                continue
            if record in depth:
                site.problem(path[-1].line, "a chain that ends", _chain(path, depth[record]))
                continue
            if record not in done:
                depth[record] = len(path)
                path.append(record)
                following.append(_next_records(record))


def _chain(path: list[_Record], start: int) -> str:
    """Tell the first names of the loop that a path ends in."""
    names = [record.name for record in path[start : start + _MAX_PATH]]
    more = ["..."] if len(path) > start + _MAX_PATH else []
    return " -> ".join([*names, *more, path[start].name])


def _next_records(record: _Record) -> Iterator[_Record]:
    """Give the aliases that an alias leads to, each once; not itself, which is an end."""
    others = (target.record for target in record.targets)
    return iter(dict.fromkeys(other for other in others if other is not None and other is not record))


def _add_owners(records: Iterable[_Record], site: Draft) -> None:
    """Find the logins at the end of each alias, level by level; in all no more work than a few times the text."""
    steps = _MIN_STEPS + _STEPS_A_TARGET * sum(len(record.targets) for record in records)
    for record in records:
        owners: list[str] = []
        seen: set[_Target | _Record] = set()
        level = record.targets if steps >= 0 else []
        if not level and record.targets:
            site.problem(record.line, "aliases that lead to fewer logins in all", record.name)
        for _ in range(_MAX_CHAIN):
            if not level:
                break
            steps -= len(level)
            new = [target for target in dict.fromkeys(level) if target not in seen]
            aliases = dict.fromkeys(target.record for target in new if target.record is not None)
            owners += [target.login for target in new if target.is_end]
            level = [target for alias in aliases if alias not in seen for target in alias.targets]
            seen.update(new, aliases)
        if any(target not in seen for target in level):
            site.problem(record.line, f"a chain of at most {_MAX_CHAIN} aliases", record.name)
        site.add(record.line, owners, Grant(record.name))

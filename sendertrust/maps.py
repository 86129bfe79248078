r"""Whole-site maps from text: what may an account send as, and who may send as an address.

>>> from sendertrust.maps import parse
>>> site = parse("sales@a.example alice, bob\n@a.example admin\n", "postfix", source="senders")
>>> [owner.login for owner in site.who("sales@a.example")], [owner.login for owner in site.who("x@a.example")]
(['alice', 'bob'], ['admin'])
>>> from sendertrust import SUBMISSION, UNSEEN, check
>>> check("admin", "sales@a.example", UNSEEN, site.may("admin"), policy=SUBMISSION).allowed
False

The formats are data, not code: a table from name to reader stands below the
readers, each of which has its grammar above it. Three of them share the lines
of postmap(1)::

    text         = *( blank / comment / logical-line )
    blank        = *WSP LF
    comment      = *WSP "#" *any LF
    logical-line = line *( blank / comment / 1*WSP line )   ; joined as they stand

A line that breaks its grammar is a `MapProblem`, and loses nothing but itself.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from sendertrust import SUBMISSION, UNSEEN, Aliases, Grant, Policy, Right, check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["FORMATS", "Entry", "MapError", "MapProblem", "SenderMap", "format_and_file", "parse", "read", "render"]

_MAX_CHAIN: Final = 32  # aliases one after the other
_MAX_PATH: Final = 16  # names of a loop that are told
_MIN_STEPS: Final = 1_000_000  # of resolving aliases, however short the text
_STEPS_A_TARGET: Final = 4
_MAX_FOUND: Final = 200  # letters of the text that a problem quotes
_MAX_LOGIN_OCTETS: Final = 1024  # as `check` has it
_MAX_COMPILED: Final = 10_000  # accounts of a map whose grants are kept compiled: some 600 octets each

_NOBODY: Final = ""
_NOTHING: Final = Aliases()
_NULL: Final = "<>"
_EVERYTHING: Final = "*"
_ANY_DOMAIN: Final = "example.com"  # only to read a bare local part as the mailbox it will be
_AS_KEY: Final = attrs.evolve(SUBMISSION, legacy_dots=True)  # a directory need not quote what mail must

_BLANKS: Final = " \t\r\v\f"  # isspace of C, less the LF that ends a line
_QUOTED: Final = r'"(?>(?:[^"\\]++|\\.)*)"'
# postmap.c: the key ends at the first blank that is neither quoted nor escaped, and at nothing else.
_KEY_AND_VALUE: Final = re.compile(
    rf'((?>(?:[^ \t\r\v\f"\\]++|\\.|{_QUOTED})+))(?![^ \t\r\v\f])[ \t\r\v\f]*+(.*)', re.DOTALL
)
_NAME_AND_VALUE: Final = re.compile(rf'([^ \t\r\v\f":\\,]++|{_QUOTED})[ \t\r\v\f]*+:[ \t\r\v\f]*+(.*)', re.DOTALL)
_DESTINATIONS: Final = re.compile(rf'(?>(?:[^"\\]++|\\.|{_QUOTED})*)', re.DOTALL)
_DESTINATION: Final = re.compile(rf'(?>(?:[^,"\\]++|\\.|{_QUOTED})+)', re.DOTALL)
_LOGINS: Final = re.compile(r"[^, \t\r]++")  # CHARS_COMMA_SP of Postfix
_NO_LOGIN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_JSON_BLANKS: Final = (" ", "\t", "\r", "\n")
_CSV_HEADER: Final = ("login", "address", "right")
_JSON_GRANTS: Final = (["address"], ["address", "right"])

# Keys that are canonical as they stand, and so short that no limit needs a look. Most are.
_PLAIN_LOCAL: Final = r"[A-Za-z0-9]++(?>(?:[._+\-][A-Za-z0-9]++)*)"
_PLAIN_DOMAIN: Final = r"@[a-z0-9]++(?>(?:[.\-][a-z0-9]++)*)"
_PLAIN: Final = re.compile(rf"{_PLAIN_LOCAL}(?>(?:{_PLAIN_DOMAIN})?)|{_PLAIN_DOMAIN}")
_MAX_PLAIN: Final = 63

_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

_AN_ADDRESS: Final = "user@domain, @domain, user or *"
_A_KEY: Final = "user@domain, @domain or user"
_A_LOGIN: Final = "a login"


def _fold(text: str) -> str:
    """Fold ASCII letters, and no others."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def _is_login(text: str) -> bool:
    """Say whether a text can be an account: a star or a domain that somebody wrote for one gains nothing."""
    if text == _EVERYTHING or text.startswith(("@", "*@")) or _NO_LOGIN.search(text):
        return False
    return len(text.encode()) <= _MAX_LOGIN_OCTETS


def _canonical(key: str) -> str | None:
    """Give the canonical form of a key, ``user@`` if it has no domain; or None if it could never match."""
    if len(key) <= _MAX_PLAIN and _PLAIN.fullmatch(key):
        return key if "@" in key else key + "@"
    if key in {_EVERYTHING, _NULL}:
        return key
    if key.startswith(("<", "*@")):
        return None
    if key.startswith("@"):
        mailbox, kept = "x" + key, slice(1, None)
    elif "@" in key:
        mailbox, kept = key, slice(None)
    else:
        mailbox, kept = f"{key}@{_ANY_DOMAIN}", slice(-len(_ANY_DOMAIN))
    canonical = check(None, mailbox, UNSEEN, policy=_AS_KEY).envelope_from
    return None if canonical is None or canonical.startswith("*@") else canonical[kept]


def _domains(domains: Iterable[str]) -> tuple[str, ...]:
    """Give domains in canonical form."""
    if isinstance(domains, str):
        msg = "pass local_domains as a list or tuple of str, not one str"
        raise TypeError(msg)
    canonical = []
    for domain in domains:
        key = _canonical("@" + domain)
        if key is None:
            msg = f"{domain!r} is no domain: write one such as example.com"
            raise ValueError(msg)
        canonical.append(key[1:])
    return tuple(canonical)


def _keys_of(address: str, policy: Policy) -> Iterator[str]:
    """Give the keys that cover an address, the narrowest first: mail_addr_find of Postfix, and then the star."""
    canonical = check(None, address, UNSEEN, policy=policy).envelope_from
    if canonical is None:
        msg = f"expected an address, such as user@domain, found {address!r}"
        raise ValueError(msg)
    if not canonical:
        yield _NULL
        return
    local, _, domain = canonical.rpartition("@")
    locals_ = [local]
    ends = [end for end in map(local.find, policy.subaddress) if end != -1]
    # An empty base is no local part, nor is a quoted string that is cut: neither is a subaddress.
    if ends and (base := _canonical(local[: min(ends)])):
        locals_.append(base[:-1])
    for at in ("@" + domain, "@") if domain == policy.default_domain else ("@" + domain,):
        yield from (part + at for part in locals_)
    yield from ("@" + domain, _EVERYTHING)


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
        more = "..." if len(self.found) > _MAX_FOUND else ""
        return f"{where}: expected {self.expected}, found {json.dumps(self.found[:_MAX_FOUND])}{more}"


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
        key = _canonical(self.grant.address)
        if key is None or not _is_login(self.login):
            what, found = (_AN_ADDRESS, self.grant.address) if key is None else (_A_LOGIN, self.login)
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
    local_domains: tuple[str, ...] = attrs.field(default=(), converter=_domains)
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
            by_key.setdefault(_fold(entry.key), []).append(entry)
            if entry.login != _NOBODY:
                by_login.setdefault(self.account(entry.login), []).append(entry)
        addresses = (entry.grant.address for entry in self.entries if entry.key != _NULL)
        keys = Aliases(addresses) if self.narrowest else None
        for name, value in (("_by_login", by_login), ("_by_key", by_key), ("_keys", keys), ("_compiled", {})):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        """Count rather than list: there may be a million."""
        return f"<SenderMap {self.source!r}: {len(self.entries)} entries, {len(self.problems)} problems>"

    def account(self, login: str) -> str:
        """Give the one spelling of all logins that are the same account."""
        folded = _fold(login)
        if not self.local_domains or "@" not in folded:
            return folded
        local, _, domain = folded.rpartition("@")
        is_bare = "@" not in local and (_canonical("@" + domain) or "")[1:] in self.local_domains
        return local if is_bare else folded

    def grants(self, login: str | None) -> tuple[Entry, ...]:
        """Give the entries of an account, in the order of the map."""
        return tuple(self._by_login.get(self.account(login), ())) if login else ()

    def may(self, login: str | None) -> Aliases:
        """Give what an account may send as, for `check`. Costs what the account has, not what the site has.

        It is compiled once, and kept for some thousands of accounts.
        """
        account = self.account(login) if login else _NOBODY
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
        for key in _keys_of(address, policy):
            found = [entry for entry in self._by_key.get(_fold(key), ()) if not exact or entry.key == key]
            owners += [entry for entry in found if entry.login != _NOBODY]
            if found and self.narrowest:
                break
        return tuple(dict.fromkeys(owners))


def parse(
    text: str,
    format: str,  # noqa: A002 - what it is
    *,
    source: str = "",
    strict: bool = True,
    local_domains: Iterable[str] = (),
) -> SenderMap:
    """Read a map in one of `FORMATS`; *source* names it, *local_domains* are those of bare users.

    With *strict*, raises `MapError` with all problems, if there are any;
    without, leaves out what could not be read and lists it in ``problems``.
    """
    _require_text(text)
    if format not in _READERS:
        msg = f"unknown format {format!r}: write one of {', '.join(FORMATS)}"
        raise ValueError(msg)
    read, narrowest = _READERS[format]
    site = _Site(source=source, local_domains=_domains(local_domains))
    read(text.removeprefix("\ufeff"), site)
    problems = sorted(site.problems, key=lambda problem: problem.line)
    if problems and strict:
        raise MapError(problems)
    return SenderMap(
        entries=site.entries,
        narrowest=narrowest,
        local_domains=site.local_domains,
        source=source,
        problems=tuple(problems),
    )


def format_and_file(spec: str) -> tuple[str, str]:
    """Split ``FORMAT:FILE``; a ``FILE`` alone is csv or json by its suffix, and else postfix."""
    format_, _, file = spec.partition(":")
    if format_ in FORMATS and file:
        return format_, file
    return _FORMAT_OF_SUFFIX.get(Path(spec).suffix.lower(), "postfix"), spec


def read(spec: str, *, strict: bool = True, local_domains: Iterable[str] = ()) -> SenderMap:
    """Read a map from a file, given as `format_and_file` takes it.

    The name of the file is the map's ``source``. Raises what opening it and `parse` raise, and `ValueError` if it
    is not UTF-8.
    """
    format_, file = format_and_file(spec)
    octets = Path(file).read_bytes()
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        msg = f"{file} is not UTF-8: {error}"
        raise ValueError(msg) from error
    return parse(text, format_, source=file, strict=strict, local_domains=local_domains)


def _require_text(text: object) -> None:
    if not isinstance(text, str):
        msg = f"pass text as str, not {type(text).__name__}: decode it, the formats are UTF-8"
        raise TypeError(msg)


def render(site: SenderMap, format: str) -> str:  # noqa: A002 - what it is
    """Write a map as ``postfix``, ``csv`` or ``json``, such that `parse` gives what it means.

    Raises `ValueError` that says why if the format cannot say that.
    """
    if format not in _WRITERS:
        msg = f"unknown format {format!r}: write one of {', '.join(_WRITERS)}"
        raise ValueError(msg)
    if _READERS[format][1] is not site.narrowest:
        which = ("every key that covers an address counts", "only the narrowest key that covers an address counts")
        msg = f"{format} cannot say this map: in it {which[site.narrowest]}, in {format} {which[not site.narrowest]}"
        raise ValueError(msg)
    text = _WRITERS[format](site)
    # No second list of what each format forbids: it says the map if it reads as the map.
    again = parse(text, format, strict=False, local_domains=site.local_domains)
    if lost := _meaning(site) ^ _meaning(again):
        login, right, key = min(lost)
        problem = f": {again.problems[0]}" if again.problems else ""
        msg = f"{format} cannot say that {login or 'nobody'!r} has {right} {key!r}{problem}"
        raise ValueError(msg)
    return text


def _meaning(site: SenderMap) -> set[tuple[str, str, str]]:
    """Give what a map says, whatever the order; that a key is nobody's says something in some maps only."""
    owned = [entry for entry in site.entries if entry.login != _NOBODY]
    others = {entry.key for entry in site.entries} - {entry.key for entry in owned} if site.narrowest else set()
    return {(site.account(entry.login), entry.grant.right.value, entry.key) for entry in owned} | {
        (_NOBODY, entry.grant.right.value, entry.key) for entry in site.entries if entry.key in others
    }


@attrs.define(kw_only=True)
class _Site:
    """A map in the making."""

    source: str
    local_domains: tuple[str, ...]
    entries: list[Entry] = attrs.field(factory=list)
    problems: list[MapProblem] = attrs.field(factory=list)

    def problem(self, line: int, expected: str, found: str) -> None:
        self.problems.append(MapProblem(self.source, line, expected, found[: _MAX_FOUND + 1]))

    def add(self, line: int, logins: Iterable[str], grant: Grant) -> None:
        """Give each of *logins* a grant, whose address can be read; without any, it is nobody's."""
        owners = []
        for login in dict.fromkeys(logins):
            if login and _is_login(login):
                owners.append(login)
            else:
                self.problem(line, _A_LOGIN, login)
        self.entries += [Entry(login, grant, line) for login in owners or [_NOBODY]]


def _logical_lines(text: str, site: _Site) -> Iterator[tuple[int, str]]:
    """Join the lines of postmap(1): readllines of Postfix."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate([*text.split("\n"), "end"], 1):
        content = line.lstrip(_BLANKS)
        if not content or content[0] == "#":
            continue
        if line[0] in _BLANKS and parts:
            parts.append(line)
            continue
        if parts:
            logical = "".join(parts)
            if logical[0] in _BLANKS:
                site.problem(start, "a line that does not start with a blank: there is none to continue", logical)
            else:
                yield start, logical.rstrip(_BLANKS)
        start, parts = number, [line]


@attrs.define
class _Keys:
    """The keys of a table so far: postmap(1) keeps the first of several, and warns."""

    site: _Site
    seen: set[str] = attrs.field(factory=set)

    def take(self, line: int, key: str, expected: str = _A_KEY) -> str | None:
        """Give the folded canonical form of a key that is new, or make a problem of it."""
        canonical = _canonical(key)
        if canonical is None or canonical in {_EVERYTHING, _NULL}:
            self.site.problem(line, expected, key)
            return None
        folded = _fold(canonical)
        if folded in self.seen:
            self.site.problem(line, "each key once (the first one counts)", key)
            return None
        self.seen.add(folded)
        return folded


def _read_postfix(text: str, site: _Site) -> None:
    r"""Read a table for smtpd_sender_login_maps of postconf(5), by the lines of postmap(1).

    entry = key 1*WSP value
    key   = 1*( any but quotes and WSP / "\\" any / quoted-string )    ; user@domain, user, @domain
    value = 1*( login / "," / WSP )                                    ; "," alone: nobody

    A login ends at a comma or a blank (reject_sender_login_mismatch in smtpd_check.c).
    """
    keys = _Keys(site)
    for line, logical in _logical_lines(text, site):
        match = _KEY_AND_VALUE.fullmatch(logical)
        if match is None:
            site.problem(line, "a key with balanced quotes, a blank and logins", logical)
            continue
        key, value = match.groups()
        if expected := _expected_key(key):
            site.problem(line, expected, key)
            continue
        if keys.take(line, key) is None:
            continue
        if not value:
            site.problem(line, "a blank and logins after the key", key)
        site.add(line, _LOGINS.findall(value), Grant(key))


def _expected_key(key: str) -> str | None:
    """Say what to write for a key that Postfix never finds: it asks with the quotes that are needed, or without any."""
    if key.endswith(":"):
        return "a key without a colon (is this an aliases file?)"
    canonical = _canonical(key) if '"' in key else None
    if canonical is None:
        return None
    local = key.rpartition("@")[0] if "@" in key else key
    if _fold(local) == _fold(canonical.rpartition("@")[0]):
        return None
    return "a key quoted as RFC 5322 needs it and not more, which is what Postfix looks up"


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


def _read_aliases(text: str, site: _Site) -> None:
    r"""Read aliases(5) as postalias(1) does, less the comments and routes of RFC 822.

    entry       = name *WSP ":" *WSP destination *( "," destination )
    name        = 1*( any but WSP, quotes, backslash, colon, comma ) / quoted-string
    destination = address / "\\" address / "/" file / "|" command   ; the last two may be quoted: nobody
    """

    def lookups(address: str) -> list[str]:
        local, _, domain = address.rpartition("@")
        return [local + "@" if domain in site.local_domains else address]

    _read_table(text, site, _NAME_AND_VALUE, lookups)


def _read_virtual(text: str, site: _Site) -> None:
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

    _read_table(text, site, _KEY_AND_VALUE, lookups)


def _read_table(text: str, site: _Site, grammar: re.Pattern[str], lookups: Callable[[str], list[str]]) -> None:
    """Read aliases, and resolve each to the logins at its end; *lookups* are the keys of a destination."""
    is_aliases = grammar is _NAME_AND_VALUE
    keys = _Keys(site)
    records: dict[str, _Record] = {}
    values: dict[str, str] = {}
    for line, logical in _logical_lines(text, site):
        match = grammar.fullmatch(logical)
        if match is None:
            site.problem(line, "name: destinations" if is_aliases else "a pattern, a blank and destinations", logical)
            continue
        name, value = match.groups()
        if is_aliases and "@" in name:
            site.problem(line, "a name without a domain", name)
        elif key := keys.take(line, name, "a name" if is_aliases else _A_KEY):
            records[key], values[key] = _Record(line, name), value
    # virtual(5): "virtual-alias.domain anything" only says that there is such a domain.
    for domain in {key.rpartition("@")[2] for key in records}:
        if domain:
            records.pop(domain + "@", None)
    targets: dict[str, _Target] = {}
    for key, record in records.items():
        for address, canonical in _destinations(values[key], record, site):
            found = lookups(_fold(canonical))
            target = targets.get(found[0])
            if target is None:
                alias = next((records[other] for other in found if other in records), None)
                target = targets[found[0]] = _Target(address, alias, is_end=alias is None)
            target.is_end |= target.record is record
            record.targets.append(target)
    _report_loops(records.values(), site)
    _add_owners(records.values(), site)


def _destinations(value: str, record: _Record, site: _Site) -> Iterator[tuple[str, str]]:
    """Give the addresses that an alias leads to, and their canonical forms; pipes and files are nobody."""
    if not value or not _DESTINATIONS.fullmatch(value):
        site.problem(record.line, "destinations with balanced quotes", value)
        return
    for piece in _DESTINATION.findall(value):
        destination = piece.strip(_BLANKS)
        is_quoted = len(destination) > 1 and destination[0] == destination[-1] == '"'
        target = destination[is_quoted:]
        if not target or target.startswith(("|", "/")):
            continue
        address = destination.removeprefix("\\")  # sendmail: without further aliases, which the end has anyway
        canonical = None if target.startswith((":include:", "@")) else _canonical(address)
        if canonical is None or canonical in {_EVERYTHING, _NULL}:
            site.problem(record.line, "addresses of accounts, with commas between them", destination)
        else:
            yield (canonical.removesuffix("@") if '"' in address else address), canonical


def _report_loops(records: Iterable[_Record], site: _Site) -> None:
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


def _add_owners(records: Iterable[_Record], site: _Site) -> None:
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


def _read_csv(text: str, site: _Site) -> None:
    """Read CSV with the csv module, each line by itself: a stray quote ends with its line.

    header = "login,address" / "login,address,right"
    row    = login "," address [ "," [ right ] ]
    """
    columns = 0
    for line, physical in enumerate(io.StringIO(text, newline=None), 1):
        try:
            rows = list(csv.reader([physical], skipinitialspace=True, strict=True))
        except csv.Error:
            site.problem(line, "cells with balanced quotes, without null characters", physical)
            continue
        cells = [cell.strip(" \t") for row in rows for cell in row]
        if not any(cells):
            continue
        if not columns:
            if tuple(cells) not in {_CSV_HEADER, _CSV_HEADER[:2]}:
                site.problem(line, "the header row login,address or login,address,right", physical)
                return
            columns = len(cells)
        elif len(cells) != columns:
            site.problem(line, f"{columns} cells", physical)
        else:
            _add_entry(line, cells[0], cells[1], cells[2] if columns > 2 and cells[2] else Right.SEND_AS.value, site)


def _add_entry(line: int, login: str, address: str, right: str, site: _Site) -> None:
    if _canonical(address) is None:
        site.problem(line, _AN_ADDRESS, address)
        return
    try:
        grant = Grant(address, right)
    except ValueError:
        site.problem(line, "send-as, on-behalf-of, envelope-only, header-only; null-sender of <>", f"{right} {address}")
        return
    if login and _is_login(login):
        site.entries.append(Entry(login, grant, line))
    else:
        site.problem(line, _A_LOGIN, login)


def _read_json(text: str, site: _Site) -> None:
    """Read one JSON object (RFC 8259).

    object = "{" [ login ":" grants *( "," login ":" grants ) ] "}"
    grants = "[" [ grant *( "," grant ) ] "]"
    grant  = address / "{" "address" ":" address [ "," "right" ":" right ] "}"
    """
    seen: set[str] = set()
    for line, login, grants in _members(text, site):
        if login in seen:
            site.problem(line, "each login once (the first one counts)", login)
            continue
        seen.add(login)
        if not isinstance(grants, list) or isinstance(grants, _Members):
            site.problem(line, "a list of addresses", _shown(grants))
            continue
        for grant in grants:
            members = [("address", grant)] if isinstance(grant, str) else grant if isinstance(grant, _Members) else []
            names, values = [name for name, _ in members], [value for _, value in members]
            if sorted(names) in _JSON_GRANTS and all(isinstance(value, str) for value in values):
                known = dict(zip(names, values, strict=True))
                _add_entry(line, login, known["address"], known.get("right", Right.SEND_AS.value), site)
            else:
                site.problem(line, 'an address or {"address": "...", "right": "..."}', _shown(grant))


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in their order, those of one name too."""


class _Number(NamedTuple):
    """A number as it is written: it is never right, and no limit of digits is worth an error of its own."""

    text: str


def _shown(value: object) -> str:
    """Show a value that is not what it should be; what is in a list or an object may be nested without end."""
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, list):
        return "{...}" if isinstance(value, _Members) else "[...]"
    return json.dumps(value)


def _members(text: str, site: _Site) -> Iterator[tuple[int, str, Any]]:
    """Give the members of the outermost object one by one, with their lines; what follows a fault is lost."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_Number
    )
    line, counted = 1, 0
    try:
        at, mark = _mark(text, 0, "{")
        if text.startswith("}", _after_blanks(text, at)):
            at, mark = _mark(text, at, "}")
        while mark != "}":
            start = _after_blanks(text, at)
            line, counted = line + text.count("\n", counted, start), start
            login, at = decoder.raw_decode(text, start)
            at, _ = _mark(text, at, ":")
            grants, at = decoder.raw_decode(text, _after_blanks(text, at))
            if isinstance(login, str):
                yield line, login, grants
            else:
                site.problem(line, "a login in quotes", _shown(login))
            at, mark = _mark(text, at, ",", "}")
        _mark(text, at, "")
    except json.JSONDecodeError as error:
        site.problem(error.lineno, f"JSON ({error.msg})", text[error.pos : error.pos + _MAX_FOUND])
    except RecursionError:
        site.problem(line, "a list of addresses", "lists in lists in lists")


def _after_blanks(text: str, at: int) -> int:
    while text[at : at + 1] in _JSON_BLANKS:
        at += 1
    return at


def _mark(text: str, at: int, *marks: str) -> tuple[int, str]:
    """Give the one of *marks* that stands after the blanks, and where it ends."""
    at = _after_blanks(text, at)
    mark = text[at : at + 1]
    if mark not in marks:
        msg = f"Expecting {' or '.join(marks) or 'the end'}"
        raise json.JSONDecodeError(msg, text, at)
    return at + 1, mark


# What `render` writes, with no regard to what the formats cannot say: it reads the text again.


def _write_postfix(site: SenderMap) -> str:
    lines: dict[tuple[Right, str], list[Entry]] = {}
    for entry in site.entries:
        lines.setdefault((entry.grant.right, entry.key), []).append(entry)
    return "".join(
        f"{entries[0].grant} {', '.join(entry.login for entry in entries if entry.login != _NOBODY) or ','}\n"
        for entries in lines.values()
    )


def _write_csv(site: SenderMap) -> str:
    owned = [entry for entry in site.entries if entry.login != _NOBODY]
    columns = 3 if any(entry.grant.right is not Right.SEND_AS for entry in owned) else 2
    rows = [(entry.login, entry.grant.address, entry.grant.right.value) for entry in owned]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row[:columns] for row in [_CSV_HEADER, *rows])
    return text.getvalue()


def _write_json(site: SenderMap) -> str:
    grants: dict[str, list[str | dict[str, str]]] = {}
    for entry in site.entries:
        if entry.login != _NOBODY:
            address, right = entry.grant.address, entry.grant.right
            plain = right is Right.SEND_AS
            grants.setdefault(entry.login, []).append(address if plain else {"address": address, "right": right.value})
    return json.dumps(grants, indent=2, ensure_ascii=False) + "\n"


_READERS: Final[dict[str, tuple[Callable[[str, _Site], None], bool]]] = {
    "postfix": (_read_postfix, True),
    "aliases": (_read_aliases, True),
    "virtual": (_read_virtual, True),
    "csv": (_read_csv, False),
    "json": (_read_json, False),
}

_WRITERS: Final[dict[str, Callable[[SenderMap], str]]] = {
    "postfix": _write_postfix,
    "csv": _write_csv,
    "json": _write_json,
}

_FORMAT_OF_SUFFIX: Final = {".csv": "csv", ".json": "json"}

#: The names of the formats that `parse` reads.
FORMATS: Final = tuple(_READERS)

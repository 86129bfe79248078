r"""Whole-site maps from text: what may an account send as, and who may send as an address.

>>> from sendertrust.maps import parse
>>> site = parse("sales@a.example alice, bob\n@a.example admin\n", "postfix", source="senders")
>>> [owner.login for owner in site.who("sales@a.example")], [owner.login for owner in site.who("x@a.example")]
(['alice', 'bob'], ['admin'])
>>> from sendertrust import SUBMISSION, UNSEEN, check
>>> check("admin", "sales@a.example", UNSEEN, site.may("admin"), policy=SUBMISSION).allowed
False

The formats are data, not code: a table from name to reader stands below, and each reader
has its grammar above it.

A line that breaks its grammar is a `MapProblem`, and loses nothing but itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from sendertrust.maps.keys import NOBODY, canonical_domains
from sendertrust.maps.postmap import read_postfix, write_postfix
from sendertrust.maps.records import read_csv, read_json, write_csv, write_json
from sendertrust.maps.redirects import read_aliases, read_virtual
from sendertrust.maps.site import Draft, Entry, MapError, MapProblem, SenderMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


__all__ = ["FORMATS", "Entry", "MapError", "MapProblem", "SenderMap", "format_and_file", "parse", "read", "render"]


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
    site = Draft(source=source, local_domains=canonical_domains(local_domains))
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
    owned = [entry for entry in site.entries if entry.login != NOBODY]
    others = {entry.key for entry in site.entries} - {entry.key for entry in owned} if site.narrowest else set()
    return {(site.account(entry.login), entry.grant.right.value, entry.key) for entry in owned} | {
        (NOBODY, entry.grant.right.value, entry.key) for entry in site.entries if entry.key in others
    }


_READERS: Final[dict[str, tuple[Callable[[str, Draft], None], bool]]] = {
    "postfix": (read_postfix, True),
    "aliases": (read_aliases, True),
    "virtual": (read_virtual, True),
    "csv": (read_csv, False),
    "json": (read_json, False),
}

_WRITERS: Final[dict[str, Callable[[SenderMap], str]]] = {
    "postfix": write_postfix,
    "csv": write_csv,
    "json": write_json,
}

_FORMAT_OF_SUFFIX: Final = {".csv": "csv", ".json": "json"}

#: The names of the formats that `parse` reads.
FORMATS: Final = tuple(_READERS)

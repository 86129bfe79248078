"""Lists of grants: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sendertrust import Grant, Right
from sendertrust.maps.keys import NOBODY, canonical_key, is_login
from sendertrust.maps.site import A_LOGIN, AN_ADDRESS, MAX_FOUND, Draft, Entry, SenderMap

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read_csv", "read_json", "write_csv", "write_json"]

_JSON_BLANKS: Final = (" ", "\t", "\r", "\n")
_CSV_HEADER: Final = ("login", "address", "right")
_JSON_GRANTS: Final = (["address"], ["address", "right"])


def read_csv(text: str, site: Draft) -> None:
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


def _add_entry(line: int, login: str, address: str, right: str, site: Draft) -> None:
    if canonical_key(address) is None:
        site.problem(line, AN_ADDRESS, address)
        return
    try:
        grant = Grant(address, right)
    except ValueError:
        site.problem(line, "send-as, on-behalf-of, envelope-only, header-only; null-sender of <>", f"{right} {address}")
        return
    if login and is_login(login):
        site.entries.append(Entry(login, grant, line))
    else:
        site.problem(line, A_LOGIN, login)


def read_json(text: str, site: Draft) -> None:
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


def _members(text: str, site: Draft) -> Iterator[tuple[int, str, Any]]:
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
        site.problem(error.lineno, f"JSON ({error.msg})", text[error.pos : error.pos + MAX_FOUND])
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


def write_csv(site: SenderMap) -> str:
    """Write what `render` gives, with no regard to what the format cannot say: there it is read again."""
    owned = [entry for entry in site.entries if entry.login != NOBODY]
    columns = 3 if any(entry.grant.right is not Right.SEND_AS for entry in owned) else 2
    rows = [(entry.login, entry.grant.address, entry.grant.right.value) for entry in owned]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row[:columns] for row in [_CSV_HEADER, *rows])
    return text.getvalue()


def write_json(site: SenderMap) -> str:
    """Write what `render` gives, with no regard to what the format cannot say: there it is read again."""
    grants: dict[str, list[str | dict[str, str]]] = {}
    for entry in site.entries:
        if entry.login != NOBODY:
            address, right = entry.grant.address, entry.grant.right
            plain = right is Right.SEND_AS
            grants.setdefault(entry.login, []).append(address if plain else {"address": address, "right": right.value})
    return json.dumps(grants, indent=2, ensure_ascii=False) + "\n"

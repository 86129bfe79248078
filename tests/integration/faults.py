"""What may break while mail comes in, and the page that says what a client saw of it, server by server.

A server's test module breaks what a row of `FAULTS` names, and gives what the
client saw, and what mended it, to `check_fault`: this compares it with the
cell in ``docs/reference/faults.md`` (with ``SENDERTRUST_WRITE_PAGES=1`` it
writes it there). `NO_MEANING` has the cells that no test can fill.
"""

from __future__ import annotations

import os
import re
import ssl
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sessions import COLUMNS as ALL_COLUMNS
from sessions import cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
COLUMNS: Final = {server: title for server, title in ALL_COLUMNS.items() if server != "library"}

#: The rows: how a test calls the fault, and how the page does.
FAULTS: Final = {
    "killed": "killed before a session",
    "killed-amid": "killed between DATA and the dot",
    "hung": "hung before a session",
    "hung-amid": "hung between DATA and the dot",
    "restarted": "told to end (SIGTERM) between DATA and the dot, and started again",
    "socket-unwritable": "its socket cannot be written",
    "aliases-fail": "the alias function raises",
    "aliases-slow": "the alias function does not come back",
    "map-broken": "a line of the map file is bad",
    "map-gone": "the map file is gone",
    "clients-200": "200 clients at once",
    "clients-200-restart": "200 clients at once, the filter killed and started again meanwhile",
}

_OWN_PROCESS: Final = "– it runs in the server's own process"
_ENVELOPE_ONLY: Final = "– it is asked at MAIL only, and has answered"
_PIPES: Final = "– it has no socket, but pipes that smtpd made"

#: Cells without meaning, and why.
NO_MEANING: Final = {
    **{
        (fault, "aiosmtpd"): _OWN_PROCESS
        for fault in (
            *("killed", "killed-amid", "hung", "hung-amid", "restarted"),
            *("socket-unwritable", "clients-200-restart"),
        )
    },
    ("killed-amid", "postfix-policy"): _ENVELOPE_ONLY,
    ("hung-amid", "postfix-policy"): _ENVELOPE_ONLY,
    ("restarted", "postfix-policy"): _ENVELOPE_ONLY,
    ("socket-unwritable", "opensmtpd"): _PIPES,
}

CLIENTS: Final = 200
_TABLE: Final = re.compile(r"^\| Fault \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)


def check_fault(server: str, fault: str, seen: Sequence[str], mended_by: str) -> None:
    """Compare a cell of the page with what a client saw, as outcomes, and what made it well again."""
    _check_cell(server, fault, f"{cell(seen)}; then {mended_by}")


def check_crowd_fault(server: str, fault: str, seen: Iterable[str], mended_by: str = "") -> None:
    """Compare a cell with what many clients saw; a run in which a filter dies need not see all that is there."""
    found = {cell([one]) for one in seen}
    told = read_page()[fault][server].partition("; then ")[0].split(" or ")
    if os.environ.get("SENDERTRUST_WRITE_PAGES"):
        told = sorted(found | {one for one in told if one != "–"})
    assert found <= set(told), (found, told)
    _check_cell(server, fault, " or ".join(told) + (f"; then {mended_by}" if mended_by else ""))


def _check_cell(server: str, fault: str, text: str) -> None:
    if os.environ.get("SENDERTRUST_WRITE_PAGES"):
        rows = read_page()
        rows[fault][server] = text
        write_page(rows)
    assert read_page()[fault][server] == text


def read_page() -> dict[str, dict[str, str]]:
    """Read the table: for each fault the cell of each server."""
    table = _TABLE.search(PAGE.read_text(encoding="utf-8"))
    lines = table[1].splitlines() if table else []
    cells = [[part.strip() for part in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip().strip("`"): dict(zip(COLUMNS, row[2:], strict=True)) for row in cells}


def write_page(rows: Mapping[str, Mapping[str, str]]) -> None:
    """Put the table into the page."""
    text = "| Fault | What it is | " + " | ".join(COLUMNS.values()) + " |\n|---|---|" + "---|" * len(COLUMNS) + "\n"
    for fault, shown in FAULTS.items():
        found = {server: NO_MEANING.get((fault, server), rows.get(fault, {}).get(server, "–")) for server in COLUMNS}
        text += "| " + " | ".join([f"`{fault}`", shown, *found.values()]) + " |\n"
    PAGE.write_text(_TABLE.sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def crowd(
    submit: Callable[[int], str],
    disturb: Callable[[], None] | None = None,
    wait_until: Callable[..., None] | None = None,
) -> dict[int, str]:
    """Let `CLIENTS` submit a message each, at once; give what each was told. *disturb* is called in their midst."""
    told: dict[int, str] = {}

    def client(number: int) -> None:
        try:
            told[number] = submit(number)
        except (ConnectionError, ssl.SSLError):  # a time-out is neither: who is not answered has found a fault
            told[number] = "CLOSED"

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        if disturb:
            wait(clients[: CLIENTS // 10])
            disturb()
        for one in clients:
            one.result()
    return told


def recipient_of(number: int) -> str:
    """Give the recipient of a client's message; those with an odd number have no right to send theirs."""
    return f"n{number}@a.example"


def check_crowd(told: Mapping[int, str], stored: Sequence[str], *, disturbed: bool, replies_lost: bool = False) -> None:
    """Nothing unjudged is accepted, nothing accepted is lost.

    *replies_lost*: a server that dies itself may have stored a message whose
    reply it could not send; the client sends it again (RFC 5321 3.8).
    """
    for number, outcome in told.items():
        good = r"[A-Z]+ 550 5\.7\.1 " if number % 2 else r"DATA 250 "
        assert re.match(f"{good}|[A-Z]+ 4|CLOSED" if disturbed else good, outcome), (number, outcome)
    taken = [recipient_of(number) for number, outcome in told.items() if outcome.startswith("DATA 250 ")]
    ours = [one for one in stored if re.fullmatch(r"n[0-9]+@a\.example", one)]
    if not replies_lost:
        assert sorted(ours) == sorted(taken)
    assert set(taken) <= set(ours)
    assert len(set(ours)) == len(ours)
    assert all(int(one[1:].partition("@")[0]) % 2 == 0 for one in ours)

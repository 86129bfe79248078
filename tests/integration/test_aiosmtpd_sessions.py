"""The shared sessions with aiosmtpd: the server of docs/how-to/aiosmtpd.md, with the maps that all servers have."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import attrs
import pytest
from faults import check_crowd, check_crowd_fault, check_fault, crowd, recipient_of
from pages import blocks
from sessions import (
    INBOX,
    MAPS,
    ME,
    PASSWORDS,
    SALES,
    SESSIONS,
    VICTIM,
    Client,
    Message,
    Session,
    accepted,
    check_column,
    check_session,
    judge_again,
    play,
    write_maps,
)

from sendertrust import LOOKUP_FAILED, Aliases, Grant, Right
from sendertrust.integrations.aiosmtpd import SenderTrust
from sendertrust.integrations.map_files import MapFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope
    from aiosmtpd.smtp import Session as Connection

pytestmark = pytest.mark.socket

PAGE: Final = "aiosmtpd.md"
SERVER: Final = blocks(PAGE, "python")[0]

DIFFERENCES: Final = {
    "envelope-route": (["DATA 250 .*"], "aiosmtpd drops a source route; what is left is judged and delivered"),
    "envelope-blanks": (["DATA 250 .*"], "aiosmtpd drops blanks inside the path"),
    "envelope-unclosed": (["DATA 250 .*"], "aiosmtpd does without the closing bracket"),
    "block-long-line": (["DATA 500 Line too long .*"], "aiosmtpd reads lines of up to 1,001 octets"),
}


@attrs.frozen
class Stored:
    """A message as the page's handler is given it."""

    path: str
    content: bytes


Used = TypeVar("Used")
Taken: TypeAlias = list[tuple[str, Stored]]


def serve(aliases_of: Callable[[str], object], use: Callable[[int], Used], timeout: float = 10.0) -> tuple[Used, Taken]:
    """Run the page's server with its accounts and aliases replaced; give what *use* gives, and what was taken."""
    names: dict[str, Any] = {}
    exec(compile(SERVER, PAGE, "exec"), names)  # noqa: S102 - the page is ours
    names["PASSWORDS"].clear()
    names["PASSWORDS"].update({login: password.encode() for login, password in PASSWORDS.items()})
    taken: Taken = []

    async def look_up(self: object, login: str) -> object:
        return await asyncio.to_thread(aliases_of, login)

    async def handle_data(self: object, server: SMTP, session: Connection, envelope: Envelope) -> str:
        assert envelope.original_content is not None
        taken.append((envelope.rcpt_tos[0], Stored(envelope.mail_from or "", envelope.original_content)))
        return "250 2.0.0 Queued"

    names["Submission"].aliases_of = look_up
    names["Submission"].lookup_timeout = timeout
    names["Queue"].handle_DATA = handle_data

    async def run() -> Used:
        server = await names["listen"](0)
        try:
            return await asyncio.to_thread(use, server.sockets[0].getsockname()[1])
        finally:
            server.close()
            await asyncio.sleep(0)

    return asyncio.run(run()), taken


def play_all(folder: Path) -> tuple[dict[str, list[str]], dict[str, Stored]]:
    """Play all sessions; give the outcomes, and what was taken."""
    maps = MapFiles(write_maps(folder), (), lambda _: None)
    seen, taken = serve(maps, lambda port: {session.id: play(port, session) for session in SESSIONS})
    return seen, dict(taken)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], dict[str, Stored]]:
    return play_all(tmp_path_factory.mktemp("aiosmtpd"))


@pytest.fixture(scope="module")
def seen(played: tuple[dict[str, list[str]], dict[str, Stored]]) -> dict[str, list[str]]:
    return played[0]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.id)
def test_a_session(session: Session, seen: dict[str, list[str]]) -> None:
    check_session(session, seen[session.id], DIFFERENCES)


def test_what_was_taken_is_what_was_judged(played: tuple[dict[str, list[str]], dict[str, Stored]]) -> None:
    seen, taken = played
    found: dict[str, tuple[Session, Message]] = {
        recipient: (session, message)
        for session in SESSIONS
        for recipient, message in accepted(session, seen[session.id])
    }
    assert found.keys() == taken.keys()
    assert all(recipient.endswith(f"@{INBOX}") for recipient in taken)
    for recipient, (session, message) in found.items():
        one = taken[recipient]
        path = one.path.encode("utf-8", "surrogateescape")
        judge_again(session.logged_in, attrs.evolve(message, path=path), one.content, line_ends="crlf")


def test_the_page_has_the_column(seen: dict[str, list[str]]) -> None:
    check_column("aiosmtpd", seen, DIFFERENCES)


class Store:
    async def handle_DATA(self, server: SMTP, session: Connection, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 2.0.0 stored"


class Granting(SenderTrust, Store):
    async def aliases_of(self, login: str) -> list[str | Grant]:
        return ["info@test-sample.jp", Grant("boss@test-sample.jp", Right.ON_BEHALF_OF)]


class Failing(SenderTrust, Store):
    async def aliases_of(self, login: str) -> Any:
        return LOOKUP_FAILED


@pytest.mark.parametrize(
    ("handler", "found"),
    [
        (Granting(), Aliases.union(("info@test-sample.jp", Grant("boss@test-sample.jp", Right.ON_BEHALF_OF)))),
        (Failing(), Aliases.union(LOOKUP_FAILED)),
    ],
    ids=["grants", "failed"],
)
def test_whatever_check_takes_may_be_given(handler: SenderTrust, found: Aliases) -> None:
    """How-to, table: "of `str` or `Grant`, or `LOOKUP_FAILED`"."""
    assert asyncio.run(handler._look_up(ME)) == found


# --- faults: nothing unjudged is accepted, nothing accepted is lost, and all recovers by itself

OWN: Final = f"From: <{ME}>\r\n\r\ntest.\r\n".encode()


def submit(client: Client, recipient: str, path: str) -> str:
    for step, command in {"MAIL": f"MAIL FROM:<{path}>", "RCPT": f"RCPT TO:<{recipient}>", "DATA": "DATA"}.items():
        if (said := client.say(command.encode()))[0] not in "23":
            return f"{step} {said}"
    client.write(OWN.replace(ME.encode(), path.encode()) + b".\r\n")
    return f"DATA {client.read()}"


def test_a_look_up_that_fails_or_is_slow() -> None:
    """Law, 4, lookup failed: "An outage is never a permanent rejection and never an acceptance"."""
    state, goes_on = ["answers"], threading.Event()

    def aliases_of(_login: str) -> list[str]:
        if state[0] == "fails":
            raise OSError
        if state[0] == "slow":
            goes_on.wait(20)
        return [SALES]

    def use(port: int) -> list[str]:
        told: list[str] = []
        with Client(port) as client:
            client.log_in(ME, PASSWORDS[ME])
            for new in ("fails", "slow"):
                for state[0], path in (("answers", SALES), (new, SALES), (new, ME), ("answers", SALES)):
                    told.append(submit(client, f"n{len(told)}@a.example", path))
        goes_on.set()
        return told

    told, taken = serve(aliases_of, use, timeout=0.5)
    for row, four in (("aliases-fail", told[:4]), ("aliases-slow", told[4:])):
        assert [one[:8] for one in four] == ["DATA 250", "MAIL 451", "DATA 250", "DATA 250"]
        check_fault("aiosmtpd", row, [four[1]], "an answer: the next message")
    assert [recipient for recipient, _ in taken] == [f"n{number}@a.example" for number in (0, 2, 3, 4, 6, 7)]


def test_a_map_that_is_broken_and_gone_and_back(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    maps = MapFiles(write_maps(tmp_path), (), events.append)
    map_file = tmp_path / "senders"

    def use(port: int) -> list[str]:
        told: list[str] = []
        with Client(port) as client:
            client.log_in(ME, PASSWORDS[ME])
            for text in (f"{SALES}\n", "", "hr@test-sample.jp nobody\n", MAPS["senders"]):
                map_file.write_text(text)
                if not text:
                    map_file.unlink()
                told.append(submit(client, f"n{len(told)}@a.example", SALES))
        return told

    told, taken = serve(maps, use)
    assert [one[:8] for one in told] == ["DATA 250", "DATA 250", "MAIL 550", "DATA 250"]
    assert [event["kept"] for event in events] == [True, True, False, False]
    assert [recipient for recipient, _ in taken] == [f"n{number}@a.example" for number in (0, 1, 3)]
    check_fault("aiosmtpd", "map-broken", told[:1], "a good map: the next message")
    check_fault("aiosmtpd", "map-gone", told[1:2], "a good map: the next message")


def test_two_hundred_clients_at_once() -> None:
    """Issue: "nothing unjudged is accepted, nothing accepted is lost"."""

    def use(port: int) -> dict[int, str]:
        def one(number: int) -> str:
            with Client(port) as client:
                client.log_in(ME, PASSWORDS[ME])
                return submit(client, recipient_of(number), VICTIM if number % 2 else ME)

        return crowd(one)

    told, taken = serve(lambda _login: (), use)
    check_crowd(told, [recipient for recipient, _ in taken], disturbed=False)
    check_crowd_fault("aiosmtpd", "clients-200", told.values())

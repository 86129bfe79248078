"""The shared sessions with aiosmtpd: the server of docs/how-to/aiosmtpd.md, with the maps that all servers have."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from sessions import (
    INBOX,
    ME,
    PASSWORDS,
    SESSIONS,
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
from sendertrust.integrations.service import MapFiles

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope
    from aiosmtpd.smtp import Session as Connection

pytestmark = pytest.mark.socket

PAGE: Final = Path(__file__).parents[2] / "docs" / "how-to" / "aiosmtpd.md"
SERVER: Final = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[0]

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


def play_all(folder: Path) -> tuple[dict[str, list[str]], dict[str, Stored]]:
    """Run the page's server, with its accounts and aliases replaced; give the outcomes, and what it took."""
    names: dict[str, Any] = {}
    exec(compile(SERVER, PAGE.name, "exec"), names)  # noqa: S102 - the page is ours
    names["PASSWORDS"].clear()
    names["PASSWORDS"].update({login: password.encode() for login, password in PASSWORDS.items()})
    maps = MapFiles(write_maps(folder), (), lambda _: None)
    taken: dict[str, Stored] = {}

    async def aliases_of(self: object, login: str) -> Aliases:
        return await asyncio.to_thread(maps, login)

    async def handle_data(self: object, server: SMTP, session: Connection, envelope: Envelope) -> str:
        assert envelope.original_content is not None
        taken[envelope.rcpt_tos[0]] = Stored(envelope.mail_from or "", envelope.original_content)
        return "250 2.0.0 Queued"

    names["Submission"].aliases_of = aliases_of
    names["Queue"].handle_DATA = handle_data

    async def serve() -> dict[str, list[str]]:
        server = await names["listen"](0)
        port = server.sockets[0].getsockname()[1]
        try:
            return {session.id: await asyncio.to_thread(play, port, session) for session in SESSIONS}
        finally:
            server.close()
            await asyncio.sleep(0)

    return asyncio.run(serve()), taken


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

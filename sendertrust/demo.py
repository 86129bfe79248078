"""The E-Post document's own SMTP session, played over a real socket against a real server.

The server listens on loopback, knows one account, and decides at level
HEADER; the client sends what the document's telnet user types, and then one
honest message. The login in the document's AUTH line is spelled
``User1@test-sample.jp``: the account is found whatever its letter case.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sendertrust import EPOST, Action, TrustLevel
from sendertrust.integrations.aiosmtpd import SenderTrust

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["play", "serve"]

HOSTNAME: Final = "test-sample.jp"
ACCOUNT: Final = "user1@test-sample.jp"
PASSWORD: Final = "user1234"  # noqa: S105 - the document's own, in its AUTH line
_TIMEOUT: Final = 30.0

#: E-Post's rules at its highest level; but a submission server wants a login.
POLICY: Final = attrs.evolve(EPOST, level=TrustLevel.HEADER, unauthenticated=Action.REJECT)


class Step(NamedTuple):
    """What the client sends, and the reply that it must get (its beginning, where the rest varies)."""

    sent: tuple[str, ...]
    expected: str


SESSION: Final = (
    Step(("EHLO client.test-sample.jp",), "250-test-sample.jp"),
    Step(("AUTH PLAIN AFVzZXIxQHRlc3Qtc2FtcGxlLmpwAHVzZXIxMjM0",), "235 Authentication successful."),
    Step(("mail from: <user2@test-sample.jp>",), "550 Please mail to a valid e-mail address."),
    Step(("mail from: <user1@test-sample.jp>",), "250 <user1@test-sample.jp>... Sender ok."),
    Step(("rcpt to: <user2@test-sample.jp>",), "250 <user2@test-sample.jp>... Recipient ok."),
    Step(("data",), "354 "),
    Step(
        ("subject: test", "from: <user2@test-sample.jp>", "to: <user2@test-sample.jp>", "", "test.", "."),
        "552 Requested mail action aborted: caught by the filter setting.",
    ),
    # And the honest message that the document leaves to the reader.
    Step(("mail from: <user1@test-sample.jp>",), "250 <user1@test-sample.jp>... Sender ok."),
    Step(("rcpt to: <user2@test-sample.jp>",), "250 <user2@test-sample.jp>... Recipient ok."),
    Step(("data",), "354 "),
    Step(
        ("subject: test", "from: <user1@test-sample.jp>", "to: <user2@test-sample.jp>", "", "test.", "."),
        "250 Requested mail action okay, completed.",
    ),
    Step(("quit",), "221 test-sample.jp closing connection."),
)


class _Receiver:
    """Takes what is let through, in the document's words."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return f"250 <{address}>... Recipient ok."

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        return "250 Requested mail action okay, completed."

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        return f"221 {HOSTNAME} closing connection."


class _Handler(SenderTrust, _Receiver):
    policy = POLICY


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: LoginPassword
) -> AuthResult:
    # The account's own spelling is what is judged, not the one that the client typed.
    login, password = auth_data
    known = (login.lower(), password) == (ACCOUNT.encode(), PASSWORD.encode())
    message = "235 Authentication successful." if known else None
    return AuthResult(success=known, handled=False, message=message, auth_data=ACCOUNT)


async def _listen(port: int) -> asyncio.Server:
    loop = asyncio.get_running_loop()

    def factory() -> SMTP:
        return SMTP(
            _Handler(),
            hostname=HOSTNAME,
            ident="sendertrust demo",
            authenticator=_authenticate,
            auth_require_tls=False,
            timeout=_TIMEOUT,
            loop=loop,
        )

    return await loop.create_server(factory, "127.0.0.1", port)


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _read_reply(reader: asyncio.StreamReader) -> list[str]:
    """Read one reply, whose last line has a blank after its code (RFC 5321 4.2.1)."""
    lines: list[str] = []
    while not lines or lines[-1][3:4] == "-":
        lines.append((await reader.readuntil(b"\r\n")).decode("ascii", "backslashreplace").rstrip("\r\n"))
    return lines


async def _converse(port: int, show: Callable[[str], None]) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    as_expected = True
    try:
        for line in await _read_reply(reader):
            show(f"S: {line}")
        for sent, expected in SESSION:
            for line in sent:
                show(f"C: {line}")
            writer.write("".join(f"{line}\r\n" for line in sent).encode("ascii"))
            reply = await _read_reply(reader)
            for line in reply:
                show(f"S: {line}")
            if not reply[0].startswith(expected):
                show(f"!! expected: {expected}")
                as_expected = False
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    return as_expected


async def _play(show: Callable[[str], None]) -> bool:
    server = await _listen(port=0)
    try:
        async with asyncio.timeout(_TIMEOUT):
            return await _converse(_port(server), show)
    finally:
        server.close()


def play(show: Callable[[str], None]) -> bool:
    """Play the session; give each line of both sides to *show*; say whether every reply was as expected."""
    return asyncio.run(_play(show))


async def _serve(port: int, show: Callable[[str], None]) -> None:
    server = await _listen(port)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    show(f"Listening on 127.0.0.1 port {_port(server)}; account {ACCOUNT}, password {PASSWORD}.")
    show("Type, for instance:")
    for sent, _ in SESSION:
        for line in sent:
            show(f"    {line}")
    show("Stop with Ctrl-C.")
    await stopped.wait()
    server.close()


def serve(port: int, show: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, so that a person can use telnet; port 0 takes a free one."""
    asyncio.run(_serve(port, show))

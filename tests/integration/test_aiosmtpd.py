"""The aiosmtpd mix-in behind a real server on a real socket; what the client sees is asserted."""

from __future__ import annotations

import asyncio
import base64
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from aiosmtpd.handlers import Debugging
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sendertrust import EPOST, STRICT, SUBMISSION, Aliases, Policy, TrustLevel, Verdict, check_message
from sendertrust.integrations.aiosmtpd import SenderTrust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

pytestmark = pytest.mark.socket

ME = "user1@test-sample.jp"
OTHER = "user2@test-sample.jp"
SALES = "sales@test-sample.jp"
TIMEOUT = 20.0

Aliasing = Aliases | list[str] | tuple[str, ...] | set[str]


class Store:
    """Delivers: keeps what it is given."""

    def __init__(self) -> None:
        self.stored: list[tuple[str | None, bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.stored.append((envelope.mail_from, envelope.original_content or b""))
        return "250 2.0.0 stored"


class Handler(SenderTrust, Store):
    policy = SUBMISSION
    lookup_timeout = 0.2

    def __init__(self) -> None:
        super().__init__()
        self.lookups: list[str] = []
        self.answer: Aliasing | Exception = [SALES]
        self.verdicts: list[Verdict] = []

    async def aliases_of(self, login: str) -> Aliases | list[str] | tuple[str, ...] | set[str]:
        self.lookups.append(login)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def judged(self, verdict: Verdict, session: Session) -> None:
        super().judged(verdict, session)
        self.verdicts.append(verdict)


def authenticate(
    server: SMTP,
    session: Session,
    envelope: Envelope,
    mechanism: str,
    auth_data: LoginPassword,
) -> AuthResult:
    return AuthResult(success=auth_data.password == b"secret", handled=False, auth_data=auth_data)


@attrs.define
class Client:
    """Says exact octets, and reads exact replies."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> str:
        lines = []
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode("ascii").removesuffix("\r\n")
            lines.append(line)
            if line[3:4] != "-":
                return lines[-1]

    async def say(self, line: str | bytes) -> str:
        octets = line.encode() if isinstance(line, str) else line
        self.writer.write(octets + b"\r\n")
        return await self.read()

    async def log_in(self, login: str = ME, password: str = "secret") -> str:
        await self.say("EHLO client.example")
        credentials = base64.b64encode(f"\0{login}\0{password}".encode()).decode()
        return await self.say(f"AUTH PLAIN {credentials}")

    async def send(self, mail_from: str, header: str | bytes, options: str = "") -> str:
        """Send one message; give the reply to the first command that is refused, or to the last."""
        for command in (f"MAIL FROM:<{mail_from}>{options}", f"RCPT TO:<{OTHER}>", "DATA"):
            reply = await self.say(command)
            if reply[0] not in "23":
                return reply
        octets = header.encode() if isinstance(header, str) else header
        return await self.say(octets + b"\r\n\r\nbody\r\n.")


@asynccontextmanager
async def serving(handler: Any, **options: Any) -> AsyncIterator[Client]:
    loop = asyncio.get_running_loop()
    defaults: dict[str, Any] = {
        "hostname": "test-sample.jp",
        "authenticator": authenticate,
        "auth_require_tls": False,
        "loop": loop,
    }
    server = await loop.create_server(lambda: SMTP(handler, **defaults | options), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    client = Client(reader, writer)
    try:
        async with asyncio.timeout(TIMEOUT):
            await client.read()
            yield client
            await client.say("QUIT")
    finally:
        writer.close()
        server.close()
        await asyncio.sleep(0)


async def replies(handler: Handler, messages: Iterable[tuple[str, str | bytes]], **options: Any) -> list[str]:
    async with serving(handler, **options) as client:
        assert await client.log_in() == "235 2.7.0 Authentication successful"
        return [await client.send(mail_from, header) for mail_from, header in messages]


ACCEPTED = "250 2.0.0 stored"
NOT_MINE = (
    "550 5.7.1 Sender <user2@test-sample.jp> is not allowed for account user1@test-sample.jp:"
    " send from one of your own addresses"
)
FROM_NOT_MINE = (
    "550 5.7.1 From <user2@test-sample.jp> is not allowed for account user1@test-sample.jp:"
    " use one of your own addresses in From"
)
BAD = "554 5.6.0 Bad message header: "

SESSIONS = [
    pytest.param(ME, f"From: {ME}", ACCEPTED, id="own"),
    pytest.param(ME, f"From: Me <{ME}>", ACCEPTED, id="own-with-name"),
    pytest.param(SALES, f"From: {SALES}", ACCEPTED, id="alias"),
    pytest.param("USER1@TEST-SAMPLE.JP", f"FROM: {ME.upper()}", ACCEPTED, id="upper-case"),
    pytest.param("", f"From: {ME}", ACCEPTED, id="null-sender"),
    pytest.param("", f"From: {OTHER}", FROM_NOT_MINE, id="null-sender-does-not-skip-the-header"),
    pytest.param(OTHER, f"From: {ME}", NOT_MINE, id="foreign-envelope"),
    pytest.param(ME, f"From: {OTHER}", FROM_NOT_MINE, id="foreign-from"),
    pytest.param(ME, f"From: {ME}\r\nFrom: {OTHER}", BAD + "send one From field", id="two-from"),
    pytest.param(ME, f"From : {OTHER}\r\nFrom: {ME}", BAD + "send one From field", id="blank-before-colon"),
    pytest.param(ME, f"From : {ME}", BAD + "remove the blank before the colon of From", id="only-blank-before-colon"),
    pytest.param(ME, f"From:\r\n {OTHER}", FROM_NOT_MINE, id="folded"),
    pytest.param(ME, "To: x@example.net", BAD + "send one From field with an address", id="no-from"),
    pytest.param(ME, f"From: team: {ME}, {OTHER};", BAD + "write an address instead of a group", id="group"),
    pytest.param(ME, f"From: {ME}, {SALES}", BAD + "use one address in From", id="several"),
    pytest.param(
        ME, f"From: {OTHER} <{ME}>", BAD + "put the display name in double quotes", id="address-as-unquoted-name"
    ),
    pytest.param(
        ME,
        f"From: =?utf-8?q?=3C{OTHER}=3E?= <{ME}>".replace(f"3C{OTHER}", "3Cuser2=40test-sample.jp"),
        "550 5.7.1 From field not allowed for account user1@test-sample.jp:"
        " take the other address out of the display name",
        id="hidden-in-an-encoded-word",
    ),
    pytest.param(ME, f"X: y\nFrom: {OTHER}\r\nFrom: {ME}", BAD + "end header lines with CR LF", id="bare-lf"),
    pytest.param(
        ME, b"From: J\xfcrgen <user1@test-sample.jp>", BAD + "encode it as UTF-8 or as an encoded-word", id="latin-1"
    ),
    pytest.param(ME, f"From: 山田太郎 <{ME}>", ACCEPTED, id="utf-8"),
    pytest.param(ME, f"From: {ME}\r\nSender: {OTHER}", ACCEPTED, id="sender-is-ignored-by-this-policy"),
]


@pytest.mark.parametrize(("mail_from", "header", "reply"), SESSIONS)
def test_the_client_sees_the_exact_reply(mail_from: str, header: str | bytes, reply: str) -> None:
    handler = Handler()
    assert asyncio.run(replies(handler, [(mail_from, header)])) == [reply]
    assert len(handler.stored) == (reply == ACCEPTED)


@pytest.mark.parametrize(("mail_from", "header", "reply"), SESSIONS)
def test_what_is_delivered_is_what_was_judged(mail_from: str, header: str | bytes, reply: str) -> None:
    handler = Handler()
    asyncio.run(replies(handler, [(mail_from, header)]))
    for stored_from, content in handler.stored:
        assert check_message(ME, stored_from or "", content, [SALES], policy=SUBMISSION).allowed
        assert reply == ACCEPTED


def test_aliases_are_looked_up_once_a_transaction() -> None:
    handler = Handler()
    own = (ME, f"From: {ME}")
    assert asyncio.run(replies(handler, [own, own, (OTHER, ""), own])) == [ACCEPTED, ACCEPTED, NOT_MINE, ACCEPTED]
    assert handler.lookups == [ME] * 4  # one a MAIL command, none at DATA


async def _log_in_between() -> list[str]:
    async with serving(Handler()) as client:
        await client.say("EHLO client.example")
        return [
            await client.say(f"MAIL FROM:<{SALES}>"),
            await client.log_in(),
            await client.send(SALES, f"From: {SALES}"),
        ]


def test_what_was_known_before_the_login_is_forgotten() -> None:
    assert [reply[:3] for reply in asyncio.run(_log_in_between())] == ["530", "235", "250"]


async def _outage_between() -> list[str]:
    handler = Handler()
    handler.answer = OSError("directory down")
    async with serving(handler) as client:
        await client.log_in()
        refused = await client.say(f"MAIL FROM:<{SALES}>")
        handler.answer = [SALES]
        return [refused, await client.send(SALES, f"From: {SALES}")]


def test_an_outage_is_over_when_it_is_over() -> None:
    assert [reply[:3] for reply in asyncio.run(_outage_between())] == ["451", "250"]


async def _reset() -> tuple[list[str], Handler]:
    handler = Handler()
    async with serving(handler) as client:
        await client.log_in()
        said = [await client.say(f"MAIL FROM:<{ME}>"), await client.say("RSET")]
        handler.answer = []
        said += [await client.say(f"MAIL FROM:<{SALES}>"), await client.send(ME, f"From: {ME}")]
    return said, handler


def test_a_reset_begins_a_new_transaction() -> None:
    said, handler = asyncio.run(_reset())
    assert [line[:3] for line in said] == ["250", "250", "550", "250"]
    assert len(handler.lookups) == 3  # one a MAIL command


def test_a_failed_lookup_defers_what_it_might_have_allowed(caplog: pytest.LogCaptureFixture) -> None:
    handler = Handler()
    handler.answer = OSError("directory down")
    said = asyncio.run(replies(handler, [(SALES, ""), (ME, f"From: {SALES}"), (ME, f"From: {ME}")]))
    assert said == ["451 4.3.0 Sender lookup failed: try again later"] * 2 + [ACCEPTED]
    assert "looking up the aliases of 'user1@test-sample.jp' failed" in caplog.text


MISTAKE = "451 4.3.5 Server configuration error: try again later"


@pytest.mark.parametrize("answer", [None, "*@test-sample.jp", [b"bytes"]], ids=["none", "str", "bytes"])
def test_a_look_up_that_gives_something_else_is_said_to_be_a_mistake(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handler = Handler()
    handler.answer = answer
    assert asyncio.run(replies(handler, [(ME, f"From: {ME}")])) == [MISTAKE]
    assert "judging the envelope failed" in caplog.text
    assert "TypeError: pass " in caplog.text


class Forgetful(Handler):
    """Loses its policy between MAIL and DATA."""

    def judged(self, verdict: Verdict, session: Session) -> None:
        self.policy = "SUBMISSION"  # type: ignore[assignment]  # what a host may do


def test_a_mistake_at_data_lets_nothing_in(caplog: pytest.LogCaptureFixture) -> None:
    handler = Forgetful()
    assert asyncio.run(replies(handler, [(ME, f"From: {ME}")])) == [MISTAKE]
    assert not handler.stored
    assert "pass policy as a Policy" in caplog.text


class Slow(Handler):
    async def aliases_of(self, login: str) -> Aliases | list[str] | tuple[str, ...] | set[str]:
        await asyncio.sleep(TIMEOUT)
        return await super().aliases_of(login)


def test_a_lookup_that_hangs_defers() -> None:
    assert asyncio.run(replies(Slow(), [(SALES, "")])) == ["451 4.3.0 Sender lookup failed: try again later"]


async def _without_login(policy: Policy, password: str | None) -> tuple[str, Handler]:
    handler = Handler()
    handler.policy = policy
    async with serving(handler) as client:
        if password is None:
            await client.say("EHLO client.example")
        else:
            assert (await client.log_in(password=password))[:3] == "535"
        return await client.send(ME, f"From: {OTHER}"), handler


@pytest.mark.parametrize("password", [None, "wrong"])
def test_without_a_login_the_policy_decides_and_nothing_is_looked_up(password: str | None) -> None:
    reply, handler = asyncio.run(_without_login(SUBMISSION, password))
    assert reply == "530 5.7.0 Authentication required"
    reply, handler = asyncio.run(_without_login(EPOST, password))
    assert reply == ACCEPTED
    assert not handler.lookups


def test_the_level_can_be_set_apart_from_the_policy() -> None:
    handler = Handler()
    handler.level = TrustLevel.ENVELOPE
    assert asyncio.run(replies(handler, [(ME, f"From: {OTHER}"), (OTHER, "")])) == [ACCEPTED, NOT_MINE]


def test_strict_reads_sender_too() -> None:
    handler = Handler()
    handler.policy = STRICT
    assert asyncio.run(replies(handler, [(ME, f"From: {ME}\r\nSender: {OTHER}")])) == [
        (
            "550 5.7.1 Sender or Resent field not allowed: use your own addresses in Sender and Resent fields,"
            " or leave these out"
        )
    ]


def test_report_only_accepts_and_logs_the_real_decision(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sendertrust.integrations.aiosmtpd")
    handler = Handler()
    handler.policy = attrs.evolve(SUBMISSION, mode="report")
    assert asyncio.run(replies(handler, [(OTHER, f"From: {OTHER}")])) == [ACCEPTED]
    assert [verdict.decision.value for verdict in handler.verdicts] == ["reject", "reject"]
    assert caplog.text.count('decision="reject" action="accept"') == 2


async def _smtputf8() -> list[str]:
    handler = Handler()
    handler.answer = ["山田@例え.jp"]
    async with serving(handler, enable_SMTPUTF8=True) as client:
        await client.log_in()
        return [
            await client.send("山田@例え.jp", "From: 山田 <山田@xn--r8jz45g.jp>", " SMTPUTF8"),
            await client.send("鈴木@例え.jp", "", " SMTPUTF8"),
        ]


def test_international_addresses_and_ascii_replies() -> None:
    assert asyncio.run(_smtputf8()) == [
        ACCEPTED,
        (
            "550 5.7.1 Sender <@xn--r8jz45g.jp> is not allowed for account user1@test-sample.jp:"
            " send from one of your own addresses"
        ),
    ]


def test_decoded_data_is_judged_on_its_octets() -> None:
    handler = Handler()
    assert asyncio.run(replies(handler, [(ME, f"From: {ME}"), (ME, f"From: {OTHER}")], decode_data=True)) == [
        ACCEPTED,
        FROM_NOT_MINE,
    ]


def test_a_big_message_is_judged_by_its_header_alone() -> None:
    handler = Handler()
    header = f"From: {ME}\r\n\r\n" + "x" * 76 + ("\r\nFrom: " + OTHER) * 100_000
    assert asyncio.run(replies(handler, [(ME, header)])) == [ACCEPTED]


class Picky:
    """A handler with a MAIL hook of its own, which follows the mix-in's."""

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        envelope.mail_from = address
        return "250 2.1.0 picked"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return ACCEPTED


class PickyHandler(SenderTrust, Picky):
    pass


async def _picky() -> list[str]:
    async with serving(PickyHandler()) as client:
        await client.log_in()
        said = [await client.say(f"MAIL FROM:<{address}>") for address in (OTHER, ME)]
        await client.say("RSET")
        return [*said, await client.send(ME, f"From: {ME}")]


def test_hooks_of_the_following_class_are_called_for_what_is_allowed() -> None:
    assert asyncio.run(_picky()) == [NOT_MINE, "250 2.1.0 picked", ACCEPTED]


def test_a_class_that_would_lose_the_decision_is_refused() -> None:
    with pytest.raises(TypeError, match=r"WrongOrder.handle_DATA hides SenderTrust.handle_DATA: move it"):
        type("WrongOrder", (Store, SenderTrust), {})
    with pytest.raises(TypeError, match=r"Overrides.handle_MAIL hides"):
        type("Overrides", (SenderTrust, Store), {"handle_MAIL": None})


def test_a_class_that_would_lose_the_message_is_refused() -> None:
    with pytest.raises(TypeError, match="Alone has nothing to deliver with: add a handler class"):
        type("Alone", (SenderTrust,), {})
    assert issubclass(type("WithDebugging", (SenderTrust, Debugging), {}), SenderTrust)


class Base(SenderTrust, abstract=True):
    policy = STRICT


def test_several_handlers_may_have_one_base() -> None:
    assert issubclass(type("Concrete", (Base, Store), {}), Base)
    with pytest.raises(TypeError, match="Concrete has nothing to deliver with"):
        type("Concrete", (Base,), {})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"aliases_of": lambda _self, _login: []}, r"Wrong.aliases_of must be async"),
        ({"policy": "SUBMISSION"}, r"pass policy as a Policy"),
        ({"level": "header"}, r"pass level as a TrustLevel"),
    ],
    ids=["aliases_of", "policy", "level"],
)
def test_a_class_that_cannot_be_meant_is_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        type("Wrong", (SenderTrust, Store), attributes)


@pytest.mark.parametrize(
    ("authenticated", "auth_data", "login"),
    [
        (True, "a@b", "a@b"),
        (True, b"a@b", "a@b"),
        (True, b"\xff@b", "\udcff@b"),
        (True, LoginPassword(b"a@b", b"x"), "a@b"),
        (None, "a@b", None),
        (False, "a@b", None),
    ],
)
def test_where_the_login_is(authenticated: bool | None, auth_data: Any, login: str | None) -> None:  # noqa: FBT001
    session = Session(asyncio.new_event_loop())
    session.loop.close()
    session.authenticated, session.auth_data = authenticated, auth_data
    assert Handler().login_of(session) == login
    session.authenticated, session.auth_data = True, 7  # type: ignore[assignment]  # what a host may do
    with pytest.raises(TypeError, match=r"session.auth_data is int: override login_of"):
        Handler().login_of(session)


async def _default_aliases() -> object:
    return await type("Plain", (SenderTrust, Store), {})().aliases_of(ME)


def test_by_default_there_are_no_aliases() -> None:
    assert asyncio.run(_default_aliases()) == ()

"""The milter without a server and without pymilter: its transactions, and what it tells a libmilter that is none."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from sendertrust import EPOST, SUBMISSION
from sendertrust.integrations import milter as module
from sendertrust.integrations.milter import ACCEPT, CONTINUE, REJECT, TEMPFAIL, InFlight, Transactions, main, run
from sendertrust.integrations.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sendertrust import Policy

ME: Final = "user1@test-sample.jp"
OWN: Final = (("From", f" <{ME}>".encode()), ("To", b" <user2@test-sample.jp>"))
FOREIGN: Final = (("From", b" <ceo@victim.example>"),)
MISCONFIGURED: Final = ("451", "4.3.5", "Server configuration error: try again later")


@attrs.define
class Context:
    """What pymilter passes to each callback."""

    login: str | None = ME
    replies: list[tuple[str, str | None, str]] = attrs.field(factory=list)
    mine: Any = None

    def getsymval(self, name: str) -> str | None:
        assert name == "{auth_authen}"
        return self.login

    def setreply(self, code: str, enhanced: str | None, text: str) -> None:
        self.replies.append((code, enhanced, text))

    def setpriv(self, mine: Any) -> None:
        self.mine = mine

    def getpriv(self) -> Any:
        return self.mine


Events = list[dict[str, Any]]


def connection(
    policy: Policy = SUBMISSION, aliases_of: Callable[[str], Any] = lambda _: (), in_flight: InFlight | None = None
) -> tuple[Transactions, Events]:
    events: Events = []
    service = Service(name="milter", policy=policy, aliases_of=aliases_of, log=events.append, lookup_timeout=0.2)
    return Transactions(service, in_flight or InFlight()), events


def submit(one: Transactions, context: Context, path: bytes = f"<{ME}>".encode(), fields: Any = OWN) -> int:
    if (action := one.mail(context, path)) != CONTINUE:
        return action
    for name, body in fields:
        assert one.header(name, body) == CONTINUE
    return one.end_of_header(context)


def test_a_message_that_is_let_through() -> None:
    context = Context()
    one, events = connection()
    assert submit(one, context) == ACCEPT
    assert not context.replies
    assert [event["verdict"]["stage"] for event in events] == ["mail", "data"]


@pytest.mark.parametrize(
    ("path", "fields", "login", "action", "reply"),
    [
        (b"<ceo@victim.example>", OWN, ME, REJECT, ("550", "5.7.1", "Sender <ceo@victim.example>")),
        (b"<a%b@victim.example>", OWN, ME, REJECT, ("550", "5.7.1", "Sender <a%%b@victim.example>")),
        (b"<user1@test-sample.jp", OWN, ME, REJECT, ("501", "5.1.7", "Bad sender address syntax")),
        (b"<\xff@test-sample.jp>", OWN, ME, REJECT, ("501", "5.1.7", "Bad sender address syntax")),
        (b"<>", FOREIGN, ME, REJECT, ("550", "5.7.1", "From <ceo@victim.example>")),
        (b"<user1@test-sample.jp>", FOREIGN, ME, REJECT, ("550", "5.7.1", "From <ceo@victim.example>")),
        (b"<user1@test-sample.jp>", (), ME, REJECT, ("554", "5.6.0", "Bad message header: send one From")),
        (b"<user1@test-sample.jp>", OWN * 2, ME, REJECT, ("554", "5.6.0", "Bad message header: send one From")),
        (b"<user1@test-sample.jp>", (*OWN, ("From ", b"x")), ME, REJECT, ("554", "5.6.0", "Bad message header: ")),
        (b"<user1@test-sample.jp>", (*OWN, ("X", b"a\rb")), ME, REJECT, ("554", "5.6.0", "Bad message header: ")),
        (b"<user1@test-sample.jp>", (*OWN, (b"F\xfc", b"x")), ME, REJECT, ("554", "5.6.0", "Bad message header: ")),
        (b"<user1@test-sample.jp>", OWN, None, REJECT, ("530", "5.7.0", "Authentication required")),
        (b"<user1@test-sample.jp>", OWN, "", REJECT, ("530", "5.7.0", "Authentication required")),
    ],
)
def test_a_message_that_is_refused(
    path: bytes, fields: Any, login: str | None, action: int, reply: tuple[str, str, str]
) -> None:
    context = Context(login)
    assert submit(connection()[0], context, path, fields) == action
    ((code, enhanced, text),) = context.replies
    assert (code, enhanced) == reply[:2]
    assert text.startswith(reply[2])


def test_a_reply_without_an_enhanced_code() -> None:
    context = Context()
    policy = attrs.evolve(EPOST, level="header")
    assert submit(connection(policy)[0], context, b"<ceo@victim.example>") == REJECT
    assert context.replies == [("550", None, "Please mail to a valid e-mail address.")]


def test_folded_fields_are_judged_as_they_came() -> None:
    folded = (("From", f'\n "User"\n\t<{ME}>'.encode()),)
    assert submit(connection()[0], Context(), fields=folded) == ACCEPT


def raising(login: str) -> Any:
    msg = "no directory"
    raise OSError(msg)


def test_a_look_up_that_fails_defers_what_the_own_address_does_not_decide() -> None:
    one, _ = connection(aliases_of=raising)
    context = Context()
    assert submit(one, context) == ACCEPT
    assert submit(one, context, b"<ceo@victim.example>") == TEMPFAIL
    assert [reply[:2] for reply in context.replies] == [("451", "4.3.0")]


class Broken(Context):
    def getsymval(self, name: str) -> str | None:
        return name.encode("utf-16").decode("utf-8")  # as pymilter does with a macro that is no UTF-8


def test_a_mistake_is_never_an_acceptance() -> None:
    context = Context()
    one, events = connection()
    assert one.end_of_header(context) == TEMPFAIL  # nothing was asked at MAIL
    broken = Broken()
    assert one.mail(broken, b"<>") == TEMPFAIL
    assert context.replies == broken.replies == [MISCONFIGURED]
    assert [event["event"] for event in events] == ["error"] * 2


def test_nothing_is_left_of_the_transaction_before() -> None:
    context = Context()
    one, _ = connection()
    assert one.mail(context, f"<{ME}>".encode()) == CONTINUE
    one.header(*FOREIGN[0])
    assert submit(one, context) == ACCEPT
    assert one.mail(context, f"<{ME}>".encode()) == CONTINUE
    one.header(*FOREIGN[0])
    assert one.end() == CONTINUE
    assert one.end_of_header(context) == TEMPFAIL
    assert submit(one, context, b"<ceo@victim.example>") == REJECT
    assert one.end_of_header(context) == TEMPFAIL


@pytest.mark.parametrize(
    "fields",
    [[("X", b"y" * 900)] * 10_000, [("X", b"")] * 100_000, [("X", b"y" * 10_000_000)] * 3],
    ids=["long", "many", "huge"],
)
def test_what_is_kept_is_bounded_and_refused(fields: list[tuple[str, bytes]]) -> None:
    """Law, 4, size: "limits come before parsing, and hitting one is malformed"."""
    one, _ = connection()
    context = Context()
    assert one.mail(context, f"<{ME}>".encode()) == CONTINUE
    for field in (*OWN, *fields):
        one.header(*field)
    assert sum(len(body) for _, body in one._fields[:-1]) <= SUBMISSION.max_block_octets
    assert len(one._fields) <= 20_000
    assert one.end_of_header(context) == REJECT
    assert context.replies[0][:2] == ("554", "5.6.0")
    assert not one._fields


def test_in_flight_from_mail_to_the_end_of_the_header() -> None:
    in_flight = InFlight()
    one, _ = connection(in_flight=in_flight)
    context = Context()
    in_flight.remove(one)
    assert submit(one, context) == ACCEPT
    assert submit(one, context, b"<ceo@victim.example>") == REJECT
    assert not in_flight._connections
    assert one.mail(context, f"<{ME}>".encode()) == CONTINUE
    finishing = threading.Thread(target=in_flight.finish, args=(20,))
    finishing.start()
    other, _ = connection(in_flight=in_flight)
    while not in_flight._ending:
        time.sleep(0.001)
    assert submit(other, context) == TEMPFAIL
    assert context.replies[-1][:2] == ("451", "4.3.2")
    assert finishing.is_alive()
    for field in OWN:
        one.header(*field)
    assert one.end_of_header(context) == ACCEPT
    finishing.join(20)
    assert not finishing.is_alive()


class Libmilter(ModuleType):
    """Binds a socket and plays one message, as libmilter would; then it waits for ever."""

    TEMPFAIL, P_NOCONNECT, P_NOHELO, P_NORCPT, P_NODATA, P_NOUNKNOWN, P_NOBODY, P_HDR_LEADSPC = (
        4,
        1,
        2,
        4,
        8,
        16,
        32,
        64,
    )

    class error(Exception):  # noqa: N801, N818 - pymilter's name
        pass

    def __init__(self) -> None:
        super().__init__("milter")
        self.set: dict[str, Any] = {}
        self.context = Context()
        self.options = [0x1FF, 0x1FFF, 5, 5]
        self.actions: list[int] = []
        self.ends = False
        self.listening: socket.socket | None = None

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("set"):
            raise AttributeError(name)
        return lambda value: self.set.__setitem__(name, value)

    def register(self, name: str, *, negotiate: Any) -> None:
        self.set["negotiate"] = negotiate

    def opensocket(self, remove: bool) -> None:  # noqa: FBT001 - pymilter's
        assert not remove
        try:
            self.listening = socket.socket(socket.AF_UNIX)
            self.listening.bind(self.set["setconn"].removeprefix("unix:"))
        except OSError as error:
            msg = "cannot opensocket"
            raise self.error(msg) from error

    def main(self) -> None:
        if self.ends:
            msg = "cannot run main"
            raise self.error(msg)
        assert self.set["set_close_callback"](Context()) == CONTINUE  # of a connection that has not been negotiated
        context = self.context
        assert self.set["negotiate"](context, self.options) == CONTINUE
        self.actions.append(self.set["set_envfrom_callback"](context, f"<{ME}>".encode(), b"SIZE=100"))
        for name, body in OWN:
            self.actions.append(self.set["set_header_callback"](context, name, body))
        self.actions.append(self.set["set_eoh_callback"](context))
        self.actions.append(self.set["set_abort_callback"](context))
        self.actions.append(self.set["set_close_callback"](context))
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(20)


@pytest.fixture
def libmilter(monkeypatch: pytest.MonkeyPatch) -> Any:
    fake = Libmilter()
    monkeypatch.setitem(sys.modules, "milter", fake)
    monkeypatch.setattr(module, "_LAST_REPLIES", 0)
    yield fake
    if fake.listening is not None:
        fake.listening.close()


def test_run_until_sigterm(libmilter: Libmilter, tmp_path: Path) -> None:
    path = tmp_path / "s"
    before = signal.getsignal(signal.SIGTERM)
    modes: list[int] = []
    opensocket = libmilter.opensocket

    def opened(remove: bool) -> None:  # noqa: FBT001 - likewise
        opensocket(remove)
        modes.append(stat.S_IMODE(path.stat().st_mode))

    libmilter.opensocket = opened  # type: ignore[method-assign]
    assert main(["--socket", str(path), "--socket-mode", "640"]) == 0
    assert modes == [0o640]
    assert libmilter.actions == [CONTINUE, CONTINUE, CONTINUE, ACCEPT, CONTINUE, CONTINUE]
    assert libmilter.options == [0, 0x7F, 0, 0]
    assert libmilter.set["set_exception_policy"] == TEMPFAIL
    assert libmilter.set["setbacklog"] >= 200
    assert libmilter.context.getpriv() is None
    assert not path.exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_the_server_does_not_offer_is_not_asked_for(libmilter: Libmilter, tmp_path: Path) -> None:
    libmilter.options = [0, 0b11, 0, 0]
    run(Service(name="milter"), str(tmp_path / "s"), 0o600)
    assert libmilter.options == [0, 0b11, 0, 0]


@pytest.mark.parametrize("fault", ["in use", "no folder", "main"])
def test_a_socket_that_cannot_be_had_ends_with_2(
    libmilter: Libmilter, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as other:
        if fault == "in use":
            other.bind(str(path))
            other.listen()
        libmilter.ends = fault == "main"
        where = path if fault != "no folder" else path / "none" / "s"
        with pytest.raises(SystemExit) as end:
            main(["--socket", str(where)])
    assert end.value.code == 2
    said = {"in use": "another process listens", "no folder": "cannot listen at", "main": "cannot run main"}
    assert said[fault] in capsys.readouterr().err


def test_pymilter_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "milter", None)
    with pytest.raises(SystemExit) as end:
        main(["--socket", str(tmp_path / "s")])
    assert end.value.code == 2
    assert "pip install 'sendertrust[milter]'" in capsys.readouterr().err

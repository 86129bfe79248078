"""The policy protocol over a Unix socket, without Postfix: cut requests, quotes put back, a SIGTERM amid one."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from sendertrust import EPOST, SUBMISSION, TrustLevel
from sendertrust.integrations import postfix_policy as module
from sendertrust.integrations.postfix_policy import MAX_OCTETS, main
from sendertrust.integrations.service import MISCONFIGURED, Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.socket

ME = "user1@test-sample.jp"
VICTIM = "ceo@victim.example"
GO_ON = b"action=DUNNO\n\n"
REFUSED = b"action=550 5.7.1 Sender <"
BROKEN = f"action={MISCONFIGURED}\n\n".encode()


def request(sender: str | bytes = ME, login: str = ME, **more: str) -> bytes:
    octets = sender if isinstance(sender, bytes) else sender.encode()
    others = "".join(f"{name}={value}\n" for name, value in more.items())
    start = f"request=smtpd_access_policy\nprotocol_state=MAIL\n{others}sasl_username={login}\nsender=".encode()
    return start + octets + b"\n\n"


class Asking(threading.Thread):
    """Does something beside the server, which needs the main thread, and then ends it as systemd does."""

    def __init__(self, path: Path, what: Callable[[socket.socket], Any], *, ends: bool) -> None:
        super().__init__(daemon=True)
        self.path, self.what, self.ends, self.result = path, what, ends, None

    def run(self) -> None:
        try:
            with connect(self.path) as client:
                self.result = self.what(client)
        finally:
            if self.ends:  # a second SIGTERM, after the server has gone, would end the tests
                os.kill(os.getpid(), signal.SIGTERM)


def connect(path: Path) -> socket.socket:
    end = time.monotonic() + 20
    while True:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        try:
            client.connect(str(path))
        except OSError:
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
        else:
            return client


def answer(client: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\n\n") and (more := client.recv(1000)):
        said += more
    return said


def served(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: Callable[[socket.socket], Any],
    *argv: str,
    aliases_of: Callable[[str], Any] | None = None,
    ends: bool = True,
) -> Any:
    """Run the command in the main thread while *what* asks it."""
    if aliases_of is not None:
        made = Service(name="postfix-policy", policy=SUBMISSION, aliases_of=aliases_of, lookup_timeout=0.2)
        monkeypatch.setattr(module, "service", lambda *_: made)
    path = tmp_path / "s"
    asking = Asking(path, what, ends=ends)
    asking.start()
    assert main(["--socket", str(path), *argv]) == 0
    asking.join(20)
    assert not path.exists()
    return asking.result


def each(*requests: bytes) -> Callable[[socket.socket], list[bytes]]:
    def ask(client: socket.socket) -> list[bytes]:
        said = []
        for one in requests:
            client.sendall(one)
            said.append(answer(client))
        return said

    return ask


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request(), GO_ON),
        (request(more="unknown=to=us"), GO_ON),
        (request(""), GO_ON),
        (request(VICTIM), REFUSED + b"ceo@victim.example> is not allowed for account user1@test-sample.jp: "),
        (request("100%@victim.example"), REFUSED + b"100%@victim.example> "),
        (request(login=""), b"action=530 5.7.0 "),
        (request("", login=""), b"action=530 5.7.0 "),
        (request("user1"), b"action=501 5.1.7 "),
        (request("日本@victim.example"), REFUSED),
        (request(b"\xff@victim.example"), b"action=501 5.1.7 "),
        (request().replace(b"sender", b"xender"), BROKEN),
        (request().replace(b"sasl_username", b"x"), BROKEN),
        (request().replace(b"\n\n", b"\nsender=" + VICTIM.encode() + b"\n\n"), BROKEN),
        (b"\n", BROKEN),
    ],
)
def test_a_request_has_its_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bytes, said: bytes) -> None:
    """SMTPD_POLICY_README: "a reply of the form action=..." and an empty line; DUNNO lets other restrictions decide."""
    (found,) = served(tmp_path, monkeypatch, each(asked))
    if asked == b"\n":
        assert found == b""  # the listener takes it for the end
    else:
        assert found.startswith(said)
        assert found.count(b"\n") == 2


@pytest.mark.parametrize(
    ("sender", "quoted"),
    [
        (ME, ME),
        ("", ""),
        ("a b@d.example", '"a b"@d.example'),
        (f"{VICTIM}@test-sample.jp", f'"{VICTIM}"@test-sample.jp'),
        ('a"b\\c@d.example', '"a\\"b\\\\c"@d.example'),
        ("a..b@d.example", '"a..b"@d.example'),
        (".a@d.example", '".a"@d.example'),
        ("a.b@d.example", "a.b@d.example"),
        ("山@d.example", "山@d.example"),
        ("@d.example", '""@d.example'),
        ("nobody", "nobody"),
    ],
)
def test_the_quotes_that_postfix_takes_off_are_put_back(sender: str, quoted: str) -> None:
    """The page: "what stands before the last `@` is quoted unless it is a dot-atom"."""
    assert module._quoted(sender) == quoted


def test_a_quoted_local_part_is_not_taken_for_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = served(
        tmp_path, monkeypatch, each(request("user1@test-sample.jp@test-sample.jp"), request("user 1@test-sample.jp"))
    )
    assert said[0].startswith(b"action=501 5.1.7 ")
    assert said[1].startswith(REFUSED)


def test_several_requests_on_a_connection_and_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(client: socket.socket) -> list[bytes]:
        said = each(request(), request(VICTIM), request())(client)
        for octet in request(VICTIM):
            client.sendall(bytes([octet]))
        return [*said, answer(client)]

    first, second, third, fourth = served(tmp_path, monkeypatch, ask)
    assert first == third == GO_ON
    assert second == fourth
    assert second.startswith(REFUSED)


@pytest.mark.parametrize(
    "asked", [b"x=" + b"y" * (MAX_OCTETS + 1), b"x=y\n" * (MAX_OCTETS // 4 + 1)], ids=["line", "lines"]
)
def test_a_request_that_is_too_long_has_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bytes
) -> None:
    def ask(client: socket.socket) -> bytes:
        try:
            client.sendall(asked + b"\n\n")
            return answer(client)
        except ConnectionError:
            return b""

    assert served(tmp_path, monkeypatch, ask) == b""


def test_a_request_that_is_cut_has_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(client: socket.socket) -> bytes:
        client.sendall(request()[:-1])
        client.shutdown(socket.SHUT_WR)
        return answer(client)

    assert served(tmp_path, monkeypatch, ask) == b""


def raising(login: str) -> Any:
    msg = "no directory"
    raise OSError(msg)


def test_a_look_up_that_fails_or_is_slow_defers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def slow(login: str) -> list[str]:
        release.wait(20)
        return []

    for aliases_of in (raising, slow):
        own, other = served(tmp_path, monkeypatch, each(request(), request(VICTIM)), aliases_of=aliases_of)
        assert own == GO_ON
        assert other.startswith(b"action=451 4.3.0 ")
    release.set()


def test_sigterm_amid_a_request_finishes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, release = threading.Event(), threading.Event()

    def slow(login: str) -> list[str]:
        asked.set()
        release.wait(20)
        return [VICTIM]

    def ask(client: socket.socket) -> bytes:
        client.sendall(request(VICTIM))
        asked.wait(20)
        os.kill(os.getpid(), signal.SIGTERM)
        release.set()
        return answer(client)

    made = Service(name="postfix-policy", policy=SUBMISSION, aliases_of=slow)
    monkeypatch.setattr(module, "service", lambda *_: made)
    assert served(tmp_path, monkeypatch, ask, ends=False) == GO_ON


def test_the_policy_and_the_level_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert EPOST.level is TrustLevel.AUTH_ID
    assert served(tmp_path, monkeypatch, each(request(VICTIM)), "--policy", "EPOST") == [GO_ON]
    said = served(tmp_path, monkeypatch, each(request(VICTIM)), "--policy", "EPOST", "--level", "envelope")
    assert said == [b"action=550 Please mail to a valid e-mail address.\n\n"]
    assert served(tmp_path, monkeypatch, each(request(VICTIM)), "--report-only") == [GO_ON]
    assert capsys.readouterr().err.count('"decision": "reject"') == 2


def test_a_stale_socket_is_replaced_and_one_in_use_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
    assert served(tmp_path, monkeypatch, each(request())) == [GO_ON]
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(SystemExit) as end:
            main(["--socket", str(path)])
    assert end.value.code == 2
    assert "another process listens" in capsys.readouterr().err

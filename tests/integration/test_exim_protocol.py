"""The server that Exim's ACLs ask, without Exim: over its Unix socket, and as a process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from sendertrust import LOOKUP_FAILED
from sendertrust.integrations.exim import MAX_OCTETS, EximServer, main
from sendertrust.integrations.listener import Listener
from sendertrust.integrations.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

pytestmark = pytest.mark.socket

ME = "user1@test-sample.jp"
INFO = "info@test-sample.jp"
VICTIM = "ceo@victim.example"
TRY_AGAIN = b"451 4.3.5 Server configuration error: try again later"

Events = list[dict[str, Any]]


def b64(text: str | bytes) -> bytes:
    return base64.b64encode(text.encode() if isinstance(text, str) else text)


def request(sender: str | bytes = ME, header: str | bytes | None = None, login: str | bytes = ME) -> bytes:
    """Ask as the ACLs of docs/how-to/exim.md do."""
    asked = b"login=" + b64(login) + b"\nsender=" + b64(sender) + b"\n"
    return asked + (b"\n" if header is None else b"header=" + b64(header) + b"\n\n")


def from_(address: str) -> str:
    return f"Received: from x\n\tby y\nFrom: <{address}>\n"


def answers(*requests: bytes, aliases_of: Any = lambda _: [INFO], **options: Any) -> tuple[list[bytes], Events]:
    """Put requests to a server, without a socket."""
    events: Events = []
    server = EximServer(Service(name="exim", aliases_of=aliases_of, log=events.append, **options))

    async def ask() -> list[bytes]:
        return [await server.answer(one.removesuffix(b"\n\n").split(b"\n")) for one in requests]

    return asyncio.run(ask()), events


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (request(), b"OK"),
        (request(f"<{ME}>"), b"OK"),
        (request(INFO), b"OK"),
        (request(""), b"OK"),
        (request(ME, from_(ME)), b"OK"),
        (request("", from_(ME)), b"OK"),
        (request(INFO, from_(INFO)), b"OK"),
        (request(ME, from_("山" + ME)), b"550 5.7.1 "),
        (request(VICTIM), b"550 5.7.1 Sender <ceo@victim.example> is not allowed for account user1@test-sample.jp: "),
        (request(ME, from_(VICTIM)), b"550 5.7.1 From <ceo@victim.example> is not allowed "),
        (request("", from_(VICTIM)), b"550 5.7.1 From "),
        (request("a b"), b"501 5.1.7 "),
        (request(b"\xff@x"), b"501 5.1.7 "),
        (request(ME, from_(ME) + f"From : <{VICTIM}>\n"), b"554 5.6.0 "),
        (request(ME, f"From: <{ME}>\r\n"), b"554 5.6.0 "),
        (request(ME, ""), b"554 5.6.0 "),
        (request(login=""), b"530 5.7.0 Authentication required"),
        (request(ME, from_(ME), login=""), b"554 5.7.0 "),
        (request(login=b"\xff"), b"550 5.7.1 "),
        (request(login=f"{ME}\nlogin={VICTIM}"), b"550 5.7.1 "),
    ],
)
def test_a_question_has_its_reply(asked: bytes, answer: bytes) -> None:
    [said], events = answers(asked)
    assert said == answer if answer == b"OK" else said.startswith(answer)
    assert re.fullmatch(rb"OK|[45][0-9]{2} [245]\.[0-9]+\.[0-9]+ [ -~]+", said)
    assert [event["event"] for event in events] == ["decision"]


NO_QUESTIONS = {
    "nothing": b"\n\n",
    "no-login": b"sender=" + b64(ME) + b"\n\n",
    "no-sender": b"login=" + b64(ME) + b"\n\n",
    "header-alone": b"header=" + b64(from_(ME)) + b"\n\n",
    "another-name": request()[:-1] + b"from=" + b64(ME) + b"\n\n",
    "header-misspelt": request(ME, from_(VICTIM)).replace(b"header=", b"headers="),
    "letter-case": request().replace(b"login=", b"Login="),
    "login-twice": b"login=" + b64(VICTIM) + b"\n" + request(),
    "sender-twice": b"sender=" + b64(ME) + b"\n" + request(VICTIM),
    "no-equals-sign": b"login\nsender\n\n",
    "plain": f"login={ME}\nsender={ME}\n\n".encode(),
    "padding": b"login=dXNlcg\nsender=" + b64(ME) + b"\n\n",
    "padding-inside": b"login=dXNlcg==dXNlcg==\nsender=" + b64(ME) + b"\n\n",
    "blanks": request().replace(b"=", b"= ", 1),
    "url-safe": b"login=" + b64(ME) + b"\nsender=_-__\n\n",
    "octets": b"login=\xff\nsender=\x00\n\n",
    "carriage-return": request().replace(b"\n", b"\r\n"),
    "header-cut": request(ME, from_(ME)[:-1]),
    "header-cut-at-64k": request(ME, from_(ME) + ("X: " + "y" * 96 + "\n") * 655 + "X: " + "y" * (35 - 52 + 65) + "\n"),
    "header-of-1m": request(ME, from_(ME) + ("X: " + "y" * 96 + "\n") * 10_000),
}


@pytest.mark.parametrize("asked", NO_QUESTIONS.values(), ids=NO_QUESTIONS)
def test_what_the_acls_do_not_ask_is_never_accepted(asked: bytes) -> None:
    """Issue 5: "nothing unjudged is accepted (the server answers 4xx)"."""
    [said], events = answers(asked)
    assert said == TRY_AGAIN
    assert [event["event"] for event in events] == ["error"]
    assert events[0]["what"] == "judging a submission"


@pytest.mark.parametrize(("octets", "judged"), [(64 * 1024 - 1, True), (64 * 1024, False), (64 * 1024 + 1, False)])
def test_a_header_that_exim_may_have_cut(octets: int, judged: bool) -> None:  # noqa: FBT001 - a column
    """Exim gives the first 64 KiB of $message_headers_raw: who has so much may have more."""
    block = from_(ME) + ("X: " + "y" * 96 + "\n") * 654
    block += "X: " + "y" * (octets - len(block) - 4) + "\n"
    assert len(block) == octets
    [said], events = answers(request(ME, block))
    assert said == (b"OK" if judged else TRY_AGAIN)
    if not judged:
        assert events[0]["reason"] == (
            f"ValueError: Exim may have cut a header of {octets} octets: set header_maxsize to less than 64K"
        )


def test_the_longest_question_fits_the_socket() -> None:
    longest = request("x" * 1024, "x" * 65536, "x" * 1024)
    assert len(longest) < MAX_OCTETS


@pytest.mark.parametrize("aliases_of", [lambda _: 1 / 0, lambda _: None, lambda _: LOOKUP_FAILED])
def test_a_look_up_that_fails_defers(aliases_of: Any) -> None:
    """Law, 4, lookup failed: "An outage is never a permanent rejection and never an acceptance"."""
    said, _ = answers(request(INFO), request(), request(ME, from_(INFO)), aliases_of=aliases_of)
    assert [one[:10] for one in said] == [b"451 4.3.0 ", b"OK", b"451 4.3.0 "]


def test_a_look_up_that_is_slow_defers() -> None:
    end = threading.Event()
    try:
        said, events = answers(request(INFO), aliases_of=lambda _: end.wait(20), lookup_timeout=0.01)
    finally:
        end.set()
    assert said[0].startswith(b"451 4.3.0 ")
    assert events[0]["reason"] == "TimeoutError: TimeoutError"


# Over the socket


def served(path: Path, scenario: Callable[[], Coroutine[Any, Any, None]], aliases_of: Any = lambda _: [INFO]) -> Events:
    events: Events = []
    server = EximServer(Service(name="exim", aliases_of=aliases_of, lookup_timeout=20.0, log=events.append))
    listener = Listener(server.answer, max_octets=MAX_OCTETS)

    async def run() -> None:
        running = asyncio.create_task(listener.run(str(path), 0o600))
        await asyncio.wait_for(listener.listening.wait(), 20)
        try:
            await asyncio.wait_for(scenario(), 20)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(running, 20)

    asyncio.run(run())
    return events


async def ask(path: Path, *parts: bytes) -> bytes:
    """Ask as ${readsocket} does: all of it, then shut the sending side, then read to the end."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)
        writer.write_eof()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


LONG = request(ME, from_(VICTIM) + ("X: " + "y" * 96 + "\n") * 600)


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ((request(),), b"OK"),
        ([request()[i : i + 1] for i in range(len(request()))], b"OK"),
        ((LONG[:70_000], LONG[70_000:]), b"550 5.7.1 "),
        ((), b""),
        ((b"\n",), b""),
        ((request()[:-1],), b""),
        ((request()[:20],), b""),
        ((LONG[:70_000],), b""),
        ((b"login=" + b"A" * MAX_OCTETS + b"\n\n",), b""),
        ((b"login=\n" * (MAX_OCTETS // 7 + 1) + b"\n",), b""),
    ],
    ids=[
        "at-once",
        "octet-by-octet",
        "long",
        "nothing",
        "empty",
        "no-empty-line",
        "cut-in-a-line",
        "cut-in-the-header",
        "too-long",
        "too-many-lines",
    ],
)  # fmt: skip
def test_a_request_over_the_socket(tmp_path: Path, parts: tuple[bytes, ...], answer: bytes) -> None:
    async def scenario() -> None:
        said = await ask(tmp_path / "s", *parts)
        assert said.startswith(answer) if len(answer) > 2 else said == answer

    served(tmp_path / "s", scenario)


def test_a_hundred_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        asked = [request(), request(VICTIM), request(ME, from_(ME)), request(ME, from_(VICTIM))] * 25
        said = await asyncio.gather(*(ask(tmp_path / "s", one) for one in asked))
        assert [one[:4] for one in said] == [b"OK", b"550 ", b"OK", b"550 "] * 25

    assert len(served(tmp_path / "s", scenario)) == 100


def test_sigterm_while_a_request_is_judged_finishes_it(tmp_path: Path) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def aliases_of(_login: str) -> list[str]:
        asked.set()
        go_on.wait(20)
        return [INFO]

    async def scenario() -> None:
        waiting = asyncio.create_task(ask(tmp_path / "s", request(INFO)))
        assert await asyncio.to_thread(asked.wait, 20)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0)
        go_on.set()
        assert await waiting == b"OK"

    served(tmp_path / "s", scenario, aliases_of)


# As it is run


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "senders").write_text(f"{INFO} {ME}\n")
    command = [sys.executable, "-m", "sendertrust.integrations.exim", "--socket", str(tmp_path / "s")]
    with (tmp_path / "log").open("wb") as log:
        started = subprocess.Popen([*command, "--map", str(tmp_path / "senders")], stderr=log)  # noqa: S603
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def connect(path: Path, process: subprocess.Popen[bytes]) -> socket.socket:
    while True:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(20)
        try:
            client.connect(str(path))
        except OSError:
            client.close()
            assert process.poll() is None
        else:
            return client


def test_the_process(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    said = []
    for one in (request(INFO), request(VICTIM), request(ME, from_(VICTIM))):
        with connect(tmp_path / "s", process) as client:
            client.sendall(one)
            client.shutdown(socket.SHUT_WR)
            said.append(client.makefile("rb").read()[:9])
    assert said == [b"OK", b"550 5.7.1", b"550 5.7.1"]
    process.terminate()
    assert process.wait(20) == 0
    assert not (tmp_path / "s").exists()
    events = [json.loads(line) for line in (tmp_path / "log").read_text(encoding="ascii").splitlines()]
    assert [(event["event"], event["service"], event["verdict"]["decision"]) for event in events] == [
        ("decision", "exim", "accept"),
        ("decision", "exim", "reject"),
        ("decision", "exim", "reject"),
    ]


def test_main_runs_until_sigterm(tmp_path: Path) -> None:
    path, said = tmp_path / "s", []

    def client() -> None:
        with connect(path, ended) as connection:
            connection.sendall(request(VICTIM))
            connection.shutdown(socket.SHUT_WR)
            said.append(connection.makefile("rb").read()[:9])
        os.kill(os.getpid(), signal.SIGTERM)

    class Ended:
        @staticmethod
        def poll() -> None:
            return None

    ended: Any = Ended()
    asking = threading.Thread(target=client)
    asking.start()
    assert main(["--socket", str(path)]) == 0
    asking.join(20)
    assert said == [b"550 5.7.1"]


def test_a_socket_that_cannot_be_had_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--socket", str(tmp_path / "none" / "s")])
    assert end.value.code == 2
    assert "No such file" in capsys.readouterr().err

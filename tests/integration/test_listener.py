"""The Unix socket of `postfix_policy` and `exim`, without either: cut, long, half-closed, in flight at the end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest

from sendertrust.integrations import listener as module
from sendertrust.integrations.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from pathlib import Path

pytestmark = pytest.mark.socket

MAX = 100


async def echo(request: list[bytes]) -> bytes:
    return b"|".join(request) + b"\n"


def serve(
    path: Path,
    scenario: Callable[[asyncio.Task[None]], Coroutine[Any, Any, None]],
    answer: Callable[[list[bytes]], Awaitable[bytes]] = echo,
    mode: int = 0o600,
) -> None:
    """Run a listener and a scenario beside it, and end the listener as systemd does."""

    problems: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, problem: problems.append(problem))
        listener = Listener(answer, max_octets=MAX)
        server = asyncio.create_task(listener.run(str(path), mode))
        await asyncio.wait_for(listener.listening.wait(), 20)
        try:
            await asyncio.wait_for(scenario(server), 20)
        finally:
            if not server.done():
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(server, 20)

    asyncio.run(main())
    assert not problems


async def ask(path: Path, *parts: bytes, half_closed: bool = True) -> bytes:
    """Send octets in parts, and read until the listener hangs up."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)  # so that they arrive one by one
        if half_closed:
            writer.write_eof()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ([b"a\nb\n\n"], b"a|b\n"),
        ([b"a", b"\nb", b"\n", b"\n"], b"a|b\n"),
        ([b"a\n\nb\n\n"], b"a\nb\n"),
        ([b"a\n\n", b"b\n\n"], b"a\nb\n"),
        ([b"a\r\n\n"], b"a\r\n"),
        ([b"\xff\x00\n\n"], b"\xff\x00\n"),
        ([b"x" * (MAX - 2) + b"\n\n"], b"x" * (MAX - 2) + b"\n"),
        ([], b""),
        ([b"\n"], b""),
        ([b"a"], b""),
        ([b"a\n"], b""),
        ([b"a\nb"], b""),
        ([b"a\n\nb\n"], b"a\n"),
        ([b"x" * (MAX - 1) + b"\n\n"], b""),
        ([b"x" * (MAX + 1) + b"\n\n"], b""),
        ([b"x" * MAX * 10], b""),
        ([b"x\n" * MAX + b"\n"], b""),
        ([b"a\r\n\r\n"], b""),
    ],
    ids=[
        "one",
        "in-parts",
        "two-at-once",
        "two",
        "carriage-return",
        "octets",
        "longest",
        "nothing",
        "empty",
        "cut-in-a-line",
        "cut-after-a-line",
        "cut-in-the-second",
        "second-cut",
        "one-octet-too-long",
        "line-too-long",
        "endless-line",
        "lines-too-long",
        "crlf-ends-nothing",
    ],
)
def test_a_request_has_its_answer_or_none(tmp_path: Path, parts: list[bytes], answer: bytes) -> None:
    """Listener: "A request of more than *max_octets* closes its connection unanswered, and so does one that is cut"."""

    async def scenario(_server: asyncio.Task[None]) -> None:
        assert await ask(tmp_path / "s", *parts) == answer
        assert await ask(tmp_path / "s", b"after\n\n") == b"after\n"

    serve(tmp_path / "s", scenario)


def test_a_client_that_has_gone_before_the_answer(tmp_path: Path) -> None:
    asked = asyncio.Event()
    gone = asyncio.Event()

    async def answer(request: list[bytes]) -> bytes:
        if request != [b"big"]:
            return await echo(request)
        asked.set()
        await gone.wait()
        return b"x" * 10_000_000

    async def scenario(_server: asyncio.Task[None]) -> None:
        _, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
        writer.write(b"big\n\n")
        await asked.wait()
        writer.transport.abort()
        gone.set()
        assert await ask(tmp_path / "s", b"after\n\n") == b"after\n"

    serve(tmp_path / "s", scenario, answer)


def test_clients_do_not_wait_for_each_other(tmp_path: Path) -> None:
    waiting: list[list[bytes]] = []
    all_there = asyncio.Event()

    async def answer(request: list[bytes]) -> bytes:
        waiting.append(request)
        if len(waiting) == 100:
            all_there.set()
        await all_there.wait()
        return await echo(request)

    async def scenario(_server: asyncio.Task[None]) -> None:
        asked = (ask(tmp_path / "s", f"{number}\n\n".encode()) for number in range(100))
        assert await asyncio.gather(*asked) == [f"{number}\n".encode() for number in range(100)]

    serve(tmp_path / "s", scenario, answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_answers_what_is_judged_and_takes_no_more(tmp_path: Path, number: signal.Signals) -> None:
    """Issue 5: "SIGTERM finishes what is in flight"."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer(request: list[bytes]) -> bytes:
        asked.set()
        await go_on.wait()
        return await echo(request)

    async def scenario(server: asyncio.Task[None]) -> None:
        idle = asyncio.create_task(ask(tmp_path / "s", b"half a reque", half_closed=False))
        busy = asyncio.create_task(ask(tmp_path / "s", b"busy\n\nmore\n\n", half_closed=False))
        await asked.wait()
        os.kill(os.getpid(), number)
        assert await idle == b""
        assert not (tmp_path / "s").exists()
        assert not server.done()
        go_on.set()
        # One that keeps its connection, as Postfix does, does not keep the listener.
        assert await busy == b"busy\n"
        await server

    serve(tmp_path / "s", scenario, answer)


def test_what_hangs_at_the_end_is_left_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.01)
    asked = asyncio.Event()

    async def answer(_request: list[bytes]) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario(server: asyncio.Task[None]) -> None:
        hung = asyncio.create_task(ask(tmp_path / "s", b"hung\n\n", half_closed=False))
        await asked.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await server
        hung.cancel()

    serve(tmp_path / "s", scenario, answer)


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
def test_the_mode_of_the_socket(tmp_path: Path, mode: int) -> None:
    async def scenario(_server: asyncio.Task[None]) -> None:
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == mode

    serve(tmp_path / "s", scenario, mode=mode)
    assert not (tmp_path / "s").exists()


def test_a_socket_that_is_taken_away_meanwhile(tmp_path: Path) -> None:
    async def scenario(_server: asyncio.Task[None]) -> None:
        (tmp_path / "s").unlink()

    serve(tmp_path / "s", scenario)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "s"))

    async def scenario(_server: asyncio.Task[None]) -> None:
        assert await ask(tmp_path / "s", b"a\n\n") == b"a\n"

    serve(tmp_path / "s", scenario)


def refused(path: Path) -> str:
    try:
        asyncio.run(Listener(echo, max_octets=MAX).run(str(path), 0o600))
    except OSError as refusal:
        return str(refusal)
    pytest.fail("it was had")


def test_a_file_that_is_no_socket_is_left(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    assert refused(tmp_path / "s") == f"{tmp_path / 's'} is there and is no socket"
    assert (tmp_path / "s").read_text() == "mine"


@pytest.mark.parametrize("waiting", [0, 1], ids=["free", "full"])
def test_a_socket_that_another_process_listens_at_is_left(tmp_path: Path, waiting: int) -> None:
    with socket.socket(socket.AF_UNIX) as other, socket.socket(socket.AF_UNIX) as client:
        other.bind(str(tmp_path / "s"))
        other.listen(0)
        for _ in range(waiting):  # a queue of none holds one
            client.connect(str(tmp_path / "s"))
        assert refused(tmp_path / "s") == f"another process listens at {tmp_path / 's'}"
        assert (tmp_path / "s").is_socket()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none" / "s")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "Not a directory" in refused(tmp_path / "file" / "s")


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    assert "too long" in refused(tmp_path / ("x" * 200))

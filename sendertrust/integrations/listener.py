"""A Unix socket that answers requests, and ends without losing one: for postfix_policy and exim."""

from __future__ import annotations

import asyncio
import signal
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sendertrust.integrations.service import GRACE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    #: Takes one request, as the lines before an empty one, and gives the answer as it goes out.
    Answer: TypeAlias = Callable[[list[bytes]], Awaitable[bytes]]

__all__ = ["Listener", "remove_stale"]

_BACKLOG: Final = 1024


class Listener:
    """Serves requests of lines that end in an empty line, any number on a connection.

    A request of more than *max_octets* closes its connection unanswered, and
    so does one that is cut: the mail server then defers.
    """

    def __init__(self, answer: Answer, *, max_octets: int) -> None:
        """Take what answers, and how long a request may be."""
        self._answer, self._max_octets = answer, max_octets
        self._idle: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        #: Is set when `run` listens.
        self.listening = asyncio.Event()

    def main(self, parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
        """Run as the command line says, until SIGTERM; leave with status 2 if the socket cannot be had."""
        try:
            asyncio.run(self.run(options.socket, options.socket_mode))
        except OSError as error:
            parser.error(str(error))
        return 0

    async def run(self, path: str, mode: int) -> None:
        """Listen at *path* until SIGTERM or SIGINT; raise `OSError` if it cannot be had."""
        bound = _bind(path, mode)
        server = await asyncio.start_unix_server(self._serve, sock=bound, limit=self._max_octets, backlog=_BACKLOG)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ended.set)
        self.listening.set()
        await self._ended.wait()
        server.close()
        _unlink(path)
        await self._finish()

    async def _finish(self) -> None:
        """Answer what is being judged; leave who asks nothing."""
        for task in self._idle:
            task.cancel()
        if pending := self._idle | self._busy:
            await asyncio.wait(pending, timeout=GRACE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is what runs this; tells mypy so
        self._idle.add(task)
        try:
            while not self._ended.is_set() and (request := await self._request(reader)):
                self._idle.discard(task)
                self._busy.add(task)
                writer.write(await self._answer(request))
                await writer.drain()
                self._busy.discard(task)
                self._idle.add(task)
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # the client has gone, or asks too much, or the end has come
        finally:
            self._idle.discard(task)
            self._busy.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> list[bytes]:
        """Read lines up to an empty one; none if the client has gone before that."""
        lines: list[bytes] = []
        left = self._max_octets
        while line := await reader.readline():
            left -= len(line)
            if left < 0:
                return []
            if line == b"\n":
                return lines
            lines.append(line[:-1])
        return []


def _bind(path: str, mode: int) -> socket.socket:
    """Give a socket at *path* that nobody can connect to yet, with its mode."""
    remove_stale(path)
    bound = socket.socket(socket.AF_UNIX)
    try:
        bound.bind(path)
        Path(path).chmod(mode)
    except BaseException:
        bound.close()
        raise
    return bound


def _unlink(path: str) -> None:
    Path(path).unlink(missing_ok=True)


def remove_stale(path: str) -> None:
    """Take away the socket of a process that has ended; anything else there is a mistake."""
    try:
        kind = Path(path).stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        msg = f"{path} is there and is no socket"
        raise FileExistsError(msg)
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)  # one that is full listens too: BlockingIOError
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            _unlink(path)
            return
        except BlockingIOError:
            pass
    msg = f"another process listens at {path}"
    raise FileExistsError(msg)

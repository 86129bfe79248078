r"""OpenSMTPD: a filter on stdin and stdout (smtpd-filters(7), protocols 0.6 and 0.7).

smtpd says, in lines of which the last field may hold further bars::

    "report|" version "|" time "|smtp-in|" event "|" session "|" values
    "filter|" version "|" time "|smtp-in|" phase "|" session "|" token "|" value

and each ``filter`` line wants one answer::

    "filter-result|" session "|" token "|" ( "proceed" / "reject|" reply )
    "filter-dataline|" session "|" token "|" line

The envelope is judged at ``mail-from``, the header, together with it, at
``commit``: on the lines that were passed on, which are what is stored. smtpd
ends a line at LF and drops one CR before it, cuts it at NUL, and adds its own
Received field first. What it does after the filter: it takes Bcc away, and
changes some From fields, which are judged as malformed (``opensmtpd_from``).

Embed it with ``asyncio.run(run(service))``, or let smtpd run it as it is::

    python -m sendertrust.integrations.opensmtpd --policy SUBMISSION --map FILE
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.integrations.command_line import arguments, service
from sendertrust.integrations.opensmtpd_from import as_stored
from sendertrust.integrations.service import GRACE, MISCONFIGURED, Account, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sendertrust import Reply

__all__ = ["Filter", "main", "run"]

_EVENTS: Final = ("link-auth", "link-disconnect", "tx-reset", "tx-rollback")
_PHASES: Final = ("mail-from", "data-line", "commit")
_CHUNK: Final = 256 * 1024

# smtpd ends if an answer has another one.
_ID: Final = re.compile(rb"[0-9a-fA-F]{1,16}")
_REQUEST: Final = 7  # fields that every request has
_REPORT: Final = 6
# How strnvis(3) writes what is not printable, a blank or a backslash in a login.
_VIS: Final = re.compile(rb"\\(?:(\\)|([0-7]{3})|(M?)([-^])(.))", re.DOTALL)


@attrs.define
class _Transaction:
    sender: bytes
    account: Account | None = None  # until the look-up has answered
    block: bytearray = attrs.field(factory=bytearray)
    in_header: bool = True


@attrs.define
class _Session:
    login: str | None = None
    transaction: _Transaction | None = None


class Filter:
    """Answers what smtpd asks; to be used in an event loop."""

    def __init__(self, service: Service, write: Callable[[bytes], None]) -> None:
        """Take who judges, and what takes the answers: whole lines."""
        self._service, self._write = service, write
        self._sessions: dict[bytes, _Session] = {}
        self._lookups: set[asyncio.Task[None]] = set()
        self._rest = b""
        # The last octets belong to the two line ends, which `check_message` does not count.
        self._enough = service.policy.max_block_octets + len(b"\n\n")

    def feed(self, octets: bytes) -> None:
        """Take what has been read, however it is cut."""
        *lines, self._rest = (self._rest + octets).split(b"\n")
        if answers := b"".join(map(self._answer, lines)):
            self._write(answers)

    async def finish(self) -> None:
        """Wait for the look-ups that are under way, and their answers."""
        if self._lookups:
            await asyncio.wait(self._lookups, timeout=GRACE)

    def _answer(self, line: bytes) -> bytes:
        """Answer one line; nothing if it asks nothing."""
        kind = line[: line.find(b"|")]
        if line == b"config|ready":
            reports = "".join(f"register|report|smtp-in|{event}\n" for event in _EVENTS)
            filters = "".join(f"register|filter|smtp-in|{phase}\n" for phase in _PHASES)
            return f"{reports}{filters}register|ready\n".encode()
        if kind == b"report" and len(fields := line.split(b"|", _REPORT)) >= _REPORT:
            self._report(fields[1], fields[4], fields[5], b"".join(fields[_REPORT:]))
        elif kind == b"filter" and len(fields := line.split(b"|", _REQUEST)) >= _REQUEST:
            session, token, value = fields[5], fields[6], b"".join(fields[_REQUEST:])
            if _ID.fullmatch(session) and _ID.fullmatch(token):
                return self._request(fields[4], session, token, value)
        return b""

    def _report(self, version: bytes, event: bytes, session: bytes, values: bytes) -> None:
        if event == b"link-auth":
            self._sessions.setdefault(session, _Session()).login = self._login(version, values)
        elif event == b"link-disconnect":
            self._sessions.pop(session, None)
        elif event in (b"tx-reset", b"tx-rollback") and session in self._sessions:
            self._sessions[session].transaction = None

    def _login(self, version: bytes, values: bytes) -> str | None:
        """Give who has logged in; 0.7 has the result first, and a login may hold bars."""
        if version == b"0.7":
            result, _, login = values.partition(b"|")
        elif version == b"0.6":
            login, _, result = values.rpartition(b"|")
        else:
            self._service.failed("reading a login", ValueError(f"unknown filter protocol {version!r}"))
            return None
        return _VIS.sub(_unvis, login).decode("utf-8", "surrogateescape") if result == b"pass" else None

    def _request(self, phase: bytes, session: bytes, token: bytes, value: bytes) -> bytes:
        found = self._sessions.get(session)
        if phase == b"data-line":
            if found and found.transaction:
                self._keep(found.transaction, value)
            return b"filter-dataline|%b|%b|%b\n" % (session, token, value)
        if phase == b"mail-from":
            found = self._sessions.setdefault(session, _Session())
            found.transaction = _Transaction(value)
            task = asyncio.get_running_loop().create_task(self._mail(found.login, found.transaction, session, token))
            self._lookups.add(task)
            task.add_done_callback(self._lookups.discard)
            return b""
        try:
            mail = found.transaction if found and phase == b"commit" else None
            if mail is None or mail.account is None:
                return self._failed(session, token, ValueError(f"{phase!r} without a judged MAIL"))
            return _result(session, token, mail.account.data(mail.sender, as_stored(mail.block), line_ends="lf"))
        except Exception as error:  # noqa: BLE001 - a mistake in the site's code: nothing unjudged is accepted
            return self._failed(session, token, error)

    async def _mail(self, login: str | None, mail: _Transaction, session: bytes, token: bytes) -> None:
        try:
            account = await self._service.account_async(login)
            answer = _result(session, token, account.mail(mail.sender))
            mail.account = account
        except Exception as error:  # noqa: BLE001 - likewise
            answer = self._failed(session, token, error)
        self._write(answer)

    def _keep(self, mail: _Transaction, line: bytes) -> None:
        """Keep a line of the header, but of one that is too long no more than shows that it is."""
        if mail.in_header and line != b"." and len(mail.block) <= self._enough:
            mail.block += line[line.startswith(b".") :] + b"\n"
        mail.in_header = mail.in_header and line not in (b"", b".")

    def _failed(self, session: bytes, token: bytes, error: Exception) -> bytes:
        self._service.failed("judging a submission", error)
        return _result(session, token, MISCONFIGURED)


def _result(session: bytes, token: bytes, reply: Reply | str | None) -> bytes:
    result = "proceed" if reply is None else f"reject|{reply}"
    return b"filter-result|%b|%b|%b\n" % (session, token, result.encode("ascii"))


def _unvis(match: re.Match[bytes]) -> bytes:
    backslash, octal, meta, kind, char = match.groups()
    if backslash:
        return b"\\"
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    octet = char[0] ^ 0x40 if kind == b"^" else char[0]
    return bytes([octet | 0x80 if meta else octet])


async def run(service: Service, stdin: int = 0, stdout: int = 1) -> None:
    """Serve until smtpd closes *stdin*, or until SIGTERM or SIGINT: then smtpd ends as well, whatever the status.

    smtpd has one socket for both, so that neither may be made non-blocking;
    it always reads.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def write(octets: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # smtpd has gone, and its sessions with it
            while octets:
                octets = octets[os.write(stdout, octets) :]

    def read() -> None:
        octets = b""
        with contextlib.suppress(ConnectionResetError):
            octets = os.read(stdin, _CHUNK)
        if octets:
            server.feed(octets)
        else:
            loop.remove_reader(stdin)
            ended.set()

    server = Filter(service, write)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_reader(stdin, read)
    await ended.wait()
    loop.remove_reader(stdin)
    await server.finish()


def main(argv: Sequence[str] | None = None) -> int:
    """Run until smtpd ends, or SIGTERM."""
    parser = arguments("sendertrust.integrations.opensmtpd", "Answer OpenSMTPD as a filter.", socket=False)
    options = parser.parse_args(argv)
    asyncio.run(run(service("opensmtpd", parser, options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the integrations share: whose aliases, the log, a map that changes, the command line.

An integration extracts what its server tells it and writes what the server
understands; a `Service` does what lies between::

    account = service.account(login)            # once a transaction: its aliases are looked up
    reply = account.mail(envelope_from)         # None, or what to answer
    reply = account.data(envelope_from, fields, line_ends="lf")

Nothing here accepts what was not judged: a look-up that raises or takes too
long is a directory that did not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from collections import deque
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Aliases,
    Policy,
    Reply,
    TrustLevel,
    check,
    check_message,
    reply_for,
)
from sendertrust.maps import SenderMap, format_and_file, read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from sendertrust import Verdict

    #: Gives what a login may send as beside its own address; whatever it raises is an outage.
    AliasesOf: TypeAlias = Callable[[str], Any]
    #: Takes one event, such as a decision, as JSON values.
    Log: TypeAlias = Callable[[dict[str, Any]], None]

__all__ = ["Account", "MapFiles", "Service", "arguments", "log_to_stderr", "service"]

_POLICIES: Final = {policy.name: policy for policy in (EPOST, SUBMISSION, STRICT)}
_LOOKUPS_AT_ONCE: Final = 16
_LOOKUPS_REST: Final = 10.0  # seconds that a thread waits for the next one before it ends
_LOOKUPS_WAITING: Final = 1024  # more clients than mail servers let in, those included that have given up
_ONE_LINE: Final = threading.Lock()
_MAX_REASON: Final = 2_000  # letters of it in the log: a map may have a million bad lines

# States of a map file that no file has: it is not there; it could not be read.
_GONE: Final = (0,)
_UNREAD: Final = ()

# The reply to a mistake in the site's own code, which is logged: nobody's mail is lost by it.
MISCONFIGURED: Final = Reply(451, "4.3.5", "Server configuration error: try again later")
GRACE: Final = 30.0  # seconds for what is in flight when the end comes


def log_to_stderr(event: dict[str, Any]) -> None:
    """Write one event as one line of JSON."""
    line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}, ensure_ascii=True)
    with _ONE_LINE:  # threads share it, and a line that is longer than a buffer is written in parts
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _no_aliases(_login: str) -> tuple[str, ...]:
    return ()


class _Threads:
    """The threads of the look-ups: each is used again, and one that hangs holds up no other.

    They are daemons, which those of a ThreadPoolExecutor are not: one that
    hangs does not keep the process from ending.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Callable[[], None]] = deque()
        self._number = self._idle = 0

    def run(self, work: Callable[[], None]) -> bool:
        """Have *work*, which never raises, done as soon as may be; say no if too much waits already."""
        with self._changed:
            if len(self._waiting) >= _LOOKUPS_WAITING:
                return False
            self._waiting.append(work)
            if len(self._waiting) > self._idle and self._number < _LOOKUPS_AT_ONCE:
                threading.Thread(target=self._run, daemon=True, name="sendertrust-lookup").start()
                self._number += 1
            self._changed.notify()
            return True

    def _run(self) -> None:
        while work := self._next():
            work()
            del work  # it holds what was found

    def _next(self) -> Callable[[], None] | None:
        """Wait for work, but not for ever: a thread ends when there is none."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._waiting, _LOOKUPS_REST)
            self._idle -= 1
            if self._waiting:
                return self._waiting.popleft()
            self._number -= 1
            return None


@attrs.frozen(kw_only=True, eq=False)
class Service:
    """How one mail server is served: what is asked of whom, and who is told.

    *name* is how the log calls it. *aliases_of* gives what a login may send
    as beside its own address: an `Aliases`, a collection that `check` takes,
    or ``LOOKUP_FAILED``. It is called in a thread, of which there are at most
    16, at most *lookup_timeout* seconds are waited for it, and whatever it
    raises counts as a failed look-up. *log* takes every decision and every failure as a `dict` of JSON
    values. Raises what `check` raises for a policy or level that it would not
    take.
    """

    name: str
    policy: Policy = SUBMISSION
    level: TrustLevel | None = None
    aliases_of: AliasesOf = _no_aliases
    lookup_timeout: float = 10.0
    log: Log = log_to_stderr
    _threads: _Threads = attrs.field(init=False, factory=_Threads, repr=False)

    def __attrs_post_init__(self) -> None:
        """Say now what is wrong with them."""
        check(None, "", UNSEEN, policy=self.policy, level=self.level)

    def account(self, login: str | None) -> Account:
        """Look up the aliases of who logged in, if anybody did."""
        if not login:
            return Account(self, None, Aliases())
        future = self._ask(login)
        try:
            found = future.result(self.lookup_timeout)
        except TimeoutError as error:
            found = self._late(login, future, error)
        return Account(self, login, found)

    async def account_async(self, login: str | None) -> Account:
        """Do the same in an event loop, which goes on meanwhile."""
        if not login:
            return Account(self, None, Aliases())
        future = self._ask(login)
        try:
            found = await asyncio.wait_for(asyncio.wrap_future(future), self.lookup_timeout)
        except TimeoutError as error:
            found = self._late(login, future, error)
        return Account(self, login, found)

    def failed(self, what: str, error: BaseException) -> None:
        """Log what went wrong; the client is told to try again."""
        reason = str(error) or type(error).__name__
        self.log({"event": "error", "service": self.name, "what": what, "reason": f"{type(error).__name__}: {reason}"})

    def _ask(self, login: str) -> Future[Aliases]:
        """Begin a look-up in another thread."""
        future: Future[Aliases] = Future()
        if not self._threads.run(lambda: self._look_up(login, future)):
            future.set_result(self._failed(login, TimeoutError("too many look-ups wait already")))
        return future

    def _look_up(self, login: str, future: Future[Aliases]) -> None:
        if not future.set_running_or_notify_cancel():
            return  # nobody waits for it any more
        try:
            future.set_result(self._found(login))
        except BaseException as error:  # noqa: BLE001 - the log fails: whoever waits for the answer is told
            future.set_exception(error)

    def _found(self, login: str) -> Aliases:
        try:
            return Aliases.union(self.aliases_of(login))
        except BaseException as error:  # noqa: BLE001 - an outage of any kind is "try again", and never an acceptance
            return self._failed(login, error)

    def _late(self, login: str, future: Future[Aliases], error: TimeoutError) -> Aliases:
        future.cancel()  # if it has not begun, nobody waits for it any more
        return self._failed(login, error)

    def _failed(self, login: str, error: BaseException) -> Aliases:
        self.failed(f"looking up the aliases of {login!a}", error)
        return Aliases.union(LOOKUP_FAILED)


@attrs.frozen
class Account:
    """Who logged in to one session, and what the directory said of them when it was asked."""

    service: Service
    login: str | None
    aliases: Aliases

    def mail(self, envelope_from: str | bytes) -> Reply | None:
        """Judge ``MAIL FROM``; give the reply, or None if the server may go on."""
        service = self.service
        verdict = check(self.login, envelope_from, UNSEEN, self.aliases, level=service.level, policy=service.policy)
        return self._answer(verdict)

    def data(
        self,
        envelope_from: str | bytes,
        message: bytes | Sequence[tuple[str | bytes, str | bytes]],
        *,
        line_ends: Literal["crlf", "lf"],
    ) -> Reply | None:
        """Judge a message, its header block or its fields likewise, together with the envelope."""
        service = self.service
        verdict = check_message(
            self.login,
            envelope_from,
            message,
            self.aliases,
            level=service.level,
            policy=service.policy,
            line_ends=line_ends,
        )
        return self._answer(verdict)

    def _answer(self, verdict: Verdict) -> Reply | None:
        self.service.log({"event": "decision", "service": self.service.name, "verdict": verdict.to_dict()})
        return None if verdict.allowed else reply_for(verdict)


class MapFiles:
    """The aliases that map files give, each read again when it changes.

    A file that is gone, or has a bad line, leaves what was read before in
    force, and the reason is logged once. While one thread reads, the others
    use what is there.
    """

    def __init__(self, specs: Sequence[str], local_domains: Sequence[str], log: Log) -> None:
        """Read all files; raise `OSError` or `ValueError` if one cannot be read at all, or has a bad line."""
        self._files = [_MapFile(spec, local_domains, log) for spec in specs]

    def __call__(self, login: str) -> Aliases:
        """Give what the maps let a login send as."""
        return Aliases.union(*(file.current().may(login) for file in self._files))


class _MapFile:
    def __init__(self, spec: str, local_domains: Sequence[str], log: Log) -> None:
        self._spec, self._local_domains, self._log = spec, tuple(local_domains), log
        self._reading = threading.Lock()
        _, self._file = format_and_file(spec)
        # Taken before the file is read, here and below: what changes meanwhile is seen at the next question.
        self._seen = self._state()
        self._site = read(spec, local_domains=self._local_domains)
        self._reason = ""

    def current(self) -> SenderMap:
        if self._state() != self._seen and self._reading.acquire(blocking=False):
            try:
                state = self._state()
                if state != self._seen:  # another thread may have read it before this one had the lock
                    self._read_again(state)
            finally:
                self._reading.release()
        return self._site

    def _state(self) -> tuple[int, ...]:
        """Tell one state of the file from another; the time of its change counts, since a mode may let it be read."""
        try:
            state = Path(self._file).stat()
        except OSError:
            return _GONE
        return state.st_mtime_ns, state.st_ctime_ns, state.st_size, state.st_ino

    def _read_again(self, state: tuple[int, ...]) -> None:
        try:
            self._site = read(self._spec, local_domains=self._local_domains)
        except OSError as error:
            self._seen = _UNREAD  # it may pass without a change of the file, so the next question tries again
            self._kept(str(error))
        except ValueError as error:
            self._seen = state
            self._kept(str(error))
        else:
            self._seen, self._reason = state, ""
            self._log({"event": "map", "file": self._file, "kept": False, "entries": len(self._site.entries)})

    def _kept(self, reason: str) -> None:
        if reason != self._reason:
            more = f" and {len(reason) - _MAX_REASON} letters more" if len(reason) > _MAX_REASON else ""
            self._log({"event": "map", "file": self._file, "kept": True, "reason": reason[:_MAX_REASON] + more})
        self._reason = reason


def arguments(name: str, description: str, *, socket: bool = True) -> argparse.ArgumentParser:
    """Give the command line that all have; *socket* says whether there is one to listen on."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description, allow_abbrev=False)
    if socket:
        parser.add_argument("--socket", metavar="PATH", required=True, help="the Unix socket to listen on")
        parser.add_argument("--socket-mode", metavar="OCTAL", type=_mode, default=0o660, help="(default: 660)")
    parser.add_argument("--policy", metavar="NAME", default="SUBMISSION", help="EPOST, SUBMISSION or STRICT")
    parser.add_argument("--level", metavar="L", help="auth, envelope or header (default: the policy's)")
    parser.add_argument("--map", metavar="[FORMAT:]FILE", action="append", default=[], help="who may send as what")
    parser.add_argument("--default-domain", metavar="D", help="the domain of a login or an alias that has none")
    parser.add_argument("--subaddress", metavar="C", default="", help="what begins a subaddress, such as +")
    parser.add_argument("--report-only", action="store_true", help="refuse nothing, log what would be refused")
    return parser


def service(
    name: str, parser: argparse.ArgumentParser, options: argparse.Namespace, log: Log = log_to_stderr
) -> Service:
    """Make a service of what the command line says, or leave with status 2 and what is wrong."""
    preset = _POLICIES.get(options.policy.upper())
    if preset is None:
        parser.error(f"unknown policy {options.policy!r}: write one of {', '.join(_POLICIES)}")
    try:
        policy = attrs.evolve(
            preset,
            mode="report" if options.report_only else "enforce",
            default_domain=options.default_domain,
            subaddress=options.subaddress,
        )
        local_domains = () if policy.default_domain is None else (policy.default_domain,)
        return Service(
            name=name,
            policy=policy,
            level=None if options.level is None else TrustLevel.parse(options.level),
            aliases_of=MapFiles(options.map, local_domains, log) if options.map else _no_aliases,
            log=log,
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _mode(text: str) -> int:
    if text and set(text) <= set("01234567") and int(text, 8) <= 0o777:
        return int(text, 8)
    msg = f"write an octal number from 0 to 777, not {text!r}"
    raise argparse.ArgumentTypeError(msg)

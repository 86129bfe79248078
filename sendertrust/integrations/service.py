"""What the integrations share: whose aliases, the decisions, the log.

An integration extracts what its server tells it and writes what the server
understands; a `Service` does what lies between::

    account = service.account(login)            # once a transaction: its aliases are looked up
    reply = account.mail(envelope_from)         # None, or what to answer
    reply = account.data(envelope_from, fields, line_ends="lf")

Nothing here accepts what was not judged: a look-up that raises or takes too
long is a directory that did not answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import deque
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from sendertrust import (
    LOOKUP_FAILED,
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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from sendertrust import Verdict

    #: Gives what a login may send as beside its own address; whatever it raises is an outage.
    AliasesOf: TypeAlias = Callable[[str], Any]
    #: Takes one event, such as a decision, as JSON values.
    Log: TypeAlias = Callable[[dict[str, Any]], None]

__all__ = ["GRACE", "MISCONFIGURED", "Account", "Service", "log_to_stderr"]

_LOOKUPS_AT_ONCE: Final = 16
_LOOKUPS_REST: Final = 10.0  # seconds that a thread waits for the next one before it ends
_LOOKUPS_WAITING: Final = 1024  # more clients than mail servers let in, those included that have given up
_ONE_LINE: Final = threading.Lock()

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
    raises counts as a failed look-up. *log* takes every decision and every
    failure as a `dict` of JSON values. Raises what `check` raises for a policy
    or level that it would not take.
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

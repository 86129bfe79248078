"""Milter, for Postfix and Sendmail: the envelope at MAIL, all header fields at their end.

It needs pymilter (extra ``milter``), a binding of libmilter. What is judged:
the argument of MAIL as the client wrote it, for the account that the macro
``{auth_authen}`` names; and the header fields in the order in which they
came, names and bodies as octets, with the blanks that lead a body where the
server offers to leave them (``SMFIP_HDR_LEADSPC``).

What it hides: lines have LF alone; what the server takes for no header field
it hands on as body; a body is cut at NUL, which the server must refuse
(Postfix: ``message_reject_characters``).

Embed it with `run`, or run it as it is::

    python -m sendertrust.integrations.milter --socket PATH --policy SUBMISSION --map FILE
"""

from __future__ import annotations

import functools
import importlib
import operator
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sendertrust import Reply
from sendertrust.integrations.command_line import arguments, service
from sendertrust.integrations.listener import remove_stale
from sendertrust.integrations.service import GRACE, MISCONFIGURED, Account, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["InFlight", "Transactions", "main", "run"]

# pymilter has no types: its module, and what it passes to each callback.
LibMilter: TypeAlias = Any
Context: TypeAlias = Any

# mfapi.h: what a callback tells libmilter to do.
CONTINUE: Final = 0
REJECT: Final = 1
ACCEPT: Final = 3
TEMPFAIL: Final = 4

_BACKLOG: Final = 1024
_LAST_REPLIES: Final = 0.2  # libmilter writes a reply after the callback that gives it has returned
_MAX_FIELDS: Final = 20_000  # twice what is ever allowed: what is refused anyhow need not be kept

_ENDING: Final = Reply(451, "4.3.2", "Sender check restarts: try again later")


class Transactions:
    """The mail transactions of one connection, as the callbacks of libmilter tell them.

    *in_flight* holds it from MAIL to the end of the header.
    """

    def __init__(self, service: Service, in_flight: InFlight) -> None:
        """Begin a connection."""
        self._service, self._in_flight = service, in_flight
        self._forget()

    def mail(self, context: Context, path: bytes) -> int:
        """Judge the envelope sender; whatever was before is over."""
        self.end()
        return self._answer(context, lambda: self._mail(context, path), otherwise=CONTINUE)

    def header(self, name: str | bytes, body: bytes) -> int:
        """Keep a field, unless there is already more than the policy allows."""
        if self._octets <= self._service.policy.max_block_octets and len(self._fields) < _MAX_FIELDS:
            self._fields.append((name, body))
            self._octets += len(name) + len(":\n") + len(body)
        return CONTINUE

    def end_of_header(self, context: Context) -> int:
        """Judge the envelope together with the fields; the body is of no interest."""
        action = self._answer(context, self._data, otherwise=ACCEPT)
        self.end()
        return action

    def end(self) -> int:
        """Forget the transaction: it is over, or the client has thought better of it, or has gone."""
        self._forget()
        self._in_flight.remove(self)
        return CONTINUE

    def _forget(self) -> None:
        self._account: Account | None = None
        self._path = b""
        self._fields: list[tuple[str | bytes, bytes]] = []
        self._octets = 0

    def _mail(self, context: Context, path: bytes) -> Reply | None:
        if not self._in_flight.add(self):
            return _ENDING
        account = self._service.account(context.getsymval("{auth_authen}"))
        self._account, self._path = account, path
        return account.mail(path)

    def _data(self) -> Reply | None:
        if self._account is None:
            msg = "the end of a header without an envelope before it"
            raise RuntimeError(msg)
        return self._account.data(self._path, self._fields, line_ends="lf")

    def _answer(self, context: Context, judged: Callable[[], Reply | None], *, otherwise: int) -> int:
        try:
            reply = judged()
        except Exception as error:  # noqa: BLE001 - a mistake in the site's code: nothing unjudged is accepted
            self._service.failed("judging a submission", error)
            reply = MISCONFIGURED
        if reply is None:
            return otherwise
        self.end()
        # A % begins an escape there.
        context.setreply(str(reply.code), reply.enhanced or None, reply.text.replace("%", "%%"))
        return TEMPFAIL if reply.code < 500 else REJECT


class InFlight:
    """The connections that are amid a transaction, from MAIL to the end of the header."""

    def __init__(self) -> None:
        """Begin with none."""
        self._changed = threading.Condition()
        self._connections: set[Transactions] = set()
        self._ending = False

    def add(self, connection: Transactions) -> bool:
        """Take one more, unless the end has come."""
        with self._changed:
            if not self._ending:
                self._connections.add(connection)
            return not self._ending

    def remove(self, connection: Transactions) -> None:
        """Let go of one, which need not be there."""
        with self._changed:
            self._connections.discard(connection)
            self._changed.notify_all()

    def finish(self, seconds: float) -> None:
        """Take no more, and wait until there is none, but not for ever."""
        with self._changed:
            self._ending = True
            self._changed.wait_for(lambda: not self._connections, seconds)


def run(service: Service, path: str, mode: int) -> None:
    """Serve at a Unix socket until SIGTERM or SIGINT; raise `OSError` if it cannot be had.

    It must be called in the main thread, once a process: such is libmilter.
    """
    milter = importlib.import_module("milter")
    in_flight = InFlight()
    _register(milter, service, in_flight)
    milter.setconn(f"unix:{path}")
    milter.setbacklog(_BACKLOG)
    _open(milter, path, mode)
    ended = threading.Event()
    failures: list[str] = []

    def serve() -> None:
        try:
            milter.main()
        except milter.error as error:
            failures.append(str(error))
        finally:
            ended.set()

    # libmilter would take a signal for the end of all, amid messages. A signal goes to the main thread where that lets
    # it in, so libmilter, which waits for it in another one, hears of none.
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        threading.Thread(target=serve, daemon=True, name="libmilter").start()
        ended.wait()
        Path(path).unlink(missing_ok=True)
        in_flight.finish(GRACE)
        time.sleep(_LAST_REPLIES)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failures:
        raise OSError(failures[0])


def _register(milter: LibMilter, service: Service, in_flight: InFlight) -> None:
    unused = ("NOCONNECT", "NOHELO", "NORCPT", "NODATA", "NOUNKNOWN", "NOBODY")
    wanted = functools.reduce(operator.or_, (getattr(milter, f"P_{step}") for step in (*unused, "HDR_LEADSPC")))

    def negotiate(context: Context, options: list[int]) -> int:
        context.setpriv(Transactions(service, in_flight))
        options[:] = [0, options[1] & wanted, 0, 0]
        return CONTINUE

    milter.set_flags(0)
    milter.set_exception_policy(milter.TEMPFAIL)
    milter.set_envfrom_callback(lambda context, path, *_: context.getpriv().mail(context, path))
    milter.set_header_callback(lambda context, name, body: context.getpriv().header(name, body))
    milter.set_eoh_callback(lambda context: context.getpriv().end_of_header(context))
    milter.set_abort_callback(lambda context: context.getpriv().end())
    milter.set_close_callback(_close)
    milter.register(service.name, negotiate=negotiate)


def _close(context: Context) -> int:
    """Let go of a connection, also of one that was never negotiated."""
    connection = context.getpriv()
    context.setpriv(None)
    return CONTINUE if connection is None else int(connection.end())


def _open(milter: LibMilter, path: str, mode: int) -> None:
    remove_stale(path)
    before = os.umask(0o777 & ~mode)
    try:
        milter.opensocket(False)  # noqa: FBT003 - what is there already is not taken away
    except milter.error as error:
        msg = f"cannot listen at {path}: {error}"
        raise OSError(msg) from error
    finally:
        os.umask(before)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM."""
    parser = arguments("sendertrust.integrations.milter", "Answer Postfix or Sendmail as a milter.")
    options = parser.parse_args(argv)
    try:
        run(service("milter", parser, options), options.socket, options.socket_mode)
    except ImportError:
        parser.error("pymilter is not installed: pip install 'sendertrust[milter]'")
    except OSError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())

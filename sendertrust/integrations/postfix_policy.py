"""Postfix policy delegation (SMTPD_POLICY_README): the envelope sender at MAIL or RCPT.

Postfix asks one server before it goes on, in lines::

    request   = 1*( name "=" value LF ) LF
    answer    = "action=" action LF LF

What it hides: the header, so that ``HEADER`` is never reached here (use the
milter for that); and the quotes of a local part, which are put back: what
stands before the last ``@`` is quoted unless it is a dot-atom. Postfix has
cleaned the address before, so what is judged is what it will use.

Embed it as ``Listener(PolicyServer(service).answer, max_octets=MAX_OCTETS)``,
or run it as it is::

    python -m sendertrust.integrations.postfix_policy --socket PATH --policy SUBMISSION --map FILE
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.integrations.command_line import arguments, service
from sendertrust.integrations.listener import Listener
from sendertrust.integrations.service import MISCONFIGURED, Service

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_OCTETS", "PolicyServer", "main"]

MAX_OCTETS: Final = 64 * 1024

_GO_ON: Final = "DUNNO"
_DOT_ATOM: Final = re.compile(r'[^\x00-\x20"(),:;<>@\[\]\\.\x7f]+(?:\.[^\x00-\x20"(),:;<>@\[\]\\.\x7f]+)*')
_NEEDS_ESCAPE: Final = re.compile(r'(["\\])')


@attrs.frozen
class PolicyServer:
    """Answers the requests of Postfix."""

    service: Service

    async def answer(self, request: list[bytes]) -> bytes:
        """Answer one request, given as its lines."""
        try:
            action = await self._action(request)
        except Exception as error:  # noqa: BLE001 - a mistake in the site's code: nothing unjudged is accepted
            self.service.failed("judging the envelope", error)
            action = str(MISCONFIGURED)
        return f"action={action}\n\n".encode("ascii")

    async def _action(self, request: list[bytes]) -> str:
        fields = [line.decode("utf-8", "surrogateescape").partition("=") for line in request]
        values = {name: value for name, _, value in fields}
        if len(values) != len(fields):
            msg = "an attribute comes twice"
            raise ValueError(msg)
        account = await self.service.account_async(values["sasl_username"])
        reply = account.mail(_quoted(values["sender"]))
        return _GO_ON if reply is None else str(reply)


def _quoted(sender: str) -> str:
    """Put the quotes back that Postfix has taken off."""
    local, at, domain = sender.rpartition("@")
    if not at or _DOT_ATOM.fullmatch(local):
        return sender
    return '"' + _NEEDS_ESCAPE.sub(r"\\\1", local) + '"@' + domain


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM."""
    parser = arguments("sendertrust.integrations.postfix_policy", "Answer Postfix policy requests.")
    options = parser.parse_args(argv)
    server = PolicyServer(service("postfix-policy", parser, options))
    return Listener(server.answer, max_octets=MAX_OCTETS).main(parser, options)


if __name__ == "__main__":
    sys.exit(main())

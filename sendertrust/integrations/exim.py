r"""Exim: ``${readsocket}`` from the ACLs, the raw header block in base64.

Exim asks in lines, and takes what comes back for an SMTP reply::

    request = "login=" base64 LF "sender=" base64 LF [ "header=" base64 LF ] LF
    answer  = "OK" / reply                        ; no line end: it becomes part of the text

``$authenticated_id`` and ``$sender_address`` go in as they are, and in the
ACL of DATA ``$message_headers_raw``: Exim's own ``$header_from:`` overlooks a
``From :`` line that it then delivers. Exim cuts that variable at 64 KiB and
says nothing, so what may have been cut is not judged: the client is told to
try again. Set ``header_maxsize``, and Exim refuses such a header itself.

What Exim hides: it has parsed the path, and it has cleaned the header (no
NUL, no bare CR or LF, no line that is no field) and put its own ``Received``
field before it. What is judged is what it puts in the queue, with LF.

Embed it as ``Listener(EximServer(service).answer, max_octets=MAX_OCTETS)``, or
run it as it is::

    python -m sendertrust.integrations.exim --socket PATH --policy SUBMISSION --map FILE
"""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.integrations.command_line import arguments, service
from sendertrust.integrations.listener import Listener
from sendertrust.integrations.service import MISCONFIGURED, Service

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_OCTETS", "EximServer", "main"]

#: All that Exim gives of a header block, in base64, and some more.
MAX_OCTETS: Final = 128 * 1024

_GO_ON: Final = "OK"
_MAX_HEADER: Final = 64 * 1024  # header_insert_maxlen of Exim, which no option changes
_AT_MAIL: Final = {b"login", b"sender"}
_AT_DATA: Final = _AT_MAIL | {b"header"}


@attrs.frozen
class EximServer:
    """Answers the requests of Exim's ACLs."""

    service: Service

    async def answer(self, request: list[bytes]) -> bytes:
        """Answer one request, given as its lines."""
        try:
            return (await self._reply(request)).encode("ascii")
        except Exception as error:  # noqa: BLE001 - a mistake in the site's code: nothing unjudged is accepted
            self.service.failed("judging a submission", error)
            return str(MISCONFIGURED).encode("ascii")

    async def _reply(self, request: list[bytes]) -> str:
        values = _values(request)
        sender, header = values[b"sender"], values.get(b"header")
        account = await self.service.account_async(values[b"login"].decode("utf-8", "surrogateescape"))
        reply = account.mail(sender) if header is None else account.data(sender, header, line_ends="lf")
        return _GO_ON if reply is None else str(reply)


def _values(request: list[bytes]) -> dict[bytes, bytes]:
    """Read a request; `ValueError` if it is not as Exim's ACLs are to make it."""
    parts = [line.partition(b"=") for line in request]
    values = {name: base64.b64decode(value, validate=True) for name, equals, value in parts if equals}
    if len(values) != len(parts) or values.keys() not in (_AT_MAIL, _AT_DATA):
        names = b" ".join(name for name, _, _ in parts)[:100]
        msg = f"the ACL asks with {names!a}, not with login, sender and perhaps header, each once"
        raise ValueError(msg)
    header = values.get(b"header", b"")
    if len(header) >= _MAX_HEADER or (header and not header.endswith(b"\n")):
        msg = f"Exim may have cut a header of {len(header)} octets: set header_maxsize to less than 64K"
        raise ValueError(msg)
    return values


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM."""
    parser = arguments("sendertrust.integrations.exim", "Answer the questions of Exim's ACLs.")
    options = parser.parse_args(argv)
    server = EximServer(service("exim", parser, options))
    return Listener(server.answer, max_octets=MAX_OCTETS).main(parser, options)


if __name__ == "__main__":
    sys.exit(main())

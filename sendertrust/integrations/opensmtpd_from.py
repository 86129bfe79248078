"""What OpenSMTPD does to From behind the filter: it puts its host name where it finds no ``@``.

Where it overlooks the ``@``, because it takes quotes and comments for what
they are not, another author would be delivered than was judged.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

__all__: list[str] = []  # promised to nobody: it is opensmtpd's

_FROM: Final = re.compile(rb"(?im:^from:(.*(?:\n[ \t].*)*))")


def as_stored(block: bytes | bytearray) -> bytes:
    """Spoil each From field that smtpd would change: it is judged as malformed."""
    return _FROM.sub(lambda match: match[0] + (b" @" if _is_changed(match[1].decode("latin-1")) else b""), bytes(block))


def _is_changed(body: str) -> bool:
    """Say whether smtpd adds its host name somewhere in a From field.

    As its ``header_domain_append_callback`` does, this splits the field at
    commas, and looks for an ``@`` in each part; there it knows no escapes in
    quotes, and leaves alone what then seems to be unbalanced.
    """
    commas, _ = _outside(body, ",", escapes_in_quotes=True)
    edges = [-1, *commas, len(body)]
    parts = [body[start + 1 : end] for start, end in pairwise(edges)]
    return any(_outside(part, "@", escapes_in_quotes=False) == ([], True) for part in parts)


def _outside(text: str, wanted: str, *, escapes_in_quotes: bool) -> tuple[list[int], bool]:
    """Give where a character stands outside what smtpd takes for quotes and comments, and whether they end."""
    found = []
    escape = quote = False
    depth = 0
    for index, char in enumerate(text):
        if char == "(" and not escape and not quote:
            depth += 1
        elif char == '"' and not escape and not depth:
            quote = not quote
        elif char == ")" and not escape and not quote and depth:
            depth -= 1
        elif char == wanted and not quote and not depth:  # smtpd takes no notice of a backslash before it
            found.append(index)
        escape = char == "\\" and not escape and not depth and (escapes_in_quotes or not quote)
    return found, not (quote or depth)

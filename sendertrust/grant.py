"""One entry of a directory: an address, and what the account may do with it."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

__all__ = ["NULL_PATTERN", "Grant", "Right", "named"]

#: What stands for the null reverse-path in the place of an address.
NULL_PATTERN: Final = "<>"


class Right(Enum):
    """What a grant allows an account to do with an address."""

    #: To be it: in the envelope, and in the header where the policy lets aliases cover that.
    SEND_AS = "send-as"
    #: To name it in From, while the one Sender field names the account (RFC 5322 3.6.2).
    ON_BEHALF_OF = "on-behalf-of"
    #: To use it as the reverse-path, for bounces, and not as the author.
    ENVELOPE_ONLY = "envelope-only"
    #: To use it as the author, and not as the reverse-path.
    HEADER_ONLY = "header-only"
    #: To send with the null reverse-path (RFC 5321 4.5.5) where the policy refuses that.
    NULL_SENDER = "null-sender"


def _right(value: Right | str) -> Right:
    try:
        return Right(value)
    except ValueError:
        msg = f"unknown right {value!r}: write one of {', '.join(right.value for right in Right)}"
        raise ValueError(msg) from None


@attrs.frozen
class Grant:
    """One entry of `Aliases` that says which right it gives.

    *address* is what an entry without a right may be: ``user@domain``,
    ``@domain``, ``*`` or a bare ``user``; for ``NULL_SENDER`` it is ``"<>"``.
    *right* is a `Right` or its value. Raises `ValueError` for an unknown
    right and for ``"<>"`` with another one, `TypeError` for an address that
    is no ``str``; an address that cannot be read is reported where it is
    used, as those of plain entries are.

    >>> str(Grant("boss@a.example", Right.ON_BEHALF_OF))
    'on-behalf-of boss@a.example'
    """

    address: str = attrs.field(validator=attrs.validators.instance_of(str))
    right: Right = attrs.field(default=Right.SEND_AS, converter=_right)

    def __attrs_post_init__(self) -> None:
        """Refuse what no directory can have meant."""
        if (self.address == NULL_PATTERN) is not (self.right is Right.NULL_SENDER):
            msg = f'the right null-sender and the address "<>" go together, not {self.right.value} and {self.address!r}'
            raise ValueError(msg)

    def __str__(self) -> str:
        """Name the address, after the right if that is not to send as it."""
        return named(self.address, self.right)


def named(address: str, right: Right, source: str = "") -> str:
    """Name a grant, after its right if that is not to send as it, and before its source if that has a name."""
    grant = address if right is Right.SEND_AS else f"{right.value} {address}"
    return f"{grant} ({source})" if source else grant

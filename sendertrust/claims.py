"""The claims as the caller hands them over: octets decoded, and what only a programmer gets wrong refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias, get_args

from sendertrust.address import as_text
from sendertrust.policy import Policy
from sendertrust.terms import LineEnds, TrustLevel, Unseen

__all__ = ["HeaderFrom", "MessageSource", "bodies", "pairs", "require", "text"]

HeaderFrom: TypeAlias = str | bytes | Sequence[str | bytes] | Unseen | None
MessageSource: TypeAlias = bytes | Sequence[tuple[str | bytes, str | bytes]]

_LINE_ENDS: Final = get_args(LineEnds)
_NO_MESSAGE: Final = "pass message as the bytes received or as (name, body) pairs, not {}"


def require(auth_id: object, level: object, policy: object, line_ends: object) -> None:
    """Refuse arguments that no client could have sent."""
    if auth_id is not None and not isinstance(auth_id, str):
        msg = f"pass auth_id as str or None, not {type(auth_id).__name__}"
        raise TypeError(msg)
    if level is not None and not isinstance(level, TrustLevel):
        msg = f"pass level as a TrustLevel or None, not {level!r}: TrustLevel.parse reads text and numbers"
        raise TypeError(msg)
    if not isinstance(policy, Policy):
        msg = f"pass policy as a Policy, such as EPOST, SUBMISSION or STRICT, not {policy!r}"
        raise TypeError(msg)
    if line_ends not in _LINE_ENDS:
        msg = f"pass line_ends as one of {', '.join(_LINE_ENDS)}, not {line_ends!r}"
        raise ValueError(msg)


def bodies(header_from: object) -> tuple[str, ...]:
    """Give the From field bodies, of several the first two: one string is one field, None is none."""
    if type(header_from) is str:
        return (as_text(header_from),)
    if header_from is None:
        return ()
    if isinstance(header_from, (str, bytes)) or _is_parsed(header_from):
        return (text("header_from", header_from),)
    if isinstance(header_from, bytearray | memoryview) or not isinstance(header_from, Sequence):
        msg = f"pass header_from as str, bytes, a list of them, None or UNSEEN, not {type(header_from).__name__}"
        raise TypeError(msg)
    claims = [_claim("header_from", body) for body in header_from]
    return tuple([as_text(claim) for claim in claims[:2]])  # one too many is enough to know


def pairs(message: object) -> Iterator[tuple[str, str]]:
    """Give the names and bodies of the fields that a milter collected."""
    if not isinstance(message, Sequence) or isinstance(message, str | bytearray | memoryview):
        raise TypeError(_NO_MESSAGE.format(type(message).__name__))
    for pair in message:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(_NO_MESSAGE.format(type(pair).__name__))
        yield text("a field name", pair[0]), text("a field body", pair[1])


def text(name: str, value: object) -> str:
    """Decode one claim; *name* is what to call it in an error."""
    return as_text(_claim(name, value))


def _claim(name: str, value: object) -> str | bytes:
    """Refuse what is no claim as received."""
    if type(value) is str or type(value) is bytes:
        return value
    if _is_parsed(value):
        msg = f"{name} has been parsed and decoded by the email package: pass the message's bytes to check_message"
        raise TypeError(msg)
    if not isinstance(value, str | bytes):
        hint = ' (the null path is "")' if name == "envelope_from" and value is None else ""
        msg = f"pass {name} as str or bytes, as received, not {type(value).__name__}{hint}"
        raise TypeError(msg)
    return value


def _is_parsed(value: object) -> bool:
    """Say whether the email package made it: its headers are subclasses of str, or look like one."""
    return any(base.__module__.startswith("email.") for base in type(value).__mro__)

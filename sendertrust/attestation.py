r"""What a receiver may believe of a submission: a verdict as an Authentication-Results field (RFC 8601).

::

    payload    = authserv-id 1*( ";" method "=" result [ "reason" "=" value ] *( ptype "." property "=" pvalue ) )
    value      = token / quoted-string            ; RFC 2045 5.1, RFC 5322 3.2.4
    pvalue     = value / local-part "@" domain-name

Two methods: ``auth`` (RFC 8601 2.7.4) says that the login was verified, and
nothing else; ``x-sendertrust`` says which addresses were found to be the
login's. It passes only for a verdict that accepts, and has a property only
for an identity that the verdict's ``achieved`` covers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sendertrust.address import UTF8_DOT_STRING, UTF8_QUOTED_STRING, quoted_string
from sendertrust.terms import Action, TrustLevel, octets
from sendertrust.verdict import require_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendertrust.terms import LineEnds
    from sendertrust.verdict import Verdict

__all__ = ["authentication_results"]

_FOLDS: Final = {"crlf": "\r\n\t", "lf": "\n\t"}
_WIDTH: Final = 70  # of 78, less the tab
_MAX_VALUE_OCTETS: Final = 960  # as it is written: a line of 998 octets holds it and its name

_AUTHSERV_ID: Final = re.compile(r"[!-~](?:[ -~]{0,253}[!-~])?")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]++")
# local-part "@" domain-name, of which RFC 6376 3.5 wants two labels; anything else goes into quotes.
_DOMAIN_NAME: Final = r"[A-Za-z0-9\-]++(?>(?:\.[A-Za-z0-9\-]++)+)"
_ADDRESS: Final = re.compile(rf"(?:{UTF8_DOT_STRING}|{UTF8_QUOTED_STRING})@{_DOMAIN_NAME}")
_NOT_IN_QUOTES: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# What becomes of x-sendertrust where the decision is no ACCEPT: such a message goes on in report-only mode alone.
_REFUSED: Final = {Action.REJECT: "fail", Action.DEFER: "temperror"}


def authentication_results(verdict: Verdict, authserv_id: str, *, line_ends: LineEnds = "crlf") -> str:
    r"""Give the body of an Authentication-Results field, folded, for the message that was judged.

    *authserv_id* is the name of the administrative domain, such as the mail
    server's host name: printable ASCII. *line_ends* says how the host folds.
    The body is ASCII unless an address or the login is not; then it is UTF-8 text
    (RFC 8601 1.5.2). A login with control characters, or of more than 960 octets, is left
    out. Raises `TypeError` or `ValueError` for an argument that cannot be used.

    The host must first remove every such field that names its own
    *authserv_id* and came with the message (RFC 8601 5): see
    ``docs/how-to/attest.md``.

    >>> from sendertrust import SUBMISSION, authentication_results, check
    >>> verdict = check("me@a.example", "me@a.example", "Me <me@a.example>", policy=SUBMISSION)
    >>> for line in authentication_results(verdict, "mail.a.example").split("\r\n\t"):
    ...     print(line)
    mail.a.example;
    auth=pass smtp.auth=me@a.example;
    x-sendertrust=pass smtp.mailfrom=me@a.example header.from=me@a.example

    Source: RFC 8601 2.2; the E-Post document, the first purpose of its 送信者の信頼度.
    """
    require_verdict(verdict)
    _require_authserv_id(authserv_id)
    if line_ends not in _FOLDS:
        msg = f"pass line_ends as one of {', '.join(_FOLDS)}, not {line_ends!r}"
        raise ValueError(msg)
    fold = _FOLDS[line_ends]
    return f";{fold}".join([_value(authserv_id), *(_folded(words, fold) for words in _results(verdict))])


def _require_authserv_id(name: object) -> None:
    if not isinstance(name, str):
        msg = f"pass authserv_id as str, not {type(name).__name__}"
        raise TypeError(msg)
    if not _AUTHSERV_ID.fullmatch(name):
        msg = f"pass authserv_id as printable ASCII, such as the host name, not {name!r}"
        raise ValueError(msg)


def _results(verdict: Verdict) -> Iterator[list[str]]:
    """Give each method's result, and after it what else is said of it."""
    if verdict.auth_id is None:
        yield ["auth=none"]
        return
    yield ["auth=pass", *_properties("smtp.auth", verdict.auth_id)]
    if verdict.decision is not Action.ACCEPT:
        yield [f"x-sendertrust={_REFUSED[verdict.decision]}", f"reason={verdict.reason.value}"]
    else:
        found = [] if verdict.pending else list(_found(verdict))
        # Where no address was found to be the account's, nothing but the login was verified.
        yield [f"x-sendertrust={'pass' if found else 'none'}", *found]


def _found(verdict: Verdict) -> Iterator[str]:
    """Give the addresses that were found to be the account's."""
    if verdict.satisfies(TrustLevel.ENVELOPE):
        yield from _properties("smtp.mailfrom", verdict.envelope_from or "")  # the null path names nobody
    if verdict.satisfies(TrustLevel.HEADER):
        yield from _properties("header.from", *verdict.header_from)


def _properties(name: str, *values: str) -> Iterator[str]:
    """Give a property for each value that can be said exactly."""
    for value in values:
        if not value or octets(value) > _MAX_VALUE_OCTETS or _NOT_IN_QUOTES.search(value):
            continue
        said = value if _ADDRESS.fullmatch(value) else _value(value)
        if octets(said) <= _MAX_VALUE_OCTETS:
            yield f"{name}={said}"


def _value(text: str) -> str:
    """Write a token as it is, and anything else as a quoted string."""
    return text if _TOKEN.fullmatch(text) else quoted_string(text)


def _folded(words: list[str], fold: str) -> str:
    """Join words by blanks, and by folds where a line would grow long (RFC 5322 2.1.1)."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= _WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return fold.join(lines)

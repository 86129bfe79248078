"""The SMTP reply to a verdict: tables of words, legal by construction."""

from __future__ import annotations

import re
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.terms import RULES, Action, Reason, ReplyStyle, Stage
from sendertrust.verdict import require_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendertrust.verdict import Verdict

__all__ = ["EPOST_REPLIES", "POSTFIX_REPLIES", "SUBMISSION_REPLIES", "Reply", "ReplyTable", "reply_for"]

_MAX_LINE_OCTETS: Final = 512  # RFC 5321 4.5.3.1.5, the CRLF included
_LEAST_REFLECTED_CHARACTERS: Final = 40  # what is left for a reflected value must still be worth reading

# The codes of RFC 5321 4.3.2 for MAIL and after the final dot; at MAIL also 530 (RFC 4954 6) and
# the 501 that any command can have (RFC 5321 4.3.2).
_LEGAL_CODES: Final = {
    (Action.ACCEPT, Stage.MAIL): {250},
    (Action.REJECT, Stage.MAIL): {501, 503, 530, 550, 552, 553, 555},
    (Action.DEFER, Stage.MAIL): {451, 452, 455},
    (Action.ACCEPT, Stage.DATA): {250},
    (Action.REJECT, Stage.DATA): {550, 552, 554},
    (Action.DEFER, Stage.DATA): {450, 451, 452},
}

# For each reason, the codes of the action that it leads to.
_ACTION_OF: Final = {Reason.OK: Action.ACCEPT, Reason.LOOKUP_FAILED: Action.DEFER}
_LEGAL_CODES_OF_REASON: Final = {
    (reason, stage): _LEGAL_CODES[_ACTION_OF.get(reason, Action.REJECT), stage]
    for reason in Reason
    for stage in reason.stages
}

# What a row may quote: the canonical envelope sender, what the decisive finding claims, the login
# (all three from the client, cut to fit), and what to change (from RULES).
_REFLECTED: Final = frozenset({"envelope", "claimed", "login"})
_PLACEHOLDERS: Final = _REFLECTED | {"advice"}

# RFC 3463 2: three numbers without leading zeros. Text that looks like such a code is a slip of the pen.
_ENHANCED: Final = r"(?P<enhanced>[245](?:\.(?:0|[1-9][0-9]{0,2})){2})"
_TEXT: Final = r"(?P<text>(?![0-9]+\.[0-9]+\.[0-9]+ )[ -~]+)"
_ROW: Final = re.compile(rf"(?P<code>[2-5][0-9]{{2}}) (?:{_ENHANCED} )?{_TEXT}")
_NOT_PRINTABLE: Final = re.compile(r"[^ -~]")


@attrs.frozen
class Reply:
    """One SMTP reply line: ``str()`` gives it without, ``bytes()`` with its CRLF.

    Raises `ValueError` for what is no line of printable ASCII and at most 512
    octets, CRLF included (RFC 5321 4.5.3.1.5), or begins with no reply code.
    """

    code: int
    #: The enhanced status code (RFC 3463), or ``""``.
    enhanced: str
    text: str

    def __attrs_post_init__(self) -> None:
        """Refuse what is no reply line."""
        if len(bytes(self)) > _MAX_LINE_OCTETS or not _ROW.fullmatch(str(self)):
            msg = f"{str(self)!r} is no reply line of printable ASCII and at most {_MAX_LINE_OCTETS} octets"
            raise ValueError(msg)

    def __str__(self) -> str:
        """Give the line as text, without its line end."""
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)

    def __bytes__(self) -> bytes:
        """Give the line as it goes over the wire."""
        return f"{self}\r\n".encode("ascii", "replace")


# Two functions that do the same: mypy reads what a field may be given from its converter.
def _frozen_rows(rows: Mapping[tuple[Reason, Stage], str]) -> Mapping[tuple[Reason, Stage], str]:
    return MappingProxyType(dict(rows))


def _frozen_fallbacks(fallbacks: Mapping[tuple[Action, Stage], str]) -> Mapping[tuple[Action, Stage], str]:
    return MappingProxyType(dict(fallbacks))


@attrs.frozen(kw_only=True)
class ReplyTable:
    """The words of one house: a row for each reason and stage that it tells apart, and fallbacks.

    A row is a reply line such as ``"550 5.7.1 <{claimed}> is not yours: {advice}"``.
    It may quote ``{envelope}``, ``{claimed}`` and ``{login}``, which come from
    the client, and ``{advice}``, which says what to change. *fallbacks* has
    one row for each `Action` and `Stage`. *provenance* says where the words
    come from.

    Raises `ValueError` that names every row that is missing, that can never
    be used or that RFC 5321 does not permit at its stage.
    """

    name: str
    provenance: str
    rows: Mapping[tuple[Reason, Stage], str] = attrs.field(converter=_frozen_rows)
    fallbacks: Mapping[tuple[Action, Stage], str] = attrs.field(converter=_frozen_fallbacks)

    def __attrs_post_init__(self) -> None:
        """Refuse a table that could ever give an illegal reply."""
        wrong = [f"fallback {_spell(key)} is missing" for key in _LEGAL_CODES if key not in self.fallbacks]
        for key, row in self.fallbacks.items():
            wrong += [f"fallback {_spell(key)} {problem}" for problem in _problems(row, _LEGAL_CODES.get(key))]
        for pair, row in self.rows.items():
            wrong += [f"row {_spell(pair)} {problem}" for problem in _problems(row, _LEGAL_CODES_OF_REASON.get(pair))]
        if wrong:
            msg = f"reply table {self.name!r}: " + "; ".join(wrong)
            raise ValueError(msg)

    def row(self, verdict: Verdict) -> str:
        """Give the row that a verdict picks."""
        reason = Reason.OK if verdict.allowed else verdict.reason
        return self.rows.get((reason, verdict.stage)) or self.fallbacks[verdict.action, verdict.stage]


def reply_for(verdict: Verdict, replies: ReplyStyle | ReplyTable | None = None) -> Reply:
    """Give the SMTP reply to send: to ``MAIL FROM`` at stage MAIL, after the final dot at DATA.

    The words are those of the verdict's ``policy.replies``, or of *replies*.
    The reply follows the verdict's `Verdict.action`, so a report-only policy accepts.
    It is one ASCII line of at most 512 octets with its CRLF, whatever the
    client sent, and never tells who does own an address. Raises `TypeError`
    for an argument of another type.

    >>> from sendertrust import check, UNSEEN, TrustLevel
    >>> str(reply_for(check("user1@test-sample.jp", "user2@test-sample.jp", UNSEEN, level=TrustLevel.HEADER)))
    '550 Please mail to a valid e-mail address.'
    """
    require_verdict(verdict)
    table = _table(verdict.policy.replies if replies is None else replies)
    decisive = verdict.decisive[0] if verdict.decisive else None
    envelope = _envelope(verdict)
    claimed = decisive.claimed if decisive else None
    values = {
        "envelope": envelope,
        "claimed": envelope if claimed is None else claimed,
        "login": verdict.auth_id or "",
        "advice": RULES.get(decisive.rule, "") if decisive else "",
    }
    code, enhanced, text = _split(table.row(verdict))
    return Reply(int(code), enhanced, _fill(text, values, room=_MAX_LINE_OCTETS - len(f"{code} {enhanced} \r\n")))


def _envelope(verdict: Verdict) -> str:
    """Give the envelope sender to quote: as claimed, if it was let through malformed below level ENVELOPE."""
    malformed = (finding.claimed for finding in verdict.findings if finding.reason is Reason.ENVELOPE_MALFORMED)
    return (next(malformed, None) if verdict.envelope_from is None else verdict.envelope_from) or ""


def _table(replies: object) -> ReplyTable:
    if isinstance(replies, ReplyStyle):
        return _TABLES[replies]
    if isinstance(replies, ReplyTable):
        return replies
    msg = f"pass replies as a ReplyStyle, a ReplyTable or None, not {replies!r}"
    raise TypeError(msg)


def _split(row: str) -> tuple[str, str, str]:
    """Split a row into its code, its enhanced code or ``""``, and its text."""
    match = _ROW.fullmatch(row)
    if match is None:
        msg = "must be a code, perhaps an enhanced code, and printable ASCII text"
        raise ValueError(msg)
    return match["code"], match["enhanced"] or "", match["text"]


def _fill(text: str, values: Mapping[str, str], *, room: int) -> str:
    """Put values into a text; what the client sent is cleaned and shares the room that is left."""
    pieces = [(literal, name) for literal, name, _, _ in Formatter().parse(text)]
    ours = sum(len(literal) + (len(values["advice"]) if name == "advice" else 0) for literal, name in pieces)
    reflected = sum(name in _REFLECTED for _, name in pieces)
    share = (room - ours) // max(reflected, 1)
    return "".join(
        literal + ("" if name is None else _clean(values[name])[: None if name == "advice" else share])
        for literal, name in pieces
    )


def _clean(value: str) -> str:
    return _NOT_PRINTABLE.sub("", value).strip()


def _problems(row: str, legal_codes: set[int] | None) -> Iterator[str]:
    """Say what is wrong with a row of which only some codes are legal, or which can never be used."""
    if legal_codes is None:
        yield "can never be used"
        return
    try:
        code, enhanced, text = _split(row)
        pieces = [piece[1:] for piece in Formatter().parse(text) if piece[1] is not None]
    except (TypeError, ValueError) as error:
        yield f"is {row!r}: {error}"
        return
    if int(code) not in legal_codes:
        yield f"is {row!r}: write one of the codes {', '.join(map(str, sorted(legal_codes)))}"
    if enhanced and enhanced[0] != code[0]:
        yield f"is {row!r}: the enhanced code must begin with {code[0]}"
    if any(name not in _PLACEHOLDERS or spec or conversion for name, spec, conversion in pieces):
        yield f"is {row!r}: quote only {', '.join(f'{{{name}}}' for name in sorted(_PLACEHOLDERS))}"
        return
    if not text.format_map(dict.fromkeys(_PLACEHOLDERS, "")).strip():
        yield f"is {row!r}: say something beside what is quoted"
    fullest = dict.fromkeys(_REFLECTED, "x" * _LEAST_REFLECTED_CHARACTERS) | {"advice": max(RULES.values(), key=len)}
    if len(f"{code} {enhanced} {text.format_map(fullest)}\r\n") > _MAX_LINE_OCTETS:
        yield f"is {row!r}: shorten it"


def _spell(key: object) -> str:
    words = key if isinstance(key, tuple) else (key,)
    return "(" + ", ".join(str(getattr(word, "name", word)) for word in words) + ")"


_BAD_HEADER: Final = (
    Reason.HEADERS_MALFORMED,
    Reason.FROM_MISSING,
    Reason.FROM_DUPLICATE,
    Reason.FROM_MULTIPLE,
    Reason.FROM_GROUP,
    Reason.FROM_MALFORMED,
)

EPOST_REPLIES: Final = ReplyTable(
    name="EPOST",
    provenance="The E-Post document's own SMTP session (550 and 250 at MAIL, 552 after the dot), which has no"
    " enhanced codes; 530 and 451 are RFC 4954 6 and RFC 5321 4.2.3 in its manner.",
    rows={
        (Reason.NOT_AUTHENTICATED, Stage.MAIL): "530 Authentication required.",
        (Reason.NOT_AUTHENTICATED, Stage.DATA): "554 Authentication required.",
    },
    fallbacks={
        (Action.ACCEPT, Stage.MAIL): "250 <{envelope}>... Sender ok.",
        (Action.REJECT, Stage.MAIL): "550 Please mail to a valid e-mail address.",
        (Action.DEFER, Stage.MAIL): "451 Requested action aborted: sender lookup failed, try again later.",
        (Action.ACCEPT, Stage.DATA): "250 Requested mail action okay, completed.",
        (Action.REJECT, Stage.DATA): "552 Requested mail action aborted: caught by the filter setting.",
        (Action.DEFER, Stage.DATA): "451 Requested action aborted: sender lookup failed, try again later.",
    },
)

SUBMISSION_REPLIES: Final = ReplyTable(
    name="SUBMISSION",
    provenance="RFC 6409 4.3 (530), 5.1 (501 5.1.7, 554 5.6.0), 6.1 and 6.3 (550 5.7.1); RFC 3463; RFC 5248;"
    " 451 4.3.0 as Postfix has it.",
    rows={
        (Reason.NOT_AUTHENTICATED, Stage.MAIL): "530 5.7.0 Authentication required",
        (Reason.NOT_AUTHENTICATED, Stage.DATA): "554 5.7.0 Authentication required",
        (Reason.ENVELOPE_MALFORMED, Stage.MAIL): "501 5.1.7 Bad sender address syntax: {advice}",
        (Reason.ENVELOPE_MALFORMED, Stage.DATA): "554 5.1.7 Bad sender address syntax: {advice}",
        (Reason.FROM_MISMATCH, Stage.DATA): "550 5.7.1 From <{claimed}> is not allowed for account {login}: {advice}",
        (Reason.SENDER_MISMATCH, Stage.DATA): "550 5.7.1 Sender or Resent field not allowed: {advice}",
    }
    | {
        (reason, stage): "550 5.7.1 Sender <{claimed}> is not allowed for account {login}: {advice}"
        for reason in (Reason.ENVELOPE_MISMATCH, Reason.ENVELOPE_NULL)
        for stage in Stage
    }
    | {(reason, Stage.DATA): "554 5.6.0 Bad message header: {advice}" for reason in _BAD_HEADER}
    | {
        (reason, Stage.DATA): "550 5.7.1 From field not allowed for account {login}: {advice}"
        for reason in (Reason.FROM_HIDDEN_ADDRESS, Reason.FROM_NOT_ENVELOPE, Reason.DISPLAY_NAME_SPOOF)
    },
    fallbacks={
        (Action.ACCEPT, Stage.MAIL): "250 2.1.0 Sender <{envelope}> ok",
        (Action.REJECT, Stage.MAIL): "550 5.7.1 Sender not allowed: {advice}",
        (Action.DEFER, Stage.MAIL): "451 4.3.0 Sender lookup failed: {advice}",
        (Action.ACCEPT, Stage.DATA): "250 2.0.0 Message accepted",
        (Action.REJECT, Stage.DATA): "550 5.7.1 Message not allowed: {advice}",
        (Action.DEFER, Stage.DATA): "451 4.3.0 Sender lookup failed: {advice}",
    },
)

_NOT_OWNED: Final = "550 5.7.1 <{claimed}>: Sender address rejected: not owned by user {login}"

POSTFIX_REPLIES: Final = ReplyTable(
    name="POSTFIX",
    provenance="Postfix smtpd: reject_sender_login_mismatch, its syntax check and its lookup errors (smtpd_check.c);"
    " after the dot 553 and 501 become 550 and 554.",
    rows={
        (Reason.NOT_AUTHENTICATED, Stage.MAIL): "553 5.7.1 <{envelope}>: Sender address rejected: not logged in",
        (Reason.NOT_AUTHENTICATED, Stage.DATA): "550 5.7.1 <{envelope}>: Sender address rejected: not logged in",
        (Reason.ENVELOPE_MALFORMED, Stage.MAIL): "501 5.1.7 Bad sender address syntax",
        (Reason.ENVELOPE_MALFORMED, Stage.DATA): "554 5.1.7 Bad sender address syntax",
        (Reason.ENVELOPE_MISMATCH, Stage.DATA): _NOT_OWNED,
        (Reason.ENVELOPE_NULL, Stage.DATA): _NOT_OWNED,
        (Reason.FROM_MISMATCH, Stage.DATA): "550 5.7.1 <{claimed}>: From address rejected: not owned by user {login}",
    },
    fallbacks={
        (Action.ACCEPT, Stage.MAIL): "250 2.1.0 Ok",
        (Action.REJECT, Stage.MAIL): "553 5.7.1 <{claimed}>: Sender address rejected: not owned by user {login}",
        (Action.DEFER, Stage.MAIL): "451 4.3.0 <{claimed}>: Temporary lookup failure",
        (Action.ACCEPT, Stage.DATA): "250 2.0.0 Ok",
        (Action.REJECT, Stage.DATA): "550 5.7.1 Message header rejected: {advice}",
        (Action.DEFER, Stage.DATA): "451 4.3.0 <{claimed}>: Temporary lookup failure",
    },
)

_TABLES: Final = {
    ReplyStyle.EPOST: EPOST_REPLIES,
    ReplyStyle.SUBMISSION: SUBMISSION_REPLIES,
    ReplyStyle.POSTFIX: POSTFIX_REPLIES,
}

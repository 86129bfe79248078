"""A header block, or the fields a milter collects: the bodies of the fields that name somebody.

::

    block  = *field
    field  = name *WSP ":" text EOL *( 1*WSP text-that-is-not-blank EOL )
    name   = 1*( %d33-57 / %d59-126 )             ; RFC 5322 2.2
    text   = *( any octet but NUL, CR, LF )       ; RFC 6532 3.2 allows UTF-8
    EOL    = CRLF, or LF alone where the host says that it hands over such text

Blanks before the colon are RFC 5322 4.5. Some readers take ``From :`` for
From, so it counts; others do not, so it cannot stand alone. Blank continuation lines, which 4.2 allows, end the
header to some readers and not to others, and are refused. So is a name `>From`, and
what looks like a From field more than 7,000 octets into another one.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.address import as_text
from sendertrust.terms import Malformed, SenderField, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sendertrust.policy import Policy
    from sendertrust.terms import LineEnds

__all__ = ["Fields", "body_fault", "fields_of_block", "fields_of_pairs"]

_MAX_FIELDS: Final = 10_000  # no real message has a tenth of it
# Sender, Resent-From and Resent-Sender, where they are read: together no longer than one From field may be.
_MAX_OTHER_FIELDS: Final = 64

# To c-client, and so to PHP, a field `>From` is a From field.
_NAME: Final = r"(?!(?i:>from)[ \t]*+(?::|\Z))[!-9;-~]++"
_NAME_OF_PAIR: Final = re.compile(rf"{_NAME}[ \t]*+")
_FROM: Final = "from"
_SENDER: Final = "sender"
_OTHERS: Final = (_SENDER, "resent-from", "resent-sender")
# Sylpheed reads a folded field, with its name of up to a line, into 8,192 octets, and takes the rest of a line for a
# new field.
_READ_AT_ONCE: Final = 7000
_FROM_INSIDE: Final = re.compile(rb"(?i)(?<!\n)from[ \t]*+:")
# What str.splitlines() splits beside CR and LF.
_LINE_BREAK_LOOKALIKE: Final = re.compile("[\\x0b\\x0c\\x1c-\\x1e\\x85\\u2028\\u2029]")


@attrs.frozen
class Fields:
    """The bodies of the fields that name somebody, as received and in order.

    Of From no more than two: one too many is enough to know. *others* are
    (name in lower case, body) of Sender, Resent-From and Resent-Sender, and
    empty if the policy ignores them. *spaced* says that there is a blank
    before the colon of the first From, which some readers then overlook.
    *sender* are the Sender fields, no more than two of them, and empty if one
    has such a blank; None if nobody has looked for them.
    """

    author: tuple[str, ...]
    others: tuple[tuple[str, str], ...] = ()
    spaced: bool = False
    sender: tuple[str, ...] | None = None


@attrs.frozen
class _Grammar:
    """The patterns of the grammar above for one kind of line end."""

    end_of_line: str
    end_of_block: bytes
    block: re.Pattern[str]
    body: re.Pattern[str]
    field: re.Pattern[str]
    author: re.Pattern[str]
    sender: re.Pattern[str]
    others: re.Pattern[str]
    #: Why a block or a body stops being one: the first rule whose pattern matches there.
    faults: tuple[tuple[str, re.Pattern[str]], ...]


def _grammar(eol: str, faults_of_line_ends: dict[str, str]) -> _Grammar:
    text = r"[^\r\n\0]*+"
    field = rf"(?aim:^({{}})([ \t]*+)):({text}(?>(?:{eol}[ \t]{text})*))"
    continuation = rf"[ \t]++[^ \t\r\n\0]{text}"
    faults = {
        "nul": rf"{text}\0",
        **{rule: text + fault for rule, fault in faults_of_line_ends.items()},
        "leading-continuation": r"\A[ \t]",
        "blank-continuation": r"[ \t]",
    }
    return _Grammar(
        end_of_line=eol,
        end_of_block=(eol + eol).encode(),
        block=re.compile(rf"(?>(?:{_NAME}[ \t]*+:{text}{eol}(?>(?:{continuation}{eol})*))*)"),
        body=re.compile(rf"{text}(?>(?:{eol}{continuation})*)(?>(?:{eol})?)"),
        field=re.compile(field.format(_NAME)),
        author=re.compile(field.format(_FROM)),
        sender=re.compile(field.format(_SENDER)),
        others=re.compile(field.format("|".join(_OTHERS))),
        faults=tuple((rule, re.compile(pattern)) for rule, pattern in faults.items()),
    )


_GRAMMARS: Final[dict[LineEnds, _Grammar]] = {
    "crlf": _grammar("\r\n", {"bare-cr": r"\r(?!\n)", "bare-lf": r"\n"}),
    "lf": _grammar("\n", {"cr-in-lf-text": r"\r"}),
}


def fields_of_block(
    message: bytes, policy: Policy, line_ends: LineEnds, *, with_sender: bool = False
) -> Fields | Malformed:
    """Read a header block, or a message up to its first empty line."""
    grammar = _GRAMMARS[line_ends]
    text = _sound_block(message, policy, grammar)
    if isinstance(text, Malformed):
        return text
    author = list(islice(grammar.author.finditer(text), 2))
    others: list[tuple[str, str]] = []
    if policy.sender_field is SenderField.MUST_MATCH:
        found = islice(grammar.others.finditer(text), _MAX_OTHER_FIELDS + 1)
        others = [(match[1].lower(), match[3]) for match in found]
        if fault := _too_many(others, policy):
            return fault
    return Fields(
        author=tuple(match[3] for match in author),
        others=tuple(others),
        spaced=bool(author and author[0][2]),
        sender=_senders((match[2], match[3]) for match in grammar.sender.finditer(text)) if with_sender else None,
    )


def _sound_block(message: bytes, policy: Policy, grammar: _Grammar) -> str | Malformed:
    """Give the text of a header block, with its last line end, or say why it is none."""
    if not message or message.startswith(grammar.end_of_line.encode()):
        return ""
    end = message.find(grammar.end_of_block, 0, policy.max_block_octets + len(grammar.end_of_block))
    block = message.removesuffix(grammar.end_of_line.encode()) if end == -1 else message[:end]
    if len(block) > policy.max_block_octets:
        return Malformed("block-too-long", policy.max_block_octets)
    if fault := _long_line(block, grammar, policy):
        return fault
    text = as_text(block) + grammar.end_of_line
    good = _end_of_match(grammar.block, text)
    if good < len(text):
        line = text[good:].partition("\n")[0]
        return _fault(text, good, grammar, otherwise="field-name" if ":" in line else "not-a-field")
    if fault := _lookalike(text, policy):
        return fault
    continuations = sum(text.count(grammar.end_of_line + blank) for blank in " \t")
    if text.count(grammar.end_of_line) - continuations > _MAX_FIELDS:
        return Malformed("block-too-long", 0)
    if _FROM_INSIDE.search(block, _READ_AT_ONCE):
        for field in grammar.field.finditer(text):
            if fault := _from_far_inside(field[3]):
                return Malformed(fault.rule, octets(text[: field.start(3)]) + fault.offset)
    return text


def fields_of_pairs(
    pairs: Iterable[tuple[str, str]],
    policy: Policy,
    line_ends: LineEnds,
    *,
    with_sender: bool = False,
) -> Fields | Malformed:
    """Read header fields that somebody else has split into names and bodies, decoded by `address.as_text`.

    The offset of a fault counts from the start of the name or the body that has it.
    """
    author: list[str] = []
    others: list[tuple[str, str]] = []
    senders: list[tuple[str, str]] = []
    spaced = False
    end_of_line = _GRAMMARS[line_ends].end_of_line
    total = -len(end_of_line)  # a block is counted without its last one
    for count, (name, body) in enumerate(pairs):
        if count == _MAX_FIELDS:
            return Malformed("block-too-long", 0)
        total += octets(name) + len(":") + octets(body) + len(end_of_line)
        if total > policy.max_block_octets:
            return Malformed("block-too-long", policy.max_block_octets)
        if not _NAME_OF_PAIR.fullmatch(name):
            return Malformed("field-name", 0)
        if fault := body_fault(body, policy, line_ends) or _lookalike(body, policy) or _from_far_inside(body):
            return fault
        lower_name = name.rstrip(" \t").lower()
        if lower_name == _FROM:
            spaced = spaced or (not author and len(name) > len(_FROM))
            author.append(body)
        elif lower_name in _OTHERS and policy.sender_field is SenderField.MUST_MATCH:
            others.append((lower_name, body))
        if lower_name == _SENDER:
            senders.append((name[len(_SENDER) :], body))
    if fault := _too_many(others, policy):
        return fault
    sender = _senders(senders) if with_sender else None
    return Fields(author=tuple(author[:2]), others=tuple(others), spaced=spaced, sender=sender)


def _senders(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Give the Sender bodies of (blanks before the colon, body), unless blanks hide one from some readers."""
    first = list(islice(found, 2))
    return () if any(blanks for blanks, _ in first) else tuple(body for _, body in first)


def _too_many(others: Sequence[tuple[str, str]], policy: Policy) -> Malformed | None:
    """Bound the work that Sender and Resent fields make: each is parsed like a From field."""
    size = sum(octets(body) for _, body in others)
    too_many = len(others) > _MAX_OTHER_FIELDS or size > policy.max_field_octets
    return Malformed("too-many-fields", 0) if too_many else None


def body_fault(body: str, policy: Policy, line_ends: LineEnds) -> Malformed | None:
    """Say why one field body, as received and perhaps still folded, cannot be one."""
    if body.isascii() and body.isprintable() and len(body) <= policy.max_line_octets:
        return None
    grammar = _GRAMMARS[line_ends]
    if fault := _long_line(body.encode("utf-8", "replace"), grammar, policy):
        return fault
    good = _end_of_match(grammar.body, body)
    return _fault(body, good, grammar, otherwise="unfolded-line") if good < len(body) else None


def _long_line(lines: bytes, grammar: _Grammar, policy: Policy) -> Malformed | None:
    """Look for a line end within reach of each line's start, in strides as long as a line may be."""
    end_of_line = grammar.end_of_line.encode()
    start = 0
    while len(lines) - start > policy.max_line_octets:
        end = lines.rfind(end_of_line, start, start + policy.max_line_octets + len(end_of_line))
        if end == -1:
            return Malformed("line-too-long", start)
        start = end + len(end_of_line)
    return None


def _lookalike(text: str, policy: Policy) -> Malformed | None:
    lookalike = _LINE_BREAK_LOOKALIKE.search(text) if policy.refuse_line_break_lookalikes else None
    return Malformed.at("line-break-lookalike", text, lookalike.start()) if lookalike else None


def _from_far_inside(body: str) -> Malformed | None:
    """Find what looks like a From field, so far inside another field that some reader begins a new one there."""
    if len(body) * 4 <= _READ_AT_ONCE:
        return None
    found = _FROM_INSIDE.search(body.encode("utf-8", "replace"), _READ_AT_ONCE)
    return Malformed("field-too-long", found.start()) if found else None


def _end_of_match(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    assert match is not None  # noqa: S101 - both patterns match the empty text; tells mypy so
    return match.end()


def _fault(text: str, at: int, grammar: _Grammar, *, otherwise: str) -> Malformed:
    """Name the rule that is broken at or after the place where a pattern stopped."""
    for rule, pattern in grammar.faults:
        if broken := pattern.match(text, at):
            return Malformed.at(rule, text, broken.end() - 1)
    return Malformed.at(otherwise, text, at)

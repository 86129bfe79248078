"""What a site asks of a submission: frozen options, and three named sets of them."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeVar

import attrs

from sendertrust.address import parse_domain
from sendertrust.terms import (
    Action,
    DisplayName,
    LocalPartCase,
    Mode,
    MultipleAuthors,
    ReplyStyle,
    SenderField,
    TrustLevel,
)

__all__ = ["EPOST", "PRESETS", "STRICT", "SUBMISSION", "Policy", "PolicyError"]


class PolicyError(ValueError):
    """A policy that cannot be meant; the message names every problem and what to write instead."""


_E = TypeVar("_E", bound=Enum)

# What can separate a subaddress without needing quotes: atext less letters and digits, and less
# what old mailers take for a route ("!" and "%").
_SEPARATORS: Final = frozenset("#$&'*+-/=?^_`{|}~")


def _member(enum: type[_E], value: _E | str) -> _E:
    """Turn a spelling into a member; leave what is none for `Policy` to report with the rest."""
    try:
        return enum(value.lower().replace("-", "_") if isinstance(value, str) else value)
    except ValueError:
        return value  # type: ignore[return-value]  # Policy refuses it


def _level(value: TrustLevel | str | int) -> TrustLevel:
    try:
        return TrustLevel.parse(value)
    except (TypeError, ValueError):
        return value  # type: ignore[return-value]  # Policy refuses it


# One function for each option: mypy reads what an option may be given from its converter.
def _action(value: Action | str) -> Action:
    return _member(Action, value)


def _local_part_case(value: LocalPartCase | str) -> LocalPartCase:
    return _member(LocalPartCase, value)


def _multiple_authors(value: MultipleAuthors | str) -> MultipleAuthors:
    return _member(MultipleAuthors, value)


def _display_name(value: DisplayName | str) -> DisplayName:
    return _member(DisplayName, value)


def _sender_field(value: SenderField | str) -> SenderField:
    return _member(SenderField, value)


def _mode(value: Mode | str) -> Mode:
    return _member(Mode, value)


def _replies(value: ReplyStyle | str) -> ReplyStyle:
    return _member(ReplyStyle, value)


def _domain(value: str | None) -> str | None:
    domain = parse_domain(value) if isinstance(value, str) else None
    return domain if isinstance(domain, str) else value


def _expected(value: object, kind: type) -> str | None:
    """Say what to write for an option of some kind instead of a value; None if the value will do."""
    if issubclass(kind, Enum):
        return None if isinstance(value, kind) else f"one of {', '.join(member.value for member in kind)}"
    if kind is bool:
        return None if type(value) is bool else "True or False"
    if kind is int:
        return None if type(value) is int and value >= 1 else "a number of 1 or more"
    if kind is str:
        return None if isinstance(value, str) else "text"
    return None  # default_domain, whose default says nothing of what else it may be


@attrs.frozen(kw_only=True)
class Policy:
    """The options of a site. The defaults are those of `EPOST`.

    An option that is an enum also takes its value as text in any letter
    case: ``Policy(mode="report")``. Derive a policy from a preset with
    ``attrs.evolve(SUBMISSION, subaddress="+")``.

    Raises `PolicyError` that lists every option that is wrong or that
    contradicts another.
    """

    #: What logs and ``to_dict()`` call this policy.
    name: str = "custom"
    #: What must hold, where the caller does not say (the E-Post document).
    level: TrustLevel = attrs.field(default=TrustLevel.AUTH_ID, converter=_level)
    #: What becomes of a submission without a login: ACCEPT or REJECT (RFC 6409 4.3).
    unauthenticated: Action = attrs.field(default=Action.ACCEPT, converter=_action)
    #: Whether aliases count for the From field too, and not for the envelope alone.
    aliases_cover_header: bool = False
    #: Whether From must name the envelope sender itself (not asked of a null reverse-path).
    header_equals_envelope: bool = False
    #: What becomes of the null reverse-path: ACCEPT or REJECT (RFC 6409 3.2).
    null_sender: Action = attrs.field(default=Action.ACCEPT, converter=_action)
    #: Whether ASCII letter case counts in a local part (RFC 5321 2.4).
    local_part_case: LocalPartCase = attrs.field(default=LocalPartCase.FOLD, converter=_local_part_case)
    #: Characters of which the first that occurs begins a subaddress (RFC 5233); none if empty.
    subaddress: str = ""
    #: Whether ``a..b@d`` and ``a.@d`` may be claimed without quotes, as old Japanese carriers had them.
    legacy_dots: bool = False
    #: What becomes of one From field with several mailboxes (RFC 5322 3.6.2).
    multiple_authors: MultipleAuthors = attrs.field(default=MultipleAuthors.REJECT, converter=_multiple_authors)
    #: What becomes of somebody else's address shown as a name.
    display_name: DisplayName = attrs.field(default=DisplayName.ADVISE, converter=_display_name)
    #: Whether Sender, Resent-From and Resent-Sender must be the account's as well.
    sender_field: SenderField = attrs.field(default=SenderField.IGNORE, converter=_sender_field)
    #: Whether what ``str.splitlines`` splits is refused in every field, not in From alone.
    refuse_line_break_lookalikes: bool = False
    #: Whether refusals are carried out or only reported.
    mode: Mode = attrs.field(default=Mode.ENFORCE, converter=_mode)
    #: Whose words `reply_for` uses.
    replies: ReplyStyle = attrs.field(default=ReplyStyle.EPOST, converter=_replies)
    #: The domain of logins and aliases that have none.
    default_domain: str | None = attrs.field(default=None, converter=_domain)
    #: The longest From field body, in octets.
    max_field_octets: int = 8 * 1024
    #: The longest line of a header block without its line end, in octets (RFC 5322 2.1.1).
    max_line_octets: int = 998
    #: The longest header block, in octets.
    max_block_octets: int = 1024 * 1024
    #: How deep comments may be nested.
    max_comment_depth: int = 16

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be meant, all of it at once."""
        values = ((field, getattr(self, field.name)) for field in attrs.fields(Policy))
        problems = [
            f"{field.name} is {value!r}: write {expected}"
            for field, value in values
            if (expected := _expected(value, type(field.default)))
        ]
        problems += self._contradictions()
        if problems:
            raise PolicyError("; ".join(problems))

    def _contradictions(self) -> list[str]:
        problems = [
            f"{option} is 'defer': write accept or reject"
            for option in ("unauthenticated", "null_sender")
            if getattr(self, option) is Action.DEFER
        ]
        if type(self.subaddress) is str and not _SEPARATORS.issuperset(self.subaddress):
            problems.append(
                f"subaddress is {self.subaddress!r}: write only characters of {''.join(sorted(_SEPARATORS))}"
            )
        if self.header_equals_envelope is True and self.multiple_authors is MultipleAuthors.ALL_MUST_MATCH:
            problems.append("header_equals_envelope allows one author: leave multiple_authors at reject")
        domain = self.default_domain
        if domain is not None and (type(domain) is not str or not isinstance(parse_domain(domain), str)):
            problems.append(f"default_domain is {domain!r}: write a domain such as example.com, or None")
        return problems


#: What the E-Post document describes, 送信者の信頼度: its default level, aliases for the envelope
#: only, its replies. Its receiver takes inbound mail as well, hence no login is no refusal. The null
#: sender (RFC 6409 3.2), one author and ASCII case folding are this library's reading of its silence.
EPOST: Final = Policy(name="EPOST")

#: A submission server of RFC 6409: login required (4.3), all three identities the account's (6.1),
#: and the aliases cover the header too, which is what users of every such server ask for first.
SUBMISSION: Final = Policy(
    name="SUBMISSION",
    level=TrustLevel.HEADER,
    unauthenticated=Action.REJECT,
    aliases_cover_header=True,
    replies=ReplyStyle.SUBMISSION,
)

#: `SUBMISSION` with the refusals on that close what readers show: somebody else's address as a
#: name, foreign Sender and Resent fields, another letter case, line breaks of other alphabets. The
#: null sender stays accepted, and From need not equal the envelope.
STRICT: Final = attrs.evolve(
    SUBMISSION,
    name="STRICT",
    local_part_case=LocalPartCase.EXACT,
    display_name=DisplayName.REJECT,
    sender_field=SenderField.MUST_MATCH,
    refuse_line_break_lookalikes=True,
)

PRESETS: Final = (EPOST, SUBMISSION, STRICT)

"""The vocabulary: levels, actions, stages, reasons, option values, findings.

Everything else in the package is written in these words, so this module
imports nothing of it.
"""

from __future__ import annotations

import re
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Self

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LOOKUP_FAILED",
    "RULES",
    "UNSEEN",
    "Action",
    "DisplayName",
    "Finding",
    "LineEnds",
    "LocalPartCase",
    "LookupFailed",
    "Malformed",
    "Mode",
    "MultipleAuthors",
    "Reason",
    "ReplyStyle",
    "SenderField",
    "Stage",
    "TrustLevel",
    "Unseen",
    "excerpt",
    "octets",
]

LineEnds = Literal["crlf", "lf"]

_MAX_EXCERPT: Final = 256


class TrustLevel(Enum):
    """How much of a submission must be the account's own.

    Ordered, ``AUTH_ID < ENVELOPE < HEADER``, but not a number. Source: the
    E-Post document, 送信者の信頼度; the label of each level there is
    `label`, its place in the list is `rank` (1 to 3).
    """

    AUTH_ID = "auth", 1, "SMTP認証ID"
    ENVELOPE = "envelope", 2, "SMTP認証ID = エンベロープ"
    HEADER = "header", 3, "SMTP認証ID = エンベロープ = FROM:ヘッダー"

    rank: int
    label: str

    def __new__(cls, value: str, rank: int, label: str) -> Self:
        """Let the first of the three facts be the member's value."""
        member = object.__new__(cls)
        member._value_ = value
        member.rank = rank
        member.label = label
        return member

    @classmethod
    def parse(cls, spelling: TrustLevel | str | int) -> TrustLevel:
        """Give the level that a configuration file spells.

        *spelling* is ``"auth"``, ``"envelope"`` or ``"header"``, a member's
        name, 1 to 3, or the E-Post label, in which blanks do not matter;
        letter case never does. Raises `ValueError` for any other text or number, never a
        default, and `TypeError` for any other type (`bool` included).
        """
        if isinstance(spelling, cls):
            return spelling
        if isinstance(spelling, bool) or not isinstance(spelling, str | int):
            msg = f"pass a trust level as text or as a number from 1 to 3, not {spelling!r}"
            raise TypeError(msg)
        wanted = str(spelling).strip().lower()
        for level in cls:
            if wanted in {level.value, level.name.lower(), str(level.rank)} or _squeeze(wanted) == _squeeze(
                level.label
            ):
                return level
        msg = f"unknown trust level {spelling!r}: write one of auth, envelope, header"
        raise ValueError(msg)

    def __lt__(self, other: object) -> bool:
        """Compare by rank; anything but a level is not comparable."""
        return self.rank < other.rank if isinstance(other, TrustLevel) else NotImplemented

    def __le__(self, other: object) -> bool:
        """Compare by rank; anything but a level is not comparable."""
        return self.rank <= other.rank if isinstance(other, TrustLevel) else NotImplemented

    def __gt__(self, other: object) -> bool:
        """Compare by rank; anything but a level is not comparable."""
        return self.rank > other.rank if isinstance(other, TrustLevel) else NotImplemented

    def __ge__(self, other: object) -> bool:
        """Compare by rank; anything but a level is not comparable."""
        return self.rank >= other.rank if isinstance(other, TrustLevel) else NotImplemented


def _squeeze(spelling: str) -> str:
    return re.sub(r"\s", "", spelling).lower()


class Action(Enum):
    """What to do with the command or the message."""

    ACCEPT = "accept"
    REJECT = "reject"
    DEFER = "defer"


class Stage(Enum):
    """When the question was asked: at ``MAIL FROM``, or after the final dot."""

    MAIL = "mail"
    DATA = "data"


class Reason(Enum):
    """Why a verdict is what it is. Closed: see ``docs/reference/reasons.md``."""

    OK = "ok"
    NOT_AUTHENTICATED = "not_authenticated"
    ENVELOPE_MISMATCH = "envelope_mismatch"
    ENVELOPE_MALFORMED = "envelope_malformed"
    ENVELOPE_NULL = "envelope_null"
    HEADERS_MALFORMED = "headers_malformed"
    FROM_MISSING = "from_missing"
    FROM_DUPLICATE = "from_duplicate"
    FROM_MULTIPLE = "from_multiple"
    FROM_GROUP = "from_group"
    FROM_MALFORMED = "from_malformed"
    FROM_HIDDEN_ADDRESS = "from_hidden_address"
    FROM_MISMATCH = "from_mismatch"
    FROM_NOT_ENVELOPE = "from_not_envelope"
    SENDER_MISMATCH = "sender_mismatch"
    DISPLAY_NAME_SPOOF = "display_name_spoof"
    LOOKUP_FAILED = "lookup_failed"

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages at which a verdict can have this reason."""
        return tuple(Stage) if self in _KNOWN_AT_MAIL else (Stage.DATA,)


_KNOWN_AT_MAIL: Final = frozenset(
    {
        Reason.OK,
        Reason.NOT_AUTHENTICATED,
        Reason.ENVELOPE_MISMATCH,
        Reason.ENVELOPE_MALFORMED,
        Reason.ENVELOPE_NULL,
        Reason.LOOKUP_FAILED,
    }
)


class ReplyStyle(Enum):
    """Whose words the SMTP replies are in."""

    EPOST = "epost"
    SUBMISSION = "submission"
    POSTFIX = "postfix"


class LocalPartCase(Enum):
    """Whether ``User1@d`` is ``user1@d`` (ASCII letters; nothing else is ever folded)."""

    FOLD = "fold"
    EXACT = "exact"


class MultipleAuthors(Enum):
    """What becomes of one From field with several mailboxes (RFC 5322 3.6.2)."""

    REJECT = "reject"
    ALL_MUST_MATCH = "all_must_match"


class DisplayName(Enum):
    """What becomes of somebody else's address shown as a name."""

    IGNORE = "ignore"
    ADVISE = "advise"
    REJECT = "reject"


class SenderField(Enum):
    """Whether Sender, Resent-From and Resent-Sender must be the account's as well."""

    IGNORE = "ignore"
    MUST_MATCH = "must_match"


class Mode(Enum):
    """Whether a refusal is carried out or only reported."""

    ENFORCE = "enforce"
    REPORT = "report"


class Unseen(Enum):
    """The type of `UNSEEN`."""

    UNSEEN = "unseen"


class LookupFailed(Enum):
    """The type of `LOOKUP_FAILED`."""

    LOOKUP_FAILED = "lookup_failed"


#: The header has not come yet: the question is asked at ``MAIL FROM``.
UNSEEN: Final = Unseen.UNSEEN

#: The directory that knows the account's aliases did not answer.
LOOKUP_FAILED: Final = LookupFailed.LOOKUP_FAILED


def octets(text: str) -> int:
    """Count the octets of decoded text, in which a lone surrogate stands for one."""
    return len(text.encode("utf-8", "replace"))


def excerpt(text: str) -> str:
    """Cut what somebody wrote to 256 characters, and spell out what is no text in it."""
    return text[:_MAX_EXCERPT].encode("utf-8", "backslashreplace").decode()[:_MAX_EXCERPT]


@attrs.frozen
class Malformed:
    """Why a claim cannot be read in exactly one way.

    *rule* is a key of `RULES`; *offset* counts octets from the start of the
    path, the field body or the header block, whichever was read.
    """

    rule: str
    offset: int

    @classmethod
    def at(cls, rule: str, text: str, index: int) -> Self:
        """Make one from an index into decoded text, in which a lone surrogate is one octet."""
        return cls(rule, octets(text[:index]))


@attrs.frozen
class Finding:
    """One thing that is wrong with a submission.

    *claimed* is what the client wrote, cut to 256 characters, or None where
    nothing is there to show: the path or the field body as it came if it is
    malformed, else the canonical address. *rule* is a key of ``RULES`` (listed with what
    to change in ``docs/reference/reasons.md``), *offset* where in the path,
    field body or header block it was broken, in octets, or None.
    """

    reason: Reason
    claimed: str | None
    rule: str
    offset: int | None = None

    @property
    def level(self) -> TrustLevel:
        """The lowest level that this keeps the submission from reaching."""
        if self.rule == "envelope-lookup":
            return TrustLevel.ENVELOPE
        return _BREAKS_FROM.get(self.reason, TrustLevel.HEADER)


_BREAKS_FROM: Final[Mapping[Reason, TrustLevel]] = MappingProxyType(
    {
        Reason.NOT_AUTHENTICATED: TrustLevel.AUTH_ID,
        Reason.ENVELOPE_MISMATCH: TrustLevel.ENVELOPE,
        Reason.ENVELOPE_MALFORMED: TrustLevel.ENVELOPE,
        Reason.ENVELOPE_NULL: TrustLevel.ENVELOPE,
    }
)

#: Every rule that a finding can name, with what the sender has to change.
#: The texts go into SMTP replies: ASCII, no full stop, no braces.
RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # authentication
        "login-required": "log in first",
        # whose address it is
        "envelope-owner": "send from one of your own addresses",
        "envelope-lookup": "try again later",
        "null-sender": "give a return address",
        "from-owner": "use one of your own addresses in From",
        "from-on-behalf": "name the account you logged in with in one Sender field",
        "from-lookup": "try again later",
        "from-envelope": "use the same address in From and as the envelope sender",
        "sender-owner": "use your own addresses in Sender and Resent fields, or leave these out",
        "sender-lookup": "try again later",
        "sender-duplicate": "send one Sender field",
        "sender-multiple": "use one address in Sender and Resent-Sender",
        "name-shows-address": "take the other address out of the display name",
        # one address (RFC 5321 4.1.2, RFC 5322 3.4.1)
        "address-too-long": "shorten the address",
        "no-at-sign": "write the address as user@domain",
        "source-route": "leave out the source route",
        "local-part-empty": "write something before the @",
        "local-part-dots": "put the part before the @ in double quotes, or remove the extra dots",
        "local-part-character": "put the part before the @ in double quotes, or remove the special characters",
        "local-part-quotes": "close the double quotes and escape quotes inside them",
        "local-part-delimiter": "remove @ < > from the part before the @",
        "local-part-unicode": "write the part before the @ in normalised, visible characters",
        "domain-empty": "write a domain after the @",
        "domain-syntax": "write a domain name or an address literal after the @",
        "domain-idna": "write a valid international domain name",
        "blank-in-address": "remove blanks from the address, and put it in angle brackets if a name stands before it",
        "comment-in-address": "remove comments from the address",
        "text-after-address": "remove what follows the address",
        "angle-unclosed": "close the angle bracket",
        "control-character": "remove control characters",
        "not-utf8": "encode it as UTF-8 or as an encoded-word",
        "encoded-word-in-address": "write the address without encoded-words",
        "encoded-word-unclosed": "write the encoded-word with B or Q, and end it with ?=",
        "encoded-word-nested": "write no encoded-word inside another one",
        # one From field (RFC 5322 3.4)
        "from-missing": "send one From field with an address",
        "from-duplicate": "send one From field",
        "from-multiple": "use one address in From",
        "from-group": "write an address instead of a group",
        "no-address": "write an address, and put a name with commas in double quotes",
        "empty-element": "remove the extra comma",
        "at-in-name": "put the display name in double quotes",
        "special-in-name": "put the display name in double quotes",
        "quotes-unclosed": "close the double quotes",
        "comment-unclosed": "close the parenthesis",
        "comment-too-deep": "write fewer parentheses",
        "comment-beside-address": "put the address in angle brackets, or leave brackets and quotes out of the comment",
        "angle-unopened": "open the angle bracket",
        "delimiter-unexpected": "put the display name in double quotes",
        "control-decoded": "remove control characters from the encoded-words",
        "bidi-in-name": "remove text direction controls",
        "line-separator": "remove line separator characters",
        "hidden-address": "take the other address out of the display name",
        "field-too-long": "shorten the field",
        # one header block (RFC 5322 2.2)
        "block-too-long": "send fewer or shorter header fields",
        "line-too-long": "fold long header lines",
        "nul": "remove NUL characters",
        "bare-cr": "end header lines with CR LF",
        "bare-lf": "end header lines with CR LF",
        "cr-in-lf-text": "remove carriage returns",
        "leading-continuation": "start the header with a field",
        "blank-continuation": "remove blank continuation lines",
        "blank-before-colon": "remove the blank before the colon of From",
        "too-many-fields": "send fewer or shorter Sender and Resent fields",
        "field-name": "write field names in printable ASCII, without blanks, and From without a > before it",
        "unfolded-line": "begin each further line of a field with a blank",
        "not-a-field": "end the header with an empty line",
        "line-break-lookalike": "remove line separator characters from the header",
    }
)

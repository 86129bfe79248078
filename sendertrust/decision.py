"""The question itself: may this account write under these two identities?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from sendertrust import claims
from sendertrust.address import NULL_PATH, Address, NullPath, login_address, parse_mailbox, parse_reverse_path
from sendertrust.author import parse_author, simple_author
from sendertrust.display_name import Mailbox, hidden_addresses, shown_addresses
from sendertrust.grant import Right
from sendertrust.message import Fields, body_fault, fields_of_block, fields_of_pairs
from sendertrust.policy import EPOST, Policy
from sendertrust.rights import (
    IN_ENVELOPE,
    IN_HEADER,
    NO_ALIASES,
    ON_BEHALF,
    OWN,
    Aliases,
    AliasSource,
    as_aliases,
    gives,
    null_sender_right,
    right_to,
    same_mailbox,
    useless,
)
from sendertrust.terms import (
    UNSEEN,
    Action,
    DisplayName,
    Finding,
    LineEnds,
    Malformed,
    MultipleAuthors,
    Reason,
    SenderField,
    Stage,
    TrustLevel,
    Unseen,
    excerpt,
)
from sendertrust.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sendertrust.claims import HeaderFrom, MessageSource

__all__ = ["check", "check_message"]

_MAX_ADDRESSES_IN_NAME: Final = 32


class _FieldKind(NamedTuple):
    """A kind of header field, and the reasons for which one of its mailboxes is refused."""

    #: Begins the rules of its findings, such as ``from-owner``.
    name: str
    hidden: Reason
    mismatch: Reason


_FROM: Final = _FieldKind("from", Reason.FROM_HIDDEN_ADDRESS, Reason.FROM_MISMATCH)
_SENDER: Final = _FieldKind("sender", Reason.SENDER_MISMATCH, Reason.SENDER_MISMATCH)


def check(
    auth_id: str | None,
    envelope_from: str | bytes,
    header_from: HeaderFrom,
    aliases: AliasSource = (),
    *,
    level: TrustLevel | None = None,
    policy: Policy = EPOST,
    line_ends: LineEnds = "crlf",
) -> Verdict:
    """Say whether an account may write under an envelope sender and a From header.

    *auth_id* is the login, trusted text: ``user@domain``, or ``user`` to be
    qualified by the policy's ``default_domain``; None or ``""`` if nobody
    logged in. *envelope_from* is the reverse-path, with or without angle
    brackets; ``""`` or ``"<>"`` is the null one. *header_from* is the body of
    every From field, in order and as received (undecoded, still folded): one
    string is one field, None or ``[]`` says that there is none, and `UNSEEN`
    that DATA has not come yet. *aliases* is what else the account may send
    as: an `Aliases`, a list, tuple, set or frozenset of `str` or `Grant`, or
    `LOOKUP_FAILED`. *level* overrides ``policy.level``. *line_ends* is
    ``"crlf"``, or ``"lf"`` where the host hands over text with such line ends.

    Whatever a client can send gives a verdict. `TypeError` and `ValueError`
    are for what only the caller can get wrong, and say what to pass instead:
    a policy that reads Sender fields, for one, needs `check_message`.

    >>> from sendertrust import check, UNSEEN, TrustLevel
    >>> check("user1@test-sample.jp", "user2@test-sample.jp", UNSEEN, level=TrustLevel.ENVELOPE).reason
    <Reason.ENVELOPE_MISMATCH: 'envelope_mismatch'>

    Source: the E-Post document, 送信者の信頼度; RFC 6409 6.1 and 6.3.
    """
    claims.require(auth_id, level, policy, line_ends)
    header: Fields | Unseen
    if header_from is UNSEEN:
        header = UNSEEN
    elif policy.sender_field is SenderField.MUST_MATCH:
        msg = "this policy reads Sender and Resent fields too: call check_message with the header block"
        raise ValueError(msg)
    else:
        header = Fields(author=claims.bodies(header_from))
    return _decide(auth_id, envelope_from, header, as_aliases(aliases), level, policy, line_ends)


def check_message(
    auth_id: str | None,
    envelope_from: str | bytes,
    message: MessageSource,
    aliases: AliasSource = (),
    *,
    level: TrustLevel | None = None,
    policy: Policy = EPOST,
    line_ends: LineEnds = "crlf",
) -> Verdict:
    r"""Say the same of a message, or of its header block, as received.

    *message* is `bytes`, of which nothing after the first empty line is
    looked at, or the (name, body) pairs that a milter collects; never a
    parsed ``email.message.Message``, which has lost what must be judged. The
    other arguments are those of `check`.

    >>> from sendertrust import check_message, SUBMISSION
    >>> message = b"From: Me <me@a.example>\r\n\r\nHi\r\n"
    >>> check_message("me@a.example", "me@a.example", message, policy=SUBMISSION).allowed
    True
    """
    claims.require(auth_id, level, policy, line_ends)
    aliases = as_aliases(aliases)
    with_sender = gives(aliases, Right.ON_BEHALF_OF)
    if isinstance(message, bytes):
        header = fields_of_block(message, policy, line_ends, with_sender=with_sender)
    else:
        header = fields_of_pairs(claims.pairs(message), policy, line_ends, with_sender=with_sender)
    return _decide(auth_id, envelope_from, header, aliases, level, policy, line_ends)


def _decide(
    auth_id: str | None,
    envelope_from: str | bytes,
    header: Fields | Malformed | Unseen,
    aliases: Aliases,
    level: TrustLevel | None,
    policy: Policy,
    line_ends: LineEnds,
) -> Verdict:
    """Answer the most common question by itself, and have all others judged.

    That is the one in which login, envelope and From are one plain address:
    it is canonical and the other two equal it letter for letter, so there is
    nothing that `_judge` could find; a test holds the two together.
    """
    required = policy.level if level is None else level
    own = _own_address(auth_id, envelope_from, header, policy)
    if own is None:
        return _judge(auth_id, envelope_from, header, aliases, required, policy, line_ends)
    return Verdict(
        policy=policy,
        required=required,
        stage=Stage.DATA,
        auth_id=own,
        envelope_from=own,
        header_from=(own,),
        findings=(),
        matched_by=(OWN, OWN),
        advisories=_unused(aliases, header, policy),
    )


def _own_address(
    auth_id: str | None,
    envelope_from: str | bytes,
    header: Fields | Malformed | Unseen,
    policy: Policy,
) -> str | None:
    if not isinstance(header, Fields) or header.others or header.spaced or len(header.author) != 1:
        return None
    if type(envelope_from) is not str:
        return None
    author = simple_author(header.author[0], policy)
    if author is None or author.text != auth_id:
        return None
    return auth_id if envelope_from == auth_id or envelope_from == f"<{auth_id}>" else None  # noqa: PLR1714 - speed


def _judge(
    auth_id: str | None,
    envelope_from: str | bytes,
    header: Fields | Malformed | Unseen,
    aliases: Aliases,
    required: TrustLevel,
    policy: Policy,
    line_ends: LineEnds,
) -> Verdict:
    """Gather the facts in their order; what follows from them is the verdict's to say."""
    path = claims.text("envelope_from", envelope_from)
    envelope = parse_reverse_path(path, legacy_dots=policy.legacy_dots)
    case = _Case(_login(auth_id, envelope, policy), aliases, policy, line_ends)
    envelope_right: str | None = None
    mailboxes: tuple[Mailbox, ...] = ()
    rights: list[str | None] = []

    if not auth_id:
        case.findings.append(Finding(Reason.NOT_AUTHENTICATED, None, "login-required"))
    else:
        envelope_right = _judge_envelope(envelope, path, case)
        if header is not UNSEEN:
            mailboxes, rights = _judge_header(header, envelope, case)
        case.advisories.extend(_unused(aliases, header, policy))

    return Verdict(
        policy=policy,
        required=required,
        stage=Stage.MAIL if header is UNSEEN else Stage.DATA,
        auth_id=auth_id or None,
        envelope_from=envelope.text if isinstance(envelope, Address) else ("" if envelope is NULL_PATH else None),
        header_from=tuple([mailbox.address.text for mailbox in mailboxes]),
        findings=tuple(case.findings),
        matched_by=(envelope_right, *rights),
        advisories=tuple(case.advisories),
    )


def _login(auth_id: str | None, envelope: Address | NullPath | Malformed, policy: Policy) -> Address | None:
    """Give the address that the login is; what is canonical in the envelope reads as the same one there."""
    if isinstance(envelope, Address) and envelope.text == auth_id:
        return envelope
    return login_address(auth_id, policy.default_domain) if auth_id else None


@attrs.define
class _Case:
    """What is judged: who logged in, what else is known to be theirs, and what is wrong so far."""

    login: Address | None
    aliases: Aliases
    policy: Policy
    line_ends: LineEnds
    findings: list[Finding] = attrs.field(init=False, factory=list)
    advisories: list[str] = attrs.field(init=False, factory=list)

    @property
    def header_aliases(self) -> Aliases:
        """What the header is looked up in: under EPOST, nothing."""
        return self.aliases if self.policy.aliases_cover_header else NO_ALIASES

    def foreign(self, text: str, mailbox: Mailbox) -> bool | None:
        """Say whether what looks like an address is somebody else's; None if a failed source may know.

        The account's are its login and its exact grants, in every policy.
        The address that the text stands beside is judged by itself.
        """
        unquoted = text[1:-1] if text[0] == text[-1] == "'" else text  # as some clients quote a name
        address = parse_mailbox(unquoted, legacy_dots=True)
        if isinstance(address, Malformed):
            return True
        if address == mailbox.address:
            return False
        if right_to(address, self.login, self.aliases, self.policy, IN_HEADER, exact_only=True):
            return False
        return None if self.aliases.failed else True

    def first_foreign(
        self, texts: Iterable[str], mailbox: Mailbox, identity: str, reason: Reason, rule: str
    ) -> Finding | None:
        """Make a finding of the first text that is a foreign address, else of the first that may be one.

        A name with more addresses in it than anybody has is foreign unread.
        """
        unknown = None
        seen: set[str] = set()
        for text in texts:
            if text in seen:
                continue
            if len(seen) == _MAX_ADDRESSES_IN_NAME:
                return Finding(reason, excerpt(text), rule)
            seen.add(text)
            foreign = self.foreign(text, mailbox)
            if foreign:
                return Finding(reason, excerpt(text), rule)
            if foreign is None and unknown is None:
                unknown = text
        if unknown is None:
            return None
        return Finding(Reason.LOOKUP_FAILED, excerpt(unknown), f"{identity}-lookup")

    def hidden(self, mailbox: Mailbox, field: _FieldKind) -> Finding | None:
        """Make a finding of a foreign address that some reader would take instead."""
        return self.first_foreign(hidden_addresses(mailbox), mailbox, field.name, field.hidden, "hidden-address")

    def judge(self, mailbox: Mailbox, field: _FieldKind, *, on_behalf: bool | None = None) -> str | None:
        """Judge one mailbox of the header; give the right to it.

        *on_behalf* says whether the Sender field names the login, and None that it does not matter.
        """
        if finding := self.hidden(mailbox, field):
            self.findings.append(finding)
        address, aliases = mailbox.address, self.header_aliases
        right = right_to(address, self.login, aliases, self.policy, IN_HEADER)
        if right is not None:
            return right
        rule = f"{field.name}-owner"
        if on_behalf is not None and (right := right_to(address, None, aliases, self.policy, ON_BEHALF)):
            if on_behalf:
                return right
            rule = "from-on-behalf"
        self.findings.append(_not_granted(field.name, address.text, field.mismatch, rule, aliases))
        return None


def _unused(aliases: Aliases, header: Fields | Malformed | Unseen, policy: Policy) -> tuple[str, ...]:
    """Name the grants that can match nothing, or not in this question."""
    ignored = useless(aliases, policy)
    sender_unread = isinstance(header, Fields) and header.sender is None
    if sender_unread and policy.aliases_cover_header and gives(aliases, Right.ON_BEHALF_OF):
        return (*ignored, "on-behalf-of grants ignored: they need check_message")
    return ignored


def _judge_envelope(envelope: Address | NullPath | Malformed, path: str, case: _Case) -> str | None:
    """Judge the reverse-path; give the right to it."""
    if isinstance(envelope, Malformed):
        case.findings.append(_malformed(Reason.ENVELOPE_MALFORMED, path, envelope))
        return None
    if envelope is NULL_PATH:
        # RFC 6409 3.2: never by itself a reason to reject, unless the site says so.
        if case.policy.null_sender is Action.ACCEPT:
            return "null"
        right = null_sender_right(case.aliases)
        claimed, reason, rule = "", Reason.ENVELOPE_NULL, "null-sender"
    else:
        right = right_to(envelope, case.login, case.aliases, case.policy, IN_ENVELOPE)
        claimed, reason, rule = envelope.text, Reason.ENVELOPE_MISMATCH, "envelope-owner"
    if right is None:
        case.findings.append(_not_granted("envelope", claimed, reason, rule, case.aliases))
    return right


def _judge_header(
    header: Fields | Malformed, envelope: Address | NullPath | Malformed, case: _Case
) -> tuple[tuple[Mailbox, ...], list[str | None]]:
    """Judge the fields that name somebody; give the authors, and the right to each."""
    if isinstance(header, Malformed):
        case.findings.append(_malformed(Reason.HEADERS_MALFORMED, None, header))
        return (), []
    mailboxes = _read_author(header, case)
    if isinstance(mailboxes, Finding):
        case.findings.append(mailboxes)
        mailboxes = ()
    rights = _judge_author(mailboxes, envelope, case, on_behalf=_sender_is_login(header, case))
    _judge_others(header, case)
    _judge_names(mailboxes, case)
    return mailboxes, rights


def _read_author(header: Fields, case: _Case) -> tuple[Mailbox, ...] | Finding:
    """Read the one From field; give its mailboxes, or a finding that says why there are none."""
    if not header.author:
        return Finding(Reason.FROM_MISSING, None, "from-missing")
    if len(header.author) > 1:
        return Finding(Reason.FROM_DUPLICATE, excerpt(header.author[1]), "from-duplicate")
    body = header.author[0]
    if header.spaced:
        return Finding(Reason.HEADERS_MALFORMED, excerpt(body), "blank-before-colon")
    mailboxes = _mailboxes(body, case)
    if isinstance(mailboxes, Malformed):
        reason = Reason.FROM_GROUP if mailboxes.rule == "from-group" else Reason.FROM_MALFORMED
        return _malformed(reason, body, mailboxes)
    return mailboxes


def _sender_is_login(header: Fields, case: _Case) -> bool:
    """Say whether the one Sender field names the login's own address, as who sends on behalf must (RFC 5322 3.6.2)."""
    if header.sender is None or len(header.sender) != 1:
        return False
    if not gives(case.header_aliases, Right.ON_BEHALF_OF):
        return False
    mailboxes = _mailboxes(header.sender[0], case)
    if isinstance(mailboxes, Malformed) or len(mailboxes) != 1:
        return False
    sender = mailboxes[0]
    right = right_to(sender.address, case.login, NO_ALIASES, case.policy, IN_HEADER)
    return right == OWN and case.hidden(sender, _SENDER) is None


def _judge_author(
    mailboxes: tuple[Mailbox, ...], envelope: Address | NullPath | Malformed, case: _Case, *, on_behalf: bool
) -> list[str | None]:
    """Judge who the author is; give the right to each mailbox."""
    policy = case.policy
    if len(mailboxes) > 1 and policy.multiple_authors is MultipleAuthors.REJECT:
        case.findings.append(Finding(Reason.FROM_MULTIPLE, mailboxes[1].address.text, "from-multiple"))
    rights = []
    for mailbox in mailboxes:
        rights.append(case.judge(mailbox, _FROM, on_behalf=on_behalf))
        must_equal = envelope if policy.header_equals_envelope and isinstance(envelope, Address) else None
        if must_equal and not same_mailbox(mailbox.address, must_equal, policy):
            case.findings.append(Finding(Reason.FROM_NOT_ENVELOPE, mailbox.address.text, "from-envelope"))
    return rights


def _judge_others(header: Fields, case: _Case) -> None:
    """Judge Sender, Resent-From and Resent-Sender, where the policy reads them."""
    if [name for name, _ in header.others].count("sender") > 1:
        case.findings.append(Finding(Reason.SENDER_MISMATCH, None, "sender-duplicate"))
    for name, body in dict.fromkeys(header.others):
        mailboxes = _mailboxes(body, case)
        if isinstance(mailboxes, Malformed):
            case.findings.append(_malformed(Reason.SENDER_MISMATCH, body, mailboxes))
            continue
        if len(mailboxes) > 1 and name != "resent-from":
            case.findings.append(Finding(Reason.SENDER_MISMATCH, mailboxes[1].address.text, "sender-multiple"))
        for mailbox in mailboxes:
            case.judge(mailbox, _SENDER)


def _judge_names(mailboxes: tuple[Mailbox, ...], case: _Case) -> None:
    """Judge what the names of the authors show to a person, as far as the policy cares."""
    wish = case.policy.display_name
    if wish is DisplayName.IGNORE:
        return
    for mailbox in mailboxes:
        shown = shown_addresses(mailbox)
        finding = case.first_foreign(shown, mailbox, _FROM.name, Reason.DISPLAY_NAME_SPOOF, "name-shows-address")
        if finding is None:
            continue
        if wish is DisplayName.REJECT:
            case.findings.append(finding)
        elif finding.reason is Reason.DISPLAY_NAME_SPOOF:
            case.advisories.append(f"display name shows {finding.claimed}")


def _not_granted(identity: str, claimed: str, reason: Reason, rule: str, aliases: Aliases) -> Finding:
    """Say that no source grants what is claimed; or, if one failed, that it is not known."""
    if aliases.failed:
        return Finding(Reason.LOOKUP_FAILED, claimed, f"{identity}-lookup")
    return Finding(reason, claimed, rule)


def _mailboxes(body: str, case: _Case) -> tuple[Mailbox, ...] | Malformed:
    simple = simple_author(body, case.policy)
    if simple is not None:
        return (Mailbox(simple),)
    return body_fault(body, case.policy, case.line_ends) or parse_author(body, case.policy)


def _malformed(reason: Reason, claimed: str | None, fault: Malformed) -> Finding:
    return Finding(reason, None if claimed is None else excerpt(claimed), fault.rule, fault.offset)

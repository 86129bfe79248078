"""The answer: what was found, and everything that follows from it."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, Final

import attrs

from sendertrust.policy import EPOST, PRESETS, Policy
from sendertrust.terms import Action, Finding, Mode, Reason, Stage, TrustLevel

__all__ = ["Verdict", "require_verdict"]

_MAX_SHOWN_CHARACTERS: Final = 256
_MAX_SHOWN_ITEMS: Final = 8


@attrs.frozen(kw_only=True)
class Verdict:
    """What the rules say of one submission. Made by ``check`` and ``check_message``.

    It stores nine facts and derives the rest, so that no two parts of it can
    disagree. Addresses are text in canonical form: the domain in lower-case
    A-labels, the local part in the case that it was written in.
    """

    #: The policy that was asked.
    policy: Policy
    #: The level that was required: the policy's, or the caller's.
    required: TrustLevel
    #: MAIL if the header had not come yet.
    stage: Stage
    #: The login as the host gave it, or None.
    auth_id: str | None
    #: The canonical envelope sender, ``""`` for the null path, None if malformed.
    envelope_from: str | None
    #: Every mailbox of the one From field, if it could be read.
    header_from: tuple[str, ...]
    #: All that is wrong, in the order auth, envelope, block, From, Sender, display name.
    findings: tuple[Finding, ...]
    #: By what right: of the envelope first, then of each `header_from`: ``"own"``, ``"null"``, the alias, or None.
    matched_by: tuple[str | None, ...]
    #: What is worth a look but refuses nothing: malformed aliases, addresses shown as names.
    advisories: tuple[str, ...]

    @property
    def applies(self) -> bool:
        """Whether there was a login: without one the trust levels say nothing."""
        return self.auth_id is not None

    @property
    def decision(self) -> Action:
        """What the rules say, report-only mode aside."""
        if self.auth_id is None:
            return self.policy.unauthenticated
        enforced = self._enforced()
        if not enforced:
            return Action.ACCEPT
        final = any(finding.reason is not Reason.LOOKUP_FAILED for finding in enforced)
        return Action.REJECT if final else Action.DEFER

    @property
    def action(self) -> Action:
        """What to do: the decision, or ACCEPT where the policy only reports."""
        return Action.ACCEPT if self.policy.mode is Mode.REPORT else self.decision

    @property
    def allowed(self) -> bool:
        """Whether the action is ACCEPT: so far, if the verdict is `pending`."""
        return self.action is Action.ACCEPT

    def __bool__(self) -> bool:
        """Be true exactly if `allowed`, so that ``if check(…)`` means what it says."""
        return self.allowed

    @property
    def pending(self) -> bool:
        """Whether the header is still to be judged before the required level can be reached."""
        return (
            self.stage is Stage.MAIL
            and self.applies
            and self.required is TrustLevel.HEADER
            and self.decision is Action.ACCEPT
        )

    @property
    def achieved(self) -> TrustLevel | None:
        """The highest level that the submission satisfies, whatever was required.

        None without a login; at MAIL at most ENVELOPE. This is what the next
        level would cost, seen before it is switched on.
        """
        if not self.applies:
            return None
        broken = {finding.level for finding in self.findings}
        if TrustLevel.ENVELOPE in broken:
            return TrustLevel.AUTH_ID
        if TrustLevel.HEADER in broken or self.stage is Stage.MAIL:
            return TrustLevel.ENVELOPE
        return TrustLevel.HEADER

    def satisfies(self, level: TrustLevel) -> bool:
        """Say whether the submission reaches *level*, whatever was required."""
        achieved = self.achieved
        return achieved is not None and level <= achieved

    @property
    def reason(self) -> Reason:
        """Why: OK if the decision is ACCEPT, else the first reason of the class that won.

        Without a login it is NOT_AUTHENTICATED whatever is decided.
        """
        if not self.applies:
            return Reason.NOT_AUTHENTICATED
        decision = self.decision
        if decision is Action.ACCEPT:
            return Reason.OK
        if decision is Action.DEFER:
            return Reason.LOOKUP_FAILED
        return self.decisive[0].reason

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reason of every finding, once each, in order; enforced at this level or not."""
        return tuple(dict.fromkeys(finding.reason for finding in self.findings))

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """The findings that made the decision; none if it is ACCEPT of a login."""
        awaited = self.decision is Action.DEFER
        return tuple(finding for finding in self._enforced() if (finding.reason is Reason.LOOKUP_FAILED) is awaited)

    def _enforced(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level <= self.required]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON values; ``docs/reference/verdict.schema.json`` describes them."""
        achieved = self.achieved
        return {
            "schema": 1,
            "decision": self.decision.value,
            "action": self.action.value,
            "allowed": self.allowed,
            "applies": self.applies,
            "pending": self.pending,
            "stage": self.stage.value,
            "required": self.required.value,
            "achieved": achieved.value if achieved else None,
            "reason": self.reason.value,
            "reasons": [reason.value for reason in self.reasons],
            "auth_id": _utf8(self.auth_id),
            "envelope_from": self.envelope_from,
            "header_from": list(self.header_from),
            "matched_by": [_utf8(right) for right in self.matched_by],
            "findings": [
                {
                    "reason": finding.reason.value,
                    "level": finding.level.value,
                    "claimed": _utf8(finding.claimed),
                    "rule": finding.rule,
                    "offset": finding.offset,
                }
                for finding in self.findings
            ],
            "advisories": [_utf8(advisory) for advisory in self.advisories],
            "policy": {"name": _utf8(self.policy.name), "options": _differing_options(self.policy)},
        }

    def __str__(self) -> str:
        """Give one line of printable ASCII for a log; nothing from the wire can forge a part of it."""
        achieved = self.achieved
        facts = {
            "decision": self.decision.value,
            "action": self.action.value,
            "reason": self.reason.value,
            "stage": self.stage.value,
            "required": self.required.value,
            "achieved": achieved.value if achieved else None,
            "pending": self.pending,
            "auth_id": self.auth_id,
            "envelope_from": self.envelope_from,
            "header_from": self.header_from,
            "findings": [_named(finding) for finding in self.findings],
            "advisories": self.advisories,
            "policy": self.policy.name,
            "options": list(_differing_options(self.policy)),
        }
        return " ".join(f"{name}={_shown(value)}" for name, value in facts.items())


def _named(finding: Finding) -> str:
    """Name a finding, and where in the field or block it is, if it is at one place."""
    where = "" if finding.offset is None else f"@{finding.offset}"
    return f"{finding.reason.value}:{finding.rule}{where}"


def require_verdict(verdict: object) -> None:
    """Refuse what a caller passes in the place of a verdict."""
    if not isinstance(verdict, Verdict):
        msg = f"pass the verdict of check or check_message, not {verdict!r}"
        raise TypeError(msg)


def _utf8(text: str | None) -> str | None:
    """Spell lone surrogates out: JSON may be sent as UTF-8."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _differing_options(policy: Policy) -> dict[str, Any]:
    """Give the options in which a policy differs from the preset that it is named after, or from EPOST."""
    preset = next((preset for preset in PRESETS if preset.name == policy.name), EPOST)
    options = {}
    for field in attrs.fields(Policy):
        value = getattr(policy, field.name)
        if field.name != "name" and value != getattr(preset, field.name):
            options[field.name] = value.value if isinstance(value, Enum) else value
    return options


def _shown(value: object) -> str:
    """Write a value for the log line as bounded, ASCII-only JSON."""
    if isinstance(value, str):
        cut = value if len(value) <= _MAX_SHOWN_CHARACTERS else value[:_MAX_SHOWN_CHARACTERS] + "..."
        return json.dumps(cut, ensure_ascii=True)
    if isinstance(value, list | tuple):
        more = [f"(+{len(value) - _MAX_SHOWN_ITEMS} more)"] if len(value) > _MAX_SHOWN_ITEMS else []
        return "[" + ",".join(_shown(item) for item in [*value[:_MAX_SHOWN_ITEMS], *more]) + "]"
    return json.dumps(value)

"""For the unit tests of a mail server: verdicts to order.

>>> from sendertrust import Reason, Stage, reply_for
>>> from sendertrust.testing import make_verdict
>>> str(reply_for(make_verdict(Reason.FROM_DUPLICATE)))
'554 5.6.0 Bad message header: send one From field'
>>> make_verdict(Reason.LOOKUP_FAILED, Stage.MAIL).action
<Action.DEFER: 'defer'>
"""

from __future__ import annotations

from typing import Final

from sendertrust import SUBMISSION, Finding, Policy, Reason, Stage, TrustLevel, Verdict

__all__ = ["make_verdict"]

_LOGIN: Final = "user1@test-sample.jp"
_FOREIGN: Final = "user2@test-sample.jp"

# What each reason comes with in real verdicts: what was claimed, and the rule.
_FINDINGS: Final = {
    Reason.NOT_AUTHENTICATED: (None, "login-required"),
    Reason.ENVELOPE_MISMATCH: (_FOREIGN, "envelope-owner"),
    Reason.ENVELOPE_MALFORMED: (f"<{_LOGIN}", "angle-unclosed"),
    Reason.ENVELOPE_NULL: ("", "null-sender"),
    Reason.HEADERS_MALFORMED: (None, "bare-lf"),
    Reason.FROM_MISSING: (None, "from-missing"),
    Reason.FROM_DUPLICATE: (_FOREIGN, "from-duplicate"),
    Reason.FROM_MULTIPLE: (_FOREIGN, "from-multiple"),
    Reason.FROM_GROUP: (f"team: {_LOGIN};", "from-group"),
    Reason.FROM_MALFORMED: (f"{_FOREIGN} <{_LOGIN}>", "at-in-name"),
    Reason.FROM_HIDDEN_ADDRESS: (_FOREIGN, "hidden-address"),
    Reason.FROM_MISMATCH: (_FOREIGN, "from-owner"),
    Reason.FROM_NOT_ENVELOPE: (_LOGIN, "from-envelope"),
    Reason.SENDER_MISMATCH: (_FOREIGN, "sender-owner"),
    Reason.DISPLAY_NAME_SPOOF: (_FOREIGN, "name-shows-address"),
}
_LOOKUP_RULES: Final = {Stage.MAIL: "envelope-lookup", Stage.DATA: "from-lookup"}


def make_verdict(reason: Reason = Reason.OK, stage: Stage = Stage.DATA, *, policy: Policy = SUBMISSION) -> Verdict:
    """Make a verdict with one reason, at level HEADER, without a message to be judged.

    *policy* decides what it decides elsewhere too: the words of the reply,
    report-only mode, what becomes of NOT_AUTHENTICATED. Raises `ValueError`
    for a reason that cannot occur at that stage.
    """
    if stage not in reason.stages:
        msg = f"{reason.name} cannot occur at {stage.name}: pass stage as {' or '.join(s.name for s in reason.stages)}"
        raise ValueError(msg)
    finding: tuple[Finding, ...] = ()
    if reason is Reason.LOOKUP_FAILED:
        finding = (Finding(reason, _FOREIGN, _LOOKUP_RULES[stage]),)
    elif reason is not Reason.OK:
        finding = (Finding(reason, *_FINDINGS[reason]),)
    claimed = finding[0].claimed if finding else None
    envelope = {
        Reason.ENVELOPE_MISMATCH: claimed,
        Reason.ENVELOPE_MALFORMED: None,
        Reason.ENVELOPE_NULL: "",
    }.get(reason, _LOGIN)
    return Verdict(
        policy=policy,
        required=TrustLevel.HEADER,
        stage=stage,
        auth_id=None if reason is Reason.NOT_AUTHENTICATED else _LOGIN,
        envelope_from=envelope,
        header_from=(),
        findings=finding,
        matched_by=(None,),
        advisories=(),
    )

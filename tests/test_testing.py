"""Verdicts to order are like real ones."""

from __future__ import annotations

import attrs
import pytest

from sendertrust import (
    EPOST,
    SUBMISSION,
    UNSEEN,
    Action,
    Policy,
    Reason,
    Stage,
    Verdict,
    check,
    check_message,
    reply_for,
)
from sendertrust.testing import make_verdict

ME = "user1@test-sample.jp"
OTHER = "user2@test-sample.jp"

# The same reasons from real input, to hold the made ones against.
REAL: dict[Reason, Verdict] = {
    Reason.OK: check(ME, ME, ME, policy=SUBMISSION),
    Reason.NOT_AUTHENTICATED: check(None, ME, ME, policy=SUBMISSION),
    Reason.ENVELOPE_MISMATCH: check(ME, OTHER, ME, policy=SUBMISSION),
    Reason.ENVELOPE_MALFORMED: check(ME, f"<{ME}", ME, policy=SUBMISSION),
    Reason.ENVELOPE_NULL: check(ME, "", ME, policy=attrs.evolve(SUBMISSION, null_sender="reject")),
    Reason.HEADERS_MALFORMED: check_message(ME, ME, b"From: a\nTo: b\r\n", policy=SUBMISSION),
    Reason.FROM_MISSING: check(ME, ME, None, policy=SUBMISSION),
    Reason.FROM_DUPLICATE: check(ME, ME, [ME, OTHER], policy=SUBMISSION),
    Reason.FROM_MULTIPLE: check(ME, ME, f"{ME}, {OTHER}", [OTHER], policy=SUBMISSION),
    Reason.FROM_GROUP: check(ME, ME, f"team: {ME};", policy=SUBMISSION),
    Reason.FROM_MALFORMED: check(ME, ME, f"{OTHER} <{ME}>", policy=SUBMISSION),
    Reason.FROM_HIDDEN_ADDRESS: check(ME, ME, f'"<{OTHER}>" <{ME}>', policy=SUBMISSION),
    Reason.FROM_MISMATCH: check(ME, ME, OTHER, policy=SUBMISSION),
    Reason.FROM_NOT_ENVELOPE: check(
        ME, OTHER, ME, [OTHER], policy=attrs.evolve(SUBMISSION, header_equals_envelope=True)
    ),
    Reason.SENDER_MISMATCH: check_message(
        ME,
        ME,
        f"From: {ME}\r\nSender: {OTHER}\r\n".encode(),
        policy=attrs.evolve(SUBMISSION, sender_field="must_match"),
    ),
    Reason.DISPLAY_NAME_SPOOF: check(
        ME, ME, f'"{OTHER}" <{ME}>', policy=attrs.evolve(SUBMISSION, display_name="reject")
    ),
}


@pytest.mark.parametrize("reason", REAL, ids=lambda reason: reason.name)
def test_a_made_verdict_has_the_findings_and_the_reply_of_a_real_one(reason: Reason) -> None:
    made, real = make_verdict(reason), REAL[reason]
    assert real.reason is reason
    assert (made.reason, made.decision, made.achieved, made.applies) == (
        reason,
        real.decision,
        real.achieved,
        real.applies,
    )
    assert [(finding.rule, finding.claimed) for finding in made.findings] == [
        (finding.rule, finding.claimed) for finding in real.findings
    ]
    assert str(reply_for(made)) == str(reply_for(real))


@pytest.mark.parametrize(("reason", "stage"), [(reason, stage) for reason in Reason for stage in reason.stages])
def test_every_pair_that_can_occur_can_be_made(reason: Reason, stage: Stage) -> None:
    verdict = make_verdict(reason, stage)
    assert (verdict.reason, verdict.stage) == (reason, stage)
    assert reply_for(verdict).code >= 250


def test_a_failed_lookup_is_of_the_identity_that_its_stage_asks_for() -> None:
    assert make_verdict(Reason.LOOKUP_FAILED, Stage.MAIL).achieved is not make_verdict(Reason.LOOKUP_FAILED).achieved
    assert make_verdict(Reason.LOOKUP_FAILED).action is Action.DEFER


@pytest.mark.parametrize("reason", [reason for reason in Reason if Stage.MAIL not in reason.stages])
def test_a_pair_that_cannot_occur_is_refused(reason: Reason) -> None:
    with pytest.raises(ValueError, match=f"{reason.name} cannot occur at MAIL: pass stage as DATA"):
        make_verdict(reason, Stage.MAIL)


def test_the_policy_decides_as_it_does_elsewhere() -> None:
    assert make_verdict(Reason.NOT_AUTHENTICATED, policy=EPOST).allowed
    assert make_verdict(Reason.FROM_MISMATCH, policy=Policy(mode="report")).allowed
    assert make_verdict(Reason.OK, Stage.MAIL).pending
    assert not make_verdict(Reason.OK, Stage.MAIL).findings
    assert check(ME, ME, UNSEEN, policy=SUBMISSION).pending

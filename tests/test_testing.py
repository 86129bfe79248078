"""Verdicts to order are like real ones."""

from __future__ import annotations

import attrs
import pytest

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Policy,
    Reason,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)
from sendertrust.testing import Expected, Vector, make_verdict, vectors

ME = "user1@test-sample.jp"
OTHER = "user2@test-sample.jp"
SALES = "sales@test-sample.jp"

# The same reasons from real input, to hold the made ones against.
REAL: dict[Reason, Verdict] = {
    Reason.OK: check(ME, ME, ME, policy=SUBMISSION),
    Reason.NOT_AUTHENTICATED: check(None, ME, ME, policy=SUBMISSION),
    Reason.ENVELOPE_MISMATCH: check(ME, OTHER, ME, policy=SUBMISSION),
    Reason.ENVELOPE_MALFORMED: check(ME, f"<{ME}", ME, policy=SUBMISSION),
    Reason.ENVELOPE_NULL: check(ME, "", ME, policy=attrs.evolve(SUBMISSION, null_sender="reject")),
    Reason.HEADERS_MALFORMED: check_message(ME, ME, f"From: {ME}\nTo: b\r\n".encode(), policy=SUBMISSION),
    Reason.FROM_MISSING: check(ME, ME, None, policy=SUBMISSION),
    Reason.FROM_DUPLICATE: check(ME, ME, [ME, OTHER], policy=SUBMISSION),
    Reason.FROM_MULTIPLE: check(ME, ME, f"{ME}, {ME}", policy=SUBMISSION),
    Reason.FROM_GROUP: check(ME, ME, f"team: {ME};", policy=SUBMISSION),
    Reason.FROM_MALFORMED: check(ME, ME, f"{OTHER} <{ME}>", policy=SUBMISSION),
    Reason.FROM_HIDDEN_ADDRESS: check(ME, ME, f'"<{OTHER}>" <{ME}>', policy=SUBMISSION),
    Reason.FROM_MISMATCH: check(ME, ME, OTHER, policy=SUBMISSION),
    Reason.FROM_NOT_ENVELOPE: check(
        ME, SALES, ME, [SALES], policy=attrs.evolve(SUBMISSION, header_equals_envelope=True)
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
    assert attrs.evolve(made, policy=real.policy) == attrs.evolve(real, advisories=())
    assert str(reply_for(made)) == str(reply_for(real))


@pytest.mark.parametrize(("reason", "stage"), [(reason, stage) for reason in Reason for stage in reason.stages])
def test_every_pair_that_can_occur_can_be_made(reason: Reason, stage: Stage) -> None:
    verdict = make_verdict(reason, stage)
    assert (verdict.reason, verdict.stage) == (reason, stage)
    assert (verdict.decision is Action.ACCEPT) is (reason is Reason.OK)


def test_a_failed_lookup_is_of_the_identity_that_its_stage_asks_for() -> None:
    assert make_verdict(Reason.LOOKUP_FAILED, Stage.MAIL).achieved is not make_verdict(Reason.LOOKUP_FAILED).achieved
    assert make_verdict(Reason.LOOKUP_FAILED).action is Action.DEFER


@pytest.mark.parametrize("reason", [reason for reason in Reason if Stage.MAIL not in reason.stages])
def test_a_pair_that_cannot_occur_is_refused(reason: Reason) -> None:
    with pytest.raises(ValueError, match=f"{reason.name} cannot occur at MAIL: pass stage as DATA"):
        make_verdict(reason, Stage.MAIL)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="pass a Reason, a Stage and a Policy, not 'ok'"):
        make_verdict("ok")  # type: ignore[arg-type]  # what a test may do
    with pytest.raises(TypeError, match=r", 'mail' and"):
        make_verdict(Reason.OK, "mail")  # type: ignore[arg-type]  # likewise
    with pytest.raises(TypeError, match=r"not .*'SUBMISSION'"):
        make_verdict(policy="SUBMISSION")  # type: ignore[arg-type]  # likewise


def test_the_policy_decides_as_it_does_elsewhere() -> None:
    assert make_verdict(Reason.NOT_AUTHENTICATED, policy=EPOST).allowed
    assert make_verdict(Reason.FROM_MISMATCH, policy=Policy(mode="report")).allowed
    assert make_verdict(Reason.OK, Stage.MAIL).pending
    assert not make_verdict(Reason.OK, Stage.MAIL).findings
    assert check(ME, ME, UNSEEN, policy=SUBMISSION).pending


# The vectors: what the iterator makes of the files. tests/test_vectors.py runs them.


def by_id(vector_id: str) -> Vector:
    (vector,) = (vector for vector in vectors() if vector.id == vector_id)
    return vector


def test_a_vector_has_its_defaults_filled_in() -> None:
    vector = by_id("levels-honest")
    assert (vector.auth_id, vector.envelope_from, vector.header_from, vector.message) == (
        ME,
        ME.encode(),
        (ME.encode(),),
        None,
    )
    assert (vector.level, vector.line_ends, vector.twin, dict(vector.options)) == (TrustLevel.HEADER, "crlf", None, {})
    assert vector.flags == {"honest"}
    assert set(vector.expected) == {"EPOST", "SUBMISSION", "STRICT"}
    assert vector.expected["STRICT"] == (Expected(Action.ACCEPT, Reason.OK),)
    assert vector.comment
    assert vector.spec


@pytest.mark.parametrize(
    ("vector_id", "octets"),
    [
        pytest.param("from-charsets-latin-1-raw", b"caf\xe9 <user1@test-sample.jp>", id="base64"),
        pytest.param("from-honest-utf8-name", "山田太郎 <user1@test-sample.jp>".encode(), id="UTF-8"),
        pytest.param("from-comments-depth-limit", b"user1@test-sample.jp " + b"(" * 16 + b")" * 16, id="pieces"),
    ],
)
def test_octets_are_put_together(vector_id: str, octets: bytes) -> None:
    assert by_id(vector_id).header_from == (octets,)


def test_what_a_vector_may_say_instead_of_a_default() -> None:
    assert by_id("levels-preset-honest").level is None
    assert by_id("levels-auth-all-foreign").level is TrustLevel.AUTH_ID
    assert by_id("fields-lf").line_ends == "lf"
    assert by_id("levels-not-logged-in").auth_id is None
    assert by_id("levels-login-not-utf8").auth_id == "user1\udce9@test-sample.jp"
    assert by_id("fields-foreign").message == ((b"From", b"ceo@victim.example"),)
    assert by_id("header-block-empty").message == b""
    assert by_id("from-lists-three-fields").header_from == (ME.encode(), ME.encode(), b"ceo@victim.example")
    assert len(by_id("from-lists-group-foreign").expected["EPOST"]) == 2
    assert by_id("lookups-answered").aliases == Aliases.union([SALES], LOOKUP_FAILED)


def test_the_stage_of_a_vector_is_mail_if_it_has_no_header() -> None:
    vector = by_id("levels-source-mail-own")
    assert (vector.header_from, vector.message) == (None, None)
    assert {vector.verdict(preset).stage for preset in (EPOST, SUBMISSION, STRICT)} == {Stage.MAIL}
    assert by_id("header-block-empty").verdict(EPOST).stage is Stage.DATA


def test_options_are_set_over_the_preset() -> None:
    vector = by_id("addresses-subaddress")
    assert vector.policy(SUBMISSION) == attrs.evolve(SUBMISSION, subaddress="+")
    assert vector.verdict(STRICT).policy == attrs.evolve(STRICT, subaddress="+")


def test_bodies_become_fields_where_the_policy_reads_more_than_from() -> None:
    """Law, 3: 'with a policy that also reads Sender or Resent fields and a seen header it is a `ValueError`'."""
    vector = by_id("from-lists-two-fields")
    assert vector.verdict(STRICT).reason is vector.verdict(EPOST).reason is Reason.FROM_DUPLICATE


def test_a_vector_cannot_be_changed() -> None:
    vector = by_id("addresses-subaddress")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        vector.comment = ""  # type: ignore[misc]
    with pytest.raises(TypeError):
        vector.options["subaddress"] = "-"  # type: ignore[index]

"""Verdict: what follows from its nine facts, and how it is written down."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import pytest

from sendertrust.decision import check, check_message
from sendertrust.policy import EPOST, PRESETS, STRICT, SUBMISSION, Policy
from sendertrust.terms import (
    LOOKUP_FAILED,
    RULES,
    UNSEEN,
    Action,
    DisplayName,
    Finding,
    LocalPartCase,
    Mode,
    MultipleAuthors,
    Reason,
    ReplyStyle,
    SenderField,
    Stage,
    TrustLevel,
)
from sendertrust.verdict import Verdict

if TYPE_CHECKING:
    from enum import Enum

OWN = "user1@test-sample.jp"
SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "reference" / "verdict.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
REPORT = Policy(name="report", mode="report")

AUTH_ID, ENVELOPE, HEADER = TrustLevel
ACCEPT, REJECT, DEFER = Action.ACCEPT, Action.REJECT, Action.DEFER
MAIL, DATA = Stage.MAIL, Stage.DATA

NO_LOGIN = Finding(Reason.NOT_AUTHENTICATED, None, "login-required")
BAD_ENVELOPE = Finding(Reason.ENVELOPE_MALFORMED, "a b", "blank-in-address", 1)
NOT_MINE = Finding(Reason.ENVELOPE_MISMATCH, "user2@test-sample.jp", "envelope-owner")
NULL = Finding(Reason.ENVELOPE_NULL, "", "null-sender")
NO_FROM = Finding(Reason.FROM_MISSING, None, "from-missing")
NOT_FROM_ME = Finding(Reason.FROM_MISMATCH, "user2@test-sample.jp", "from-owner")
SPOOF = Finding(Reason.DISPLAY_NAME_SPOOF, "ceo@victim.example", "name-shows-address")
ENVELOPE_UNKNOWN = Finding(Reason.LOOKUP_FAILED, "user2@test-sample.jp", "envelope-lookup")
FROM_UNKNOWN = Finding(Reason.LOOKUP_FAILED, "user2@test-sample.jp", "from-lookup")
SENDER_UNKNOWN = Finding(Reason.LOOKUP_FAILED, "user2@test-sample.jp", "sender-lookup")


def verdict_of(*findings: Finding, **facts: Any) -> Verdict:
    defaults: dict[str, Any] = {
        "policy": EPOST,
        "required": HEADER,
        "stage": DATA,
        "auth_id": OWN,
        "envelope_from": OWN,
        "header_from": (OWN,),
        "findings": findings,
        "matched_by": ("own", "own"),
        "advisories": (),
    }
    return Verdict(**(defaults | facts))


@pytest.mark.parametrize(
    ("findings", "required", "stage", "decision", "reason", "achieved", "pending"),
    [
        ((), AUTH_ID, DATA, ACCEPT, Reason.OK, HEADER, False),
        ((), HEADER, DATA, ACCEPT, Reason.OK, HEADER, False),
        ((), AUTH_ID, MAIL, ACCEPT, Reason.OK, ENVELOPE, False),
        ((), ENVELOPE, MAIL, ACCEPT, Reason.OK, ENVELOPE, False),
        ((), HEADER, MAIL, ACCEPT, Reason.OK, ENVELOPE, True),
        ((NOT_MINE,), AUTH_ID, MAIL, ACCEPT, Reason.OK, AUTH_ID, False),
        ((NOT_MINE,), ENVELOPE, MAIL, REJECT, Reason.ENVELOPE_MISMATCH, AUTH_ID, False),
        ((NOT_MINE,), HEADER, MAIL, REJECT, Reason.ENVELOPE_MISMATCH, AUTH_ID, False),
        ((BAD_ENVELOPE,), AUTH_ID, DATA, ACCEPT, Reason.OK, AUTH_ID, False),
        ((BAD_ENVELOPE,), ENVELOPE, DATA, REJECT, Reason.ENVELOPE_MALFORMED, AUTH_ID, False),
        ((NULL,), ENVELOPE, DATA, REJECT, Reason.ENVELOPE_NULL, AUTH_ID, False),
        ((NULL,), AUTH_ID, DATA, ACCEPT, Reason.OK, AUTH_ID, False),
        ((NO_FROM,), ENVELOPE, DATA, ACCEPT, Reason.OK, ENVELOPE, False),
        ((NO_FROM,), HEADER, DATA, REJECT, Reason.FROM_MISSING, ENVELOPE, False),
        ((SPOOF,), ENVELOPE, DATA, ACCEPT, Reason.OK, ENVELOPE, False),
        ((NOT_MINE, NOT_FROM_ME), ENVELOPE, DATA, REJECT, Reason.ENVELOPE_MISMATCH, AUTH_ID, False),
        ((NOT_FROM_ME, SPOOF), HEADER, DATA, REJECT, Reason.FROM_MISMATCH, ENVELOPE, False),
        ((ENVELOPE_UNKNOWN,), AUTH_ID, DATA, ACCEPT, Reason.OK, AUTH_ID, False),
        ((ENVELOPE_UNKNOWN,), HEADER, MAIL, DEFER, Reason.LOOKUP_FAILED, AUTH_ID, False),
        ((ENVELOPE_UNKNOWN, NOT_FROM_ME), ENVELOPE, DATA, DEFER, Reason.LOOKUP_FAILED, AUTH_ID, False),
        ((ENVELOPE_UNKNOWN, NOT_FROM_ME), HEADER, DATA, REJECT, Reason.FROM_MISMATCH, AUTH_ID, False),
        ((FROM_UNKNOWN,), ENVELOPE, DATA, ACCEPT, Reason.OK, ENVELOPE, False),
        ((FROM_UNKNOWN,), HEADER, DATA, DEFER, Reason.LOOKUP_FAILED, ENVELOPE, False),
        ((SENDER_UNKNOWN,), HEADER, DATA, DEFER, Reason.LOOKUP_FAILED, ENVELOPE, False),
        ((FROM_UNKNOWN, SPOOF), HEADER, DATA, REJECT, Reason.DISPLAY_NAME_SPOOF, ENVELOPE, False),
    ],
)
def test_what_follows(
    findings: tuple[Finding, ...],
    required: TrustLevel,
    stage: Stage,
    decision: Action,
    reason: Reason,
    achieved: TrustLevel,
    *,
    pending: bool,
) -> None:
    """Any final failure that the level enforces: REJECT; else any awaited lookup that it needs: DEFER; else ACCEPT."""
    verdict = verdict_of(*findings, required=required, stage=stage)

    assert (verdict.decision, verdict.reason) == (decision, reason)
    assert verdict.action is decision
    assert verdict.allowed is bool(verdict) is (decision is ACCEPT)
    assert verdict.achieved is achieved
    assert [verdict.satisfies(level) for level in TrustLevel] == [level <= achieved for level in TrustLevel]
    assert verdict.pending is pending
    assert verdict.applies


@pytest.mark.parametrize(
    ("findings", "required", "reject_or_defer"),
    [((NOT_MINE,), ENVELOPE, REJECT), ((ENVELOPE_UNKNOWN,), ENVELOPE, DEFER), ((NO_FROM,), HEADER, REJECT)],
)
def test_report_only(findings: tuple[Finding, ...], required: TrustLevel, reject_or_defer: Action) -> None:
    """`bool(verdict)` is `allowed`: true for report-only."""
    verdict = verdict_of(*findings, required=required, policy=REPORT)

    assert (verdict.action, verdict.allowed, bool(verdict)) == (ACCEPT, True, True)
    assert verdict.decision is reject_or_defer
    assert verdict.reason is findings[0].reason


@pytest.mark.parametrize("policy", [*PRESETS, REPORT], ids=lambda policy: policy.name)
@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("required", TrustLevel)
def test_without_a_login(policy: Policy, stage: Stage, required: TrustLevel) -> None:
    """Without a login `applies` is False, `achieved` None, the reason `NOT_AUTHENTICATED`."""
    verdict = verdict_of(NO_LOGIN, auth_id=None, policy=policy, stage=stage, required=required)

    assert (verdict.applies, verdict.achieved, verdict.pending) == (False, None, False)
    assert verdict.reason is Reason.NOT_AUTHENTICATED
    assert verdict.decision is policy.unauthenticated
    assert not any(map(verdict.satisfies, TrustLevel))


def test_bool_is_false_for_defer_and_true_for_pending() -> None:
    assert not verdict_of(ENVELOPE_UNKNOWN)
    assert verdict_of(stage=MAIL).pending
    assert verdict_of(stage=MAIL)


def test_reasons_are_once_each_and_in_order() -> None:
    verdict = verdict_of(NOT_MINE, NOT_FROM_ME, NOT_FROM_ME, SPOOF, required=AUTH_ID)

    assert verdict.reasons == (Reason.ENVELOPE_MISMATCH, Reason.FROM_MISMATCH, Reason.DISPLAY_NAME_SPOOF)
    assert verdict_of().reasons == ()


def test_it_stores_nine_facts() -> None:
    assert [field.name for field in attrs.fields(Verdict)] == [
        "policy",
        "required",
        "stage",
        "auth_id",
        "envelope_from",
        "header_from",
        "findings",
        "matched_by",
        "advisories",
    ]


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Verdict)] + ["decision", "allowed", "extra"])
def test_it_is_frozen(name: str) -> None:
    with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
        setattr(verdict_of(), name, None)


def test_it_is_keyword_only() -> None:
    facts = [getattr(verdict_of(), field.name) for field in attrs.fields(Verdict)]

    with pytest.raises(TypeError):
        Verdict(*facts)  # type: ignore[call-arg]  # that they must be named is the test


OTHER_FACTS: list[dict[str, Any]] = [
    {"policy": SUBMISSION},
    {"required": ENVELOPE},
    {"stage": MAIL},
    {"auth_id": "user2@test-sample.jp"},
    {"envelope_from": None},
    {"header_from": ()},
    {"findings": (NOT_MINE,)},
    {"matched_by": ("null", "own")},
    {"advisories": ("x",)},
]


@pytest.mark.parametrize("facts", OTHER_FACTS, ids=lambda facts: next(iter(facts)))
def test_it_is_compared_by_what_it_stores(facts: dict[str, Any]) -> None:
    assert verdict_of() == verdict_of()
    assert hash(verdict_of()) == hash(verdict_of())
    assert verdict_of() != verdict_of(**facts)
    assert len({verdict_of(), verdict_of(), verdict_of(**facts)}) == 2


# Real verdicts, and what anybody could put into them

HOSTILE = [
    "",
    "a\nb",
    "a\r\nFrom: x",
    'a" decision="accept',
    "a' b=c \\",
    "\x00\x1b[2J\x7f\x9b",
    "\u202eevil\u2066\u2028\u2029\x85",
    "\ud800\udfff\udc80",
    "山田 <x@例え.jp>",
    "\U0001f600",
    "x" * 5000,
    "\x7f" * 5000,
    "\ud800" * 5000,
    "@".join("ab" * 500),
]


def real_verdicts() -> list[Verdict]:
    answered = ["sales@test-sample.jp", "@shared.jp", "*@x", "\ud800", "\x7f"]
    own_policies = [
        *PRESETS,
        REPORT,
        attrs.evolve(STRICT, subaddress="+-", default_domain="例え.jp", legacy_dots=True, max_comment_depth=3),
        attrs.evolve(SUBMISSION, name="ours \ud800\x7f\n", multiple_authors="all_must_match", replies="postfix"),
    ]
    texts = [OWN, "user2@test-sample.jp", "sales@test-sample.jp", f"{OWN},a@b", f'"a@b.c" <{OWN}>', *HOSTILE]
    verdicts = []
    for policy in own_policies:
        for level in TrustLevel:
            for text in texts:
                verdicts += [
                    check(OWN, text, UNSEEN, answered, level=level, policy=policy),
                    check_message(OWN, OWN, [("From", text), ("Sender", text)], answered, level=level, policy=policy),
                    check_message(OWN, text, [("From", text)], LOOKUP_FAILED, level=level, policy=policy),
                    check(text, text, UNSEEN, [text], level=level, policy=policy),
                    check(None, text, UNSEEN, level=level, policy=policy),
                ]
    return verdicts


VERDICTS = real_verdicts()


def hand_made_verdicts() -> list[Verdict]:
    """Make what no check gives, so that nothing but the writing itself is relied on."""
    return [
        verdict_of(
            Finding(Reason.FROM_MALFORMED, text, "no-address", 0),
            auth_id=text,
            envelope_from=text,
            header_from=(text,) * 100,
            matched_by=(text, None) * 100,
            advisories=(text,) * 100,
            policy=Policy(name=text),
        )
        for text in HOSTILE
    ]


def test_they_are_picklable_and_copyable() -> None:
    for verdict in VERDICTS:
        assert pickle.loads(pickle.dumps(verdict)) == verdict  # noqa: S301 - our own bytes
        assert copy.deepcopy(verdict) == verdict


def test_str_is_one_printable_ascii_line() -> None:
    """`str()` is one printable ASCII line: nothing from the wire can forge a log line."""
    for verdict in [*VERDICTS, *hand_made_verdicts()]:
        line = str(verdict)
        assert line.isascii()
        assert line.isprintable()
        assert "\x7f" not in line


def test_str_is_bounded() -> None:
    assert max(len(str(verdict)) for verdict in hand_made_verdicts()) < 100_000
    assert len(str(verdict_of(*[NOT_MINE] * 10_000, header_from=(OWN,) * 10_000))) < 2_000


def test_str_reads_back() -> None:
    """Each fact is `name=JSON`: no value can end early and begin another fact."""
    decode = json.JSONDecoder().raw_decode
    for verdict in [*VERDICTS, *hand_made_verdicts()]:
        rest, names = str(verdict), []
        while rest:
            name, _, rest = rest.partition("=")
            _, end = decode(rest)
            names.append(name.strip())
            rest = rest[end:]
        assert names == [
            "decision",
            "action",
            "reason",
            "stage",
            "required",
            "achieved",
            "pending",
            "auth_id",
            "envelope_from",
            "header_from",
            "findings",
            "advisories",
            "policy",
            "options",
        ]


def test_str_of_an_ordinary_refusal() -> None:
    verdict = check(OWN, "user2@test-sample.jp", UNSEEN, level=ENVELOPE)

    assert str(verdict) == (
        'decision="reject" action="reject" reason="envelope_mismatch" stage="mail" required="envelope" achieved="auth" '
        'pending=false auth_id="user1@test-sample.jp" envelope_from="user2@test-sample.jp" header_from=[] '
        'findings=["envelope_mismatch:envelope-owner"] advisories=[] policy="EPOST" options=[]'
    )


def test_str_says_where_a_claim_is_malformed() -> None:
    verdict = check(OWN, OWN, f"ceo@x.example <{OWN}>", level=TrustLevel.HEADER)

    assert 'findings=["from_malformed:at-in-name@3"]' in str(verdict)


# to_dict and its schema


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_is_closed() -> None:
    def objects(schema: Any) -> list[dict[str, Any]]:
        children = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
        found = [schema] if isinstance(schema, dict) and schema.get("type") == "object" else []
        return found + [item for child in children for item in objects(child)]

    assert len(objects(SCHEMA)) == 4
    for schema in objects(SCHEMA):
        assert schema["additionalProperties"] is False
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"])


@pytest.mark.parametrize(
    ("listed", "enum"),
    [
        (SCHEMA["$defs"]["action"]["enum"], Action),
        (SCHEMA["$defs"]["level"]["enum"], TrustLevel),
        (["ok", *SCHEMA["$defs"]["failure"]["enum"]], Reason),
        (SCHEMA["properties"]["stage"]["enum"], Stage),
        (SCHEMA["properties"]["achieved"]["enum"][:3], TrustLevel),
        *(
            (SCHEMA["$defs"]["policy"]["properties"]["options"]["properties"][option]["enum"], enum)
            for option, enum in {
                "local_part_case": LocalPartCase,
                "multiple_authors": MultipleAuthors,
                "display_name": DisplayName,
                "sender_field": SenderField,
                "mode": Mode,
                "replies": ReplyStyle,
            }.items()
        ),
    ],
)
def test_the_schema_lists_every_enum(listed: list[str], enum: type[Enum]) -> None:
    assert listed == [member.value for member in enum]


def test_the_schema_lists_every_option() -> None:
    options = SCHEMA["$defs"]["policy"]["properties"]["options"]["properties"]

    assert list(options) == [field.name for field in attrs.fields(Policy) if field.name != "name"]


def test_the_schema_takes_every_rule() -> None:
    rule = jsonschema.Draft202012Validator(SCHEMA["$defs"]["finding"]["properties"]["rule"])

    assert all(rule.is_valid(name) for name in RULES)


def test_to_dict_is_as_the_schema_says() -> None:
    for verdict in VERDICTS:
        VALIDATOR.validate(verdict.to_dict())


def test_to_dict_is_json_in_utf_8() -> None:
    """`to_dict()` is stable JSON: no bytes, and no surrogates that UTF-8 could not carry."""
    for verdict in VERDICTS:
        facts = verdict.to_dict()
        assert json.loads(json.dumps(facts, ensure_ascii=False, allow_nan=False).encode("utf-8")) == facts


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"extra": 1}, "extra"),
        ({"schema": 2}, "schema"),
        ({"decision": "maybe"}, "decision"),
        ({"reasons": ["ok"]}, "reasons"),
        ({"applies": False}, "applies"),
        ({"allowed": False}, "allowed"),
        ({"auth_id": 1}, "auth_id"),
        ({"matched_by": []}, "matched_by"),
        ({"findings": [{"reason": "from_group"}]}, "findings"),
        ({"policy": {"name": "x", "options": {"unauthenticated": "defer"}}}, "policy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_schema_refuses(change: dict[str, Any], where: str) -> None:
    facts = verdict_of().to_dict()
    assert VALIDATOR.is_valid(facts)

    assert not VALIDATOR.is_valid(facts | change), where


def test_to_dict_of_an_ordinary_refusal() -> None:
    verdict = check_message(OWN, "<>", b"From: a b\r\n", ["*@x"], level=HEADER, policy=Policy(level="header"))

    assert verdict.to_dict() == {
        "schema": 1,
        "decision": "reject",
        "action": "reject",
        "allowed": False,
        "applies": True,
        "pending": False,
        "stage": "data",
        "required": "header",
        "achieved": "envelope",
        "reason": "from_malformed",
        "reasons": ["from_malformed"],
        "auth_id": OWN,
        "envelope_from": "",
        "header_from": [],
        "matched_by": ["null"],
        "findings": [
            {"reason": "from_malformed", "level": "header", "claimed": " a b", "rule": "no-address", "offset": 1}
        ],
        "advisories": ["alias ignored: *@x"],
        "policy": {"name": "custom", "options": {"level": "header"}},
    }


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        (EPOST, {"name": "EPOST", "options": {}}),
        (SUBMISSION, {"name": "SUBMISSION", "options": {}}),
        (STRICT, {"name": "STRICT", "options": {}}),
        (attrs.evolve(STRICT, subaddress="+"), {"name": "STRICT", "options": {"subaddress": "+"}}),
        (attrs.evolve(SUBMISSION, level="auth"), {"name": "SUBMISSION", "options": {"level": "auth"}}),
        (Policy(), {"name": "custom", "options": {}}),
        (Policy(default_domain="A.Example"), {"name": "custom", "options": {"default_domain": "a.example"}}),
        (
            attrs.evolve(SUBMISSION, name="ours"),
            {
                "name": "ours",
                "options": {
                    "level": "header",
                    "unauthenticated": "reject",
                    "aliases_cover_header": True,
                    "replies": "submission",
                },
            },
        ),
    ],
)
def test_to_dict_names_the_policy_and_its_differing_options(policy: Policy, named: dict[str, Any]) -> None:
    """The policy by name and differing options."""
    assert verdict_of(policy=policy).to_dict()["policy"] == named

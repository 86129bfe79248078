"""reply_for: one legal line for every verdict that can occur, in every table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendertrust.decision import check, check_message
from sendertrust.policy import EPOST, PRESETS, STRICT, SUBMISSION, Policy
from sendertrust.reply import (
    EPOST_REPLIES,
    POSTFIX_REPLIES,
    SUBMISSION_REPLIES,
    Reply,
    ReplyTable,
    reply_for,
)
from sendertrust.terms import LOOKUP_FAILED, RULES, UNSEEN, Action, Reason, ReplyStyle, Stage, TrustLevel

if TYPE_CHECKING:
    from sendertrust.verdict import Verdict

OWN = "user1@test-sample.jp"
ALIAS = "sales@test-sample.jp"
OTHER = "user2@test-sample.jp"
CEO = "ceo@victim.example"

MAIL, DATA = Stage.MAIL, Stage.DATA
TABLES = {
    ReplyStyle.EPOST: EPOST_REPLIES,
    ReplyStyle.SUBMISSION: SUBMISSION_REPLIES,
    ReplyStyle.POSTFIX: POSTFIX_REPLIES,
}
PAIRS = [(reason, stage) for reason in Reason for stage in reason.stages]

EVERY_STYLE = pytest.mark.parametrize("style", ReplyStyle)
EVERY_PAIR = pytest.mark.parametrize(
    ("reason", "stage"), PAIRS, ids=[f"{reason.name} {stage.name}" for reason, stage in PAIRS]
)

# Every refusal that there is, but that From must equal the envelope.
POLICY = attrs.evolve(STRICT, null_sender="reject")


def at_mail(envelope: str = OWN, auth_id: str | None = OWN, aliases: Any = ()) -> Verdict:
    return check(auth_id, envelope, UNSEEN, aliases, policy=POLICY)


def at_data(
    *fields: str, envelope: str = OWN, auth_id: str | None = OWN, aliases: Any = (), **options: object
) -> Verdict:
    block = "".join(f"{field}\r\n" for field in fields).encode()
    return check_message(auth_id, envelope, block, aliases, policy=attrs.evolve(POLICY, **options))  # type: ignore[arg-type]  # options of one row


FROM = f"From: {OWN}"
VERDICTS = {
    (Reason.OK, MAIL): at_mail(),
    (Reason.OK, DATA): at_data(FROM),
    (Reason.NOT_AUTHENTICATED, MAIL): at_mail(auth_id=None),
    (Reason.NOT_AUTHENTICATED, DATA): at_data(FROM, auth_id=None),
    (Reason.ENVELOPE_MISMATCH, MAIL): at_mail(OTHER),
    (Reason.ENVELOPE_MISMATCH, DATA): at_data(FROM, envelope=OTHER),
    (Reason.ENVELOPE_MALFORMED, MAIL): at_mail("<user1 @test-sample.jp>"),
    (Reason.ENVELOPE_MALFORMED, DATA): at_data(FROM, envelope="<user1 @test-sample.jp>"),
    (Reason.ENVELOPE_NULL, MAIL): at_mail("<>"),
    (Reason.ENVELOPE_NULL, DATA): at_data(FROM, envelope="<>"),
    (Reason.LOOKUP_FAILED, MAIL): at_mail(OTHER, aliases=LOOKUP_FAILED),
    (Reason.LOOKUP_FAILED, DATA): at_data(f"From: {OTHER}", aliases=LOOKUP_FAILED),
    (Reason.HEADERS_MALFORMED, DATA): at_data(FROM, "hello"),
    (Reason.FROM_MISSING, DATA): at_data("Subject: x"),
    (Reason.FROM_DUPLICATE, DATA): at_data(FROM, FROM),
    (Reason.FROM_MULTIPLE, DATA): at_data(f"{FROM}, {OTHER}"),
    (Reason.FROM_GROUP, DATA): at_data(f"From: us: {OWN};"),
    (Reason.FROM_MALFORMED, DATA): at_data("From: <user1 @test-sample.jp>"),
    (Reason.FROM_HIDDEN_ADDRESS, DATA): at_data(f'From: "<{CEO}>" <{OWN}>'),
    (Reason.FROM_MISMATCH, DATA): at_data(f"From: {OTHER}"),
    (Reason.FROM_NOT_ENVELOPE, DATA): at_data(FROM, envelope=ALIAS, aliases=[ALIAS], header_equals_envelope=True),
    (Reason.SENDER_MISMATCH, DATA): at_data(FROM, f"Sender: {CEO}"),
    (Reason.DISPLAY_NAME_SPOOF, DATA): at_data(f'From: "{CEO}" <{OWN}>'),
}

MAIL_EPOST = "550 Please mail to a valid e-mail address."
DATA_EPOST = "552 Requested mail action aborted: caught by the filter setting."
LATER_EPOST = "451 Requested action aborted: sender lookup failed, try again later."
BAD_HEADER = "554 5.6.0 Bad message header:"
BAD_HEADER_POSTFIX = "550 5.7.1 Message header rejected:"
FROM_NOT_ALLOWED = f"550 5.7.1 From field not allowed for account {OWN}:"
MY_ENVELOPE = RULES["envelope-owner"]
NOT_OWNED = f"5.7.1 <{OTHER}>: Sender address rejected: not owned by user {OWN}"

LINES = {
    # (reason, stage): EPOST, SUBMISSION, POSTFIX
    (Reason.OK, MAIL): (f"250 <{OWN}>... Sender ok.", f"250 2.1.0 Sender <{OWN}> ok", "250 2.1.0 Ok"),
    (Reason.OK, DATA): (
        "250 Requested mail action okay, completed.",
        "250 2.0.0 Message accepted",
        "250 2.0.0 Ok",
    ),
    (Reason.NOT_AUTHENTICATED, MAIL): (
        "530 Authentication required.",
        "530 5.7.0 Authentication required",
        f"553 5.7.1 <{OWN}>: Sender address rejected: not logged in",
    ),
    (Reason.NOT_AUTHENTICATED, DATA): (
        "554 Authentication required.",
        "554 5.7.0 Authentication required",
        f"550 5.7.1 <{OWN}>: Sender address rejected: not logged in",
    ),
    (Reason.ENVELOPE_MISMATCH, MAIL): (
        MAIL_EPOST,
        f"550 5.7.1 Sender <{OTHER}> is not allowed for account {OWN}: {MY_ENVELOPE}",
        f"553 {NOT_OWNED}",
    ),
    (Reason.ENVELOPE_MISMATCH, DATA): (
        DATA_EPOST,
        f"550 5.7.1 Sender <{OTHER}> is not allowed for account {OWN}: {MY_ENVELOPE}",
        f"550 {NOT_OWNED}",
    ),
    (Reason.ENVELOPE_MALFORMED, MAIL): (
        MAIL_EPOST,
        f"501 5.1.7 Bad sender address syntax: {RULES['blank-in-address']}",
        "501 5.1.7 Bad sender address syntax",
    ),
    (Reason.ENVELOPE_MALFORMED, DATA): (
        DATA_EPOST,
        f"554 5.1.7 Bad sender address syntax: {RULES['blank-in-address']}",
        "554 5.1.7 Bad sender address syntax",
    ),
    (Reason.ENVELOPE_NULL, MAIL): (
        MAIL_EPOST,
        f"550 5.7.1 Sender <> is not allowed for account {OWN}: {RULES['null-sender']}",
        f"553 5.7.1 <>: Sender address rejected: not owned by user {OWN}",
    ),
    (Reason.ENVELOPE_NULL, DATA): (
        DATA_EPOST,
        f"550 5.7.1 Sender <> is not allowed for account {OWN}: {RULES['null-sender']}",
        f"550 5.7.1 <>: Sender address rejected: not owned by user {OWN}",
    ),
    (Reason.LOOKUP_FAILED, MAIL): (
        LATER_EPOST,
        f"451 4.3.0 Sender lookup failed: {RULES['envelope-lookup']}",
        f"451 4.3.0 <{OTHER}>: Temporary lookup failure",
    ),
    (Reason.LOOKUP_FAILED, DATA): (
        LATER_EPOST,
        f"451 4.3.0 Sender lookup failed: {RULES['envelope-lookup']}",
        f"451 4.3.0 <{OTHER}>: Temporary lookup failure",
    ),
    (Reason.FROM_MISMATCH, DATA): (
        DATA_EPOST,
        f"550 5.7.1 From <{OTHER}> is not allowed for account {OWN}: {RULES['from-owner']}",
        f"550 5.7.1 <{OTHER}>: From address rejected: not owned by user {OWN}",
    ),
    (Reason.SENDER_MISMATCH, DATA): (
        DATA_EPOST,
        f"550 5.7.1 Sender or Resent field not allowed: {RULES['sender-owner']}",
        f"{BAD_HEADER_POSTFIX} {RULES['sender-owner']}",
    ),
    **{
        (reason, DATA): (DATA_EPOST, f"{BAD_HEADER} {RULES[rule]}", f"{BAD_HEADER_POSTFIX} {RULES[rule]}")
        for reason, rule in {
            Reason.HEADERS_MALFORMED: "not-a-field",
            Reason.FROM_MISSING: "from-missing",
            Reason.FROM_DUPLICATE: "from-duplicate",
            Reason.FROM_MULTIPLE: "from-multiple",
            Reason.FROM_GROUP: "from-group",
            Reason.FROM_MALFORMED: "blank-in-address",
        }.items()
    },
    **{
        (reason, DATA): (DATA_EPOST, f"{FROM_NOT_ALLOWED} {RULES[rule]}", f"{BAD_HEADER_POSTFIX} {RULES[rule]}")
        for reason, rule in {
            Reason.FROM_HIDDEN_ADDRESS: "hidden-address",
            Reason.FROM_NOT_ENVELOPE: "from-envelope",
            Reason.DISPLAY_NAME_SPOOF: "name-shows-address",
        }.items()
    },
}

# RFC 5321 4.3.2 (MAIL; DATA after the dot) and, at MAIL, RFC 4954 6 (530) and the 501 of any command.
LEGAL_CODES = {
    (Action.ACCEPT, MAIL): {250},
    (Action.ACCEPT, DATA): {250},
    (Action.REJECT, MAIL): {552, 550, 553, 503, 555, 530, 501},
    (Action.DEFER, MAIL): {451, 452, 455},
    (Action.REJECT, DATA): {552, 554, 550},
    (Action.DEFER, DATA): {451, 452, 450},
}
LINE = re.compile(rb"[245][0-9]{2} [ -~]*\r\n")


def assert_is_one_legal_line(line: bytes) -> None:
    assert LINE.fullmatch(line), line
    assert len(line) <= 512


def test_every_published_pair_is_here() -> None:
    assert set(VERDICTS) == set(LINES) == set(PAIRS)
    assert len(PAIRS) == 23


@EVERY_PAIR
def test_every_published_pair_occurs(reason: Reason, stage: Stage) -> None:
    verdict = VERDICTS[reason, stage]

    assert (verdict.reason, verdict.stage) == (reason, stage)


@EVERY_STYLE
@EVERY_PAIR
def test_line(reason: Reason, stage: Stage, style: ReplyStyle) -> None:
    verdict = VERDICTS[reason, stage]
    line = LINES[reason, stage][list(ReplyStyle).index(style)]

    reply = reply_for(verdict, style)

    assert str(reply) == line
    assert bytes(reply) == line.encode("ascii") + b"\r\n"
    assert reply == reply_for(verdict, TABLES[style])


@EVERY_STYLE
@EVERY_PAIR
def test_line_is_legal(reason: Reason, stage: Stage, style: ReplyStyle) -> None:
    """A code must be one that RFC 5321 4.3.2 permits at that stage."""
    verdict = VERDICTS[reason, stage]

    reply = reply_for(verdict, style)

    assert reply.code in LEGAL_CODES[verdict.action, stage]
    assert_is_one_legal_line(bytes(reply))
    if style is ReplyStyle.EPOST:
        assert reply.enhanced == ""
    else:
        assert re.fullmatch(rf"{reply.code // 100}\.[0-9]{{1,3}}\.[0-9]{{1,3}}", reply.enhanced)
    if stage is DATA and verdict.action is not Action.ACCEPT:
        assert reply.code in {550, 554, 451} | ({552} if style is ReplyStyle.EPOST else set())


@pytest.mark.parametrize(
    ("envelope", "header", "line"),
    [
        (f"<{OTHER}>", UNSEEN, "550 Please mail to a valid e-mail address."),
        (f"<{OWN}>", UNSEEN, "250 <user1@test-sample.jp>... Sender ok."),
        (f"<{OWN}>", f"<{OTHER}>", "552 Requested mail action aborted: caught by the filter setting."),
        (f"<{OWN}>", f"<{OWN}>", "250 Requested mail action okay, completed."),
        ("<>", UNSEEN, "250 <>... Sender ok."),
        ('<"USER1"@Test-Sample.JP>', UNSEEN, "250 <USER1@test-sample.jp>... Sender ok."),
    ],
)
def test_the_session_of_the_source(envelope: str, header: Any, line: str) -> None:
    """The source's session, which must come out word for word (EPOST, level HEADER)."""
    assert str(reply_for(check(OWN, envelope, header, level=TrustLevel.HEADER))) == line


@EVERY_STYLE
def test_the_style_of_the_policy_is_used(style: ReplyStyle) -> None:
    """`reply_for` reads nothing but the verdict: its `policy.replies` is a `ReplyStyle`."""
    verdict = check(OWN, OTHER, UNSEEN, level=TrustLevel.HEADER, policy=Policy(replies=style))

    assert reply_for(verdict) == reply_for(verdict, style) == reply_for(verdict, TABLES[style])


def test_which_preset_has_which_style() -> None:
    assert [preset.replies for preset in PRESETS] == [ReplyStyle.EPOST, ReplyStyle.SUBMISSION, ReplyStyle.SUBMISSION]


@EVERY_STYLE
@pytest.mark.parametrize("auth_id", [OWN, None])
@pytest.mark.parametrize("header", [UNSEEN, OTHER], ids=["MAIL", "DATA"])
@pytest.mark.parametrize("aliases", [[], LOOKUP_FAILED], ids=["refused", "unknown"])
def test_report_only_accepts(style: ReplyStyle, auth_id: str | None, header: Any, aliases: Any) -> None:
    """`reply_for` follows `action`."""
    verdict = check(auth_id, OTHER, header, aliases, policy=attrs.evolve(SUBMISSION, mode="report"))

    assert verdict.decision is not Action.ACCEPT
    assert reply_for(verdict, style).code == 250


def test_report_only_has_the_words_of_an_acceptance() -> None:
    verdict = check(OWN, OTHER, UNSEEN, level=TrustLevel.HEADER, policy=Policy(mode="report"))

    assert str(reply_for(verdict)) == f"250 <{OTHER}>... Sender ok."


def test_no_login_is_accepted_where_the_policy_says_so() -> None:
    assert str(reply_for(check(None, OTHER, UNSEEN))) == f"250 <{OTHER}>... Sender ok."


# What the client wrote, reflected


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("u@例え.jp", "250 <u@xn--r8jz45g.jp>... Sender ok."),
        ("aé@例え.jp", "250 <a@xn--r8jz45g.jp>... Sender ok."),
        ("{login}@a.example", "250 <{login}@a.example>... Sender ok."),
        ('"a b"@a.example', '250 <"a b"@a.example>... Sender ok.'),
    ],
)
def test_text_is_ascii(address: str, line: str) -> None:
    """International domains as A-labels, other non-ASCII dropped."""
    assert str(reply_for(check(address, address, UNSEEN))) == line


HOSTILE = [
    "a\r\n250 ok",
    "\0\x01\x1b[2J\x7f\x9b",
    "\u202e\u2028\u2029\x85",
    "\ud800\udfff",
    "x" * 5000,
    "x" * 5000 + "@a.example",
    f"{'x' * 64}@{'.'.join(['d' * 63] * 3)}",
    "{advice}{login}{claimed}{0}{",
    "%s%n\\",
    "山" * 300 + "@例え.jp",
]


@EVERY_STYLE
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text(text: str, style: ReplyStyle) -> None:
    """What it reflects is stripped of control characters and cut so that the line fits 512 octets."""
    for auth_id in (text, OWN, None):
        for policy in (*PRESETS, attrs.evolve(SUBMISSION, mode="report")):
            for level in TrustLevel:
                for verdict in (
                    check(auth_id, text, UNSEEN, level=level, policy=policy),
                    check(auth_id, text, UNSEEN, LOOKUP_FAILED, level=level, policy=policy),
                    check_message(auth_id, OWN, [("From", text)], level=level, policy=policy),
                    check_message(auth_id, "<>", [("From", OTHER), ("Sender", text)], level=level, policy=policy),
                ):
                    assert_is_one_legal_line(bytes(reply_for(verdict, style)))


def test_a_long_login_and_a_long_claim_share_the_line() -> None:
    login, domain = "l" * 5000, ".".join(["d" * 63] * 3)
    verdict = check(login, f"{'c' * 60}@{domain}", UNSEEN, policy=SUBMISSION)

    line = str(reply_for(verdict))

    assert len(line) <= 510
    assert "c" * 40 in line
    assert "l" * 40 in line
    assert line.endswith(f": {MY_ENVELOPE}")


def test_who_does_own_an_address_is_not_told() -> None:
    """It never tells who *does* own an address: the same words whatever else the account may send as."""
    for style in ReplyStyle:
        replies = {
            str(reply_for(check(OWN, OTHER, header, aliases, policy=SUBMISSION), style))
            for aliases in ((), [ALIAS], ["@secret.example", "secret@other.example", "*@malformed"])
            for header in (UNSEEN,)
        }
        assert len(replies) == 1


# A host's own table

FALLBACKS = {
    (Action.ACCEPT, MAIL): "250 2.1.0 fine",
    (Action.REJECT, MAIL): "550 5.7.1 no: {advice}",
    (Action.DEFER, MAIL): "451 4.3.0 later",
    (Action.ACCEPT, DATA): "250 2.0.0 fine",
    (Action.REJECT, DATA): "554 no <{claimed}> {login} {envelope}",
    (Action.DEFER, DATA): "450 4.3.0 later",
}


def table(rows: dict[Any, Any] | None = None, **options: Any) -> ReplyTable:
    return ReplyTable(
        **({"name": "ours", "provenance": "a test", "rows": rows or {}, "fallbacks": FALLBACKS} | options)
    )


def test_own_table() -> None:
    own = table({(Reason.FROM_MISMATCH, DATA): "550 5.7.1 Not you, {login}"})

    assert str(reply_for(VERDICTS[Reason.FROM_MISMATCH, DATA], own)) == f"550 5.7.1 Not you, {OWN}"
    assert str(reply_for(VERDICTS[Reason.FROM_DUPLICATE, DATA], own)) == f"554 no <{OWN}> {OWN} {OWN}"
    assert str(reply_for(VERDICTS[Reason.ENVELOPE_MISMATCH, MAIL], own)) == f"550 5.7.1 no: {MY_ENVELOPE}"
    assert str(reply_for(VERDICTS[Reason.OK, MAIL], own)) == "250 2.1.0 fine"


def test_an_own_table_has_a_row_for_ok() -> None:
    own = table({(Reason.OK, MAIL): "250 welcome {envelope}"})

    assert reply_for(VERDICTS[Reason.OK, MAIL], own) == Reply(250, "", f"welcome {OWN}")


@EVERY_PAIR
def test_the_fallbacks_are_enough(reason: Reason, stage: Stage) -> None:
    verdict = VERDICTS[reason, stage]

    assert reply_for(verdict, table()).code == int(FALLBACKS[verdict.action, stage][:3])


def test_a_table_keeps_its_rows() -> None:
    rows = {(Reason.OK, MAIL): "250 a"}
    own = table(rows)
    rows[Reason.OK, MAIL] = "999 b\r\n"

    assert str(reply_for(VERDICTS[Reason.OK, MAIL], own)) == "250 a"


@pytest.mark.parametrize("missing", FALLBACKS, ids=lambda key: f"{key[0].name} {key[1].name}")
def test_a_missing_fallback_is_named(missing: tuple[Action, Stage]) -> None:
    action, stage = missing
    with pytest.raises(ValueError, match=rf"\({action.name}, {stage.name}\) is missing"):
        table(fallbacks={key: row for key, row in FALLBACKS.items() if key != missing})


def test_every_missing_fallback_is_named() -> None:
    with pytest.raises(ValueError, match=r"ours") as caught:
        table(fallbacks={})

    assert str(caught.value).count("is missing") == len(FALLBACKS)


@pytest.mark.parametrize(
    ("pair", "row"),
    [
        ((Reason.OK, MAIL), "550 5.7.1 no"),
        ((Reason.FROM_MISMATCH, DATA), "250 2.0.0 fine"),
        ((Reason.FROM_MISMATCH, DATA), "451 4.7.1 later"),
        ((Reason.FROM_MISMATCH, DATA), "553 5.7.1 no"),
        ((Reason.NOT_AUTHENTICATED, DATA), "530 5.7.0 log in"),
        ((Reason.ENVELOPE_MALFORMED, DATA), "501 5.1.7 syntax"),
        ((Reason.ENVELOPE_MISMATCH, MAIL), "554 5.7.1 no"),
        ((Reason.ENVELOPE_MISMATCH, MAIL), "421 4.7.1 no"),
        ((Reason.LOOKUP_FAILED, MAIL), "450 4.3.0 later"),
        ((Reason.LOOKUP_FAILED, DATA), "550 5.7.1 no"),
        ((Reason.FROM_MISMATCH, DATA), "550 4.7.1 the class of the code is 5"),
        # RFC 3463 2: "Status codes consist of three numerical fields ... expressed without leading zero digits"
        ((Reason.FROM_MISMATCH, DATA), "550 5.07.1 no"),
        ((Reason.FROM_MISMATCH, DATA), "550 5.7.001 no"),
        ((Reason.FROM_MISMATCH, DATA), "550"),
        ((Reason.FROM_MISMATCH, DATA), "550 "),
        ((Reason.FROM_MISMATCH, DATA), ""),
        ((Reason.FROM_MISMATCH, DATA), "no"),
        ((Reason.FROM_MISMATCH, DATA), "550-no"),
        ((Reason.FROM_MISMATCH, DATA), "550 no\r\n"),
        ((Reason.FROM_MISMATCH, DATA), "550 no\r\n250 yes"),
        ((Reason.FROM_MISMATCH, DATA), "550 no\x7f"),
        ((Reason.FROM_MISMATCH, DATA), "550 だめ"),
        ((Reason.FROM_MISMATCH, DATA), "550 {unknown}"),
        ((Reason.FROM_MISMATCH, DATA), "550 {}"),
        ((Reason.FROM_MISMATCH, DATA), "550 {0}"),
        ((Reason.FROM_MISMATCH, DATA), "550 {login.x}"),
        ((Reason.FROM_MISMATCH, DATA), "550 {login!r}"),
        ((Reason.FROM_MISMATCH, DATA), "550 {login:>600}"),
        ((Reason.FROM_MISMATCH, DATA), "550 {login"),
        ((Reason.FROM_MISMATCH, DATA), "550 login}"),
        ((Reason.FROM_MISMATCH, DATA), "550 " + "x" * 600),
        ((Reason.FROM_MISMATCH, DATA), "550 " + "{login}" * 100),
        ((Reason.FROM_MISMATCH, DATA), None),
        ((Reason.FROM_MISMATCH, DATA), b"550 no"),
        # pairs that never occur
        ((Reason.FROM_MISMATCH, MAIL), "550 no"),
        ((Reason.HEADERS_MALFORMED, MAIL), "550 no"),
        ((Reason.FROM_MISMATCH,), "550 no"),
        ("FROM_MISMATCH", "550 no"),
    ],
)
def test_an_illegal_row_is_named(pair: Any, row: Any) -> None:
    with pytest.raises(ValueError, match="reply table 'ours'") as caught:
        table({pair: row})

    name = pair if isinstance(pair, str) else ", ".join(word.name for word in pair)
    assert f"({name})" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ((Action.ACCEPT, MAIL), "251 fine"),
        ((Action.REJECT, MAIL), "554 no"),
        ((Action.REJECT, DATA), "553 no"),
        ((Action.REJECT, DATA), "530 no"),
        ((Action.REJECT, DATA), "501 no"),
        ((Action.DEFER, DATA), "554 no"),
        ((Action.DEFER, MAIL), "450 no"),
        ((Action.ACCEPT, DATA), "250 \n"),
    ],
)
def test_an_illegal_fallback_is_named(key: tuple[Action, Stage], row: str) -> None:
    with pytest.raises(ValueError, match=rf"\({key[0].name}, {key[1].name}\)"):
        table(fallbacks=FALLBACKS | {key: row})


def test_every_problem_is_named_at_once() -> None:
    """`ReplyTable` raises `ValueError` that names every missing or illegal row when it is made."""
    fallbacks = {key: row for key, row in FALLBACKS.items() if key != (Action.DEFER, DATA)}

    with pytest.raises(ValueError, match="ours") as caught:
        table(
            {(Reason.FROM_GROUP, DATA): "553 no", (Reason.FROM_GROUP, MAIL): "550 no"},
            fallbacks=fallbacks | {(Action.REJECT, MAIL): "999 no"},
        )

    for named in ("(DEFER, DATA)", "(FROM_GROUP, DATA)", "(FROM_GROUP, MAIL)", "(REJECT, MAIL)"):
        assert named in str(caught.value)


@pytest.mark.parametrize(
    ("key", "row"), [item for built_in in TABLES.values() for item in built_in.rows.items()], ids=str
)
def test_a_built_in_mail_row_has_a_twin(key: tuple[Reason, Stage], row: str) -> None:
    """Every MAIL row has a DATA twin in {550, 552 (EPOST only), 554, 451}."""
    (built_in,) = [built_in for built_in in TABLES.values() if built_in.rows.get(key) is row]
    reason, stage = key
    if stage is MAIL and reason is not Reason.OK:
        twin = built_in.rows.get((reason, DATA)) or built_in.fallbacks[Action.REJECT, DATA]
        assert int(twin[:3]) in {550, 554, 451} | ({552} if built_in is EPOST_REPLIES else set())


def test_built_in_tables_say_where_they_come_from() -> None:
    for built_in in TABLES.values():
        assert built_in.provenance


# Wrong types


@pytest.mark.parametrize("replies", ["epost", "EPOST", 1, EPOST, {}, True, ReplyStyle])
def test_replies_of_a_wrong_type(replies: Any) -> None:
    with pytest.raises(TypeError, match="ReplyStyle"):
        reply_for(VERDICTS[Reason.OK, MAIL], replies)


@pytest.mark.parametrize("verdict", [None, "550", Action.ACCEPT, EPOST, True])
def test_verdict_of_a_wrong_type(verdict: Any) -> None:
    with pytest.raises(TypeError, match="verdict of check"):
        reply_for(verdict)


# No other pair ever occurs

TEXTS = st.sampled_from(
    [
        OWN,
        OTHER,
        ALIAS,
        "",
        "<>",
        "a b",
        f"{OWN},{ALIAS}",
        f"us:{OWN};",
        f'"<{CEO}>" <{OWN}>',
        f'"{CEO}" <{OWN}>',
        "a\0",
    ]
)
POLICIES = st.builds(
    attrs.evolve,
    st.sampled_from([EPOST, SUBMISSION, STRICT]),
    mode=st.sampled_from(["enforce", "report"]),
    unauthenticated=st.sampled_from(["accept", "reject"]),
    null_sender=st.sampled_from(["accept", "reject"]),
    display_name=st.sampled_from(["ignore", "advise", "reject"]),
    header_equals_envelope=st.booleans(),
    level=st.sampled_from(TrustLevel),
)


@given(
    policy=POLICIES,
    auth_id=st.sampled_from([OWN, OWN, OWN, "user1", "", None]),
    envelope=TEXTS,
    bodies=st.one_of(st.just(UNSEEN), st.lists(TEXTS, max_size=2)),
    sender=st.lists(TEXTS, max_size=2),
    aliases=st.sampled_from([(), [ALIAS], ["*"], LOOKUP_FAILED]),
)
def test_no_other_pair_occurs(
    policy: Policy, auth_id: str | None, envelope: str, bodies: Any, sender: list[str], aliases: Any
) -> None:
    """`docs/` publishes which (reason, stage) pairs can occur."""
    if bodies is UNSEEN:
        verdict = check(auth_id, envelope, UNSEEN, aliases, policy=policy)
    else:
        pairs = [("From", body) for body in bodies] + [("Sender", body) for body in sender]
        verdict = check_message(auth_id, envelope, pairs, aliases, policy=policy)

    assert verdict.stage in verdict.reason.stages
    for reason in verdict.reasons:
        assert verdict.stage in reason.stages
    for style in ReplyStyle:
        reply = reply_for(verdict, style)
        assert reply.code in LEGAL_CODES[verdict.action, verdict.stage]
        assert_is_one_legal_line(bytes(reply))


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (250, "", ""),
        (99, "", "ok"),
        (1000, "", "ok"),
        (250, "", "a\r\nb"),
        (250, "", "é"),
        (250, "", "x" * 510),
    ],
)
def test_what_is_no_reply_line_cannot_be_made(code: int, enhanced: str, text: str) -> None:
    """Text is always ASCII, and the line fits 512 octets."""
    with pytest.raises(ValueError, match="is no reply line of printable ASCII and at most 512 octets"):
        Reply(code, enhanced, text)
    assert bytes(Reply(250, "", "x" * 506)) == b"250 " + b"x" * 506 + b"\r\n"


def test_a_row_must_say_something_by_itself() -> None:
    rows = {(Reason.FROM_GROUP, DATA): "554 {claimed}"}
    with pytest.raises(ValueError, match=r"row \(FROM_GROUP, DATA\) is '554 \{claimed\}': say something beside"):
        ReplyTable(name="x", provenance="", rows=rows, fallbacks=EPOST_REPLIES.fallbacks)

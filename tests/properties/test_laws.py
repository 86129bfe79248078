"""The laws that every verdict obeys, each headed by its sentence."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import attrs
import jsonschema  # type: ignore[import-untyped]  # it has no types of its own
import pytest
from hypothesis import assume, event, example, given
from hypothesis import strategies as st

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Grant,
    Policy,
    Reason,
    ReplyStyle,
    Right,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)
from sendertrust.address import Address, login_address, parse_mailbox, parse_reverse_path
from sendertrust.rights import same_mailbox
from sendertrust.terms import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

OWN = "user1@test-sample.jp"
ORDER = {Action.REJECT: 0, Action.DEFER: 1, Action.ACCEPT: 2}
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "reference" / "verdict.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# Strategies: the login's own address, its aliases, strangers and nonsense, all of them often.

SPELLINGS_OF_OWN = [
    OWN,
    OWN,
    "User1@test-sample.jp",
    "user1@TEST-SAMPLE.jp",
    '"user1"@test-sample.jp',
    '"us\\er1"@test-sample.jp',
    "user1+tag@test-sample.jp",
]
MAILBOXES = [
    *SPELLINGS_OF_OWN,
    "sales@test-sample.jp",
    "Sales@test-sample.jp",
    "sales+x-y@test-sample.jp",
    "user2@test-sample.jp",
    "anybody@shared.jp",
    "ceo@victim.example",
    "root@localhost",
    "a..b@docomo.ne.jp",
    '"a..b"@docomo.ne.jp',
    "a.@docomo.ne.jp",
    "u@例え.jp",
    "u@xn--r8jz45g.jp",
    "\u00e9@test-sample.jp",
    "u@[192.0.2.1]",
    '"a b"@test-sample.jp',
]
MALFORMED = [
    "a b",
    "user1",
    "user1@",
    "@test-sample.jp",
    f"{OWN}.",
    f"{OWN} x",
    f"<{OWN}",
    "e\u0301@test-sample.jp",
    "us\u200ber1@test-sample.jp",
    "user1@\u212a.jp",
    "user1@xn--99999999999.jp",
    '"a@b"@test-sample.jp',
    "=?utf-8?q?user1?=@test-sample.jp",
    "\0",
    "\ud800@a.example",
    f"{'a' * 65}@a.example",
]
ENTRIES = [
    "sales@test-sample.jp",
    "Sales@test-sample.jp",
    "sales",
    "@shared.jp",
    "*",
    "*@shared.jp",
    "u@例え.jp",
    "a b",
]
HOSTILE_PIECES = [
    *'"\\()<>[]:;,@. \t\0\r\n\x7f\v',
    "\r\n ",
    "=?utf-8?q?=3C?=",
    "\u202e",
    "\u2028",
    "\ud800",
    "\udce9",
    "＜",
    "＠",
]

mailboxes = st.sampled_from(MAILBOXES)
any_text = st.text(st.characters(exclude_categories=()))
any_long_text = st.builds(lambda text, times: text * times, any_text, st.sampled_from([1, 1, 1, 300]))


def spoilt(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Put a piece that matters to some parser somewhere into a text."""

    def put(text: str, piece: str, place: int) -> str:
        index = place % (len(text) + 1)
        return text[:index] + piece + text[index:]

    return st.builds(put, texts, st.sampled_from(HOSTILE_PIECES), st.integers(0, 1000))


def as_octets(text: str) -> str | bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no octet
        return text


def or_bytes(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str | bytes]:
    return st.one_of(texts, texts.map(as_octets))


logins = st.sampled_from(
    [OWN] * 8 + ["user1", "u@例え.jp", "a..b@docomo.ne.jp", "*", "@shared.jp", "sales+x", "", None]
)
paths = or_bytes(
    st.one_of(
        st.sampled_from(SPELLINGS_OF_OWN),
        mailboxes,
        mailboxes.map(lambda mailbox: f"<{mailbox}>"),
        st.sampled_from(["", "<>"]),
        st.sampled_from(MALFORMED),
    )
)
body_texts = st.one_of(
    st.sampled_from(SPELLINGS_OF_OWN),
    mailboxes,
    mailboxes.map(lambda mailbox: f" User One <{mailbox}>"),
    mailboxes.map(lambda mailbox: f" 山田 (x)\r\n < {mailbox} >"),
    st.builds('"{}" <{}>'.format, mailboxes, mailboxes),
    st.builds('"<{}>" <{}>'.format, mailboxes, mailboxes),
    st.builds('"{}, x" <{}>'.format, mailboxes, mailboxes),
    st.builds("{1} ({0};)".format, mailboxes, mailboxes),
    st.builds("=?utf-8?q?=3C{}=3E?= <{}>".format, mailboxes.map(lambda text: text.replace("@", "=40")), mailboxes),
    st.builds("=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <{}>".format, mailboxes),
    st.builds("{}, {}".format, mailboxes, mailboxes),
    st.builds("us: {};".format, mailboxes),
    st.sampled_from(MALFORMED),
    spoilt(mailboxes.map(lambda mailbox: f'"User" <{mailbox}>')),
)
bodies = or_bytes(body_texts)
grants = st.builds(
    lambda right, address: Grant("<>" if right is Right.NULL_SENDER else address, right),
    st.sampled_from(Right),
    st.one_of(st.sampled_from(ENTRIES), mailboxes),
)
entries = st.one_of(st.sampled_from(ENTRIES), mailboxes, grants)
lists_of_aliases = st.lists(entries, max_size=3)
answered_aliases = st.one_of(
    st.just(()), lists_of_aliases, lists_of_aliases.map(frozenset), lists_of_aliases.map(Aliases)
)
# As a map gives them: of all its keys, which are a few more, only the narrowest counts.
mapped_aliases = st.builds(
    lambda own, others: Aliases(own, source="map", within=Aliases([*own, *others])),
    st.lists(st.one_of(st.sampled_from(ENTRIES), mailboxes), max_size=3),
    st.lists(st.one_of(st.sampled_from(ENTRIES), mailboxes), max_size=3),
)
aliases_and_failures = st.one_of(
    answered_aliases,
    mapped_aliases,
    st.just(LOOKUP_FAILED),
    lists_of_aliases.map(lambda listed: Aliases.union(listed, LOOKUP_FAILED)),
)
levels = st.sampled_from(TrustLevel)


def policies(**fixed: Any) -> st.SearchStrategy[Policy]:
    """Give presets, and presets with other options; *fixed* holds what must be."""
    options: dict[str, st.SearchStrategy[Any]] = {
        "level": levels,
        "unauthenticated": st.sampled_from(["accept", "reject"]),
        "aliases_cover_header": st.booleans(),
        "null_sender": st.sampled_from(["accept", "reject"]),
        "local_part_case": st.sampled_from(["fold", "exact"]),
        "subaddress": st.sampled_from(["", "+", "-+"]),
        "legacy_dots": st.booleans(),
        "display_name": st.sampled_from(["ignore", "advise", "reject"]),
        "sender_field": st.sampled_from(["ignore", "must_match"]),
        "refuse_line_break_lookalikes": st.booleans(),
        "mode": st.sampled_from(["enforce", "report"]),
        "replies": st.sampled_from(ReplyStyle),
        "default_domain": st.sampled_from([None, "test-sample.jp"]),
        "max_field_octets": st.sampled_from([8192, 8192, 60]),
        "max_line_octets": st.sampled_from([998, 998, 40]),
        "max_block_octets": st.sampled_from([1024 * 1024, 1024 * 1024, 80]),
        "max_comment_depth": st.sampled_from([16, 1]),
    }
    # These two contradict each other: at most one at a time.
    about_authors = st.sampled_from(
        [{}, {}, {"header_equals_envelope": True}, {"multiple_authors": "all_must_match"}],
    )
    changes = st.builds(
        lambda some, authors: {**some, **authors, **fixed},
        st.fixed_dictionaries({}, optional=options),
        about_authors,
    )
    return st.builds(
        lambda preset, change: attrs.evolve(preset, **change),
        st.sampled_from([EPOST, SUBMISSION, STRICT]),
        st.one_of(st.just(fixed), changes),
    )


@attrs.frozen(kw_only=True)
class Submission:
    """Everything but the policy and the level. *fields* is None if DATA has not come."""

    auth_id: str | None
    envelope: str | bytes
    fields: tuple[tuple[str, str | bytes], ...] | None
    aliases: Any

    def ask(self, policy: Policy, level: TrustLevel | None = None) -> Verdict:
        if self.fields is None:
            return check(self.auth_id, self.envelope, UNSEEN, self.aliases, level=level, policy=policy)
        return check_message(self.auth_id, self.envelope, self.fields, self.aliases, level=level, policy=policy)


field_lists = st.one_of(
    bodies.map(lambda body: (("From", body),)),
    bodies.map(lambda body: (("From", body),)),
    st.lists(
        st.tuples(st.sampled_from(["From", "from ", "Sender", "Resent-From", "Resent-Sender", "Subject"]), bodies),
        max_size=3,
    ).map(tuple),
)


def submissions(
    *,
    auth_ids: st.SearchStrategy[str | None] = logins,
    fields: st.SearchStrategy[Any] = st.one_of(st.none(), field_lists, field_lists),  # noqa: B008 - strategies are values
    aliases: st.SearchStrategy[Any] = aliases_and_failures,
) -> st.SearchStrategy[Submission]:
    return st.builds(Submission, auth_id=auth_ids, envelope=paths, fields=fields, aliases=aliases)


# Law 1


@given(submissions(), policies())
def test_raising_the_level_never_raises_the_decision(submission: Submission, policy: Policy) -> None:
    """1. Raising the level never raises `decision` in the order REJECT < DEFER < ACCEPT."""
    decisions = [submission.ask(policy, level).decision for level in TrustLevel]

    event(" ".join(decision.value for decision in decisions))
    assert decisions == sorted(decisions, key=ORDER.__getitem__, reverse=True)


# Law 2


@given(submissions(), policies(), st.one_of(entries, any_text))
def test_adding_a_grant_never_lowers_the_decision(submission: Submission, policy: Policy, grant: str | Grant) -> None:
    """2. Adding a grant never lowers it."""
    granted = attrs.evolve(submission, aliases=Aliases.union(submission.aliases, [grant]))

    for level in TrustLevel:
        before, after = submission.ask(policy, level).decision, granted.ask(policy, level).decision
        assert ORDER[before] <= ORDER[after]


@given(submissions(), policies(), levels)
def test_a_failed_source_accepts_nothing_that_no_grant_allows(
    submission: Submission, policy: Policy, level: TrustLevel
) -> None:
    """Any grant allows; no grant and any failed source defers."""
    failed = attrs.evolve(submission, aliases=Aliases.union(submission.aliases, LOOKUP_FAILED)).ask(policy, level)
    decision = submission.ask(policy, level).decision

    assert (failed.decision is Action.ACCEPT) is (decision is Action.ACCEPT)
    assert failed.decision is decision or (decision, failed.decision) == (Action.REJECT, Action.DEFER)


@given(submissions(), policies(), st.lists(aliases_and_failures, max_size=3), st.randoms())
def test_the_order_of_sources_is_irrelevant(
    submission: Submission, policy: Policy, sources: list[Any], random: Random
) -> None:
    """Precedence only chooses what `matched_by` names."""
    shuffled = random.sample(sources, len(sources))
    one, other = (attrs.evolve(submission, aliases=Aliases.union(*order)).ask(policy) for order in (sources, shuffled))

    assert attrs.evolve(one, matched_by=()) == attrs.evolve(other, matched_by=())
    assert [right is None for right in one.matched_by] == [right is None for right in other.matched_by]


# Law 3


@given(
    submissions(auth_ids=logins.filter(bool), aliases=answered_aliases),
    policies(display_name="advise", sender_field="ignore", refuse_line_break_lookalikes=False, null_sender="accept"),
    levels,
)
def test_accept_is_satisfies(submission: Submission, policy: Policy, level: TrustLevel) -> None:
    """3. With the opt-in refusals off, an authenticated, not pending verdict with every source answered.

    It has `decision` ACCEPT exactly when `satisfies(required)`.
    """
    verdict = submission.ask(policy, level)
    assume(not verdict.pending)

    assert (verdict.decision is Action.ACCEPT) is verdict.satisfies(verdict.required)


# Law 4


@given(or_bytes(st.one_of(mailboxes, mailboxes, mailboxes, spoilt(mailboxes))), policies())
@example('"a b"@d.example', EPOST)
@example('"=\\?utf-8?q?x?="@d.example', EPOST)
@example(f'"{"a" * 64}"@d.example', EPOST)
@example("u@B\u00fccher.example", EPOST)
def test_canonicalising_twice_equals_once(claim: str | bytes, policy: Policy) -> None:
    """4. For each policy, canonicalising twice equals once."""
    once = check(OWN, claim, UNSEEN, policy=policy).envelope_from
    if once is None:
        return

    assert check(OWN, once, UNSEEN, policy=policy).envelope_from == once
    address = parse_reverse_path(once, legacy_dots=policy.legacy_dots)
    if isinstance(address, Address):
        assert login_address(once, None) == address


@given(st.lists(mailboxes, min_size=3, max_size=3), policies())
def test_equality_is_an_equivalence(texts: list[str], policy: Policy) -> None:
    """4. … and equality of keys is an equivalence."""
    parsed = [parse_mailbox(text, legacy_dots=True) for text in texts]
    one, two, three = [address for address in parsed if not isinstance(address, Malformed)]

    assert same_mailbox(one, one, policy)
    assert same_mailbox(one, two, policy) is same_mailbox(two, one, policy)
    if same_mailbox(one, two, policy) and same_mailbox(two, three, policy):
        assert same_mailbox(one, three, policy)
    assert (one.key == two.key) is same_mailbox(one, two, attrs.evolve(policy, local_part_case="fold"))
    assert (one.text == two.text) is same_mailbox(one, two, attrs.evolve(policy, local_part_case="exact"))


# Law 5


@given(submissions(fields=field_lists), policies(), levels)
def test_rejected_at_mail_is_rejected_at_data(submission: Submission, policy: Policy, level: TrustLevel) -> None:
    """5. With the same arguments and policy, what is rejected at MAIL is rejected at DATA (on `decision`)."""
    at_mail = attrs.evolve(submission, fields=None).ask(policy, level)

    if at_mail.decision is Action.REJECT:
        assert submission.ask(policy, level).decision is Action.REJECT


# Law 6


UNFOLDED = re.compile(rb"\r\n(?![ \t])")


@given(
    auth_id=logins,
    envelope=paths,
    fields=st.lists(
        st.tuples(st.sampled_from(["From", "FROM", "from\t", "From", "Sender", "Subject"]), body_texts), max_size=3
    ),
    aliases=st.one_of(st.lists(st.one_of(st.sampled_from(ENTRIES), mailboxes), max_size=3), st.just(LOOKUP_FAILED)),
    policy=policies(sender_field="ignore"),
    line_ends=st.sampled_from(["crlf", "lf"]),
)
def test_a_block_is_its_from_bodies(
    auth_id: str | None,
    envelope: str | bytes,
    fields: list[tuple[str, str]],
    aliases: Any,
    policy: Policy,
    line_ends: Any,
) -> None:
    """6. For a well-formed block, and a policy that reads From alone, `check_message` equals `check`."""
    octets = [(name, as_octets(body)) for name, body in fields]
    pairs = [(name, body) for name, body in octets if isinstance(body, bytes) and not UNFOLDED.search(body)]
    assume(len(pairs) == len(fields))
    if line_ends == "lf":
        pairs = [(name, body.replace(b"\r\n", b"\n")) for name, body in pairs]
    end = b"\r\n" if line_ends == "crlf" else b"\n"
    block = b"".join(name.encode() + b":" + body + end for name, body in pairs) + end + b"From: in the body"
    arguments: Any = {"aliases": aliases, "policy": policy, "line_ends": line_ends}

    from_block = check_message(auth_id, envelope, block, **arguments)
    if Reason.HEADERS_MALFORMED in from_block.reasons:
        return
    event(from_block.reason.value)

    author = [body for name, body in pairs if name.strip().lower() == "from"]
    assert from_block == check(auth_id, envelope, author, **arguments)
    assert from_block == check_message(auth_id, envelope, pairs, **arguments)


# Law 7


def calls_of(function: Callable[..., object], *arguments: object, policy: Policy) -> int:
    """Count the calls, into C as well, that a check makes: work that no clock is needed for."""
    count = 0

    def profile(_frame: object, kind: str, _argument: object) -> None:
        nonlocal count
        count += kind in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function(*arguments, policy=policy)
    finally:
        sys.setprofile(before)
    return count


BOUNDLESS = attrs.evolve(
    STRICT, max_field_octets=2**30, max_line_octets=2**30, max_block_octets=2**30, max_comment_depth=2**30
)


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        ")",
        "()",
        "<",
        '"',
        '""',
        '"a" ',
        "a,",
        "a@b.example,",
        '"x@y.example" <a@b.example>, ',
        '"<x@y.example>" <a@b.example>, ',
        "=?",
        "=?utf-8?q?",
        "=?utf-8?q?=3Cx=40y.z=3E?= ",
        "@",
        "\\",
        "\r\n ",
        "[",
        "あ",
    ],
)
def test_work_is_linear_in_a_field(piece: str) -> None:
    """7. Time and memory are linear in the total input."""
    policy = attrs.evolve(BOUNDLESS, multiple_authors="all_must_match")
    small, large = [
        calls_of(check_message, OWN, OWN, [("From", body), ("Sender", body)], policy=policy)
        for body in (piece * times + f" <{OWN}>" for times in (200, 800))
    ]

    assert large <= 4 * small + 100


@pytest.mark.parametrize("field", ["From: a@b.example\r\n", "Sender: a@b.example\r\n", "X: y\r\n z\r\n", "From\r\n"])
def test_work_is_linear_in_a_block(field: str) -> None:
    """7. Likewise of a block."""
    small, large = [calls_of(check_message, OWN, OWN, field.encode() * times, policy=BOUNDLESS) for times in (200, 800)]

    assert large <= 4 * small + 100


@pytest.mark.parametrize(
    "envelope", [OWN, "alias9@test-sample.jp", "nobody@test-sample.jp", "x@d9.example", "x@y.example"]
)
def test_a_compiled_aliases_adds_a_constant(envelope: str) -> None:
    """7. A compiled `Aliases` adds O(1), a plain list its length."""

    def entries(count: int) -> list[str]:
        return [f"alias{i}@test-sample.jp" for i in range(count)] + [f"@d{i}.example" for i in range(count)]

    few, many = [
        calls_of(check, OWN, envelope, OWN, aliases, policy=SUBMISSION)
        for aliases in (Aliases(entries(10)), Aliases(entries(2000)))
    ]
    assert many == few

    listed, twice = [calls_of(check, OWN, envelope, OWN, entries(n), policy=SUBMISSION) for n in (100, 200)]
    assert twice <= 2 * listed + 100


# Law 8

PRINTABLE_LINE = re.compile(r"[ -~]+")
REPLY_LINE = re.compile(rb"[245][0-9]{2} [ -~]*\r\n")

any_octets = st.one_of(
    any_long_text, st.builds(lambda octets, times: octets * times, st.binary(), st.sampled_from([1, 300]))
)
any_claim = st.one_of(any_octets, paths, or_bytes(spoilt(mailboxes)))
any_body = st.one_of(any_octets, bodies, or_bytes(spoilt(spoilt(body_texts))))
any_header = st.one_of(st.just(UNSEEN), st.none(), any_body, any_body, st.lists(any_body, max_size=3))
any_message = st.one_of(
    st.binary(),
    st.lists(any_body, max_size=3).map(
        lambda lines: b"".join([b"From:" + line + b"\r\n" for line in lines if isinstance(line, bytes)])
    ),
    st.lists(st.tuples(st.one_of(st.sampled_from(["From", "Sender", b"from"]), any_octets), any_body), max_size=3),
)
any_aliases = st.one_of(
    aliases_and_failures,
    st.lists(any_long_text, max_size=3),
    st.lists(any_long_text, max_size=3).map(lambda entries: Aliases.union(entries, LOOKUP_FAILED)),
)
any_login = st.one_of(logins, st.none(), any_long_text, spoilt(mailboxes))
line_ends_of_a_host = st.sampled_from(["crlf", "lf"])


def assert_within_its_grammar(verdict: Verdict) -> None:
    assert PRINTABLE_LINE.fullmatch(str(verdict))
    facts = verdict.to_dict()
    assert json.loads(json.dumps(facts, ensure_ascii=False, allow_nan=False).encode("utf-8")) == facts
    VALIDATOR.validate(facts)
    assert verdict.stage in verdict.reason.stages
    for style in [None, *ReplyStyle]:
        line = bytes(reply_for(verdict, style))
        assert REPLY_LINE.fullmatch(line)
        assert len(line) <= 512


@given(any_login, any_claim, any_header, any_aliases, policies(), line_ends_of_a_host)
def test_no_input_makes_check_raise(
    auth_id: str | None, envelope: str | bytes, header: Any, aliases: Any, policy: Policy, line_ends: Any
) -> None:
    """8. No input makes `check` or `reply_for` raise or emit a byte outside its grammar."""
    if header is not UNSEEN:
        policy = attrs.evolve(policy, sender_field="ignore")

    verdict = check(auth_id, envelope, header, aliases, policy=policy, line_ends=line_ends)

    assert verdict.stage is (Stage.MAIL if header is UNSEEN else Stage.DATA)
    assert_within_its_grammar(verdict)
    assert verdict == check(auth_id, envelope, header, aliases, policy=policy, line_ends=line_ends)


@given(any_login, any_claim, any_message, any_aliases, policies(), line_ends_of_a_host)
def test_no_input_makes_check_message_raise(
    auth_id: str | None, envelope: str | bytes, message: Any, aliases: Any, policy: Policy, line_ends: Any
) -> None:
    """8. … nor `check_message`."""
    verdict = check_message(auth_id, envelope, message, aliases, policy=policy, line_ends=line_ends)

    assert verdict.stage is Stage.DATA
    assert_within_its_grammar(verdict)


# Law 9


@given(
    st.one_of(submissions(), submissions(auth_ids=st.just(OWN))),
    policies(sender_field="ignore"),
    levels,
    line_ends_of_a_host,
)
@example(
    Submission(auth_id=OWN, envelope=OWN, fields=(("From", OWN),), aliases=["a b"]),
    SUBMISSION,
    TrustLevel.HEADER,
    "crlf",
)
@example(
    Submission(auth_id=OWN, envelope=f"<{OWN}>", fields=(("From", f"U <{OWN}>"),), aliases=()),
    EPOST,
    TrustLevel.HEADER,
    "lf",
)
def test_the_fast_path_and_the_full_scanner_agree(
    submission: Submission, policy: Policy, level: TrustLevel, line_ends: Any
) -> None:
    """9. The fast path and the full scanner agree wherever both answer."""

    def ask() -> tuple[Verdict, Verdict]:
        header: Any = UNSEEN
        if submission.fields is not None:
            header = [body for name, body in submission.fields if name.strip().lower() == "from"]
            header = header[0] if len(header) == 1 else header
        common: Any = {"level": level, "policy": policy, "line_ends": line_ends}
        return (
            check(submission.auth_id, submission.envelope, header, submission.aliases, **common),
            check_message(
                submission.auth_id, submission.envelope, submission.fields or (), submission.aliases, **common
            ),
        )

    fast = ask()
    with (
        mock.patch("sendertrust.decision.simple_author", return_value=None),
        mock.patch("sendertrust.address.plain_address", return_value=None),
    ):
        full = ask()

    event("found nothing" if not fast[0].findings else "found something")
    assert fast == full


@given(st.one_of(mailboxes, spoilt(mailboxes), st.from_regex(r"[a-z.+=?-]{1,8}@[a-z.-]{1,8}", fullmatch=True)))
def test_the_fast_path_and_the_full_scanner_read_one_address(text: str) -> None:
    """9. Likewise of one address."""
    fast = parse_mailbox(text), login_address(text, None)
    with mock.patch("sendertrust.address.plain_address", return_value=None):
        assert fast == (parse_mailbox(text), login_address(text, None))

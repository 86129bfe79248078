"""A program that uses every public name, for the type checker alone: it is never run.

The lines that must not type-check say so, and an unused "type: ignore" is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, assert_never, assert_type

import attrs

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Finding,
    Policy,
    PolicyError,
    Reason,
    Reply,
    ReplyStyle,
    ReplyTable,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOGIN = "user1@test-sample.jp"


# What a host does at MAIL and at DATA


def at_mail(auth_id: str | None, path: str | bytes, aliases: list[str] | None) -> bytes:
    verdict = check(auth_id, path, UNSEEN, LOOKUP_FAILED if aliases is None else aliases, policy=SUBMISSION)
    return bytes(reply_for(verdict))


def at_data(auth_id: str | None, path: str, message: bytes, aliases: Aliases) -> Reply:
    return reply_for(check_message(auth_id, path, message, aliases, policy=STRICT), ReplyStyle.POSTFIX)


def of_pairs(fields: Sequence[tuple[bytes, bytes]], others: list[tuple[str, str]]) -> Iterator[Verdict]:
    yield check_message(LOGIN, b"", fields)
    yield check_message(LOGIN, "<>", others, line_ends="lf")
    yield check_message(None, "<>", [("From", b"x")], level=TrustLevel.HEADER, policy=EPOST)


def every_kind_of_header(bodies: list[str], octets: tuple[bytes, ...]) -> Iterator[Verdict]:
    for header in ("a@b.example", b"a@b.example", None, UNSEEN):
        yield check(LOGIN, LOGIN, header)
    yield check(LOGIN, LOGIN, bodies)
    yield check(LOGIN, LOGIN, octets)
    yield check(LOGIN, LOGIN, ["a", b"b"])


def every_kind_of_aliases(compiled: Aliases) -> Iterator[Verdict]:
    yield check(LOGIN, LOGIN, UNSEEN, ["sales@test-sample.jp"])
    yield check(LOGIN, LOGIN, UNSEEN, ("@shared.jp",))
    yield check(LOGIN, LOGIN, UNSEEN, {"*"})
    yield check(LOGIN, LOGIN, UNSEEN, frozenset({"sales"}))
    yield check(LOGIN, LOGIN, UNSEEN, compiled)
    yield check(LOGIN, LOGIN, UNSEEN, LOOKUP_FAILED)
    yield check(LOGIN, LOGIN, UNSEEN, Aliases.union(compiled, ["a@b.example"], ("*",), LOOKUP_FAILED))


# What a verdict tells


def read(verdict: Verdict) -> None:
    assert_type(verdict.policy, Policy)
    assert_type(verdict.required, TrustLevel)
    assert_type(verdict.stage, Stage)
    assert_type(verdict.auth_id, str | None)
    assert_type(verdict.envelope_from, str | None)
    assert_type(verdict.header_from, tuple[str, ...])
    assert_type(verdict.findings, tuple[Finding, ...])
    assert_type(verdict.matched_by, tuple[str | None, ...])
    assert_type(verdict.advisories, tuple[str, ...])
    assert_type(verdict.decision, Action)
    assert_type(verdict.action, Action)
    assert_type(verdict.allowed, bool)
    assert_type(verdict.applies, bool)
    assert_type(verdict.pending, bool)
    assert_type(verdict.achieved, TrustLevel | None)
    assert_type(verdict.satisfies(TrustLevel.HEADER), bool)
    assert_type(verdict.reason, Reason)
    assert_type(verdict.reasons, tuple[Reason, ...])
    assert_type(verdict.to_dict(), dict[str, Any])
    assert_type(hash(verdict), int)
    assert_type(str(verdict), str)
    for finding in verdict.findings:
        assert_type(finding.reason, Reason)
        assert_type(finding.claimed, str | None)
        assert_type(finding.rule, str)
        assert_type(finding.offset, int | None)


def branch(verdict: Verdict) -> str:
    if verdict.action is Action.ACCEPT:
        return "250"
    if verdict.action is Action.REJECT:
        return "550"
    if verdict.action is Action.DEFER:
        return "451"
    assert_never(verdict.action)


def order(one: TrustLevel, other: TrustLevel) -> bool:
    return one < other or one <= other or one > other or max(one, other) >= TrustLevel.parse("header")


def parse() -> Iterator[TrustLevel]:
    yield TrustLevel.parse("SMTP認証ID")
    yield TrustLevel.parse(2)
    yield TrustLevel.parse(TrustLevel.AUTH_ID)


# What an administrator makes


def own_policy(mode: Literal["enforce", "report"]) -> Policy:
    try:
        return Policy(
            name="ours",
            level="header",
            unauthenticated="reject",
            null_sender=Action.ACCEPT,
            subaddress="+",
            mode=mode,
            replies=ReplyStyle.SUBMISSION,
            default_domain="test-sample.jp",
            aliases_cover_header=True,
        )
    except PolicyError as error:
        assert_type(str(error), str)
        return attrs.evolve(SUBMISSION, level=3, replies="postfix")


def own_table(verdict: Verdict) -> Reply:
    table = ReplyTable(
        name="ours",
        provenance="our help desk",
        rows={(Reason.FROM_MISMATCH, Stage.DATA): "550 5.7.1 {advice}"},
        fallbacks={(action, stage): "550 no" for action in Action for stage in Stage},
    )
    reply = reply_for(verdict, table)
    assert_type(reply.code, int)
    assert_type(reply.enhanced, str)
    assert_type(reply.text, str)
    assert_type(str(reply), str)
    assert_type(bytes(reply), bytes)
    return Reply(550, "5.7.1", "no")


# What must not type-check


def wrong(verdict: Verdict, policy: Policy, unknown: object) -> None:
    check(LOGIN, LOGIN)  # type: ignore[call-arg]  # the header cannot be forgotten
    check(b"user1", LOGIN, UNSEEN)  # type: ignore[arg-type]  # a login is text
    check(LOGIN, None, UNSEEN)  # type: ignore[arg-type]  # the null path is "" or "<>"
    check(LOGIN, LOGIN, unknown)  # type: ignore[arg-type]
    check(LOGIN, LOGIN, LOOKUP_FAILED)  # type: ignore[arg-type]  # that is what aliases may be
    check(LOGIN, LOGIN, UNSEEN, None)  # type: ignore[arg-type]  # no aliases are ()
    check(LOGIN, LOGIN, UNSEEN, "*@shared.jp")  # type: ignore[arg-type]  # it would grant everything
    check(LOGIN, LOGIN, UNSEEN, b"*")  # type: ignore[arg-type]
    check(LOGIN, LOGIN, UNSEEN, [b"a@b.example"])  # type: ignore[arg-type]
    check(LOGIN, LOGIN, UNSEEN, (), TrustLevel.HEADER)  # type: ignore[call-arg]  # level is a keyword
    check(LOGIN, LOGIN, UNSEEN, level=True)  # type: ignore[arg-type]
    check(LOGIN, LOGIN, UNSEEN, level="header")  # type: ignore[arg-type]  # TrustLevel.parse reads text
    check(LOGIN, LOGIN, UNSEEN, policy="EPOST")  # type: ignore[arg-type]
    check(LOGIN, LOGIN, UNSEEN, line_ends="cr")  # type: ignore[arg-type]
    check_message(LOGIN, LOGIN, "From: a@b.example")  # type: ignore[arg-type]  # bytes, as received
    check_message(LOGIN, LOGIN, UNSEEN)  # type: ignore[arg-type]
    check_message(LOGIN, LOGIN, {"From": LOGIN})  # type: ignore[arg-type]
    reply_for(verdict, "epost")  # type: ignore[arg-type]
    reply_for(verdict.reason)  # type: ignore[arg-type]
    verdict.allowed = True  # type: ignore[misc]  # derived
    verdict.auth_id = None  # type: ignore[misc]  # frozen
    policy.level = TrustLevel.HEADER  # type: ignore[misc]  # frozen
    Policy("ours")  # type: ignore[call-arg]  # keywords only
    Policy(levle="header")  # type: ignore[call-arg]
    Policy(legacy_dots="yes")  # type: ignore[arg-type]
    Verdict(policy=policy)  # type: ignore[call-arg]  # nine facts
    TrustLevel.parse(None)  # type: ignore[arg-type]
    Aliases.union("a@b.example")  # type: ignore[arg-type]
    verdict.satisfies("header")  # type: ignore[arg-type]
    print(TrustLevel.HEADER + 1)  # type: ignore[operator]  # noqa: T201 - levels are ordered, but no numbers

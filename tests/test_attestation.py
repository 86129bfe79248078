"""Authentication-Results (RFC 8601): no field claims more than the verdict, and none can be forged."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs
import authres  # type: ignore[import-untyped]
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Grant,
    Policy,
    Reason,
    Right,
    Stage,
    TrustLevel,
    Verdict,
    authentication_results,
    check,
    check_message,
)
from sendertrust.testing import make_verdict, vectors

OWN: Final = "user1@test-sample.jp"
OTHER: Final = "user2@test-sample.jp"
SERVER: Final = "mail.test-sample.jp"
REPORT: Final = attrs.evolve(SUBMISSION, mode="report")
AUTH_ID, ENVELOPE, HEADER = TrustLevel


def said(verdict: Verdict, authserv_id: str = SERVER) -> str:
    """Give the field on one line."""
    return authentication_results(verdict, authserv_id).replace("\r\n\t", " ")


def asked(header: Any, envelope: str = OWN, aliases: Any = (), **options: Any) -> Verdict:
    level = options.pop("level", HEADER)
    auth_id = options.pop("auth_id", OWN)
    return check(auth_id, envelope, header, aliases, level=level, policy=attrs.evolve(SUBMISSION, **options))


AUTH: Final = f"{SERVER}; auth=pass smtp.auth={OWN};"
BOTH: Final[dict[str, Any]] = {"legacy_dots": True, "multiple_authors": "all_must_match"}
SAID: Final[dict[str, tuple[Verdict, str]]] = {
    "all three": (asked(OWN), f"{AUTH} x-sendertrust=pass smtp.mailfrom={OWN} header.from={OWN}"),
    "envelope": (asked(OTHER, level=ENVELOPE), f"{AUTH} x-sendertrust=pass smtp.mailfrom={OWN}"),
    "login alone": (asked(OTHER, OTHER, level=AUTH_ID), f"{AUTH} x-sendertrust=none"),
    "more than was asked": (
        asked(OWN, level=AUTH_ID),
        f"{AUTH} x-sendertrust=pass smtp.mailfrom={OWN} header.from={OWN}",
    ),
    "null path": (asked(OWN, "<>"), f"{AUTH} x-sendertrust=pass header.from={OWN}"),
    "null path alone": (asked(OTHER, "", level=ENVELOPE), f"{AUTH} x-sendertrust=none"),
    "alias": (
        asked(OTHER, OTHER, [OTHER]),
        f"{AUTH} x-sendertrust=pass smtp.mailfrom={OTHER} header.from={OTHER}",
    ),
    "two authors": (
        asked(f"{OWN}, {OTHER}", aliases=[OTHER], **BOTH),
        f"{AUTH} x-sendertrust=pass smtp.mailfrom={OWN} header.from={OWN} header.from={OTHER}",
    ),
    "header not seen yet": (asked(UNSEEN), f"{AUTH} x-sendertrust=none"),
    "header not asked for": (asked(UNSEEN, level=ENVELOPE), f"{AUTH} x-sendertrust=pass smtp.mailfrom={OWN}"),
    "refused": (asked(OTHER), f"{AUTH} x-sendertrust=fail reason=from_mismatch"),
    "refused, but reported only": (asked(OTHER, mode="report"), f"{AUTH} x-sendertrust=fail reason=from_mismatch"),
    "deferred": (
        asked(OTHER, aliases=LOOKUP_FAILED),
        f"{AUTH} x-sendertrust=temperror reason=lookup_failed",
    ),
    "no login": (asked(OWN, auth_id=None), f"{SERVER}; auth=none"),
    "no login, accepted": (check(None, OWN, OWN, policy=EPOST), f"{SERVER}; auth=none"),
    # What needs quotes
    "login without a domain": (
        asked(OTHER, auth_id="user1", level=AUTH_ID),
        f"{SERVER}; auth=pass smtp.auth=user1; x-sendertrust=none",
    ),
    "login with blanks and quotes": (
        asked(OTHER, auth_id=r'a "b" \c', level=AUTH_ID),
        rf'{SERVER}; auth=pass smtp.auth="a \"b\" \\c"; x-sendertrust=none',
    ),
    "quoted local part": (
        asked('"a b"@d.example', '"a b"@d.example', auth_id="a b@d.example"),
        (
            f'{SERVER}; auth=pass smtp.auth="a b@d.example"; '
            'x-sendertrust=pass smtp.mailfrom="a b"@d.example header.from="a b"@d.example'
        ),
    ),
    "one label": (
        asked("a@host", "a@host", auth_id="a@host"),
        f'{SERVER}; auth=pass smtp.auth="a@host"; x-sendertrust=pass smtp.mailfrom="a@host" header.from="a@host"',
    ),
    "A-label": (
        asked("a@例え.jp", "a@例え.jp", auth_id="a@xn--r8jz45g.jp"),
        (
            f"{SERVER}; auth=pass smtp.auth=a@xn--r8jz45g.jp; "
            "x-sendertrust=pass smtp.mailfrom=a@xn--r8jz45g.jp header.from=a@xn--r8jz45g.jp"
        ),
    ),
    "address literal": (
        asked("a@[192.0.2.1]", "a@[192.0.2.1]", auth_id="a@[192.0.2.1]"),
        (
            f'{SERVER}; auth=pass smtp.auth="a@[192.0.2.1]"; x-sendertrust=pass smtp.mailfrom="a@[192.0.2.1]" '
            'header.from="a@[192.0.2.1]"'
        ),
    ),
    "an international address": (
        asked("山田@例え.jp", "山田@例え.jp", auth_id="山田@例え.jp"),
        (
            f'{SERVER}; auth=pass smtp.auth="山田@例え.jp"; x-sendertrust=pass smtp.mailfrom=山田@xn--r8jz45g.jp '
            "header.from=山田@xn--r8jz45g.jp"
        ),
    ),
    # RFC 8601 2.2: the local part "as modified by [RFC6531]"
    "an international address in quotes": (
        asked('"山 田"@例え.jp', '"山 田"@例え.jp', auth_id="山 田@例え.jp"),
        (
            f'{SERVER}; auth=pass smtp.auth="山 田@例え.jp"; x-sendertrust=pass smtp.mailfrom="山 田"@xn--r8jz45g.jp '
            'header.from="山 田"@xn--r8jz45g.jp'
        ),
    ),
    # What cannot be said is left out
    "login with a line end": (
        asked(OTHER, auth_id="a\r\nb", level=AUTH_ID),
        f"{SERVER}; auth=pass; x-sendertrust=none",
    ),
    "login that is no text": (
        asked(OTHER, auth_id="a\udcff", level=AUTH_ID),
        f"{SERVER}; auth=pass; x-sendertrust=none",
    ),
    "login that no line holds": (
        asked(OTHER, auth_id="山" * 320, level=AUTH_ID),
        f"{SERVER}; auth=pass; x-sendertrust=none",
    ),
}


@pytest.mark.parametrize(("verdict", "field"), SAID.values(), ids=SAID.keys())
def test_what_is_said(verdict: Verdict, field: str) -> None:
    """Law, 7: 'a property appears only if `achieved` covers it … yields no pass; without a login `auth=none`'."""
    assert said(verdict) == field


@pytest.mark.parametrize(("login", "is_said"), [("山" * 319 + "a", True), ("山" * 319 + "ab", False)])
def test_the_longest_login_that_is_said(login: str, is_said: bool) -> None:  # noqa: FBT001 - a column
    """RFC 5322 2.1.1: 'Each line of characters MUST be no more than 998 characters'."""
    assert (f'smtp.auth="{login}"' in said(asked(OTHER, auth_id=login, level=AUTH_ID))) is is_said


@pytest.mark.parametrize("login", ['"' * 1024, "\\" * 1000, "x" * 1024, '"' * 479])
def test_no_line_is_too_long(login: str) -> None:
    """RFC 5322 2.1.1: 'Each line of characters MUST be no more than 998 characters'."""
    verdict = asked(OTHER, auth_id=login, level=AUTH_ID)
    assert max(map(len, authentication_results(verdict, "m" * 255).split("\r\n"))) <= 998


def test_on_behalf() -> None:
    message = f"From: {OTHER}\r\nSender: {OWN}\r\n\r\n".encode()
    verdict = check_message(OWN, OWN, message, [Grant(OTHER, Right.ON_BEHALF_OF)], policy=SUBMISSION)
    assert said(verdict) == f"{AUTH} x-sendertrust=pass smtp.mailfrom={OWN} header.from={OTHER}"


@pytest.mark.parametrize(
    ("authserv_id", "value"),
    [
        ("mail.a.example", "mail.a.example"),
        ("~" * 255, "~" * 255),
        ("x y", '"x y"'),
        ("a;b", '"a;b"'),
        ('a"b\\c', r'"a\"b\\c"'),
    ],
)
def test_any_printable_name_of_the_server(authserv_id: str, value: str) -> None:
    """RFC 8601 2.2: 'authserv-id = value', a token or a quoted string."""
    assert said(asked(OWN), authserv_id) == value + said(asked(OWN)).removeprefix(SERVER)


@pytest.mark.parametrize("verdict", [None, "accept", True])
def test_only_a_verdict_has_results(verdict: Any) -> None:
    with pytest.raises(TypeError, match=r"^pass the verdict of check or check_message, not "):
        authentication_results(verdict, "mail.a.example")


@pytest.mark.parametrize("authserv_id", [None, b"mail.a.example"])
def test_the_name_is_text(authserv_id: Any) -> None:
    with pytest.raises(TypeError, match=r"^pass authserv_id as str, not "):
        authentication_results(asked(OWN), authserv_id)


@pytest.mark.parametrize(
    "authserv_id", ["", " ", " a", "a ", "例え.jp", "a\r\nb", "a\tb", "\x7f", "a" * 256], ids=ascii
)
def test_no_other(authserv_id: str) -> None:
    with pytest.raises(ValueError, match=r"^pass authserv_id as printable ASCII, such as the host name, not "):
        authentication_results(asked(OWN), authserv_id)


@pytest.mark.parametrize("line_ends", ["", "CRLF", "cr", None], ids=repr)
def test_no_other_line_ends(line_ends: Any) -> None:
    with pytest.raises(ValueError, match=r"^pass line_ends as one of crlf, lf, not "):
        authentication_results(asked(OWN), SERVER, line_ends=line_ends)


def test_folds() -> None:
    """RFC 5322 2.1.1: a line should have no more than 78 characters; a short field is folded between methods alone."""
    assert authentication_results(asked(OWN), SERVER).splitlines(keepends=True) == [
        f"{SERVER};\r\n",
        f"\tauth=pass smtp.auth={OWN};\r\n",
        f"\tx-sendertrust=pass smtp.mailfrom={OWN}\r\n",
        f"\theader.from={OWN}",
    ]
    lf = authentication_results(asked(OWN), SERVER, line_ends="lf")
    assert lf == authentication_results(asked(OWN), SERVER).replace("\r\n", "\n")


def test_a_fold_comes_when_a_line_would_be_too_long() -> None:
    login = "a" * (70 - len("auth=pass smtp.auth="))
    fitting = authentication_results(asked(OTHER, auth_id=login, level=AUTH_ID), SERVER).splitlines()
    assert fitting[1:] == [f"\tauth=pass smtp.auth={login};", "\tx-sendertrust=none"]
    longer = authentication_results(asked(OTHER, auth_id=login + "a", level=AUTH_ID), SERVER).splitlines()
    assert longer[1:] == ["\tauth=pass", f"\tsmtp.auth={login}a;", "\tx-sendertrust=none"]


# Whatever the verdict

ANY_TEXT: Final = st.text(st.characters(exclude_categories=()), max_size=40)
ANY_CLAIM: Final = ANY_TEXT | st.sampled_from([OWN, OTHER, "", "<>", f"Me <{OWN}>", '"a b"@d.example'])
VECTORS: Final = list(vectors())


def verdicts() -> st.SearchStrategy[Verdict]:
    """Verdicts of hostile claims, and those to order."""
    policies = st.sampled_from([EPOST, SUBMISSION, REPORT, attrs.evolve(SUBMISSION, unauthenticated="accept")])
    aliases = st.sampled_from([(), ["*"], LOOKUP_FAILED, Aliases([Grant("<>", Right.NULL_SENDER)])])
    claimed = st.builds(
        check,
        st.none() | ANY_CLAIM,
        ANY_CLAIM,
        st.just(UNSEEN) | st.lists(ANY_CLAIM, max_size=2),
        aliases,
        level=st.sampled_from(TrustLevel),
        policy=policies,
    )
    reasons = st.sampled_from([(reason, stage) for reason in Reason for stage in reason.stages])
    made = st.builds(lambda pair, policy: make_verdict(*pair, policy=policy), reasons, policies)
    shipped = st.builds(lambda vector, policy: vector.verdict(policy), st.sampled_from(VECTORS), policies)
    return claimed | made | shipped


def parsed(field: str) -> dict[str, Any]:
    """Read a field with a library that others keep: method to its result."""
    header = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {field}")
    assert header.authserv_id == SERVER
    assert len({result.method for result in header.results}) == len(header.results)
    return {result.method: result for result in header.results}


def plain(value: str) -> str:
    """Take the escapes of quoted strings off, which authres leaves."""
    return re.sub(r"\\(.)", r"\1", value)


@given(verdicts())
def test_others_read_what_was_meant(verdict: Verdict) -> None:
    """Law, 7: 'A verdict whose `decision` is not ACCEPT, or that is pending, yields no pass'."""
    field = authentication_results(verdict, SERVER)
    assume(field.isascii())  # authres 1.2.0 reads nothing else, be it in quotes
    results = parsed(field)
    if verdict.auth_id is None:
        assert {method: result.result for method, result in results.items()} == {"auth": "none"}
        return
    assert results["auth"].result == "pass"
    assert {(item.type, item.name) for item in results["auth"].properties} <= {("smtp", "auth")}
    assert all(plain(item.value) == plain(verdict.auth_id) for item in results["auth"].properties)
    ours = results["x-sendertrust"]
    claims = {(item.type, item.name, plain(item.value)) for item in ours.properties}
    if ours.result != "pass":
        assert claims == set()
        return
    assert verdict.decision is Action.ACCEPT
    assert not verdict.pending
    assert verdict.satisfies(ENVELOPE)
    right = {("smtp", "mailfrom", plain(verdict.envelope_from))} if verdict.envelope_from else set()
    if verdict.satisfies(HEADER):
        right |= {("header", "from", plain(author)) for author in verdict.header_from}
    # authres 1.2.0 passes over a quoted string that another property follows; it reads no other value instead.
    assert claims <= right
    assert claims == right or '="' in field.partition("x-sendertrust")[2]


LINE: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,997}")


@given(verdicts(), st.sampled_from([("crlf", "\r\n"), ("lf", "\n")]))
def test_no_input_makes_a_line_of_its_own(verdict: Verdict, line_end: tuple[Any, str]) -> None:
    """Law 8: 'No input makes … emit a byte outside its grammar'; RFC 5322 2.1.1 for the length."""
    lines = authentication_results(verdict, SERVER, line_ends=line_end[0]).split(line_end[1])
    assert lines[0] == f"{SERVER};"
    assert all(line.startswith("\t") and LINE.fullmatch(line[1:]) for line in lines[1:])
    # Behind the name of the server, and behind what was found of the login if there is one.
    assert sum(line.endswith(";") for line in lines) == (1 if verdict.auth_id is None else 2)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.value)
@pytest.mark.parametrize("policy", [SUBMISSION, REPORT, EPOST], ids=["SUBMISSION", "REPORT", "EPOST"])
def test_only_ok_passes(reason: Reason, policy: Policy) -> None:
    verdict = make_verdict(reason, Stage.DATA, policy=policy)
    assert ("x-sendertrust=pass" in said(verdict)) is (reason is Reason.OK)

"""Policies: every option, every mistake, the three presets."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

from sendertrust.policy import EPOST, PRESETS, STRICT, SUBMISSION, Policy, PolicyError
from sendertrust.terms import (
    Action,
    DisplayName,
    LocalPartCase,
    Mode,
    MultipleAuthors,
    ReplyStyle,
    SenderField,
    TrustLevel,
)

if TYPE_CHECKING:
    from enum import Enum

_EPOST: Final[dict[str, Any]] = {
    "name": "EPOST",
    "level": TrustLevel.AUTH_ID,
    "unauthenticated": Action.ACCEPT,
    "aliases_cover_header": False,
    "header_equals_envelope": False,
    "null_sender": Action.ACCEPT,
    "local_part_case": LocalPartCase.FOLD,
    "subaddress": "",
    "legacy_dots": False,
    "multiple_authors": MultipleAuthors.REJECT,
    "display_name": DisplayName.ADVISE,
    "sender_field": SenderField.IGNORE,
    "refuse_line_break_lookalikes": False,
    "mode": Mode.ENFORCE,
    "replies": ReplyStyle.EPOST,
    "default_domain": None,
    "max_field_octets": 8192,
    "max_line_octets": 998,
    "max_block_octets": 1048576,
    "max_comment_depth": 16,
}
_SUBMISSION: Final[dict[str, Any]] = {
    **_EPOST,
    "name": "SUBMISSION",
    "level": TrustLevel.HEADER,
    "unauthenticated": Action.REJECT,
    "aliases_cover_header": True,
    "replies": ReplyStyle.SUBMISSION,
}
_STRICT: Final[dict[str, Any]] = {
    **_SUBMISSION,
    "name": "STRICT",
    "local_part_case": LocalPartCase.EXACT,
    "display_name": DisplayName.REJECT,
    "sender_field": SenderField.MUST_MATCH,
    "refuse_line_break_lookalikes": True,
}


@pytest.mark.parametrize(
    ("preset", "options"),
    [(EPOST, _EPOST), (SUBMISSION, _SUBMISSION), (STRICT, _STRICT)],
    ids=["EPOST", "SUBMISSION", "STRICT"],
)
def test_presets(preset: Policy, options: dict[str, Any]) -> None:
    """EPOST AUTH_ID, SUBMISSION and STRICT HEADER; STRICT has every opt-in refusal on, except the null sender."""
    assert attrs.asdict(preset, recurse=False) == options
    assert Policy(**options) == preset
    assert hash(Policy(**options)) == hash(preset)


def test_list_of_presets() -> None:
    assert PRESETS == (EPOST, SUBMISSION, STRICT)


def test_defaults_are_epost() -> None:
    """Each default is what E-Post does."""
    assert attrs.asdict(Policy(), recurse=False) == {**_EPOST, "name": "custom"}


# Spellings

_ENUM_OPTIONS: Final[dict[str, type[Enum]]] = {
    "level": TrustLevel,
    "unauthenticated": Action,
    "null_sender": Action,
    "local_part_case": LocalPartCase,
    "multiple_authors": MultipleAuthors,
    "display_name": DisplayName,
    "sender_field": SenderField,
    "mode": Mode,
    "replies": ReplyStyle,
}
_FLAGS: Final = ("aliases_cover_header", "header_equals_envelope", "legacy_dots", "refuse_line_break_lookalikes")
_NUMBERS: Final = ("max_field_octets", "max_line_octets", "max_block_octets", "max_comment_depth")
_TEXTS: Final = ("name", "subaddress")


def test_tables_below_are_complete() -> None:
    assert {*_ENUM_OPTIONS, *_FLAGS, *_NUMBERS, *_TEXTS, "default_domain"} == set(_EPOST)


@pytest.mark.parametrize(
    ("option", "spelling", "member"),
    [
        (option, spelling, member)
        for option, enum in _ENUM_OPTIONS.items()
        for member in enum
        for spelling in (
            member,
            member.value,
            member.value.upper(),
            member.value.title(),
            member.name,
            member.value.replace("_", "-"),
        )
        if member is not Action.DEFER
    ],
    ids=str,
)
def test_enum_options_take_members_and_text(option: str, spelling: Any, member: Enum) -> None:
    """An option that is an enum also takes its value as text in any letter case."""
    assert getattr(Policy(**{option: spelling}), option) is member


@pytest.mark.parametrize("level", TrustLevel, ids=str)
def test_level_takes_all_that_parse_takes(level: TrustLevel) -> None:
    for spelling in (level.rank, str(level.rank), level.label, f" {level.value} "):
        assert Policy(level=spelling).level is level


@pytest.mark.parametrize("option", _FLAGS)
@pytest.mark.parametrize("value", [True, False])
def test_flags(option: str, value: bool) -> None:  # noqa: FBT001 - a column of the table
    assert getattr(Policy(**{option: value}), option) is value  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("option", _NUMBERS)
def test_numbers(option: str) -> None:
    """Named constants, in the policy where a site may need another."""
    assert getattr(Policy(**{option: 1}), option) == 1  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("separators", ["", "+", "-", "+-", "#$&'*+-/=?^_`{|}~", "++"])
def test_subaddress(separators: str) -> None:
    assert Policy(subaddress=separators).subaddress == separators


@pytest.mark.parametrize("name", ["", "site", "営業", "a\nb", "\ud800"], ids=ascii)
def test_any_name(name: str) -> None:
    assert Policy(name=name).name == name


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (None, None),
        ("test-sample.jp", "test-sample.jp"),
        ("Test-Sample.JP", "test-sample.jp"),
        ("localhost", "localhost"),
        ("corp.local", "corp.local"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
        ("日本語.JP", "xn--wgv71a119e.jp"),
        ("XN--WGV71A119E.jp", "xn--wgv71a119e.jp"),
        ("[IPv6:::1]", "[ipv6:::1]"),
    ],
    ids=ascii,
)
def test_default_domain_is_canonical(written: str | None, canonical: str | None) -> None:
    """Compared as A-labels; ASCII letters never significant."""
    policy = Policy(default_domain=written)
    assert policy.default_domain == canonical
    assert policy == Policy(default_domain=canonical)


# Mistakes

_NO_MEMBERS: Final[list[Any]] = ["", "nonsense", "accept reject", 0, 4, True, None, 1.0, b"accept", [], UnicodeError]
_WRONG: Final[list[tuple[str, Any]]] = [
    *((option, value) for option in _ENUM_OPTIONS for value in _NO_MEMBERS),
    # A member or a spelling of another option's enum.
    ("level", Action.ACCEPT),
    ("unauthenticated", Mode.REPORT),
    ("null_sender", "advise"),
    ("local_part_case", TrustLevel.HEADER),
    ("multiple_authors", Action.REJECT),
    ("display_name", MultipleAuthors.REJECT),
    ("display_name", "accept"),
    ("sender_field", DisplayName.IGNORE),
    ("mode", "reject"),
    ("replies", "strict"),
    *((option, value) for option in _FLAGS for value in (0, 1, None, "", "yes", "true", Action.ACCEPT)),
    *((option, value) for option in _NUMBERS for value in (0, -1, True, None, "8", 1.0, float("inf"))),
    *((option, value) for option in _TEXTS for value in (None, 1, b"+", ["+"], Action.ACCEPT)),
    # Not allowed in an unquoted local part, or part of every name in it.
    *(("subaddress", value) for value in ("a", "+a", "0", ".", "@", " ", '"', "\\", "<", "＋", "+\x00", "é", "\ud800")),
    *(
        ("default_domain", value)
        for value in ("", " ", "a b", "d.jp.", ".jp", "a..b", "@d.jp", "u@d.jp", "-a.jp", "a_b.jp", "ｄ.jp", "a。jp")
    ),
    *(("default_domain", value) for value in ("xn--a", "e\u0301.jp", "\u212a.jp", "\ud800", "d\n", "[1.2.3.4", "*")),
    *(("default_domain", value) for value in ("a" * 64, ".".join(["a" * 63] * 4) + "a", b"d.jp", 5, False, ["d.jp"])),
    # Contradictions in itself: a policy does not wait for anybody.
    *((option, value) for option in ("unauthenticated", "null_sender") for value in (Action.DEFER, "Defer")),
]


@pytest.mark.parametrize(("option", "value"), _WRONG, ids=ascii)
def test_wrong_value_is_named(option: str, value: Any) -> None:
    """`PolicyError(ValueError)` for an administrator's mistake, and it says what to pass instead."""
    with pytest.raises(PolicyError, match=rf"\A{option} is .*: write ") as raised:
        Policy(**{option: value})
    # Nothing else is wrong, so nothing else is named.
    assert set(re.findall(r"(?:\A|; )(\w+) is ", str(raised.value))) == {option}


def test_policy_error_is_a_value_error() -> None:
    assert issubclass(PolicyError, ValueError)


@pytest.mark.parametrize("multiple_authors", MultipleAuthors, ids=str)
@pytest.mark.parametrize("header_equals_envelope", [True, False])
def test_header_equals_envelope_contradicts_several_authors(
    *, header_equals_envelope: bool, multiple_authors: MultipleAuthors
) -> None:
    """Several authors cannot all be the one envelope sender."""
    options: dict[str, Any] = {
        "header_equals_envelope": header_equals_envelope,
        "multiple_authors": multiple_authors,
    }
    if header_equals_envelope and multiple_authors is MultipleAuthors.ALL_MUST_MATCH:
        with pytest.raises(PolicyError, match=r"header_equals_envelope.*multiple_authors"):
            Policy(**options)
    else:
        assert Policy(**options).multiple_authors is multiple_authors


def test_all_problems_at_once() -> None:
    """A contradictory policy: all problems at once."""
    wrong: dict[str, Any] = dict(_WRONG)
    with pytest.raises(PolicyError) as raised:
        Policy(**wrong)
    message = str(raised.value)
    assert [option for option in _EPOST if f"{option} is " not in message] == []


def test_wrong_values_and_contradictions_together() -> None:
    options: dict[str, Any] = {
        "header_equals_envelope": True,
        "multiple_authors": "all-must-match",
        "null_sender": "defer",
        "unauthenticated": Action.DEFER,
        "max_comment_depth": 0,
        "default_domain": "d.jp.",
        "subaddress": "x",
    }
    with pytest.raises(PolicyError) as raised:
        Policy(**options)
    assert [option for option in options if option not in str(raised.value)] == []


def test_evolve_is_checked_too() -> None:
    with pytest.raises(PolicyError, match="multiple_authors"):
        attrs.evolve(Policy(header_equals_envelope=True), multiple_authors="all_must_match")


def test_unknown_option() -> None:
    with pytest.raises(TypeError, match="sub_address"):
        Policy(sub_address="+")  # type: ignore[call-arg]


def test_keyword_only() -> None:
    with pytest.raises(TypeError):
        Policy("site")  # type: ignore[call-arg]


# A policy is a value


@pytest.mark.parametrize("option", _EPOST)
def test_frozen(option: str) -> None:
    """A preset is a named, frozen `Policy`."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(EPOST, option, getattr(STRICT, option))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(EPOST, option)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("policy", [*PRESETS, Policy(default_domain="日本語.jp")], ids=lambda policy: policy.name)
def test_pickle(policy: Policy, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(policy, protocol)) == policy  # noqa: S301 - our own bytes


def test_evolve() -> None:
    """Derive a policy from a preset with ``attrs.evolve(SUBMISSION, subaddress="+")``."""
    derived = attrs.evolve(SUBMISSION, name="site", subaddress="+", mode="report", default_domain="D.jp")
    assert attrs.asdict(derived, recurse=False) == {
        **_SUBMISSION,
        "name": "site",
        "subaddress": "+",
        "mode": Mode.REPORT,
        "default_domain": "d.jp",
    }
    assert Policy(**_SUBMISSION) == SUBMISSION


def test_hash_and_equality_see_every_option() -> None:
    others: dict[str, Any] = {**_STRICT, "null_sender": "reject", "header_equals_envelope": True, "subaddress": "+"}
    others |= {"legacy_dots": True, "multiple_authors": "all_must_match", "mode": "report", "default_domain": "d"}
    others |= dict.fromkeys(_NUMBERS, 1)
    policies = [EPOST, *(Policy(**{**_EPOST, option: value}) for option, value in others.items())]
    assert len(set(policies)) == len(_EPOST) + 1

"""The vocabulary: levels, stages, findings, rules."""

from __future__ import annotations

import ast
import copy
import operator
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

import sendertrust
from sendertrust.charset import CHARSETS
from sendertrust.grant import Right
from sendertrust.terms import (
    LOOKUP_FAILED,
    RULES,
    UNSEEN,
    Action,
    DisplayName,
    Finding,
    LocalPartCase,
    Malformed,
    Mode,
    MultipleAuthors,
    Reason,
    ReplyStyle,
    SenderField,
    Stage,
    TrustLevel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import Enum

AUTH_ID, ENVELOPE, HEADER = TrustLevel

# TrustLevel


@pytest.mark.parametrize(
    ("level", "value", "rank", "label"),
    [
        (AUTH_ID, "auth", 1, "SMTP認証ID"),
        (ENVELOPE, "envelope", 2, "SMTP認証ID = エンベロープ"),
        (HEADER, "header", 3, "SMTP認証ID = エンベロープ = FROM:ヘッダー"),
    ],
    ids=["auth", "envelope", "header"],
)
def test_level_facts(level: TrustLevel, value: str, rank: int, label: str) -> None:
    """The three trust levels, with the source's labels."""
    assert (level.value, level.rank, level.label) == (value, rank, label)


@pytest.mark.parametrize(
    ("spelling", "level"),
    [
        ("auth", AUTH_ID),
        ("AUTH", AUTH_ID),
        ("Auth", AUTH_ID),
        ("AUTH_ID", AUTH_ID),
        ("auth_id", AUTH_ID),
        ("1", AUTH_ID),
        (1, AUTH_ID),
        ("SMTP認証ID", AUTH_ID),
        ("smtp認証id", AUTH_ID),
        (AUTH_ID, AUTH_ID),
        ("envelope", ENVELOPE),
        ("ENVELOPE", ENVELOPE),
        (" envelope\n", ENVELOPE),
        ("2", ENVELOPE),
        (2, ENVELOPE),
        ("SMTP認証ID = エンベロープ", ENVELOPE),
        ("SMTP認証ID=エンベロープ", ENVELOPE),
        ("SMTP認証ID\u3000=\u3000エンベロープ", ENVELOPE),
        (ENVELOPE, ENVELOPE),
        ("header", HEADER),
        ("HEADER", HEADER),
        ("\theader ", HEADER),
        ("3", HEADER),
        (" 3 ", HEADER),
        (3, HEADER),
        ("SMTP認証ID = エンベロープ = FROM:ヘッダー", HEADER),
        ("smtp認証id=エンベロープ=from:ヘッダー", HEADER),
        (HEADER, HEADER),
    ],
    ids=ascii,
)
def test_level_parse(spelling: TrustLevel | str | int, level: TrustLevel) -> None:
    """`TrustLevel.parse` takes the config spellings, the member names, 1-3 and the source's own labels."""
    assert TrustLevel.parse(spelling) is level


@pytest.mark.parametrize(
    "spelling",
    [
        *("", " ", "0", "4", "-1", "1.0", "+1", "01", "0x1", "１", "True", "None", "none", "default"),
        *("authentication", "auth-id", "authid", "from", "headers", "header;", "auth,envelope", "TrustLevel.HEADER"),
        *("ｈeader", "h\u0435ader", "auth\x00", "auth\u200b", "\ud800", "エンベロープ", "認証ID"),
        *("SMTP認証ID = FROM:ヘッダー", "SMTP認証ID = エンベロープ ="),
        *(0, 4, -1),
    ],
    ids=ascii,
)
def test_level_parse_unknown(spelling: str | int) -> None:
    """An unknown spelling is a `ValueError`, never the default."""
    with pytest.raises(ValueError, match="write one of auth, envelope, header"):
        TrustLevel.parse(spelling)


def test_level_parse_number_too_long_to_print() -> None:
    """An unknown spelling is a `ValueError`: Python itself refuses to print this one."""
    with pytest.raises(ValueError, match=r"."):
        TrustLevel.parse(10**5000)


@pytest.mark.parametrize("spelling", [True, False, None, 1.0, b"auth", ["auth"], object(), Stage.MAIL], ids=repr)
def test_level_parse_wrong_type(spelling: Any) -> None:
    """A `bool` is a `TypeError`, and so is any other type; the message says what to pass."""
    with pytest.raises(TypeError, match="as text or as a number from 1 to 3"):
        TrustLevel.parse(spelling)


_ORDER: Final = (operator.lt, operator.le, operator.gt, operator.ge)


@pytest.mark.parametrize("compare", [*_ORDER, operator.eq, operator.ne], ids=lambda o: o.__name__)
@pytest.mark.parametrize("one", TrustLevel, ids=str)
@pytest.mark.parametrize("other", TrustLevel, ids=str)
def test_level_order(compare: Callable[[Any, Any], bool], one: TrustLevel, other: TrustLevel) -> None:
    """Levels are ordered (`AUTH_ID < ENVELOPE < HEADER`)."""
    place = (AUTH_ID, ENVELOPE, HEADER).index
    assert compare(one, other) is compare(place(one), place(other))


@pytest.mark.parametrize("compare", _ORDER, ids=lambda o: o.__name__)
@pytest.mark.parametrize("other", [2, "envelope", None, 2.0, Action.ACCEPT], ids=repr)
def test_level_is_not_comparable_with_anything_else(compare: Callable[[Any, Any], bool], other: object) -> None:
    """`TrustLevel` is a plain ordered Enum, not an int."""
    with pytest.raises(TypeError):
        compare(ENVELOPE, other)
    with pytest.raises(TypeError):
        compare(other, ENVELOPE)


class _Above:
    """What says itself that it is above everything."""

    def __lt__(self, other: object) -> bool:
        return False

    __le__ = __lt__

    def __gt__(self, other: object) -> bool:
        return True

    __ge__ = __gt__


def test_level_leaves_a_foreign_comparison_to_the_other_side() -> None:
    assert [compare(HEADER, _Above()) for compare in _ORDER] == [True, True, False, False]


@pytest.mark.parametrize("level", TrustLevel, ids=str)
def test_level_equals_no_number_or_text(level: TrustLevel) -> None:
    assert not isinstance(level, int | str)
    assert level not in {level.rank, level.value, level.label}


def test_levels_sort() -> None:
    assert sorted([HEADER, AUTH_ID, ENVELOPE]) == [AUTH_ID, ENVELOPE, HEADER]
    assert max(TrustLevel) is HEADER


# Closed lists


@pytest.mark.parametrize(
    ("enum", "values"),
    [
        (Action, "accept reject defer"),
        (Stage, "mail data"),
        (ReplyStyle, "epost submission postfix"),
        (LocalPartCase, "fold exact"),
        (MultipleAuthors, "reject all_must_match"),
        (DisplayName, "ignore advise reject"),
        (SenderField, "ignore must_match"),
        (Mode, "enforce report"),
        (
            Reason,
            (
                "ok not_authenticated envelope_mismatch envelope_malformed envelope_null headers_malformed "
                "from_missing from_duplicate from_multiple from_group from_malformed from_hidden_address from_mismatch "
                "from_not_envelope sender_mismatch display_name_spoof lookup_failed"
            ),
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_closed_lists(enum: type[Enum], values: str) -> None:
    """`Reason` is this list and no other."""
    assert [member.value for member in enum] == values.split()
    assert [member.name for member in enum] == values.upper().split()


_AT_MAIL: Final = {
    Reason.OK,
    Reason.NOT_AUTHENTICATED,
    Reason.ENVELOPE_MISMATCH,
    Reason.ENVELOPE_MALFORMED,
    Reason.ENVELOPE_NULL,
    Reason.LOOKUP_FAILED,
}


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_stages_of_a_reason(reason: Reason) -> None:
    """At MAIL, DATA has not come: the verdict is about the envelope alone."""
    assert reason.stages == ((Stage.MAIL, Stage.DATA) if reason in _AT_MAIL else (Stage.DATA,))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("member", [UNSEEN, LOOKUP_FAILED, *TrustLevel, *Reason, *Action, *Stage], ids=str)
def test_members_pickle_to_themselves(member: Enum, protocol: int) -> None:
    """`UNSEEN` and the like are recognised with `is`, in every process."""
    assert pickle.loads(pickle.dumps(member, protocol)) is member  # noqa: S301 - our own bytes
    assert copy.deepcopy(member) is member
    assert copy.copy(member) is member


# Findings


def _level_of(reason: Reason) -> TrustLevel:
    if reason is Reason.NOT_AUTHENTICATED:
        return AUTH_ID
    return ENVELOPE if reason.name.startswith("ENVELOPE_") else HEADER


@pytest.mark.parametrize(
    ("reason", "rule", "level"),
    [
        *((reason, "address-too-long", _level_of(reason)) for reason in Reason if reason is not Reason.LOOKUP_FAILED),
        (Reason.LOOKUP_FAILED, "envelope-lookup", ENVELOPE),
        (Reason.LOOKUP_FAILED, "from-lookup", HEADER),
        (Reason.LOOKUP_FAILED, "sender-lookup", HEADER),
    ],
    ids=str,
)
def test_level_of_a_finding(reason: Reason, rule: str, level: TrustLevel) -> None:
    """Below the level that enforces it, a failure only grades."""
    assert Finding(reason, None, rule).level is level


def test_finding_is_a_value() -> None:
    """Every public value is immutable and may be shared by threads."""
    finding = Finding(Reason.FROM_MALFORMED, "é", "no-at-sign", 3)
    assert pickle.loads(pickle.dumps(finding)) == finding  # noqa: S301 - our own bytes
    assert len({finding, Finding(Reason.FROM_MALFORMED, "é", "no-at-sign", 3)}) == 1
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        finding.rule = "nul"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "index", "offset"),
    [
        ("abc", 0, 0),
        ("abc", 2, 2),
        ("日本@", 2, 6),
        ("\U0001f44d@", 1, 4),
        ("\udcff\udcfe@", 2, 2),
        ("é\udcff@", 2, 3),
        ("ab", 2, 2),
    ],
    ids=ascii,
)
def test_malformed_counts_octets(text: str, index: int, offset: int) -> None:
    assert Malformed.at("nul", text, index) == Malformed("nul", offset)


# Rules

_PACKAGE: Final = Path(sendertrust.__file__).parent
_OPTIONAL: Final = {"__main__", "cli", "demo", "maps", "options", "testing"}  # they have words of their own
_SLUG: Final = re.compile(r"[a-z]+(?:-[a-z0-9]+)*")
_IDENTITIES: Final = ("envelope", "from", "sender")
# Literals that look like rules and are none.
_NO_RULES: Final = {
    *(*CHARSETS, *CHARSETS.values(), "iso-2022-jp", "latin-1"),
    *(right.value for right in Right),
    *("resent-from", "resent-sender"),
}


def _literals(path: Path) -> Iterator[str]:
    """Give the string literals of a module; an f-string about an identity stands for all three."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr) and len(node.values) > 1:
            name, tail = node.values[:2]
            if isinstance(name, ast.FormattedValue) and ast.unparse(name.value) in {"identity", "field.name"}:
                assert isinstance(tail, ast.Constant)
                assert isinstance(tail.value, str)
                yield from (identity + tail.value for identity in _IDENTITIES)


def _words() -> dict[str, set[str]]:
    return {
        path.name: {literal for literal in _literals(path) if _SLUG.fullmatch(literal)}
        for path in sorted(_PACKAGE.glob("*.py"))
        if path.stem not in {"terms", *_OPTIONAL}
    }


def test_every_rule_that_is_named_exists() -> None:
    """*rule* is a key of `RULES`."""
    named = {(file, word) for file, words in _words().items() for word in words if "-" in word}
    assert {(file, word) for file, word in named if word not in RULES and word not in _NO_RULES} == set()


def test_every_rule_that_exists_is_used() -> None:
    assert set(RULES) - set().union(*_words().values()) == set()


@pytest.mark.parametrize(("rule", "text"), RULES.items(), ids=RULES)
def test_rule_texts(rule: str, text: str) -> None:
    """The texts go into SMTP replies: ASCII, no full stop, no braces."""
    assert _SLUG.fullmatch(rule)
    assert re.fullmatch(r"[ -~]+", text)
    assert not re.search(r"[{}]|\.\Z|\A | \Z", text)


def test_rules_are_read_only() -> None:
    with pytest.raises(TypeError):
        RULES["nul"] = ""  # type: ignore[index]

"""The vectors: well formed, as expected under every preset, and no rule can be switched off unnoticed."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import sendertrust
from sendertrust import EPOST, STRICT, SUBMISSION, Action, Reason, Verdict
from sendertrust.terms import RULES
from sendertrust.testing import Expected, Vector, vectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FOLDER: Final = Path(sendertrust.__file__).parent / "vectors"
SCHEMA: Final = json.loads((FOLDER / "vectors.schema.json").read_text(encoding="utf-8"))
FILES: Final = {
    path.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.json"))
    if path.name != "vectors.schema.json"
}
RAW: Final[dict[str, dict[str, Any]]] = {
    raw["id"]: raw for content in FILES.values() for raw in content.get("vectors", ())
}
VECTORS: Final = {vector.id: vector for vector in vectors()}
PRESETS: Final = (EPOST, SUBMISSION, STRICT)
PAIRS: Final = [(vector, VECTORS[vector.twin]) for vector in VECTORS.values() if vector.twin in VECTORS]

EDIT: Final = 64  # octets that one edit may take out, and as many that it may put in


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, str], Verdict]:
    """Every vector under every preset, asked once."""
    return {(id_, preset.name): vector.verdict(preset) for id_, vector in VECTORS.items() for preset in PRESETS}


def result(verdict: Verdict) -> Expected:
    return Expected(verdict.decision, verdict.reason)


every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)


# The files


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_files_are_as_the_schema_says(name: str) -> None:
    errors = Draft202012Validator(SCHEMA).iter_errors(FILES[name])
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


BAD: Final[dict[str, dict[str, Any]]] = {
    "another schema": {"schema": 2},
    "both kinds of header": {"message": ""},
    "no expectation for a preset": {"expected": {"EPOST": {"decision": "accept", "reason": "ok"}}},
    "an unknown reason": {
        "expected": {name: {"decision": "reject", "reason": "x"} for name in ("EPOST", "SUBMISSION", "STRICT")}
    },
    "an unknown member": {"headers": []},
    "octets that are none": {"envelope_from": 1},
    "a bare list of aliases": {"aliases": ["user1@test-sample.jp"]},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    content = {"schema": change.get("schema", 1), "vectors": [RAW["levels-honest"] | change]}
    if "schema" in change:
        del content["vectors"][0]["schema"]
    assert not Draft202012Validator(SCHEMA).is_valid(content)


def test_there_are_more_than_eleven_hundred() -> None:
    """docs/reference/vectors.md: 'More than eleven hundred cases'."""
    assert len(VECTORS) >= 1100


def test_ids_are_unique_and_name_their_file() -> None:
    ids = [raw["id"] for content in FILES.values() for raw in content.get("vectors", ())]
    assert [id_ for id_, times in Counter(ids).items() if times > 1] == []
    for name, content in FILES.items():
        assert all(
            raw["id"].startswith(name.removesuffix("json").replace(".", "-")) for raw in content.get("vectors", ())
        )


def test_the_iterator_gives_every_vector() -> None:
    assert list(VECTORS) == list(RAW)


def test_each_flag_is_defined_once_and_used() -> None:
    defined = [flag for content in FILES.values() for flag in content.get("flags", ())]
    assert Counter(defined) == Counter({flag for raw in RAW.values() for flag in raw["flags"]})


def test_no_two_vectors_ask_the_same() -> None:
    asked = Counter(json.dumps(inputs(raw), default=repr, sort_keys=True) for raw in RAW.values())
    assert [question for question, times in asked.items() if times > 1] == []


def test_reasons_of_the_schema_are_the_reasons() -> None:
    """Law, 3: '`Reason` is this list and no other'."""
    assert SCHEMA["$defs"]["result"]["properties"]["reason"]["enum"] == [reason.value for reason in Reason]
    assert SCHEMA["$defs"]["result"]["properties"]["decision"]["enum"] == [action.value for action in Action]


# The answers


@every_vector
def test_vectors_are_as_expected(vector: Vector, verdicts: dict[tuple[str, str], Verdict]) -> None:
    """The law as a whole: each vector names its row, section, CVE or paper in `spec`."""
    for preset in PRESETS:
        verdict = verdicts[vector.id, preset.name]
        assert result(verdict) in vector.expected[preset.name], (preset.name, str(verdict))


@every_vector
def test_flags_keep_their_word(vector: Vector) -> None:
    """docs/reference/vectors.md: 'every vector with the flag `honest` is accepted under all three'."""
    results = {result for results in vector.expected.values() for result in results}
    if "honest" in vector.flags:
        assert results == {Expected(Action.ACCEPT, Reason.OK)}
    if "spoof" in vector.flags:
        assert all(result.decision is not Action.ACCEPT for result in vector.expected["STRICT"])
    assert ("open" in vector.flags) == any(len(results) > 1 for results in vector.expected.values())
    assert ("option" in vector.flags) == bool(vector.options)


def test_every_reason_and_decision_is_expected_of_every_preset() -> None:
    for preset in PRESETS:
        seen = {result for vector in VECTORS.values() for result in vector.expected[preset.name]}
        assert {result.reason for result in seen} == set(Reason)
        assert {result.decision for result in seen} == set(Action)


# The twins


def inputs(raw: dict[str, Any]) -> dict[str, Any]:
    """Give what is asked, octets put together and defaults filled in."""
    vector = VECTORS[raw["id"]]
    return {
        "options": sorted(vector.options.items()),
        "level": raw.get("level", "header"),
        "line_ends": vector.line_ends,
        "auth_id": vector.auth_id and vector.auth_id.encode("utf-8", "surrogateescape"),
        "envelope_from": vector.envelope_from,
        "header_from": vector.header_from,
        "message": vector.message,
        "aliases": raw.get("aliases", []),
    }


def differing(one: Sequence[Any], other: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    """Take off what two sequences have in common at their start and at their end."""
    start, shorter = 0, min(len(one), len(other))
    while start < shorter and one[start] == other[start]:
        start += 1
    end = 0
    while end < shorter - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return one[start : len(one) - end], other[start : len(other) - end]


def is_one_edit(one: Any, other: Any) -> bool:
    """Say whether one contiguous piece of two values differs: a few octets, or one item of a list."""
    if isinstance(one, bytes) and isinstance(other, bytes):
        return max(map(len, differing(one, other))) <= EDIT
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        items, other_items = differing(one, other)
        if len(items) == len(other_items) == 1:
            return is_one_edit(items[0], other_items[0])
        return len(items) + len(other_items) == 1
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one.items() ^ other.items()) == 2  # one member, before and after
    return one is None or other is None or isinstance(one, str | bool | int)


EDITS: Final[list[tuple[Any, Any, bool]]] = [
    (b"abc", b"abxc", True),
    (b"abc", b"ac", True),
    (b"abc", b"axc", True),
    (b"aaaa", b"aa", True),
    (b"", b"x" * EDIT, True),
    (b"", b"x" * (EDIT + 1), False),
    (b"ab" + b"-" * EDIT + b"cd", b"xb" + b"-" * EDIT + b"cx", False),
    ((b"a",), (b"a", b"b"), True),
    ((b"a",), (b"a", b"b", b"c"), False),
    ((b"a", b"b"), (b"a", b"x"), True),
    ((b"a", b"b"), (b"x", b"y"), False),
    ((b"a",), None, True),
    ([("level", "auth")], [], True),
    ([("level", "auth")], [("level", "header")], True),
    ("auth", "header", True),
    ([{"a": "1", "b": "2"}], [{"a": "1", "b": "3"}], True),
    ([{"a": "1", "b": "2"}], [{"a": "2", "b": "3"}], False),
]


@pytest.mark.parametrize(("one", "other", "expected"), EDITS)
def test_what_one_edit_is(one: Any, other: Any, *, expected: bool) -> None:
    assert is_one_edit(one, other) is is_one_edit(other, one) is expected


def test_twins_exist() -> None:
    assert {vector.twin for vector in VECTORS.values()} - {None} <= set(VECTORS)


def is_one_edit_away(vector: Vector, twin: Vector) -> bool:
    one, other = inputs(RAW[vector.id]), inputs(RAW[twin.id])
    changed = [name for name in one if one[name] != other[name]]
    return len(changed) == 1 and is_one_edit(one[changed[0]], other[changed[0]])


def test_twins_differ_by_one_edit() -> None:
    assert [vector.id for vector, twin in PAIRS if not is_one_edit_away(vector, twin)] == []


def test_twins_disagree() -> None:
    agreeing = [
        vector.id
        for vector, twin in PAIRS
        if all(set(vector.expected[preset.name]) & set(twin.expected[preset.name]) for preset in PRESETS)
    ]
    assert agreeing == []


def is_accepted(vector: Vector) -> bool:
    return all(result.decision is Action.ACCEPT for results in vector.expected.values() for result in results)


def test_an_accepted_vector_is_the_twin_of_its_twin() -> None:
    """A refused one need not be: many of them may be one edit away from the same accepted one."""
    assert [vector.id for vector, twin in PAIRS if is_accepted(vector) and twin.twin != vector.id] == []


@every_preset
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_twins(rule: str, preset: sendertrust.Policy, verdicts: dict[tuple[str, str], Verdict]) -> None:
    """A refusal for this rule alone, and an acceptance that differs by one edit."""
    assert any(
        rules_of(verdicts[vector.id, preset.name]) == {rule}
        and verdicts[vector.id, preset.name].decision is not Action.ACCEPT
        and verdicts[twin.id, preset.name].decision is Action.ACCEPT
        for vector, twin in PAIRS
    )


def rules_of(verdict: Verdict) -> set[str]:
    """Give the rules that made the decision; of a submission without a login, the one that says so."""
    return {finding.rule for finding in verdict.decisive or verdict.findings}


# The rules, switched off one by one


def without(verdict: Verdict, rule: str) -> Verdict:
    """Give the verdict of a library that does not know a rule."""
    findings = tuple(finding for finding in verdict.findings if finding.rule != rule)
    # Without a login the policy decides, whatever was found: not to know that rule is to see a login.
    auth_id = "anybody" if rule == "login-required" and verdict.auth_id is None else verdict.auth_id
    return attrs.evolve(verdict, findings=findings, auth_id=auth_id)


def failing(rule: str | None, preset: sendertrust.Policy, verdicts: dict[tuple[str, str], Verdict]) -> Iterable[str]:
    for vector in VECTORS.values():
        verdict = verdicts[vector.id, preset.name]
        if result(verdict if rule is None else without(verdict, rule)) not in vector.expected[preset.name]:
            yield vector.id


@every_preset
@pytest.mark.parametrize("rule", RULES)
def test_no_rule_can_be_switched_off(
    rule: str, preset: sendertrust.Policy, verdicts: dict[tuple[str, str], Verdict]
) -> None:
    """Every rule can matter under every preset, by an option at least; and the vectors notice."""
    assert list(failing(rule, preset, verdicts))


@every_preset
def test_with_every_rule_on_none_fails(preset: sendertrust.Policy, verdicts: dict[tuple[str, str], Verdict]) -> None:
    assert list(failing(None, preset, verdicts)) == []


def test_every_rule_that_is_found_is_known(verdicts: dict[tuple[str, str], Verdict]) -> None:
    assert {finding.rule for verdict in verdicts.values() for finding in verdict.findings} == set(RULES)


# What they cite


CITATION: Final = re.compile(
    r"RFC \d+( (\d+(\.\d+)*|Appendix [A-Z]|[A-Z](\.\d+)+))?|Law \d, .+|CVE-\d{4}-\d+|VU#\d+"
    r"|E-Post 送信者の信頼度|Composition Kills, 2020|Weak Links, 2021|mailsploit, 2017"
    r"|Splitting the Email Atom, 2024|WHATWG Encoding \d+(\.\d+)*"
)


def test_citations_are_of_one_form() -> None:
    assert {
        citation for vector in VECTORS.values() for citation in vector.spec if not CITATION.fullmatch(citation)
    } == set()


def test_comments_are_sentences() -> None:
    assert [v.comment for v in VECTORS.values() if not re.fullmatch(r"[A-Za-z0-9].*[.?]", v.comment)] == []


def test_every_file_is_described() -> None:
    """README says what each file is about."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if f"`{name}`" not in readme] == []

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
PAGE: Final = (Path(__file__).parents[1] / "docs/reference/vectors.md").read_text(encoding="utf-8")
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


def test_the_schema_refuses_a_flag_without_a_link() -> None:
    """docs/reference/vectors.md: 'flag to `description` and `links`'."""
    content = {"schema": 1, "flags": {"honest": {"description": "x", "links": ["https://example.com/"]}}}
    assert Draft202012Validator(SCHEMA).is_valid(content)
    content = {"schema": 1, "flags": {"honest": {"description": "x", "links": []}}}
    assert not Draft202012Validator(SCHEMA).is_valid(content)


def given_twice(text: str) -> list[str]:
    """List the members that an object of a JSON text has more than once; `json.loads` keeps the last in silence."""
    twice: list[str] = []

    def count(pairs: list[tuple[str, Any]]) -> None:
        twice.extend(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)

    json.loads(text, object_pairs_hook=count)
    return twice


@pytest.mark.parametrize("name", [*FILES, "vectors.schema.json"])
def test_no_member_is_given_twice(name: str) -> None:
    """RFC 8259 4: 'The names within an object SHOULD be unique.'"""
    assert given_twice((FOLDER / name).read_text(encoding="utf-8")) == []


def test_a_member_that_is_given_twice_is_seen() -> None:
    assert given_twice('{"flags": {"honest": {}, "spoof": {}, "honest": {"links": []}}}') == ["honest"]


def test_there_are_more_than_fifteen_hundred() -> None:
    """docs/reference/vectors.md: 'More than fifteen hundred cases'."""
    assert len(VECTORS) > 1500


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


def test_what_is_left_open_is_listed() -> None:
    """docs/reference/vectors.md: '`expected` lists every result that can be defended, the same under each preset'."""
    rows = []
    for vector in (vector for vector in VECTORS.values() if "open" in vector.flags):
        expected, *others = vector.expected.values()
        assert all(other == expected for other in others), vector.id
        results = " or ".join(f"{result.decision.value} (`{result.reason.value}`)" for result in expected)
        rows.append(f"| `{vector.id}` | {results} | {vector.comment} |")
    section = PAGE.partition("\n## Left open\n")[2].partition("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == rows


def test_what_is_left_open_is_answered_as_the_first(verdicts: dict[tuple[str, str], Verdict]) -> None:
    """docs/reference/vectors.md: 'this library gives the first'."""
    for vector in (vector for vector in VECTORS.values() if "open" in vector.flags):
        for preset in PRESETS:
            assert result(verdicts[vector.id, preset.name]) == vector.expected[preset.name][0], vector.id


# The limits answer these at once, whatever reads behind them: here the same input with the limits out of the way.
UNLIMITED: Final = attrs.evolve(SUBMISSION, max_field_octets=1 << 22, max_line_octets=1 << 22, max_comment_depth=10_000)


@pytest.mark.parametrize(
    ("id_", "rules"),
    [
        ("sizes-comments-nested", set()),
        ("sizes-commas", {"field-too-long"}),
        ("sizes-quotes-megabyte", {"address-too-long"}),
    ],
)
def test_shapes_that_exhaust_a_parser_are_read_without_limits(id_: str, rules: set[str]) -> None:
    """Law 4, size: 'Parsing is iterative'; 6.8: 'No input makes `check`, `check_message` or `reply_for` raise'."""
    assert rules_of(VECTORS[id_].verdict(UNLIMITED)) == rules


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


# A citation, and the flag that every vector with it has, and no other vector.
FLAG_OF: Final = {
    **{flag.upper(): flag for flag in FILES["flags.json"]["flags"] if flag.startswith("cve-")},
    **{"VU#" + flag.removeprefix("vu-"): flag for flag in FILES["flags.json"]["flags"] if flag.startswith("vu-")},
    "CVE-2023-51764": "smtp-smuggling",
    "CVE-2023-51765": "smtp-smuggling",
    "CVE-2024-7208": "vu-244112",
    "Composition Kills, 2020": "composition-kills",
    "Splitting the Email Atom, 2024": "email-atom",
    "VU#302671": "smtp-smuggling",
    "Weak Links, 2021": "weak-links",
    "mailsploit, 2017": "mailsploit",
}


def test_flags_go_with_citations() -> None:
    """docs/reference/vectors.md: 'A flag that is named after a paper or a CVE is there exactly if `spec` cites it'."""
    for vector in VECTORS.values():
        flags = {FLAG_OF[citation] for citation in vector.spec if citation in FLAG_OF}
        assert flags == set(vector.flags) & set(FLAG_OF.values()), vector.id
        assert ("rfc-example" in vector.flags) == any(spec.startswith("RFC 5322 A.") for spec in vector.spec), vector.id
        assert "source-session" not in vector.flags or "E-Post 送信者の信頼度" in vector.spec, vector.id


def test_every_advisory_has_a_flag() -> None:
    cited = {spec for vector in VECTORS.values() for spec in vector.spec if spec.startswith(("CVE-", "VU#"))}
    assert cited - set(FLAG_OF) == set()


# How a comment begins or ends that says nothing to who has not read the one before it.
LEANS: Final = re.compile(
    r"(The same|Another|Nor|It|So|And|Neither|None|Likewise|Both)\b.*"
    r"|.*\b(as above|likewise)\."
    r"|([\w-]+ ){0,4}there\."
    r"|(\S+ ?){1,2}"
)


@pytest.mark.parametrize(
    ("comment", "leans"),
    [
        ("The same in brackets.", True),
        ("So is a joiner.", True),
        ("A route over two hosts: as above.", True),
        ("The own address there.", True),
        ("One more.", True),
        ("Some readers end the comment at its first parenthesis, and begin a word there.", False),
        ("A comment before the at sign.", False),
    ],
)
def test_what_leans_on_another_comment(comment: str, *, leans: bool) -> None:
    assert bool(LEANS.fullmatch(comment)) is leans


def test_comments_stand_alone() -> None:
    """docs/reference/vectors.md: 'what is special here, so that it can be read without any other vector'."""
    assert {v.id: v.comment for v in VECTORS.values() if LEANS.fullmatch(v.comment)} == {}


def test_comments_are_sentences() -> None:
    assert [v.comment for v in VECTORS.values() if not re.fullmatch(r"[A-Za-z0-9].*[.?]", v.comment)] == []


def test_every_file_is_described() -> None:
    """README says what each file is about."""
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if f"`{name}`" not in readme] == []

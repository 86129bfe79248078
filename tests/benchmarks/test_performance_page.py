"""The page and its pictures show what the results say, and the results are those of the benchmarks."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, Final

import pytest

HERE: Final = Path(__file__).parent
PLOTS: Final[dict[str, Any]] = runpy.run_path(str(HERE / "plots.py"))
BENCHMARKS: Final[dict[str, Any]] = runpy.run_path(str(HERE / "bench_compare.py"))

every_suite = pytest.mark.parametrize("suite", BENCHMARKS["SUITES"])


def test_the_numbers_of_the_page_are_those_of_the_results() -> None:
    """CONTRIBUTING: "A claim in the documentation is an example that is run, or a table that is compared"."""
    page = PLOTS["PAGE"].read_text(encoding="utf-8")
    is_current = PLOTS["with_texts"](page) == page
    assert is_current, "run python tests/benchmarks/plots.py"


@every_suite
def test_a_picture_shows_the_results(suite: str) -> None:
    picture = (PLOTS["PICTURES"] / f"performance-{suite}.svg").read_text(encoding="utf-8")
    assert PLOTS["digest"](suite) in picture, "run python tests/benchmarks/plots.py"


@every_suite
@pytest.mark.parametrize("folder", ["RESULTS", "REPEATED"])
def test_the_results_are_those_of_the_benchmarks(suite: str, folder: str) -> None:
    result = PLOTS["load"](suite, PLOTS[folder])
    names = [": ".join(name) for name in BENCHMARKS["SUITES"][suite][1]]
    assert sorted([*result["benchmarks"], *result["left out"]]) == sorted(names), "run bench_compare.py and plots.py"
    assert not [name for name in result["left out"] if name.endswith(": sendertrust")]


@pytest.mark.parametrize("kind", BENCHMARKS["HEADERS"])
def test_what_is_measured_is_answered_rightly(kind: str) -> None:
    for reader in ("sendertrust", "parseaddr", "getaddresses"):
        assert BENCHMARKS["compare"](kind, reader).wrong() == ""
    assert len({row[-1] for row in BENCHMARKS["submissions"](kind)}) == BENCHMARKS["SUBMISSIONS"]


@pytest.mark.parametrize("shape", BENCHMARKS["SHAPES"])
def test_fields_are_as_long_as_they_should_be(shape: str) -> None:
    for octets in filter(lambda octets: BENCHMARKS["has_length"](shape, octets), BENCHMARKS["LENGTHS"]):
        texts = [BENCHMARKS["field"](shape, octets, number) for number in range(20)]
        assert all(octets * 3 // 4 < len(text.encode()) <= octets for text in texts)
        assert len(set(texts)) == len(texts)


def medians(suite: str) -> dict[str, dict[str, float]]:
    cells = PLOTS["grid"](PLOTS["load"](suite))
    return {one: {other: median for other, (median, _) in row.items()} for one, row in cells.items()}


STANDARD: Final = ["parseaddr", "getaddresses"]
OTHERS: Final = ["policy.default", "email-validator", "flanker"]


@pytest.mark.parametrize(
    ("kind", "faster", "slower"),
    [
        ("alias, quoted name", STANDARD, OTHERS),
        ("somebody else", STANDARD, OTHERS),
        ("encoded-word", STANDARD + OTHERS, []),
        ("Japanese domain", STANDARD, []),
        ("message header", [], ["getaddresses", "policy.default", "mail-parser"]),
    ],
)
def test_the_page_says_who_is_faster(kind: str, faster: list[str], slower: list[str]) -> None:
    """performance.md, under the first table: "What this means for sendertrust"."""
    row = medians("compare")[kind]
    assert [reader for reader in faster if row[reader] > row["sendertrust"]] == []
    assert [reader for reader in slower if row[reader] < row["sendertrust"]] == []


@pytest.mark.parametrize("kind", ["address alone", "name"])
def test_the_page_says_where_it_is_as_fast_as_the_fastest(kind: str) -> None:
    row = medians("compare")[kind]
    assert row["sendertrust"] < 1.5 * min(row.values())


def test_the_page_says_how_time_grows() -> None:
    """performance.md: "Then the time grows with the length and not faster", "the same time however many it has"."""
    lengths, counts = medians("length"), medians("aliases")
    assert all(row["8192"] < 4 * 1.5 * row["2048"] for row in lengths.values())
    assert all(max(counts[kind].values()) < 2 * min(counts[kind].values()) for kind in ("granted", "not granted"))
    plain, by_default = lengths["plain name"]["8192"], lengths["plain name, policy.default"]["8192"]
    assert lengths["plain name, getaddresses"]["8192"] < plain < by_default
    assert lengths["encoded-words"]["8192"] > lengths["encoded-words, policy.default"]["8192"]

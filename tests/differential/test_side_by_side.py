"""The table of docs/explanation/side-by-side.md is what its script prints."""

from __future__ import annotations

import platform
from typing import Final

import pytest
from side_by_side import PAGE, WAYS, Submission, accepts, label, named, submissions, table

SHOWN: Final = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]


@pytest.fixture(scope="module")
def printed() -> list[str]:
    return table()


@pytest.mark.parametrize("name", WAYS)
def test_the_page_shows_what_the_script_prints(name: str, printed: list[str]) -> None:
    if WAYS[name].of_python and f"| Python {platform.python_version()} |" not in SHOWN[0]:
        pytest.skip("the row is about the parser of another Python")
    (row,) = [line for line in printed if line.startswith(f"| {label(name)} |")]
    assert row in SHOWN


def test_the_page_counts_as_the_script_does(printed: list[str]) -> None:
    assert SHOWN[0].split("|")[2:] == printed[0].split("|")[2:]


def test_every_way_accepts_and_refuses() -> None:
    """A way that always says the same would be no comparison."""
    asked = submissions()
    for way in WAYS.values():
        assert {accepts(way, submission) for submission in asked} == {True, False}


def asked_of(vector_id: str) -> Submission:
    (submission,) = [one for one in submissions() if one.vector.id == vector_id]
    return submission


def test_what_the_logic_of_others_is_known_for() -> None:
    """Each tool's own hole, as its documentation has it."""
    null = asked_of("envelope-null-foreign-from")
    assert accepts(WAYS["milterfrom's logic"], null)
    assert not accepts(WAYS["maddy's logic"], null)
    assert not accepts(WAYS["Apache James' logic"], asked_of("from-lists-two-mailboxes"))


def test_what_is_restated_links_to_its_documentation() -> None:
    assert all(label(name).startswith(f"[{name}](https://") for name in WAYS if name.endswith("logic"))


def test_rows_are_named_by_their_first_words() -> None:
    assert named("maddy") == ["maddy's logic"]
    assert named("parseaddr") == ["`parseaddr`"]
    assert named("sendertrust, S") == ["sendertrust, SUBMISSION", "sendertrust, STRICT"]


@pytest.mark.parametrize("words", ["x", "MADDY", "--help"])
def test_an_unknown_row_is_an_error_that_lists_them(words: str) -> None:
    with pytest.raises(SystemExit, match=rf"no row begins with '{words}': .*sendertrust, EPOST; .*maddy's logic"):
        named(words)

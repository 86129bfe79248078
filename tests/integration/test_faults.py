"""The page of faults by itself: no cell is missing; and comparisons that can fail."""

from __future__ import annotations

import pytest
from faults import CLIENTS, COLUMNS, FAULTS, NO_MEANING, check_crowd, check_fault, crowd, read_page, recipient_of

GOOD = {number: "MAIL 550 5.7.1 no" if number % 2 else "DATA 250 Ok" for number in range(CLIENTS)}
STORED = [recipient_of(number) for number in range(0, CLIENTS, 2)]


def test_the_page_has_a_cell_for_each_fault_and_server() -> None:
    page = read_page()
    assert page.keys() == FAULTS.keys()
    for fault, row in page.items():
        assert row.keys() == COLUMNS.keys()
        for server, text in row.items():
            if (fault, server) in NO_MEANING:
                assert text == NO_MEANING[fault, server]
            else:
                assert text
                assert not text.startswith("–")


def test_a_cell_that_is_not_what_was_seen_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENDERTRUST_WRITE_PAGES", raising=False)
    text = read_page()["map-gone"]["exim"]
    outcome, _, mended_by = text.partition("; then ")
    assert outcome == "accepted"
    check_fault("exim", "map-gone", ["DATA 250 Ok"], mended_by)
    for seen, by in ((["MAIL 451 4.3.0 x"], mended_by), (["DATA 250 Ok"], "a miracle"), ([], mended_by)):
        with pytest.raises(AssertionError):
            check_fault("exim", "map-gone", seen, by)


def test_a_crowd_is_told_one_by_one() -> None:
    def submit(number: int) -> str:
        if number == 7:
            raise ConnectionResetError
        return str(number)

    told = crowd(submit)
    assert told == {number: "CLOSED" if number == 7 else str(number) for number in range(CLIENTS)}


def test_a_client_that_is_not_answered_is_no_connection_that_was_closed() -> None:
    def submit(number: int) -> str:
        raise TimeoutError(number)

    with pytest.raises(TimeoutError):
        crowd(submit)


@pytest.mark.parametrize(
    ("told", "stored", "disturbed", "replies_lost", "good"),
    [
        ({}, STORED, False, False, True),
        ({0: "MAIL 451 4.3.0 x", 1: "CLOSED"}, STORED[1:], True, False, True),
        ({0: "CLOSED"}, STORED, True, True, True),
        ({0: "MAIL 451 4.3.0 x"}, STORED[1:], False, False, False),  # deferred, and nothing was broken
        ({}, STORED[1:], True, True, False),  # lost
        ({0: "CLOSED"}, STORED, True, False, False),  # stored, and not said
        ({}, [*STORED, recipient_of(1)], True, True, False),  # a foreign one was stored
        ({}, [*STORED, recipient_of(0)], True, True, False),  # twice
        ({1: "DATA 250 Ok"}, [*STORED, recipient_of(1)], True, True, False),  # a foreign one was accepted
        ({0: "MAIL 550 5.7.1 no"}, STORED[1:], True, False, False),  # the own address was refused
    ],
)
def test_a_crowd_is_judged(
    told: dict[int, str],
    stored: list[str],
    disturbed: bool,  # noqa: FBT001 - a column
    replies_lost: bool,  # noqa: FBT001 - likewise
    good: bool,  # noqa: FBT001 - likewise
) -> None:
    def judge() -> None:
        check_crowd(GOOD | told, stored, disturbed=disturbed, replies_lost=replies_lost)

    if good:
        judge()
    else:
        with pytest.raises(AssertionError):
            judge()

"""Grants: an address and a right, as a directory may hold them."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from sendertrust import EPOST, Aliases, Grant, Right
from sendertrust.rights import useless

ADDRESSED = [right for right in Right if right is not Right.NULL_SENDER]


@pytest.mark.parametrize("right", Right, ids=lambda right: right.value)
def test_a_right_is_its_value(right: Right) -> None:
    address = "<>" if right is Right.NULL_SENDER else "boss@a.example"
    assert Grant(address, right.value) == Grant(address, right)
    assert Grant(address, right).right is right


def test_to_send_as_is_what_a_grant_gives() -> None:
    assert Grant("sales@a.example").right is Right.SEND_AS
    assert Aliases([Grant("sales@a.example")]) == Aliases(["sales@a.example"])


@pytest.mark.parametrize("right", ["", "send as", "SEND_AS", None, 1, []], ids=repr)
def test_an_unknown_right_names_those_that_are(right: Any) -> None:
    """An administrator's mistake is an error that says what to change."""
    with pytest.raises(
        ValueError, match=r"write one of send-as, on-behalf-of, envelope-only, header-only, null-sender$"
    ):
        Grant("boss@a.example", right)


@pytest.mark.parametrize("right", ADDRESSED, ids=lambda right: right.value)
def test_only_null_sender_is_for_the_null_path(right: Right) -> None:
    with pytest.raises(ValueError, match=rf"go together, not {right.value} and '<>'$"):
        Grant("<>", right)


@pytest.mark.parametrize("address", ["", "a@b.example", "*", "<> "])
def test_null_sender_is_for_nothing_else(address: str) -> None:
    with pytest.raises(ValueError, match=r"go together, not null-sender and "):
        Grant(address, Right.NULL_SENDER)


@pytest.mark.parametrize("address", [b"a@b.example", None, 1, Grant("a@b.example")], ids=repr)
def test_an_address_is_text(address: Any) -> None:
    with pytest.raises(TypeError, match="address"):
        Grant(address)


@pytest.mark.parametrize("address", ["", "a b", "*@d", "\ud800"], ids=ascii)
def test_what_cannot_be_read_is_reported_where_it_is_used(address: str) -> None:
    """A malformed entry never matches and is reported."""
    assert len(useless(Aliases([Grant(address, Right.ENVELOPE_ONLY)]), EPOST)) == 1


def test_text() -> None:
    assert str(Grant("boss@a.example")) == "boss@a.example"
    assert str(Grant("@a.example", Right.ENVELOPE_ONLY)) == "envelope-only @a.example"
    assert str(Grant("<>", Right.NULL_SENDER)) == "null-sender <>"


def test_a_value() -> None:
    """Every public value is immutable and may be shared by threads."""
    grant = Grant("boss@a.example", Right.ON_BEHALF_OF)
    assert {grant, Grant("boss@a.example", "on-behalf-of")} == {grant}
    assert pickle.loads(pickle.dumps(grant)) == grant  # noqa: S301 - our own bytes
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        grant.address = "*"  # type: ignore[misc]  # that is the point

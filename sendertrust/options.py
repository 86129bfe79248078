"""The policy that a command line names: that of ``sendertrust``, and those of the integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from sendertrust import EPOST, STRICT, SUBMISSION

if TYPE_CHECKING:
    import argparse

    from sendertrust import Policy

__all__ = ["POLICIES", "add_default_domain", "add_subaddress", "policy_of"]

#: The presets, by the names that ``--policy`` takes in either case.
POLICIES: Final = {policy.name: policy for policy in (EPOST, SUBMISSION, STRICT)}


def add_default_domain(parser: argparse.ArgumentParser) -> None:
    """Take ``--default-domain``."""
    parser.add_argument("--default-domain", metavar="D", help="the domain of a login or an alias that has none")


def add_subaddress(parser: argparse.ArgumentParser) -> None:
    """Take ``--subaddress``."""
    parser.add_argument("--subaddress", metavar="C", default="", help="what begins a subaddress, such as +")


def policy_of(options: argparse.Namespace) -> Policy:
    """Make the policy that the options name; raise `ValueError` that says what is wrong with them."""
    preset = POLICIES.get(options.policy.upper())
    if preset is None:
        msg = f"unknown policy {options.policy!r}: write one of {', '.join(POLICIES)}"
        raise ValueError(msg)
    return attrs.evolve(preset, default_domain=options.default_domain, subaddress=options.subaddress)

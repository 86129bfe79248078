"""The command line that the integrations share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import attrs

from sendertrust import TrustLevel
from sendertrust.integrations.map_files import MapFiles
from sendertrust.integrations.service import Service, log_to_stderr
from sendertrust.options import add_default_domain, add_subaddress, policy_of

if TYPE_CHECKING:
    from sendertrust.integrations.service import Log

__all__ = ["arguments", "service"]


def arguments(name: str, description: str, *, socket: bool = True) -> argparse.ArgumentParser:
    """Give the command line that all have; *socket* says whether there is one to listen on."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description, allow_abbrev=False)
    if socket:
        parser.add_argument("--socket", metavar="PATH", required=True, help="the Unix socket to listen on")
        parser.add_argument("--socket-mode", metavar="OCTAL", type=_mode, default=0o660, help="(default: 660)")
    parser.add_argument("--policy", metavar="NAME", default="SUBMISSION", help="EPOST, SUBMISSION or STRICT")
    parser.add_argument("--level", metavar="L", help="auth, envelope or header (default: the policy's)")
    parser.add_argument("--map", metavar="[FORMAT:]FILE", action="append", default=[], help="who may send as what")
    add_default_domain(parser)
    add_subaddress(parser)
    parser.add_argument("--report-only", action="store_true", help="refuse nothing, log what would be refused")
    return parser


def service(
    name: str, parser: argparse.ArgumentParser, options: argparse.Namespace, log: Log = log_to_stderr
) -> Service:
    """Make a service of what the command line says, or leave with status 2 and what is wrong."""
    try:
        policy = attrs.evolve(policy_of(options), mode="report" if options.report_only else "enforce")
        local_domains = () if policy.default_domain is None else (policy.default_domain,)
        return Service(
            name=name,
            policy=policy,
            level=None if options.level is None else TrustLevel.parse(options.level),
            aliases_of=MapFiles(options.map, local_domains, log),
            log=log,
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _mode(text: str) -> int:
    if text and set(text) <= set("01234567") and int(text, 8) <= 0o777:
        return int(text, 8)
    msg = f"write an octal number from 0 to 777, not {text!r}"
    raise argparse.ArgumentTypeError(msg)

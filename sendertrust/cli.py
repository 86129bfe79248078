"""The command line: ``sendertrust check``, ``who``, ``may`` and ``demo``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)
from sendertrust.maps import FORMATS, MapError, SenderMap, read
from sendertrust.options import POLICIES, add_default_domain, add_subaddress, policy_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction  # argparse has no public name for what takes the commands
    from collections.abc import Sequence
    from typing import TypeAlias

    from sendertrust import Policy
    from sendertrust.maps import Entry, MapProblem

    Commands: TypeAlias = _SubParsersAction[argparse.ArgumentParser]

__all__ = ["main"]

_EXIT: Final = {Action.ACCEPT: 0, Action.REJECT: 1, Action.DEFER: 75}  # EX_TEMPFAIL of sysexits.h
_EXIT_USAGE: Final = 2
_MAX_PORT: Final = 65535

_MAP_EPILOG: Final = f"""\
exit status:
  0 a map grants it, 1 none does, 2 usage or a bad line in a map

FORMAT is one of {", ".join(FORMATS)}.
Without it, a FILE that ends in .csv or .json is that, and any other postfix.
"""

_CHECK_EPILOG: Final = """\
exit status:
  0 accept, 1 reject, 75 defer (EX_TEMPFAIL), 2 usage

Without --header-from and --message the question is asked as at MAIL FROM, before the header has come.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; give its exit status. *arguments* are those of the process if None."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:  # pragma: no cover - test_cli shows it in a process of its own
        # Whoever read the output has seen enough; the interpreter would complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, TypeError, ValueError) as error:
        parser.exit(_EXIT_USAGE, f"{parser.prog}: {error}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sendertrust",
        allow_abbrev=False,
        description="May the account that logged in write under this envelope sender and this From: header?",
    )
    parser.add_argument("--version", action="version", version=f"sendertrust {metadata.version('sendertrust')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_check(commands)
    _add_who(commands)
    _add_may(commands)
    _add_demo(commands)
    return parser


def _add_check(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "check",
        "judge one submission",
        "Judge one submission: print the verdict, what each level would say, and the SMTP reply.",
        _CHECK_EPILOG,
    )
    parser.set_defaults(run=_check)
    parser.add_argument("--auth-id", required=True, metavar="A", help="the login; '' if nobody logged in")
    parser.add_argument("--mail-from", required=True, metavar="M", help="the envelope sender; '' is the null path")
    header = parser.add_mutually_exclusive_group()
    header.add_argument(
        "--header-from", action="extend", nargs="+", metavar="H", help="the body of every From field, one argument each"
    )
    header.add_argument("--message", metavar="FILE", help="the message, or its header block; - is standard input")
    parser.add_argument(
        "--line-ends", choices=("crlf", "lf"), default="crlf", help="how the lines of the message end (default: crlf)"
    )
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="X",
        help="what else the account owns: user@domain, @domain, *",
    )
    _add_map_option(parser)
    parser.add_argument("--lookup-failed", action="store_true", help="as if the alias directory had not answered")
    parser.add_argument("--level", metavar="L", help="auth, envelope or header (default: the policy's)")
    _add_policy_options(parser, EPOST)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _add_who(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "who",
        "say who may send as an address",
        "Print whom a map lets send as ADDRESS ('' is the null path), and where it says so.",
        _MAP_EPILOG,
    )
    parser.set_defaults(run=_who)
    parser.add_argument("address", metavar="ADDRESS")
    _add_map_option(parser, required=True)
    _add_policy_options(parser, SUBMISSION)


def _add_may(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "may",
        "say what an account may send as",
        "Print what a map lets LOGIN send as beside its own address, and where it says so.",
        _MAP_EPILOG,
    )
    parser.set_defaults(run=_may)
    parser.add_argument("login", metavar="LOGIN")
    _add_map_option(parser, required=True)
    add_default_domain(parser)


def _add_demo(commands: Commands) -> None:
    parser = _add_command(
        commands,
        "demo",
        "play the E-Post document's SMTP session over a real socket",
        "Start a submission server on loopback, play the E-Post document's SMTP session and one honest message\n"
        "against it, and print both sides. Exit status 0 if every reply was as expected, else 1.",
    )
    parser.set_defaults(run=_demo)
    parser.add_argument("--serve", action="store_true", help="stay up instead, so that you can use telnet")
    parser.add_argument("--port", type=_port_number, metavar="N", help="with --serve: the port (default: a free one)")


def _add_command(commands: Commands, name: str, summary: str, text: str, epilog: str = "") -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=text,
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_map_option(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        required=required,
        metavar="[FORMAT:]FILE",
        help="who may send as what; any of several maps may grant",
    )


def _add_policy_options(parser: argparse.ArgumentParser, default: Policy) -> None:
    names = f"{', '.join(POLICIES)} (default: {default.name})"
    parser.add_argument("--policy", metavar="NAME", default=default.name, help=names)
    add_default_domain(parser)
    add_subaddress(parser)


def _port_number(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _MAX_PORT:
        return int(text)
    msg = f"{text!r} is no port: write a number from 0 to {_MAX_PORT}"
    raise argparse.ArgumentTypeError(msg)


def _maps(options: argparse.Namespace) -> list[SenderMap]:
    """Read all maps; what is wrong in any of them is told at once."""
    local_domains = [] if options.default_domain is None else [options.default_domain]
    maps: list[SenderMap] = []
    problems: list[MapProblem] = []
    for name in options.map:
        try:
            maps.append(read(name, local_domains=local_domains))
        except MapError as error:
            problems += error.problems
    if problems:
        msg = f"bad lines in a map:\n{MapError(problems)}"
        raise ValueError(msg)
    return maps


def _who(options: argparse.Namespace) -> int:
    policy = policy_of(options)
    found = [(site, entry) for site in _maps(options) for entry in site.who(options.address, policy)]
    rows = [(entry.login, str(entry.grant), _place(site, entry)) for site, entry in found]
    if own := check(None, options.address, UNSEEN, policy=policy).envelope_from:
        rows.append((own, "own address", "if there is such an account"))
    _print_columns(rows)
    return 0 if found else 1


def _may(options: argparse.Namespace) -> int:
    found = [(site, entry) for site in _maps(options) for entry in site.grants(options.login)]
    _print_columns([(str(entry.grant), _place(site, entry), _limit(site, entry)) for site, entry in found])
    return 0 if found else 1


def _place(site: SenderMap, entry: Entry) -> str:
    return f"{site.source}:{entry.line}"


def _limit(site: SenderMap, entry: Entry) -> str:
    return "where the map has no narrower key" if site.narrowest and entry.key.startswith("@") else ""


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in columns, and only printable ASCII."""
    cells = [[cell if cell.isascii() and cell.isprintable() else json.dumps(cell)[1:-1] for cell in r] for r in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _check(options: argparse.Namespace) -> int:
    policy = policy_of(options)
    level = None if options.level is None else TrustLevel.parse(options.level)
    granted = [site.may(options.auth_id) for site in _maps(options)]
    aliases = Aliases.union(options.alias, *granted, *([LOOKUP_FAILED] if options.lookup_failed else []))
    claims = (options.auth_id, options.mail_from)
    common: dict[str, Any] = {"level": level, "policy": policy, "line_ends": options.line_ends}
    if options.message is not None:
        message = sys.stdin.buffer.read() if options.message == "-" else Path(options.message).read_bytes()
        verdict = check_message(*claims, message, aliases, **common)
    elif options.header_from is None:
        verdict = check(*claims, UNSEEN, aliases, **common)
    elif policy.name == STRICT.name:
        msg = "STRICT reads Sender and Resent fields too: pass the header block with --message"
        raise ValueError(msg)
    else:
        verdict = check(*claims, options.header_from, aliases, **common)
    _print_json(verdict) if options.json else _print_text(verdict)
    return _EXIT[verdict.action]


def _levels(verdict: Verdict) -> dict[TrustLevel, Verdict]:
    """Give what each level would have said: the facts are the same, only what is required differs."""
    return {level: attrs.evolve(verdict, required=level) for level in TrustLevel}


def _print_json(verdict: Verdict) -> None:
    levels = {
        level.value: {"decision": of_level.decision.value, "reason": of_level.reason.value, "pending": of_level.pending}
        for level, of_level in _levels(verdict).items()
    }
    print(json.dumps({"verdict": verdict.to_dict(), "levels": levels, "reply": str(reply_for(verdict))}))


def _print_text(verdict: Verdict) -> None:
    facts = verdict.to_dict()
    lines = [f"verdict     {facts['decision']} ({facts['reason']}) at level {facts['required']}{_pending(verdict)}"]
    for finding in facts["findings"]:
        where = "" if finding["offset"] is None else f" at octet {finding['offset']}"
        claimed = "" if finding["claimed"] is None else f": {json.dumps(finding['claimed'])}"
        lines.append(f"finding     {finding['reason']}, {finding['rule']}{where}{claimed}")
    lines += [f"advisory    {json.dumps(advisory)}" for advisory in facts["advisories"]]
    for level, of_level in _levels(verdict).items():
        lines.append(
            f"at {level.value:<9}{of_level.decision.value} ({of_level.reason.value}){_pending(of_level)}".rstrip()
        )
    lines.append(f"reply       {reply_for(verdict)}")
    print("\n".join(lines))


def _pending(verdict: Verdict) -> str:
    return ", pending the header" if verdict.pending else ""


def _demo(options: argparse.Namespace) -> int:
    if options.port is not None and not options.serve:
        msg = "--port goes with --serve"
        raise ValueError(msg)
    try:
        from sendertrust import demo  # noqa: PLC0415 - only the demo needs aiosmtpd
    except ModuleNotFoundError as error:
        msg = f"the demo needs aiosmtpd ({error}): install sendertrust with its extra [aiosmtpd]"
        raise ValueError(msg) from error
    # aiosmtpd warns of its own deprecated attribute at each login; the conversation is what is to be seen.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    if options.serve:
        demo.serve(options.port or 0, _show)
        return 0
    return 0 if demo.play(_show) else 1


def _show(line: str) -> None:
    print(line, flush=True)

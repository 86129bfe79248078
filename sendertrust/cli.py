"""The command line: ``sendertrust check`` and ``sendertrust demo``."""

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

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_EXIT: Final = {Action.ACCEPT: 0, Action.REJECT: 1, Action.DEFER: 75}  # EX_TEMPFAIL of sysexits.h
_EXIT_USAGE: Final = 2
_MAX_PORT: Final = 65535
_POLICIES: Final = {policy.name: policy for policy in (EPOST, SUBMISSION, STRICT)}

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

    checking = commands.add_parser(
        "check",
        help="judge one submission",
        description="Judge one submission: print the verdict, what each level would say, and the SMTP reply.",
        epilog=_CHECK_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    checking.set_defaults(run=_check)
    checking.add_argument("--auth-id", required=True, metavar="A", help="the login; '' if nobody logged in")
    checking.add_argument("--mail-from", required=True, metavar="M", help="the envelope sender; '' is the null path")
    header = checking.add_mutually_exclusive_group()
    header.add_argument(
        "--header-from", action="extend", nargs="+", metavar="H", help="the body of every From field, one argument each"
    )
    header.add_argument("--message", metavar="FILE", help="the message, or its header block; - is standard input")
    checking.add_argument(
        "--line-ends", choices=("crlf", "lf"), default="crlf", help="how the lines of the message end (default: crlf)"
    )
    checking.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="X",
        help="what else the account owns: user@domain, @domain, *",
    )
    checking.add_argument("--lookup-failed", action="store_true", help="as if the alias directory had not answered")
    checking.add_argument("--level", metavar="L", help="auth, envelope or header (default: the policy's)")
    checking.add_argument("--policy", metavar="NAME", default="EPOST", help=f"{', '.join(_POLICIES)} (default: EPOST)")
    checking.add_argument("--default-domain", metavar="D", help="the domain of a login or an alias that has none")
    checking.add_argument("--json", action="store_true", help="print one JSON object instead of text")

    demo = commands.add_parser(
        "demo",
        help="play the E-Post document's SMTP session over a real socket",
        description="Start a submission server on loopback, play the E-Post document's SMTP session and one honest "
        "message against it, and print both sides. Exit status 0 if every reply was as expected, else 1.",
        allow_abbrev=False,
    )
    demo.set_defaults(run=_demo)
    demo.add_argument("--serve", action="store_true", help="stay up instead, so that you can use telnet")
    demo.add_argument("--port", type=_port_number, metavar="N", help="with --serve: the port (default: a free one)")
    return parser


def _port_number(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _MAX_PORT:
        return int(text)
    msg = f"{text!r} is no port: write a number from 0 to {_MAX_PORT}"
    raise argparse.ArgumentTypeError(msg)


def _check(options: argparse.Namespace) -> int:
    if options.policy.upper() not in _POLICIES:
        msg = f"unknown policy {options.policy!r}: write one of {', '.join(_POLICIES)}"
        raise ValueError(msg)
    policy = attrs.evolve(_POLICIES[options.policy.upper()], default_domain=options.default_domain)
    level = None if options.level is None else TrustLevel.parse(options.level)
    aliases = Aliases.union(options.alias, *([LOOKUP_FAILED] if options.lookup_failed else []))
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

"""What a check costs, beside what else could read the From field: ``python tests/benchmarks/bench_compare.py``.

Three suites: *compare* (the usual From fields, in each reader), *length* (a
From field from 20 octets to the limit) and *aliases* (one to a million). Each
benchmark is a pyperf worker of its own; all take their turn in each round, so
that a busy minute of the machine falls on all alike. Median and median
absolute deviation over all rounds go to ``results/``, with what pyperf has to
say against each number and how busy the machine was; ``plots.py`` draws them.

Each submission of a benchmark is another one, as far as a plain list of many
aliases lets it be. A reader whose answers are not the right ones is left out,
and named. Needs ``pip install -e '.[bench]'``.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import email.parser
import email.policy
import email.utils
import importlib
import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs
import email_validator

from sendertrust import SUBMISSION, UNSEEN, Aliases, check, check_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Row: TypeAlias = tuple[Any, ...]

RESULTS: Final = Path(__file__).parent / "results"
SUBMISSIONS: Final = 400
NUMBERS: Final = range(SUBMISSIONS)
PACKAGES: Final = ("sendertrust", "email-validator", "flanker", "idna", "mail-parser")


@attrs.frozen
class Benchmark:
    """One thing to ask, of each row."""

    ask: Callable[..., object]
    rows: Sequence[Row]
    #: What each answer must be.
    answer: bool = True

    def wrong(self) -> str:
        """Say what is wrong with the answers, in a word or two."""
        try:
            return "" if all(bool(self.ask(*row)) is self.answer for row in self.rows) else "another answer"
        except Exception as error:  # noqa: BLE001 - each reader has its own
            return type(error).__name__

    def seconds(self, loops: int) -> float:
        ask, rows, start = self.ask, self.rows, time.process_time()
        for _ in range(loops):
            for row in rows:
                ask(*row)
        return time.process_time() - start


# compare: (own, aliases, compiled aliases, header); the envelope sender is the own address.

OWN: Final = [f"user{number}@host{number % 17}.example.com" for number in NUMBERS]
ALIASES: Final = [f"alias{number}@example.net" for number in NUMBERS]
JAPANESE: Final = [f"user{number}@例え{number % 17}.jp" for number in NUMBERS]


def encoded(text: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


HEADERS: Final = {
    "address alone": OWN,
    "name": [f"Given{number} Family{number} <{own}>" for number, own in enumerate(OWN)],
    "alias, quoted name": [f'"Sales, {number}" <{alias}>' for number, alias in enumerate(ALIASES)],
    "somebody else": [f"Given Family <ceo{number}@victim.example.com>" for number in NUMBERS],
    "encoded-word": [f"{encoded(f'山田太郎{number}')} <{own}>" for number, own in enumerate(OWN)],
    "Japanese domain": [f'"山田太郎" <{own}>' for own in JAPANESE],
}


def submissions(kind: str) -> list[Row]:
    own = JAPANESE if kind == "Japanese domain" else OWN
    compiled = [Aliases([alias]) for alias in ALIASES]
    allowed = [frozenset(row) for row in zip(own, ALIASES, strict=True)]
    return list(zip(own, allowed, compiled, HEADERS[kind], strict=True))


def ask_check(own: str, _allowed: frozenset[str], aliases: Aliases, header: str) -> object:
    return check(own, own, header, aliases, policy=SUBMISSION)


def ask_parseaddr(own: str, allowed: frozenset[str], _aliases: Aliases, header: str) -> object:
    return own in allowed and email.utils.parseaddr(header)[1] in allowed


def ask_getaddresses(own: str, allowed: frozenset[str], _aliases: Aliases, header: str) -> object:
    ((_, address),) = email.utils.getaddresses([header])
    return own in allowed and address in allowed


def ask_policy_default(own: str, allowed: frozenset[str], _aliases: Aliases, header: str) -> object:
    (address,) = email.policy.default.header_factory("From", header).addresses
    return own in allowed and address.addr_spec in allowed


def ask_email_validator(own: str, allowed: frozenset[str], _aliases: Aliases, header: str) -> object:
    found = email_validator.validate_email(header, allow_display_name=True, check_deliverability=False)
    return own in allowed and found.normalized in allowed


def ask_flanker() -> Callable[..., object]:
    parse: Callable[[str], Any] = importlib.import_module("flanker.addresslib.address").parse

    def ask(own: str, allowed: frozenset[str], _aliases: Aliases, header: str) -> object:
        return own in allowed and parse(header).address in allowed

    return ask


BLOCKS: Final = [
    (
        f"Received: from client{number} by mx; Tue, 24 Nov 2026 00:00:00 +0000\r\n"
        f"Message-ID: <{number}@example.com>\r\nDate: Tue, 24 Nov 2026 00:00:00 +0000\r\n"
        f"From: {header}\r\nTo: somebody@example.net\r\nSubject: report {number}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nbody\r\n"
    ).encode()
    for number, header in enumerate(HEADERS["name"])
]


def ask_check_message(own: str, block: bytes) -> object:
    return check_message(own, own, block, policy=SUBMISSION)


def ask_parser_getaddresses(own: str, block: bytes) -> object:
    message = email.parser.BytesHeaderParser().parsebytes(block)
    ((_, address),) = email.utils.getaddresses(message.get_all("From", []))
    return address == own


def ask_parser_policy_default(own: str, block: bytes) -> object:
    message = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(block)
    (address,) = message["From"].addresses
    return address.addr_spec == own


def ask_mail_parser() -> Callable[..., object]:
    parse: Callable[[bytes], Any] = importlib.import_module("mailparser").parse_from_bytes

    def ask(own: str, block: bytes) -> object:
        ((_, address),) = parse(block).from_
        return address == own

    return ask


def ask_envelope(own: str) -> object:
    return check(own, own, UNSEEN, policy=SUBMISSION)


READERS: Final[dict[str, Callable[[], Callable[..., object]]]] = {
    "sendertrust": lambda: ask_check,
    "parseaddr": lambda: ask_parseaddr,
    "getaddresses": lambda: ask_getaddresses,
    "policy.default": lambda: ask_policy_default,
    "email-validator": lambda: ask_email_validator,
    "flanker": ask_flanker,
}
BLOCK_READERS: Final[dict[str, Callable[[], Callable[..., object]]]] = {
    "sendertrust": lambda: ask_check_message,
    "getaddresses": lambda: ask_parser_getaddresses,
    "policy.default": lambda: ask_parser_policy_default,
    "mail-parser": ask_mail_parser,
}


def compare(kind: str, reader: str) -> Benchmark:
    if kind == "envelope alone":
        return Benchmark(ask_envelope, [(own,) for own in OWN])
    if kind == "message header":
        return Benchmark(BLOCK_READERS[reader](), list(zip(OWN, BLOCKS, strict=True)))
    return Benchmark(READERS[reader](), submissions(kind), answer=kind != "somebody else")


# length: a From field of so many octets, folded, that names the account at its end (or its beginning).

LENGTHS: Final = (20, 64, 256, 1024, 2048, 4096, SUBMISSION.max_field_octets)
WIDTH: Final = 65
#: What is repeated, with a number in it, and how that stands beside the account.
SHAPES: Final = {
    "plain name": ("Given{:05} ", "{}<{}>"),
    "quoted name": ("Given{:05} ", '"{}" <{}>'),
    "encoded-words": ("=?utf-8?q?Given{:05}_Family_=E5=B1=B1=E7=94=B0_=E5=A4=AA=E9=83=8E?= ", "{}<{}>"),
    "comments": ("(Given{:05}) ", "{1} {0}"),
    "commas": ("Given{:05}, ", '"{}" <{}>'),
}
#: What others read: the cheapest shape, and encoded-words by the one that decodes them.
BY_OTHERS: Final = ("plain name, getaddresses", "plain name, policy.default", "encoded-words, policy.default")


def account(number: int) -> str:
    return f"u{number:04}@test-sample.jp"


def field(shape: str, octets: int, number: int) -> str:
    """Give a From body of so many octets, or a few less, folded; the shortest is the address alone."""
    piece, around = SHAPES[shape]
    own = account(number)
    room, text, line = octets - len(around.format("", own)), "", 0
    for count in itertools.count(number * 7):
        following = piece.format(count)
        if line > WIDTH:
            following, line = f"\r\n {following}", 0
        if len(text) + len(following) > room:
            break
        text, line = text + following, line + len(following)
    return around.format(text, own) if text else own


def has_length(shape: str, octets: int) -> bool:
    """Say whether a field can be of that length: one piece of its shape may be too long for it."""
    return octets == LENGTHS[0] or len(field(shape, octets, 0)) > octets * 3 // 4


def length(line: str, octets: str) -> Benchmark:
    shape, _, reader = line.partition(", ")
    rows = [
        (account(number), frozenset([account(number)]), Aliases(), field(shape, int(octets), number))
        for number in range(max(10, min(SUBMISSIONS, 50_000 // int(octets))))
    ]
    return Benchmark(READERS[reader or "sendertrust"](), rows)


# aliases: so many of them, compiled once or handed over as a plain list.

COUNTS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
MOST_LISTED: Final = 100_000


def entry(number: int) -> str:
    return f"user{number}@domain{number % 1000}.example"


def aliases(kind: str, count: str) -> Benchmark:
    entries = [entry(number) for number in range(int(count))]
    few = range(max(1, min(SUBMISSIONS, 20_000 // len(entries))))  # a plain list takes long
    source, numbers = (entries, few) if kind == "plain list" else (Aliases(entries), NUMBERS)
    # What is asked for is spread over all the entries, and is a text of its own.
    granted = [entry(number * len(entries) // len(numbers)) for number in numbers]
    others = [f"ceo{number}@victim.example" for number in numbers]

    own = account(0)

    def ask(claim: str) -> object:
        return check(own, claim, claim, source, policy=SUBMISSION)

    if kind == "not granted":
        return Benchmark(ask, [(claim,) for claim in others], answer=False)
    return Benchmark(ask, [(claim,) for claim in granted])


SUITES: Final[dict[str, tuple[Callable[[str, str], Benchmark], list[tuple[str, str]]]]] = {
    "compare": (
        compare,
        [("envelope alone", "sendertrust")]
        + [(kind, reader) for kind in HEADERS for reader in READERS]
        + [("message header", reader) for reader in BLOCK_READERS],
    ),
    "length": (
        length,
        [
            (line, str(octets))
            for line in (*SHAPES, *BY_OTHERS)
            for octets in LENGTHS
            if has_length(line.partition(", ")[0], octets)
        ],
    ),
    "aliases": (
        aliases,
        [(kind, str(count)) for kind in ("granted", "not granted") for count in COUNTS]
        + [("plain list", str(count)) for count in COUNTS if count <= MOST_LISTED],
    ),
}


# Running them

#: The first argument of the script as pyperf calls it.
AS_PYPERF: Final = "as-pyperf"


def run_suite() -> None:
    """Be the pyperf script of one suite: it, and what is left out of it, are the last arguments."""
    pyperf: Any = importlib.import_module("pyperf")

    def pass_on(command: list[str], options: argparse.Namespace) -> None:
        command.extend(options.which)

    runner = pyperf.Runner(program_args=(__file__, AS_PYPERF), add_cmdline_args=pass_on)
    runner.argparser.add_argument("which", nargs="+")
    suite, *without = runner.parse_args().which
    make, names = SUITES[suite]
    measured = [name for name in names if ": ".join(name) not in without]
    for number, name in enumerate(measured):
        # Of the others, and of all where the workers are started, the name is enough.
        benchmark = make(*name) if runner.args.worker_task == number else Benchmark(bool, [()])
        runner.bench_time_func(": ".join(name), benchmark.seconds, inner_loops=len(benchmark.rows))


def measure(raw: Path, suite: str, without: Iterable[str], values: int) -> None:
    """Append one round of a suite: a worker for each benchmark, with one warm-up."""
    options = ["-q", "-p1", "-w1", "-l1", f"-n{values}", "--append", str(raw)]
    command = [sys.executable, __file__, AS_PYPERF, *options, suite, *without]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command


def left_out(suite: str) -> dict[str, str]:
    """Ask everything once: give what is not to be measured, and why."""
    make, names = SUITES[suite]
    found = {}
    for name in names:
        try:
            wrong = make(*name).wrong()
        except ImportError as error:
            wrong = f"not installed ({error.name})"
        if wrong:
            assert suite == "compare", (name, wrong)
            assert name[1] != "sendertrust", (name, wrong)
            found[": ".join(name)] = wrong
    return found


def complaints(raw: Path, name: str) -> list[str]:
    """Give what pyperf has to say against a number."""
    command = [sys.executable, "-m", "pyperf", "check", "-b", name, str(raw)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - likewise
    return [line.removeprefix("* ") for line in said.splitlines() if line.startswith("* ")]


def result_of(raw: Path, loads: list[float], without: dict[str, str]) -> dict[str, Any]:
    pyperf: Any = importlib.import_module("pyperf")
    installed = {dist.metadata["Name"]: dist.version for dist in metadata.distributions()}
    suite = pyperf.BenchmarkSuite.load(str(raw))
    about = suite.get_benchmarks()[0].get_metadata()
    benchmarks = {
        benchmark.get_name(): {
            "median": float(f"{benchmark.median():.4g}"),
            "mad": float(f"{benchmark.median_abs_dev():.2g}"),
            "values": benchmark.get_nvalue(),
            "pyperf": complaints(raw, benchmark.get_name()),
        }
        for benchmark in suite
    }
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()}, {os.cpu_count()} CPUs ({about.get('cpu_model_name', platform.machine())})",
        "load": [round(min(loads), 1), round(max(loads), 1)],
        "versions": {name: installed[name] for name in ("pyperf", *PACKAGES) if name in installed},
        "rounds": len(loads),
        "unit": "second",
        "benchmarks": benchmarks,
        "left out": without,
    }


def report(suite: str, result: dict[str, Any]) -> None:
    print(f"\n{suite}: {result['date']}, {result['python']}, {result['machine']}")
    for name, found in result["benchmarks"].items():
        doubts = f"  ({len(found['pyperf'])} warnings)" if found["pyperf"] else ""
        print(f"{found['median'] * 1e6:12.2f} us ±{found['mad'] * 1e6:10.2f}  {name}{doubts}")
    for name, why in result["left out"].items():
        print(f"    left out: {why:12}  {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--values", type=int, default=5, help="in each round")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where to write")
    options = parser.parse_args()
    without = {suite: left_out(suite) for suite in options.suite or SUITES}
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        raw = {suite: Path(folder) / f"{suite}.json" for suite in without}
        for number in range(options.rounds):
            for suite, names in without.items():
                measure(raw[suite], suite, names, options.values)
            loads.append(os.getloadavg()[0])  # about 1 of it is ours
            print(f"round {number + 1} of {options.rounds}, load average {loads[-1]:.1f}", flush=True)
        results = {suite: result_of(raw[suite], loads, without[suite]) for suite in without}
    options.results.mkdir(parents=True, exist_ok=True)
    for suite, result in results.items():
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        (options.results / f"{suite}.json").write_text(text, encoding="utf-8")
        report(suite, result)


if __name__ == "__main__":
    if sys.argv[1:2] == [AS_PYPERF]:
        del sys.argv[1]
        run_suite()
    else:
        main()

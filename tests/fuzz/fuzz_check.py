"""Coverage-guided fuzzing: ``python tests/fuzz/fuzz_check.py --seconds 20``.

Needs atheris (``pip install sendertrust[fuzz]``, Linux). What must hold is
in `harness`; this only instruments the package and feeds it. Everything that
the runner does not know goes to libFuzzer as it is (``-use_value_profile=1``).
An input that breaks something is written to the artifacts directory, and
``--replay FILE`` judges one without atheris.

libFuzzer counts its seconds from its start, and first runs all inputs that it
is given. So these are run here before, with a clock, and what that took is
added: ``--seconds`` is how long it fuzzes when it is through with them.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
#: Inputs that reach everything the fuzzer has reached so far, one a line in hexadecimal.
KEPT = HERE / "corpus" / "kept.txt"


def arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=["check", "check_message", "verdict"], help="one target instead of all")
    parser.add_argument("--seconds", type=int, default=20, help="how long, after the given inputs; 0 for no limit")
    parser.add_argument("--runs", type=int, default=-1, help="how many executions, -1 for no limit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-len", type=int, default=200, help="the longest input; tokens make it longer")
    parser.add_argument("--dataflow", action="store_true", help="follow comparisons too: slower")
    parser.add_argument("--corpus", type=Path, help="where inputs that reach something new are kept; else in memory")
    parser.add_argument("--kept", action="store_true", help="begin with the inputs in corpus/kept.txt")
    parser.add_argument("--keep", type=Path, help="write corpus/kept.txt from the inputs in this directory, no more")
    parser.add_argument("--artifacts", type=Path, default=Path.cwd(), help="where an input that fails is written")
    parser.add_argument("--package", type=Path, default=HERE.parents[1], help="the directory of the package to fuzz")
    parser.add_argument("--replay", type=Path, help="judge this one input, and do nothing else")
    return parser.parse_known_args()


def seconds_of_replay(harness: Any, target: str | None, corpus: list[str]) -> int:
    """Run what is in the directories once, as libFuzzer will; whatever breaks something there is its to report."""
    start = time.monotonic()
    for directory in corpus:
        for path in Path(directory).iterdir():
            with contextlib.suppress(Exception):
                harness.one_input(path.read_bytes(), target)
    return round(time.monotonic() - start)


def main() -> None:
    options, more = arguments()
    sys.path[:0] = [str(options.package.resolve()), str(HERE)]
    if options.replay:
        harness: Any = importlib.import_module("harness")
        harness.one_input(options.replay.read_bytes(), options.target)
        return
    if options.keep:
        inputs = sorted((path.read_bytes() for path in options.keep.iterdir()), key=lambda data: (len(data), data))
        KEPT.write_text("".join(data.hex() + "\n" for data in inputs if data), "ascii")
        return
    atheris: Any = importlib.import_module("atheris")
    hooks = importlib.import_module("atheris.import_hook")
    with hooks.HookManager({"sendertrust"}, set(), enable_loader_override=True, trace_dataflow=options.dataflow):
        harness = importlib.import_module("harness")
    corpus = [str(options.corpus)] if options.corpus else []
    if options.corpus:
        options.corpus.mkdir(parents=True, exist_ok=True)
    if options.kept:
        corpus.append(tempfile.mkdtemp(prefix="kept-inputs-"))
        for number, line in enumerate(KEPT.read_text("ascii").split()):
            Path(corpus[-1], f"{number}").write_bytes(bytes.fromhex(line))
    replay = seconds_of_replay(harness, options.target, corpus) if options.seconds else 0
    limits = {
        "max_total_time": options.seconds + replay,
        "runs": options.runs,
        "seed": options.seed,
        "max_len": options.max_len,
        "len_control": 20,
        "timeout": 300,
        "artifact_prefix": f"{options.artifacts}/",
        "print_final_stats": 1,
    }
    flags = [f"-{name}={value}" for name, value in limits.items()]
    atheris.Setup([sys.argv[0], *flags, *more, *corpus], lambda data: harness.one_input(data, options.target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Show that the fuzzer finds bugs: ``python tests/fuzz/planted.py``.

Each row of `BUGS` is a mistake that a maintainer could make. It is planted
alone in a copy of the package, and the fuzzer must find it from an empty
corpus within a bound of time. That the package as it is survives much longer
is in docs/explanation/evidence.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).parent


class Bug(NamedTuple):
    """One edit: *old*, which occurs once in *module*, becomes *new*."""

    name: str
    module: str
    old: str
    new: str
    breaks: str


BUGS: Final = (
    Bug(
        "duplicate-off-by-one",
        "decision.py",
        "    if len(header.author) > 1:",
        "    if len(header.author) > 2:",
        "of two From fields the first is judged, and a reader may show the last",
    ),
    Bug(
        "text-after-angle",
        "author.py",
        "    if closing + 1 < len(content):",
        "    if closing + 1 < len(content) and content[closing + 1].kind == '<':",
        "text after the closing angle bracket, such as another address, is not looked at",
    ),
    Bug(
        "null-skips-header",
        "decision.py",
        "        if header is not UNSEEN:\n            mailboxes",
        "        if header is not UNSEEN and envelope is not NULL_PATH:\n            mailboxes",
        "with a null sender the header is not checked (VU#517845)",
    ),
    Bug(
        "lookup-fails-open",
        "rights.py",
        "if not source.overruled(text, key, policy)]\n    return None",
        "if not source.overruled(text, key, policy)]\n    return '*' if aliases.failed else None",
        "a directory that does not answer grants everything",
    ),
    Bug(
        "domain-suffix",
        "rights.py",
        '        yield "@" + address.domain, "@" + address.domain',
        '        yield from [("@" + address.domain[start:],) * 2 for start in range(len(address.domain))]',
        "`@domain` grants the subdomains too, and every domain that ends in the same letters",
    ),
    Bug(
        "lower-folds-all",
        "address.py",
        "        return self.text.lower() if self.text.isascii() else self.text.translate(_ASCII_LOWER)",
        "        return self.text.lower()",
        "letters outside ASCII are compared without case",
    ),
    Bug(
        "decoded-not-searched",
        "display_name.py",
        "    seen = views(text) if encoded else {}\n",
        "    encoded, seen = False, {}\n",
        "an address hidden in an encoded-word is not looked for",
    ),
    Bug(
        "nfkc-not-searched",
        "display_name.py",
        "    forms = list(dict.fromkeys(views))\n    forms += [_nfkc(view) for view in forms]\n",
        "    forms = list(dict.fromkeys(views))\n",
        "an address in full-width brackets is not looked for",
    ),
    Bug(
        "blank-before-colon",
        "message.py",
        '    field = rf"(?aim:^({{}})([ \\t]*+)):',
        '    field = rf"(?aim:^({{}})()):',
        "`From :` is a field, but not a From field",
    ),
    Bug(
        "fast-path-forgets-envelope",
        "decision.py",
        '    return auth_id if envelope_from == auth_id or envelope_from == f"<{auth_id}>" else None',
        "    return auth_id",
        "with the own address in From the envelope is not compared",
    ),
    Bug(
        "unclosed-path",
        "address.py",
        '    if not text.endswith(">"):\n',
        '    if text.count(">") > 1:\n',
        "a path whose bracket is not closed loses its last character instead of being malformed",
    ),
    Bug(
        "bare-line-ends",
        "decision.py",
        "    return body_fault(body, case.policy, case.line_ends) or parse_author(body, case.policy)",
        "    return parse_author(body, case.policy)",
        "a body with a bare CR or LF is parsed as if it were folded",
    ),
    Bug(
        "unicode-log-line",
        "verdict.py",
        "        return json.dumps(cut, ensure_ascii=True)",
        "        return json.dumps(cut, ensure_ascii=False)",
        "the log line has whatever Unicode the client sent, line separators among it",
    ),
    Bug(
        "surrogates-in-json",
        "verdict.py",
        '    return None if text is None else text.encode("utf-8", "backslashreplace").decode()',
        "    return text",
        "`to_dict()` has lone surrogates, which no UTF-8 can carry",
    ),
    Bug(
        "reply-strips-crlf-only",
        "reply.py",
        '_NOT_PRINTABLE: Final = re.compile(r"[^ -~]")',
        '_NOT_PRINTABLE: Final = re.compile(r"[\\r\\n]")',
        "a reply reflects control characters, and raises on other than ASCII",
    ),
    Bug(
        "first-author-wins",
        "author.py",
        "    return tuple(mailboxes)\n",
        "    return tuple(mailboxes[:1])\n",
        "of several mailboxes in one From field the first is judged",
    ),
)


def planted(bug: Bug, package: Path, directory: Path) -> Path:
    """Copy the package into *directory*, with the bug."""
    shutil.copytree(package / "sendertrust", directory / "sendertrust", ignore=shutil.ignore_patterns("__pycache__"))
    module = directory / "sendertrust" / bug.module
    text = module.read_text("utf-8")
    if text.count(bug.old) != 1:
        msg = f"{bug.name}: sendertrust/{bug.module} has changed, write the bug anew"
        raise SystemExit(msg)
    module.write_text(text.replace(bug.old, bug.new), "utf-8")
    return directory


def hunt(bug: Bug, package: Path, seconds: int, seed: int) -> tuple[bool, float, str]:
    """Fuzz a copy from an empty corpus; say whether something failed, after how long, and what."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = planted(bug, package, Path(scratch))
        command = [sys.executable, str(HERE / "fuzz_check.py"), "--package", scratch, "--artifacts", scratch]
        start = time.monotonic()
        run = subprocess.run(  # noqa: S603 - this interpreter, that script
            [*command, "--seconds", str(seconds), "--seed", str(seed)],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONHASHSEED": "0"},
        )
        seconds_taken = time.monotonic() - start
        found = any(directory.glob("crash-*"))
        lines = (run.stdout + run.stderr).splitlines()
    executions = next((line.split()[1] for line in lines if line.startswith("stat::number_of_exec")), "?")
    what = [line for before, line in zip(["", *lines], lines, strict=False) if "Uncaught Python" in before]
    if run.returncode and not found:
        raise SystemExit("\n".join(lines[-20:]))
    return found, seconds_taken, f"{executions:>8}  {what[0][:80] if what else ''}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="the bound for each bug")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--package", type=Path, default=HERE.parents[1], help="the directory of the package to spoil")
    parser.add_argument("--only", choices=[bug.name for bug in BUGS])
    options = parser.parse_args()
    failures = 0
    for bug in BUGS:
        if options.only and bug.name != options.only:
            continue
        found, seconds, what = hunt(bug, options.package, options.seconds, options.seed)
        sys.stdout.write(f"{bug.name:<28}{'found' if found else 'nothing':<9}{seconds:7.1f} s {what}\n")
        sys.stdout.flush()
        failures += not found
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

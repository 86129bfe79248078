"""Every example of the documentation is run, and every table of it is compared with the code."""

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import attrs
import pytest
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

import sendertrust
from sendertrust import EPOST, STRICT, SUBMISSION, Action, Finding, Policy, Reason, ReplyTable, Stage
from sendertrust.cli import main
from sendertrust.reply import EPOST_REPLIES, POSTFIX_REPLIES, SUBMISSION_REPLIES
from sendertrust.terms import RULES
from sendertrust.testing import make_verdict, vectors

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODULES = [sendertrust.__name__] + [
    module.name
    for module in pkgutil.walk_packages(sendertrust.__path__, "sendertrust.")
    if not module.name.endswith(".__main__")  # which runs the command line when it is imported
]

# The languages that a fenced block may be in: the first two are run, the others only shown.
LANGUAGES = {"python", "console", "json", "text"}
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)

# What a console block may show without its being run here.
NOT_RUN = re.compile(r"(?:(?:\.venv/bin/)?pip|python3 -m venv|git|cd|(?:ba)?sh \.ci/run|source|\.|telnet)(?: |$)")
SHOW_STATUS = "echo $?"
OURS = re.compile(rf"(?:.*\| )?(?:(?:\.venv/bin/)?sendertrust|python -m sendertrust|jq) |{re.escape(SHOW_STATUS)}$")
JQ = shutil.which("jq")
# Pages whose examples need a server, and the test that runs them with it.
NEED_A_SERVER = {"docs/how-to/ldap.md": "tests/integration/test_ldap.py"}
SHELL = """
sendertrust() { "$PYTHON" -m sendertrust "$@"; }
python() { "$PYTHON" "$@"; }
"""


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=page_id)


def blocks(page: Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text(encoding="utf-8"))


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    r"""Give each command of a console block, ``> `` lines after a ``\`` included, and what it prints."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *printed = part.splitlines()
        while command.endswith("\\") and printed and printed[0].startswith("> "):
            command = command[:-1] + printed.pop(0).removeprefix("> ")
        yield command, printed


def run_console(example: Example) -> str | None:
    """Run a console block; a status other than 0 must be shown by ``$ echo $?`` right after its command."""
    status = 0
    for command, expected in commands(str(example.parsed)):
        if NOT_RUN.match(command) or (command.startswith("jq ") and not JQ):
            continue
        if status and command != SHOW_STATUS:
            return f"exit status {status} is not shown before {command!r}"
        completed = subprocess.run(  # noqa: S603 - the documentation's own commands
            ["/bin/sh", "-c", f"{SHELL}(exit {status})\n{command.removeprefix('.venv/bin/')}"],
            env=os.environ | {"PYTHON": sys.executable, "COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        status = completed.returncode
        printed = [line.rstrip() for line in completed.stdout.splitlines()]
        if printed != [line.rstrip() for line in expected]:
            return "\n".join([f"$ {command}", "expected:", *expected, "printed:", *printed])
    return f"exit status {status} is not shown" if status else None


@every_page
def test_examples_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page_id(page) in NEED_A_SERVER:
        assert page.name in (ROOT / NEED_A_SERVER[page_id(page)]).read_text(encoding="utf-8")
        return
    monkeypatch.chdir(tmp_path)  # a page may write files
    parsers = PythonCodeBlockParser(), CodeBlockParser(language="console", evaluator=run_console)
    for example in Document.parse(str(page), *parsers):
        example.evaluate()
    if not JQ and any(command.startswith("jq ") for _, block in blocks(page) for command, _ in commands(block)):
        pytest.skip("jq is not installed: all but its commands ran")


@every_page
def test_no_example_of_a_page_is_ignored(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("```") == 2 * len(blocks(page)), "a fence is indented, or not closed"
    assert ">>> " not in FENCE.sub("", text)
    for language, block in blocks(page):
        assert language in LANGUAGES
        if language == "console":
            assert block.startswith("$ ")
            ignored = [c for c, _ in commands(block) if not NOT_RUN.match(c) and not OURS.match(c)]
            assert not ignored
        else:
            assert language == "python" or not re.search(r"^(?:\$|>>>) ", block, flags=re.MULTILINE)


def test_there_are_examples() -> None:
    assert {"python", "console"} <= {language for page in PAGES for language, _ in blocks(page)}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name: str) -> None:
    module = importlib.import_module(name)
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted == inspect.getsource(module).count(">>> ")


# Links


def headings(page: Path) -> set[str]:
    """Give the anchors of a page, as the usual sites make them of its headings."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text(encoding="utf-8")))
    return [link for link in found if not link.startswith("https://")]


@every_page
def test_links(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    reached = {index} | {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert set((ROOT / "docs").rglob("*.md")) <= reached


# Tables


def table(page: str, heading: str) -> list[tuple[str, ...]]:
    """Give the rows of every table below a heading of the second level, without their header rows."""
    _, found, rest = (ROOT / "docs" / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, heading
    lines = rest.partition("\n## ")[0].splitlines()
    return [
        tuple(cell.strip().strip("`") for cell in line.strip("|").split("|"))
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("| ") and not following.startswith("|---")
    ]


def test_reasons() -> None:
    """Law, 3: "`Reason` is this list and no other"; 5: "`docs/` publishes which (reason, stage) pairs can occur"."""
    published = [(name, value, stages) for name, value, _, stages, *_ in table("reference/reasons.md", "Reasons")]
    assert published == [(r.name, r.value, ", ".join(stage.name for stage in r.stages)) for r in Reason]


def test_levels_that_reasons_break() -> None:
    rows = {name: levels for name, _, levels, *_ in table("reference/reasons.md", "Reasons")}
    assert rows.pop("OK") == "none"
    for name, levels in rows.items():
        reason = Reason[name]
        broken = {f.level for stage in reason.stages for f in make_verdict(reason, stage).findings}
        assert levels == " or ".join(level.name for level in sorted(broken))


def test_a_lookup_breaks_the_level_of_its_identity() -> None:
    rows = {rule: level for rule, level, *_ in table("reference/reasons.md", "What a failed lookup breaks")}
    assert rows == {rule: Finding(Reason.LOOKUP_FAILED, None, rule).level.name for rule in RULES if "lookup" in rule}


def test_rules() -> None:
    assert table("reference/reasons.md", "Rules") == list(RULES.items())


@pytest.mark.parametrize("replies", [EPOST_REPLIES, SUBMISSION_REPLIES, POSTFIX_REPLIES], ids=lambda r: r.name)
def test_replies(replies: ReplyTable) -> None:
    """Law, 5: "Replies are tables, one row a reason and stage"."""
    expected = [
        (reason.name, *(replies.row(make_verdict(reason, s)) if s in reason.stages else "never" for s in Stage))
        for reason in Reason
    ]
    assert table("reference/reasons.md", f"Replies: {replies.name}") == expected


def test_acceptance_has_one_row_a_stage() -> None:
    """Law, 4, report-only: "`reply_for` and `bool` follow `action`"."""
    report_only = attrs.evolve(SUBMISSION, mode="report")
    for reason in Reason:
        for stage in reason.stages:
            for replies in (EPOST_REPLIES, SUBMISSION_REPLIES, POSTFIX_REPLIES):
                accepted = make_verdict(reason, stage, policy=report_only)
                assert accepted.action is Action.ACCEPT
                assert replies.row(accepted) == replies.row(make_verdict(Reason.OK, stage))


def spelled(value: object) -> str:
    """Write an option as it can be given to `Policy`."""
    value = value.value if isinstance(value, Enum) else value
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_policy_options() -> None:
    expected = [
        (field.name, *(spelled(getattr(preset, field.name)) for preset in (EPOST, SUBMISSION, STRICT)))
        for field in attrs.fields(Policy)
    ]
    assert table("reference/policy.md", "The presets") == expected


def test_every_policy_option_is_described() -> None:
    described = [name for name, *_ in table("reference/policy.md", "What each option lets through")]
    assert described == [field.name for field in attrs.fields(Policy)]


@pytest.mark.parametrize("command", ["check", "who", "may", "demo"])
def test_help(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        main([command, "--help"])
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"\n## {command}\n")
    shown = FENCE.search(rest)
    # Word by word: one Python folds a usage line elsewhere than the next.
    assert shown is not None
    assert shown[2].split() == capsys.readouterr().out.split()


def test_error_table() -> None:
    """Law, 3: "It raises `TypeError`/`ValueError`/`PolicyError(ValueError)` only for a […] mistake"."""
    namespace = {name: getattr(sendertrust, name) for name in sendertrust.__all__}
    rows = table("reference/errors.md", "Examples")
    assert rows
    for _, call, outcome in rows:
        try:
            result = eval(call, namespace)  # noqa: S307 - the documentation's own examples
            got = f"{result.action.name}, {result.reason.name}"
        except (TypeError, ValueError) as error:
            got = f"{type(error).__name__}: {error}"
        assert (call, got) == (call, outcome)


# Attacks


VECTORS = {vector.id: vector for vector in vectors()}
CODE = re.compile(r"`([^`]+)`")


def attacks() -> list[tuple[str, str, list[str]]]:
    """Give each attack, its verdict as the page has it, and the vectors that it names."""
    page = (ROOT / "docs" / "explanation" / "attacks.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return [(row[0], row[3], CODE.findall(row[4])) for row in rows if len(row) == 5 and row[0] != "Attack"]


def reasons(ids: list[str], preset: str) -> set[str]:
    return {result.reason.value for id_ in ids for result in VECTORS[id_].expected[preset]}


@pytest.mark.parametrize(("verdict", "ids"), [row[1:] for row in attacks()], ids=[row[0] for row in attacks()])
def test_attacks(verdict: str, ids: list[str]) -> None:
    """explanation/attacks.md: "a test holds that each exists, that the verdicts beside it are theirs"."""
    usual, _, strict = verdict.partition("; STRICT: ")
    assert ids
    assert reasons(ids, "EPOST") == reasons(ids, "SUBMISSION") == set(CODE.findall(usual))
    assert reasons(ids, "STRICT") == set(CODE.findall(strict or usual))


def test_no_published_attack_is_left_out() -> None:
    """explanation/attacks.md: "that no published payload is left out of this page"."""
    named = {id_ for _, _, ids in attacks() for id_ in ids}
    assert {id_ for id_ in VECTORS if id_.startswith("published-")} <= named

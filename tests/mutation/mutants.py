"""Mutation testing: ``python tests/mutation/mutants.py author display_name``.

Changes one thing at a time in a module of the package (mutmut's operators,
and the few below) and runs the tests that are about this module. Statements of
the module's own level are changed too, since each mutant is imported anew, in
a process that is forked from this one. What survives is printed, unless
``survivors.txt`` says why it may; so is what stands there and does not
survive. Either is status 1.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import importlib
import json
import os
import re
import resource
import sys
from collections import Counter
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

import hypothesis
import hypothesis.strategies
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType

cst: Final[Any] = importlib.import_module("libcst")
mutmut: Final[Any] = importlib.import_module("mutmut.mutation.mutators")

ROOT: Final = Path(__file__).parents[2]
SURVIVORS: Final = Path(__file__).with_name("survivors.txt")
#: The two halves of one parser; the other modules have one file of tests each.
TESTS_OF_FROM: Final = ("tests/test_author.py", "tests/test_display_name.py")
TESTS: Final = {
    "author": TESTS_OF_FROM,
    "display_name": TESTS_OF_FROM,
    "encoded_word": ("tests/test_encoded_word.py", "tests/test_charset.py", *TESTS_OF_FROM),
    "charset": ("tests/test_charset.py", "tests/test_encoded_word.py"),
}
#: Asked where a module's own tests let a mutant live.
SECOND_CHANCE: Final = ("tests/properties/test_laws.py", "tests/test_vectors.py")
CPU_SECONDS: Final = 20
CPU_SECONDS_OF_ALL: Final = 90
MEMORY: Final = 2 << 30
# A piece of a pattern: an escape, how often, or a character.
_PIECE: Final = re.compile(r"\\x..|\\u.{4}|\\U.{8}|\\.|[*+?]\+?|\S", re.DOTALL)


class Mutant(NamedTuple):
    """One change of a module: where it is, what it changes into what, and the whole module."""

    where: str
    before: str
    after: str
    code: CodeType

    def __str__(self) -> str:
        lines = [f"- {line}" for line in self.before.splitlines()] + [f"+ {line}" for line in self.after.splitlines()]
        return "\n".join([self.where, *lines])


def forced(test: Any) -> Iterator[Any]:
    """Decide a condition beforehand; and what it says of several things, of all but one."""
    test = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield cst.BooleanOperation(left=test, operator=cst.And(), right=cst.Name("False"))
    yield cst.BooleanOperation(left=test, operator=cst.Or(), right=cst.Name("True"))


def own_operators(node: Any) -> Iterator[Any]:
    """Change what mutmut leaves alone: conditions, results, loops, elements, and the pieces of patterns."""
    if isinstance(node, cst.If | cst.CompIf):
        yield from (node.with_changes(test=test) for test in forced(node.test))
    elif isinstance(node, cst.While):
        yield node.with_changes(test=next(forced(node.test)))
    elif isinstance(node, cst.For | cst.CompFor):
        yield node.with_changes(iter=cst.Tuple([]))
    elif isinstance(node, cst.BooleanOperation):
        yield from (node.left, node.right)
    elif isinstance(node, cst.Return) and node.value:
        yield node.with_changes(value=cst.Name("None"))
    elif isinstance(node, cst.Tuple | cst.List | cst.Set | cst.Dict):
        yield from (node.with_changes(elements=elements) for elements in without_an_element(node.elements))
    elif isinstance(node, cst.Integer):
        yield cst.parse_expression(f"({node.evaluated_value - 1})")
    elif isinstance(node, cst.SimpleString) and "r" in node.prefix and node.quote in {'"', "'"}:
        yield from (node.with_changes(value=text) for text in without_a_piece(node.value, len(node.prefix) + 1, 1))
    elif isinstance(node, cst.FormattedStringText):
        yield from (node.with_changes(value=text) for text in without_a_piece(node.value, 0, 0))


def without_an_element(elements: Sequence[Any]) -> Iterator[list[Any]]:
    """Leave each of several elements out."""
    for index in range(len(elements)) if len(elements) > 1 else ():
        yield [*elements[:index], *elements[index + 1 :]]


def without_a_piece(text: str, start: int, behind: int) -> Iterator[str]:
    for piece in _PIECE.finditer(text, start, len(text) - behind):
        yield text[: piece.start()] + text[piece.end() :]


def changes(node: Any) -> Iterator[tuple[Any, Any]]:
    """Give each part of a tree with each of its changes; annotations, imports and `__all__` have none."""
    if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom) or for_linters(node):
        return
    for kind, operator in mutmut.mutation_operators:
        if isinstance(node, kind):
            yield from ((node, changed) for changed in operator(node))
    yield from ((node, changed) for changed in own_operators(node))
    for child in node.children:
        yield from changes(child)


def for_linters(node: Any) -> bool:
    return (isinstance(node, cst.If) and node.test.deep_equals(cst.Name("TYPE_CHECKING"))) or (
        isinstance(node, cst.Assign) and node.targets[0].target.deep_equals(cst.Name("__all__"))
    )


def mutants(module: str) -> Iterator[Mutant]:
    path = ROOT / "sendertrust" / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    tree, lines = cst.parse_module(text), text.splitlines()
    statements = [tree.code_for_node(statement) for statement in tree.body]
    seen = {original(module)}
    for index, (node, changed) in ((i, change) for i, part in enumerate(tree.body) for change in changes(part)):
        statement = tree.code_for_node(tree.body[index].deep_replace(node, changed))
        source = "".join([*statements[:index], statement, *statements[index + 1 :]])
        code = code_of(source, path)
        if code and code not in seen:  # Python, and other instructions
            seen.add(code)
            where, before, after = described(lines, source)
            yield Mutant(f"{module}.{where}", before, after, code)


def original(module: str) -> CodeType:
    path = ROOT / "sendertrust" / f"{module}.py"
    return compile(path.read_bytes(), path, "exec", dont_inherit=True)


def code_of(source: str, path: Path) -> CodeType | None:
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except SyntaxError:
        return None


def described(lines: list[str], source: str) -> tuple[str, str, str]:
    changed = source.splitlines()
    matcher = difflib.SequenceMatcher(None, lines, changed, autojunk=False)
    _, start, end, new_start, new_end = next(code for code in matcher.get_opcodes() if code[0] != "equal")
    defined = (re.match(r"(?:class|def|(\w+)\b.* =) ?(\w*)", line) for line in reversed(lines[: start + 1]))
    name = next((found[1] or found[2] for found in defined if found), "")
    before, after = lines[start:end], changed[new_start:new_end]
    return name, stripped(before), stripped(after)


def stripped(lines: list[str]) -> str:
    return "\n".join(map(str.strip, lines))


class Contents(SourceFileLoader):
    """Gives a module other contents than its file has."""

    def __init__(self, name: str, code: CodeType) -> None:
        super().__init__(name, code.co_filename)
        self.code = code

    def get_code(self, fullname: str) -> CodeType:
        return self.code


class Finder(MetaPathFinder):
    """Finds the module that has other contents."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        contents = self.contents
        return spec_from_file_location(fullname, contents.path, loader=contents) if fullname == contents.name else None


class FirstFailure:
    """A plugin that ends the process as soon as the mutant is found out; what found others out runs first."""

    def __init__(self, pipe: int, killers: list[str]) -> None:
        self.pipe = pipe
        self.rank = {nodeid: -rank for rank, nodeid in enumerate(killers)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: self.rank.get(item.nodeid, 1))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._tell(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._tell(report)

    def _tell(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed:
            os.write(self.pipe, report.nodeid.encode("utf-8", "replace"))
            os._exit(1)


def killer(module: str, code: CodeType, tests: tuple[str, ...], cpu_seconds: int, killers: list[str]) -> str | None:
    """Run some tests on a mutant; give the test that it fails, or None if it lives."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            sys.meta_path.insert(0, Finder(Contents(f"sendertrust.{module}", code)))
            os._exit(
                pytest.main(
                    ["-q", "--assert=plain", "-p", "no:cacheprovider", *tests], plugins=[FirstFailure(writing, killers)]
                )
            )
        finally:
            os._exit(99)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        nodeid = pipe.read()
    _, status = os.waitpid(child, 0)
    if status == 0:
        return None
    if nodeid in killers:
        killers.remove(nodeid)
    killers.append(nodeid)
    if not nodeid:
        return "out of time or memory" if os.WIFSIGNALED(status) else f"status {os.waitstatus_to_exitcode(status)}"
    return nodeid


def explained() -> set[str]:
    """Read what `Mutant` prints; a paragraph that begins with ``#`` says why those below it may live."""
    return set(SURVIVORS.read_text(encoding="utf-8").strip().split("\n\n"))


def say(line: str, to: TextIO = sys.stdout) -> None:
    to.write(f"{line}\n")
    to.flush()


def prepare() -> None:
    """Do once, before the forks, what would be the same in each."""
    os.chdir(ROOT)
    sys.dont_write_bytecode = False  # or the tests are compiled for each mutant
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(ROOT))
    # For what it imports, and the patterns that it compiles; each mutant imports it anew.
    importlib.import_module("sendertrust")
    for name in [name for name in sys.modules if name.partition(".")[0] == "sendertrust"]:
        del sys.modules[name]
    # The same examples each time, and no longer than it takes to see one fail.
    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("mutants")
    hypothesis.given(hypothesis.strategies.text())(lambda text: None)()
    pytest.main(["--version"])
    gc.collect()
    gc.freeze()


def own_tests(module: str) -> tuple[str, ...]:
    return TESTS.get(module, (f"tests/test_{module}.py",))


def outcomes(module: str, options: argparse.Namespace) -> Iterator[tuple[Mutant, str | None]]:
    """Give each mutant of a module, and the test that it fails."""
    killers: list[str] = []
    for mutant in mutants(module):
        if not re.search(options.only, str(mutant)):
            continue
        killed_by = killer(module, mutant.code, own_tests(module), CPU_SECONDS, killers)
        if killed_by is None and options.all:
            killed_by = killer(module, mutant.code, SECOND_CHANCE, CPU_SECONDS_OF_ALL, killers)
        if options.log:
            with options.log.open("a", encoding="utf-8") as log:
                say(json.dumps([mutant.where, mutant.before, mutant.after, killed_by]), log)
        yield mutant, killed_by


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="+", help="as they are called in the package, without .py")
    parser.add_argument("--only", default="", help="only mutants in whose text this pattern is found")
    parser.add_argument("--all", action="store_true", help="ask the vectors and the laws about survivors, too")
    parser.add_argument("--log", type=Path, help="append what became of each mutant, a line of JSON each")
    options = parser.parse_args()
    prepare()
    known, failed = explained(), False
    for module in options.modules:
        if killer(module, original(module), own_tests(module), CPU_SECONDS, []):
            parser.error(f"the tests of {module} fail without a mutant")
        killed_by: Counter[str] = Counter()
        survivors = set()
        for mutant, test in outcomes(module, options):
            killed_by[(test or "nobody").partition("::")[0]] += 1
            if test is None:
                survivors.add(str(mutant))
            if test is None and str(mutant) not in known:
                say(f"{mutant}\n")
        gone = {mutant for mutant in known if mutant.startswith(f"{module}.") and re.search(options.only, mutant)}
        gone -= survivors
        for text in sorted(gone):
            say(f"does not survive, or is no mutant any more: {text}\n")
        failed |= bool(gone) or not survivors <= known
        say(f"{module}: {killed_by.total()} mutants; killed by {dict(killed_by.most_common())}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

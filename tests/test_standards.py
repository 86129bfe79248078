"""docs/standards.md: each section that the code cites stands there, and all that it names exists."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sendertrust import EPOST, STRICT, SUBMISSION, Policy, TrustLevel, check_message
from sendertrust.address import parse_domain
from sendertrust.maps import parse
from sendertrust.testing import vectors

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "standards.md"
STATUSES: Final = {"Yes", "Partial", "No", "Not ours"}
WHOLE: Final = "all"  # what the page calls an RFC as a whole
NOTHING: Final = "–"
COLUMNS: Final = ("Section", "What it asks", "Status", "Code", "Test")

_SECTION: Final = r"(?:Appendix [A-Z]|[A-Z](?:\.\d+)+|\d+(?:\.\d+)*)(?!\w|\.\d|-[A-Za-z])"
_ASIDE: Final = r"(?: \((?:(?!RFC)[^()])*\))?"  # between two sections: "5.1 (501 5.1.7), 6.1"
_CITATION: Final = re.compile(
    rf"RFC (\d+)(?:,? ((?:{_SECTION})(?:{_ASIDE}(?:, and |, | and | to |-)(?:{_SECTION}))*))?",
)
_WRAP: Final = re.compile(r"[ \t]*\n[ \t#:*]*")
_HEADING: Final = re.compile(r"^## RFC (\d+)\b.*$", re.MULTILINE)
_NAME: Final = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """A line of the page."""

    rfc: int
    section: str
    asks: str
    status: str
    code: str
    test: str

    @property
    def place(self) -> str:
        return f"RFC {self.rfc} {self.section}"


def cited(text: str) -> Iterator[tuple[int, str]]:
    """Give each RFC and section that a text cites, however it is written and wrapped."""
    for number, sections in _CITATION.findall(_WRAP.sub(" ", text)):
        for section in re.findall(_SECTION, re.sub(r"\([^()]*\)", "", sections)) or [WHOLE]:
            yield int(number), section


def order(section: str) -> tuple[object, ...]:
    """The whole first, then sections as numbers go, then appendices."""
    if section == WHOLE:
        return (0,)
    section = section.removeprefix("Appendix ")
    letter, numbers = (section[0], section[2:]) if section[0].isalpha() else ("", section)
    return (2 if letter else 1, letter, *(int(part) for part in numbers.split(".") if part))


@cache
def rows() -> list[Row]:
    found = []
    pieces = _HEADING.split(PAGE.read_text(encoding="utf-8"))[1:]
    for number, piece in zip(pieces[::2], pieces[1::2], strict=True):
        for line in piece.partition("\n## ")[0].splitlines():
            if line.startswith("|"):
                cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
                assert len(cells) == len(COLUMNS), f"RFC {number}: this line needs the columns {COLUMNS}: {line}"
                if tuple(cells) != COLUMNS and set(line) - set("|-"):
                    found.append(Row(int(number), *cells))
    return found


@cache
def sources() -> dict[str, str]:
    """The text of each file of the package and its tests that may cite an RFC."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for folder in ("sendertrust", "tests")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".json", ".md", ".txt", ".sh"} and path != Path(__file__).resolve()
    }


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def is_code(name: str) -> bool:
    """Whether ``module.name`` is something of the package, of whatever depth."""
    module, _, attributes = name.removesuffix("()").partition(".")
    if module == "integrations" and attributes:
        inner, _, attributes = attributes.partition(".")
        module = f"{module}.{inner}"
    try:
        found: object = importlib.import_module(f"sendertrust.{module}")
    except ModuleNotFoundError:
        return False
    for attribute in filter(None, attributes.split(".")):
        if not hasattr(found, attribute):
            return False
        found = getattr(found, attribute)
    return True


@cache
def vector_ids() -> frozenset[str]:
    return frozenset(vector.id for vector in vectors())


def is_test(name: str) -> bool:
    """Whether ``file.py::test`` is a test, or a name without a file a vector."""
    file, colons, function = name.partition("::")
    return function in functions_of(file) if colons else name in vector_ids()


each_row = pytest.mark.parametrize("row", rows(), ids=lambda row: row.place)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RFC 5322 3.6.2", {(5322, "3.6.2")}),
        ("RFC 5322, 3.2.1: a quoted-pair", {(5322, "3.2.1")}),
        ("RFC 5321 4.5.5.", {(5321, "4.5.5")}),
        ("(RFC 6409\n    3.2): never", {(6409, "3.2")}),
        ("# as RFC\n# 6409 6.1 and 6.3", {(6409, "6.1"), (6409, "6.3")}),
        ("RFC 5322, 3.2.3 and 4.1: x; RFC 6532, 3.2: y", {(5322, "3.2.3"), (5322, "4.1"), (6532, "3.2")}),
        ("RFC 5322 3.2-3.4 and 4.4", {(5322, "3.2"), (5322, "3.4"), (5322, "4.4")}),
        ("RFC 5322 3.2 to 3.4, RFC 2047", {(5322, "3.2"), (5322, "3.4"), (2047, WHOLE)}),
        ("RFC 5891 4.2, 5.3: a label", {(5891, "4.2"), (5891, "5.3")}),
        ("RFC 6409 4.3 (530), 5.1 (501 5.1.7, 554 5.6.0) and 6.1 (550)", {(6409, s) for s in ("4.3", "5.1", "6.1")}),
        ("RFC 4954 6 and RFC 5321 4.2.3", {(4954, "6"), (5321, "4.2.3")}),
        ("RFC 5321 Appendix C", {(5321, "Appendix C")}),
        ("RFC 5322 A.1.3", {(5322, "A.1.3")}),
        ("RFC 6532 3.2 allows UTF-8", {(6532, "3.2")}),
        ("RFC 2047 decoding, RFC 822", {(2047, WHOLE), (822, WHOLE)}),
        ("RFC 5322 allows 1, RFC 6409 8-bit", {(5322, WHOLE), (6409, WHOLE)}),
    ],
)
def test_what_is_read_as_a_citation(text: str, expected: set[tuple[int, str]]) -> None:
    assert set(cited(text)) == expected


@pytest.mark.parametrize("folder", ["sendertrust/", "sendertrust/vectors/", "tests/", "tests/integration/"])
def test_citations_are_found_everywhere(folder: str) -> None:
    assert any(any(cited(text)) for path, text in sources().items() if path.rpartition("/")[0] + "/" == folder)


def test_every_citation_stands_in_the_table() -> None:
    known = {(row.rfc, row.section) for row in rows()}
    headed = {row.rfc for row in rows()}
    missing: dict[tuple[int, str], list[str]] = {}
    for path, text in sources().items():
        for rfc, section in cited(text):
            # An RFC that is cited as a whole needs its table, and no row of its own.
            if (rfc, section) not in known and not (section == WHOLE and rfc in headed):
                missing.setdefault((rfc, section), []).append(path)
    assert not missing, "add to docs/standards.md:\n" + "\n".join(
        f"  under '## RFC {rfc}' a row for {section}, cited in {', '.join(sorted(set(paths)))}"
        for (rfc, section), paths in sorted(missing.items(), key=lambda item: (item[0][0], order(item[0][1])))
    )


@each_row
def test_status_is_one_of_four(row: Row) -> None:
    assert row.status in STATUSES, f"{row.place}: write one of {sorted(STATUSES)}, not {row.status!r}"


@each_row
def test_a_row_says_what_is_asked(row: Row) -> None:
    assert row.asks not in {"", NOTHING}, f"{row.place}: say in a few words what the section asks"
    assert row.status not in {"Partial", "No"} or ";" in row.asks, (
        f"{row.place}: say what is missing and why, behind a semicolon"
    )


@each_row
def test_code_exists(row: Row) -> None:
    names = _NAME.findall(row.code)
    assert names or row.code == NOTHING, f"{row.place}: name code as `module.name`, or write {NOTHING}"
    assert names or row.status not in {"Yes", "Partial"}, f"{row.place}: {row.status} must name its code"
    unknown = [name for name in names if not is_code(name)]
    assert not unknown, f"{row.place}: sendertrust has no {', '.join(unknown)}; mend the column Code"


@each_row
def test_tests_exist(row: Row) -> None:
    names = _NAME.findall(row.test)
    assert names or row.test == NOTHING, (
        f"{row.place}: name a test as `file.py::test`, a vector by its id, or {NOTHING}"
    )
    assert names or row.status not in {"Yes", "Partial"}, f"{row.place}: {row.status} must name its test"
    unknown = [name for name in names if not is_test(name)]
    assert not unknown, f"{row.place}: no such test or vector: {', '.join(unknown)}; mend the column Test"


def test_sections_are_sorted_and_unique() -> None:
    places = [(row.rfc, order(row.section)) for row in rows()]
    wrong = [row.place for row, place, before in zip(rows()[1:], places[1:], places, strict=False) if place <= before]
    assert not wrong, f"each stands before its turn, or twice: {', '.join(wrong)}"


@pytest.mark.parametrize("name", ["author.parse_author", "policy.Policy.null_sender", "message", "integrations.milter"])
def test_what_is_code(name: str) -> None:
    assert is_code(name)


@pytest.mark.parametrize("name", ["author.nothing", "nothing.check", "policy.Policy.nothing", "integrations.nothing"])
def test_what_is_no_code(name: str) -> None:
    assert not is_code(name)


def test_what_is_a_test() -> None:
    assert is_test(min(vector_ids()))
    assert is_test("test_standards.py::test_what_is_a_test")


@pytest.mark.parametrize(
    "name",
    ["levels-nothing", "test_standards.py::test_nothing", "test_nothing.py::test_x", "test_standards.py::is_test"],
)
def test_what_is_no_test(name: str) -> None:
    assert not is_test(name)


# Sentences that the page needs a test for, and that no module's own test proves


@pytest.mark.parametrize(
    "destination", ["bob (Bob)", "(Bob) bob", "Bob <bob@a.example>", "<@x.example:bob@a.example>", "@x.example:bob"]
)
def test_aliases_without_routes_and_comments(destination: str) -> None:
    """RFC 822 6.1: 'route-addr = "<" [route] addr-spec ">"'; none is read, and the alias is nobody's."""
    site = parse(f"a: bob\nb: {destination}\n", "aliases", strict=False)
    assert [problem.line for problem in site.problems] == [2]
    assert [entry.login for entry in site.entries] == ["bob", ""]


@pytest.mark.parametrize(
    ("domain", "accepted"),
    [
        # RFC 5891 4.2.3.1: 'MUST NOT contain "--" […] in the third and fourth character positions'
        ("ab--\u00e9.example", False),
        ("a--\u00e9.example", True),
        # 'and MUST NOT start or end with a "-"'
        ("-\u00e9.example", False),
        ("\u00e9-.example", False),
        ("a-\u00e9.example", True),
        # RFC 5891 4.2.3.2: 'MUST NOT begin with a combining mark'
        ("\u0e47a.example", False),
        ("\u0e01\u0e47.example", True),
        # RFC 5891 4.2.3.3: no characters 'whose validity is context-dependent, unless the validity is […] confirmed'
        ("a\u30fbb.example", False),  # a katakana middle dot
        ("\u30a2\u30fb\u30a4.example", True),
        ("a\u00b7a.example", False),  # a middle dot
        ("l\u00b7l.example", True),
        # RFC 5892: UNASSIGNED, and DISALLOWED
        ("\u0378.example", False),
        ("\u2603.example", False),
        # RFC 5893 2, conditions 1, 2, 3, 5: 'The first character must be a character with Bidi property L, R, or AL'
        ("1\u05d0.example", False),
        ("\u05d0a.example", False),
        ("\u05d0+.example", False),
        ("a\u05d0.example", False),
        ("\u05d0.example", True),
        ("\u05d01.example", True),
    ],
    ids=ascii,
)
def test_labels_beyond_ascii(domain: str, *, accepted: bool) -> None:
    assert isinstance(parse_domain(domain), str) is accepted


@pytest.mark.parametrize("beside", ["1a.{}", "{}.1a", "{}.1"])
def test_ascii_labels_beside_a_right_to_left_one(beside: str) -> None:
    """RFC 5893 2: 'Note that even LTR labels and pure ASCII labels have to be tested': here they are not."""
    assert parse_domain(beside.format("\u05d0")) == beside.format("xn--4db")


@pytest.mark.parametrize("policy", [EPOST, SUBMISSION, STRICT], ids=lambda policy: policy.name)
@pytest.mark.parametrize(
    "fields",
    [
        ["Resent-To: x@y.example"],
        ["Resent-To: x@y.example", "Resent-From: u@a.example"],
        ["Resent-From: u@a.example", "Resent-From: u@a.example", "Resent-Date: x"],
        ["Resent-Sender: u@a.example", "Resent-Sender: u@a.example", "Resent-From: u@a.example"],
    ],
    ids=", ".join,
)
def test_resent_fields_need_not_match(fields: list[str], policy: Policy) -> None:
    """RFC 5321 3.3: 'they MUST NOT reject messages in which the numbers of Resent-header fields do not match'."""
    block = "".join(f"{field}\r\n" for field in ["From: u@a.example", *fields]).encode()
    assert check_message("u@a.example", "u@a.example", block, policy=policy, level=TrustLevel.HEADER).findings == ()

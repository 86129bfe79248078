"""Work counted without a clock: every call, every character that a pattern tries, whatever C loop hides it.

The package is imported once more with `re.compile` replaced, so that each of
its patterns is also run by `Meter`, a small matcher that counts what it does
(and must find the same as `re`). A built-in string method counts as many
steps as its string is long. Operators do not count, nor what a built-in does
with a list: `bench_linear.py` has the clock for those. The constants are
generous, twice what was measured; what they exclude is growth, from a length
to four times that length.

The matcher is slow, hence the short inputs: ``SENDERTRUST_SCALE=8 pytest
tests/properties/test_linear.py`` takes longer ones (some minutes).
"""

from __future__ import annotations

import base64
import contextlib
import functools
import importlib
import os
import pkgutil
import re
import sys
import types
import unicodedata
from typing import TYPE_CHECKING, Any
from unittest import mock

import attrs
import pytest

from sendertrust.encoded_word import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Question = Callable[[], Any]  # gives a verdict

OWN = "user1@test-sample.jp"
SCALE = int(os.environ.get("SENDERTRUST_SCALE", "1"))
RAISED = 100 * SCALE

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")
_op: Any = importlib.import_module("re._constants")
_ONE_CHARACTER = {_op.LITERAL, _op.NOT_LITERAL, _op.IN, _op.ANY}


class Meter:
    """Runs parsed patterns as `re` does, backtracking where it does, and counts the steps."""

    def __init__(self) -> None:
        self.steps = 0
        self.runs: dict[tuple[int, int], re.Pattern[str]] = {}

    def run(self, node: Any, text: str, at: int, end: int, flags: int) -> int:
        """Give where the run of characters ends that a node takes, each of them a step, and so is the last look."""
        key = (id(node), flags)
        if key not in self.runs:
            state = _parser.State()
            state.flags = flags
            repeat = (_op.POSSESSIVE_REPEAT, (0, _op.MAXREPEAT, _parser.SubPattern(state, [node])))
            self.runs[key] = _compiler.compile(_parser.SubPattern(state, [repeat]), flags)
        found = self.runs[key].match(text, at, end)
        assert found is not None
        self.steps += found.end() - at + 1
        return found.end()

    def match(  # noqa: C901, PLR0912 - one arm for each kind of node
        self, nodes: Any, text: str, at: int, end: int, flags: int, then: Callable[[int], int | None]
    ) -> int | None:
        """Match *nodes* at *at* and go on with *then*; give where that ends."""

        def rest(index: int) -> Callable[[int], int | None]:
            return lambda place: self.match(nodes[index:], text, place, end, flags, then)

        for index, (kind, argument) in enumerate(nodes):
            self.steps += 1
            if kind in _ONE_CHARACTER:
                if self.run(nodes[index], text, at, min(end, at + 1), flags) == at:
                    return None
                at += 1
            elif kind is _op.AT:
                begins = at == 0 or (argument is _op.AT_BEGINNING and flags & re.MULTILINE and text[at - 1] == "\n")
                if not (at == end if argument is _op.AT_END_STRING else begins):
                    return None
            elif kind in {_op.ASSERT, _op.ASSERT_NOT}:
                if self._looks(argument, text, at, end, flags) is (kind is _op.ASSERT_NOT):
                    return None
            elif kind is _op.SUBPATTERN:
                _, add, _, inner = argument
                return self.match(inner, text, at, end, flags | add, rest(index + 1))
            elif kind is _op.BRANCH:
                ends = (self.match(branch, text, at, end, flags, rest(index + 1)) for branch in argument[1])
                return next((place for place in ends if place is not None), None)
            elif kind is _op.ATOMIC_GROUP:
                place = self.match(argument, text, at, end, flags, _anywhere)
                if place is None:
                    return None
                at = place
            else:
                places = self._rounds(argument, text, at, end, flags)
                if kind is not _op.POSSESSIVE_REPEAT:
                    ends = (rest(index + 1)(place) for place in reversed(places))
                    return next((place for place in ends if place is not None), None)
                if not places:
                    return None
                at = places[-1]
        return then(at)

    def _looks(self, argument: Any, text: str, at: int, end: int, flags: int) -> bool:
        direction, inner = argument
        start = at if direction > 0 else at - inner.getwidth()[0]
        return start >= 0 and self.match(inner, text, start, end, flags, lambda place: place) is not None

    def _rounds(self, argument: Any, text: str, at: int, end: int, flags: int) -> Sequence[int]:
        """Give where a repeat may end, the most rounds last; most repeats are of one class of characters."""
        low, high, inner = argument
        if len(inner) == 1 and inner[0][0] in _ONE_CHARACTER:
            return range(at, self.run(inner[0], text, at, min(end, at + high), flags) + 1)[low:]
        places = [at]
        while len(places) <= high:
            place = self.match(inner, text, at, end, flags, lambda place: place)
            if place is None:
                break
            places.append(at := place)
        return places[low:]


def _anywhere(place: int) -> int:
    return place


class Counted:
    """A compiled pattern whose every use is run by a meter too."""

    def __init__(self, meter: Meter, pattern: Any, flags: int = 0) -> None:
        self.meter, self.real = meter, _compile(pattern, flags)
        self.tree = list(_parser.parse(pattern, flags))
        self.flags, self.pattern = self.real.flags, self.real.pattern

    def _check(self, text: Any, places: range, end: int, found: Any, then: Callable[[int], int | None]) -> None:
        """Run the meter at each of some places, of which the last one is where something is found, if it is."""
        text = text.decode("latin-1") if isinstance(text, bytes) else text
        before = sys.getprofile()
        sys.setprofile(None)  # what the meter calls is no work of the package
        try:
            for place in places:
                ends = self.meter.match(self.tree, text, place, end, self.flags, then)
                assert ends == (found.end() if found and place == places[-1] else None)
        finally:
            sys.setprofile(before)

    def match(self, text: str, at: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        found: re.Match[str] | None = self.real.match(text, at, end)
        self._check(text, range(at, at + 1), min(end, len(text)), found, _anywhere)
        return found

    def fullmatch(self, text: str) -> re.Match[str] | None:
        found: re.Match[str] | None = self.real.fullmatch(text)
        end = len(text)
        self._check(text, range(1), end, found, lambda place: place if place == end else None)
        return found

    def search(self, text: str, at: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        found: re.Match[str] | None = self.real.search(text, at, end)
        end = min(end, len(text))
        self._check(text, range(at, (found.start() if found else end) + 1), end, found, _anywhere)
        return found

    def finditer(self, text: str, at: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        while found := self.search(text, at, end):
            at = found.end()
            assert at > found.start()
            yield found

    def sub(self, replacement: Any, text: str) -> Any:
        list(self.finditer(text))
        return self.real.sub(replacement, text)

    def split(self, text: str) -> list[str]:
        list(self.finditer(text))
        split: list[str] = self.real.split(text)
        return split


_compile = re.compile
# Methods that look at no more than an end of their string; `rfind` looks at one line, which the next call skips.
_NOT_OF_THE_WHOLE = {"startswith", "endswith", "isascii", "rfind"}


@attrs.define
class Package:
    """The package with its patterns counted."""

    meter: Meter
    root: Any
    modules: dict[str, Any]
    #: `STRICT`, which looks at most, with its limits raised.
    boundless: Any

    def steps_of(self, question: Question) -> tuple[int, set[str]]:
        """Ask; give the steps that it took, and the rules that the answer finds broken."""
        self.meter.steps = 0

        def profile(frame: types.FrameType, kind: str, function: Any) -> None:
            if kind not in {"call", "c_call"} or frame.f_code.co_filename == __file__:
                return
            self.meter.steps += 1
            itself = getattr(function, "__self__", None) if kind == "c_call" else None
            if isinstance(itself, str | bytes) and function.__name__ not in _NOT_OF_THE_WHOLE:
                self.meter.steps += len(itself)

        before = sys.getprofile()
        sys.setprofile(profile)
        try:
            verdict = question()
        finally:
            sys.setprofile(before)
        return self.meter.steps, {finding.rule for finding in verdict.findings}


def normalize(meter: Meter) -> Callable[[str, str], str]:
    """Count what normalising moves: it sorts each run of combining marks by insertion."""

    def counted(form: Any, text: str) -> str:
        run: dict[int, int] = {}
        for character in text:
            meter.steps += 1
            if mark := unicodedata.combining(character):
                meter.steps += sum(count for other, count in run.items() if other > mark)
                run[mark] = run.get(mark, 0) + 1
            else:
                run.clear()
        return unicodedata.normalize(form, text)

    return counted


def is_normalized(meter: Meter) -> Callable[[str, str], bool]:
    """Count one look at each character: it stops at the first mark out of order, and sorts nothing."""

    def counted(form: Any, text: str) -> bool:
        meter.steps += len(text)
        return unicodedata.is_normalized(form, text)

    return counted


@contextlib.contextmanager
def without_package() -> Iterator[None]:
    saved = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "sendertrust"}
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "sendertrust"]:
            del sys.modules[name]
        sys.modules.update(saved)


@pytest.fixture(scope="module")
def package() -> Package:
    importlib.import_module("sendertrust")  # with what it depends on, whose patterns are its own affair
    meter = Meter()
    with without_package(), mock.patch("re.compile", lambda pattern, flags=0: Counted(meter, pattern, flags)):
        root = importlib.import_module("sendertrust")
        inside = "sendertrust."
        modules: dict[str, Any] = {
            name.removeprefix(inside): module for name, module in sys.modules.items() if name.startswith(inside)
        }
    for name in ("address", "display_name"):
        unicode = types.SimpleNamespace(normalize=normalize(meter), is_normalized=is_normalized(meter))
        modules[name].unicodedata = unicode  # it has what the module needs of it
    limits = [field.name for field in attrs.fields(type(root.STRICT)) if field.name.startswith("max_")]
    raised = {limit: getattr(root.STRICT, limit) * RAISED for limit in limits}
    boundless = attrs.evolve(root.STRICT, multiple_authors="all_must_match", **raised)
    return Package(meter, root, modules, boundless)


@pytest.fixture
def raised(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise every limit of every module too, so that what is asked is read to its end."""
    for module in package.modules.values():
        for name, limit in list(vars(module).items()):
            if name.startswith(("MAX_", "_MAX_")):
                monkeypatch.setattr(module, name, limit * RAISED)


# Shapes: what is repeated, and what stands around it

PIECES = {
    "parentheses": "(",
    "pairs of parentheses": "()",
    "words and comments": "a@b (c) ",
    "commas": ",",
    "list": "a,",
    "list of addresses": "a@b.example,",
    "list of named addresses": f'"x" <{OWN}>,',
    "hidden in a list": f'"<x@y.example>" <{OWN}>,',
    "quotes": '"',
    "quoted strings": '"a" ',
    "escapes": "\\",
    "escaped quotes": '\\"',
    "at signs": "@",
    "addresses": "x@y ",
    "apostrophes": "'@' ",
    "open angles": "<",
    "angles": "<@>",
    "blanks": " ",
    "folds": "\r\n a",
    "dots": ".",
    "semicolons": ";",
    "brackets": "[",
    "starts of words": "=?",
    "question marks": "?",
    "unclosed words": "=?utf-8?q?",
    "unclosed words apart": "=?utf-8?q?a ",
    "words": "=?utf-8?q?=3Cx=40y.z=3E?= ",
    "words apart": "=?utf-8?q?=40?= a ",
    "words in base64": "=?utf-8?b?PHhAeS56Pg==?= ",
    "broken base64": "=?utf-8?b?PHhAe?= ",
    "words in words": "=?utf-8?q?=3D=3Futf-8=3Fq=3F=40=3F=3D?= ",
    "words in utf-7": "=?utf-7?q?+AEA-?= ",
    "words in iso-2022-jp": "=?iso-2022-jp?b?GyRCOzNFRBsoQg==?= ",
    "letters": "\u3042",
    "expanding letters": "\ufdfa",
    "marks": "\u0301",
    "undecodable": "\udc80",
    "atom": "a",
}
PLACES: dict[str, Callable[[str], str]] = {
    "name": lambda text: f"{text} <{OWN}>",
    "quoted": lambda text: f'"{text}@" <{OWN}>',
    "comment": lambda text: f"{OWN} ({text}@)",
}
#: What stands in one encoded-word, of which all of it comes out.
DECODED = (
    *('\\"', '"', "(", "<", "@", ";", "=?", "x@y ", '"@', "\\(", "(@", '"a"', "(a)", "<a>", "[a]"),
    *("=?x?q?@?= ", "=??q??=", "=?x?q?@?= =?y?q?\u2039?= ", "=?x?q?=28?= ", "=?x?q?=22?= ", "=?x?q?=5B?= "),
)
#: Pieces that differ in a number.
NUMBERED = {
    "addresses": "a{}@b.example ",
    "addresses, list": "a{}@b.example,",
    "named addresses, list": '"c{0}@d.example" <a{0}@b.example>,',
    "words": "=?utf-8?q?a{}=40b.example?= ",
    "words of many charsets": "=?x{}?q?=40?= ",
    "words, list": "=?x?q?{0}?= <a{0}@b.example>,",
    "words in comments, list": "a{0}@b.example (=?x?q?{0}?=),",
    "comments": "(a{}@b.example)",
}
CLAIMS: dict[str, Callable[[str], str]] = {
    "local part": lambda text: f"{text}@test-sample.jp",
    "quoted local part": lambda text: f'"{text}"@test-sample.jp',
    "domain": lambda text: f"user1@a{text}",
    "path": lambda text: f"<{text}>",
}
PIECES_OF_CLAIMS = (
    *("parentheses", "quotes", "escapes", "escaped quotes", "at signs", "dots", "starts of words", "words"),
    *("letters", "expanding letters", "marks", "undecodable", "atom"),
)
LINES = {
    "From fields": b"From: a@b.example\r\n",
    "Sender fields": b"Sender: user1@test-sample.jp\r\n",
    "Resent-From fields": b'Resent-From: "<a@b.example>" <user1@test-sample.jp>\r\n',
    "fields": b"x:\r\n",
    "folded fields": b"x: y\r\n z\r\n",
    "folds": b" y\r\n",
    "no fields": b"x\r\n",
    "colons": b":",
    "bare CR": b"x:\r",
    "NUL": b"x:\0\r\n",
    "UTF-8": b"x: \xe3\x81\x82\r\n",
}
#: Steps an octet.
MOST_STEPS_OF_A_BODY = 1000
MOST_STEPS_OF_A_BLOCK = 40
MOST_STEPS_OF_A_CLAIM = 100
MOST_STEPS_OF_A_LIST = 100
MOST_STEPS_OF_WHAT_IS_REFUSED = 200
#: Four times the input may take so many times the steps.
MOST_GROWTH = 4.4
#: The rules of what is too long, too deep or too many, and is not read to its end.
UNREAD = {
    *("address-too-long", "block-too-long", "comment-too-deep", "field-too-long", "line-too-long"),
    "too-many-fields",
}


def octets_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def short_and_long(piece: str, octets: int) -> tuple[str, str]:
    """Repeat a piece to about so many octets, and four times as often."""
    times = max(SCALE * octets // octets_of(piece), 4)
    return piece * times, piece * times * 4


def sorted_marks(octets: int) -> str:
    """Combining marks in the wrong order: each of the second half belongs before all of the first."""
    return "\u0301" * (octets // 4) + "\u0316" * (octets // 4)


def in_a_word(text: str) -> str:
    """Hide a text, on lines that are not too long, behind which is an at sign that makes it worth a look."""
    in_base64 = base64.encodebytes(f"{text}@".encode()).decode().strip().replace("\n", "\r\n ")
    return f"=?utf-8?b?{in_base64}?="


def assert_linear(package: Package, questions: list[Question], octets: list[int], most: int) -> None:
    """Of an input, and of one four times as long; and that both are read to their end."""
    (few, some), (many, others) = (package.steps_of(question) for question in questions)
    assert UNREAD.isdisjoint(some | others)
    assert few <= most * octets[0]
    assert many <= most * octets[1]
    assert many <= MOST_GROWTH * few + 1000, (few, many)


def of_bodies(package: Package, bodies: tuple[str, ...]) -> None:
    def ask(body: str) -> Question:
        return lambda: package.root.check_message(OWN, OWN, [("From", body)], policy=package.boundless)

    assert_linear(package, [ask(body) for body in bodies], list(map(octets_of, bodies)), MOST_STEPS_OF_A_BODY)


@pytest.fixture
def one_reader(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reader looks by itself: with one of them the test is quick, and growth shows sooner."""
    encoded_word = package.modules["encoded_word"]
    monkeypatch.setattr(encoded_word, "READERS", encoded_word.READERS[:1])


@pytest.mark.usefixtures("raised", "one_reader")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", PIECES)
def test_work_on_a_field(package: Package, name: str, place: str) -> None:
    """7. Time and memory are linear in the total input."""
    of_bodies(package, tuple(map(PLACES[place], short_and_long(PIECES[name], 60))))


@pytest.mark.usefixtures("raised", "one_reader")
@pytest.mark.parametrize("place", PLACES)
def test_work_on_a_field_of_marks(package: Package, place: str) -> None:
    """7. Likewise where the work is in the standard library."""
    of_bodies(package, tuple(PLACES[place](sorted_marks(octets * SCALE)) for octets in (300, 1200)))


@pytest.mark.usefixtures("raised", "one_reader")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("piece", ["=?x?q?@?= ", "=??q??=", "=?x?q?@?= =?y?q?\u2039?= ", "\u2039\u203a@"])
def test_work_on_many_small_pieces(package: Package, piece: str, place: str) -> None:
    """7. Likewise of so many words, or brackets, that what each costs beside its own length shows."""
    of_bodies(package, tuple(map(PLACES[place], short_and_long(piece, 300))))


@pytest.mark.usefixtures("raised", "one_reader")
@pytest.mark.parametrize("piece", DECODED)
def test_work_on_what_is_decoded(package: Package, piece: str) -> None:
    """7. Likewise of what an encoded-word hides, where quotes and comments need not be closed."""
    of_bodies(package, tuple(f"{in_a_word(text)} <{OWN}>" for text in short_and_long(piece, 60)))


@pytest.mark.usefixtures("raised", "one_reader")
@pytest.mark.parametrize("name", NUMBERED)
def test_work_on_different_pieces(package: Package, name: str) -> None:
    """7. Likewise where no piece is that before, and no source of aliases tells whose its address is."""
    bodies = ["".join(map(NUMBERED[name].format, range(many))) + f" <{OWN}>" for many in (4 * SCALE, 16 * SCALE)]

    def ask(body: str) -> Question:
        root = package.root
        return lambda: root.check_message(OWN, OWN, [("From", body)], root.LOOKUP_FAILED, policy=package.boundless)

    assert_linear(package, [ask(body) for body in bodies], list(map(octets_of, bodies)), MOST_STEPS_OF_A_BODY)


@pytest.mark.usefixtures("raised")
@pytest.mark.parametrize("name", ["words in words", "broken base64"])
@pytest.mark.parametrize("reader", range(len(READERS)))
def test_work_of_a_reader(package: Package, reader: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """7. Likewise of each reader through whose eyes a name is searched."""
    encoded_word = package.modules["encoded_word"]
    monkeypatch.setattr(encoded_word, "READERS", encoded_word.READERS[reader : reader + 1])
    of_bodies(package, tuple(map(PLACES["quoted"], short_and_long(PIECES[name], 60))))


@pytest.mark.usefixtures("raised")
def test_all_readers(package: Package) -> None:
    """7. Likewise of all of them together."""
    of_bodies(package, tuple(map(PLACES["name"], short_and_long(PIECES["words"], 60))))


def of_claims(package: Package, claims: tuple[str, ...], argument: str) -> None:
    def ask(claim: str) -> Question:
        arguments: dict[str, Any] = {"auth_id": OWN, "envelope_from": OWN, "header_from": package.root.UNSEEN}
        arguments[argument] = [claim] if argument == "aliases" else claim
        return lambda: package.root.check(**arguments)

    octets = [octets_of(claim) + 100 for claim in claims]
    assert_linear(package, [ask(claim) for claim in claims], octets, MOST_STEPS_OF_A_CLAIM)


@pytest.mark.usefixtures("raised")
@pytest.mark.parametrize("argument", ["auth_id", "envelope_from", "aliases"])
@pytest.mark.parametrize("place", CLAIMS)
@pytest.mark.parametrize("name", PIECES_OF_CLAIMS)
def test_work_on_a_claim(package: Package, name: str, place: str, argument: str) -> None:
    """7. Likewise of a login, an envelope and an alias, with all limits raised."""
    of_claims(package, tuple(map(CLAIMS[place], short_and_long(PIECES[name], 120))), argument)


@pytest.mark.usefixtures("raised")
@pytest.mark.parametrize("argument", ["auth_id", "envelope_from", "aliases"])
@pytest.mark.parametrize("place", ["local part", "quoted local part"])
def test_work_on_a_claim_of_marks(package: Package, place: str, argument: str) -> None:
    """7. Likewise where the work is in the standard library."""
    claims = tuple(CLAIMS[place](sorted_marks(octets * SCALE)) for octets in (300, 1200))
    of_claims(package, claims, argument)


@pytest.mark.usefixtures("raised")
@pytest.mark.parametrize("before", [b"", b"From: user1@test-sample.jp\r\nx: y\r\n"], ids=["alone", "after From"])
@pytest.mark.parametrize("name", LINES)
def test_work_on_a_block(package: Package, name: str, before: bytes) -> None:
    """7. Likewise of a header block."""

    def ask(block: bytes) -> Question:
        return lambda: package.root.check_message(OWN, OWN, block, policy=package.boundless)

    times = 1000 * SCALE // len(LINES[name])
    blocks = [before + LINES[name] * times, before + LINES[name] * (4 * times)]
    assert_linear(package, [ask(block) for block in blocks], list(map(len, blocks)), MOST_STEPS_OF_A_BLOCK)


#: Arguments that are lists, of so many elements, for `check` (From bodies, aliases) and `check_message` (pairs).
LISTS: dict[str, Callable[[Package, int], Question]] = {
    "bodies": lambda package, many: lambda: package.root.check(OWN, OWN, ["a@b.example"] * many),
    "pairs": lambda package, many: lambda: package.root.check_message(OWN, OWN, [("x", "y")] * many),
    "From pairs": lambda package, many: lambda: package.root.check_message(OWN, OWN, [(b"From", b"a@b")] * many),
    "Sender pairs": lambda package, many: (
        lambda: package.root.check_message(OWN, OWN, [("Sender", OWN)] * many, policy=package.boundless)
    ),
    "aliases of a message": lambda package, many: (
        lambda: package.root.check_message(OWN, OWN, b"", [f"a{number}@b.example" for number in range(many)])
    ),
    "aliases": lambda package, many: (
        lambda: package.root.check(OWN, OWN, package.root.UNSEEN, [f"a{number}@b.example" for number in range(many)])
    ),
    "malformed aliases": lambda package, many: (
        lambda: package.root.check(OWN, OWN, package.root.UNSEEN, [f"a {number}" for number in range(many)])
    ),
}


@pytest.mark.usefixtures("raised")
@pytest.mark.parametrize("name", LISTS)
def test_work_on_a_list(package: Package, name: str) -> None:
    """7. A compiled `Aliases` adds O(1), a plain list its length; so do fields and pairs."""
    many = 50 * SCALE
    octets = [10 * many, 40 * many]
    assert_linear(package, [LISTS[name](package, many), LISTS[name](package, 4 * many)], octets, MOST_STEPS_OF_A_LIST)


# The limits as they are: so much is read to its end, and more is refused, and both with little work


def lines(piece: str, octets: int) -> str:
    """Give text of so many octets on lines that are not too long."""
    line = piece * (900 // len(piece)) + "\r\n "
    return (line * (octets // len(line) + 1))[:octets]


def with_line_ends(body: str, end_of_line: str) -> str:
    """Change the line ends of a body, and not its length."""
    return body.replace("\r\n", end_of_line).rjust(len(body))


ALIAS = "a{}@department.example"


def body_of_addresses(many: int) -> str:
    addresses = [f"<{ALIAS.format(number)}>" for number in range(many)]
    return '"' + "\r\n ".join(addresses) + f'" <{OWN}>'


def block_of_octets(octets: int, end_of_line: str) -> str:
    line = "x:" + "y" * 50 + end_of_line
    block = f"From:{OWN}{end_of_line}" + line * ((octets - 100) // len(line))
    return block + "z:".ljust(octets - len(block), "y")


def block_of_fields(many: int, end_of_line: str) -> str:
    return end_of_line.join([f"From:{OWN}", *["x:"] * (many - 1)])


def block_of_senders(many: int, end_of_line: str) -> str:
    return end_of_line.join([f"From:{OWN}", *[f"Sender:{OWN}"] * many])


def block_of_octets_of_senders(octets: int, end_of_line: str) -> str:
    bodies = [OWN.ljust(50)] * (octets // 50) + ["y"] * (octets % 50)
    return end_of_line.join([f"From:{OWN}", *[f"Resent-From:{body}" for body in bodies]])


#: Of an address: how long a part of it may be, the rule that is broken if it is longer, and one with a part so long.
#: No local part has letters of two cases.
PARTS: dict[str, tuple[int, str, Callable[[int], str]]] = {
    "local part": (64, "address-too-long", lambda octets: "1" * octets + "@test-sample.jp"),
    "quoted local part": (64, "address-too-long", lambda octets: '"' + " " * (octets - 2) + '"@test-sample.jp'),
    "letters of a local part": (21, "address-too-long", lambda many: "\u3042" * many + "@test-sample.jp"),
    "label": (63, "domain-syntax", lambda octets: "1@" + "a" * octets + ".jp"),
    "letters of a label": (57, "domain-idna", lambda many: "1@" + "\u3042" * many + ".jp"),
    "domain": (252, "address-too-long", lambda octets: "1@" + ("a." * octets)[: octets - 2] + "jp"),
    "atom": (1024, "address-too-long", lambda octets: "1" * octets),
    "dots": (1024, "address-too-long", lambda octets: "." * octets),
    "at signs": (1024, "address-too-long", lambda octets: "@" * octets),
    "escapes": (1024, "address-too-long", lambda octets: '"' + "\\" * (octets - 2) + '"'),
    "words": (1024, "address-too-long", lambda octets: ("=??Q?=40?=" * octets)[:octets]),
}
#: Where it stands.
ARGUMENTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "login": lambda claim: {"auth_id": claim.upper(), "envelope_from": claim},
    "envelope": lambda claim: {"envelope_from": claim, "aliases": ["*"]},
    "octets of an envelope": lambda claim: {"envelope_from": claim.encode(), "aliases": ["*"]},
    "alias": lambda claim: {"envelope_from": claim, "aliases": [claim]},
}
FUNCTIONS: dict[str, dict[str, Any]] = {"check": {"header_from": OWN}, "check_message": {"message": [("From", OWN)]}}

#: Of a From body: how many of something it may have, the rule that is broken if it has more, and a body with so many.
BODIES: dict[str, tuple[int, str, Callable[[int], str]]] = {
    "octets": (8192, "field-too-long", lambda octets: f"{lines('abcdefghi ', octets - len(OWN) - 2)}<{OWN}>"),
    "octets in quotes": (8192, "field-too-long", lambda octets: f'"{lines("x@y ", octets - len(OWN) - 5)}" <{OWN}>'),
    "octets of a line": (998, "line-too-long", lambda octets: "\r\n " + "a" * (octets - len(OWN) - 3) + f"<{OWN}>"),
    "comments in comments": (16, "comment-too-deep", lambda many: OWN + "(" * many + ")" * many),
    "mailboxes": (64, "field-too-long", lambda many: ",\r\n ".join([f'"x@y" (z) <{OWN}>'] * many)),
    "bare mailboxes": (64, "field-too-long", lambda many: ",\r\n ".join([f"{OWN} (z)"] * many)),
    "words": (32, "field-too-long", lambda many: "=?utf-8?q?=40?=\r\n " * many + f"<{OWN}>"),
    "words in a comment": (32, "field-too-long", lambda many: OWN + " (" + "=?utf-8?b?QA==?=\r\n " * many + ")"),
    "words in a word": (32, "field-too-long", lambda many: in_a_word("=?u7?q?_ @?= " * many) + f" <{OWN}>"),
    "addresses": (32, "hidden-address", body_of_addresses),
}
#: How it is handed over.
FORMS: dict[str, Callable[[str], dict[str, Any]]] = {
    "text": lambda body: {"header_from": body},
    "list of octets": lambda body: {"header_from": [body.encode()]},
    "pairs": lambda body: {"message": [("From", body)]},
    "block": lambda body: {"message": f"From:{body}\r\n".encode()},
    "text with LF": lambda body: {"header_from": with_line_ends(body, "\n"), "line_ends": "lf"},
    "block with LF": lambda body: {"message": f"From:{with_line_ends(body, chr(10))}\n".encode(), "line_ends": "lf"},
}

#: Of a header block, its limits made smaller: likewise, and a block with such line ends but without the last one.
BLOCKS: dict[str, tuple[int, str, Callable[[int, str], str]]] = {
    "octets": (12_000, "block-too-long", block_of_octets),
    "fields": (1_000, "block-too-long", block_of_fields),
    "Sender fields": (64, "too-many-fields", block_of_senders),
    "octets of Resent-From": (2_000, "too-many-fields", block_of_octets_of_senders),
}


def assert_little_work(
    package: Package, limit: int, rule: str, ask: Callable[[int], dict[str, Any]], most: int, **smaller: int
) -> None:
    """At a limit, one over it and far over it; *smaller* are limits of the policy."""
    for many in (limit, limit + 1, 4 * limit):
        arguments = {"auth_id": OWN, "envelope_from": OWN, **ask(many)}
        function, policy = package.root.check, package.root.SUBMISSION
        if "message" in arguments:
            function, policy = package.root.check_message, package.root.STRICT
        policy = attrs.evolve(policy, multiple_authors="all_must_match", **smaller)
        steps, broken = package.steps_of(functools.partial(function, **arguments, policy=policy))
        assert steps <= (most if many == limit else MOST_STEPS_OF_WHAT_IS_REFUSED) * octets_in(list(arguments.values()))
        assert (rule in broken) is (many > limit)
        assert many > limit or broken.isdisjoint({*UNREAD, "envelope-owner"})


def octets_in(argument: Any) -> int:
    if isinstance(argument, list | tuple):
        return sum(map(octets_in, argument))
    if isinstance(argument, str):
        return octets_of(argument)
    return len(argument) if isinstance(argument, bytes) else 0


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("part", PARTS)
def test_work_on_a_claim_at_its_limits(package: Package, part: str, argument: str, function: str) -> None:
    """7. Likewise at the limits themselves, of a login, an envelope and an alias."""
    limit, rule, claim = PARTS[part]

    def ask(many: int) -> dict[str, Any]:
        return FUNCTIONS[function] | ARGUMENTS[argument](claim(many))

    assert_little_work(package, limit, rule, ask, MOST_STEPS_OF_A_CLAIM)


@pytest.mark.parametrize(
    ("name", "form"),
    [(name, form) for name in BODIES for form in FORMS if form == "pairs" or name in {"octets", "octets of a line"}],
)
def test_work_on_a_field_at_its_limits(package: Package, name: str, form: str) -> None:
    """7. Likewise of a From field, in each form of it."""
    limit, rule, body = BODIES[name]
    # That no address in a name is foreign; compiled before, they are no work.
    aliases = package.root.Aliases([ALIAS.format(number) for number in range(4 * 32)])

    def ask(many: int) -> dict[str, Any]:
        return {"aliases": aliases} | FORMS[form](body(many))

    assert_little_work(package, limit, rule, ask, MOST_STEPS_OF_A_BODY)


@pytest.mark.parametrize("end_of_line", ["\r\n", "\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("form", ["block", "pairs"])
@pytest.mark.parametrize("name", BLOCKS)
def test_work_on_a_block_at_its_limits(
    package: Package, name: str, form: str, end_of_line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """7. Likewise of a header block, in each form of it."""
    limit, rule, block = BLOCKS[name]
    monkeypatch.setattr(package.modules["message"], "_MAX_FIELDS", BLOCKS["fields"][0])

    def ask(many: int) -> dict[str, Any]:
        text = block(many, end_of_line)
        pairs = [tuple(field.split(":")) for field in text.split(end_of_line)]
        message = (text + end_of_line).encode() if form == "block" else pairs
        return {"message": message, "line_ends": "crlf" if end_of_line == "\r\n" else "lf"}

    smaller = {"max_block_octets": BLOCKS["octets"][0], "max_field_octets": BLOCKS["octets of Resent-From"][0]}
    most = MOST_STEPS_OF_A_BLOCK if form == "block" else MOST_STEPS_OF_A_LIST
    assert_little_work(package, limit, rule, ask, most, **smaller)


def test_the_meter_sees_what_a_pattern_hides() -> None:
    """Two patterns that are not linear are found out, one that backtracks and one that starts over."""
    for pattern, text in ((r"(?:a|b|ab)+c", "ab" * 9), (r"a[ab]*c", "ab" * 200)):
        meter = Meter()
        counted = Counted(meter, pattern)
        counted.search(text)
        few = meter.steps
        counted.search(text * 2)
        assert meter.steps - few > 3 * few


# Patterns that Python before 3.11.5 reads otherwise


def possessive_groups(tree: Any) -> int:
    """Count what is repeated possessively and is more than one character, at any depth of a parsed pattern."""
    if isinstance(tree, tuple) and tree and tree[0] is _op.POSSESSIVE_REPEAT:
        _, _, inner = tree[1]
        return (len(inner) != 1 or inner[0][0] not in _ONE_CHARACTER) + possessive_groups(inner)
    if isinstance(tree, tuple | list | _parser.SubPattern):
        return sum(possessive_groups(node) for node in tree)
    return 0


def test_no_group_is_possessive() -> None:
    """Changelog of CPython 3.11.5: "re module: fix the matching of possessive quantifiers in the case of a subpattern
    containing backtracking" (gh-106052).
    """
    compiled: list[re.Pattern[Any]] = []

    def seen(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        compiled.append(_compile(pattern, flags))
        return compiled[-1]

    with without_package(), mock.patch("re.compile", seen):
        for module in pkgutil.iter_modules(importlib.import_module("sendertrust").__path__):
            if module.name != "__main__":  # it runs
                importlib.import_module(f"sendertrust.{module.name}")
    assert len(compiled) > 50
    wrong = [found.pattern for found in compiled if possessive_groups(_parser.parse(found.pattern, found.flags))]
    assert wrong == []


def test_possessive_groups_are_seen() -> None:
    assert possessive_groups(_parser.parse(r"(?:ab)*+|(?>(?:(b.)?+x)*)|(?=(?:ab?c){2}+)")) == 3
    assert possessive_groups(_parser.parse(r"[()*+,\]]++(?>(?:a++)*)a*+(b)+.?+")) == 0

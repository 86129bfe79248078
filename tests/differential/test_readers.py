"""No reader takes somebody else for the author of what sendertrust accepts."""

from __future__ import annotations

import os
import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import idna
import pytest
from known_exceptions import EXCEPTIONS, FLAGGED, KnownException, Why, excused
from mail_bodies import (
    FOREIGN,
    OWN,
    accepted_vectors,
    block_of_vector,
    blocks_of_tables,
    bodies_of_tables,
    bodies_of_vector,
    generated_blocks,
    generated_bodies,
)
from mail_readers import Answers, Reader, every_reader

from sendertrust import SUBMISSION, Action, Reason, TrustLevel, check, check_message
from sendertrust.testing import Expected, vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How many bodies and blocks are generated, and from which seed; a long run by hand sets these.
SHORT_RUN: Final = 20_000
COUNT: Final = int(os.environ.get("SENDERTRUST_BODIES", SHORT_RUN))
#: Of what is no vector, a sparing reader is asked one in so many.
SPARED: Final = 5 if COUNT <= SHORT_RUN else 1
SEED: Final = int(os.environ.get("SENDERTRUST_SEED", "1"))

READERS: Final = {reader.name: reader for reader in every_reader()}
every = pytest.mark.parametrize("name", READERS)


@attrs.frozen
class Question:
    """A body or a block, and the addresses that its author may have."""

    owns: frozenset[str]
    octets: bytes
    of_vector: bool = False


Questions = list[Question]

# What can be somebody's address. Readers also give words, parts of fields, "user1 @test-sample.jp": those name nobody.
_ATEXT: Final = r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]"
_MAILBOX: Final = re.compile(
    rf'(?:{_ATEXT}+(?:\.{_ATEXT}+)*|"(?:[^"\\<>@]|\\[^<>@])+")@(?:[\w-]+(?:\.[\w-]+)*|\[[^\]\s]+\])'
)
PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "readers.md"


def key(address: str) -> str:
    """Fold what makes no other address: ASCII case, quotes without need, U-label or A-label."""
    local, at, domain = address.strip().rpartition("@")
    if local.startswith('"') and local.endswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    try:
        domain = domain.lower() if domain.isascii() else idna.encode(domain.lower()).decode()
    except idna.IDNAError:
        return address
    return f"{local.lower() if local.isascii() else local}{at}{domain}"


def others(answer: list[str], owns: frozenset[str]) -> list[str]:
    """Give the addresses that are none of the own ones."""
    keys = set(map(key, owns))
    return [text for text in answer if text and _MAILBOX.fullmatch(text.strip()) and key(text) not in keys]


def available(name: str) -> Reader:
    if READERS[name].missing:
        pytest.skip(READERS[name].missing)
    return READERS[name]


@pytest.fixture(scope="session")
def bodies() -> Questions:
    """Give each accepted body once, those of vectors first."""
    made = [*((OWN, body) for body in bodies_of_tables()), *generated_bodies(COUNT, SEED)]
    return [
        *(
            Question(owns, body, of_vector=True)
            for owns, vector in accepted_vectors()
            for body in bodies_of_vector(vector)
        ),
        *(
            Question(frozenset({login}), body)
            for login, body in dict.fromkeys(made)
            if check(login, login, body, level=TrustLevel.HEADER, policy=SUBMISSION).decision is Action.ACCEPT
        ),
    ]


@pytest.fixture(scope="session")
def blocks() -> Questions:
    """Give each accepted message once, those of vectors first."""
    return [
        *(
            Question(owns, block_of_vector(vector), of_vector=True)
            for owns, vector in accepted_vectors()
            if vector.message is not None
        ),
        *(
            Question(frozenset({OWN}), block)
            for block in dict.fromkeys([*blocks_of_tables(), *generated_blocks(COUNT // 4, SEED)])
            if check_message(OWN, OWN, block, level=TrustLevel.HEADER, policy=SUBMISSION).decision is Action.ACCEPT
        ),
    ]


def share(name: str, questions: Questions) -> Questions:
    spared = SPARED if READERS[name].sparing else 1
    return [question for number, question in enumerate(questions) if question.of_vector or number % spared == 0]


@pytest.fixture(scope="session")
def answers_of_bodies(bodies: Questions) -> Iterator[dict[str, Future[list[Answers]]]]:
    """Ask the readers, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(reader.ask, "body", [question.octets for question in share(name, bodies)])
            for name, reader in READERS.items()
            if not reader.missing
        }


def test_enough_is_asked(bodies: Questions, blocks: Questions) -> None:
    """A reader that is asked nothing agrees to everything."""
    assert len(bodies) > COUNT / 6
    assert len(blocks) > COUNT / 100
    assert sum(b"@victim" in question.octets for question in bodies) > COUNT / 100
    assert sum(b"=?" in question.octets for question in bodies) > COUNT / 100


@every
def test_every_accepted_vector_is_asked_about(name: str, bodies: Questions, blocks: Questions) -> None:
    """docs/reference/readers.md: 'Asked are all accepted vectors': all that the files say are accepted."""
    asked = {question.octets for questions in (bodies, blocks) for question in share(name, questions)}
    accepted = [
        vector
        for vector in vectors()
        if (vector.level or vector.policy(SUBMISSION).level) is TrustLevel.HEADER
        and vector.expected["SUBMISSION"] == (Expected(Action.ACCEPT, Reason.OK),)
        and (vector.header_from is not None or vector.message is not None)
    ]
    assert len(accepted) > 400
    assert [
        vector.id for vector in accepted if not asked.issuperset(bodies_of_vector(vector) or [block_of_vector(vector)])
    ] == []


def test_only_the_own_addresses_are_no_disagreement() -> None:
    owns = frozenset({OWN, "sales@test-sample.jp"})
    assert others([OWN.upper(), "sales@Test-Sample.jp", FOREIGN, "", "a b"], owns) == [FOREIGN]
    assert others(["sales@test-sample.jp"], frozenset({OWN})) == ["sales@test-sample.jp"]


@every
def test_readers_can_read(name: str) -> None:
    """Each way finds the author of what has one reading, whoever that is: it could say so if it were another."""
    plain = {
        OWN: OWN,
        f"<{FOREIGN}>": FOREIGN,
        f'"Yamada, Taro" <{FOREIGN}>': FOREIGN,
        f"{OWN}\r\n (Cron)": OWN,
        f"=?utf-8?q?Taro?=\r\n <{FOREIGN}>": FOREIGN,
    }
    reader = available(name)
    for author, answer in zip(plain.values(), reader.ask("body", [text.encode() for text in plain]), strict=True):
        assert all(found == [author] for found in answer["addresses"].values()), answer
    message = f"To: x@example.net\r\nfrom: Taro\r\n <{FOREIGN}>\r\n\r\nbody\r\n"
    (answer,) = reader.ask("block", [message.encode()])
    assert all(found == [FOREIGN] for found in answer["addresses"].values()), answer


@every
def test_bodies_have_one_author(
    name: str, bodies: Questions, answers_of_bodies: dict[str, Future[list[Answers]]]
) -> None:
    """Law, 4: 'malformed is whatever two receivers could read differently'."""
    reader = available(name)
    disagreements = [
        (way, question.octets, foreign)
        for question, answer in zip(share(name, bodies), answers_of_bodies[name].result(), strict=True)
        for way, found in answer["addresses"].items()
        for foreign in others(found if isinstance(found, list) else [], question.owns)
        if not excused(name, way, question.octets, foreign)
    ]
    assert not disagreements, report(reader, disagreements)


@every
def test_messages_have_one_author(name: str, blocks: Questions) -> None:
    """Law, 4, header block: the From field that is judged is the one that a reader sees, or it sees none."""
    reader = available(name)
    disagreements = []
    asked = share(name, blocks)
    answers = reader.ask("block", [question.octets for question in asked])
    for question, answer in zip(asked, answers, strict=True):
        block = question.octets
        for way, found in answer["addresses"].items():
            seen = others(found if isinstance(found, list) else [], question.owns)
            disagreements += [(way, block, foreign) for foreign in seen]
        for way, fields in answer.get("fields", {}).items():
            if isinstance(fields, list) and [without_blanks(field) for field in fields] not in ([], [judged(block)]):
                disagreements.append((f"fields of {way}", block, str(fields)))
    assert not disagreements, report(reader, disagreements)


def report(reader: Reader, disagreements: list[tuple[str, bytes, str]]) -> str:
    """Show the shortest ones, which are the easiest to make minimal."""
    shortest = sorted(disagreements, key=lambda row: len(row[1]))[:12]
    lines = [f"{way}: {octets!r} -> {foreign!r}" for way, octets, foreign in shortest]
    return "\n".join([f"{reader.version}: {len(disagreements)} disagreements", *lines])


def judged(block: bytes) -> str:
    """Give the body of the one From field of an accepted message, found without sendertrust."""
    header = re.sub(r"\r\n(?=[ \t])", "", block.split(b"\r\n\r\n")[0].decode("utf-8", "replace"))
    fields = [line.partition(":") for line in header.split("\r\n")]
    (body,) = [body for name, _, body in fields if name.rstrip(" \t").lower() == "from"]
    return without_blanks(body)


def without_blanks(text: str) -> str:
    return "".join(text.split())


def exception_id(row: KnownException) -> str:
    return f"{row.reader}, {row.way}: {row.vector}"


def numbers(version: str) -> tuple[int, ...]:
    """Give the first version in a text: readers name what they run on behind their own."""
    found = re.search(r"\d+(?:\.\d+)+", version)
    assert found, version
    return tuple(map(int, found[0].split(".")))


@pytest.mark.parametrize("row", EXCEPTIONS, ids=exception_id)
def test_exceptions_are_what_they_were(row: KnownException) -> None:
    """A row goes when its reader changes its mind, or when sendertrust refuses; another version corrects it."""
    assert FLAGGED[row.vector].verdict(SUBMISSION).satisfies(TrustLevel.HEADER), "refused now: the row goes"
    named = [reader for name, reader in READERS.items() if name.startswith(row.reader)]
    assert named, "no reader has this name"
    here = [reader for reader in named if not reader.missing]
    answers = [(reader, reader.ask("body", [row.body.encode()])[0]["addresses"]) for reader in here]
    # Older Pythons do not have every way.
    found = [(reader, answer[row.way]) for reader, answer in answers if row.way in answer]
    if not found and here != named:
        pytest.skip(f"{row.reader} is not installed")
    assert found, f"none of {[reader.version for reader in here]} has the way {row.way!r}"
    for reader, addresses in found:
        assert row.answer in addresses, f"{reader.version} has changed its mind: the row goes"
        assert excused(reader.name, row.way, row.body.encode(), row.answer)
    versions = sorted(numbers(reader.version) for reader, _ in found)
    ends = [numbers(end) for end in row.version.split(" to ")]
    assert ends[0] <= versions[0] <= versions[-1] <= ends[-1], f"{versions} answered: write the first and the last"
    if here == named:
        assert (ends[0], ends[-1]) == (versions[0], versions[-1]), f"{versions} answered: write the first and the last"


def test_exceptions_are_the_flagged_vectors() -> None:
    """docs/reference/readers.md: 'a vector with the flag `reader-exception`'; its comment names both."""
    assert {row.vector for row in EXCEPTIONS} == set(FLAGGED)
    for row in EXCEPTIONS:
        assert f"{row.reader} {row.version}" in FLAGGED[row.vector].comment


def test_what_is_extractable_is_never_excused() -> None:
    """Law, 4: '*extractable*: inside `<…>`, or beside a `,` `;` `:`'."""
    way = ("GMime", "decode_text, parse, loose")
    for name in ("=3Cceo=40victim=3E_=22", "ceo=40victim=2C_=22", "=3B_ceo=40victim_=22"):
        assert not excused(*way, f"=?utf-8?q?{name}?= <{OWN}>".encode(), "ceo@victim")
    assert not excused(*way, f'"{FOREIGN}" <{OWN}>'.encode(), FOREIGN)
    assert not excused("GMime", "parse, loose", EXCEPTIONS[0].body.encode(), EXCEPTIONS[0].answer)


def cell(text: str) -> str:
    escaped = text.replace("\r\n", r"\r\n").replace("|", r"\|")
    return f"`{escaped}`"


def test_the_page_lists_the_exceptions() -> None:
    rows = [
        f"| {row.reader} {row.version}: {row.way} | `{row.vector}`: {cell(row.body)} "
        f"| {cell(row.answer)} | {row.why.name} |"
        for row in EXCEPTIONS
    ]
    page = PAGE.read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if re.search(r"\| [A-Z]+ \|$", line)]
    assert shown == rows, "\n".join(["the page should have", *rows])
    for why in Why:
        assert f"| {why.name} | {why.value} |" in page


def test_the_page_lists_the_readers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not [name for name in READERS if f"| {name.split(' of Python')[0]}" not in page]

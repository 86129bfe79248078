"""No reader takes somebody else for the author of what sendertrust accepts."""

from __future__ import annotations

import os
import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import idna
import pytest
from known_exceptions import EXCEPTIONS, KnownException, Why, excused
from mail_bodies import (
    FOREIGN,
    OWN,
    accepted_vectors,
    blocks_of_tables,
    bodies_of_tables,
    generated_blocks,
    generated_bodies,
)
from mail_readers import Answers, Reader, every_reader

from sendertrust import SUBMISSION, Action, TrustLevel, check, check_message

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How many bodies and blocks are generated, and from which seed; a long run by hand sets these.
SHORT_RUN: Final = 20_000
COUNT: Final = int(os.environ.get("SENDERTRUST_BODIES", SHORT_RUN))
#: Of what a sparing reader is asked one in so many.
SPARED: Final = 5 if COUNT <= SHORT_RUN else 1
SEED: Final = int(os.environ.get("SENDERTRUST_SEED", "1"))

READERS: Final = {reader.name: reader for reader in every_reader()}
every = pytest.mark.parametrize("name", READERS)

Bodies = list[tuple[str, bytes]]

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


def others(answer: list[str], own: str) -> list[str]:
    """Give the addresses that are not the own one."""
    return [text for text in answer if text and _MAILBOX.fullmatch(text.strip()) and key(text) != key(own)]


def available(name: str) -> Reader:
    if READERS[name].missing:
        pytest.skip(READERS[name].missing)
    return READERS[name]


@pytest.fixture(scope="session")
def bodies() -> Bodies:
    """Give each accepted body once, with its author."""
    made = [*((OWN, body) for body in bodies_of_tables()), *generated_bodies(COUNT, SEED)]
    accepted = [
        (login, body)
        for login, body in dict.fromkeys(made)
        if check(login, login, body, level=TrustLevel.HEADER, policy=SUBMISSION).decision is Action.ACCEPT
    ]
    return [*((own, body) for own, vector in accepted_vectors() for body in vector.header_from or ()), *accepted]


@pytest.fixture(scope="session")
def blocks() -> Bodies:
    """Give each accepted message once, with its author."""
    accepted = [
        (OWN, block)
        for block in dict.fromkeys([*blocks_of_tables(), *generated_blocks(COUNT // 4, SEED)])
        if check_message(OWN, OWN, block, level=TrustLevel.HEADER, policy=SUBMISSION).decision is Action.ACCEPT
    ]
    vectors = [(own, vector.message) for own, vector in accepted_vectors() if vector.line_ends == "crlf"]
    # The longest ones are about limits, and some readers take seconds for them.
    return [*((own, text) for own, text in vectors if isinstance(text, bytes) and len(text) < 100_000), *accepted]


def share(name: str, questions: Bodies) -> Bodies:
    return questions[::SPARED] if READERS[name].sparing else questions


@pytest.fixture(scope="session")
def answers_of_bodies(bodies: Bodies) -> Iterator[dict[str, Future[list[Answers]]]]:
    """Ask the readers, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(reader.ask, "body", [body for _, body in share(name, bodies)])
            for name, reader in READERS.items()
            if not reader.missing
        }


def test_enough_is_asked(bodies: Bodies, blocks: Bodies) -> None:
    """A reader that is asked nothing agrees to everything."""
    assert len(bodies) > COUNT / 6
    assert len(blocks) > COUNT / 100
    assert sum(b"@victim" in body for _, body in bodies) > COUNT / 100
    assert sum(b"=?" in body for _, body in bodies) > COUNT / 100


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
def test_bodies_have_one_author(name: str, bodies: Bodies, answers_of_bodies: dict[str, Future[list[Answers]]]) -> None:
    """Law, 4: 'malformed is whatever two receivers could read differently'."""
    reader = available(name)
    disagreements = [
        (way, body, foreign)
        for (login, body), answer in zip(share(name, bodies), answers_of_bodies[name].result(), strict=True)
        for way, found in answer["addresses"].items()
        for foreign in others(found if isinstance(found, list) else [], login)
        if not excused(name, way, body, foreign)
    ]
    assert not disagreements, report(reader, disagreements)


@every
def test_messages_have_one_author(name: str, blocks: Bodies) -> None:
    """Law, 4, header block: the From field that is judged is the one that a reader sees, or it sees none."""
    reader = available(name)
    disagreements = []
    asked = share(name, blocks)
    answers = reader.ask("block", [block for _, block in asked])
    for (own, block), answer in zip(asked, answers, strict=True):
        for way, found in answer["addresses"].items():
            seen = others(found if isinstance(found, list) else [], own)
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
    return f"{row.reader}, {row.way}: {row.body}"


@pytest.mark.parametrize("row", EXCEPTIONS, ids=exception_id)
def test_exceptions_are_what_they_were(row: KnownException) -> None:
    """A row of the table goes when its reader changes its mind, or when sendertrust refuses the body."""
    verdict = check(OWN, OWN, row.body, level=TrustLevel.HEADER, policy=SUBMISSION)
    assert verdict.decision is Action.ACCEPT, "refused now: the row goes"
    readers = [reader for name, reader in READERS.items() if name.startswith(row.reader) and not reader.missing]
    if not readers:
        pytest.skip(f"{row.reader} is not installed")
    for reader in readers:
        (answer,) = reader.ask("body", [row.body.encode()])
        # Older Pythons do not have every way.
        assert row.answer in answer["addresses"].get(row.way, [row.answer]), reader.version
        assert excused(reader.name, row.way, row.body.encode(), row.answer)


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
        f"| {row.reader} {row.version}: {row.way} | {cell(row.body)} | {cell(row.answer)} | {row.why.name} |"
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

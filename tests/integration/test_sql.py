"""docs/how-to/sql.md, run on SQLite and on a real PostgreSQL that is killed, hung and locked meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from directory_servers import (
    FAULTS,
    INFO,
    ME,
    POSTGRES,
    PRETENDERS,
    STRANGER,
    WHEN_DOWN,
    WHEN_UP,
    PostgreSQL,
    answer_of,
    full_house,
    pretender,
    through_an_outage,
    wait_for,
)
from pages import PAGES, blocks, definitions
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Grant,
    Right,
    TrustLevel,
    check,
    check_message,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

pytestmark = [
    pytest.mark.socket,
    # pg8000 leaves the socket of a connection that failed to the garbage collector, with what was to be sent.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored .*BufferedRWPair:pytest.PytestUnraisableExceptionWarning"),
]

needs_postgres = pytest.mark.skipif(len(POSTGRES) < 2, reason="PostgreSQL is not installed (initdb, postgres)")

# Whole waits of the page's look-up: long enough for a busy machine, and each fault costs a few of them.
SECONDS = 2

PAGE = definitions("sql.md")
NOTHING = Aliases([], source="sql")
USER2 = "user2@test-sample.jp"
ROWS = [
    (ME, INFO, Right.SEND_AS),
    (ME, "ceo@test-sample.jp", Right.ON_BEHALF_OF),
    (ME, "not an address", Right.SEND_AS),
    (USER2, "sales@test-sample.jp", Right.SEND_AS),
    (USER2, "<>", Right.NULL_SENDER),
]


def expected(login: str) -> Aliases:
    return Aliases([Grant(address, right) for owner, address, right in ROWS if owner == login], source="sql")


def fill(engine: Engine) -> None:
    PAGE["metadata"].create_all(engine)
    with engine.begin() as connection:
        connection.execute(PAGE["accounts"].insert(), [{"login": login} for login in (ME, USER2)])
        rows = [{"login": login, "address": address, "right": right} for login, address, right in ROWS]
        connection.execute(PAGE["grants"].insert(), rows)


# SQLite, always


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.db"
    engine = PAGE["connect"](f"sqlite:///{path}")
    fill(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    engine = PAGE["connect"](f"sqlite:///{database}", seconds=0.05)
    yield engine
    engine.dispose()


# No login of these has a grant, and none may end in an exception.
STRANGE_LOGINS = {
    "unknown": STRANGER,
    "empty": "",
    "always-true": "x' OR '1'='1",
    "second-statement": "x'; DROP TABLE grants; --",
    "union": "x' UNION SELECT '*', 'send-as' FROM accounts WHERE login <> '",
    "like": "%",
    "other-case": ME.upper(),
    "blank-after": ME + " ",
    "full-width": "\uff55\uff53\uff45\uff52\uff11@test-sample.jp",
    "nul": ME + "\0",
    "surrogate": ME + "\udcff",
    "long": "x" * 100_000,
}
strange = pytest.mark.parametrize("login", STRANGE_LOGINS.values(), ids=STRANGE_LOGINS)


@strange
def test_no_login_changes_the_question(engine: Engine, login: str) -> None:
    """Law, 3: "A login is never a pattern"."""
    # What the driver cannot even send is not known.
    assert PAGE["aliases_of"](engine, login) in (NOTHING, LOOKUP_FAILED)
    assert PAGE["aliases_of"](engine, ME) == expected(ME)


def test_a_row_that_cannot_be_read_is_named_and_grants_nothing(engine: Engine) -> None:
    """Law, 4: "a malformed alias in the list: never matches, never crashes, is named in `advisories`"."""
    verdict = check(ME, INFO, UNSEEN, PAGE["aliases_of"](engine, ME), policy=SUBMISSION)
    assert verdict.matched_by == (f"{INFO} (sql)",)
    assert [advisory for advisory in verdict.advisories if "not an address" in advisory]


def _no_tables(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript("DROP TABLE grants; DROP TABLE accounts")
    connection.close()


def _an_unknown_right(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.executescript("PRAGMA ignore_check_constraints = 1; UPDATE grants SET right = 'all'")
    connection.close()


def test_the_database_refuses_an_unknown_right(database: Path) -> None:
    connection = sqlite3.connect(database)
    with pytest.raises(sqlite3.IntegrityError, match="known_right"):
        connection.execute("INSERT INTO grants VALUES (?, ?, ?)", (USER2, INFO, "all"))
    connection.close()


BREAKAGES = {
    "no-database": lambda path: path.write_bytes(b"no database" * 1000),
    "cut-off": lambda path: path.write_bytes(path.read_bytes()[:-4096]),
    "no-tables": _no_tables,
    "an-unknown-right": _an_unknown_right,
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_what_cannot_be_read_is_not_known_until_it_can(
    database: Path, engine: Engine, breakage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Law, 4: "An outage is never a permanent rejection and never an acceptance"."""
    good = database.read_bytes()
    assert PAGE["aliases_of"](engine, ME) == expected(ME)
    engine.dispose()  # SQLite may have read ahead
    BREAKAGES[breakage](database)
    assert PAGE["aliases_of"](engine, ME) is LOOKUP_FAILED
    assert "the grants of 'user1@test-sample.jp' are not known" in caplog.text
    engine.dispose()
    database.write_bytes(good)
    assert PAGE["aliases_of"](engine, ME) == expected(ME)


def test_a_lock_is_waited_for_and_then_not_known(database: Path, engine: Engine) -> None:
    locker = sqlite3.connect(database, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    assert PAGE["aliases_of"](engine, ME) is LOOKUP_FAILED
    locker.execute("COMMIT")
    locker.close()
    assert PAGE["aliases_of"](engine, ME) == expected(ME)


@pytest.mark.usefixtures("collect_sockets")
@pytest.mark.parametrize("answer", PRETENDERS.values(), ids=PRETENDERS)
def test_what_is_no_postgresql_gives_no_answer(answer: bytes | None) -> None:
    with pretender(answer) as port:
        engine = PAGE["connect"](f"postgresql+pg8000://submission@127.0.0.1:{port}/postgres", seconds=0.2)
        assert answer_of(partial(PAGE["aliases_of"], engine), ME) is LOOKUP_FAILED
        engine.dispose()


@pytest.mark.usefixtures("collect_sockets")
def test_what_takes_no_connection_gives_no_answer() -> None:
    with full_house() as port:
        engine = PAGE["connect"](f"postgresql+pg8000://submission@127.0.0.1:{port}/postgres", seconds=0.2)
        assert answer_of(partial(PAGE["aliases_of"], engine), ME) is LOOKUP_FAILED
        engine.dispose()


def take_all(engine: Engine, taken: contextlib.ExitStack) -> None:
    while True:
        taken.enter_context(engine.connect())


def test_with_every_connection_taken_the_answer_is_not_known(engine: Engine) -> None:
    with contextlib.ExitStack() as taken:
        with pytest.raises(NoConnection, match=r"timeout 0\.05"):
            take_all(engine, taken)
        assert PAGE["aliases_of"](engine, ME) is LOOKUP_FAILED
    assert PAGE["aliases_of"](engine, ME) == expected(ME)


# The page's `Account`: asks only if the answer depends on it

ENVELOPES = ["", ME, ME.upper(), INFO, STRANGER, "<a@b", "ceo@test-sample.jp"]
BLOCKS = [
    None,
    f"From: {ME}",
    f"From: {INFO}",
    f"From: {STRANGER}",
    f"From: {ME}\r\nSender: {STRANGER}",
    f"From: ceo@test-sample.jp\r\nSender: {ME}",
    "From: ceo@test-sample.jp",
    f"From: {ME}, {INFO}",
    f'From: "{INFO}" <{ME}>',
    f'From: "<{STRANGER}>" <{ME}>',
    f"From: {ME}\r\nFrom: {ME}",
    "Subject: no author",
]
POLICIES = {
    policy.name: policy
    for policy in (EPOST, SUBMISSION, STRICT, attrs.evolve(STRICT, name="BOUNCES", null_sender="reject"))
}


@attrs.define
class Asked:
    answer: Any
    logins: list[str] = attrs.field(factory=list)

    def __call__(self, login: str) -> Any:
        self.logins.append(login)
        return self.answer


@pytest.mark.parametrize("level", TrustLevel)
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("login", [None, ME, USER2])
def test_asking_only_if_needed_decides_the_same(login: str | None, policy: Any, level: TrustLevel) -> None:
    """Law, 3: "An identity fails *finally* if no directory answer could mend it"."""
    for answer in (NOTHING, expected(ME), expected(USER2), Aliases(["*"]), LOOKUP_FAILED):
        for envelope in ENVELOPES:
            for block in BLOCKS:

                def ask(aliases: Any, envelope: str = envelope, block: str | None = block) -> Any:
                    if block is None:
                        return check(login, envelope, UNSEEN, aliases, policy=policy, level=level)
                    message = f"{block}\r\n\r\n".encode()
                    return check_message(login, envelope, message, aliases, policy=policy, level=level)

                look_up = Asked(answer)
                verdict = PAGE["Account"](login, look_up).judge(ask)
                always = ask(answer)
                assert (verdict.decision, verdict.achieved, verdict.findings, verdict.matched_by) == (
                    always.decision,
                    always.achieved,
                    always.findings,
                    always.matched_by,
                )
                assert len(look_up.logins) <= 1


def test_how_often_the_directory_is_asked() -> None:
    own, alias, two = f"From: {ME}\r\n\r\n".encode(), f"From: {INFO}\r\n\r\n".encode(), expected(ME)
    for path, message, lookups in [(ME, own, 0), (ME, alias, 1), (INFO, own, 1), (INFO, alias, 1)]:
        look_up = Asked(two)
        account = PAGE["Account"](ME, look_up)
        assert PAGE["mail_from"](account, path).allowed
        assert PAGE["final_dot"](account, path, message).allowed
        assert len(look_up.logins) == lookups


def test_a_failure_is_not_kept() -> None:
    look_up = Asked(LOOKUP_FAILED)
    account = PAGE["Account"](ME, look_up)
    assert PAGE["mail_from"](account, INFO).decision is Action.DEFER
    look_up.answer = expected(ME)
    assert PAGE["mail_from"](account, INFO).decision is Action.ACCEPT
    assert PAGE["mail_from"](account, INFO).decision is Action.ACCEPT
    assert len(look_up.logins) == 2


class Takes:
    async def handle_DATA(self, *_: object) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 2.0.0 stored"


def test_the_look_up_does_not_hold_up_other_clients() -> None:
    threads: list[int] = []
    handler = type("Submission", (PAGE["WithDirectory"], Takes), {})(
        lambda login: threads.append(threading.get_ident())
    )
    asyncio.run(handler.aliases_of(ME))
    assert threads
    assert threads != [threading.get_ident()]


# PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    try:
        server.start()
        engine = PAGE["connect"](server.url("admin"))
        fill(engine)
        engine.dispose()
        (role,) = blocks("sql.md", "text")
        server.execute(*role.strip().removesuffix(";").split(";\n"))
        yield server
    finally:
        server.close()


@pytest.fixture
def submission(server: PostgreSQL, collect_sockets: None) -> Iterator[Engine]:
    """The page's engine, with the page's role."""
    engine = PAGE["connect"](server.url("submission"), seconds=SECONDS)
    yield engine
    engine.dispose()


@needs_postgres
@pytest.mark.usefixtures("collect_sockets")
def test_the_page_on_postgresql(server: PostgreSQL, tmp_path: Path) -> None:
    page = (PAGES / "sql.md").read_text(encoding="utf-8")
    server.execute("CREATE DATABASE page")
    copy = tmp_path / "sql.md"
    assert "sqlite:///accounts.db" in page
    copy.write_text(page.replace("sqlite:///accounts.db", server.url("admin", "page")), encoding="utf-8")
    for example in Document.parse(str(copy), PythonCodeBlockParser()):
        example.evaluate()


@needs_postgres
@strange
def test_no_login_changes_the_question_to_postgresql(submission: Engine, login: str) -> None:
    assert PAGE["aliases_of"](submission, login) in (NOTHING, LOOKUP_FAILED)
    assert PAGE["aliases_of"](submission, ME) == expected(ME)


FORBIDDEN = {
    "SET TRANSACTION READ WRITE; DELETE FROM grants": "permission denied",
    "SET TRANSACTION READ WRITE; SELECT login FROM accounts": "permission denied",
    "CREATE TABLE mine (a text)": "read-only transaction",
}


@needs_postgres
@pytest.mark.parametrize("statements", FORBIDDEN)
def test_the_role_can_only_read_grants(submission: Engine, statements: str) -> None:
    *before, last = statements.split("; ")
    with submission.connect() as connection:
        for statement in before:
            connection.execute(text(statement))
        with pytest.raises(DBAPIError, match=FORBIDDEN[statements]):
            connection.execute(text(last))
    assert PAGE["aliases_of"](submission, ME) == expected(ME)


@needs_postgres
def test_a_grant_falls_with_its_account(server: PostgreSQL, submission: Engine) -> None:
    account, grant = "INSERT INTO accounts VALUES ('leaver')", "INSERT INTO grants VALUES ('leaver', '*', 'send-as')"
    server.execute(account, grant)
    assert PAGE["aliases_of"](submission, "leaver") == Aliases(["*"], source="sql")
    server.execute("DELETE FROM accounts WHERE login = 'leaver'", account)
    assert PAGE["aliases_of"](submission, "leaver") == NOTHING
    server.execute("DELETE FROM accounts WHERE login = 'leaver'")


@needs_postgres
@pytest.mark.parametrize("fault", FAULTS)
def test_an_outage_defers_and_is_over_when_it_is_over(server: PostgreSQL, submission: Engine, fault: str) -> None:
    """Law, 4: "accepted if the account's own address or any answered source decides it; else DEFER (451)"."""

    look_up = partial(PAGE["aliases_of"], submission)
    replies, stored = through_an_outage(PAGE["WithDirectory"], look_up, server, fault)
    assert replies == [WHEN_UP, WHEN_DOWN, WHEN_UP]
    assert stored == sum(reply.startswith("250") for reply in [*WHEN_UP, *WHEN_DOWN, *WHEN_UP])


@needs_postgres
def test_a_hung_server_is_not_waited_for(server: PostgreSQL, submission: Engine) -> None:
    """Without the help of a caller that gives up by itself."""
    look_up = partial(PAGE["aliases_of"], submission)
    assert look_up(ME) == expected(ME)
    server.hang()
    try:
        assert [answer_of(look_up, login) for login in (ME, USER2)] == [LOOKUP_FAILED, LOOKUP_FAILED]
    finally:
        server.go_on()
    assert [look_up(login) for login in (USER2, ME)] == [expected(USER2), expected(ME)]


@needs_postgres
def test_a_restart_between_two_questions_goes_unnoticed(server: PostgreSQL, submission: Engine) -> None:
    assert PAGE["aliases_of"](submission, ME) == expected(ME)
    server.kill()
    server.start()
    assert PAGE["aliases_of"](submission, ME) == expected(ME)


def still_asking(admin: Engine) -> bool:
    question = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'submission' AND state = 'active'"
    with admin.connect() as connection:
        return bool(connection.execute(text(question)).scalar())


@needs_postgres
def test_a_locked_table_is_waited_for_and_then_not_known(server: PostgreSQL, submission: Engine) -> None:
    """An answer that comes too late is never taken for that of the next login."""
    admin = PAGE["connect"](server.url("admin"))
    assert PAGE["aliases_of"](submission, ME) == expected(ME)
    with admin.begin() as connection:
        connection.execute(text("LOCK TABLE grants IN ACCESS EXCLUSIVE MODE"))
        assert PAGE["aliases_of"](submission, ME) is LOOKUP_FAILED
        wait_for(lambda: not still_asking(admin))  # the server ends what nobody waits for any more
    assert PAGE["aliases_of"](submission, USER2) == expected(USER2)
    assert PAGE["aliases_of"](submission, ME) == expected(ME)
    admin.dispose()


@needs_postgres
def test_every_question_of_many_threads_has_the_answer_or_none(server: PostgreSQL, submission: Engine) -> None:
    """Killed and restarted in mid-run, with questions under way."""
    stop, again = threading.Event(), threading.Event()
    answers: dict[str, list[Any]] = {login: [] for login in (ME, USER2)}

    def keep_asking(login: str) -> None:
        while not stop.wait(0.01):
            answers[login].append(PAGE["aliases_of"](submission, login))
            if answers[login].count(LOOKUP_FAILED) >= 3:
                again.set()

    threads = [threading.Thread(target=keep_asking, args=(login,)) for login in (ME, USER2) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        server.kill()
        assert again.wait(60)
    finally:
        server.start()
        stop.set()
        for thread in threads:
            thread.join()
    for login, given in answers.items():
        assert LOOKUP_FAILED in given
        assert all(answer in (expected(login), LOOKUP_FAILED) for answer in given)
        assert PAGE["aliases_of"](submission, login) == expected(login)

"""docs/how-to/postfix.md, run: a real Postfix asks the milter and the policy service, which fail meanwhile."""

from __future__ import annotations

import functools
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from faults import check_crowd, check_crowd_fault, check_fault, crowd, recipient_of
from postfix_server import (
    WITH_MILTER,
    WITH_POLICY,
    Judge,
    Postfix,
    listens,
    log_in,
    missing,
    running,
    services,
    submit,
    submit_once,
)
from processes import wait_until
from sessions import (
    MAPS,
    ME,
    SALES,
    SESSIONS,
    VICTIM,
    Client,
    Session,
    accepted,
    check_column,
    check_session,
    expected,
    judge_again,
    new_folder,
    play,
)

from sendertrust import EPOST, TrustLevel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.socket, pytest.mark.skipif(missing() is not None, reason=str(missing()))]
pytest.importorskip(
    "milter", reason="no pymilter: pip install 'sendertrust[milter]', which takes libmilter-dev and gcc"
)

OWN: Final = f"From: <{ME}>\r\n\r\ntest.\r\n".encode()
FOREIGN: Final = f"From: <{VICTIM}>\r\n\r\ntest.\r\n".encode()
UNAVAILABLE: Final = {
    "milter": "451 4.7.1 Service unavailable - try again later",
    "policy": f"451 4.3.0 <{ME}>: Sender address rejected: Sender check not available: try again later",
}

_OWN_CHECK: Final = "Postfix's own syntax check, before anybody is asked"
_BARE_LF: Final = (
    ["DATA 550 5.5.2 .*bare <LF> received"],
    "`smtpd_forbid_bare_newline`: Postfix would take it for a line end",
)
_NUL: Final = (
    ["DATA 550 5.7.1 disallowed character"],
    "`message_reject_characters`: a milter does not see what follows",
)
_BODY: Final = (["DATA 250 .*"], "for Postfix the body begins there, and it puts an empty line before it")
MILTER_DIFFERENCES: Final = {
    "envelope-unclosed": (["MAIL 501 5.1.7 Bad sender address syntax"], _OWN_CHECK),
    "from-spaced-alone": (["DATA 250 .*"], "Postfix removes the blank before the colon, also from what it delivers"),
    "block-bare-lf": _BARE_LF,
    "block-bare-cr": (["DATA 250 .*"], "Postfix makes a blank of a bare CR: what follows it is part of the note"),
    "block-nul": _NUL,
    "block-leading-fold": (
        ["DATA 554 5.6.0 .*send one From field with an address"],
        "for Postfix the body begins at a first line that continues nothing, so the message has no From",
    ),
    "block-no-field": _BODY,
    "block-utf8-name": _BODY,
    "block-unended": _BODY,
}
POLICY_DIFFERENCES: Final = {
    "envelope-route": (["DATA 250 .*"], "Postfix drops a source route; what is left is judged and delivered"),
    "envelope-blanks": (["DATA 250 .*"], "Postfix drops blanks round a path"),
    "envelope-unclosed": (["MAIL 501 5.1.7 Bad sender address syntax"], _OWN_CHECK),
    "block-bare-lf": _BARE_LF,
    "block-nul": _NUL,
}


class House:
    """One Postfix for all tests, with a port for each of those who are asked."""

    def __init__(self, folder: Path) -> None:
        wanted = {
            "milter": (WITH_MILTER, "table", False),
            "policy": (WITH_POLICY, "table", False),
            "e-post": (WITH_MILTER, "e-post", False),
            "milter-fault": (WITH_MILTER, "fault", True),
            "policy-fault": (WITH_POLICY, "fault", True),
            # 200 at once may have to wait.
            "milter-crowd": (WITH_MILTER, "fault", False),
            "policy-crowd": (WITH_POLICY, "fault", False),
        }
        self.folder = folder
        made = services(folder, *wanted.values())
        self.ports = dict(zip(wanted, made, strict=True))
        self.postfix = Postfix(folder / "postfix", made)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with new_folder() as folder:
        here = House(folder)
        with here.postfix:
            for port in here.ports.values():
                wait_until("Postfix listens", functools.partial(listens, port))
            yield here


# --- the table of sessions


def plain(outcome: str) -> str:
    """Take out what Postfix puts before the words of a policy service (smtpd_check.c)."""
    return re.sub(r"^([A-Z]+ [0-9]{3} [0-9.]+) <\S*>: Sender address rejected: ", r"\1 ", outcome)


class Table:
    """What a server said to each session, and what it stored."""

    def __init__(self, house: House, name: str, level: TrustLevel | None) -> None:
        judge = Judge(house.folder / "table", name)
        self.level = level
        with running(judge):
            before = house.postfix.stored().keys()
            self.seen = {one.id: [plain(said) for said in play(house.ports[name], one)] for one in SESSIONS}
            stored = house.postfix.stored()
            self.stored = {recipient: stored[recipient] for recipient in stored.keys() - before}
            assert judge.end() == 0


@pytest.fixture(scope="module")
def milter(house: House) -> Table:
    return Table(house, "milter", None)


@pytest.fixture(scope="module")
def policy(house: House) -> Table:
    return Table(house, "policy", TrustLevel.ENVELOPE)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.id)
def test_a_session_with_the_milter(session: Session, milter: Table) -> None:
    check_session(session, milter.seen[session.id], MILTER_DIFFERENCES)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.id)
def test_a_session_with_the_policy_service(session: Session, policy: Table) -> None:
    """Law, 2, ENVELOPE: "only a special tool or telnet can forge the `From:` header"."""
    check_session(session, policy.seen[session.id], POLICY_DIFFERENCES, level=TrustLevel.ENVELOPE)


@pytest.mark.parametrize("name", ["milter", "policy"])
def test_what_is_in_the_queue_is_what_was_judged(name: str, request: pytest.FixtureRequest) -> None:
    table: Table = request.getfixturevalue(name)
    found = {
        recipient: (session, message)
        for session in SESSIONS
        for recipient, message in accepted(session, table.seen[session.id])
    }
    assert found.keys() == table.stored.keys()
    for recipient, (session, message) in found.items():
        one = table.stored[recipient]
        judge_again(session.logged_in, message, one.content, line_ends="lf", level=table.level, path=one.path)


@pytest.mark.parametrize(
    ("name", "differences"), [("milter", MILTER_DIFFERENCES), ("policy", POLICY_DIFFERENCES)], ids=["milter", "policy"]
)
def test_the_page_has_the_column(
    name: str, differences: dict[str, tuple[list[str], str]], request: pytest.FixtureRequest
) -> None:
    table: Table = request.getfixturevalue(name)
    check_column(f"postfix-{name}", table.seen, differences)


def test_the_source_session_has_the_words_of_the_source(house: House) -> None:
    """Law, 5: "The source's session, which must come out word for word"."""
    session = SESSIONS[0]
    judge = Judge(house.folder / "e-post", "milter", "--policy", "EPOST", "--level", "header")
    with running(judge):
        seen = play(house.ports["e-post"], session)
    assert seen[0] == "MAIL 550 Please mail to a valid e-mail address."
    check_session(session, seen, {}, EPOST, TrustLevel.HEADER)
    assert len(expected(session)) == len(seen)


def test_report_only_refuses_nothing_and_logs_what_it_would(house: House) -> None:
    """Law, 4, report-only: "`action` ACCEPT, `allowed` True, `decision` the real one"."""
    judge = Judge(house.folder / "e-post", "milter", "--report-only")
    with running(judge):
        assert submit_once(house.ports["e-post"], FOREIGN, "x@a.example", VICTIM).startswith("DATA 250 ")
        verdicts = [event["verdict"] for event in judge.events()][-2:]
    assert [(one["stage"], one["decision"], one["action"]) for one in verdicts] == [
        ("mail", "reject", "accept"),
        ("data", "reject", "accept"),
    ]


# --- faults: nothing unjudged is accepted, nothing accepted is lost, and all recovers by itself


@pytest.fixture(autouse=True)
def an_empty_queue(house: House) -> Iterator[None]:
    yield
    house.postfix.empty()


@pytest.fixture(params=["milter", "policy"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def killed(judge: Judge) -> None:
    judge.kill()


def hung(judge: Judge) -> None:
    judge.process.send_signal(signal.SIGSTOP)
    tasks = Path(f"/proc/{judge.process.pid}/task")
    wait_until(
        "all its threads have stopped",
        lambda: all(one.read_text().rpartition(")")[2].split()[0] == "T" for one in tasks.glob("*/stat")),
    )


def unwritable(judge: Judge) -> None:
    judge.socket.chmod(0)


def restarted(judge: Judge) -> None:
    judge.start()


def woken(judge: Judge) -> None:
    judge.process.send_signal(signal.SIGCONT)


def writable(judge: Judge) -> None:
    judge.socket.chmod(0o660)


FAULTS: Final = {"killed": (killed, restarted), "hung": (hung, woken), "unwritable": (unwritable, writable)}


ROWS: Final = {"killed": "killed", "hung": "hung", "unwritable": "socket-unwritable"}
THEN: Final = {
    "killed": "the filter started again: the next session",
    "hung": "the filter going on: the next session",
    "unwritable": "its mode back: the next session",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_between_sessions(house: House, name: str, fault: str) -> None:
    port = house.ports[f"{name}-fault"]
    break_it, mend_it = FAULTS[fault]
    judge = Judge(house.folder / "fault", name)
    with running(judge):
        assert submit_once(port, OWN, "before@a.example").startswith("DATA 250 ")
        break_it(judge)
        during = outcome_of(port, "during@a.example")
        assert DEFERRED.match(during)
        mend_it(judge)
        wait_until("it recovers", lambda: submit_once(port, FOREIGN, "x@a.example", VICTIM).startswith("MAIL 550 "))
        assert submit_once(port, OWN, "after@a.example").startswith("DATA 250 ")
    assert sorted(house.postfix.recipients()) == ["after@a.example", "before@a.example"]
    check_fault(f"postfix-{name}", ROWS[fault], [during], THEN[fault])


DEFERRED: Final = re.compile(r"[A-Z]+ 4[0-9]{2} ")


def outcome_of(port: int, recipient: str) -> str:
    """Submit a message; a client that is turned away before it can log in has submitted none."""
    with Client(port) as client:
        said = client.log_in(ME, "user1234")
        return submit(client, OWN, recipient) if said.startswith("235") else f"AUTH {said}"


@pytest.mark.parametrize("fault", ["killed", "hung"])
def test_a_fault_amid_a_message(house: House, fault: str) -> None:
    break_it, mend_it = FAULTS[fault]
    judge = Judge(house.folder / "fault", "milter")
    port = house.ports["milter-fault"]
    with running(judge):
        with log_in(port) as client:
            for command in (f"MAIL FROM:<{ME}>", "RCPT TO:<amid@a.example>", "DATA"):
                assert client.say(command.encode())[0] in "23"
            break_it(judge)
            client.write(OWN + b".\r\n")
            said = client.read()
            assert said == UNAVAILABLE["milter"]
        mend_it(judge)
        wait_until("it recovers", lambda: not DEFERRED.match(outcome_of(port, "after@a.example")))
    assert house.postfix.recipients() == ["after@a.example"]
    check_fault("postfix-milter", f"{fault}-amid", [f"DATA {said}"], THEN[fault])


def test_sigterm_finishes_the_message_that_is_in_flight(house: House) -> None:
    judge = Judge(house.folder / "fault", "milter")
    port = house.ports["milter-fault"]
    with running(judge):
        with log_in(port) as client, log_in(port) as other:
            for command in (f"MAIL FROM:<{ME}>", "RCPT TO:<flight@a.example>", "DATA"):
                assert client.say(command.encode())[0] in "23"
            judge.process.send_signal(signal.SIGTERM)
            wait_until("the socket is gone", lambda: not judge.socket.exists())
            wait_until("no message is begun", lambda: other.say(f"MAIL FROM:<{ME}>".encode()).startswith("451 4.3.2 "))
            client.write(OWN + b".\r\n")
            said = client.read()
            assert said.startswith("250 ")
        assert judge.process.wait(20) == 0
        judge.start()
        wait_until("it recovers", lambda: not DEFERRED.match(outcome_of(port, "after@a.example")))
    assert sorted(house.postfix.recipients()) == ["after@a.example", "flight@a.example"]
    check_fault("postfix-milter", "restarted", [f"DATA {said}"], THEN["killed"])


SCRIPTED: Final = """
import sys, time
from pathlib import Path
from sendertrust import SUBMISSION
from sendertrust.integrations.service import Service

name, path, control = sys.argv[1:]

def aliases_of(login):
    state = Path(control).read_text()
    if state == "fails":
        raise OSError("no directory")
    if state == "slow":
        time.sleep(20)
    return ["sales@test-sample.jp"]

service = Service(name=name, policy=SUBMISSION, aliases_of=aliases_of, lookup_timeout=0.5)
if name == "milter":
    from sendertrust.integrations.milter import run
    run(service, path, 0o660)
else:
    import asyncio
    from sendertrust.integrations.listener import Listener
    from sendertrust.integrations.postfix_policy import MAX_OCTETS, PolicyServer
    asyncio.run(Listener(PolicyServer(service).answer, max_octets=MAX_OCTETS).run(path, 0o660))
"""


@pytest.mark.parametrize("state", ["fails", "slow"])
def test_a_look_up_that_fails_or_is_slow(house: House, name: str, state: str) -> None:
    """Law, 4, lookup failed: "An outage is never a permanent rejection and never an acceptance"."""
    folder = house.folder / "fault"
    folder.mkdir(exist_ok=True)
    control = folder / "control"
    control.write_text("answers")
    command = [sys.executable, "-c", SCRIPTED, name, str(folder / f"{name}.sock"), str(control)]
    judge = Judge(folder, name, command=command)
    port = house.ports[f"{name}-fault"]
    content = f"From: <{SALES}>\r\n\r\ntest.\r\n".encode()
    with running(judge):
        assert submit_once(port, content, "before@a.example", SALES).startswith("DATA 250 ")
        control.write_text(state)
        during = submit_once(port, content, "during@a.example", SALES)
        assert during.startswith("MAIL 451 4.3.0 ")
        assert submit_once(port, OWN, "own@a.example").startswith("DATA 250 ")
        control.write_text("answers")
        assert submit_once(port, content, "after@a.example", SALES).startswith("DATA 250 ")
        assert judge.end() == 0
    assert sorted(house.postfix.recipients()) == ["after@a.example", "before@a.example", "own@a.example"]
    row = {"fails": "aliases-fail", "slow": "aliases-slow"}[state]
    check_fault(f"postfix-{name}", row, [during], "an answer: the next session")


def test_a_map_that_is_broken_and_gone_and_back(house: House, name: str) -> None:
    judge = Judge(house.folder / "fault", name)
    port = house.ports[f"{name}-fault"]
    map_file = house.folder / "fault" / "senders"
    content = f"From: <{SALES}>\r\n\r\ntest.\r\n".encode()

    def sales() -> str:
        return submit_once(port, content, f"n{time.monotonic_ns()}@a.example", SALES)

    with running(judge):
        assert sales().startswith("DATA 250 ")
        map_file.write_text(f"{SALES}\n")
        broken = sales()
        map_file.unlink()
        gone = sales()
        assert broken.startswith("DATA 250 ")
        assert gone.startswith("DATA 250 ")
        map_file.write_text("hr@test-sample.jp nobody\n")
        assert sales().startswith("MAIL 550 5.7.1 ")
        map_file.write_text(MAPS["senders"])
        assert sales().startswith("DATA 250 ")
        events = [event for event in judge.events() if event["event"] == "map"]
        assert [event["kept"] for event in events] == [True, True, False, False]
    for row, said in (("map-broken", broken), ("map-gone", gone)):
        check_fault(f"postfix-{name}", row, [said], "a good map: the next session")


@pytest.mark.parametrize("fault", ["none", "restarts"])
def test_two_hundred_clients_at_once(house: House, name: str, fault: str) -> None:
    judge = Judge(house.folder / "fault", name)
    port = house.ports[f"{name}-crowd"]

    def one(number: int) -> str:
        with Client(port) as client:
            said = client.log_in(ME, "user1234")
            if not said.startswith("235"):
                return f"AUTH {said}"
            return submit(client, OWN, recipient_of(number), VICTIM if number % 2 else ME)

    def restart_twice() -> None:
        for _ in range(2):
            judge.kill()
            judge.start()

    with running(judge):
        told = crowd(one, restart_twice if fault == "restarts" else None)
        assert submit_once(port, OWN, "after@a.example").startswith("DATA 250 ")
    check_crowd(told, house.postfix.recipients(), disturbed=fault == "restarts")
    if fault == "none":
        check_crowd_fault(f"postfix-{name}", "clients-200", told.values())
    else:
        check_crowd_fault(f"postfix-{name}", "clients-200-restart", told.values(), THEN["killed"])


def test_postfix_had_nothing_to_complain_of_itself(house: House) -> None:
    """Runs last. What the faults made is no fault of the configuration."""
    bad = [
        line
        for line in house.postfix.logged().splitlines()
        if re.search("fatal|panic|unused parameter|overriding", line)
    ]
    assert not bad

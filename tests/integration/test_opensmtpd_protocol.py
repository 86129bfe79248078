"""The filter that OpenSMTPD asks, without OpenSMTPD: lines in, lines out, and as a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendertrust import LOOKUP_FAILED, SUBMISSION
from sendertrust.integrations.opensmtpd import Filter, main, run
from sendertrust.integrations.opensmtpd_from import _is_changed
from sendertrust.integrations.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ME = "user1@test-sample.jp"
INFO = "info@test-sample.jp"
VICTIM = "ceo@victim.example"
SID, TOKEN = "7641df9771b4ed00", "1ef1c203cc576e5d"
OTHER_SID = "00000000000000aa"
TRY_AGAIN = "reject|451 4.3.5 Server configuration error: try again later"
FOREIGN_FROM = (
    f"reject|550 5.7.1 From <{VICTIM}> is not allowed for account {ME}: use one of your own addresses in From"
)
FOREIGN_PATH = (
    f"reject|550 5.7.1 Sender <{VICTIM}> is not allowed for account {ME}: send from one of your own addresses"
)
NO_LOGIN = "reject|530 5.7.0 Authentication required"

Events = list[dict[str, Any]]


def report(event: str, values: str | None = None, sid: str = SID, version: str = "0.7") -> str:
    return f"report|{version}|1576146008.006099|smtp-in|{event}|{sid}" + ("" if values is None else f"|{values}")


def ask(phase: str, value: str = "", sid: str = SID, version: str = "0.7") -> str:
    return f"filter|{version}|1576146008.006099|smtp-in|{phase}|{sid}|{TOKEN}|{value}"


def logged_in(login: str = ME, sid: str = SID) -> str:
    return report("link-auth", f"pass|{login}", sid)


def message(*lines: str, sid: str = SID) -> list[str]:
    """Hand over a message, as it is with smtpd's own field before it."""
    received = ("Received: from client.example (localhost [127.0.0.1])", "\tby mail.test-sample.jp; now")
    return [*(ask("data-line", line, sid) for line in (*received, *lines, ".")), ask("commit", "", sid)]


def from_(address: str) -> list[str]:
    return ["Subject: test", f"From: <{address}>", "", "test."]


async def answered(service: Service, lines: list[str | bytes]) -> list[str]:
    """Say one line after the other; smtpd goes on with a session when it has its answer."""
    said: list[bytes] = []
    server = Filter(service, said.append)
    for line in lines:
        server.feed((line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line) + b"\n")
        await server.finish()
    assert all(octets.endswith(b"\n") for octets in said)
    return b"".join(said).decode("utf-8", "surrogateescape").splitlines()


def serve(*lines: str | bytes, aliases_of: Any = lambda _: [INFO], **options: Any) -> tuple[list[str], Events]:
    events: Events = []
    service = Service(name="opensmtpd", aliases_of=aliases_of, log=events.append, **options)
    return asyncio.run(answered(service, list(lines))), events


def results(*lines: str | bytes, **options: Any) -> list[str]:
    """Give the decisions alone."""
    answers, _ = serve(*lines, **options)
    return [line.split("|", 3)[3] for line in answers if line.startswith("filter-result|")]


def test_the_handshake() -> None:
    """smtpd-filters(7): "First, smtpd(8) provides filters with general configuration information"."""
    assert serve("config|smtpd-version|7.6.0", "config|protocol|0.7", "config|subsystem|smtp-in", "config|ready")[
        0
    ] == [
        "register|report|smtp-in|link-auth",
        "register|report|smtp-in|link-disconnect",
        "register|report|smtp-in|tx-reset",
        "register|report|smtp-in|tx-rollback",
        "register|filter|smtp-in|mail-from",
        "register|filter|smtp-in|data-line",
        "register|filter|smtp-in|commit",
        "register|ready",
    ]


def test_a_message_passes_as_it_is() -> None:
    """smtpd-filters(7): "smtpd(8) assumes that the message consists of the output"."""
    lines = message("From: A|B <user1@test-sample.jp>", "", "..", "a|b||", "\udcff")
    answers, events = serve(logged_in(), ask("mail-from", ME), *lines)
    assert answers[0] == f"filter-result|{SID}|{TOKEN}|proceed"
    assert answers[1:-1] == [f"filter-dataline|{SID}|{TOKEN}|{line.split('|', 7)[7]}" for line in lines[:-1]]
    assert answers[-1] == f"filter-result|{SID}|{TOKEN}|proceed"
    assert [(event["event"], event["verdict"]["stage"]) for event in events] == [
        ("decision", "mail"),
        ("decision", "data"),
    ]


@pytest.mark.parametrize(
    ("version", "values", "result"),
    [
        ("0.7", f"pass|{ME}", "proceed"),
        ("0.6", f"{ME}|pass", "proceed"),
        ("0.7", f"{ME}|pass", NO_LOGIN),
        ("0.6", f"pass|{ME}", NO_LOGIN),
        ("0.7", f"fail|{ME}", NO_LOGIN),
        ("0.7", f"error|{ME}", NO_LOGIN),
        ("0.6", f"{ME}|fail", NO_LOGIN),
        ("0.7", "pass|", NO_LOGIN),
        ("0.7", "pass", NO_LOGIN),
        ("0.6", "pass", NO_LOGIN),
        ("0.8", f"pass|{ME}", NO_LOGIN),
        ("", f"pass|{ME}", NO_LOGIN),
        ("0.7", f"pass|pass|{ME}", FOREIGN_PATH.replace(VICTIM, ME).replace(f"account {ME}", f"account pass|{ME}")),
        ("0.6", f"{ME}|pass|fail", NO_LOGIN),
    ],
)
def test_who_has_logged_in(version: str, values: str, result: str) -> None:
    """smtpd-filters(7): "link-auth: result username", which protocol 0.6 had the other way round."""
    assert results(report("link-auth", values, version=version), ask("mail-from", ME, version=version)) == [result]


def test_an_unknown_protocol_is_said() -> None:
    _, events = serve(report("link-auth", f"pass|{ME}", version="0.8"))
    assert events == [
        {
            "event": "error",
            "service": "opensmtpd",
            "what": "reading a login",
            "reason": "ValueError: unknown filter protocol b'0.8'",
        }
    ]


@pytest.mark.parametrize(
    ("written", "login"),
    [
        ("a|b@x.example", "a|b@x.example"),
        (r"a\\b", "a\\b"),
        (r"a\\040b", "a\\040b"),
        (r"a\040b", "a b"),
        (r"\240", "\udca0"),
        (r"\^A\^?", "\x01\x7f"),
        (r"\M-e\M-1\M-1", "山".encode().decode("utf-8", "surrogateescape").replace("山", "\udce5\udcb1\udcb1")),
        (r"\M^B", "\udc82"),
        ("a\\", "a\\"),
    ],
)
def test_a_login_is_decoded(written: str, login: str) -> None:
    """vis(3): "the encoding is a unique, invertible representation"; smtpd uses VIS_WHITE and VIS_SAFE."""
    asked: list[str] = []

    def aliases_of(name: str) -> list[str]:
        asked.append(name)
        return [INFO]

    octets = login.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    assert results(logged_in(written), ask("mail-from", INFO), aliases_of=aliases_of) == ["proceed"]
    assert asked == [octets]


@pytest.mark.parametrize(
    ("sender", "result"),
    [
        (ME, "proceed"),
        (f"<{ME}>", "proceed"),
        (INFO, "proceed"),
        ("", "proceed"),
        (VICTIM, FOREIGN_PATH),
        (
            f"{ME}|x",
            "reject|501 5.1.7 Bad sender address syntax: use only letters, digits, dots and hyphens after the @",
        ),
        (f"@a.example:{ME}", "reject|501 5.1.7 Bad sender address syntax: remove the source route"),
        ("user1", "reject|501 5.1.7 Bad sender address syntax: write user@domain"),
    ],
)
def test_the_envelope(sender: str, result: str) -> None:
    assert [line[:20] for line in results(logged_in(), ask("mail-from", sender))] == [result[:20]]


@pytest.mark.parametrize(
    ("lines", "result"),
    [
        (from_(ME), "proceed"),
        (from_(VICTIM), FOREIGN_FROM),
        (["From:", f" <{ME}>", ""], "proceed"),
        ([f"From: <{ME}>"], "proceed"),
        ([f"From: <{ME}>", "", f"From: <{VICTIM}>"], "proceed"),
        ([f"From: <{ME}>", f"From: <{VICTIM}>"], "reject|554 5.6.0"),
        ([f"From : <{VICTIM}>", f"From: <{ME}>"], "reject|554 5.6.0"),
        ([f".From: <{VICTIM}>", ""], FOREIGN_FROM),
        ([f"..From: <{VICTIM}>", f"From: <{ME}>"], "proceed"),
        ([f"From: <{ME}>", "..", "From: x"], "reject|554 5.6.0"),
        ([f"From: <{ME}>", "X: a\rb", ""], "reject|554 5.6.0"),
        ([f"From: <{ME}>\r", ""], "reject|554 5.6.0"),
        ([f"From: <{ME}>", "no field", ""], "reject|554 5.6.0"),
        ([f"From: <{ME}>", " ", ""], "reject|554 5.6.0"),
        ([], "reject|554 5.6.0"),
        ([""], "reject|554 5.6.0"),
        ([".."], "reject|554 5.6.0"),
    ],
)
def test_the_header(lines: list[str], result: str) -> None:
    """smtpd-filters(7): "The lines are raw dot-escaped SMTP DATA input, terminated with a single dot"."""
    mail, data = results(logged_in(), ask("mail-from", ME), *message(*lines))
    assert mail == "proceed"
    assert data.startswith(result)


def test_sessions_are_kept_apart() -> None:
    mine, other = message(*from_(ME)), message(*from_(VICTIM), sid=OTHER_SID)
    woven = [line for pair in zip(mine, other, strict=True) for line in pair]
    answers, _ = serve(
        logged_in(), logged_in(sid=OTHER_SID), ask("mail-from", ME), ask("mail-from", ME, OTHER_SID), *woven
    )
    assert answers[-2:] == [
        f"filter-result|{SID}|{TOKEN}|proceed",
        f"filter-result|{OTHER_SID}|{TOKEN}|{FOREIGN_FROM}",
    ]


def test_several_messages_a_session() -> None:
    assert results(
        logged_in(),
        *(ask("mail-from", ME), *message(*from_(ME)), report("tx-reset", "00000001")),
        *(ask("mail-from", ME), *message(*from_(VICTIM)), report("tx-rollback", "2"), report("tx-reset", "2")),
        *(ask("mail-from", VICTIM), ask("mail-from", ME), *message(*from_(ME))),
    ) == ["proceed", "proceed", "proceed", FOREIGN_FROM, FOREIGN_PATH, "proceed", "proceed"]


@pytest.mark.parametrize("end", [report("tx-reset", "1"), report("tx-rollback", "1"), report("link-disconnect")])
def test_what_was_reset_is_forgotten(end: str) -> None:
    begun = [logged_in(), ask("mail-from", ME), *message(*from_(ME))[:4]]
    assert results(*begun, end, ask("commit")) == ["proceed", TRY_AGAIN]
    again = results(*begun, end, ask("mail-from", ME), *message(*from_(VICTIM)))
    assert again[1:] == (
        [NO_LOGIN, NO_LOGIN.replace("530", "554")] if "disconnect" in end else ["proceed", FOREIGN_FROM]
    )


@pytest.mark.parametrize(
    "lines",
    [
        [ask("commit")],
        [logged_in(), ask("commit")],
        [ask("connect", "x|127.0.0.1")],
        [logged_in(), ask("mail-from", VICTIM), ask("connect")],
        [ask("mail-from", ME).replace("mail-from", "rcpt-to")],
        [ask("commit").removesuffix("|")],
    ],
)
def test_what_cannot_be_judged_does_not_pass(lines: list[str]) -> None:
    assert results(*lines)[-1] == TRY_AGAIN


def test_a_message_after_a_refused_path_is_not_judged_by_an_older_one() -> None:
    """smtpd sends none; with a path that was refused the header is refused too (law 5)."""
    assert results(logged_in(), ask("mail-from", VICTIM), *message(*from_(ME)))[-1].startswith("reject|550 5.7.1 ")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "|",
        "filter",
        "filter|",
        "report|0.7|1|smtp-in|link-auth",
        "filter|0.7|1|smtp-in|commit|" + SID,
        ask("commit", sid="xyz"),
        ask("commit", sid="0" * 17),
        ask("commit", sid=""),
        ask("data-line", sid="٣"),
        ask("commit").replace(TOKEN, "token"),
        "config|ready|",
        report("timeout"),
        report("tx-reset"),
        report("link-disconnect"),
        report("link-connect", "x|pass|127.0.0.1:1|127.0.0.1:2"),
    ],
)
def test_lines_that_want_no_answer(line: str) -> None:
    assert serve(line) == ([], [])


def test_lines_may_be_cut_anywhere() -> None:
    octets = "".join(line + "\n" for line in [logged_in(), ask("mail-from", ME), *message(*from_(VICTIM))]).encode()
    events: Events = []

    async def drip() -> bytes:
        said: list[bytes] = []
        server = Filter(Service(name="x", log=events.append), said.append)
        for index in range(len(octets)):
            server.feed(octets[index : index + 1])
            await server.finish()
        return b"".join(said)

    assert asyncio.run(drip()).decode().splitlines()[-1].endswith(FOREIGN_FROM)


# A header that is too long


def of_size(octets: int) -> list[str]:
    """Give the lines of a header block of so many octets with LF, its last line end not counted."""
    received = sum(len(line.split("|", 7)[7]) + 1 for line in message()[:2])
    lines = [f"From: <{ME}>"]
    left = octets - received - len(lines[0])
    while left > 200:
        lines.append("X: " + "x" * 95)
        left -= len(lines[-1]) + 1
    return [*lines, "X: " + "x" * (left - 4)]


SHORT = attrs.evolve(SUBMISSION, max_block_octets=2000)


@pytest.mark.parametrize(
    ("octets", "more", "result"),
    [
        (2000, [""], "proceed"),
        (1999, [], "proceed"),
        (2001, [""], "reject|554 5.6.0"),
        (2001, [], "reject|554 5.6.0"),
        (2002, ["", "body"], "reject|554 5.6.0"),
        (1999, ["", f"From: <{VICTIM}>"], "proceed"),
        (2000, [f"From: <{VICTIM}>", ""], "reject|554 5.6.0"),
        (9000, [f"From: <{VICTIM}>", ""], "reject|554 5.6.0"),
    ],
)
def test_a_header_that_is_too_long_is_not_taken_for_its_beginning(octets: int, more: list[str], result: str) -> None:
    """Law, 4, size: "limits come before parsing, and hitting one is malformed"."""
    answers = results(logged_in(), ask("mail-from", ME), *message(*of_size(octets), *more), policy=SHORT)
    assert answers[1].startswith(result)


@pytest.mark.parametrize("header", [of_size(1000), of_size(50_000)], ids=["short", "too long"])
def test_no_more_is_kept_than_the_header_and_what_shows_that_it_is_too_long(header: list[str]) -> None:
    async def kept() -> int:
        server = Filter(Service(name="x", policy=SHORT, log=lambda _: None), lambda _: None)
        server.feed(f"{logged_in()}\n{ask('mail-from', ME)}\n".encode())
        await server.finish()
        for line in message(*header, "", *["body"] * 1000)[:-1]:
            server.feed(line.encode() + b"\n")
        transaction = server._sessions[SID.encode()].transaction
        assert transaction
        return len(transaction.block)

    assert asyncio.run(kept()) == (1002 if header == of_size(1000) else 2092)


def test_nothing_is_left_of_a_session() -> None:
    async def left() -> object:
        server = Filter(Service(name="x", log=lambda _: None), lambda _: None)
        for line in (logged_in(), ask("mail-from", ME), report("link-disconnect")):
            server.feed(line.encode() + b"\n")
        await server.finish()
        return server._sessions

    assert asyncio.run(left()) == {}


# What smtpd does to a From field behind the filter


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        (f" <{ME}>", False),
        (f" {ME}", False),
        (f' "Taro \\"T\\" Yamada" <{ME}>', False),
        (f' "a\\" b" <{ME}>', False),
        (f" Yamada (Taro) <{ME}>", False),
        (f' "a, b" <{ME}>', False),
        (f" {ME}, {INFO}", False),
        (" user1", True),
        (" User One <user1>", True),
        (f' "a\\"" <{ME}> (x" <ceo>)', True),
        (f"(a\\), b) <{ME}>", True),
        (f" {ME}, user1", True),
        (f" (a(b)c) {ME}", False),
        (" a\\@b", False),
        (' "', False),
        (" (", False),
        (" )", True),
        ("\\( a", True),
    ],
)
def test_what_smtpd_would_change(body: str, changed: bool) -> None:  # noqa: FBT001 - a column
    assert _is_changed(body) is changed


@pytest.mark.parametrize(
    "field",
    [f'From: "a\\"" <{ME}> (x" <ceo>)', f'FROM:\n "a\\""\n <{ME}>\n (x" <ceo>)'],
    ids=["one line", "folded"],
)
def test_what_smtpd_would_change_is_malformed(field: str) -> None:
    """What reached the queue is what was judged: smtpd would make it ``<ceo@mail.test-sample.jp>``."""
    mail, data = results(logged_in(), ask("mail-from", ME), *message(*field.split("\n"), ""))
    assert (mail, data[:17]) == ("proceed", "reject|554 5.6.0 ")


# What goes wrong outside


def broken(_login: str) -> list[str]:
    msg = "no route to the directory"
    raise OSError(msg)


@pytest.mark.parametrize(
    "aliases_of", [broken, lambda _: LOOKUP_FAILED, lambda _: 17], ids=["raises", "failed", "type"]
)
def test_a_directory_that_does_not_answer(aliases_of: Callable[[str], object]) -> None:
    """Law, 4: "An outage is never a permanent rejection and never an acceptance"."""
    asked = [logged_in(), ask("mail-from", INFO), ask("mail-from", ME), *message(*from_(INFO))]
    asked += [ask("mail-from", ME), *message(*from_(ME))]
    later = "reject|451 4.3.0 Sender lookup failed: try again later"
    assert results(*asked, aliases_of=aliases_of) == [later, "proceed", later, "proceed", "proceed"]


def test_a_look_up_that_hangs_holds_up_nobody_else() -> None:
    """smtpd-filters(7): "filters must not use blocking I/O"."""
    released = threading.Event()

    def aliases_of(login: str) -> list[str]:
        if login == ME:
            released.wait(20)
        return [INFO]

    async def ask_both() -> None:
        said: asyncio.Queue[bytes] = asyncio.Queue()
        server = Filter(Service(name="x", aliases_of=aliases_of, log=lambda _: None), said.put_nowait)
        server.feed(f"{logged_in()}\n{logged_in(VICTIM, OTHER_SID)}\n{ask('mail-from', ME)}\n".encode())
        server.feed(f"{ask('mail-from', INFO, OTHER_SID)}\n".encode())
        assert await said.get() == f"filter-result|{OTHER_SID}|{TOKEN}|proceed\n".encode()
        server.feed(f"{ask('commit')}\n".encode())  # not judged yet
        assert (await said.get()).decode() == f"filter-result|{SID}|{TOKEN}|{TRY_AGAIN}\n"
        released.set()
        await server.finish()
        assert (await said.get()).decode() == f"filter-result|{SID}|{TOKEN}|proceed\n"

    asyncio.run(ask_both())


def test_a_look_up_that_is_too_late() -> None:
    released = threading.Event()
    try:
        answers = results(
            *(logged_in(), ask("mail-from", INFO)), aliases_of=lambda _: released.wait(20), lookup_timeout=0.01
        )
    finally:
        released.set()
    assert answers == ["reject|451 4.3.0 Sender lookup failed: try again later"]


@pytest.mark.parametrize("stage", ["mail", "data"])
def test_a_mistake_of_the_site_is_try_again(stage: str) -> None:
    events: Events = []

    def log(event: dict[str, Any]) -> None:
        if event["event"] == "decision" and event["verdict"]["stage"] == stage:
            msg = "disk full"
            raise OSError(msg)
        events.append(event)

    service = Service(name="opensmtpd", log=log)
    asked: list[str | bytes] = [logged_in(), ask("mail-from", ME), *message(*from_(ME))]
    answers = asyncio.run(answered(service, asked))
    decided = [line.split("|", 3)[3] for line in answers if line.startswith("filter-result|")]
    # Nothing is judged at DATA by a MAIL that was not.
    assert decided == ([TRY_AGAIN, TRY_AGAIN] if stage == "mail" else ["proceed", TRY_AGAIN])
    assert events[-1 if stage == "data" else 0]["reason"] == "OSError: disk full"


# Any line at all

IDS = st.sampled_from([SID, OTHER_SID, "0", "g", ""])
VALUES = st.one_of(
    st.sampled_from([ME, VICTIM, INFO, "", ".", "..", f"From: <{ME}>", f"From: <{VICTIM}>", f"pass|{ME}", "|"]),
    st.text(st.characters(exclude_characters="\n"), max_size=20),
)
PHASES = st.sampled_from(["mail-from", "data-line", "commit", "connect", "", "x"])
REPORTS = st.sampled_from(["link-auth", "link-disconnect", "tx-reset", "tx-rollback", "", "x"])
VERSIONS = st.sampled_from(["0.6", "0.7", "1", ""])
LINES = st.one_of(
    st.builds(lambda *a: ask(*a).encode("utf-8", "surrogatepass"), PHASES, VALUES, IDS, VERSIONS),
    st.builds(lambda *a: report(*a).encode("utf-8", "surrogatepass"), REPORTS, VALUES, IDS, VERSIONS),
    st.binary(max_size=40).map(lambda octets: octets.replace(b"\n", b"")),
    st.just(b"config|ready"),
)
ANSWER = re.compile(
    rb"filter-result\|[0-9a-f]{1,16}\|[0-9a-f]{1,16}\|(?:proceed|reject\|[45][0-9]{2} [ -~]{1,500})"
    rb"|filter-dataline\|[0-9a-f]{1,16}\|[0-9a-f]{1,16}\|[^\n]*"
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=30))
def test_every_request_gets_one_well_formed_answer(lines: list[bytes]) -> None:
    """smtpd-filters(7): "Filter requests expect an answer"; smtpd ends if it cannot read one."""
    said: list[bytes] = []

    async def feed() -> None:
        server = Filter(Service(name="x", aliases_of=lambda _: [INFO], log=lambda _: None), said.append)
        for line in lines:
            server.feed(line + b"\n")
            await server.finish()

    asyncio.run(feed())
    answers = [line for line in b"".join(said).split(b"\n")[:-1] if not line.startswith(b"register|")]
    asked = [
        line.split(b"|", 7) for line in lines if re.match(rb"filter\|(?:[^|]*\|){4}[0-9a-f]+\|[0-9a-f]+(?:\||$)", line)
    ]
    assert len(answers) == len(asked)
    for request, answer in zip(asked, answers, strict=True):
        assert ANSWER.fullmatch(answer), answer
        assert answer.split(b"|")[1:3] == request[5:7]
        assert answer.startswith(b"filter-dataline") == (request[4] == b"data-line")


# As a process, and its end


@pytest.fixture
def pipes() -> Iterator[tuple[int, int, int, int]]:
    """Give what the filter reads, what smtpd writes, what smtpd reads, what the filter writes."""
    numbers = (*os.pipe(), *os.pipe())
    yield numbers
    for number in numbers:
        with contextlib.suppress(OSError):
            os.close(number)


HELLO = f"config|ready\n{logged_in()}\n{ask('mail-from', ME)}\n".encode()


def test_the_end_of_smtpd_is_the_end(pipes: tuple[int, int, int, int]) -> None:
    stdin, to_filter, from_filter, stdout = pipes
    os.write(to_filter, HELLO)
    os.close(to_filter)
    asyncio.run(run(Service(name="x", log=lambda _: None), stdin, stdout))
    said = os.read(from_filter, 65536)
    assert said.startswith(b"register|")
    assert said.endswith(f"|{TOKEN}|proceed\n".encode())


def test_smtpd_that_reads_no_more(pipes: tuple[int, int, int, int]) -> None:
    stdin, to_filter, from_filter, stdout = pipes
    os.write(to_filter, HELLO)
    os.close(to_filter)
    os.close(from_filter)
    asyncio.run(run(Service(name="x", log=lambda _: None), stdin, stdout))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_after_what_is_in_flight(pipes: tuple[int, int, int, int], number: int) -> None:
    stdin, to_filter, from_filter, stdout = pipes

    def aliases_of(_: str) -> list[str]:
        os.kill(os.getpid(), number)
        time.sleep(0.2)  # so that the end begins before the answer
        return []

    os.write(to_filter, HELLO)
    asyncio.run(run(Service(name="x", aliases_of=aliases_of, log=lambda _: None), stdin, stdout))
    assert os.read(from_filter, 65536).endswith(f"|{TOKEN}|proceed\n".encode())


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "senders").write_text(f"sales@test-sample.jp {ME}\n")
    command = [sys.executable, "-m", "sendertrust.integrations.opensmtpd"]
    asked = "".join(
        line + "\n"
        for line in ["config|ready", logged_in(), ask("mail-from", "sales@test-sample.jp"), ask("mail-from", VICTIM)]
    )
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--policy", "SUBMISSION", "--map", str(tmp_path / "senders")],
        input=asked.encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert sorted(line.split(b"|", 3)[3] for line in done.stdout.splitlines()[8:]) == [
        b"proceed",
        FOREIGN_PATH.encode(),
    ]
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert {event["verdict"]["decision"] for event in events} == {"accept", "reject"}


def test_main(pipes: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    stdin, to_filter, from_filter, stdout = pipes
    os.write(to_filter, b"config|ready\n")
    os.close(to_filter)
    kept = os.dup(0), os.dup(1)
    try:
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        assert main([]) == 0
    finally:
        for number, copy in enumerate(kept):
            os.dup2(copy, number)
            os.close(copy)
    assert os.read(from_filter, 65536).endswith(b"register|ready\n")


@pytest.mark.parametrize("arguments", [["--policy", "x"], ["--socket", "x"], ["--map", "/no/such/map"]])
def test_mistakes_in_the_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert arguments[1] in capsys.readouterr().err

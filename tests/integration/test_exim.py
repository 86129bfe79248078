"""docs/how-to/exim.md, run: a real Exim asks the real server, which is killed, hung and lied for meanwhile."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import attrs
import pytest
from faults import check_crowd, check_crowd_fault, check_fault, crowd, recipient_of
from pages import blocks
from processes import SECONDS, answers, command_of, start, start_at
from sessions import (
    MAPS,
    ME,
    PASSWORDS,
    SALES,
    SESSIONS,
    VICTIM,
    Client,
    Message,
    Session,
    accepted,
    check_column,
    check_session,
    judge_again,
    new_folder,
    play,
    write_maps,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNPACKED: Final = Path(os.environ.get("SENDERTRUST_EXIM", "/var/cache/sendertrust/exim"))
CONFIGURATION, UNIT, *_ = blocks("exim.md", "text")
EMBEDDED: Final = blocks("exim.md", "python")[0]
USER: Final = "Debian-exim"
IMPATIENT: Final = "2s"  # how long it waits for an answer that does not come

pytestmark = [
    pytest.mark.socket,
    pytest.mark.skipif(os.geteuid() != 0, reason="Exim starts as root only"),
    pytest.mark.skipif(
        not (UNPACKED / "unpacked").exists(), reason=f"no Exim in {UNPACKED}: run tests/integration/exim.sh"
    ),
]

DIFFERENCES: Final = {
    "envelope-route": (
        ["DATA 250.*"],
        "Exim drops a source route before the ACL; what is left is judged and delivered",
    ),
    "envelope-blanks": (["DATA 250.*"], "Exim drops blanks round a path before the ACL"),
    "envelope-unclosed": (["MAIL 501 .*'>' missing.*"], "Exim's own syntax check, which has no enhanced codes"),
    "block-bare-lf": (["DATA 250.*"], "Exim makes a folded line of it: the second From is part of the note"),
    "block-bare-cr": (["DATA 250.*"], "likewise"),
    "block-nul": (["DATA 250.*"], "Exim replaces NUL by `?`"),
    "block-leading-fold": (
        ["DATA 554 5.6.0 .*send one From field with an address"],
        "for Exim the body begins at a first line that continues nothing, so the message has no From",
    ),
    "block-blank-fold": (
        ["DATA 554 5.6.0 .*send one From field"],
        "Exim drops blank continuation lines; what is left has two From fields",
    ),
    "block-no-field": (["DATA 250.*"], "for Exim the body begins there, and it puts an empty line before it"),
    "block-unended": (["DATA 250.*"], "likewise"),
}

UNAVAILABLE: Final = "451 4.3.0 Sender check not available: try again later"
OWN: Final = f"From: <{ME}>\r\n\r\ntest.\r\n".encode()
FOREIGN: Final = f"From: <{VICTIM}>\r\n\r\ntest.\r\n".encode()


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class Judge:
    """The server that answers, with the unit's own command line."""

    def __init__(self, folder: Path, *more: str, embedded: str | None = None) -> None:
        self.socket, self.log = folder / "exim.sock", folder / "judge.log"
        write_maps(folder)
        self.command = [*command_of(UNIT, folder), *more]
        if embedded:
            self.command = [sys.executable, "-c", embedded, str(self.socket)]
        self.start()

    def start(self) -> None:
        self.process = start_at(self.socket, self.command, self.log, group=USER, umask=0o117)

    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text(encoding="ascii").splitlines()]


@attrs.frozen
class Stored:
    """A message as it is in Exim's spool."""

    path: str
    recipient: str
    content: bytes


class Exim:
    """One Exim, isolated: the page's configuration, with macros from the command line and its folders set before it."""

    def __init__(self, folder: Path, wait: str = "15s", configuration: str = CONFIGURATION) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.spool, self.socket = folder / "spool", folder / "exim.sock"
        for path in (self.spool, folder / "log"):
            path.mkdir()
            # Exim writes there as its own user.
            subprocess.run(["chown", USER, path], check=True)  # noqa: S603, S607 - coreutils
        hashes = {a: base64.b64encode(hashlib.sha1(p.encode()).digest()).decode() for a, p in PASSWORDS.items()}  # noqa: S324 - as crypteq has it
        passwords = folder / "passwd"
        passwords.write_text("".join(f"{account}: {{sha1}}{digest}\n" for account, digest in hashes.items()))
        passwords.chmod(0o644)
        isolated = (
            f"spool_directory = {self.spool}\nlog_file_path = {folder}/log/%slog\npid_file_path = {folder}/exim.pid\n"
            "local_interfaces = 127.0.0.1\nqueue_only\n"
        )
        (folder / "exim.conf").write_text(isolated + configuration)
        macros = {"ST_SOCKET": self.socket, "ST_WAIT": wait, "MAIL_PORT": self.port, "PASSWORD_FILE": passwords}
        libraries = [str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu")]
        self.process = start(
            [
                UNPACKED / "usr/sbin/exim4",
                *("-C", folder / "exim.conf"),
                *(f"-D{name}={value}" for name, value in macros.items()),
                "-bdf",
            ],
            folder / "exim.log",
            lambda: answers(socket.AF_INET, ("127.0.0.1", self.port)),
            env=os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self.process)

    def stored(self) -> dict[str, Stored]:
        """Give the messages in the spool by their recipient: the header block as it stands, with its body."""
        return {one.recipient: one for one in map(_stored, self.spool.glob("input/*-H"))}

    def submit(self, content: bytes, recipient: str = "any@a.example", path: str = ME) -> str:
        """Submit one message as `ME`; give the step that decided, and the reply."""
        with Client(self.port) as client:
            assert client.log_in(ME, PASSWORDS[ME]).startswith("235")
            return finish(client, content, recipient, path)


def finish(client: Client, content: bytes, recipient: str, path: str) -> str:
    commands = {"MAIL": f"MAIL FROM:<{path}>", "RCPT": f"RCPT TO:<{recipient}>", "DATA": "DATA"}
    for step, command in commands.items():
        if (said := client.say(command.encode()))[0] not in "23":
            return f"{step} {said}"
    client.write(content + b".\r\n")
    return f"DATA {client.read()}"


def _stored(envelope: Path) -> Stored:
    """Read the spool (spec, chapter 56): after an empty line each field, behind its length and what it is."""
    octets = envelope.read_bytes()
    head, _, rest = octets.partition(b"\n\n")
    block = b""
    while rest:
        match = re.match(rb"([0-9]+)(.) ", rest)
        assert match, rest[:50]
        length, kind = int(match[1]), match[2]
        field, rest = rest[match.end() : match.end() + length], rest[match.end() + length :]
        block += b"" if kind == b"*" else field  # what Exim has deleted
    lines = head.decode().splitlines()
    body = envelope.with_name(envelope.name.removesuffix("-H") + "-D").read_bytes().partition(b"\n")[2]
    return Stored(lines[2].removeprefix("<").removesuffix(">"), lines[-1], block + b"\n" + body)


@pytest.fixture
def folder() -> Iterator[Path]:
    with new_folder() as new:
        yield new


@pytest.fixture(scope="module")
def exim() -> Iterator[Exim]:
    with new_folder() as folder:
        judge = Judge(folder)
        try:
            with Exim(folder) as server:
                yield server
        finally:
            assert end(judge.process) == 0


@pytest.fixture
def house(folder: Path) -> Iterator[tuple[Exim, Judge]]:
    """One that may be broken; Exim does not wait long for an answer."""
    judge = Judge(folder)
    try:
        with Exim(folder, wait=IMPATIENT) as server:
            yield server, judge
    finally:
        judge.process.kill()
        judge.process.wait()


@pytest.fixture(scope="module")
def seen(exim: Exim) -> dict[str, list[str]]:
    return {session.id: play(exim.port, session) for session in SESSIONS}


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.id)
def test_a_session(session: Session, seen: dict[str, list[str]]) -> None:
    check_session(session, seen[session.id], DIFFERENCES)


def test_what_is_in_the_spool_is_what_was_judged(exim: Exim, seen: dict[str, list[str]]) -> None:
    stored = exim.stored()
    found: dict[str, tuple[Session, Message]] = {
        recipient: (session, message)
        for session in SESSIONS
        for recipient, message in accepted(session, seen[session.id])
    }
    assert found.keys() <= stored.keys()
    assert not [key for key in stored.keys() - found.keys() if key.endswith("@inbox.example")]
    for recipient, (session, message) in found.items():
        one = stored[recipient]
        judge_again(session.logged_in, attrs.evolve(message, path=one.path.encode()), one.content, line_ends="lf")


def test_the_page_has_the_column(seen: dict[str, list[str]]) -> None:
    check_column("exim", seen, DIFFERENCES)


@pytest.mark.parametrize(("content", "reply"), [(OWN, "250 "), (FOREIGN, "550 5.7.1 ")], ids=["own", "foreign"])
def test_bdat_is_judged_like_data(exim: Exim, content: bytes, reply: str) -> None:
    """RFC 3030 2: "the final chunk"; its reply is that of the message."""
    with Client(exim.port) as client:
        client.log_in(ME, PASSWORDS[ME])
        assert client.say(f"MAIL FROM:<{ME}>".encode()).startswith("250")
        assert client.say(b"RCPT TO:<bdat@chunks.example>").startswith("250")
        client.write(b"BDAT %d LAST\r\n" % len(content) + content)
        assert client.read().startswith(reply)


def padded(octets: int) -> bytes:
    """Give a header of some octets with the own From first, and a foreign one behind."""
    padding = b"X-Note: " + b"x" * 90 + b"\r\n"
    return OWN[: OWN.index(b"\r\n") + 2] + padding * (octets // len(padding)) + FOREIGN


def test_a_header_that_exim_would_cut_is_refused_by_exim(exim: Exim) -> None:
    assert exim.submit(padded(66_000)).startswith("DATA 552 ")
    assert exim.submit(padded(40_000)).startswith("DATA 554 5.6.0 ")


def test_a_header_that_exim_has_cut_is_not_judged(folder: Path) -> None:
    """find_header in expand.c of Exim ends at header_insert_maxlen, 64 KiB, without a word."""
    configuration = re.sub("^header_maxsize.*\n", "", CONFIGURATION, flags=re.MULTILINE)
    assert configuration != CONFIGURATION
    judge = Judge(folder)
    try:
        with Exim(folder, configuration=configuration) as server:
            said = server.submit(padded(66_000))
            assert said == "DATA 451 4.3.5 Server configuration error: try again later"
            assert not server.stored()
    finally:
        assert end(judge.process) == 0
    assert "set header_maxsize" in str(judge.events()[-1]["reason"])


def test_report_only_refuses_nothing_and_logs_what_it_would(folder: Path) -> None:
    """Law, 4, report-only: "`action` ACCEPT, `allowed` True, `decision` the real one"."""
    judge = Judge(folder, "--report-only")
    try:
        with Exim(folder) as server:
            assert server.submit(FOREIGN, path=VICTIM).startswith("DATA 250 ")
    finally:
        assert end(judge.process) == 0
    verdicts = [event["verdict"] for event in judge.events()]
    assert [(v["stage"], v["decision"], v["action"]) for v in verdicts if isinstance(v, dict)] == [
        ("mail", "reject", "accept"),
        ("data", "reject", "accept"),
    ]


# Faults: nothing unjudged is accepted, and all recovers by itself


def killed(judge: Judge) -> None:
    end(judge.process, signal.SIGKILL)


def hung(judge: Judge) -> None:
    judge.process.send_signal(signal.SIGSTOP)


def unwritable(judge: Judge) -> None:
    judge.socket.chmod(0)


def started(judge: Judge) -> None:
    judge.start()


def woken(judge: Judge) -> None:
    judge.process.send_signal(signal.SIGCONT)


def writable(judge: Judge) -> None:
    judge.socket.chmod(0o660)


def ended(judge: Judge) -> None:
    assert end(judge.process) == 0


#: The row of the page, what breaks it, what mends it and how the page calls that, how often it is tried meanwhile.
BROKEN: Final[dict[str, tuple[Callable[[Judge], None], Callable[[Judge], None], str, int]]] = {
    "killed": (killed, started, "the filter started again: the next message", 3),
    "restarted": (ended, started, "the filter started again: the next message", 1),
    "hung": (hung, woken, "the filter going on: the next message", 1),
    "socket-unwritable": (unwritable, writable, "its mode back: the next message", 3),
}


@pytest.mark.parametrize("row", BROKEN)
def test_a_fault(house: tuple[Exim, Judge], row: str) -> None:
    fault, mend, mended_by, times = BROKEN[row]
    server, judge = house
    with ThreadPoolExecutor(1) as beside, Client(server.port) as client:
        client.log_in(ME, PASSWORDS[ME])
        for command in (f"MAIL FROM:<{ME}>", "RCPT TO:<between@a.example>", "DATA"):
            assert client.say(command.encode())[0] in "23"
        fault(judge)  # between MAIL and DATA
        another = beside.submit(server.submit, OWN)  # what hangs is waited for at the same time
        client.write(OWN + b".\r\n")
        amid = client.read()
        assert amid == UNAVAILABLE
        for _ in range(times):  # in one session: Exim's own descriptor of the socket must not outlive the failure
            assert finish(client, OWN, "same@a.example", ME) == f"MAIL {UNAVAILABLE}"
        anew = another.result()
        assert anew == f"MAIL {UNAVAILABLE}"
        assert not server.stored()
        mend(judge)
        assert finish(client, OWN, "after@a.example", ME).startswith("DATA 250 ")
    assert server.submit(FOREIGN).startswith("DATA 550 5.7.1 ")
    assert server.stored().keys() == {"after@a.example"}
    amid = f"DATA {amid}"
    if row == "restarted":
        check_fault("exim", row, [amid], mended_by)
    elif row == "socket-unwritable":
        check_fault("exim", row, [anew], mended_by)
    else:
        check_fault("exim", row, [anew], mended_by)
        check_fault("exim", f"{row}-amid", [amid], mended_by)


SCRIPTED: Final = """
def aliases_of(login):
    import pathlib, time
    state = pathlib.Path(CONTROL).read_text()
    if state == "fails":
        raise OSError("no directory")
    if state == "slow":
        time.sleep(20)
    return ["sales@test-sample.jp"]
"""


def scripted(control: Path) -> str:
    """Give the page's program with an alias function that does what a file says, and less patience."""
    plain = "def aliases_of(login):\n    return ALIASES.get(login, [])\n"
    assert plain in EMBEDDED
    text = EMBEDDED.replace(plain, SCRIPTED.replace("CONTROL", repr(str(control))))
    text = text.replace("aliases_of=aliases_of", "aliases_of=aliases_of, lookup_timeout=0.5")
    return f"import sys\n{text}\n\nmain(sys.argv[1])\n"


def test_a_look_up_that_fails_or_is_slow(folder: Path) -> None:
    """Law, 4, lookup failed: "An outage is never a permanent rejection and never an acceptance"."""
    control = folder / "control"
    control.write_text("answers")
    control.chmod(0o644)
    sales = f"From: <{SALES}>\r\n\r\ntest.\r\n".encode()
    judge = Judge(folder, embedded=scripted(control))
    try:
        with Exim(folder) as server, Client(server.port) as client:
            client.log_in(ME, PASSWORDS[ME])
            for state, row in (("fails", "aliases-fail"), ("slow", "aliases-slow")):
                control.write_text("answers")
                assert finish(client, sales, f"before-{state}@a.example", SALES).startswith("DATA 250 ")
                control.write_text(state)
                during = finish(client, sales, "during@a.example", SALES)
                assert during == "MAIL 451 4.3.0 Sender lookup failed: try again later"
                assert finish(client, OWN, f"own-{state}@a.example", ME).startswith("DATA 250 ")
                control.write_text("answers")
                assert finish(client, sales, f"after-{state}@a.example", SALES).startswith("DATA 250 ")
                check_fault("exim", row, [during], "an answer: the next message")
            expected = {
                f"{when}-{state}@a.example" for when in ("before", "own", "after") for state in ("fails", "slow")
            }
            assert server.stored().keys() == expected
    finally:
        assert end(judge.process) == 0


def test_a_map_that_is_broken_and_gone_and_back(house: tuple[Exim, Judge]) -> None:
    server, judge = house
    map_file = judge.socket.with_name("senders")
    sales = f"From: <{SALES}>\r\n\r\ntest.\r\n".encode()
    with Client(server.port) as client:
        client.log_in(ME, PASSWORDS[ME])

        def submit(recipient: str) -> str:
            return finish(client, sales, f"{recipient}@a.example", SALES)

        map_file.write_text(f"{SALES}\n")
        broken = submit("broken")
        map_file.unlink()
        gone = submit("gone")
        map_file.write_text("hr@test-sample.jp nobody\n")
        assert submit("another").startswith("MAIL 550 5.7.1 ")
        map_file.write_text(MAPS["senders"])
        assert submit("back").startswith("DATA 250 ")
    assert [event["kept"] for event in judge.events() if event["event"] == "map"] == [True, True, False, False]
    assert server.stored().keys() == {"broken@a.example", "gone@a.example", "back@a.example"}
    check_fault("exim", "map-broken", [broken], "a good map: the next message")
    check_fault("exim", "map-gone", [gone], "a good map: the next message")


NO_ANSWERS: Final = {
    "empty": b"",
    "cut": b"O",
    "twice": b"OKOK",
    "small": b"ok",
    "blank-before": b" OK",
    "more": b"OK DUNNO",
    "acceptance": b"250 OK",
    "code-alone": b"550",
    "no-code": b"5xx no",
    "words": b"Error",
    "octets": b"\xff\x00",
    "second-line": b"no\nOK",
    "http": b"HTTP/1.0 200 OK",
    "long": b"x" * 70_000,
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_an_answer_that_is_none(liar: Liar, answer: bytes) -> None:
    liar.answer = answer
    assert liar.exim.submit(OWN) == f"MAIL {UNAVAILABLE}"


def test_an_answer_that_does_not_end(liar: Liar) -> None:
    """The server may be stopped between two writes: what came before is no answer."""
    liar.answer, liar.closes = b"OK", False
    assert liar.exim.submit(OWN) == f"MAIL {UNAVAILABLE}"


def test_an_answer_at_data_that_is_none(liar: Liar) -> None:
    """What MAIL was told does not hold for DATA."""
    liar.answer, liar.then = b"OK", b""
    assert liar.exim.submit(OWN) == f"DATA {UNAVAILABLE}"
    assert not liar.exim.stored()


class Liar:
    """Something that listens at the socket, and is not ours."""

    def __init__(self, exim: Exim) -> None:
        self.exim, self.answer, self.closes = exim, b"", True
        self.then: bytes | None = None
        self._kept: list[socket.socket] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(exim.socket))
        exim.socket.chmod(0o666)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                stack.callback(self._kept.append if not self.closes else socket.socket.close, connection)
                request = b""
                while part := connection.recv(65536):
                    request += part
                if not request:
                    return
                answer = self.answer if self.then is None or b"header=" not in request else self.then
                connection.sendall(answer)

    def close(self) -> None:
        self.closes = True
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(self.exim.socket))
        self._thread.join(SECONDS)
        for connection in [*self._kept, self._socket]:
            connection.close()


@pytest.fixture(scope="module")
def alone() -> Iterator[Exim]:
    with new_folder() as folder, Exim(folder, wait=IMPATIENT) as server:
        yield server


@pytest.fixture
def liar(alone: Exim) -> Iterator[Liar]:
    one = Liar(alone)
    try:
        yield one
    finally:
        one.close()
        alone.socket.unlink()


@pytest.mark.parametrize("fault", ["none", "restarts"])
def test_two_hundred_clients_at_once(folder: Path, fault: str) -> None:
    """Issue: "nothing unjudged is accepted (the server answers 4xx), nothing accepted is lost"."""
    judge = Judge(folder)

    def restart_twice() -> None:
        for _ in range(2):
            end(judge.process, signal.SIGKILL)
            judge.start()

    try:
        with Exim(folder) as server:
            told = crowd(
                lambda number: server.submit(FOREIGN if number % 2 else OWN, recipient_of(number)),
                restart_twice if fault == "restarts" else None,
            )
            assert server.submit(OWN, "after@a.example").startswith("DATA 250 ")
            stored = [one.recipient for one in map(_stored, server.spool.glob("input/*-H"))]
    finally:
        assert end(judge.process) == 0
    assert "after@a.example" in stored
    check_crowd(told, stored, disturbed=fault == "restarts")
    if fault == "none":
        check_crowd_fault("exim", "clients-200", told.values())
    else:
        check_crowd_fault("exim", "clients-200-restart", told.values(), BROKEN["killed"][2])

"""What the integrations share, without a server: look-ups that fail, maps that change, the log, the command line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import runpy
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import pytest
from processes import wait_until

from sendertrust import EPOST, LOOKUP_FAILED, STRICT, SUBMISSION, Aliases, TrustLevel
from sendertrust.integrations import map_files
from sendertrust.integrations import service as module
from sendertrust.integrations.command_line import arguments, service
from sendertrust.integrations.map_files import MapFiles
from sendertrust.integrations.service import Account, Service, log_to_stderr
from sendertrust.maps import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ME = "user1@test-sample.jp"
INFO = "info@test-sample.jp"
VICTIM = "ceo@victim.example"
OWN = [("From", f" <{ME}>")]
SECRET = "confidential"

Events = list[dict[str, Any]]


class Ask(Protocol):
    def __call__(self, service: Service, login: str | None = ME) -> Account: ...


def ask_now(service: Service, login: str | None = ME) -> Account:
    return service.account(login)


def ask_in_a_loop(service: Service, login: str | None = ME) -> Account:
    return asyncio.run(service.account_async(login))


both = pytest.mark.parametrize("ask", [ask_now, ask_in_a_loop])


def made(aliases_of: Any = None, **options: Any) -> tuple[Service, Events]:
    events: Events = []
    more = {} if aliases_of is None else {"aliases_of": aliases_of}
    return Service(name="test", log=events.append, **more, **options), events


def told(account: Account, envelope_from: str = INFO) -> str:
    return str(account.mail(envelope_from) or "OK")


# Look-ups


@both
@pytest.mark.parametrize(
    "found",
    [[INFO], (INFO,), {INFO}, frozenset({INFO}), Aliases([INFO]), ["@test-sample.jp"]],
    ids=["list", "tuple", "set", "frozenset", "compiled", "domain"],
)
def test_what_a_look_up_gives_is_granted(ask: Ask, found: Any) -> None:
    one, events = made(lambda login: found if login == ME else [])
    assert told(ask(one)) == "OK"
    assert told(ask(one, "user2@test-sample.jp")).startswith("550 5.7.1 ")
    assert [event["event"] for event in events] == ["decision"] * 2


def raising(error: BaseException) -> Any:
    def aliases_of(_login: str, **_: object) -> list[str]:
        raise error

    return aliases_of


FAILURES = {
    "raises": (raising(OSError("no route")), "OSError: no route"),
    "raises-in-silence": (raising(RuntimeError()), "RuntimeError: RuntimeError"),
    "gives-up": (raising(SystemExit("bye")), "SystemExit: bye"),
    "is-cancelled": (raising(asyncio.CancelledError()), "CancelledError: CancelledError"),
    "text": (lambda _: "*@shared.jp", "TypeError: "),
    "nothing": (lambda _: None, "TypeError: "),
    "number": (lambda _: 7, "TypeError: "),
    "numbers": (lambda _: [7], "TypeError: "),
    "takes-no-login": (lambda *, _: [], "TypeError: "),
}


@both
@pytest.mark.parametrize(("aliases_of", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_look_up_that_fails_defers_what_the_own_address_does_not_decide(
    ask: Ask, aliases_of: Any, reason: str
) -> None:
    """Law, 4, lookup failed: "An outage is never a permanent rejection and never an acceptance"."""
    one, events = made(aliases_of)
    account = ask(one)
    assert [event["event"] for event in events] == ["error"]
    assert events[0]["service"] == "test"
    assert events[0]["what"] == f"looking up the aliases of {ME!r}"
    assert events[0]["reason"].startswith(reason)
    assert told(account).startswith("451 4.3.0 ")
    assert told(account, ME) == "OK"
    assert account.data(ME, OWN, line_ends="lf") is None


@both
def test_a_directory_that_says_itself_that_it_failed(ask: Ask) -> None:
    one, events = made(lambda _: LOOKUP_FAILED)
    # Such a source may also be one of several.
    two, _ = made(lambda _: Aliases.union([], LOOKUP_FAILED))
    assert {told(ask(one))[:4], told(ask(two))[:4]} == {"451 "}
    assert [event["event"] for event in events] == ["decision"]


@both
def test_a_look_up_that_takes_too_long(ask: Ask) -> None:
    """Service: "at most *lookup_timeout* seconds are waited for it"."""
    end = threading.Event()

    def aliases_of(_login: str) -> list[str]:
        end.wait(20)
        return [INFO]

    one, events = made(aliases_of, lookup_timeout=0.01)
    try:
        assert told(ask(one))[:4] == "451 "
        assert events[0]["reason"] == "TimeoutError: TimeoutError"
    finally:
        end.set()


@both
def test_look_ups_that_hang_do_not_stop_the_others_for_ever(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    hung, end = threading.Event(), threading.Event()
    asked: list[str] = []

    def aliases_of(login: str) -> list[str]:
        asked.append(login)
        if login == "hangs":
            hung.set()
            end.wait(20)
        return [INFO]

    monkeypatch.setattr(module, "_LOOKUPS_AT_ONCE", 1)
    one, _ = made(aliases_of, lookup_timeout=0.05)
    first = threading.Thread(target=one.account, args=("hangs",))
    first.start()
    assert hung.wait(20)
    try:
        assert told(ask(one))[:4] == "451 "
        assert asked == ["hangs"]
    finally:
        end.set()
    first.join(20)
    patient = attrs.evolve(one, lookup_timeout=20.0)
    assert told(ask(patient)) == "OK"


def test_a_look_up_that_nobody_waits_for_is_not_begun() -> None:
    """A client that has gone before its turn came is not asked for."""
    asked: list[str] = []
    one, _ = made(asked.append)
    future: Future[Aliases] = Future()
    future.cancel()
    one._look_up(ME, future)
    assert asked == []


@both
def test_too_many_look_ups_that_wait_are_given_up_at_once(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept while a directory hangs is bounded."""
    monkeypatch.setattr(module, "_LOOKUPS_AT_ONCE", 1)
    monkeypatch.setattr(module, "_LOOKUPS_WAITING", 2)
    hung, end = threading.Event(), threading.Event()
    asked: list[str] = []

    def aliases_of(login: str) -> list[str]:
        asked.append(login)
        hung.set()
        end.wait(20)
        return [INFO]

    one, events = made(aliases_of, lookup_timeout=0.01)
    try:
        assert told(ask(one, "first"))[:4] == "451 "
        assert hung.wait(20)
        assert [told(ask(one, login))[:4] for login in ("second", "third", "fourth")] == ["451 "] * 3
        reasons = [event["reason"] for event in events if event["event"] == "error"]
        assert reasons == ["TimeoutError: TimeoutError"] * 3 + ["TimeoutError: too many look-ups wait already"]
    finally:
        end.set()
    # Those that have given up make room.
    patient = attrs.evolve(one, lookup_timeout=20.0)
    object.__setattr__(patient, "_threads", one._threads)
    wait_until("there is room", lambda: not one._threads._waiting)
    assert told(ask(patient, "fifth")) == "OK"
    assert asked == ["first", "fifth"]


def test_a_log_that_fails_amid_a_look_up_holds_nobody_up() -> None:
    def full(_event: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    one = Service(name="test", aliases_of=raising(OSError("no route")), log=full, lookup_timeout=60.0)
    for _ in range(2 * module._LOOKUPS_AT_ONCE):  # more than there are threads
        with pytest.raises(OSError, match="No space left"):
            one.account(ME)


def test_a_thread_is_used_again_and_ends_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    def aliases_of(login: str) -> list[str]:
        threads.add(threading.get_ident())
        return [INFO]

    one, _ = made(aliases_of)
    for _ in range(20):
        assert told(one.account(ME)) == "OK"
        wait_until("it is idle", lambda: one._threads._idle == 1)
    assert len(threads) == 1
    assert one._threads._number == 1

    monkeypatch.setattr(module, "_LOOKUPS_REST", 0.01)
    two, _ = made(aliases_of)
    assert told(two.account(ME)) == "OK"
    wait_until("its thread has ended", lambda: two._threads._number == 0)
    assert told(two.account(ME)) == "OK"


def test_one_that_hangs_holds_up_no_other() -> None:
    """Two questions come before the one idle thread has taken the first, which hangs."""
    threads = module._Threads()
    threads.run(lambda: None)
    wait_until("it is idle", lambda: threads._idle == 1)
    end, done = threading.Event(), threading.Event()

    def hang() -> None:
        end.wait(20)

    with threads._changed:
        threads.run(hang)
        threads.run(done.set)
    try:
        assert done.wait(20)
        assert not end.is_set()
    finally:
        end.set()


def test_what_had_to_wait_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all threads were busy, and then had nothing to do and ended, the next question gets one."""
    monkeypatch.setattr(module, "_LOOKUPS_AT_ONCE", 1)
    monkeypatch.setattr(module, "_LOOKUPS_REST", 0.01)
    go_on = threading.Event()

    def aliases_of(login: str) -> list[str]:
        go_on.wait(20)
        return [INFO]

    one, _ = made(aliases_of, lookup_timeout=20.0)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(one.account, ME) for _ in range(3)]
        wait_until("two wait", lambda: len(one._threads._waiting) == 2)
        go_on.set()
        assert [told(account.result()) for account in asked] == ["OK"] * 3
    for _ in range(3):
        wait_until("its thread has ended", lambda: one._threads._number == 0)
        assert one._threads._idle == 0
        assert told(one.account(ME)) == "OK"


def test_a_look_up_that_hangs_does_not_keep_the_process() -> None:
    code = """
import threading
from sendertrust.integrations.service import Service
one = Service(name="x", aliases_of=lambda _: threading.Event().wait(), lookup_timeout=0.01, log=lambda _: None)
print(one.account("a@b.example").mail("c@d.example").code)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)  # noqa: S603
    assert ended.stdout.strip() == b"451"


@both
@pytest.mark.parametrize("login", [None, ""])
def test_nobody_is_looked_up_without_a_login(ask: Ask, login: str | None) -> None:
    one, events = made(raising(OSError()))
    account = ask(one, login)
    assert told(account) == "530 5.7.0 Authentication required"
    assert events[0]["verdict"]["reason"] == "not_authenticated"


@both
def test_a_login_with_a_lone_surrogate(ask: Ask) -> None:
    one, events = made(raising(OSError()))
    assert told(ask(one, "\udcff"))[:4] in {"451 ", "550 "}
    assert json.loads(json.dumps(events))


def test_many_look_ups_at_once() -> None:
    one, _ = made(lambda login: [f"alias-of-{login}"], lookup_timeout=60.0)

    def ask(number: int) -> tuple[str, str]:
        login = f"user{number}@test-sample.jp"
        account = one.account(login)
        return told(account, f"alias-of-{login}"), told(account, f"alias-of-user{number + 1}@test-sample.jp")[:4]

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(200))) == {("OK", "550 ")}


# Decisions


def test_the_stages_and_line_ends() -> None:
    one, events = made()
    account = one.account(ME)
    assert account.mail(f"<{ME}>") is None
    assert account.data(ME, f"From: <{ME}>\n\n{SECRET}".encode(), line_ends="lf") is None
    assert str(account.data(ME, f"From: <{ME}>\n\n{SECRET}".encode(), line_ends="crlf")).startswith("554 5.6.0 ")
    assert str(account.data(ME, f"From: <{VICTIM}>\r\n\r\n".encode(), line_ends="crlf")).startswith("550 5.7.1 ")
    assert [event["verdict"]["stage"] for event in events] == ["mail", "data", "data", "data"]


def test_the_log_has_the_verdict_and_no_more() -> None:
    """Issue 5: "one JSON log line a decision (no message content)"."""
    one, events = made()
    block = f"Subject: {SECRET}\r\nFrom: <{ME}>\r\n\r\n{SECRET}".encode()
    one.account(ME).data(ME, block, line_ends="crlf")
    assert [event.keys() for event in events] == [{"event", "service", "verdict"}]
    assert events[0]["event"] == "decision"
    assert events[0]["verdict"]["header_from"] == [ME]
    assert SECRET not in json.dumps(events)


def test_report_only_refuses_nothing() -> None:
    """Law, 4, report-only: "`action` ACCEPT, `allowed` True, `decision` the real one"."""
    one, events = made(policy=attrs.evolve(SUBMISSION, mode="report"))
    account = one.account(ME)
    assert account.mail(VICTIM) is None
    assert account.data(ME, [("From", VICTIM)], line_ends="lf") is None
    assert {(event["verdict"]["decision"], event["verdict"]["action"]) for event in events} == {("reject", "accept")}


def test_a_level_of_its_own() -> None:
    one, _ = made(level=TrustLevel.ENVELOPE)
    assert one.account(ME).data(ME, [("From", VICTIM)], line_ends="lf") is None


@pytest.mark.parametrize("options", [{"policy": "SUBMISSION"}, {"level": 3}, {"level": True}])
def test_a_service_that_could_not_judge_is_not_made(options: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        made(**options)


def test_a_log_that_fails_lets_nothing_in() -> None:
    def full(_event: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    account = Service(name="test", log=full).account(ME)
    with pytest.raises(OSError, match="No space left"):
        account.mail(ME)


# The log


def test_an_event_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr({"event": "x", "text": "a\nb\u2028c\udcff山\x1b"})
    line = capsys.readouterr().err
    assert line.isascii()
    assert line.endswith("}\n")
    assert len(line.splitlines()) == 1
    event = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", event.pop("time"))
    assert event == {"event": "x", "text": "a\nb\u2028c\udcff山\x1b"}


def test_lines_of_many_threads_are_not_mixed() -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
from sendertrust.integrations.service import log_to_stderr
with ThreadPoolExecutor(8) as pool:
    list(pool.map(lambda n: log_to_stderr({"n": n, "text": "x" * (n % 7) * 5000}), range(400)))
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)  # noqa: S603
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert sorted(event["n"] for event in events) == list(range(400))
    assert all(len(event["text"]) == event["n"] % 7 * 5000 for event in events)


# Maps


class Maps:
    """One map file that changes."""

    def __init__(self, folder: Path, name: str = "senders", prefix: str = "") -> None:
        self.file, self.events = folder / name, Events()
        self.write(INFO)
        self.maps = MapFiles([f"{prefix}{self.file}"], ["test-sample.jp"], self.events.append)

    def write(self, *addresses: str, login: str = ME) -> None:
        self.text("".join(f"{address} {login}\n" for address in addresses))

    def text(self, text: str) -> None:
        """Replace the file in one step, as an administrator should."""
        new = self.file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.file)

    def grants(self, address: str = INFO, login: str = ME) -> bool:
        return Account(made()[0], login, self.maps(login)).mail(address) is None


@pytest.fixture
def maps(tmp_path: Path) -> Maps:
    return Maps(tmp_path)


def test_a_map_is_read_again_when_it_changes(maps: Maps) -> None:
    assert (maps.grants(INFO), maps.grants(VICTIM)) == (True, False)
    maps.write(INFO, VICTIM)
    assert (maps.grants(INFO), maps.grants(VICTIM)) == (True, True)
    maps.write(VICTIM)
    assert (maps.grants(INFO), maps.grants(VICTIM)) == (False, True)
    loaded = {"event": "map", "file": str(maps.file), "kept": False}
    assert maps.events == [loaded | {"entries": 2}, loaded | {"entries": 1}]


def test_a_map_that_does_not_change_is_not_read_again(maps: Maps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_files, "read", raising(AssertionError()))
    assert maps.grants()
    assert maps.events == []


def test_a_map_of_the_same_size_and_time_is_seen_by_its_file(maps: Maps) -> None:
    before = maps.file.stat()
    maps.write(INFO.replace("i", "j"))
    os.utime(maps.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not maps.grants()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@@ user1\n", "senders:1: expected "),
        (f"{INFO} {ME}\n*@x.example user1\n", "senders:2: expected "),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "senders:1: expected "),
    ],
)
def test_a_broken_map_leaves_the_old_one_in_force(maps: Maps, text: str, reason: str) -> None:
    """Issue 5: "the old one kept if the new is bad, with the reason logged"."""
    maps.text(text)
    assert [maps.grants() for _ in range(5)] == [True] * 5
    assert [(event["event"], event["kept"], event["file"]) for event in maps.events] == [("map", True, str(maps.file))]
    assert reason in maps.events[0]["reason"]
    maps.write(VICTIM)
    assert not maps.grants()
    assert [event["kept"] for event in maps.events] == [True, False]


def test_a_map_that_is_no_text(maps: Maps) -> None:
    maps.file.write_bytes(b"\xff\xff")
    assert maps.grants()
    assert "is not UTF-8" in maps.events[0]["reason"]


def test_a_map_that_is_gone_and_comes_back(maps: Maps) -> None:
    for _ in range(2):
        maps.file.unlink()
        assert [maps.grants() for _ in range(5)] == [True] * 5
        maps.write(INFO)
        assert maps.grants()
    assert [event["kept"] for event in maps.events] == [True, False] * 2
    assert "No such file" in maps.events[0]["reason"]


def test_two_failures_after_each_other_are_both_told(maps: Maps) -> None:
    maps.file.unlink()
    assert maps.grants()
    maps.text("@@ user1\n")
    assert maps.grants()
    maps.text("@@@ user1\n")
    assert maps.grants()
    assert [event["kept"] for event in maps.events] == [True] * 3


def test_a_read_that_fails_once_is_tried_again_although_the_file_is_the_same(
    maps: Maps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many open files, a mode that is mended: the file itself says nothing of that."""
    maps.write(VICTIM)
    with monkeypatch.context() as broken:
        broken.setattr(map_files, "read", raising(OSError(24, "Too many open files")))
        assert [maps.grants(VICTIM) for _ in range(3)] == [False] * 3
    assert maps.grants(VICTIM)
    assert [event["kept"] for event in maps.events] == [True, False]


@pytest.mark.parametrize("when", ["made", "again"])
def test_a_map_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """MapFiles: "each read again when it changes"; the state is taken before the file is read."""
    changes: list[Any] = []

    def slow(spec: str, **options: Any) -> Any:
        site = read(spec, **options)
        if changes:
            changes.pop()()
        return site

    monkeypatch.setattr(map_files, "read", slow)
    if when == "made":
        changes.append(lambda: Maps.write(maps_of(tmp_path), VICTIM))
        maps = Maps(tmp_path)
    else:
        maps = Maps(tmp_path)
        maps.write("other@test-sample.jp")
        changes.append(lambda: maps.write(VICTIM))
        assert not maps.grants(VICTIM)
    assert maps.grants(VICTIM)
    assert not maps.grants(INFO)


def maps_of(folder: Path) -> Maps:
    """Give something that writes the file, without reading it."""
    maps = Maps.__new__(Maps)
    maps.file, maps.events = folder / "senders", []
    return maps


def test_while_one_thread_reads_the_others_go_on(maps: Maps, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(spec: str, **options: Any) -> Any:
        reading.set()
        assert go_on.wait(20)
        return read(spec, **options)

    monkeypatch.setattr(map_files, "read", slow)
    maps.write(VICTIM)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(maps.grants, VICTIM)
        assert reading.wait(20)
        assert maps.grants(INFO)
        go_on.set()
        assert first.result(20)
    assert [event["kept"] for event in maps.events] == [False]


def test_who_saw_the_change_too_late_does_not_read_again(maps: Maps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads see the change; the second has the lock when the first has read."""
    file = maps.maps._files[0]
    maps.write(VICTIM)

    class Late:
        def acquire(self, *, blocking: bool) -> bool:
            assert not blocking
            if not maps.events:
                file._read_again(file._state())
            return True

        def release(self) -> None:
            pass

    monkeypatch.setattr(file, "_reading", Late())
    assert maps.grants(VICTIM)
    assert [event["kept"] for event in maps.events] == [False]


def test_many_threads_and_many_changes(maps: Maps) -> None:
    stop = threading.Event()

    def ask() -> Iterator[bool]:
        while not stop.is_set():
            yield maps.grants(INFO)

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(lambda: all(ask())) for _ in range(4)]
        for number in range(30):
            maps.write(INFO, f"a{number}@test-sample.jp")
            if number % 3 == 0:
                maps.text("@@ bad")
        stop.set()
        assert all(one.result(20) for one in asking)
    maps.write(VICTIM)
    assert maps.grants(VICTIM)
    assert not maps.grants(INFO)


def test_several_maps_and_formats(tmp_path: Path) -> None:
    (tmp_path / "senders").write_text(f"{INFO} {ME}\n")
    (tmp_path / "more.csv").write_text(f"login,address\n{ME},{VICTIM}\n")
    maps = MapFiles([f"postfix:{tmp_path / 'senders'}", str(tmp_path / "more.csv")], [], Events().append)
    assert Account(made()[0], ME, maps(ME)).mail(INFO) is None
    assert Account(made()[0], ME, maps(ME)).mail(VICTIM) is None


@pytest.mark.parametrize("prefix", ["", "postfix:"])
def test_a_format_that_is_named_is_no_part_of_the_file(tmp_path: Path, prefix: str) -> None:
    maps = Maps(tmp_path, prefix=prefix)
    maps.write(VICTIM)
    assert maps.grants(VICTIM)
    assert maps.events[0]["file"] == str(maps.file)


# The command line


def parsed(*argv: str, socket: bool = False) -> Service:
    parser = arguments("sendertrust.integrations.x", "Tests.", socket=socket)
    return service("x", parser, parser.parse_args(argv), Events().append)


def test_the_defaults() -> None:
    one = parsed()
    assert (one.name, one.policy, one.level, one.aliases_of(ME)) == ("x", SUBMISSION, None, Aliases())


@pytest.mark.parametrize(
    ("argv", "policy", "level"),
    [
        (["--policy", "epost"], EPOST, None),
        (["--policy", "STRICT", "--level", "envelope"], STRICT, TrustLevel.ENVELOPE),
        (["--level", "3"], SUBMISSION, TrustLevel.HEADER),
        (["--report-only"], attrs.evolve(SUBMISSION, mode="report"), None),
        (["--default-domain", "a.example"], attrs.evolve(SUBMISSION, default_domain="a.example"), None),
        (["--subaddress", "+"], attrs.evolve(SUBMISSION, subaddress="+"), None),
    ],
)
def test_what_the_options_say(argv: Sequence[str], policy: object, level: TrustLevel | None) -> None:
    one = parsed(*argv)
    assert (one.policy, one.level) == (policy, level)


def test_maps_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "senders").write_text(f"{INFO} user1\n")
    one = parsed("--map", str(tmp_path / "senders"), "--default-domain", "test-sample.jp")
    assert told(one.account(ME)) == "OK"
    assert told(one.account("user1")) == "OK"
    assert told(one.account("user2"))[:4] == "550 "


def test_the_socket() -> None:
    options = arguments("x", "Tests.").parse_args(["--socket", "/run/x", "--socket-mode", "0666"])
    assert (options.socket, options.socket_mode) == ("/run/x", 0o666)
    assert arguments("x", "Tests.").parse_args(["--socket", "/run/x"]).socket_mode == 0o660


WRONG = {
    "policy": (["--policy", "LAX"], "unknown policy 'LAX': write one of EPOST, SUBMISSION, STRICT"),
    "level": (["--level", "high"], "'high'"),
    "domain": (["--default-domain", "a b"], "a b"),
    "subaddress": (["--subaddress", "!"], "!"),
    "map-not-there": (["--map", "/nonexistent/senders"], "No such file"),
    "map-a-folder": (["--map", "/"], "directory"),
    "abbreviation": (["--pol", "EPOST"], "unrecognized arguments"),
    "argument": (["x"], "unrecognized arguments"),
}


@pytest.mark.parametrize(("argv", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_ends_with_2_and_says_why(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parsed(*argv)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_a_bad_line_of_a_map_ends_with_2_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "senders").write_text(f"{INFO} {ME}\n@@ user2\n")
    with pytest.raises(SystemExit) as end:
        parsed("--map", str(tmp_path / "senders"))
    assert end.value.code == 2
    assert "senders:2: expected " in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["", "8", "rw", "1000", "-1", "0o660"])
def test_a_mode_that_is_none(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        arguments("x", "Tests.").parse_args(["--socket", "s", f"--socket-mode={mode}"])
    assert end.value.code == 2
    assert "write an octal number from 0 to 777" in capsys.readouterr().err


def test_a_socket_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parsed(socket=True)
    assert end.value.code == 2
    assert "--socket" in capsys.readouterr().err


COMMANDS = {
    "exim": ("Answer the questions of Exim's ACLs.", True),
    "milter": ("Answer Postfix or Sendmail as a milter.", True),
    "opensmtpd": ("Answer OpenSMTPD as a filter.", False),
    "postfix_policy": ("Answer Postfix policy requests.", True),
}


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_a_command(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    description, has_socket = COMMANDS[name]
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"sendertrust.integrations.{name}", run_name="__main__")
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert description in said
    assert ("--socket" in said) is has_socket

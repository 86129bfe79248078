"""What the check costs a Postfix: ``python tests/benchmarks/bench_postfix.py rate|memory [--messages N]``, as root.

``rate``: clients submit messages, each on a connection of its own with AUTH,
to one Postfix without a milter, with a milter that does nothing, and with
ours; in turns, so that what else the machine does falls on all three.

``memory``: what the process holds after so many messages. They are told to it
over its socket in the words of the milter (or policy) protocol, without a
Postfix, a tenth of them refused at MAIL and a tenth at the header.

Needs what tests/integration/install.sh installs, and pymilter.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import operator
import os
import platform
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))

from postfix_server import WITH_MILTER, Judge, Postfix, listens, missing, running, services, submit_once
from processes import wait_until
from sessions import ME, SALES

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS: Final = 8
ROUNDS: Final = 5
A_CONNECTION: Final = 10  # messages, where Postfix is not asked
FIELDS: Final = (
    ("Date", "Mon, 5 Jan 2026 10:00:00 +0900"),
    ("To", "User 2 <user2@test-sample.jp>"),
    ("Message-ID", "<1@test-sample.jp>"),
    ("Subject", "a message of common size"),
    ("MIME-Version", "1.0"),
    ("Content-Type", "text/plain; charset=utf-8"),
)
CONTENT: Final = (
    f"From: User 1 <{ME}>\r\n" + "".join(f"{name}: {body}\r\n" for name, body in FIELDS) + "\r\n" + "x" * 70 + "\r\n"
).encode()

# In place of holding each message: let it go nowhere. The later line of main.cf counts.
DISCARD_MAIN: Final = "smtpd_recipient_restrictions =\ndefault_transport = discard\n"
DISCARD_MASTER: Final = "discard unix - - n - - discard\n"


# --- a milter that does nothing


def do_nothing(path: str) -> None:
    """Be called for all that ours is called for, and let it pass."""
    milter: Any = importlib.import_module("milter")
    unused = ("NOCONNECT", "NOHELO", "NORCPT", "NODATA", "NOUNKNOWN", "NOBODY", "HDR_LEADSPC")
    wanted = functools.reduce(operator.or_, (getattr(milter, f"P_{step}") for step in unused))

    def negotiate(context: Any, options: list[int]) -> int:
        options[:] = [0, options[1] & wanted, 0, 0]
        return int(milter.CONTINUE)

    milter.set_flags(0)
    milter.set_envfrom_callback(lambda *_: milter.CONTINUE)
    milter.set_header_callback(lambda *_: milter.CONTINUE)
    milter.set_eoh_callback(lambda *_: milter.ACCEPT)
    milter.set_abort_callback(lambda *_: milter.CONTINUE)
    milter.set_close_callback(lambda *_: milter.CONTINUE)
    milter.register("nothing", negotiate=negotiate)
    milter.setconn(f"unix:{path}")
    os.umask(0o117)
    milter.main()


# --- messages a second


def cpu_seconds(judge: Judge | None) -> float:
    """Give the processor time that the process has used."""
    if judge is None:
        return 0.0
    fields = Path(f"/proc/{judge.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def leg(port: int, messages: int) -> tuple[float, list[float]]:
    """Submit them; give messages a second, and the seconds from connecting to the reply after the dot."""

    def one(number: int) -> float:
        start = time.perf_counter()
        said = submit_once(port, CONTENT, f"r{number}@inbox.example")
        assert said.startswith("DATA 250 "), said
        return time.perf_counter() - start

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        latencies = list(pool.map(one, range(messages)))
    return messages / (time.perf_counter() - start), latencies


def rate(folder: Path, messages: int) -> None:
    ports = services(
        folder,
        (WITH_MILTER.splitlines()[0] + "\n", "none", False),
        (WITH_MILTER, "nothing", False),
        (WITH_MILTER, "sendertrust", False),
    )
    postfix = Postfix(folder / "postfix", ports)
    for name, text in (("main.cf", DISCARD_MAIN), ("master.cf", DISCARD_MASTER)):
        with (postfix.conf / name).open("a") as file:
            file.write(text)
    socket_of_nothing = folder / "nothing" / "milter.sock"
    nothing = Judge(
        folder / "nothing",
        "milter",
        command=[sys.executable, __file__, "nothing", "--socket", str(socket_of_nothing)],
    )
    with running(nothing):
        ours = Judge(folder / "sendertrust", "milter", "--level", "header")
        with running(ours), postfix:
            judges = dict(zip(ports, (None, nothing, ours), strict=True))
            for port in ports:
                wait_until("Postfix listens", functools.partial(listens, port))
                leg(port, 5 * CLIENTS)  # its processes are started before it counts
            rates: dict[int, list[float]] = {port: [] for port in ports}
            latencies: dict[int, list[float]] = {port: [] for port in ports}
            cpu = dict.fromkeys(ports, 0.0)
            for _ in range(ROUNDS):
                for port, judge in judges.items():
                    before = cpu_seconds(judge)
                    a_second, seconds = leg(port, messages)
                    cpu[port] += cpu_seconds(judge) - before
                    rates[port].append(a_second)
                    latencies[port] += seconds
            judged = sum(event["event"] == "decision" for event in ours.events())
            # Once at MAIL and once at the header, else what was measured is not what it says.
            assert judged == 2 * (5 * CLIENTS + ROUNDS * messages), judged
    print(
        f"{ROUNDS} rounds of {messages} messages for each, {CLIENTS} clients, a connection with AUTH for each message"
    )
    print("                   messages a second      latency, ms       CPU of the milter,")
    print("                 median (min .. max)     median    p95      ms a message")
    for port, name in zip(ports, ("no milter", "a milter of nothing", "sendertrust"), strict=True):
        all_of_it = sorted(latencies[port])
        print(
            f"{name:19}{statistics.median(rates[port]):6.1f} ({min(rates[port]):.1f} .. {max(rates[port]):.1f})"
            f"{statistics.median(all_of_it) * 1e3:12.1f}{all_of_it[len(all_of_it) * 95 // 100] * 1e3:8.1f}"
            f"{cpu[port] / (ROUNDS * messages) * 1e3:10.2f}"
        )


# --- memory


def claims(number: int) -> tuple[str, str, bytes]:
    """Give the envelope sender and the From of a message, and how a milter's last answer to it begins.

    Those of strangers differ each time: what is kept of an address would add up.
    """
    stranger = f"ceo{number}@victim{number}.example"
    kinds = {0: (stranger, ME, b"y"), 1: (ME, stranger, b"y"), 2: (SALES, SALES, b"a")}
    return kinds.get(number % 10, (ME, ME, b"a"))


class Client:
    """What Postfix is to a service on a Unix socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Milter(Client):
    """Says what Postfix says to a milter (the protocol of libmilter: length, command, data)."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        answer = self._ask(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF))
        assert answer[:1] == b"O", answer

    def _say(self, command: bytes, data: bytes = b"") -> None:
        self._socket.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def _ask(self, command: bytes, data: bytes = b"") -> bytes:
        self._say(command, data)
        (length,) = struct.unpack(">I", self._file.read(4))
        return self._file.read(int(length))

    def message(self, number: int) -> None:
        path, author, expected = claims(number)
        self._say(b"D", b"M{auth_authen}\0" + ME.encode() + b"\0")
        answer = self._ask(b"M", f"<{path}>\0".encode())
        if answer == b"c":
            for name, body in (("From", f"<{author}>"), *FIELDS):
                assert self._ask(b"L", f"{name}\0 {body}\0".encode()) == b"c"
            answer = self._ask(b"N")
        assert answer[:1] == expected, answer
        self._say(b"A")

    def close(self) -> None:
        self._say(b"Q")
        super().close()


class PolicyClient(Client):
    """Says what Postfix says to a policy service."""

    def message(self, number: int) -> None:
        path = claims(number)[0]
        self._socket.sendall(
            f"request=smtpd_access_policy\nprotocol_state=MAIL\nsasl_username={ME}\nsender={path}\n\n".encode()
        )
        answer = self._file.readline() + self._file.readline()
        assert answer.startswith(b"action=DUNNO" if path in (ME, SALES) else b"action=550 "), answer


def resident_mb(judge: Judge) -> float:
    lines = Path(f"/proc/{judge.process.pid}/status").read_text("ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def memory_of(name: str, judge: Judge, connect: Callable[[Path], Milter | PolicyClient], messages: int) -> None:
    def one(first: int, end: int) -> None:
        client = connect(judge.socket)
        for number in range(first, end):
            client.message(number)
        client.close()

    with running(judge), ThreadPoolExecutor(CLIENTS) as pool:
        seen = [f"0: {resident_mb(judge):.1f}"]
        start, done = time.perf_counter(), 0
        marks = [mark for mark in (1_000, 10_000, 25_000, 50_000, 100_000, 200_000) if mark < messages]
        for mark in (*marks, messages):
            firsts = range(done, mark, A_CONNECTION)
            list(pool.map(one, firsts, (min(first + A_CONNECTION, mark) for first in firsts)))
            done = mark
            seen.append(f"{mark:,}: {resident_mb(judge):.1f}")
        seconds = time.perf_counter() - start
        assert judge.end() == 0
    print(f"{name}, MB after so many messages: {', '.join(seen)}   ({messages / seconds:,.0f} a second)", flush=True)


def memory(folder: Path, messages: int) -> None:
    memory_of("milter", Judge(folder / "milter", "milter", "--level", "header"), Milter, messages)
    memory_of("postfix_policy", Judge(folder / "policy", "policy"), PolicyClient, messages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["rate", "memory", "nothing"], help="nothing: be the milter that does nothing")
    parser.add_argument("--messages", type=int, help="a leg (default: 400), or in all (default: 100000)")
    parser.add_argument("--socket", help="of the milter that does nothing")
    options = parser.parse_args()
    if options.what == "nothing":
        do_nothing(options.socket)
        return
    if lacking := missing():
        parser.error(lacking)
    version = subprocess.run(["postconf", "-h", "mail_version"], capture_output=True, check=True, text=True).stdout  # noqa: S607 - Debian's
    print(
        f"Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}, Postfix {version.strip()}, "
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the processes are ended then, too
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "rate":
            rate(Path(folder), options.messages or 400)
        else:
            memory(Path(folder), options.messages or 100_000)


if __name__ == "__main__":
    main()

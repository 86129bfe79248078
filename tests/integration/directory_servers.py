"""Starts, kills, hangs and restarts a PostgreSQL and a slapd of our own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A server that is not there after this is broken; nothing is asserted about how long it took.
PATIENCE: Final = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything: what counts stands after the last one.
            parent = status.read_text().rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(status.parent.name))
    return found


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > deadline:
            msg = "what was waited for did not happen"
            raise TimeoutError(msg)
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def stopped(pid: int) -> bool:
    """Say whether every thread has stopped, which each does when its turn comes."""
    try:
        threads = [stat.read_text() for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return not alive(pid)
    return all(thread.rpartition(")")[2].split()[0] in {"T", "Z"} for thread in threads)


class DirectoryServer:
    """One server process in a folder of its own, on a free port of the loopback interface."""

    #: The account to run as where the tests run as root.
    account = "nobody"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sendertrust-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.user: str | None = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.user = self.account if self.account in names else "nobody"
            shutil.chown(self.folder, self.user)

    def command(self) -> list[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        raise NotImplementedError

    def run(self, *command: str, said: str | None = None) -> None:
        subprocess.run(  # noqa: S603 - our own
            command, input=said, cwd=self.folder, user=self.user, capture_output=True, text=True, check=True
        )

    def _is_up(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            msg = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(msg)
        return self.ready()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own
                self.command(), cwd=self.folder, user=self.user, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_for(self._is_up)

    def _processes(self) -> list[int]:
        assert self.process is not None
        return [self.process.pid, *children_of(self.process.pid)]

    def _send(self, number: signal.Signals) -> list[int]:
        processes = self._processes()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return processes

    def kill(self) -> None:
        """Leave no process of it, and no time to say goodbye."""
        processes = self._send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in processes))

    def hang(self) -> None:
        """Have it answer nothing, while the kernel goes on taking connections for it."""
        processes = self._send(signal.SIGSTOP)
        wait_for(lambda: all(map(stopped, processes)))

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)


def _programs(*names: str, folders: str) -> dict[str, str]:
    """Find programs in PATH, or where Debian has those that are not in everybody's."""
    path = os.pathsep.join([*map(str, sorted(Path("/").glob(folders), reverse=True)), os.environ.get("PATH", "")])
    return {name: found for name in names if (found := shutil.which(name, path=path))}


POSTGRES: Final = _programs("initdb", "postgres", folders="usr/lib/postgresql/*/bin")
SLAPD: Final = _programs("slapd", "slapadd", folders="usr/sbin")
SCHEMAS: Final = Path("/etc/ldap/schema")


class PostgreSQL(DirectoryServer):
    account = "postgres"

    def __init__(self) -> None:
        super().__init__()
        options = ("--auth=trust", "--username=admin", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.run(POSTGRES["initdb"], f"--pgdata={self.folder / 'data'}", *options)

    def command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 40,
            "shared_buffers": "8MB",
            "fsync": "off",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [POSTGRES["postgres"], "-D", str(self.folder / "data"), *options]

    def url(self, role: str, database: str = "postgres") -> str:
        return f"postgresql+pg8000://{role}@127.0.0.1:{self.port}/{database}"

    def ready(self) -> bool:
        try:
            self.execute("SELECT 1")
        except SQLAlchemyError:
            return False
        return True

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the administrator, over a connection of their own."""
        engine = create_engine(self.url("admin", database), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))


SLAPD_CONF: Final = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
include {schemas}/misc.schema
modulepath /usr/lib/ldap
moduleload back_mdb
{more}
database mdb
suffix "{base}"
directory {folder}/db
index uid,member,uniqueMember,secretary eq
"""
# Whom no limit binds.
SLAPD_ROOT: Final = """
rootdn "cn=submission,{base}"
rootpw secret
"""
# Somebody else, whom the limits bind: an entry of the tree.
SLAPD_ACCOUNT: Final = """
dn: cn=submission,{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: submission
userPassword: secret
"""


class Slapd(DirectoryServer):
    account = "openldap"
    base: Final = "dc=test-sample,dc=jp"

    def __init__(
        self, ldif: str, *, more: str = "", rootdn: bool = True, certificate: tuple[Path, Path] | None = None
    ) -> None:
        super().__init__()
        self.url = f"{'ldaps' if certificate else 'ldap'}://127.0.0.1:{self.port}"
        (self.folder / "db").mkdir()
        if certificate:
            names = ("TLSCertificateKeyFile", "TLSCertificateFile")
            for name, file in zip(names, certificate, strict=True):
                more += f"\n{name} {shutil.copy(file, self.folder)}"
        if self.user:
            for path in self.folder.iterdir():
                shutil.chown(path, self.user)
        conf = SLAPD_CONF + (SLAPD_ROOT if rootdn else "")
        self.conf = self.folder / "slapd.conf"
        self.conf.write_text(conf.format(schemas=SCHEMAS, base=self.base, folder=self.folder, more=more))
        if not rootdn:
            ldif += SLAPD_ACCOUNT.format(base=self.base)
        self.run(SLAPD["slapadd"], "-f", str(self.conf), said=ldif)

    def command(self) -> list[str]:
        return [SLAPD["slapd"], "-f", str(self.conf), "-h", self.url, "-d", "0"]

    def ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
        except OSError:
            return False
        return True


@contextlib.contextmanager
def pretender(answer: bytes | None) -> Iterator[int]:
    """Listen as something that is no directory: give *answer* to each client and hang up; None gives none, ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    client = listener.accept()[0]
                except OSError:
                    return
                taken.append(client)
                if answer is not None:
                    with contextlib.suppress(OSError):
                        client.sendall(answer)
                        client.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for client in taken:
                client.close()


@contextlib.contextmanager
def full_house() -> Iterator[int]:
    """Have a port at which every further connection waits in vain: it is bound, and its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        port = listener.getsockname()[1]
        while True:
            try:
                waiting.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.2))
            except TimeoutError:
                break
        yield port


def answer_of(look_up: Callable[[str], Any], login: str) -> Any:
    """Ask, and give up where a test would hang: a look-up bounds itself."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(look_up(login)), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answers[0] if answers else "no answer, ever"


PRETENDERS: Final = {
    "hangs-up": b"",
    "says-nothing": None,
    "nonsense": b"\x00" * 64,
    "smtp": b"220 mx.test-sample.jp ESMTP\r\n",
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "cut-short": b"\x30\x84\x00\x00",
}


# A real SMTP server that asks a directory, and clients that stay connected through an outage.

ME: Final = "user1@test-sample.jp"
INFO: Final = "info@test-sample.jp"
STRANGER: Final = "stranger@test-sample.jp"

#: What ends an outage, after what begins it.
FAULTS: Final = {
    "killed": (DirectoryServer.kill, DirectoryServer.start),
    "hung": (DirectoryServer.hang, DirectoryServer.go_on),
}

TRY_LATER: Final = "451 4.3.0 Sender lookup failed: try again later"
REPLIES: Final = [
    # envelope sender, From, the directory up, and down
    (ME, ME, "250 2.0.0 stored", "250 2.0.0 stored"),
    (INFO, INFO, "250 2.0.0 stored", TRY_LATER),
    (ME, INFO, "250 2.0.0 stored", TRY_LATER),
    (
        ME,
        STRANGER,
        f"550 5.7.1 From <{STRANGER}> is not allowed for account {ME}: use one of your own addresses in From",
        TRY_LATER,
    ),
    (
        STRANGER,
        ME,
        f"550 5.7.1 Sender <{STRANGER}> is not allowed for account {ME}: send from one of your own addresses",
        TRY_LATER,
    ),
]
WHEN_UP: Final = [up for _, _, up, _ in REPLIES]
WHEN_DOWN: Final = [down for _, _, _, down in REPLIES]


class Store:
    """Delivers: counts what it is given."""

    stored = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.stored += 1
        return "250 2.0.0 stored"


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: LoginPassword
) -> AuthResult:
    return AuthResult(success=auth_data.password == b"secret", handled=False, auth_data=auth_data)


def submit(client: smtplib.SMTP, sender: str, author: str) -> str:
    code, answer = client.mail(sender)
    if code == 250:
        client.rcpt(STRANGER)
        code, answer = client.data(f"From: {author}\r\n\r\nHi\r\n".encode())
    client.rset()
    return f"{code} {answer.decode()}"


def talk(port: int, server: DirectoryServer, fault: str) -> list[list[str]]:
    """Submit as each row of `REPLIES` has it, with a client each: what hangs is waited for at the same time."""
    begin, end = FAULTS[fault]
    with contextlib.ExitStack() as connected, ThreadPoolExecutor(len(REPLIES)) as pool:
        clients = [connected.enter_context(smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE)) for _ in REPLIES]
        for client in clients:
            client.login(ME, "secret")

        def submit_all() -> list[str]:
            senders, authors, _, _ = zip(*REPLIES, strict=True)
            return list(pool.map(submit, clients, senders, authors))

        said = [submit_all()]
        begin(server)
        try:
            said.append(submit_all())
        finally:
            end(server)
        said.append(submit_all())
    return said


def through_an_outage(
    mixin: type, look_up: Callable[[str], Any], server: DirectoryServer, fault: str
) -> tuple[list[list[str]], int]:
    """Submit before, during and after an outage; give the replies, and how many messages were stored."""
    handler = type("Submission", (mixin, Store), {})(look_up)

    async def serve() -> list[list[str]]:
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"authenticator": authenticate, "auth_require_tls": False, "loop": loop}
        listening = await loop.create_server(lambda: SMTP(handler, **options), "127.0.0.1", 0)
        try:
            return await asyncio.to_thread(talk, listening.sockets[0].getsockname()[1], server, fault)
        finally:
            listening.close()
            await asyncio.sleep(0)

    return asyncio.run(serve()), handler.stored

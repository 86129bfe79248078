"""A Postfix of our own: the configuration of docs/how-to/postfix.md in a folder, and the processes that it asks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any, Final, Self

import attrs
from pages import blocks
from processes import SECONDS, answers, command_of, start_at
from sessions import ME, PASSWORDS, Client, write_maps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Each block but its first line, which names the file.
MAIN_CF, WITH_MILTER, SASL_CONF, MILTER_UNIT, WITH_POLICY, POLICY_UNIT = (
    block.partition("\n")[2] for block in blocks("postfix.md", "text")
)

# What keeps it to itself, and what it accepts in its queue.
_ISOLATED: Final = """
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file_prefixes = {folder}
maillog_file = {folder}/log/postfix.log
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
smtpd_peername_lookup = no
smtpd_recipient_restrictions = check_recipient_access static:HOLD
"""
_DAEMONS: Final = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
showq unix n - n - - showq
"""
# A fault is waited for this long only. Each process serves one client: a connection to the policy service of before
# the socket became unwritable would be used on, and answered.
_IMPATIENT: Final = (
    "  -o milter_connect_timeout=2s -o milter_command_timeout=2s -o milter_content_timeout=2s -o max_use=1\n"
)


def listens(port: int) -> bool:
    return answers(socket.AF_INET, ("127.0.0.1", port))


def let_others_through(folder: Path) -> None:
    """Postfix runs as a user of its own, and reaches its folders through those that pytest keeps to itself."""
    for parent in (folder, *folder.parents):
        if not (mode := parent.stat().st_mode) & 0o001:
            parent.chmod(mode | 0o011)


class Judge:
    """A process that Postfix asks, with the command line of the page's unit."""

    def __init__(self, folder: Path, name: str, *more: str, command: list[str] | None = None) -> None:
        folder.mkdir(exist_ok=True)
        let_others_through(folder)
        self.socket, self.log = folder / f"{name}.sock", folder / f"{name}.log"
        self.command = command or [*command_of(MILTER_UNIT if name == "milter" else POLICY_UNIT, folder), *more]
        write_maps(folder)
        self.start()

    def start(self) -> None:
        self.process = start_at(self.socket, self.command, self.log, group="postfix")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS)
        finally:
            self.kill()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("ascii").splitlines()]


@attrs.frozen
class Stored:
    """A message in the queue."""

    path: str
    content: bytes


class Postfix:
    """One Postfix with a port for each service: ``{port: (block of master.cf, folder of its socket)}``."""

    def __init__(self, folder: Path, services: dict[int, tuple[str, Path]]) -> None:
        self.folder = folder
        self.conf = folder / "conf"
        for name in ("conf/sasl", "queue", "data", "log"):
            (folder / name).mkdir(parents=True)
        let_others_through(folder)
        for name in ("data", "log"):
            shutil.chown(folder / name, "postfix")
        (self.conf / "main.cf").write_text(self._here(MAIN_CF) + _ISOLATED.format(folder=folder))
        master = ""
        for port, (block, sockets) in services.items():
            assert block.startswith("submission inet ")
            master += block.replace("submission", f"127.0.0.1:{port}", 1).replace("/run/sendertrust", str(sockets))
        (self.conf / "master.cf").write_text(master + _DAEMONS)
        (self.conf / "sasl/smtpd.conf").write_text(self._here(SASL_CONF))
        passwords = self.conf / "sasl/sasldb2"
        for account, password in PASSWORDS.items():
            user, _, realm = account.partition("@")
            self._run("saslpasswd2", "-p", "-c", "-f", str(passwords), "-u", realm, user, said=password)
        shutil.chown(passwords, "postfix")
        passwords.chmod(0o600)

    def _here(self, text: str) -> str:
        return text.replace("/etc/postfix", str(self.conf))

    def _run(self, *command: str, said: str | None = None) -> bytes:
        done = subprocess.run(  # noqa: S603 - ours
            command, input=None if said is None else said.encode(), capture_output=True, check=True, timeout=60
        )
        return done.stdout

    def __enter__(self) -> Self:
        self._run("postfix", "-c", str(self.conf), "start")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("postfix", "-c", str(self.conf), "abort")

    def logged(self) -> str:
        return (self.folder / "log/postfix.log").read_text(errors="replace")

    def stored(self) -> dict[str, Stored]:
        """Give the messages in the queue by their recipient, each as postcat(1) gives it."""
        found = {}
        for name in sorted((self.folder / "queue/hold").rglob("*")):
            if name.is_file():
                envelope = self._run("postcat", "-c", str(self.conf), "-e", str(name)).decode(errors="surrogateescape")
                values = dict(re.findall(r"^(sender|recipient): (.*)$", envelope, re.MULTILINE))
                content = self._run("postcat", "-c", str(self.conf), "-bh", str(name))
                assert values["recipient"] not in found, "stored twice"
                found[values["recipient"]] = Stored(values["sender"], content)
        return found

    def empty(self) -> None:
        self._run("postsuper", "-c", str(self.conf), "-d", "ALL", "hold")

    def recipients(self) -> list[str]:
        """Give the recipients in the queue, each as often as it is there."""
        listed = self._run("postqueue", "-c", str(self.conf), "-j").splitlines()
        return [one["address"] for line in listed for one in json.loads(line)["recipients"]]


def services(folder: Path, *blocks: tuple[str, str, bool]) -> dict[int, tuple[str, Path]]:
    """Give a free port to each (block, name of its folder, whether Postfix shall be impatient)."""
    found: dict[int, tuple[str, Path]] = {}
    with contextlib.ExitStack() as held:
        for block, name, impatient in blocks:
            free = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            text = block.replace("timeout=20s", "timeout=2s") + _IMPATIENT if impatient else block
            found[free.getsockname()[1]] = (text, folder / name)
    return found


def log_in(port: int) -> Client:
    client = Client(port)
    try:
        said = client.log_in(ME, PASSWORDS[ME])
        assert said.startswith("235"), said
    except BaseException:
        client.close()
        raise
    return client


def submit(client: Client, content: bytes, recipient: str, path: str = ME) -> str:
    """Submit one message; give the step that decided, and the reply."""
    commands = {"MAIL": f"MAIL FROM:<{path}>", "RCPT": f"RCPT TO:<{recipient}>", "DATA": "DATA"}
    for step, command in commands.items():
        if (said := client.say(command.encode()))[0] not in "23":
            return f"{step} {said}"
    client.write(content + b".\r\n")
    return f"DATA {client.read()}"


def submit_once(port: int, content: bytes, recipient: str, path: str = ME) -> str:
    with log_in(port) as client:
        return submit(client, content, recipient, path)


@contextlib.contextmanager
def running(*judges: Judge) -> Iterator[None]:
    """End them, come what may."""
    try:
        yield
    finally:
        for judge in judges:
            judge.kill()


def missing() -> str | None:
    """Say why it cannot run here."""
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    lacking = [
        name for name in ("postfix", "postcat", "saslpasswd2") if not shutil.which(name, path="/usr/sbin:/usr/bin")
    ]
    return f"no {', '.join(lacking)}: run tests/integration/install.sh" if lacking else None

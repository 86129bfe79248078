"""Other people's parsers, each in a program of its own.

A program is started once a run. It answers a first line ``{"version": text}``
and then one line a question::

    {"body": base64}   ->  {"addresses": {way: addresses or error text}}
    {"block": base64}  ->  {"addresses": {way: ...}, "fields": {way: From bodies as it sees them}}

A *way* is one function of the library, or a usual chain of them. A body is
one From field body as received, still folded; a program unfolds it first, as
every reader of a message does. A block is a header block with the empty line
at its end.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROGRAMS: Final = Path(__file__).parent / "readers"
#: The folder that ``install.sh`` was given.
NODE_FOLDER: Final = "SENDERTRUST_READERS"
PYTHONS: Final = ("3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
JAVAMAIL: Final = "/usr/share/java/javax.mail.jar"
TIMEOUT: Final = 1800
#: How often a program may die of a question: PHP's mailparse takes all the memory it can get for a few of them.
DEATHS: Final = 20

Answers = dict[str, dict[str, Any]]


@attrs.frozen
class Reader:
    """One program; *missing* says why it cannot run here, and is empty if it can.

    One of several versions that read alike, *sparing*, is asked less in a short run.
    """

    name: str
    command: tuple[str, ...]
    version: str
    missing: str
    environment: dict[str, str]
    sparing: bool = False

    def ask(self, what: str, questions: Iterable[bytes]) -> list[Answers]:
        """Give the answers to bodies or blocks, one each and in their order."""
        lines = [json.dumps({what: base64.b64encode(octets).decode()}) for octets in questions]
        answers: list[Answers] = []
        for _ in range(DEATHS + 1):
            fault, (_, *more) = _run(self.command, lines[len(answers) :], self.environment)
            answers += map(json.loads, more)
            if not fault:
                break
            answers.append({"addresses": {"": fault}})  # it died of this question
        assert len(answers) == len(lines), f"{self.name} answered {len(answers)} of {len(lines)}: {fault}"
        return answers


def _run(command: tuple[str, ...], lines: list[str], environment: dict[str, str]) -> tuple[str, list[str]]:
    """Give what it died of, if it did, and its lines up to there."""
    with tempfile.TemporaryFile("w+", encoding="ascii") as questions:
        questions.writelines(f"{line}\n" for line in lines)
        questions.seek(0)
        done = subprocess.run(  # noqa: S603 - our own programs
            command,
            stdin=questions,
            capture_output=True,
            env={**os.environ, **environment},
            timeout=TIMEOUT,
            check=False,
        )
    fault = (
        f"exit status {done.returncode}: {done.stderr.decode('utf-8', 'replace').strip()}" if done.returncode else ""
    )
    # Not splitlines: JSON may hold U+2028.
    return fault, done.stdout.decode("utf-8").rstrip("\n").split("\n")


def reader(name: str, *command: str, **environment: str) -> Reader:
    """Start the program without a question, to see whether it runs and of what version it is."""
    if shutil.which(command[0]) is None:
        return Reader(name, command, "", f"{command[0]} is not installed", environment)
    fault, (first, *_) = _run(command, [], environment)
    if fault:
        return Reader(name, command, "", fault.splitlines()[0], environment)
    return Reader(name, command, json.loads(first)["version"], "", environment)


def _pythons() -> Iterator[Reader]:
    """Give the running Python, and the others in PATH or of pyenv."""
    program = str(PROGRAMS / "python_email.py")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    yield reader(f"email of Python {running}", sys.executable, program)
    for version in PYTHONS:
        if version != running:
            other = reader(f"email of Python {version}", _python(version), program)
            yield attrs.evolve(other, sparing=version not in {PYTHONS[0], PYTHONS[-1]})


def _python(version: str) -> str:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    try:
        installed = sorted(pyenv.glob(f"{version}.*/bin/python"))
    except PermissionError:  # it may be another user's
        installed = []
    return str(installed[-1]) if installed else f"python{version}"


def _node(package: str) -> Reader:
    folder = os.environ.get(NODE_FOLDER)
    if folder is None:
        return Reader(package, (), "", f"{NODE_FOLDER} is not set to the folder of install.sh", {})
    return reader(
        package, "node", str(PROGRAMS / "node_packages.js"), package, NODE_PATH=str(Path(folder) / "node_modules")
    )


def every_reader() -> list[Reader]:
    perl, php = str(PROGRAMS / "perl_modules.pl"), str(PROGRAMS / "php_extensions.php")
    return [
        *_pythons(),
        *map(_node, ("nodemailer", "addressparser", "email-addresses", "address-rfc2822", "mailparser", "postal-mime")),
        *(reader(module, "perl", perl, module) for module in ("Email::Address::XS", "Mail::Address", "Email::MIME")),
        *(
            reader(f"PHP {extension}", "php", "-d", "memory_limit=256M", php, extension)
            for extension in ("imap", "mailparse")
        ),
        reader("Go net/mail", "go", "run", str(PROGRAMS / "net_mail.go")),
        reader("Ruby mail", "ruby", str(PROGRAMS / "mail_gem.rb")),
        reader("JavaMail", "java", "-cp", JAVAMAIL, str(PROGRAMS / "JavaMail.java")),
        reader("GMime", sys.executable, str(PROGRAMS / "gmime.py")),
        reader("libsylph", sys.executable, str(PROGRAMS / "libsylph.py"), LC_ALL="C.UTF-8"),
        # Without a network: it connects to the name server, whatever it is to do.
        reader(
            "rspamd", "unshare", "--map-root-user", "--net", "rspamadm", "lua", "--batch", str(PROGRAMS / "rspamd.lua")
        ),
    ]

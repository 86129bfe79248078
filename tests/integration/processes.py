"""Processes that a test starts: how a page's unit starts one, and when it is there."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS: Final = 20.0  # what has not happened by then does not happen


def wait_until(what: str, condition: Callable[[], object]) -> None:
    """Wait for something, at most `SECONDS`."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def answers(family: socket.AddressFamily, address: tuple[str, int] | str) -> bool:
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def start(command: list[Any], log: Path, listens: Callable[[], bool], **options: Any) -> subprocess.Popen[bytes]:
    """Start what listens somewhere; if it comes to nothing, leave no process behind."""
    with log.open("ab") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, **options)  # noqa: S603 - ours
    try:
        wait_until(f"{command} listens", lambda: process.poll() is not None or listens())
        assert process.poll() is None, log.read_text(errors="replace")
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def start_at(path: Path, command: list[str], log: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start what listens at a Unix socket."""
    return start(command, log, lambda: answers(socket.AF_UNIX, str(path)), **options)


def command_of(unit: str, folder: Path) -> list[str]:
    """Give the command line of a systemd unit, with a folder for its places."""
    found = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert found
    line = found[1]
    places = {"/opt/sendertrust/bin/python": sys.executable, "/run/sendertrust": folder, "/etc/sendertrust": folder}
    for place, here in places.items():
        assert place in line
        line = line.replace(place, str(here))
    return shlex.split(line)

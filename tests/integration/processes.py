"""Processes that a test starts: how a page's unit starts one, and when it is there."""

from __future__ import annotations

import re
import shlex
import socket
import sys
import time
from typing import TYPE_CHECKING, Final

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

"""Fixtures that several test modules share."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def collect_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let the garbage collector close what a driver left open, while the test says that this is no warning.

    The last references are those of the log.
    """
    yield
    for record in caplog.get_records("call"):
        record.args = record.exc_info = None
    gc.collect()

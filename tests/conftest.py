"""Fixtures that several test modules share."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Final

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

# The same examples each time, however slow the machine: what passed passes again.
# `pytest --hypothesis-profile=explore` draws others.
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile("same")


@pytest.fixture
def collect_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let the garbage collector close what a driver left open, while the test says that this is no warning.

    The last references are those of the log.
    """
    yield
    for record in caplog.get_records("call"):
        record.args = record.exc_info = None
    gc.collect()


# --- SENDERTRUST_REQUIRE_SERVERS=1: what a machine that should have everything lacks is a failure

_REQUIRED: Final = bool(os.environ.get("SENDERTRUST_REQUIRE_SERVERS", "").strip("0"))


def _asks_servers(path: Path) -> bool:
    """Say whether a skip means that a server or a program is missing; other skips are meant."""
    return "integration" in path.parts or path.name == "test_documentation.py"


def _not_skipped(report: pytest.TestReport | pytest.CollectReport, path: Path) -> None:
    if _REQUIRED and report.skipped and not hasattr(report, "wasxfail") and _asks_servers(path):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"SENDERTRUST_REQUIRE_SERVERS is set: {reason.removeprefix('Skipped: ')}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test fail that would be skipped."""
    report = yield
    _not_skipped(report, item.path)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a module fail that would be skipped as a whole."""
    report = yield
    _not_skipped(report, collector.path)
    return report

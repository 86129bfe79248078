"""SENDERTRUST_REQUIRE_SERVERS=1: a server that is missing is a failure and not a skip, in the same words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CONFTEST: Final = Path(__file__).parents[1] / "conftest.py"

# How tests of this folder are skipped: by a mark, amid a test, for a fixture, and a module as a whole.
TESTS: Final = """
import pytest

@pytest.fixture
def server():
    pytest.skip("no fixture")

@pytest.mark.skipif(True, reason="no mark")
def test_mark(): pass

def test_amid(): pytest.skip("no amid")

def test_fixture(server): pass

def test_runs(): pass

@pytest.mark.xfail(reason="known", strict=True)
def test_known(): assert False
"""
MODULE: Final = 'import pytest\npytest.importorskip("no_such_module", reason="no module")\n'
SKIPS: Final = ("no mark", "no amid", "no fixture", "no module")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").touch()  # conftest.py is looked for from here on
    shutil.copy(CONFTEST, tmp_path)
    for name in ("integration", "elsewhere"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"test_{name}.py").write_text(TESTS)
        (folder / f"test_{name}_module.py").write_text(MODULE)
    return tmp_path


def run(folder: Path, required: str) -> tuple[int, str]:
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", "--continue-on-collection-errors", folder],
        env=os.environ | {"SENDERTRUST_REQUIRE_SERVERS": required},
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    return done.returncode, done.stdout


def test_what_is_missing_fails(copied: Path) -> None:
    """Issue: "a skip is printed and fails there"."""
    status, said = run(copied / "integration", "1")
    assert status == 1
    for reason in SKIPS:
        assert f"SENDERTRUST_REQUIRE_SERVERS is set: {reason}" in said
    assert "1 failed, 1 passed, 1 xfailed, 3 errors" in said


@pytest.mark.parametrize("required", ["", "0"])
def test_nothing_is_required_unless_said(copied: Path, required: str) -> None:
    """Issue: "pytest alone, without root, passes without them and says what it skipped"."""
    status, said = run(copied / "integration", required)
    assert status == 0
    assert all(reason in said for reason in SKIPS)
    assert "1 passed, 4 skipped, 1 xfailed" in said


def test_a_skip_elsewhere_is_meant(copied: Path) -> None:
    status, said = run(copied / "elsewhere", "1")
    assert status == 0
    assert "1 passed, 4 skipped, 1 xfailed" in said

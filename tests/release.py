"""Build wheel and sdist twice and compare the bytes, and look into them: ``python tests/release.py [--outdir DIR]``.

Each build has a folder, a umask, file times, a time zone and a hash seed of
its own; what goes in is what git tracks, as it stands in the working tree. The
bytes depend on nothing but that, hatchling's version (which the wheel names)
and zlib's, so the two are printed with the hashes. hatchling dates the files
with SOURCE_DATE_EPOCH, or with a constant; here with the constant, so that
``python -m build`` in a clone of the tag gives the same bytes.

Needs ``pip install -e '.[dev]'``, git, and PyPI for the build's own environment.
"""

# ruff: noqa: T201 - printing is what it does

from __future__ import annotations

import argparse
import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
#: Folder, umask, time of the files, and environment of a build: all that must not matter.
BUILDS: Final = (
    ("a", 0o022, 1_000_000_000, {"TZ": "UTC", "PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8"}),
    ("another/and deeper", 0o077, 1_700_000_000, {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2", "LC_ALL": "C"}),
)
#: What the archive of the sources leaves out of what git tracks: it is the CI's and git's own.
NOT_IN_SDIST: Final = re.compile(r"\.ci/.*")
#: What hatchling adds.
ADDED_TO_SDIST: Final = {"PKG-INFO"}
#: The tests that read the files beside them, run in the unpacked archive of the sources.
TESTS_OF_FILES: Final = ("tests/test_documentation.py", "tests/test_public_api.py", "tests/test_vectors.py")


def tracked() -> list[str]:
    """Give the files that git tracks and that are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - whichever git
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def copy(names: list[str], to: Path, mask: int, modified: int) -> None:
    """Copy what is built, with the modes that a checkout under that umask has."""
    for name in names:
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod((0o777 if os.access(ROOT / name, os.X_OK) else 0o666) & ~mask)
        os.utime(target, (modified, modified))


def build(names: list[str], scratch: Path, folder: str, mask: int, modified: int, more: dict[str, str]) -> Path:
    """Build in a copy; give the folder of what was built."""
    sources = scratch / folder / "sendertrust"
    copy(names, sources, mask, modified)
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"} | more
    run([sys.executable, "-m", "build", "--outdir", "dist", "."], sources, umask=mask, env=environment)
    return sources / "dist"


def run(command: list[str], folder: Path, *, umask: int = -1, env: dict[str, str] | None = None) -> None:
    """Run a command; show what it printed only if it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=folder,
        umask=umask,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(command)}: exit status {done.returncode}")


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def members(archive: Path) -> dict[str, bytes]:
    """Give what a wheel or an sdist holds, without the sdist's own folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        files = ((member, sdist.extractfile(member)) for member in sdist.getmembers())
        return {member.name.partition("/")[2]: file.read() for member, file in files if file}


def differences(one: Path, other: Path) -> Iterator[str]:
    """Say what is not the same in two folders of what was built."""
    names = sorted({file.name for folder in (one, other) for file in folder.iterdir()})
    for name in names:
        first, second = one / name, other / name
        if not (first.is_file() and second.is_file()):
            yield f"only one build made {name}"
        elif first.read_bytes() != second.read_bytes():
            held = members(first), members(second)
            changed = [member for member in sorted(held[0] | held[1]) if held[0].get(member) != held[1].get(member)]
            yield f"{name} differs, in {', '.join(changed) or 'times, modes, order or compression, not in contents'}"


def wheel_problems(held: dict[str, bytes], names: list[str]) -> Iterator[str]:
    package = {name for name in names if name.startswith("sendertrust/")}
    here = {name for name in held if ".dist-info/" not in name}
    yield from (f"the wheel lacks {name}" for name in sorted(package - here))
    yield from (f"the wheel holds {name}" for name in sorted(here - package))
    for needed in ("sendertrust/py.typed", "sendertrust/vectors/vectors.schema.json"):
        if needed not in here:
            yield f"the wheel needs {needed}"
    if not any(name.endswith("/licenses/LICENSE") for name in held):
        yield "the wheel lacks the licence"


def sdist_problems(held: dict[str, bytes], names: list[str]) -> Iterator[str]:
    wanted = {name for name in names if not NOT_IN_SDIST.fullmatch(name)}
    yield from (f"the sdist lacks {name}" for name in sorted(wanted - held.keys()))
    yield from (f"the sdist holds {name}" for name in sorted(held.keys() - wanted - ADDED_TO_SDIST))


def version_problems(wheel: dict[str, bytes], sdist: dict[str, bytes]) -> Iterator[str]:
    """Compare the version of the metadata with the package's, and look for it in the changelog."""
    source = (ROOT / "sendertrust" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', source, flags=re.MULTILINE)
    metadata = next(text for name, text in wheel.items() if name.endswith(".dist-info/METADATA"))
    for where, text in (("wheel", metadata), ("sdist", sdist["PKG-INFO"])):
        stated = email.message_from_bytes(text)["Version"]
        if stated != version:
            yield f"the {where} says version {stated}, sendertrust.__version__ {version}"
    sections = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if not {version, "Unreleased"} & set(sections):
        yield f"CHANGELOG.md has neither a section [{version}] nor [Unreleased]"


def generator(wheel: dict[str, bytes]) -> str:
    text = next(text for name, text in wheel.items() if name.endswith(".dist-info/WHEEL"))
    return str(email.message_from_bytes(text)["Generator"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outdir", type=Path, help="where to put wheel and sdist; nowhere by default")
    parser.add_argument("--all-tests", action="store_true", help="run all tests in the unpacked sdist")
    options = parser.parse_args()

    names = tracked()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        one, other = (build(names, scratch, *how) for how in BUILDS)
        (wheel,), (sdist,) = one.glob("*.whl"), one.glob("*.tar.gz")
        in_wheel, in_sdist = members(wheel), members(sdist)
        problems = [
            *differences(one, other),
            *wheel_problems(in_wheel, names),
            *sdist_problems(in_sdist, names),
            *version_problems(in_wheel, in_sdist),
        ]
        if problems:
            sys.exit("\n".join(problems))
        run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)], scratch)
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
        tests = () if options.all_tests else TESTS_OF_FILES
        # "-m pytest" puts the unpacked package before an installed one.
        run([sys.executable, "-m", "pytest", "-q", *tests], scratch / sdist.name.removesuffix(".tar.gz"))
        print(f"built twice, the same bytes; {generator(in_wheel)}, zlib {zlib.ZLIB_RUNTIME_VERSION}")
        for built in (wheel, sdist):
            print(f"{sha256(built)}  {built.name}")
            if options.outdir:
                options.outdir.mkdir(parents=True, exist_ok=True)
                shutil.copy(built, options.outdir)


if __name__ == "__main__":
    main()

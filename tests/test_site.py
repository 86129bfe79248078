"""The site: it builds without a warning, its links hold, and its API page has every public name."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import sendertrust
import sendertrust.maps
import sendertrust.testing
from sendertrust.cli import main

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CLI_PAGE = DOCS / "reference" / "cli.md"
NEEDED = [name for name in ("sphinx", "furo", "myst_parser", "aiosmtpd") if not importlib.util.find_spec(name)]
# Made by Sphinx from other pages: their links are those of the pages.
MADE = {"genindex.html", "py-modindex.html", "search.html"}


class Page(HTMLParser):
    """The ids and the links of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.described: list[str] = []
        self.language: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = values.get("lang")
        if "id" in values:
            self.ids.add(values["id"])
        if tag == "dt" and "id" in values:
            self.described.append(values["id"])
        self.links += [values[name] for name in ("href", "src") if name in values]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if NEEDED:
        missing = f"the site cannot be built: {', '.join(NEEDED)} not installed (extra: docs)"
        if os.environ.get("SENDERTRUST_REQUIRE_SERVERS") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    out = tmp_path_factory.mktemp("site")
    options = ["-W", "--keep-going", "-n", "-q", "-E", "-d", str(out / "doctrees"), "-b", "html"]
    done = subprocess.run(  # noqa: S603 - our own pages
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(out / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def broken(pages: dict[Path, Page]) -> list[str]:
    """Name every link of a page that leads to no file, or to no id in it."""
    found = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].ids):
                found.append(f"{path.name}: {link}")
    return found


def reached(pages: dict[Path, Page], start: Path) -> set[Path]:
    """Give the pages that links lead to."""
    seen, waiting = set[Path](), [start]
    while waiting:
        path = waiting.pop()
        if path in pages and path not in seen:
            seen.add(path)
            waiting += [(path.parent / unquote(urlsplit(link).path)).resolve() for link in pages[path].links]
    return seen


def test_links_and_anchors_of_the_site(pages: dict[Path, Page]) -> None:
    assert len(pages) > 20
    assert not broken({path: page for path, page in pages.items() if path.name not in MADE})


def test_every_page_is_built_and_reached(site: Path, pages: dict[Path, Page]) -> None:
    expected = {(site / source.relative_to(DOCS)).with_suffix(".html") for source in DOCS.rglob("*.md")}
    expected |= {site / f"{name}.html" for name in ("readme", "changelog", "security", "contributing")}
    assert expected <= reached(pages, site / "index.html")


def test_each_page_says_its_language(site: Path, pages: dict[Path, Page]) -> None:
    """What reads aloud goes by it, and so do fonts and line breaks."""
    japanese = {path for path, page in pages.items() if page.language == "ja"}
    assert japanese == {site / "ja.html"}
    assert {page.language for page in pages.values()} == {"en", "ja"}


def test_what_finds_broken_links_finds_them(tmp_path: Path) -> None:
    one, two = tmp_path / "one.html", tmp_path / "two.html"
    one.write_text('<a href="two.html#here">a</a><a href="two.html#gone">b</a><a href="three.html">c</a>')
    two.write_text('<p id="here"><a href="https://example.com/">d</a><a href="#here">e</a>')
    written = {path: Page(path.read_text()) for path in (one, two)}
    assert broken(written) == ["one.html: two.html#gone", "one.html: three.html"]
    assert reached(written, two) == {two}


def test_api_has_every_public_name_once(site: Path, pages: dict[Path, Page]) -> None:
    described = pages[site / "reference" / "api.html"].described
    names = [
        f"{module.__name__}.{name}"
        for module in (sendertrust, sendertrust.maps, sendertrust.testing)
        for name in module.__all__
    ]
    assert [name for name in names if described.count(name) != 1] == []
    assert sorted(set(described)) == sorted(described)


def test_api_has_the_members_of_classes(site: Path, pages: dict[Path, Page]) -> None:
    described = set(pages[site / "reference" / "api.html"].described)
    members = [
        *(f"Reason.{reason.name}" for reason in sendertrust.Reason),
        *(f"TrustLevel.{level.name}" for level in sendertrust.TrustLevel),
        *(f"Policy.{option}" for option in sendertrust.Policy.__annotations__),
        *(f"Verdict.{name}" for name, value in vars(sendertrust.Verdict).items() if isinstance(value, property)),
    ]
    assert [member for member in members if f"sendertrust.{member}" not in described] == []


def section(heading: str) -> str:
    """Give a section of the page on the command line."""
    _, found, rest = CLI_PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def options(text: str) -> list[str]:
    """Give the options of a help text, word by word: one Python folds elsewhere than the next."""
    return text.partition("\noptions:\n")[2].partition("```")[0].split()


@pytest.mark.parametrize("name", ["milter", "postfix_policy", "exim", "opensmtpd"])
def test_help_of_an_integration(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        importlib.import_module(f"sendertrust.integrations.{name}").main(["--help"])
    published = section("Integrations")
    shown = options(published)
    if name == "opensmtpd":  # "that one has no `--socket` and no `--socket-mode`"
        del shown[shown.index("--socket") : shown.index("--policy")]
    assert shown
    assert f"`python -m sendertrust.integrations.{name}`" in published
    assert options(capsys.readouterr().out) == shown


def test_every_command_has_a_section(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """tests/test_documentation.py compares each of these sections with the help of its command."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out.partition("COMMAND\n")[2].partition("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines()]
    assert len(commands) > 3
    assert [command for command in commands if not section(command)] == []

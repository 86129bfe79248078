"""Maps against Postfix's own postmap: the same lines, the same keys, the same owners."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import attrs
import pytest

from sendertrust import SUBMISSION, UNSEEN, TrustLevel, check
from sendertrust.maps import SenderMap, parse

if TYPE_CHECKING:
    from pathlib import Path

POSTMAP = shutil.which("postmap", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(POSTMAP is None, reason="postmap is not installed: tests/integration/install.sh")

ENTRIES = QUESTIONS = 1_000
LOCAL, OTHERS = "a.example", ["b.example", "c.b.example", "xn--r8jz45g.jp"]
POLICY = attrs.evolve(SUBMISSION, default_domain=LOCAL, subaddress="+")
LOGINS = [f"login-{number}" for number in range(30)]
WORDS = ["sales", "hr", "info", "taro.yamada", "o'neil", "a/b=c", "x", "postmaster", "a-b"]
TO_BE_QUOTED = ["john doe", 'say "hi"', "back\\slash", "a..b", ".dot", "dot.", "a,b", "semi;colon", "#hash tag"]


class Table:
    """A table of Postfix: made by postmap, or read by it as it stands."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "main.cf").write_text("compatibility_level = 3.6\n")
        self.config = ["-c", str(folder)]
        source = folder / "senders"
        source.write_text(text, encoding="utf-8")
        types = self._run("postconf", "-m").split()
        kind = next(kind for kind in ("hash", "lmdb", "cdb", "texthash") if kind in types)
        self.name = f"{kind}:{source}"
        if kind != "texthash":
            self._run("postmap", self.name)

    def _run(self, program: str, *arguments: str, text: str = "", statuses: tuple[int, ...] = (0,)) -> str:
        assert POSTMAP is not None
        done = subprocess.run(  # noqa: S603 - Postfix's own
            [f"{os.path.dirname(POSTMAP)}/{program}", *self.config, *arguments],  # noqa: PTH120 - a text goes in
            input=text.encode(),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in statuses, done.stderr
        return done.stdout.decode()

    def dump(self) -> dict[str, str]:
        """Give all keys and values as Postfix has them."""
        return _rows(self._run("postmap", "-s", self.name))

    def ask(self, keys: list[str]) -> dict[str, str]:
        """Give the values of those keys that are found."""
        found = self._run("postmap", "-q", "-", self.name, text="".join(f"{key}\n" for key in keys), statuses=(0, 1))
        return _rows(found)


def _rows(text: str) -> dict[str, str]:
    """Give what postmap prints; not by splitlines, which splits at more than LF."""
    return dict(row.split("\t", 1) for row in text.split("\n") if row)


def quoted(local: str) -> str:
    """Give the external form of a local part, as quote_822_local does."""
    if re.fullmatch(r'[^ "(),:;<>@\[\\\].]+(?:\.[^ "(),:;<>@\[\\\].]+)*', local):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def lookups(local: str, domain: str) -> list[str]:
    """Give the keys that Postfix looks an address up by, in its order (mail_addr_find)."""
    base, plus, _ = local.partition("+")
    locals_ = [local, base] if plus and base else [local]
    # The external form first, and the internal one if that differs.
    full = [f"{form}@{domain}" for each in locals_ for form in (quoted(each), each)]
    bare = [form for each in locals_ for form in (quoted(each), each)] if domain.lower() == LOCAL else []
    return [*dict.fromkeys([*full, *bare]), "@" + domain]


def any_case(chance: random.Random, text: str) -> str:
    return "".join(chance.choice((letter.lower(), letter.upper())) for letter in text)


def some_address(chance: random.Random) -> tuple[str, str]:
    local = chance.choice(WORDS) + chance.choice(["", "", str(chance.randrange(60))])
    if chance.random() < 0.3:
        local += chance.choice(["+x", "+y+x", "+"])
    if chance.random() < 0.15:
        local = chance.choice(TO_BE_QUOTED)
    return any_case(chance, local), any_case(chance, chance.choice([LOCAL, LOCAL, *OTHERS]))


def some_map(chance: random.Random) -> str:
    keys = {"@" + domain: "@" + any_case(chance, domain) for domain in [LOCAL, *OTHERS[:2]]}
    while len(keys) < ENTRIES:
        local, domain = some_address(chance)
        # A key may go without its quotes, unless postmap would read it as something else.
        form = local if chance.random() < 0.2 and not re.search(r'[ ",;#\\]|^\.', local) else quoted(local)
        at_domain = chance.choice(["", f"@{domain}", f"@{domain}", f"@{domain}"])
        keys.setdefault((quoted(local) + at_domain).lower(), form + at_domain)
    text = ""
    for key in keys.values():
        logins = chance.sample(LOGINS, chance.choice([0, 1, 1, 1, 2, 3]))
        value = chance.choice([", ", " ", ",\t", ",\n\t", ",\n# a comment\n  "]).join(logins) or ","
        blank, more = chance.choice([" ", "   ", "\t"]), chance.choice(["", "", "\n", "# comment\n"])
        text += f"{key}{blank}{value}\n{more}"
    return text


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20240731)  # noqa: S311 - the same map in every run


def test_postfix_and_who_name_the_same_owners(tmp_path: Path, chance: random.Random) -> None:
    """Issue: "`postmap -q`, driven in Postfix's lookup order, and `maps` agree on a generated map"."""
    text = some_map(chance)
    table, site = Table(tmp_path, text), parse(text, "postfix")
    assert len({entry.key for entry in site.entries}) == ENTRIES
    questions = [some_address(chance) for _ in range(QUESTIONS)]
    found = table.ask(sorted({key for question in questions for key in lookups(*question)}))
    aliases = {login: site.may(any_case(chance, login)) for login in LOGINS}
    used = dict.fromkeys(["full", "base", "bare", "domain", "nobody", "none"], 0)
    for local, domain in questions:
        key = next((key for key in lookups(local, domain) if key in found), None)
        expected = set(re.split(r"[, \t]+", found[key])) - {""} if key else set()
        claimed = f"{quoted(local)}@{domain}"
        assert {entry.login for entry in site.who(claimed, POLICY)} == expected, (claimed, key)
        allowed = {
            login
            for login in LOGINS
            if check("\\", claimed, UNSEEN, aliases[login], level=TrustLevel.ENVELOPE, policy=POLICY)
        }
        assert allowed == expected, (claimed, key)
        used[kind_of(key, expected, claimed)] += 1
    # Every step of the order has decided some questions.
    assert min(used.values()) >= 10, used


def kind_of(key: str | None, owners: set[str], claimed: str) -> str:
    if key is None:
        return "none"
    if not owners:
        return "nobody"
    if key.startswith("@"):
        return "domain"
    if "@" not in key:
        return "bare"
    return "full" if key == claimed else "base"


LINES = [
    "key{n}@a.example login-1, login-2",
    "KEY{n}@A.example\tlogin-3",
    "bare{n}   login-1\t ",
    "@d{n}.example login-1",
    "# comment{n} x",
    "  # comment",
    "",
    " \t ",
    "\tlogin-4, login-5",
    "  login-6",
    "broken{once}@a.example",
    '"john doe{n}"@a.example login-1',
    '"q\\"uote{n}" login-2',
    '"unbalanced{n}@a.example login-1',
    "same@a.example login-{n}",
    "crlf{n}@a.example login-1\r",
    "\r",
    "tab{n}@a.example\v\flogin-1",
    "nobody{n}@a.example ,",
]


@pytest.mark.parametrize("seed", range(5))
def test_postfix_and_parse_read_the_same_lines(tmp_path: Path, seed: int) -> None:
    """postmap(1), INPUT FILE FORMAT; a key without a value, which Postfix leaves out, is nobody's here."""
    chance = random.Random(seed)  # noqa: S311 - likewise
    text = "\n".join(chance.choice(LINES).format(n=chance.randrange(200), once=line) for line in range(300))
    dump = Table(tmp_path, text).dump()
    expected = {key: list(dict.fromkeys(re.findall(r"[^, \t\r]+", value))) for key, value in dump.items()}
    assert len(expected) > 100
    site = parse(text, "postfix", strict=False)
    assert read(site, "broken") == expected


def read(site: SenderMap, left_out: str) -> dict[str, list[str]]:
    """Give what a map has by key, as postmap -s does."""
    keys: dict[str, list[str]] = {}
    for entry in site.entries:
        key = entry.grant.address.lower()
        if entry.login or not key.startswith(left_out):
            keys.setdefault(key, []).extend([entry.login] if entry.login else [])
    return keys


def test_postfix_has_no_star_and_warns_of_no_key(tmp_path: Path) -> None:
    """The star is a key like any other to Postfix, and no address is looked up by it: here it is a problem."""
    table = Table(tmp_path, "* login-1\n")
    assert table.ask(lookups("x", LOCAL)) == {}
    assert parse("* login-1\n", "postfix", strict=False).problems[0].found == "*"

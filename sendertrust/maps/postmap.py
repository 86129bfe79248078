"""Tables in the lines of postmap(1): smtpd_sender_login_maps of Postfix.

::

    text         = *( blank / comment / logical-line )
    blank        = *WSP LF
    comment      = *WSP "#" *any LF
    logical-line = line *( blank / comment / 1*WSP line )   ; joined as they stand
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust import Grant, Right
from sendertrust.maps.keys import EVERYTHING, NOBODY, NULL_PATH, canonical_key, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendertrust.maps.site import Draft, Entry, SenderMap

__all__ = ["A_KEY", "BLANKS", "KEY_AND_VALUE", "QUOTED", "Keys", "logical_lines", "read_postfix", "write_postfix"]

BLANKS: Final = " \t\r\v\f"  # isspace of C, less the LF that ends a line
QUOTED: Final = r'"(?>(?:[^"\\]++|\\.)*)"'

# postmap.c: the key ends at the first blank that is neither quoted nor escaped, and at nothing else.
KEY_AND_VALUE: Final = re.compile(
    rf'((?>(?:[^ \t\r\v\f"\\]++|\\.|{QUOTED})+))(?![^ \t\r\v\f])[ \t\r\v\f]*+(.*)', re.DOTALL
)

_LOGINS: Final = re.compile(r"[^, \t\r]++")  # CHARS_COMMA_SP of Postfix
A_KEY: Final = "user@domain, @domain or user"


def logical_lines(text: str, site: Draft) -> Iterator[tuple[int, str]]:
    """Join the lines of postmap(1): readllines of Postfix."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate([*text.split("\n"), "end"], 1):
        content = line.lstrip(BLANKS)
        if not content or content[0] == "#":
            continue
        if line[0] in BLANKS and parts:
            parts.append(line)
            continue
        if parts:
            logical = "".join(parts)
            if logical[0] in BLANKS:
                site.problem(start, "a line that does not start with a blank: there is none to continue", logical)
            else:
                yield start, logical.rstrip(BLANKS)
        start, parts = number, [line]


@attrs.define
class Keys:
    """The keys of a table so far: postmap(1) keeps the first of several, and warns."""

    site: Draft
    seen: set[str] = attrs.field(factory=set)

    def take(self, line: int, key: str, expected: str = A_KEY) -> str | None:
        """Give the folded canonical form of a key that is new, or make a problem of it."""
        canonical = canonical_key(key)
        if canonical is None or canonical in {EVERYTHING, NULL_PATH}:
            self.site.problem(line, expected, key)
            return None
        folded = fold(canonical)
        if folded in self.seen:
            self.site.problem(line, "each key once (the first one counts)", key)
            return None
        self.seen.add(folded)
        return folded


def read_postfix(text: str, site: Draft) -> None:
    r"""Read a table for smtpd_sender_login_maps of postconf(5), by the lines of postmap(1).

    entry = key 1*WSP value
    key   = 1*( any but quotes and WSP / "\\" any / quoted-string )    ; user@domain, user, @domain
    value = 1*( login / "," / WSP )                                    ; "," alone: nobody

    A login ends at a comma or a blank (reject_sender_login_mismatch in smtpd_check.c).
    """
    keys = Keys(site)
    for line, logical in logical_lines(text, site):
        match = KEY_AND_VALUE.fullmatch(logical)
        if match is None:
            site.problem(line, "a key with balanced quotes, a blank and logins", logical)
            continue
        key, value = match.groups()
        if expected := _expected_key(key):
            site.problem(line, expected, key)
            continue
        if keys.take(line, key) is None:
            continue
        if not value:
            site.problem(line, "a blank and logins after the key", key)
        site.add(line, _LOGINS.findall(value), Grant(key))


def _expected_key(key: str) -> str | None:
    """Say what to write for a key that Postfix never finds: it asks with the quotes that are needed, or without any."""
    if key.endswith(":"):
        return "a key without a colon (is this an aliases file?)"
    canonical = canonical_key(key) if '"' in key else None
    if canonical is None:
        return None
    local = key.rpartition("@")[0] if "@" in key else key
    if fold(local) == fold(canonical.rpartition("@")[0]):
        return None
    return "a key quoted as RFC 5322 needs it and not more, which is what Postfix looks up"


def write_postfix(site: SenderMap) -> str:
    """Write what `render` gives, with no regard to what the format cannot say: there it is read again."""
    lines: dict[tuple[Right, str], list[Entry]] = {}
    for entry in site.entries:
        lines.setdefault((entry.grant.right, entry.key), []).append(entry)
    return "".join(
        f"{entries[0].grant} {', '.join(entry.login for entry in entries if entry.login != NOBODY) or ','}\n"
        for entries in lines.values()
    )

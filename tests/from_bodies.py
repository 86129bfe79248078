"""What the tests of From bodies share: whose they are, how encoded-words are made, and asking."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

from sendertrust import SUBMISSION, Policy, TrustLevel, check
from sendertrust.author import parse_author

if TYPE_CHECKING:
    from sendertrust import Verdict
    from sendertrust.display_name import Mailbox

OWN: Final = "user1@test-sample.jp"
CEO: Final = "ceo@victim.example"
PRINTABLE: Final = [chr(code) for code in range(0x20, 0x7F)]


def b_word(octets: str | bytes, charset: str = "utf-8") -> str:
    """Make an encoded-word of text in UTF-8, or of octets."""
    raw = octets.encode() if isinstance(octets, str) else octets
    return f"=?{charset}?B?{base64.b64encode(raw).decode()}?="


def jis(*pairs: str) -> bytes:
    """Make ISO-2022-JP of pairs of 7-bit octets, in JIS X 0208."""
    return b"\x1b$B" + "".join(pairs).encode() + b"\x1b(B"


def asked(body: str | bytes, policy: Policy = SUBMISSION, aliases: tuple[str, ...] = ()) -> Verdict:
    return check(OWN, OWN, body, aliases, level=TrustLevel.HEADER, policy=policy)


def one(body: str, policy: Policy = SUBMISSION) -> Mailbox:
    mailboxes = parse_author(body, policy)
    assert isinstance(mailboxes, tuple), mailboxes
    (mailbox,) = mailboxes
    return mailbox

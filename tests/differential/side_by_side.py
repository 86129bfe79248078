"""How many attacks get through, and how many honest mails do not, here and elsewhere.

``python tests/differential/side_by_side.py`` prints the table of
``docs/explanation/side-by-side.md``; with the first words of a row behind it,
the ids of the vectors that this row gets wrong (an error lists the rows, if none
begins so); with ``--write``, it puts the table into the page.

Asked are the vectors whose envelope the account may use, at level HEADER,
without options. A vector with the flag ``honest`` must be accepted, one with
``spoof`` refused. Other tools are re-stated from their documentation in a few
lines each: what they decide, on the parser of this Python; nothing is theirs.
Each row links to that documentation; where it is silent, what the source does
is in ``docs/explanation/peers.md``.
"""

# ruff: noqa: T201 - printing is what it does

from __future__ import annotations

import email
import email.policy
import email.utils
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from mail_bodies import block_of_vector

from sendertrust import EPOST, STRICT, SUBMISSION, UNSEEN, Policy, TrustLevel, check
from sendertrust.testing import Vector, vectors

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "side-by-side.md"
#: They exhaust parsers, which is another matter than misleading them.
LEFT_OUT: Final = frozenset({"dos", "limit"})
LENIENT: Final[dict[str, bool]] = {"strict": False} if hasattr(email.utils, "supports_strict_parsing") else {}


@attrs.frozen
class Submission:
    """A vector as the tools get it: the message, and who may write as whom."""

    vector: Vector

    def message(self) -> Message:
        return email.message_from_bytes(block_of_vector(self.vector))

    def envelope(self) -> str:
        return self.vector.envelope_from.decode("utf-8", "replace").strip("<>")

    def owns(self, address: str) -> bool:
        """Compare with the login as most do, and with the aliases as this library does."""
        if address.lower() == (self.vector.auth_id or "").lower():
            return True
        return check("nobody@nobody.invalid", address, UNSEEN, self.vector.aliases, policy=SUBMISSION).allowed

    def owns_all(self, addresses: list[str]) -> bool:
        return bool(addresses) and all(map(self.owns, addresses))


def from_fields(message: Message) -> list[str]:
    return [str(value) for value in message.get_all("From", [])]


def listed(fields: list[str], **options: bool) -> list[str]:
    return [address for _, address in email.utils.getaddresses(fields, **options)]


def by_parseaddr(submission: Submission) -> bool:
    return submission.owns(email.utils.parseaddr(str(submission.message()["From"]))[1])


def by_getaddresses(submission: Submission) -> bool:
    return submission.owns_all(listed(from_fields(submission.message())))


def by_policy_default(submission: Submission) -> bool:
    field = email.message_from_bytes(block_of_vector(submission.vector), policy=email.policy.default)["From"]
    addresses = [] if field is None else [str(address.addr_spec) for address in field.addresses]
    return submission.owns_all(addresses)


def by_milterfrom(submission: Submission) -> bool:
    """Compare the last ``<…>`` with the envelope; accept a null envelope, and a header without From."""
    fields = from_fields(submission.message())
    if not submission.envelope() or not fields:
        return True
    bracketed: list[str] = re.findall("<([^<>]*)>", fields[-1])
    author = bracketed[-1] if bracketed else fields[-1].strip()
    return author.lower() == submission.envelope().lower()


def by_james(submission: Submission) -> bool:
    """Ask for every address of every From field, members of groups too."""
    return submission.owns_all(listed(from_fields(submission.message()), **LENIENT))


def by_mox(submission: Submission) -> bool:
    """Ask for exactly one field with exactly one address, as a strict parser sees it."""
    fields = email.message_from_bytes(block_of_vector(submission.vector), policy=email.policy.default).get_all(
        "From", []
    )
    if len(fields) != 1 or fields[0].defects or len(fields[0].addresses) != 1:
        return False
    return submission.owns(str(fields[0].addresses[0].addr_spec))


def by_maddy(submission: Submission) -> bool:
    """Refuse a null envelope; read the first From field, one address; or else the Sender."""
    message = submission.message()
    authors = listed(from_fields(message)[:1], **LENIENT)
    if not submission.envelope() or len(authors) != 1:
        return False
    return submission.owns(authors[0]) or submission.owns(listed([str(message["Sender"])], **LENIENT)[0])


def by_this(policy: Policy) -> Callable[[Submission], bool]:
    return lambda submission: submission.vector.verdict(policy).allowed


@attrs.frozen
class Way:
    judge: Callable[[Submission], bool]
    #: Whether the parser is that of the running Python: the row is about this version alone.
    of_python: bool = True
    #: Where the project documents what is re-stated here.
    documented: str = ""


WAYS: Final = {
    "sendertrust, EPOST": Way(by_this(EPOST), of_python=False),
    "sendertrust, SUBMISSION": Way(by_this(SUBMISSION), of_python=False),
    "sendertrust, STRICT": Way(by_this(STRICT), of_python=False),
    "`parseaddr`": Way(by_parseaddr),
    "`getaddresses`": Way(by_getaddresses),
    "`policy.default`": Way(by_policy_default),
    "milterfrom's logic": Way(by_milterfrom, of_python=False, documented="https://github.com/magcks/milterfrom#readme"),
    "Apache James' logic": Way(by_james, documented="https://james.apache.org/server/3/config-smtp-lmtp.html"),
    "mox's logic": Way(by_mox, documented="https://github.com/mjl-/mox/releases/tag/v0.0.16"),
    "maddy's logic": Way(by_maddy, documented="https://maddy.email/reference/checks/authorize_sender/"),
}


def label(name: str) -> str:
    """Give the first cell of a row."""
    documented = WAYS[name].documented
    return f"[{name}]({documented})" if documented else name


def accepts(way: Way, submission: Submission) -> bool:
    try:
        return way.judge(submission)
    except Exception:  # noqa: BLE001 - a parser that fails refuses
        return False


def submissions() -> list[Submission]:
    """Give the vectors that a comparison of From fields can be about."""
    return [
        Submission(vector)
        for vector in vectors()
        if vector.auth_id
        and vector.level is TrustLevel.HEADER
        and not vector.options
        and not LEFT_OUT & vector.flags
        and (vector.header_from is not None or vector.message is not None)
        and check(vector.auth_id, vector.envelope_from, UNSEEN, vector.aliases, policy=SUBMISSION).allowed
    ]


def wrong(way: Way, asked: list[Submission]) -> tuple[list[str], list[str]]:
    """Give the ids of the attacks that get through, and of the honest mail that is refused."""
    through = [one.vector.id for one in asked if "spoof" in one.vector.flags and accepts(way, one)]
    refused = [one.vector.id for one in asked if "honest" in one.vector.flags and not accepts(way, one)]
    return through, refused


def table() -> list[str]:
    asked = submissions()
    attacks = sum("spoof" in one.vector.flags for one in asked)
    honest = sum("honest" in one.vector.flags for one in asked)
    head = (
        "Python " + platform.python_version(),
        f"attacks through, of {attacks}",
        f"honest mails refused, of {honest}",
    )
    lines = [f"| {' | '.join(head)} |", "|---|---|---|"]
    for name, way in WAYS.items():
        through, refused = wrong(way, asked)
        lines.append(f"| {label(name)} | {len(through)} | {len(refused)} |")
    return lines


def named(words: str) -> list[str]:
    """Give the rows that begin with these words, or say which there are."""
    names = {name.strip("`"): name for name in WAYS}
    found = [name for plain, name in names.items() if plain.startswith(words)]
    if not found:
        sys.exit(f"no row begins with {words!r}: write --write, nothing, or the first words of: {'; '.join(names)}")
    return found


def main() -> None:
    wanted = " ".join(sys.argv[1:])
    if wanted == "--write":
        text = PAGE.read_text(encoding="utf-8")
        rows = "".join(f"{line}\n" for line in table())
        PAGE.write_text(re.sub(r"^(?:\|.*\n)+", lambda _: rows, text, count=1, flags=re.MULTILINE), encoding="utf-8")
        return
    if not wanted:
        print("\n".join(table()))
        return
    for name in named(wanted):
        through, refused = wrong(WAYS[name], submissions())
        print(name, *(f"through: {one}" for one in through), *(f"refused: {one}" for one in refused), sep="\n")


if __name__ == "__main__":
    main()

"""What a check costs, beside the parser that people would use instead, in one run.

``python tests/benchmarks/bench_check.py`` prints microseconds a submission:
the best of several rounds over distinct submissions, the contenders in turn.
Not a test: speed differs between machines, and the ratio is what counts.
"""

from __future__ import annotations

import email.utils
import platform
import time
from typing import TYPE_CHECKING, Final

from sendertrust import SUBMISSION, UNSEEN, Aliases, check, check_message

if TYPE_CHECKING:
    from collections.abc import Callable

SUBMISSIONS: Final = 400
ROUNDS: Final = 60

OWN: Final = [f"user{number}@host{number % 17}.example.com" for number in range(SUBMISSIONS)]
HEADERS: Final = [f"Given{number} Family{number} <{own}>" for number, own in enumerate(OWN)]
ALIASES: Final = [Aliases([f"alias{number}@example.net"]) for number in range(SUBMISSIONS)]
ALIAS_HEADERS: Final = [f'"Sales, {number}" <alias{number}@example.net>' for number in range(SUBMISSIONS)]
BLOCKS: Final = [
    (
        f"Received: from client{number} by mx; Tue, 24 Nov 2026 00:00:00 +0000\r\n"
        f"Message-ID: <{number}@example.com>\r\nDate: Tue, 24 Nov 2026 00:00:00 +0000\r\n"
        f"From: {header}\r\nTo: somebody@example.net\r\nSubject: report {number}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nbody\r\n"
    ).encode()
    for number, header in enumerate(HEADERS)
]


def getaddresses_and_two_comparisons() -> None:
    for own, header in zip(OWN, HEADERS, strict=True):
        ((_, address),) = email.utils.getaddresses([header])
        assert address == own
        assert own == address


def check_at_data() -> None:
    for own, header in zip(OWN, HEADERS, strict=True):
        assert check(own, own, header, policy=SUBMISSION)


def check_at_mail() -> None:
    for own in OWN:
        assert check(own, own, UNSEEN, policy=SUBMISSION)


def check_an_alias_at_data() -> None:
    for number, (own, header) in enumerate(zip(OWN, ALIAS_HEADERS, strict=True)):
        assert check(own, own, header, ALIASES[number], policy=SUBMISSION)


def check_message_at_data() -> None:
    for own, block in zip(OWN, BLOCKS, strict=True):
        assert check_message(own, own, block, policy=SUBMISSION)


CONTENDERS: Final[tuple[Callable[[], None], ...]] = (
    getaddresses_and_two_comparisons,
    check_at_data,
    check_at_mail,
    check_an_alias_at_data,
    check_message_at_data,
)


def main() -> None:
    best = dict.fromkeys(CONTENDERS, float("inf"))
    for _ in range(ROUNDS):
        for contender in CONTENDERS:
            start = time.perf_counter()
            contender()
            best[contender] = min(best[contender], time.perf_counter() - start)
    yardstick = best[getaddresses_and_two_comparisons]
    print(f"Python {platform.python_version()}, {SUBMISSIONS} distinct submissions, best of {ROUNDS} rounds")
    for contender, seconds in best.items():
        name = contender.__name__.replace("_", " ")
        print(f"{name:<36}{seconds / SUBMISSIONS * 1e6:8.2f} us{seconds / yardstick:8.2f}")


if __name__ == "__main__":
    main()

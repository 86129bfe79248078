"""What a million aliases cost: ``python tests/benchmarks/bench_aliases.py``.

Reports look-ups a question (counted), the time of `check` where an alias
grants and where none does, the time to compile, and the memory beside a plain
dict of the same strings; for three entries and for a million, from one run.
"""

from __future__ import annotations

import argparse
import platform
import time
import timeit
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from sendertrust import SUBMISSION, Aliases, Policy, check

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = "user1@test-sample.jp"
GRANTED = "user2@domain2.example"
NOT_GRANTED = "ceo@victim.example"
POLICIES = {
    "SUBMISSION": SUBMISSION,
    "with subaddresses and a default domain": attrs.evolve(SUBMISSION, subaddress="+", default_domain="test-sample.jp"),
}


class Counted(frozenset[str]):
    """An index that counts the look-ups."""

    asked = 0

    def __contains__(self, key: object) -> bool:
        type(self).asked += 1
        return super().__contains__(key)


def entries(count: int) -> list[str]:
    return [f"user{number}@domain{number % 1000}.example" for number in range(count)]


def look_ups(aliases: Aliases, claim: str, policy: Policy) -> int:
    """Count what one `check` asks of the index; both claims are the same address."""
    (source,) = aliases._sources
    counted = Aliases.union()
    index: Any = attrs.evolve(source, spelled=Counted(source.spelled))
    object.__setattr__(counted, "_sources", (index,))
    Counted.asked = 0
    check(OWN, claim, claim, counted, policy=policy)
    return Counted.asked


def microseconds(question: Callable[[], object]) -> float:
    return min(timeit.repeat(question, number=2000, repeat=15)) / 2000 * 1e6


def megabytes(make: Callable[[], object]) -> float:
    """What is left allocated by *make*, its result kept."""
    tracemalloc.start()
    kept = make()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return size / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000, help="how many the large one has")
    sizes = (3, parser.parse_args().entries)
    print(f"Python {platform.python_version()}, {sizes[0]} and {sizes[1]:,} entries")
    compiled = []
    for size in sizes:
        texts = entries(size)
        start = time.perf_counter()
        compiled.append(Aliases(texts))
        print(f"compile {size:9,} entries   {time.perf_counter() - start:10.3f} s")
    for name, policy in POLICIES.items():
        for label, claim in (("granted", GRANTED), ("not granted", NOT_GRANTED)):
            times = [microseconds(partial(check, OWN, claim, claim, one, policy=policy)) for one in compiled]
            counts = [look_ups(one, claim, policy) for one in compiled]
            print(
                f"check, {label:11}  {times[0]:6.2f} us  {times[1]:6.2f} us   {counts[0]:2} and {counts[1]:2} look-ups"
                f"   {name}"
            )
    print(f"memory of {sizes[1]:,} entries: Aliases {megabytes(lambda: Aliases(entries(sizes[1]))):.0f} MB", end=", ")
    print(f"a dict of the same strings {megabytes(lambda: dict.fromkeys(entries(sizes[1]))):.0f} MB")


if __name__ == "__main__":
    main()

"""How time grows with length: ``python tests/benchmarks/bench_linear.py [limits | slope] [--only TEXT] [--all]``.

*limits*: how long the hostile shapes take with the limits as they are: a
field just under its limit, a mebibyte of each kind of line, as octets and as
pairs, a mebibyte as each other argument, and then the worst of them in one
message. OVER is more than 100 ms.

*slope*: nanoseconds an octet, and how many times longer twice the length
takes, with every limit raised out of reach (2 is linear). UNREAD is what is
not read to its end nevertheless.

Seconds are of the processor, and the best of a few rounds, since the machine
has other work; only the first dozen of each table is shown. Not a test.
"""

from __future__ import annotations

import argparse
import base64
import gc
import math
import platform
import sys
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

import sendertrust.address
from sendertrust import LOOKUP_FAILED, STRICT, SUBMISSION, UNSEEN, Aliases, Policy, Verdict, check, check_message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OWN: Final = "user1@test-sample.jp"
PRESETS: Final = (SUBMISSION, STRICT)
MEBIBYTE: Final = 2**20
FIELD: Final = SUBMISSION.max_field_octets
#: With it no address in a name is known to be foreign, and all are looked at.
UNKNOWN: Final = Aliases.union(["sales@test-sample.jp"], LOOKUP_FAILED)
OUT_OF_REACH: Final = 2**30
LIMITS: Final[dict[str, Any]] = {
    field.name: OUT_OF_REACH for field in attrs.fields(Policy) if field.name.startswith("max_")
}
BOUNDLESS: Final = attrs.evolve(STRICT, multiple_authors="all_must_match", **LIMITS)
#: The rules of what is too long, too deep or too many, and is not read to its end.
UNREAD: Final = frozenset(
    {
        *("address-too-long", "block-too-long", "comment-too-deep", "field-too-long", "line-too-long"),
        "too-many-fields",
    }
)
MAX_MS: Final = 100
#: Twice the length may take so many times as long; what is shorter than this many seconds says nothing.
MAX_RATIO: Final = 2.3
MIN_SECONDS: Final = 1e-2
LONG: Final = 0.3  # seconds that are measured but once
SHOWN: Final = 12

Question: TypeAlias = "Callable[[], Verdict]"

NUMBER: Final = "00000"  # in a piece, each time another one
# What a display name, a comment or a field is made of, over and over.
PIECES: Final = {
    "( open": "(",
    "() pairs": "()",
    "() in words": "a(b)",
    "commas": ",",
    "a, list": "a,",
    "addresses, list": "a@b.example,",
    "named addresses, list": '"x" <user1@test-sample.jp>,',
    "hidden in list": '"<x@y.example>" <user1@test-sample.jp>,',
    "quotes": '"',
    "quoted strings": '"a" ',
    "backslashes": "\\",
    "escaped quotes": '\\"',
    "@ run": "@",
    "x@ run": "x@",
    "< run": "<",
    "<> pairs": "<>",
    "<@ run": "<@",
    "blanks": " ",
    "folds": "\r\n ",
    "folded words": "a\r\n b",
    "words": "a ",
    "atom": "a",
    "dots": ".",
    "colons": ":",
    "semicolons": ";",
    "[ run": "[",
    "[] pairs": "[]",
    "=? run": "=?",
    "=?q? run": "=?q?",
    "? run": "?",
    "unclosed q": "=?utf-8?q?",
    "unclosed q, a": "=?utf-8?q?a ",
    "words q": "=?utf-8?q?=3Cx=40y.z=3E?= ",
    "words q, apart": "=?utf-8?q?=40?= a ",
    "words b": "=?utf-8?b?PHhAeS56Pg==?= ",
    "words b, broken": "=?utf-8?b?PHhAe?= ",
    "words b, padding": "=?utf-8?b?PQ==PQ==?= ",
    "words of two charsets": "=?utf-8?q?a?= =?x?q?a?= ",
    "words in words": "=?utf-8?q?=3D=3Futf-8=3Fq=3F=40=3F=3D?= ",
    "words utf-7": "=?utf-7?q?+AEA-?= ",
    "words utf-16": "=?utf-16?b?AEA=?= ",
    "words iso-2022-jp": "=?iso-2022-jp?b?GyRCOzNFRBsoQg==?= ",
    "words hz": "=?hz-gb-2312?q?~{<:~}?= ",
    "words gb18030": "=?gb18030?q?=810=810?= ",
    "words ibm037": "=?ibm037?b?TKfA?= ",
    "letters": "\u3042",
    "expanding letters": "\ufdfa",
    "full-width": "\uff20\uff1c",
    "marks": "\u0301",
    "undecodable": "\udc80",
    # So long that no more of them fit into a field than may be.
    "long words q": f"=?utf-8?q?{'=3Cx=40y.z=3E' * 18}?= ",
    "long words html": f"=?html?q?{'&#64=3B' * 32}?= ",
    "long words iso-2022-jp": f"=?iso-2022-jp?b?{'GyRCOzNFRBsoQjEy' * 14}?= ",
    "long words, apart": f"(=?utf-8?q?{'=3Cx=40y.z=3E' * 18}?=)",
    "long words of addresses": f'=?x-foo?q?{"<a,+AEA-a@a.=EF=BC=88" * 20}?=""',
    "long words of addresses, in two charsets": (
        f'=?utf-8?q?{"<a,+AEA-a@a.=EF=BC=88" * 10}?="" =?ibm277?q?{"<a,+AEA-a@a.=EF=BC=88" * 10}?=""'
    ),
    "words of one letter": "=?x?q?@?= ",
    "empty words": "=??q?@?=",
    "words of quotes": "=?u8?b?IihA?= ",
    "words of escapes": "=?unicode_escape?q?\\x40\\x28?= ",
    "international addresses": "\u00e9@b.c,",
    "international domains": "a@\u00e9.c,",
    "shown addresses": "a@b.c ",
    "international shown": "\u00e9@b.c ",
    "quotes in brackets": '<"a">',
    "comments": "(a)",
    "brackets of Unicode": "\u2039\u203a",
    "words that open brackets": "=?x?q?@?= =?y?q?\u2039?= ",
    "words of nothing": "=??q??=",
    "words that open comments": "=?x?q?=28?= ",
    "words that open quotes": "=?x?q?=22?= ",
    "words, list": "=?x?q?a?= <user1@test-sample.jp>,",
    "words in comments, list": "user1@test-sample.jp (=?x?q?a?=),",
    "other addresses": "a00000@b.example\r\n ",
    "other addresses, angle": "<a00000@b.example>\r\n ",
    "other addresses, list": "a00000@b.example,\r\n ",
    "other words": "=?utf-8?q?a00000=40b.example?=\r\n ",
    "other charsets": "=?x00000?q?=40?=\r\n ",
    "other names": '"a00000@b.example" <a00000@b.example>,\r\n ',
}
#: The pieces that an address is tried with.
CLAIMS: Final = (
    *("( open", "commas", "quotes", "escaped quotes", "@ run", "x@ run", "<> pairs", "blanks", "atom", "dots"),
    *("=? run", "words q", "letters", "expanding letters", "marks", "sorted marks", "undecodable"),
)
CLAIM_PLACES: Final = ("{}@test-sample.jp", '"{}"@test-sample.jp', "user1@a{}", "<{}>")
DECODED: Final = "decoded"
#: How a piece stands in a From body; *text* is the repeated piece, in `DECODED` as it comes out of one encoded-word.
PLACES: Final[dict[str, Callable[[str], str]]] = {
    "name": lambda text: f"{text} <{OWN}>",
    "quoted": lambda text: f'"{text}" <{OWN}>',
    "comment": lambda text: f"{OWN} ({text})",
    "list": lambda text: f"{text}{OWN}",
    "angle": lambda text: f"<{text}{OWN}>",
    "after": lambda text: f"<{OWN}>{text}",
    "quoted, @": lambda text: f'"@{text}@" <{OWN}>',
    DECODED: lambda text: f"=?utf-8?b?{in_base64(f'{text}@')}?= <{OWN}>",
}
SLOPE_PLACES: Final = ("comment", "list", "quoted, @", DECODED)
LINES: Final = {
    "From": b"From: a@b.example\r\n",
    "empty From": b"From:\r\n",
    "Sender": b"Sender: user1@test-sample.jp\r\n",
    "Resent-From": b"Resent-From: user1@test-sample.jp\r\n",
    "hidden in Resent-From": b'Resent-From: "<a@b.example>" <user1@test-sample.jp>\r\n',
    "one letter": b"x:\r\n",
    "folded": b"x: y\r\n z\r\n",
    "one long folded field": b" y\r\n",
    "no colon": b"x\r\n",
    "blank": b" \r\n",
    "bare CR": b"x:\r",
    "bare LF": b"x:\n",
    "colons": b":",
    "CR": b"\r",
    "LF": b"\n",
    "long name": b"x",
    "quotes": b'"',
    "UTF-8": b"x: \xe3\x81\x82\r\n",
    "undecodable": b"x: \x80\r\n",
    "998 octets": b"x: " + b"y" * 995 + b"\r\n",
}


def octets_of(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def repeated(piece: str, octets: int) -> str:
    if piece == "sorted marks":  # two kinds in the wrong order, which normalising has to sort
        return "\u0301" * (octets // 4) + "\u0316" * (octets // 4)
    times = octets // octets_of(piece)
    times -= times % 2  # an odd number of quotes is refused at once, and compares with nothing
    return "".join(piece.replace(NUMBER, f"{number:05}") for number in range(times))


def folded(piece: str, octets: int) -> str:
    """Repeat a piece on lines that are not too long."""
    if NUMBER in piece:
        return repeated(piece, octets)
    line = repeated(piece, min(900, octets // 2)) + "\r\n "
    lines, rest = divmod(octets, octets_of(line))
    return line * lines + repeated(piece, rest)


def in_base64(text: str) -> str:
    digits = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
    return "\r\n ".join(digits[start : start + 900] for start in range(0, len(digits), 900))


def body_of(piece: str, where: str, octets: int) -> str:
    """Give a From body of about so many octets, and no more."""
    room = octets - octets_of(PLACES[where](""))
    if where != DECODED:
        return PLACES[where](folded(piece, room))
    room = room * 297 // 400  # three octets in four digits, and folds
    return PLACES[where](repeated(piece.replace("\r\n ", " "), room))


def bodies(octets: int, places: tuple[str, ...]) -> dict[str, str]:
    return {
        f"{where}: {name}": body_of(piece, where, octets)
        for name, piece in {**PIECES, "sorted marks": "sorted marks"}.items()
        for where in places
    }


def of_message(message: bytes | list[tuple[bytes, bytes]], policy: Policy) -> Question:
    return lambda: check_message(OWN, OWN, message, UNKNOWN, policy=policy)


def of_field(name: str, body: str, policy: Policy) -> Question:
    pairs = [(name, body)] if name == "From" else [("From", OWN), (name, body)]
    return lambda: check_message(OWN, OWN, pairs, UNKNOWN, policy=policy)


def of_bodies(bodies: str | list[bytes]) -> Question:
    return lambda: check(OWN, OWN, bodies, UNKNOWN, policy=SUBMISSION)


def of_claim(claim: str, argument: str) -> Question:
    arguments: dict[str, Any] = {"auth_id": OWN, "envelope_from": OWN, "header_from": UNSEEN}
    arguments[argument] = [claim] if argument == "aliases" else claim
    return lambda: check(**arguments)


def of_aliases(entries: list[str]) -> Question:
    return lambda: check(OWN, "x@y.example", UNSEEN, entries)


def claims(octets: int) -> dict[str, Question]:
    return {
        f"{argument} {place}: {name}": of_claim(
            place.format(repeated(PIECES.get(name, name), octets - len(place) + 2)), argument
        )
        for name in CLAIMS
        for argument in ("envelope_from", "auth_id", "aliases")
        for place in CLAIM_PLACES
    }


def blocks(octets: int) -> dict[str, bytes]:
    before = f"From: {OWN}\r\nx: y\r\n".encode()
    found = {name: line * (octets // len(line)) for name, line in LINES.items()}
    found |= {f"{name}, after From": before + block[: octets - len(before)] for name, block in found.items()}
    found["NUL late"] = found["one letter"][: octets - 4] + b"x:\0\n"
    return found


def pairs_of(block: bytes) -> list[tuple[bytes, bytes]]:
    """Split a block as a milter hands it over, where it can be split."""
    fields = block.replace(b"\r\n ", b"\0").split(b"\r\n")
    named = (field.partition(b":") for field in fields if b":" in field)
    return [(name, body.replace(b"\0", b"\r\n ")) for name, _, body in named]


def seconds_of(question: Question, rounds: int) -> tuple[float, bool]:
    """Give the least time that an answer took, and whether all was read for it."""
    best = math.inf
    for _ in range(rounds):
        start = time.process_time()
        verdict = question()
        best = min(best, time.process_time() - start)
        if best > LONG:
            break
    return best, UNREAD.isdisjoint(finding.rule for finding in verdict.findings)


@attrs.frozen
class Table:
    """Milliseconds of each shape, in some columns; the worst first."""

    columns: tuple[str, ...]
    rows: Mapping[str, Sequence[Question | None]]

    def measure(self, title: str, options: argparse.Namespace) -> list[str]:
        """Print it; give the shapes in their order."""
        found = [
            (name, [None if question is None else 1e3 * seconds_of(question, options.rounds)[0] for question in row])
            for name, row in self.rows.items()
            if options.only in name
        ]
        found.sort(key=lambda row: -max(ms or 0 for ms in row[1]))
        print(f"\n{title}\n" + "".join(f"{column:>12}" for column in self.columns))
        for name, row in found if options.all else found[:SHOWN]:
            cells = "".join(f"{'-' if ms is None else format(ms, '.2f'):>12}" for ms in row)
            print(f"{cells}  {'OVER' if max(ms or 0 for ms in row) > MAX_MS else '':<5}{name!a}")
        over = sum(max(ms or 0 for ms in row) > MAX_MS for _, row in found)
        print(f"{over} of {len(found)} over {MAX_MS} ms", flush=True)
        return [name for name, _ in found]


def measure_limits(options: argparse.Namespace) -> None:
    fields = bodies(FIELD, tuple(PLACES))
    of_fields = {
        name: (of_bodies(body), *(of_field(*row) for row in (("From", body, SUBMISSION), ("From", body, STRICT))))
        for name, body in fields.items()
    }
    worst = Table(("check", "SUBMISSION", "STRICT"), of_fields).measure("ms, a From field just under 8 KiB:", options)

    of_blocks: dict[str, list[Question | None]] = {}
    for name, block in blocks(MEBIBYTE).items():
        pairs = pairs_of(block)
        from_bodies = [body for field, body in pairs if field == b"From"]
        of_blocks[name] = [of_bodies(from_bodies) if from_bodies else None]
        of_blocks[name] += [of_message(block, policy) for policy in PRESETS]
        of_blocks[name] += [of_message(pairs, policy) for policy in PRESETS]
    Table(("check", "SUBMISSION", "STRICT", "(pairs) SUB.", "(pairs) STR."), of_blocks).measure(
        "ms, a mebibyte of lines:", options
    )

    long, longest = claims(sendertrust.address.MAX_CLAIM_OCTETS), claims(MEBIBYTE)
    of_claims = {name: (long[name], longest[name]) for name in long}
    Table(("1 KiB", "1 MiB"), of_claims).measure("ms, another argument:", options)

    together = {}
    for name in worst[:SHOWN]:
        body = fields[name].encode("utf-8", "surrogateescape")
        block = b"From: " + body + b"\r\nResent-From: " + body + b"\r\n"
        block += LINES["one letter"] * ((MEBIBYTE - len(block)) // len(LINES["one letter"]))
        together[name] = [of_message(block, policy) for policy in PRESETS]
    Table(("SUBMISSION", "STRICT"), together).measure(
        "ms, From and Resent-From, and fields of one letter up to a mebibyte:", options
    )


def slopes(octets: int) -> dict[str, tuple[int, Question]]:
    """Ask about so many octets of each shape: of From, the block, the envelope, the login, an alias."""
    found = {
        f"From {name}": (octets_of(body), of_field("From", body, BOUNDLESS))
        for name, body in bodies(octets, SLOPE_PLACES).items()
    }
    for name, block in blocks(octets).items():
        if not name.endswith("after From"):
            found[f"block of {name}"] = (len(block), of_message(block, BOUNDLESS))
            if pairs := pairs_of(block):
                found[f"pairs of {name}"] = (len(block), of_message(pairs, BOUNDLESS))
    found["check, From bodies"] = (octets, of_bodies([b"a@b.example"] * (octets // 11)))
    for alias in ("a{}@b.example", "@d{}.example", "a b{}", "a{}", "\u00e9{}@b.example"):
        entries = [alias.format(number) for number in range(octets // 20)]
        size = sum(map(octets_of, entries))
        found[f"aliases {alias}"] = (size, of_aliases(entries))
    return found | {name: (octets, question) for name, question in claims(octets).items()}


def raise_limits() -> None:
    """Raise every limit of every module, so that what is asked is read to its end."""
    for name in [name for name in sys.modules if name.startswith("sendertrust.")]:
        for limit in [limit for limit in vars(sys.modules[name]) if limit.startswith(("MAX_", "_MAX_"))]:
            setattr(sys.modules[name], limit, OUT_OF_REACH)


def measure_slopes(options: argparse.Namespace) -> None:
    raise_limits()
    short, long = slopes(options.octets // 2), slopes(options.octets)
    found: list[tuple[str, float, float, float, bool]] = []
    for name in (name for name in long if options.only in name):
        (few, _), (many, read) = (seconds_of(shape[name][1], options.rounds) for shape in (short, long))
        # Pieces do not fit a length exactly: this is what twice the length would take.
        ratio = (many / few) ** (1 / math.log2(long[name][0] / short[name][0]))
        found.append((name, ratio, 1e9 * many / long[name][0], many, read))
    said = [row for row in found if row[3] > MIN_SECONDS]
    print(f"\nFrom {options.octets // 2} to {options.octets} octets, the limits raised out of reach:")
    for title, by in (("the largest ratios", 1), ("the most time an octet", 2)):
        print(f"\n       ratio   ns/octet        ms  ({title})")
        said.sort(key=lambda row: -float(row[by]))
        for name, ratio, slope, many, read in said if options.all else said[:SHOWN]:
            flags = f"{'OVER' if ratio > MAX_RATIO else '':<5}{'' if read else 'UNREAD ':}"
            print(f"{ratio:12.2f}{slope:11.0f}{many * 1e3:10.1f}  {flags}{name!a}")
    print(f"{sum(row[1] > MAX_RATIO for row in said)} of {len(said)} over {MAX_RATIO};", end=" ")
    print(f"{len(found) - len(said)} more take less than {MIN_SECONDS * 1e3:.0f} ms;", end=" ")
    unread = [row[0] for row in found if not row[4]]
    print(f"{len(unread)} are not read to the end: {unread!a}")


def main() -> None:
    gc.disable()  # as timeit does: what collecting costs depends on all that the process holds
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["limits", "slope", "both"], default="both")
    parser.add_argument("--only", default="", help="shapes whose name has this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--octets", type=int, default=100 * 1024, help="of the longer input of a slope")
    parser.add_argument("--all", action="store_true", help="print every shape, and not only the worst of them")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, best of {options.rounds} rounds")
    if options.what != "slope":
        measure_limits(options)
    if options.what != "limits":
        measure_slopes(options)


if __name__ == "__main__":
    main()

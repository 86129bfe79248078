"""A header block, or the pairs that a milter collects: which fields name somebody, and what is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendertrust import STRICT, SUBMISSION, Policy, Reason, check_message
from sendertrust.address import as_text
from sendertrust.message import Fields, body_fault, fields_of_block, fields_of_pairs
from sendertrust.terms import Malformed

if TYPE_CHECKING:
    from sendertrust.terms import LineEnds

# Reads Sender and Resent fields, and nothing else that SUBMISSION does not.
SENDERS: Final = attrs.evolve(SUBMISSION, sender_field="must_match")
LOOKALIKES: Final = attrs.evolve(SUBMISSION, refuse_line_break_lookalikes=True)

LINE_ENDS: Final[dict[LineEnds, str]] = {"crlf": "\r\n", "lf": "\n"}
both_line_ends = pytest.mark.parametrize("line_ends", LINE_ENDS)


def wire(text: str, line_ends: LineEnds) -> bytes:
    """Write a line end for each line feed; lone surrogates are octets that are no UTF-8."""
    return text.replace("\n", LINE_ENDS[line_ends]).encode("utf-8", "surrogateescape")


def folds(body: str, line_ends: LineEnds) -> str:
    return body.replace("\n", LINE_ENDS[line_ends])


FOUND: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "one": ("From: a@x\n\n", (" a@x",)),
    "no blank after the colon": ("From:a@x\n\n", ("a@x",)),
    "no body": ("From:\n\n", ("",)),
    "upper case": ("FROM: a@x\n\n", (" a@x",)),
    "lower case": ("from: a@x\n\n", (" a@x",)),
    "mixed case": ("fRoM: a@x\n\n", (" a@x",)),
    "blank before the second colon": ("From: a@x\nFrom : b@x\n\n", (" a@x", " b@x")),
    "colons in the body": ("From:: a:@x\n\n", (": a:@x",)),
    "last": ("To: b@x\nFrom: a@x\n\n", (" a@x",)),
    "first": ("From: a@x\nTo: b@x\n\n", (" a@x",)),
    "folded": ("From: A\n <a@x>\nTo: b@x\n\n", (" A\n <a@x>",)),
    "folded with a tab": ("From: A\n\t<a@x>\n\n", (" A\n\t<a@x>",)),
    "folded twice": ("From:\n A\n  <a@x>\n\n", ("\n A\n  <a@x>",)),
    "two": ("From: a@x\nFrom: b@x\n\n", (" a@x", " b@x")),
    "two, apart and in two cases": ("From: a@x\nTo: c@x\nFROM : b@x\n\n", (" a@x", " b@x")),
    "three are no more than two": ("From: a@x\nFrom: b@x\nFrom: c@x\n\n", (" a@x", " b@x")),
    "none": ("To: b@x\n\n", ()),
    "in a continuation": ("To: b@x\n From: a@x\n\n", ()),
    "in a body": ("Subject: From: a@x\n\n", ()),
    "longer names": ("X-From: a@x\nFrom-X: a@x\nFromm: a@x\nFro: a@x\n\n", ()),
    "names that are nearly an escaped From": (
        ">rom: a@x\n>Fom: a@x\n>Frm: a@x\n>Fro: a@x\n>Fromm: a@x\n>From-X: a@x\n>>From: a@x\nX>From: a@x\n\n",
        (),
    ),
    "other fields": ("Sender: a@x\nReply-To: a@x\nResent-From: a@x\n\n", ()),
    "raw UTF-8": ("From: 山 <a@x>\n\n", (" 山 <a@x>",)),
    "undecodable": ("From: \udce9 <a@x>\n\n", (" \udce9 <a@x>",)),
    "controls but for line ends": ("From: \x01\x7f\x0b\n\n", (" \x01\x7f\x0b",)),
    "odd field names": ("!~-_9: x\nFrom: a@x\n\n", (" a@x",)),
    "no end of headers": ("To: b@x\nFrom: a@x", (" a@x",)),
    "end of the last line alone": ("To: b@x\nFrom: a@x\n", (" a@x",)),
    "body after the headers": ("From: a@x\n\nFrom: b@x\n\n", (" a@x",)),
    "body that is no header": ("From: a@x\n\n\0\r x\ny \x85\n" + "z" * 2000, (" a@x",)),
    "body begins with a blank line": ("From: a@x\n\n\n\nFrom: b@x", (" a@x",)),
    "empty": ("", ()),
    "no headers": ("\nFrom: a@x\n\n", ()),
    "nothing but the end": ("\n", ()),
}


@both_line_ends
@pytest.mark.parametrize(("block", "bodies"), FOUND.values(), ids=FOUND.keys())
def test_from_is_found(block: str, bodies: tuple[str, ...], line_ends: LineEnds) -> None:
    """Law, 4: 'From is found by field name without case, `From :` included'; 3: 'the body is never judged'."""
    found = fields_of_block(wire(block, line_ends), SUBMISSION, line_ends)
    assert found == Fields(author=tuple(folds(body, line_ends) for body in bodies))


SENDER_BLOCK: Final = (
    "Sender: a@x\nFrom: b@x\nRESENT-FROM : c@x,\n d@x\nsender: e@x\nResent-Sender:f@x\n"
    "Resent-To: g@x\nX-Sender: h@x\n\n"
)
SENDER_OTHERS: Final = (
    ("sender", " a@x"),
    ("resent-from", " c@x,\n d@x"),
    ("sender", " e@x"),
    ("resent-sender", "f@x"),
)


@both_line_ends
def test_other_fields_that_name_somebody(line_ends: LineEnds) -> None:
    """Law, 4: '`policy.sender_field = IGNORE / MUST_MATCH` covers all three'."""
    block = wire(SENDER_BLOCK, line_ends)
    others = tuple((name, folds(body, line_ends)) for name, body in SENDER_OTHERS)
    assert fields_of_block(block, SENDERS, line_ends) == Fields(author=(" b@x",), others=others)
    assert fields_of_block(block, SUBMISSION, line_ends) == Fields(author=(" b@x",))


F: Final = "From: a@x\n"

# Offsets count octets, a line end as one; CRLF is added by the test.
FAULTS: Final[dict[str, tuple[str, str, int]]] = {
    "continuation first": (f" x\n{F}\n", "leading-continuation", 0),
    "tab first": (f"\t{F}\n", "leading-continuation", 0),
    "blank line first": (f" \n{F}\n", "leading-continuation", 0),
    "blank continuation": (f"To: b\n \n{F}\n", "blank-continuation", 6),
    "blank continuation with a tab": (f"To: b\n\t \n{F}\n", "blank-continuation", 6),
    "blank continuation at the end": (f"{F} \n\n", "blank-continuation", 10),
    "blank continuation, then a continuation": (f"{F} \n x\n\n", "blank-continuation", 10),
    "blank continuation, cut off": (f"{F} ", "blank-continuation", 10),
    "no colon": (f"{F}x\n\n", "not-a-field", 10),
    "no end of headers": (f"{F}Hello\nWorld\n", "not-a-field", 10),
    "boundary": (f"{F}--x\n\n", "not-a-field", 10),
    "mbox": (f"From a@x Sat Jan 3\n{F}\n", "not-a-field", 0),
    "mbox with a time": (f"From a@x Sat Jan 3 01:05:34 1996\n{F}\n", "field-name", 0),
    "escaped mbox": (f">From a@x Sat Jan 3\n{F}\n", "not-a-field", 0),
    "escaped From": (f"{F}>From: b@x\n\n", "field-name", 10),
    "escaped From first": (f">From: b@x\n{F}\n", "field-name", 0),
    "escaped From in the other case": (f"{F}>fROM: b@x\n\n", "field-name", 10),
    "escaped From and blanks": (f"{F}>From \t \t: b@x\n\n", "field-name", 10),
    "escaped From without a body": (f"{F}>From:\n\n", "field-name", 10),
    "byte order mark": (f"\ufeff{F}\n", "field-name", 0),
    "no name": (f": x\n{F}\n", "field-name", 0),
    "non-ASCII name": (f"{F}Fröm: x\n\n", "field-name", 10),
    "full-width colon": (f"{F}From： x\n\n", "not-a-field", 10),
    "undecodable name": (f"{F}Fr\udcf6m: x\n\n", "field-name", 10),
    "blank in a name": (f"{F}To x: y\n\n", "field-name", 10),
    "no-break space before the colon": (f"From\u00a0: b@x\n{F}\n", "field-name", 0),
    "zero-width space in a name": (f"Fr\u200bom: b@x\n{F}\n", "field-name", 0),
    "control character in a name": (f"{F}T\x01o: y\n\n", "field-name", 10),
    "backspace in a name": (f"Fromx\x08: b@x\n{F}\n", "field-name", 0),
    "delete in a name": (f"{F}To\x7f: y\n\n", "field-name", 10),
    "NUL in a body": (f"{F}To: 山\0\n\n", "nul", 17),
    "NUL in a name": (f"{F}T\0o: b\n\n", "nul", 11),
    "NUL in a continuation": (f"{F}To: b\n c\0\n\n", "nul", 18),
    "NUL at the start of a continuation": (f"{F}To: b\n \0c\n\n", "nul", 17),
    "NUL first": (f"\0{F}\n", "nul", 0),
}
FAULTS_CRLF: Final[dict[str, tuple[bytes, str, int]]] = {
    "bare CR": (b"From: a\rb\r\n\r\n", "bare-cr", 7),
    "bare CR as a line end": (b"From: a\rTo: b\r\n\r\n", "bare-cr", 7),
    "CR CR LF": (b"From: a\r\r\n\r\n", "bare-cr", 7),
    "bare CR first": (b"\rFrom: a\r\n\r\n", "bare-cr", 0),
    "bare CR in a name": (b"To: a\r\nFr\rom: a\r\n\r\n", "bare-cr", 9),
    "bare CR last": (b"From: a\r\nTo: b\r", "bare-cr", 14),
    "bare LF": (b"From: a\nTo: b\r\n\r\n", "bare-lf", 7),
    "bare LF in a name": (b"From: a\r\nT\no: b\r\n\r\n", "bare-lf", 10),
    "bare LF before a continuation": (b"From: a\n b\r\n\r\n", "bare-lf", 7),
    "bare LF first": (b"\nFrom: a\r\n\r\n", "bare-lf", 0),
    "empty line of LF": (b"From: a\r\n\nFrom: b\r\n\r\n", "bare-lf", 9),
    "text with LF alone": (b"From: a\n\nbody\n", "bare-lf", 7),
    "LF CR": (b"From: a\n\r\r\n\r\n", "bare-lf", 7),
    "bare CR after a blank continuation": (b"From: a\r\n \r\r\n\r\n", "bare-cr", 10),
}
FAULTS_LF: Final[dict[str, tuple[bytes, str, int]]] = {
    "CR LF": (b"From: a\r\n\r\nbody", "cr-in-lf-text", 7),
    "CR in a body": (b"From: a\rb\n\n", "cr-in-lf-text", 7),
    "CR in a name": (b"To: b\nFr\rom: a\n\n", "cr-in-lf-text", 8),
    "CR first": (b"\rFrom: a\n\n", "cr-in-lf-text", 0),
    "CR on an empty line": (b"From: a\n\r\n\n", "cr-in-lf-text", 8),
    "CR last": (b"From: a\r", "cr-in-lf-text", 7),
}


@both_line_ends
@pytest.mark.parametrize(("block", "rule", "offset"), FAULTS.values(), ids=FAULTS.keys())
def test_malformed_blocks(block: str, rule: str, offset: int, line_ends: LineEnds) -> None:
    """Law, 4, header block: what is 'Malformed'."""
    expected = offset + (block.encode("utf-8", "replace")[:offset].count(b"\n") if line_ends == "crlf" else 0)
    assert fields_of_block(wire(block, line_ends), SUBMISSION, line_ends) == Malformed(rule, expected)


@pytest.mark.parametrize(("block", "rule", "offset"), FAULTS_CRLF.values(), ids=FAULTS_CRLF.keys())
def test_malformed_line_ends(block: bytes, rule: str, offset: int) -> None:
    """Law, 4, header block: 'NUL, bare CR or LF'."""
    assert fields_of_block(block, SUBMISSION, "crlf") == Malformed(rule, offset)


@pytest.mark.parametrize(("block", "rule", "offset"), FAULTS_LF.values(), ids=FAULTS_LF.keys())
def test_malformed_line_ends_of_lf_text(block: bytes, rule: str, offset: int) -> None:
    """Law, 4, header block: 'in `line_ends="lf"` any CR is malformed'."""
    assert fields_of_block(block, SUBMISSION, "lf") == Malformed(rule, offset)


def test_malformed_blocks_are_a_reason_of_their_own() -> None:
    (finding,) = check_message("a@x", "a@x", b"From: a@x\r\nx\r\n\r\n", policy=SUBMISSION).findings
    assert (finding.reason, finding.rule, finding.offset) == (Reason.HEADERS_MALFORMED, "not-a-field", 11)


LONG_LINES: Final = {
    "first": "From:{}\n\n",
    "second": "To: b\nFrom:{}\n\n",
    "continuation": "From:\n {}\n\n",
    "continuation between": "From:\n a\n {}\n b\n\n",
    "cut off": "To: b\nFrom:{}",
    "behind a line as long": "To:" + "y" * 995 + "\nFrom:{}\n\n",
    "before a body": "To:{}\n\nbody",
}


@both_line_ends
@pytest.mark.parametrize("block", LONG_LINES.values(), ids=LONG_LINES.keys())
def test_line_length(block: str, line_ends: LineEnds) -> None:
    """Law, 4, size: '998 octets a line', without its line end."""
    before = wire(block.partition("{}")[0], line_ends)
    start = before.rfind(b"\n") + 1
    room = 998 - (len(before) - start)
    at_limit = wire(block.replace("{}", "x" * room), line_ends)
    assert isinstance(fields_of_block(at_limit, SUBMISSION, line_ends), Fields)
    one_over = wire(block.replace("{}", "x" * (room + 1)), line_ends)
    assert fields_of_block(one_over, SUBMISSION, line_ends) == Malformed("line-too-long", start)


def test_line_length_is_in_octets() -> None:
    policy = attrs.evolve(SUBMISSION, max_line_octets=11)
    assert isinstance(fields_of_block("From: a山b\r\n\r\n".encode(), policy, "crlf"), Fields)
    assert fields_of_block("From: a山bc\r\n\r\n".encode(), policy, "crlf") == Malformed("line-too-long", 0)
    assert isinstance(fields_of_block(b"From: \xe9bcde\r\n", policy, "crlf"), Fields)
    assert fields_of_block(b"From: \xe9bcdef\r\n", policy, "crlf") == Malformed("line-too-long", 0)


def test_many_short_lines_are_no_long_line() -> None:
    assert isinstance(fields_of_block(b"To: b\r\n" * 1000 + b"From: a\r\n\r\n", SUBMISSION, "crlf"), Fields)
    assert isinstance(fields_of_block(b"To: b\r\n c\r\n" * 1000 + b"From: a\r\n\r\n", SUBMISSION, "crlf"), Fields)


@both_line_ends
@pytest.mark.parametrize(
    "body",
    ["", "\n", "\n\n", "\n\nbody", "\n\n" + "x" * 100],
    ids=["cut off", "last line end", "end", "body", "long body"],
)
def test_block_size(body: str, line_ends: LineEnds) -> None:
    """Law, 4, size: '1 MiB a header block', without its last line end and the empty line."""
    text = wire(f"To: b\nFrom: a{body}", line_ends)
    size = len(wire("To: b\nFrom: a", line_ends))
    at_limit = attrs.evolve(SUBMISSION, max_block_octets=size)
    assert fields_of_block(text, at_limit, line_ends) == Fields(author=(" a",))
    one_over = attrs.evolve(SUBMISSION, max_block_octets=size - 1)
    assert fields_of_block(text, one_over, line_ends) == Malformed("block-too-long", size - 1)


def test_block_size_comes_before_parsing() -> None:
    """Law, 4, size: 'limits come before parsing, and hitting one is malformed'."""
    assert fields_of_block(b"\0" * (1 << 20), SUBMISSION, "crlf") == Malformed("line-too-long", 0)
    assert fields_of_block(b"\0" * ((1 << 20) + 1), SUBMISSION, "crlf") == Malformed("block-too-long", 1 << 20)


@both_line_ends
@pytest.mark.parametrize("blanks", [" ", "\t", " \t "])
def test_a_blank_before_the_colon_is_told(blanks: str, line_ends: LineEnds) -> None:
    """Law, 4: 'From is found by field name without case, `From :` included'; but some readers overlook it."""
    block = wire(f"To: b@x\nfrom{blanks}: a@x\n\n", line_ends)
    assert fields_of_block(block, SUBMISSION, line_ends) == Fields(author=(" a@x",), spaced=True)
    other = wire(f"To{blanks}: b@x\nfrom: a@x\n\n", line_ends)
    assert fields_of_block(other, SUBMISSION, line_ends) == Fields(author=(" a@x",))


FAR_INSIDE: Final = {
    "as far as may be": ("x" * 6999 + "From: b@x", False),
    "too far": ("x" * 7000 + "From: b@x", True),
    "behind a blank, in the other case": ("x" * 7000 + "y fROM \t: b@x", True),
    "without a colon": ("x" * 7000 + "From b@x", False),
    "another name": ("x" * 7000 + "Fro: b@x", False),
    "as far as may be in UTF-8": ("山" * 2333 + "From: b@x", False),
    "too far in UTF-8 of four octets": ("\U00020bb7" * 1751 + "From: b@x", True),
    "too far in UTF-8": ("山" * 2334 + "From: b@x", True),
    "in octets that nobody can decode": ("\udce9" * 7000 + "From: b@x", True),
}


@both_line_ends
@pytest.mark.parametrize(("line", "refused"), FAR_INSIDE.values(), ids=FAR_INSIDE.keys())
def test_what_looks_like_from_far_inside_a_field(line: str, line_ends: LineEnds, *, refused: bool) -> None:
    """Sylpheed reads a folded field of 8,192 octets, and takes the rest of the line for a new field."""
    policy = attrs.evolve(SUBMISSION, max_line_octets=10_000)
    at = len(line.encode("utf-8", "surrogateescape")) - len(re.search(r"(?i)fro.*", line)[0])  # type: ignore[index]
    block = wire(f"{F}To: c\nSubject:{line}\n\n", line_ends)
    sound = Fields(author=(" a@x",))
    before = len(wire(f"{F}To: c\nSubject:", line_ends))
    assert fields_of_block(block, policy, line_ends) == (Malformed("field-too-long", before + at) if refused else sound)
    pairs = [("From", " a@x"), ("Subject", line)]
    assert fields_of_pairs(pairs, policy, line_ends) == (Malformed("field-too-long", at) if refused else sound)


@both_line_ends
def test_what_looks_like_from_far_inside_a_folded_field(line_ends: LineEnds) -> None:
    block = wire("\n ".join([f"{F}To: x", *["y" * 900] * 9, "From: b@x"]), line_ends)
    found = fields_of_block(block, SUBMISSION, line_ends)
    assert found == Malformed("field-too-long", len(block) - len("From: b@x"))
    many = f"{F}" + "To: x\n" * 2000 + "Subject: From: b@x\n\n"
    assert fields_of_block(wire(many, line_ends), SUBMISSION, line_ends) == Fields(author=(" a@x",))


@both_line_ends
def test_others_are_counted(line_ends: LineEnds) -> None:
    """Law 7: 'Time and memory are linear in the total input'; and few are enough."""
    block = wire("From: a@x\n" + "Sender: b@x\nResent-From: c@x\n" * 32, line_ends)
    assert isinstance(fields_of_block(block, SENDERS, line_ends), Fields)
    more = block + wire("resent-sender: d@x\n", line_ends)
    assert fields_of_block(more, SENDERS, line_ends) == Malformed("too-many-fields", 0)
    assert isinstance(fields_of_block(more, SUBMISSION, line_ends), Fields)


@both_line_ends
def test_fields_are_counted(line_ends: LineEnds) -> None:
    """Law 7: each costs its time. Continuation lines are no fields."""
    most = "From: a@x\n" + "X: b\n c\n\td\n" * 9999
    block = wire(most, line_ends)
    assert fields_of_block(block, SUBMISSION, line_ends) == Fields(author=(" a@x",))
    assert fields_of_block(block + wire("X: b", line_ends), SUBMISSION, line_ends) == Malformed("block-too-long", 0)
    pairs = [("From", "a@x"), *[("X", "b")] * 9999]
    assert fields_of_pairs(pairs, SUBMISSION, line_ends) == Fields(author=("a@x",))
    assert fields_of_pairs([*pairs, ("X", "b")], SUBMISSION, line_ends) == Malformed("block-too-long", 0)


def test_octets_of_others_are_counted() -> None:
    """Law 7: each may be parsed, so together they may be no longer than one From field."""
    policy = attrs.evolve(SENDERS, max_field_octets=20)
    fitting = [("Sender", "a@" + "x" * 8), ("Resent-From", "山" * 3 + "x")]
    assert isinstance(fields_of_pairs(fitting, policy, "crlf"), Fields)
    longer = [*fitting, ("Resent-Sender", "x")]
    assert fields_of_pairs(longer, policy, "crlf") == Malformed("too-many-fields", 0)
    block = "".join(f"{name}:{body}\r\n" for name, body in longer).encode()
    assert fields_of_block(block, policy, "crlf") == Malformed("too-many-fields", 0)
    assert isinstance(fields_of_block(block, attrs.evolve(policy, max_field_octets=21), "crlf"), Fields)


def test_pairs_size() -> None:
    """Names and bodies count, in octets, and what goes between them in a block."""
    pairs = [("To", " 山"), ("From", as_text(b" \xe9"))]
    assert isinstance(fields_of_pairs(pairs, attrs.evolve(SUBMISSION, max_block_octets=16), "crlf"), Fields)
    policy = attrs.evolve(SUBMISSION, max_block_octets=15)
    assert fields_of_pairs(pairs, policy, "crlf") == Malformed("block-too-long", 15)


LOOKALIKE_CHARACTERS: Final = {
    "VT": "\x0b",
    "FF": "\x0c",
    "FS": "\x1c",
    "GS": "\x1d",
    "RS": "\x1e",
    "NEL": "\x85",
    "LS": "\u2028",
    "PS": "\u2029",
}


@both_line_ends
@pytest.mark.parametrize("character", LOOKALIKE_CHARACTERS.values(), ids=LOOKALIKE_CHARACTERS.keys())
def test_line_break_lookalikes(character: str, line_ends: LineEnds) -> None:
    """Law, 4, header block: 'under STRICT also VT, FF, FS-RS, NEL, U+2028/2029 in any field'."""
    assert len(f"a{character}b".splitlines()) == 2
    block = wire(f"From: a@x\nSubject: 山{character}b\n\n", line_ends)
    pairs = [("From", " a@x"), ("Subject", f" 山{character}b")]
    at = block.index("山".encode()) + 3
    for policy in (LOOKALIKES, STRICT):
        assert fields_of_block(block, policy, line_ends) == Malformed("line-break-lookalike", at)
        assert fields_of_pairs(pairs, policy, line_ends) == Malformed("line-break-lookalike", 4)
    assert fields_of_block(block, SUBMISSION, line_ends) == Fields(author=(" a@x",))
    assert fields_of_pairs(pairs, SUBMISSION, line_ends) == Fields(author=(" a@x",))
    behind = wire(f"From: a@x\n\n{character}", line_ends)
    assert fields_of_block(behind, STRICT, line_ends) == Fields(author=(" a@x",))


def test_unit_separator_is_no_lookalike() -> None:
    assert len("a\x1fb".splitlines()) == 1
    assert fields_of_block(b"From: a\x1fb\r\n\r\n", STRICT, "crlf") == Fields(author=(" a\x1fb",))


BODIES: Final[dict[str, tuple[str, str | None, int]]] = {
    "empty": ("", None, 0),
    "plain": (" a@x", None, 0),
    "folded": (" a\n b\n\tc", None, 0),
    "fold first": ("\n a", None, 0),
    "line end last": (" a\n", None, 0),
    "fold and line end": (" a\n b\n", None, 0),
    "no fold": (" a\nb", "unfolded-line", 3),
    "another field": (" a@x\nFrom: b@x", "unfolded-line", 5),
    "two line ends": (" a\n\n", "unfolded-line", 3),
    "empty line": (" a\n\nbody", "unfolded-line", 3),
    "blank continuation": (" a\n \n b", "blank-continuation", 3),
    "blank continuation last": (" a\n ", "blank-continuation", 3),
    "blank fold first": ("\n \n a", "blank-continuation", 1),
    "NUL": (" 山\0", "nul", 4),
    "NUL in a continuation": (" a\n b\0", "nul", 5),
    "NUL at the start of a continuation": (" a\n \0b", "nul", 4),
}
BODY_LINE_ENDS: Final[dict[str, tuple[LineEnds, str, str, int]]] = {
    "bare CR": ("crlf", " a\rb", "bare-cr", 2),
    "bare CR last": ("crlf", " a\r", "bare-cr", 2),
    "bare LF": ("crlf", " a\n b", "bare-lf", 2),
    "bare LF last": ("crlf", " a\n", "bare-lf", 2),
    "CR LF in LF text": ("lf", " a\r\n b", "cr-in-lf-text", 2),
    "CR in LF text": ("lf", " a\r", "cr-in-lf-text", 2),
}


@both_line_ends
@pytest.mark.parametrize(("body", "rule", "offset"), BODIES.values(), ids=BODIES.keys())
def test_bodies(body: str, rule: str | None, offset: int, line_ends: LineEnds) -> None:
    at = offset + (body.encode()[:offset].count(b"\n") if line_ends == "crlf" else 0)
    expected = Malformed(rule, at) if rule else None
    assert body_fault(folds(body, line_ends), SUBMISSION, line_ends) == expected
    pairs = [("From", folds(body, line_ends))]
    assert fields_of_pairs(pairs, SUBMISSION, line_ends) == (expected or Fields(author=(pairs[0][1],)))


@pytest.mark.parametrize(("line_ends", "body", "rule", "offset"), BODY_LINE_ENDS.values(), ids=BODY_LINE_ENDS.keys())
def test_line_ends_of_bodies(line_ends: LineEnds, body: str, rule: str, offset: int) -> None:
    assert body_fault(body, SUBMISSION, line_ends) == Malformed(rule, offset)
    assert fields_of_pairs([("To", body)], SUBMISSION, line_ends) == Malformed(rule, offset)


@both_line_ends
@pytest.mark.parametrize("before", ["", "a\n b\n"], ids=["first line", "last line"])
@pytest.mark.parametrize("line", ["x" * 997, "山" * 332 + "x", "\udce9" * 997], ids=["ASCII", "UTF-8", "undecodable"])
def test_line_length_of_bodies(line: str, before: str, line_ends: LineEnds) -> None:
    longest = folds(f"{before} {line}", line_ends)
    assert body_fault(longest, SUBMISSION, line_ends) is None
    assert body_fault(longest + folds("\n c", line_ends), SUBMISSION, line_ends) is None
    start = len(folds(before, line_ends))
    assert body_fault(f"{longest}x", SUBMISSION, line_ends) == Malformed("line-too-long", start)


PAIRS: Final[dict[str, tuple[list[tuple[str | bytes, str | bytes]], Fields | Malformed]]] = {
    "none": ([], Fields(author=())),
    "text": ([("From", "a@x")], Fields(author=("a@x",))),
    "octets": ([(b"from", b"\xe5\xb1\xb1\xe9")], Fields(author=("山\udce9",))),
    "octets as text": ([("FROM", "\udce5\udcb1\udcb1")], Fields(author=("山",))),
    "blanks after the name": ([("From \t", "a@x")], Fields(author=("a@x",), spaced=True)),
    "two": ([("From", "a@x"), ("To", "c@x"), ("from ", "b@x")], Fields(author=("a@x", "b@x"))),
    "too many others": ([("From", "a@x"), *[("Sender", "b@x")] * 65], Malformed("too-many-fields", 0)),
    "as many others as may be": (
        [("From", "a@x"), *[("Resent-From", "b@x")] * 64],
        Fields(author=("a@x",), others=(("resent-from", "b@x"),) * 64),
    ),
    "three": ([("From", "a@x")] * 3, Fields(author=("a@x", "a@x"))),
    "Sender": ([("SENDER ", "a@x"), ("Resent-from", "b@x")], Fields((), (("sender", "a@x"), ("resent-from", "b@x")))),
    "longer names": ([("FromX", "a@x"), ("XFrom", "a@x"), ("SenderX", "a@x"), ("From-", "a@x")], Fields(author=())),
    "escaped From": ([(">From", "x")], Malformed("field-name", 0)),
    "escaped From in the other case": ([(">fROM", "x")], Malformed("field-name", 0)),
    "escaped From and blanks": ([(">From \t \t", "x")], Malformed("field-name", 0)),
    "names that are nearly an escaped From": ([(">Fro", "x"), (">Fromm", "x"), (">>From", "x")], Fields(author=())),
    "empty name": ([("", "x")], Malformed("field-name", 0)),
    "blank name": ([(" ", "x")], Malformed("field-name", 0)),
    "blank before the name": ([(" From", "x")], Malformed("field-name", 0)),
    "blank in the name": ([("Fr om", "x")], Malformed("field-name", 0)),
    "colon in the name": ([("From:", "x")], Malformed("field-name", 0)),
    "line end in the name": ([("From\r\n", "x")], Malformed("field-name", 0)),
    "line feed after the name": ([("From\n", "x")], Malformed("field-name", 0)),
    "non-ASCII name": ([("Fröm", "x")], Malformed("field-name", 0)),
    "undecodable name": ([(b"Fr\xf6m", "x")], Malformed("field-name", 0)),
    "NUL in the name": ([("From\0", "x")], Malformed("field-name", 0)),
    "no-break space after the name": ([("From\u00a0", "x")], Malformed("field-name", 0)),
    "bad body of another field": ([("From", "a@x"), ("To", "a\0")], Malformed("nul", 1)),
}


@both_line_ends
@pytest.mark.parametrize(("pairs", "expected"), PAIRS.values(), ids=PAIRS.keys())
def test_pairs(pairs: list[tuple[str | bytes, str | bytes]], expected: Fields | Malformed, line_ends: LineEnds) -> None:
    decoded = [(as_text(name), as_text(body)) for name, body in pairs]
    assert fields_of_pairs(decoded, SENDERS, line_ends) == expected
    if isinstance(expected, Fields):
        assert fields_of_pairs(decoded, SUBMISSION, line_ends) == attrs.evolve(expected, others=())


SENDER: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "none": ("From: a@x\nResent-Sender: c@x\nX-Sender: d@x\n", ()),
    "one": ("Sender: b@x\nFrom: a@x\n", (" b@x",)),
    "folded": ("From: a@x\nSENDER:\n b@x\n", ("\n b@x",)),
    "two": ("Sender: b@x\nFrom: a@x\nsender: c@x\n", (" b@x", " c@x")),
    "three": ("Sender: b@x\nSender: c@x\nSender: d@x\n", (" b@x", " c@x")),
    "a blank before the colon": ("Sender : b@x\n", ()),
    "a blank before the second colon": ("Sender: b@x\nSender\t: c@x\n", ()),
    "in a folded line": ("Subject: x\n Sender: b@x\n", ()),
    "in the body": ("From: a@x\n\nSender: b@x\n", ()),
}


@both_line_ends
@pytest.mark.parametrize(("block", "sender"), SENDER.values(), ids=SENDER.keys())
def test_who_sends_on_behalf(block: str, sender: tuple[str, ...], line_ends: LineEnds) -> None:
    """RFC 5322 3.6.2: Sender 'specifies the mailbox of the agent responsible for the actual transmission'."""
    read = fields_of_block(wire(block, line_ends), SUBMISSION, line_ends, with_sender=True)
    assert isinstance(read, Fields)
    assert read.sender == tuple(folds(body, line_ends) for body in sender)
    without = fields_of_block(wire(block, line_ends), SUBMISSION, line_ends)
    assert without == attrs.evolve(read, sender=None)
    header = folds(block, line_ends).partition(folds("\n\n", line_ends))[0]
    lines = re.split(folds("\n", line_ends) + r"(?![ \t]|\Z)", header.removesuffix(folds("\n", line_ends)))
    pairs = [(name, body) for name, _, body in (line.partition(":") for line in lines)]
    assert fields_of_pairs(pairs, SUBMISSION, line_ends, with_sender=True) == read


def test_nobody_sends_on_behalf_in_an_empty_message() -> None:
    assert fields_of_block(b"", SUBMISSION, "crlf", with_sender=True) == Fields(author=(), sender=())
    assert fields_of_pairs([], SUBMISSION, "crlf", with_sender=True) == Fields(author=(), sender=())


BAD_PAIRS: Final[dict[str, Any]] = {
    "text": "From: a@x",
    "nothing": None,
    "mapping": {"From": "a@x"},
    "iterator": iter([("From", "a@x")]),
    "octets in a list": [b"From: a@x"],
    "two letters": ["ab"],
    "one": [("From",)],
    "three": [("From", "a@x", "b@x")],
    "number": [("From", 1)],
    "no name": [(None, "a@x")],
    "behind good ones": [("From", "a@x"), ("To", None)],
}


@pytest.mark.parametrize("message", BAD_PAIRS.values(), ids=BAD_PAIRS.keys())
def test_bad_pairs_are_the_callers_mistake(message: Any) -> None:
    """Law, 3: 'It raises […] only for a programmer's […] mistake (wrong type […]), and says what to pass instead'."""
    with pytest.raises(TypeError, match=r"^pass "):
        check_message("a@x", "a@x", message, policy=SUBMISSION)


_NAMES = st.sampled_from(
    ["From", "from", "FROM ", "Sender", "resent-from", "Resent-Sender\t", "To", "Subject", "X-From"]
)
_WORDS = st.text('a@<>(),:;" .山\x0b\x85\u2028\udce9', min_size=1, max_size=8).filter(str.strip)
_GOOD_BODIES = st.builds(
    lambda first, rest: "\n".join([first, *(f" {word}" for word in rest)]),
    st.text(" a@x", max_size=6),
    st.lists(_WORDS, max_size=2),
)
_BAD_BODIES = st.sampled_from(["a\0", "a\n ", "a\n\t\n b", "a" * 1200, "a\n " + "b" * 998])


@given(
    fields=st.lists(st.tuples(_NAMES, _GOOD_BODIES), min_size=1, max_size=5),
    policy=st.sampled_from([SUBMISSION, SENDERS, LOOKALIKES, STRICT]),
    line_ends=st.sampled_from(["crlf", "lf"]),
    end=st.sampled_from(["", "\n", "\n\n", "\n\nFrom: b@x\n"]),
)
def test_block_and_pairs_agree(fields: list[tuple[str, str]], policy: Policy, line_ends: LineEnds, end: str) -> None:
    """Law, 3: 'header block or whole message, or the (name, body) pairs that a milter collects'."""
    block = wire("\n".join(f"{name}:{body}" for name, body in fields) + end, line_ends)
    pairs = [(name, as_text(folds(body, line_ends))) for name, body in fields]
    from_block, from_pairs = (
        fields_of_block(block, policy, line_ends),
        fields_of_pairs(pairs, policy, line_ends),
    )
    if isinstance(from_block, Malformed) or isinstance(from_pairs, Malformed):
        assert isinstance(from_block, Malformed)
        assert isinstance(from_pairs, Malformed)
        assert from_block.rule == from_pairs.rule == "line-break-lookalike"
    else:
        assert from_block == from_pairs


@given(
    before=st.lists(st.tuples(_NAMES, _GOOD_BODIES), max_size=3),
    bad=st.tuples(_NAMES, _BAD_BODIES),
    line_ends=st.sampled_from(["crlf", "lf"]),
)
def test_block_and_pairs_refuse_for_the_same_rule(
    before: list[tuple[str, str]], bad: tuple[str, str], line_ends: LineEnds
) -> None:
    fields = [*before, bad]
    block = wire("".join(f"{name}:{body}\n" for name, body in fields) + "\n", line_ends)
    from_block = fields_of_block(block, SUBMISSION, line_ends)
    from_pairs = fields_of_pairs([(name, folds(body, line_ends)) for name, body in fields], SUBMISSION, line_ends)
    assert isinstance(from_block, Malformed)
    assert isinstance(from_pairs, Malformed)
    assert from_block.rule == from_pairs.rule


@given(
    block=st.one_of(
        st.binary(max_size=60),
        st.lists(st.sampled_from([b"From", b":", b" ", b"a", b"\r", b"\n", b"\r\n", b"\0", b"\xe9"]), max_size=20).map(
            b"".join
        ),
    ),
    line_ends=st.sampled_from(["crlf", "lf"]),
    policy=st.sampled_from([SUBMISSION, STRICT]),
)
def test_any_block_gives_fields_or_a_rule_inside_it(block: bytes, line_ends: LineEnds, policy: Policy) -> None:
    """Law 8: 'No input makes […] `check_message` […] raise'."""
    found = fields_of_block(block, policy, line_ends)
    if isinstance(found, Malformed):
        assert 0 <= found.offset <= len(block)
    else:
        header = block if block.startswith(wire("\n", line_ends)) else block.partition(wire("\n\n", line_ends))[0]
        assert sum(map(len, found.author)) <= len(header)


@given(
    head=st.lists(st.tuples(_NAMES, _GOOD_BODIES), min_size=1, max_size=3),
    body=st.binary(max_size=60),
    line_ends=st.sampled_from(["crlf", "lf"]),
)
def test_the_body_is_never_judged(head: list[tuple[str, str]], body: bytes, line_ends: LineEnds) -> None:
    """Law, 3: 'reading stops at the first empty line; the body is never judged'."""
    block = wire("".join(f"{name}:{text}\n" for name, text in head) + "\n", line_ends)
    assert fields_of_block(block + body, STRICT, line_ends) == fields_of_block(block, STRICT, line_ends)

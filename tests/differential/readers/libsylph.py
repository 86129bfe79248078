"""Reads From fields with libsylph, the library of Sylpheed, called through ctypes.

Protocol: see ../mail_readers.py. Raw octets it reads in the charset of the locale: LC_ALL is C.UTF-8.
"""

# ruff: noqa: T201 - what a program answers it prints

from __future__ import annotations

import base64
import ctypes
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SYLPH = ctypes.CDLL("libsylph-0.so.1")
GLIB = ctypes.CDLL("libglib-2.0.so.0")
LIBC = ctypes.CDLL("libc.so.6")


POINTER, TEXT, NUMBER, SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t


class SList(ctypes.Structure):
    """A node of GLib's list; here, of strings."""

    _fields_ = (("data", TEXT), ("next", POINTER))


class HeaderEntry(ctypes.Structure):
    """A field name with its colon, for procheader_get_one_field; the last entry has none."""

    _fields_ = (("name", TEXT), ("body", TEXT), ("unfold", NUMBER))


SIGNATURES: dict[ctypes.CDLL, dict[str, tuple[Any, list[Any]]]] = {
    SYLPH: {
        "extract_address": (None, [TEXT]),  # in place; the others leave their argument as it is
        "address_list_append": (POINTER, [POINTER, TEXT]),
        "conv_unmime_header": (POINTER, [TEXT, TEXT]),
        "procheader_get_one_field": (NUMBER, [TEXT, SIZE, POINTER, ctypes.POINTER(HeaderEntry)]),
        "slist_free_strings": (None, [POINTER]),
    },
    GLIB: {"g_free": (None, [POINTER]), "g_slist_free": (None, [POINTER])},
    LIBC: {"fmemopen": (POINTER, [TEXT, SIZE, TEXT]), "fclose": (NUMBER, [POINTER])},
}
for library, functions in SIGNATURES.items():
    for symbol, (result, arguments) in functions.items():
        function = getattr(library, symbol)
        function.restype, function.argtypes = result, arguments

#: As procheader_parse_stream has them. It unfolds these into its buffer; what does not fit, it takes for a new line.
BUFFER_SIZE = 8192
NAMES = (b"From:", b"To:", b"Newsgroups:", b"Subject:", b"Cc:")
WANTED = (HeaderEntry * (len(NAMES) + 1))(*(HeaderEntry(name, None, 1) for name in NAMES))


def extracted(octets: bytes) -> list[str]:
    text = ctypes.create_string_buffer(octets)
    SYLPH.extract_address(text)
    return [text.value.decode("utf-8", "replace")]


def listed(octets: bytes) -> list[str]:
    first = SYLPH.address_list_append(None, octets)
    found = [text.decode("utf-8", "replace") for text in strings(first)]
    SYLPH.slist_free_strings(first)
    GLIB.g_slist_free(first)
    return found


def strings(node: int | None) -> Iterator[bytes]:
    while node:
        item = SList.from_address(node)
        yield item.data
        node = item.next


def decoded(octets: bytes) -> bytes:
    text = SYLPH.conv_unmime_header(octets, None)
    try:
        return ctypes.string_at(text)
    finally:
        GLIB.g_free(text)


def of_body(body: bytes) -> dict[str, list[str]]:
    octets = body.replace(b"\r\n", b"")
    return {
        "extract_address": extracted(octets),
        "conv_unmime_header, extract_address": extracted(decoded(octets)),
        "address_list_append": listed(octets),
        "conv_unmime_header, address_list_append": listed(decoded(octets)),
    }


def of_block(block: bytes) -> tuple[list[str], list[str]]:
    """Do what procheader_parse_stream does, which takes the first From field."""
    bodies = list(from_fields(block))
    return extracted(decoded(bodies[0])) if bodies else [], [body.decode("utf-8", "replace") for body in bodies]


def from_fields(block: bytes) -> Iterator[bytes]:
    field = ctypes.create_string_buffer(BUFFER_SIZE)
    stream = LIBC.fmemopen(block, len(block), b"r")
    while (index := SYLPH.procheader_get_one_field(field, BUFFER_SIZE, stream, WANTED)) != -1:
        if NAMES[index] == b"From:":
            yield field.value.partition(b":")[2].lstrip(b" \t")
    LIBC.fclose(stream)


def main() -> None:
    # The library does not say its version; it comes with the program, which needs no display for this.
    said = subprocess.run(("sylpheed", "--version"), capture_output=True, text=True, check=True)  # noqa: S607 - as PATH has it
    print(json.dumps({"version": f"libsylph {said.stdout.split()[-1]}"}))
    for line in sys.stdin:
        given = {name: base64.b64decode(value) for name, value in json.loads(line).items()}
        if "body" in given:
            print(json.dumps({"addresses": of_body(given["body"])}), flush=True)
        else:
            found, fields = of_block(given["block"])
            print(json.dumps({"addresses": {"of the first": found}, "fields": {"get_one_field": fields}}), flush=True)


if __name__ == "__main__":
    main()

"""Reads From fields with GMime 3 (Geary, Balsa, notmuch), called through ctypes.

Protocol: see ../mail_readers.py.
"""

# ruff: noqa: T201 - what a program answers it prints

from __future__ import annotations

import base64
import ctypes
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GMIME = ctypes.CDLL("libgmime-3.0.so.0")
GOBJECT = ctypes.CDLL("libgobject-2.0.so.0")

POINTER, TEXT, NUMBER = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
SIGNATURES = {
    "g_mime_init": (None, []),
    "internet_address_list_parse": (POINTER, [POINTER, TEXT]),
    "internet_address_list_length": (NUMBER, [POINTER]),
    "internet_address_list_get_address": (POINTER, [POINTER, NUMBER]),
    "internet_address_mailbox_get_type": (ctypes.c_size_t, []),
    "internet_address_mailbox_get_addr": (TEXT, [POINTER]),
    "internet_address_group_get_members": (POINTER, [POINTER]),
    "g_mime_parser_options_new": (POINTER, []),
    "g_mime_parser_options_set_address_compliance_mode": (None, [POINTER, NUMBER]),
    "g_mime_stream_mem_new_with_buffer": (POINTER, [TEXT, ctypes.c_size_t]),
    "g_mime_parser_new_with_stream": (POINTER, [POINTER]),
    "g_mime_parser_construct_message": (POINTER, [POINTER, POINTER]),
    "g_mime_message_get_from": (POINTER, [POINTER]),
    "g_mime_object_get_header_list": (POINTER, [POINTER]),
    "g_mime_header_list_get_count": (NUMBER, [POINTER]),
    "g_mime_header_list_get_header_at": (POINTER, [POINTER, NUMBER]),
    "g_mime_header_get_name": (TEXT, [POINTER]),
    "g_mime_header_get_raw_value": (TEXT, [POINTER]),
    "g_mime_utils_header_decode_text": (POINTER, [POINTER, TEXT]),
}
for name, (result, arguments) in SIGNATURES.items():
    function = getattr(GMIME, name)
    function.restype, function.argtypes = result, arguments
GOBJECT.g_type_check_instance_is_a.argtypes = [POINTER, ctypes.c_size_t]
GOBJECT.g_object_unref.argtypes = [POINTER]
GOBJECT.g_object_unref.restype = None
GMIME.g_mime_init()

STRICT = GMIME.g_mime_parser_options_new()
GMIME.g_mime_parser_options_set_address_compliance_mode(STRICT, 1)


def members(address_list: int | None) -> Iterator[str]:
    for index in range(GMIME.internet_address_list_length(address_list) if address_list else 0):
        address = GMIME.internet_address_list_get_address(address_list, index)
        if GOBJECT.g_type_check_instance_is_a(address, GMIME.internet_address_mailbox_get_type()):
            yield (GMIME.internet_address_mailbox_get_addr(address) or b"").decode("utf-8", "replace")
        else:
            yield from members(GMIME.internet_address_group_get_members(address))


def parsed(octets: bytes, options: int | None) -> list[str]:
    address_list = GMIME.internet_address_list_parse(options, octets)
    found = list(members(address_list))
    if address_list:
        GOBJECT.g_object_unref(address_list)
    return found


def decoded(octets: bytes) -> bytes:
    return ctypes.string_at(GMIME.g_mime_utils_header_decode_text(None, octets))


def of_body(body: bytes) -> dict[str, list[str]]:
    octets = body.replace(b"\r\n", b"")
    return {
        "parse, loose": parsed(octets, None),
        "parse, strict": parsed(octets, STRICT),
        "decode_text, parse, loose": parsed(decoded(octets), None),
    }


def of_block(block: bytes) -> tuple[list[str], list[str]]:
    stream = GMIME.g_mime_stream_mem_new_with_buffer(block, len(block))
    parser = GMIME.g_mime_parser_new_with_stream(stream)
    message = GMIME.g_mime_parser_construct_message(parser, None)
    if not message:
        return [], []
    headers = GMIME.g_mime_object_get_header_list(message)
    every = [
        GMIME.g_mime_header_list_get_header_at(headers, index)
        for index in range(GMIME.g_mime_header_list_get_count(headers))
    ]
    fields = [
        GMIME.g_mime_header_get_raw_value(header).decode("utf-8", "replace")
        for header in every
        if GMIME.g_mime_header_get_name(header).strip().lower() == b"from"
    ]
    return list(members(GMIME.g_mime_message_get_from(message))), fields


def main() -> None:
    version = ".".join(
        str(ctypes.c_uint.in_dll(GMIME, f"gmime_{part}_version").value) for part in ("major", "minor", "micro")
    )
    print(json.dumps({"version": f"GMime {version}"}))
    for line in sys.stdin:
        given = {name: base64.b64decode(value) for name, value in json.loads(line).items()}
        if "body" in given:
            print(json.dumps({"addresses": of_body(given["body"])}))
        else:
            found, fields = of_block(given["block"])
            print(json.dumps({"addresses": {"get_from": found}, "fields": {"raw_value": fields}}))


if __name__ == "__main__":
    main()

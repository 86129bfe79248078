"""Reads From fields with the standard library's email package; runs under any Python from 3.6 on.

Protocol: see ../mail_readers.py.
"""

# Python 3.6 has no words for the types of today, and what a program answers it prints.
# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: ANN001, ANN003, ANN201, T201, UP031

import base64
import email
import email.header
import email.policy
import email.utils
import json
import platform
import sys

# Whether getaddresses and parseaddr know strict (CVE-2023-27043); where they do, it is the default.
KNOWS_STRICT = hasattr(email.utils, "supports_strict_parsing")
LENIENT = {"strict": False} if KNOWS_STRICT else {}


def getaddresses(text, **options):
    return [address for _, address in email.utils.getaddresses([text], **options)]


def parseaddr(text, **options):
    return [email.utils.parseaddr(text, **options)[1]]


def decoded(text):
    # Raw octets that are not ASCII come out of it as \\u escapes, which nobody would take for an address.
    text.encode("ascii")
    return str(email.header.make_header(email.header.decode_header(text)))


def header_object(text):
    return email.policy.default.header_factory("From", text)


BODY_WAYS = {
    "getaddresses, not strict": lambda text: getaddresses(text, **LENIENT),
    "parseaddr, not strict": lambda text: parseaddr(text, **LENIENT),
    "policy.default": lambda text: [address.addr_spec for address in header_object(text).addresses],
    "policy.default as str, parseaddr": lambda text: parseaddr(str(header_object(text))),
    "decoded, getaddresses, not strict": lambda text: getaddresses(decoded(text), **LENIENT),
    "decoded, parseaddr, not strict": lambda text: parseaddr(decoded(text), **LENIENT),
}
if KNOWS_STRICT:
    BODY_WAYS["getaddresses"] = getaddresses
    BODY_WAYS["parseaddr"] = parseaddr
    BODY_WAYS["decoded, getaddresses"] = lambda text: getaddresses(decoded(text))
    BODY_WAYS["decoded, parseaddr"] = lambda text: parseaddr(decoded(text))


def compat32(block):
    return [str(value) for value in email.message_from_bytes(block).get_all("From", [])]


def default(block):
    return email.message_from_bytes(block, policy=email.policy.default).get_all("From", [])


BLOCK_WAYS = {
    "compat32, getaddresses": lambda block: [pair[1] for pair in email.utils.getaddresses(compat32(block))],
    "compat32, first field": lambda block: [email.utils.parseaddr(field)[1] for field in compat32(block)[:1]],
    "policy.default": lambda block: [item.addr_spec for field in default(block) for item in field.addresses],
}


def raw_fields(block):
    items = email.message_from_bytes(block).raw_items()
    return [body.encode("utf-8", "surrogateescape").decode("utf-8") for name, body in items if name.lower() == "from"]


FIELD_WAYS = {"raw_items": raw_fields}


def tried(way, given):
    try:
        return way(given)
    except Exception as error:  # noqa: BLE001 - a reader that fails has taken nobody for the author
        return "%s: %s" % (type(error).__name__, error)


def answered(ways, given):
    return {name: tried(way, given) for name, way in ways.items()}


def main():
    print(json.dumps({"version": "Python " + platform.python_version()}))
    for line in sys.stdin:
        given = {name: base64.b64decode(value) for name, value in json.loads(line).items()}
        if "body" in given:
            text = given["body"].decode("utf-8", "surrogateescape").replace("\r\n", "")
            answer = {"addresses": answered(BODY_WAYS, text)}
        else:
            answer = {
                "addresses": answered(BLOCK_WAYS, given["block"]),
                "fields": answered(FIELD_WAYS, given["block"]),
            }
        print(json.dumps(answer))


if __name__ == "__main__":
    main()

r"""One reverse-path, addr-spec or login: a canonical address, null, or malformed.

What a client may claim is the mailbox of RFC 5321 4.1.2 and RFC 6531 3.3,
read strictly::

    Reverse-path   = "<>" / "<" Mailbox ">"        ; brackets may be left out here
    Mailbox        = Local-part "@" ( Domain / address-literal )
    Local-part     = Dot-string / Quoted-string
    Dot-string     = Atom *( "." Atom )
    Atom           = 1*( atext / UTF8-non-ascii )
    Quoted-string  = DQUOTE *( qtext / UTF8-non-ascii / "\\" %d32-126 ) DQUOTE
    Domain         = Label *( "." Label )          ; LDH labels or IDNA2008
    address-literal = "[" 1*( ALPHA / DIGIT / "." / ":" / "-" ) "]"

Narrower than the RFC: no source route; no ``@ < >`` in a quoted local part;
no encoded-word, nothing invisible and nothing that is not in NFC; a literal
has only the characters that real ones have. Wider on request: extra dots in
an unquoted local part (`legacy_dots`).

A plain ASCII address never leaves this module. An international one is
judged by email-validator (local part) and idna (domain) as well.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs
import email_validator
import idna

from sendertrust.encoded_word import encoded_words
from sendertrust.terms import Malformed, octets

__all__ = [
    "ATEXT",
    "DOMAIN",
    "DOT_STRING",
    "MAX_ADDRESS_OCTETS",
    "MAX_CLAIM_OCTETS",
    "MAX_DOMAIN_OCTETS",
    "MAX_LABEL_OCTETS",
    "MAX_LOCAL_PART_OCTETS",
    "NULL_PATH",
    "UNREADABLE",
    "UNREADABLE_RULES",
    "UTF8_DOT_STRING",
    "UTF8_QUOTED_STRING",
    "Address",
    "NullPath",
    "as_text",
    "login_address",
    "parse_domain",
    "parse_mailbox",
    "parse_reverse_path",
    "plain_address",
    "quoted_string",
]

MAX_CLAIM_OCTETS: Final = 1024  # an envelope, a login or an alias, before it is looked at
MAX_ADDRESS_OCTETS: Final = 254  # RFC 5321 4.5.3.1.3: a path of 256 less its brackets
MAX_LOCAL_PART_OCTETS: Final = 64  # RFC 5321 4.5.3.1.1
MAX_DOMAIN_OCTETS: Final = 255  # RFC 5321 4.5.3.1.2
MAX_LABEL_OCTETS: Final = 63  # RFC 1035 2.3.4

# Here and in every other module, what is possessive (`++`) is one class of characters. A group is repeated inside
# an atomic one: before Python 3.11.5 possessive groups match too much (gh-106052), and `a.` would be a dot-string.

# atext of RFC 5322 3.2.3, as the inside of a character class.
ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
DOT_STRING: Final = rf"[{ATEXT}]++(?>(?:\.[{ATEXT}]++)*)"
# An LDH label (RFC 1035 2.3.1, RFC 1123 2.1) that is no A-label: those take the international path.
_LABEL: Final = r"(?![xX][nN]--)[A-Za-z0-9]++(?>(?:-++[A-Za-z0-9]++)*)"
DOMAIN: Final = rf"{_LABEL}(?>(?:\.{_LABEL})*)"
_PLAIN: Final = re.compile(rf"({DOT_STRING})@({DOMAIN})")
_ADDRESS_LITERAL: Final = re.compile(r"\[[A-Za-z0-9.:\-]++\]")
_UNQUOTED: Final = re.compile(rf"[{ATEXT}.\x80-\U0010ffff]*+")
# The local part of RFC 6531 3.3.
UTF8_DOT_STRING: Final = rf"[{ATEXT}\x80-\U0010ffff]++(?>(?:\.[{ATEXT}\x80-\U0010ffff]++)*)"
UTF8_QUOTED_STRING: Final = r'"(?>(?:[ !#-\[\]-~\x80-\U0010ffff]++|\\[ -~])*)"'
_DOT_ATOM: Final = re.compile(UTF8_DOT_STRING)
_QUOTED_STRING: Final = re.compile(UTF8_QUOTED_STRING)
_LDH_DOMAIN: Final = re.compile(DOMAIN)
_ESCAPE: Final = re.compile(r"\\(.)")
_NEEDS_ESCAPE: Final = re.compile(r'(["\\])')

#: What nobody can read, raw. Blanks and line ends have rules of their own: see _WRONG_CHARACTER.
UNREADABLE: Final = r"(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f])|(?P<undecodable>[\ud800-\udfff])"
UNREADABLE_RULES: Final = MappingProxyType({"control": "control-character", "undecodable": "not-utf8"})
_UNREADABLE: Final = re.compile(UNREADABLE)
_NO_LOGIN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# Default_Ignorable_Code_Point of Unicode 15 (DerivedCoreProperties.txt), joiners, fillers and
# blanks that have no glyph, and every blank outside ASCII: characters that nobody sees.
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u2d7f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    r"\U0001107f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|(?! )\s",
)
_DELIMITERS: Final = frozenset('()<>[]:;@\\,." ')

# Why a local part or a domain ends where it should not: by the character found there.
_WRONG_CHARACTER: Final = {
    " ": "blank-in-address",
    "\t": "blank-in-address",
    "\r": "blank-in-address",
    "\n": "blank-in-address",
    "(": "comment-in-address",
    ")": "comment-in-address",
    ">": "angle-unopened",
}

_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class NullPath(Enum):
    """The type of `NULL_PATH`; not an address, so that nobody forgets that it may come."""

    NULL_PATH = "<>"


#: The null reverse-path (RFC 5321 4.5.5).
NULL_PATH: Final = NullPath.NULL_PATH


@attrs.frozen
class Address:
    """A mailbox in canonical form.

    *text* has no needless quotes (RFC 5321 4.1.2) and its domain in
    lower-case ASCII (A-labels); the local part keeps its case.
    """

    text: str

    @property
    def key(self) -> str:
        """The text with ASCII letters folded: whether case counts is the policy's business."""
        return self.text.lower() if self.text.isascii() else self.text.translate(_ASCII_LOWER)

    @property
    def domain(self) -> str:
        """The domain: lower-case ASCII, or an address literal."""
        return self.text.rpartition("@")[2]

    def without_subaddress(self, separators: str) -> Address | None:
        """Give the address that this is a subaddress of (RFC 5233), or None.

        A local part that needs quotes is no subaddress: what stands behind
        the separator is the account's to choose, and may be read unquoted.
        *separators* is a string of characters of which the first that occurs
        wins, as in Postfix's ``recipient_delimiter``; the base is never empty.
        """
        local = self.text.rpartition("@")[0]
        if local.startswith('"'):
            return None
        ends = [end for end in map(local.find, separators) if end != -1]
        if not ends or min(ends) == 0:
            return None
        return _join(local[: min(ends)], self.domain)


def as_text(raw: str | bytes) -> str:
    """Decode what came over the wire, keeping what is no UTF-8 as lone surrogates.

    Text is taken as UTF-8 with surrogateescape, so both ways to hand over
    the same octets give the same text.
    """
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "surrogateescape")
    if raw.isascii():
        return raw
    try:
        return raw.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return raw  # a surrogate that stands for no octet: malformed wherever it is read


def plain_address(local: str, domain: str) -> Address | None:
    """Make an address of a `DOT_STRING` and a `DOMAIN`, or None if it needs a closer look."""
    if (
        len(local) > MAX_LOCAL_PART_OCTETS
        or len(local) + 1 + len(domain) > MAX_ADDRESS_OCTETS
        or (len(domain) > MAX_LABEL_OCTETS and _longest_label(domain) > MAX_LABEL_OCTETS)
        or "=?" in local
    ):
        return None
    return Address(f"{local}@{domain.lower()}")


def parse_reverse_path(text: str, *, legacy_dots: bool = False) -> Address | NullPath | Malformed:
    """Read what stands after ``MAIL FROM:``, with or without its angle brackets."""
    if text in {"", "<>"}:
        return NULL_PATH
    if not text.startswith("<"):
        return parse_mailbox(text, legacy_dots=legacy_dots)
    if octets(text) > MAX_CLAIM_OCTETS:
        return Malformed("address-too-long", 0)
    if not text.endswith(">"):
        end = text.rfind(">")
        return (
            Malformed.at("angle-unclosed", text, len(text))
            if end == -1
            else Malformed.at("text-after-address", text, end + 1)
        )
    mailbox = parse_mailbox(text[1:-1], legacy_dots=legacy_dots)
    return attrs.evolve(mailbox, offset=mailbox.offset + 1) if isinstance(mailbox, Malformed) else mailbox


def parse_mailbox(text: str, *, legacy_dots: bool = False) -> Address | Malformed:
    """Read one address that a client claims; no brackets, blanks or comments around it."""
    if (plain := _PLAIN.fullmatch(text)) and (address := plain_address(*plain.groups())):
        return address
    if octets(text) > MAX_CLAIM_OCTETS:
        return Malformed("address-too-long", 0)
    if unreadable := _UNREADABLE.search(text):
        return Malformed.at(UNREADABLE_RULES[str(unreadable.lastgroup)], text, unreadable.start())
    if words := encoded_words(text):
        return Malformed.at("encoded-word-in-address", text, words[0].start())
    if text.startswith("@"):
        return Malformed("source-route" if ":" in text else "local-part-empty", 0)

    quoted = _QUOTED_STRING.match(text)
    local = quoted or _UNQUOTED.match(text)
    assert local is not None  # noqa: S101 - _UNQUOTED matches the empty text too; tells mypy so
    end = local.end()
    if not text.startswith("@", end):
        return Malformed.at(_why_local_part_ends(text, end), text, end)
    content = _unquote(local[0])
    if fault := _local_part_fault(content, quoted=bool(quoted), legacy_dots=legacy_dots):
        return Malformed(fault, 0)
    domain = parse_domain(text[end + 1 :])
    if isinstance(domain, Malformed):
        return Malformed(domain.rule, octets(text[: end + 1]) + domain.offset)
    return _join(content, domain) or Malformed("address-too-long", 0)


def parse_domain(text: str) -> str | Malformed:
    """Read a domain or an address literal; give it in lower-case ASCII."""
    if not text:
        return Malformed("domain-empty", 0)
    if len(text) > MAX_DOMAIN_OCTETS:
        return Malformed("address-too-long", 0)
    if _ADDRESS_LITERAL.fullmatch(text):
        return text.lower()
    if _LDH_DOMAIN.fullmatch(text):
        return text.lower() if _longest_label(text) <= MAX_LABEL_OCTETS else Malformed("domain-syntax", 0)
    for offset, character in enumerate(text):
        if character in _WRONG_CHARACTER:
            return Malformed.at(_WRONG_CHARACTER[character], text, offset)
    if text.isascii() and "xn--" not in text.lower():
        return Malformed("domain-syntax", 0)
    return _international_domain(text) or Malformed("domain-idna", 0)


def login_address(login: str, default_domain: str | None) -> Address | None:
    """Give the one address that a login is, or None if it is none.

    A login is the administrator's text, not a client's: it is split at the
    last ``@``, a quoted local part is unquoted and anything else is taken as
    it stands. A login without ``@`` is qualified with *default_domain*, which
    must be canonical. Control characters, undecodable text, an empty local
    part and an impossible domain make a login that owns no address.
    """
    if (plain := _PLAIN.fullmatch(login)) and (address := plain_address(*plain.groups())):
        return address
    login = as_text(login)
    if octets(login) > MAX_CLAIM_OCTETS or _NO_LOGIN.search(login):
        return None
    local, at, domain_text = login.rpartition("@")
    if not at:
        local, domain_text = login, default_domain or ""
    content = _unquote(local)
    domain = parse_domain(domain_text)
    if not content or isinstance(domain, Malformed):
        return None
    return _join(content, domain)


def _join(content: str, domain: str) -> Address | None:
    """Make the canonical address of an unquoted local part, unless it is too long."""
    local = _quote(content)
    address = Address(f"{local}@{domain}")
    too_long = octets(local) > MAX_LOCAL_PART_OCTETS or octets(address.text) > MAX_ADDRESS_OCTETS
    return None if too_long else address


def _quote(content: str) -> str:
    """Quote an unquoted local part if it needs it (RFC 5321 4.1.2: the minimum)."""
    return content if _DOT_ATOM.fullmatch(content) else quoted_string(content)


def quoted_string(text: str) -> str:
    """Write a text in quotes (RFC 5321 4.1.2, RFC 5322 3.2.4)."""
    return '"' + _NEEDS_ESCAPE.sub(r"\\\1", text) + '"'


def _unquote(local: str) -> str:
    quoted = _QUOTED_STRING.fullmatch(local)
    return _ESCAPE.sub(r"\1", local[1:-1]) if quoted else local


def _longest_label(domain: str) -> int:
    return max(map(len, domain.split(".")))


def _why_local_part_ends(text: str, end: int) -> str:
    if end == len(text):
        return "no-at-sign"
    if '"' in text[: end + 1]:
        return "local-part-quotes"
    return _WRONG_CHARACTER.get(text[end], "local-part-character")


def _local_part_fault(content: str, *, quoted: bool, legacy_dots: bool) -> str | None:
    """Name the rule that a local part, its quotes and escapes taken off, breaks; or None."""
    if not content:
        return "local-part-empty"
    if octets(_quote(content)) > MAX_LOCAL_PART_OCTETS:
        return "address-too-long"
    if encoded_words(content):
        return "encoded-word-in-address"
    if not quoted and not _DOT_ATOM.fullmatch(content) and (content.startswith(".") or not legacy_dots):
        return "local-part-dots"
    if not content.isascii() and not _is_international_local_part(content):
        return "local-part-unicode"
    return "local-part-delimiter" if any(character in content for character in "@<>") else None


def _is_international_local_part(content: str) -> bool:
    """Say whether a local part with other than ASCII letters has one reading everywhere.

    What NFC or NFKC would change into something else, or into a delimiter,
    is refused and never mapped, and so is what cannot be seen.
    """
    # NFC first: normalising takes quadratic time only where combining marks stand in the wrong order.
    if not unicodedata.is_normalized("NFC", content) or _INVISIBLE.search(content):
        return False
    foreign_letters = "".join(character for character in content if not character.isascii())
    if _DELIMITERS.intersection(unicodedata.normalize("NFKC", foreign_letters)):
        return False
    try:
        # The domain is judged elsewhere; this one only keeps the library's list of
        # special-use domains, which internal servers need, out of the question.
        email_validator.validate_email(
            f"{_quote(content)}@example.com",
            allow_smtputf8=True,
            allow_empty_local=False,
            allow_quoted_local=True,
            allow_domain_literal=False,
            allow_display_name=False,
            strict=False,
            check_deliverability=False,
            test_environment=False,
            globally_deliverable=False,
            timeout=1,
            dns_resolver=None,
        )
    except email_validator.EmailNotValidError:
        return False
    return True


def _international_domain(text: str) -> str | None:
    """Give the A-labels of a domain that is IDNA2008 up to the case of ASCII letters.

    Nothing else is mapped (RFC 5891 4.1, 5.3): a label must be valid as it
    stands, an A-label must be the one spelling of its U-label.
    """
    if _INVISIBLE.search(text):
        return None  # a joiner is valid in some places, but some readers drop it there (IDNA2003)
    claimed = text.translate(_ASCII_LOWER).split(".")
    try:
        labels = [_a_label(label) for label in claimed]
    except UnicodeError:  # idna.IDNAError is one
        return None
    domain = ".".join(labels)
    # An A-label is valid in one spelling only; releases of idna before 3.19 let others pass.
    canonical = all(a_label == label or not label.isascii() for a_label, label in zip(labels, claimed, strict=True))
    return domain if canonical and len(domain) <= MAX_DOMAIN_OCTETS else None


def _a_label(label: str) -> str:
    if _LDH_DOMAIN.fullmatch(label) and len(label) <= MAX_LABEL_OCTETS:
        return label
    return idna.alabel(idna.ulabel(label)).decode("ascii")

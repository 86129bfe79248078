"""Keys and logins of a map: their canonical forms, and which keys cover an address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust import SUBMISSION, UNSEEN, Policy, check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["EVERYTHING", "NOBODY", "NULL_PATH", "canonical_domains", "canonical_key", "fold", "is_login", "keys_of"]

_MAX_LOGIN_OCTETS: Final = 1024  # as `check` has it
NOBODY: Final = ""
NULL_PATH: Final = "<>"
EVERYTHING: Final = "*"
_ANY_DOMAIN: Final = "example.com"  # only to read a bare local part as the mailbox it will be
_AS_KEY: Final = attrs.evolve(SUBMISSION, legacy_dots=True)  # a directory need not quote what mail must
_NO_LOGIN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

# Keys that are canonical as they stand, and so short that no limit needs a look. Most are.
_PLAIN_LOCAL: Final = r"[A-Za-z0-9]++(?>(?:[._+\-][A-Za-z0-9]++)*)"
_PLAIN_DOMAIN: Final = r"@[a-z0-9]++(?>(?:[.\-][a-z0-9]++)*)"
_PLAIN: Final = re.compile(rf"{_PLAIN_LOCAL}(?>(?:{_PLAIN_DOMAIN})?)|{_PLAIN_DOMAIN}")
_MAX_PLAIN: Final = 63
_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def fold(text: str) -> str:
    """Fold ASCII letters, and no others."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)


def is_login(text: str) -> bool:
    """Say whether a text can be an account: a star or a domain that somebody wrote for one gains nothing."""
    if text == EVERYTHING or text.startswith(("@", "*@")) or _NO_LOGIN.search(text):
        return False
    return len(text.encode()) <= _MAX_LOGIN_OCTETS


def canonical_key(key: str) -> str | None:
    """Give the canonical form of a key, ``user@`` if it has no domain; or None if it could never match."""
    if len(key) <= _MAX_PLAIN and _PLAIN.fullmatch(key):
        return key if "@" in key else key + "@"
    if key in {EVERYTHING, NULL_PATH}:
        return key
    if key.startswith(("<", "*@")):
        return None
    if key.startswith("@"):
        mailbox, kept = "x" + key, slice(1, None)
    elif "@" in key:
        mailbox, kept = key, slice(None)
    else:
        mailbox, kept = f"{key}@{_ANY_DOMAIN}", slice(-len(_ANY_DOMAIN))
    canonical = check(None, mailbox, UNSEEN, policy=_AS_KEY).envelope_from
    return None if canonical is None or canonical.startswith("*@") else canonical[kept]


def canonical_domains(domains: Iterable[str]) -> tuple[str, ...]:
    """Give domains in canonical form."""
    if isinstance(domains, str):
        msg = "pass local_domains as a list or tuple of str, not one str"
        raise TypeError(msg)
    canonical = []
    for domain in domains:
        key = canonical_key("@" + domain)
        if key is None:
            msg = f"{domain!r} is no domain: write one such as example.com"
            raise ValueError(msg)
        canonical.append(key[1:])
    return tuple(canonical)


def keys_of(address: str, policy: Policy) -> Iterator[str]:
    """Give the keys that cover an address, the narrowest first: mail_addr_find of Postfix, and then the star."""
    canonical = check(None, address, UNSEEN, policy=policy).envelope_from
    if canonical is None:
        msg = f"expected an address, such as user@domain, found {address!r}"
        raise ValueError(msg)
    if not canonical:
        yield NULL_PATH
        return
    local, _, domain = canonical.rpartition("@")
    locals_ = [local]
    ends = [end for end in map(local.find, policy.subaddress) if end != -1]
    # An empty base is no local part, nor is a quoted string that is cut: neither is a subaddress.
    if ends and (base := canonical_key(local[: min(ends)])):
        locals_.append(base[:-1])
    for at in ("@" + domain, "@") if domain == policy.default_domain else ("@" + domain,):
        yield from (part + at for part in locals_)
    yield from ("@" + domain, EVERYTHING)

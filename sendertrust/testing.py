"""For the unit tests of a mail server: verdicts to order, and the vectors.

>>> from sendertrust import SUBMISSION, Reason, Stage, reply_for
>>> from sendertrust.testing import make_verdict
>>> str(reply_for(make_verdict(Reason.FROM_DUPLICATE)))
'554 5.6.0 Bad message header: send one From field'
>>> make_verdict(Reason.LOOKUP_FAILED, Stage.MAIL).action
<Action.DEFER: 'defer'>

>>> from sendertrust.testing import vectors
>>> vector = next(vector for vector in vectors() if vector.id == "from-lists-two-mailboxes")
>>> vector.header_from
(b'user1@test-sample.jp, ceo@victim.example',)
>>> vector.verdict(SUBMISSION).reason
<Reason.FROM_MULTIPLE: 'from_multiple'>
"""

from __future__ import annotations

import base64
import json
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from sendertrust import (
    LOOKUP_FAILED,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Finding,
    Grant,
    Policy,
    Reason,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Expected", "Vector", "make_verdict", "vectors"]

_LOGIN: Final = "user1@test-sample.jp"
_ALIAS: Final = "sales@test-sample.jp"
_FOREIGN: Final = "user2@test-sample.jp"


@attrs.frozen
class _Facts:
    """What a reason comes with in a real verdict of the account."""

    rule: str
    claimed: str | None
    offset: int | None = None
    envelope: str | None = _LOGIN
    envelope_right: str | None = "own"
    authors: tuple[str, ...] = (_LOGIN,)
    author_right: str | None = "own"


_FACTS: Final = {
    Reason.NOT_AUTHENTICATED: _Facts("login-required", None, envelope_right=None, authors=()),
    Reason.ENVELOPE_MISMATCH: _Facts("envelope-owner", _FOREIGN, envelope=_FOREIGN, envelope_right=None),
    Reason.ENVELOPE_MALFORMED: _Facts("angle-unclosed", f"<{_LOGIN}", 21, envelope=None, envelope_right=None),
    Reason.ENVELOPE_NULL: _Facts("null-sender", "", envelope="", envelope_right=None),
    Reason.HEADERS_MALFORMED: _Facts("bare-lf", None, 26, authors=()),
    Reason.FROM_MISSING: _Facts("from-missing", None, authors=()),
    Reason.FROM_DUPLICATE: _Facts("from-duplicate", _FOREIGN, authors=()),
    Reason.FROM_MULTIPLE: _Facts("from-multiple", _LOGIN, authors=(_LOGIN, _LOGIN)),
    Reason.FROM_GROUP: _Facts("from-group", f"team: {_LOGIN};", 4, authors=()),
    Reason.FROM_MALFORMED: _Facts("at-in-name", f"{_FOREIGN} <{_LOGIN}>", 5, authors=()),
    Reason.FROM_HIDDEN_ADDRESS: _Facts("hidden-address", _FOREIGN),
    Reason.FROM_MISMATCH: _Facts("from-owner", _FOREIGN, authors=(_FOREIGN,), author_right=None),
    Reason.FROM_NOT_ENVELOPE: _Facts("from-envelope", _LOGIN, envelope=_ALIAS, envelope_right=_ALIAS),
    Reason.SENDER_MISMATCH: _Facts("sender-owner", _FOREIGN),
    Reason.DISPLAY_NAME_SPOOF: _Facts("name-shows-address", _FOREIGN),
}
_AWAITED: Final = {
    Stage.MAIL: _Facts("envelope-lookup", _FOREIGN, envelope=_FOREIGN, envelope_right=None),
    Stage.DATA: _Facts("from-lookup", _FOREIGN, authors=(_FOREIGN,), author_right=None),
}


def make_verdict(reason: Reason = Reason.OK, stage: Stage = Stage.DATA, *, policy: Policy = SUBMISSION) -> Verdict:
    """Make a verdict with one reason, at level HEADER, without a message to be judged.

    *policy* decides what it decides elsewhere too: the words of the reply,
    report-only mode, what becomes of NOT_AUTHENTICATED. Raises `ValueError`
    for a reason that cannot occur at that stage, `TypeError` for other types.
    """
    _require(reason, stage, policy)
    if stage not in reason.stages:
        msg = f"{reason.name} cannot occur at {stage.name}: pass stage as {' or '.join(s.name for s in reason.stages)}"
        raise ValueError(msg)
    facts = _AWAITED[stage] if reason is Reason.LOOKUP_FAILED else _FACTS.get(reason, _Facts("", None))
    authors = facts.authors if stage is Stage.DATA else ()
    return Verdict(
        policy=policy,
        required=TrustLevel.HEADER,
        stage=stage,
        auth_id=None if reason is Reason.NOT_AUTHENTICATED else _LOGIN,
        envelope_from=facts.envelope,
        header_from=authors,
        findings=() if reason is Reason.OK else (Finding(reason, facts.claimed, facts.rule, facts.offset),),
        matched_by=(facts.envelope_right, *(facts.author_right for _ in authors)),
        advisories=(),
    )


def _require(reason: object, stage: object, policy: object) -> None:
    if not (isinstance(reason, Reason) and isinstance(stage, Stage) and isinstance(policy, Policy)):
        msg = f"pass a Reason, a Stage and a Policy, not {reason!r}, {stage!r} and {policy!r}"
        raise TypeError(msg)


@attrs.frozen
class Expected:
    """One result that a vector allows."""

    decision: Action
    reason: Reason


@attrs.frozen(kw_only=True)
class Vector:
    """One case of ``sendertrust/vectors``, its defaults filled in and its octets put together.

    ``docs/reference/vectors.md`` describes the files and what each member means.
    """

    id: str
    comment: str
    #: Where the answer comes from: RFC sections, laws of this library, CVEs, papers.
    spec: tuple[str, ...]
    #: What the vector is about; ``flags.json`` describes each.
    flags: frozenset[str]
    #: The id of a vector that differs by one edit and in its result.
    twin: str | None
    #: The policy's options, over those of a preset.
    options: Mapping[str, Any]
    #: The level that is asked, or None for the policy's own.
    level: TrustLevel | None
    line_ends: Literal["crlf", "lf"]
    auth_id: str | None
    envelope_from: bytes
    #: The bodies of the From fields; None if the header is in `message`, or has not been seen.
    header_from: tuple[bytes, ...] | None
    #: The message, or its fields as (name, body) pairs.
    message: bytes | tuple[tuple[bytes, bytes], ...] | None
    aliases: Aliases
    #: Preset name to the results that are right; several where the RFCs leave it open.
    expected: Mapping[str, tuple[Expected, ...]]

    def policy(self, preset: Policy) -> Policy:
        """Give the policy to ask: *preset* with the vector's options."""
        return attrs.evolve(preset, **self.options)

    def verdict(self, preset: Policy) -> Verdict:
        """Ask this library. The bodies of a policy that reads Sender too go in as fields."""
        policy, message = self.policy(preset), self.message
        if self.header_from is not None and policy.sender_field.value == "must_match":
            message = tuple((b"From", body) for body in self.header_from)
        if message is None:
            header_from = UNSEEN if self.header_from is None else self.header_from
            return check(
                self.auth_id,
                self.envelope_from,
                header_from,
                self.aliases,
                level=self.level,
                policy=policy,
                line_ends=self.line_ends,
            )
        return check_message(
            self.auth_id,
            self.envelope_from,
            message,
            self.aliases,
            level=self.level,
            policy=policy,
            line_ends=self.line_ends,
        )


# What a JSON value that stands for octets may be; arrays and objects hold such values again.
_Octets: TypeAlias = str | list[Any] | dict[str, Any]


def vectors() -> Iterator[Vector]:
    """Give every vector that the package ships, file by file."""
    for file in sorted(resources.files("sendertrust").joinpath("vectors").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".json") and file.name != "vectors.schema.json":
            yield from map(_vector, json.loads(file.read_text(encoding="utf-8")).get("vectors", ()))


def _vector(raw: dict[str, Any]) -> Vector:
    auth_id, header_from, level = raw["auth_id"], raw.get("header_from"), raw.get("level", "header")
    return Vector(
        id=raw["id"],
        comment=raw["comment"],
        spec=tuple(raw["spec"]),
        flags=frozenset(raw["flags"]),
        twin=raw.get("twin"),
        options=MappingProxyType(raw.get("options", {})),
        level=None if level == "preset" else TrustLevel.parse(level),
        line_ends=raw.get("line_ends", "crlf"),
        auth_id=None if auth_id is None else _octets(auth_id).decode("utf-8", "surrogateescape"),
        envelope_from=_octets(raw["envelope_from"]),
        header_from=None if header_from is None else tuple(map(_octets, header_from)),
        message=_message(raw),
        aliases=Aliases.union(*map(_source, raw.get("aliases", ()))),
        expected=MappingProxyType({preset: _expected(results) for preset, results in raw["expected"].items()}),
    )


def _source(entries: str | list[str | dict[str, str]]) -> Aliases:
    if isinstance(entries, str):
        return Aliases.union(LOOKUP_FAILED)
    return Aliases(entry if isinstance(entry, str) else Grant(entry["address"], entry["right"]) for entry in entries)


def _message(raw: dict[str, Any]) -> bytes | tuple[tuple[bytes, bytes], ...] | None:
    if "fields" in raw:
        return tuple((_octets(name), _octets(body)) for name, body in raw["fields"])
    return _octets(raw["message"]) if "message" in raw else None


def _expected(results: dict[str, str] | list[dict[str, str]]) -> tuple[Expected, ...]:
    several = results if isinstance(results, list) else [results]
    return tuple(Expected(Action(result["decision"]), Reason(result["reason"])) for result in several)


def _octets(value: _Octets) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list):
        return b"".join(map(_octets, value))
    if "base64" in value:
        return base64.b64decode(value["base64"])
    piece: _Octets
    times: int
    piece, times = value["repeat"]
    return _octets(piece) * times

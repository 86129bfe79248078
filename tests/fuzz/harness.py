"""What must hold for every input, as one function over bytes: `one_input`.

The bytes are a submission in disguise: `OPTIONS` bytes choose from tables
what an administrator chooses, the rest is what a client may send. An octet
below 0x80 stands for itself, those above for whole `TOKENS` (an own address,
half an encoded-word), so that a fuzzer without a corpus gets beyond the first
bracket; `RAW` gives the next octet as it is, so nothing is out of reach.

The oracle is naive on purpose: what belongs to an account stands in a table
next to the account and is compared as octets, and fields are counted with
`str.splitlines`. It shares no code with the package. It asks what an
acceptance promises; that honest mail passes is the grammars' business.
"""

from __future__ import annotations

import base64
import email.errors
import email.header
import json
import re
import unicodedata
from typing import Any, Final, NamedTuple

import attrs

import sendertrust.address
import sendertrust.decision
from sendertrust import (
    EPOST,
    LOOKUP_FAILED,
    STRICT,
    SUBMISSION,
    UNSEEN,
    Action,
    Aliases,
    Finding,
    Policy,
    Reason,
    ReplyStyle,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
    terms,
)

__all__ = ["TARGETS", "one_input"]

OWN: Final = b"user1@test-sample.jp"
ALIAS: Final = b"sales@test-sample.jp"
ACCENTED: Final = "\u00e9t\u00e9@test-sample.jp".encode()
VICTIM: Final = b"ceo@victim.example"


# What is several times in a table comes up more often: most of what may be accepted is the account's.


class Grants(NamedTuple):
    """A source of aliases, and what it gives: exact addresses, domains, everything."""

    source: Any
    exact: tuple[bytes, ...] = ()
    domains: tuple[bytes, ...] = ()
    everything: bool = False


LOGINS: Final[tuple[tuple[str | None, bytes | None], ...]] = (
    *[(OWN.decode(), OWN)] * 6,
    ("User1@TEST-sample.jp", b"User1@test-sample.jp"),
    ("user1", None),
    (ACCENTED.decode(), ACCENTED),
    ("a..b@docomo.ne.jp", b'"a..b"@docomo.ne.jp'),
    ("*", None),
    ("@shared.jp", None),
    ("", None),
    (None, None),
)
GRANTS: Final = (
    Grants(()),
    Grants([ALIAS.decode(), "a b", "\ud800"], exact=(ALIAS,)),
    Grants(Aliases([ALIAS.decode(), ACCENTED.decode()]), exact=(ALIAS, ACCENTED)),
    Grants(Aliases(["@shared.jp"]), domains=(b"shared.jp",)),
    Grants(LOOKUP_FAILED),
    Grants(Aliases.union([ALIAS.decode()], LOOKUP_FAILED), exact=(ALIAS,)),
    Grants(Aliases(["*"]), everything=True),
)
MORE: Final = [Aliases([grant]) for grant in ("*", "@test-sample.jp", VICTIM.decode(), OWN.decode(), "a b")]
_STRICT_OF_FROM: Final = attrs.evolve(STRICT, sender_field="ignore")  # `check` sees no Sender field
_SMALL: Final = attrs.evolve(
    SUBMISSION, max_field_octets=60, max_line_octets=40, max_block_octets=80, max_comment_depth=1
)
POLICIES: Final = (
    SUBMISSION,
    attrs.evolve(EPOST, level="header"),
    STRICT,
    EPOST,
    attrs.evolve(SUBMISSION, subaddress="+-"),
    attrs.evolve(SUBMISSION, local_part_case="exact"),
    attrs.evolve(SUBMISSION, multiple_authors="all_must_match"),
    attrs.evolve(SUBMISSION, header_equals_envelope=True),
    attrs.evolve(SUBMISSION, null_sender="reject", replies="postfix"),
    attrs.evolve(SUBMISSION, mode="report"),
    attrs.evolve(SUBMISSION, default_domain="test-sample.jp"),
    attrs.evolve(SUBMISSION, legacy_dots=True, display_name="reject"),
    _SMALL,
)
LEVELS: Final = (TrustLevel.HEADER, TrustLevel.ENVELOPE, TrustLevel.AUTH_ID, None)

TOKENS: Final = (
    OWN,
    VICTIM,
    b"<" + OWN + b">",
    b"<" + VICTIM + b">",
    b"From: ",
    b"\r\n",
    b"\r\n ",
    ALIAS,
    b"x@shared.jp",
    b"user1",
    b"@test-sample.jp",
    b"user1+tag",
    ACCENTED,
    "\u00c9T\u00c9@test-sample.jp".encode(),
    b"USER1@test-sample.jp",
    b"x@sub.shared.jp",
    b"a..b@docomo.ne.jp",
    b"\r\nFrom : ",
    b"\r\nfROM:",
    b"\r\nSender: ",
    b"\r\nResent-From: ",
    b"\r\nSubject: x",
    b"=?utf-8?q?",
    b"=?utf-8?b?",
    b"=?utf-7?q?",
    b"=?utf-16be?b?",
    b"=?iso-2022-jp?b?",
    b"=?x?q?",
    b"?=",
    b"=3C",
    b"=40",
    b"=3E",
    b"=2C",
    b"PGNlb0B2aWN0aW0uZXhhbXBsZT4=",
    b"+ADw-ceo+AEA-victim.example+AD4-",
    b"=?utf-8?q?=3Cceo=40victim.example=3E?=",
    b'"',
    b"\\",
    b"(",
    b")",
    b"(" * 17 + b")" * 17,
    "\uff20".encode(),
    "\uff1cceo@victim.example\uff1e".encode(),
    "\uff1c".encode(),
    "\uff1e".encode(),
    "\u202e".encode(),
    "\u2028".encode(),
    "\u200b".encode(),
    "\u212a".encode(),
    "\u3042".encode(),
    "e\u0301".encode(),
    b"\x85",
    b"\x1b$B;3ED\x1b(B",
    b"\x83\x5c",
    b'"' + VICTIM + b'" ',
    b"(" + VICTIM + b", x)",
    b"=?utf-8?q?x?= ",
    b"xn--r8jz45g",
    b"\xe4\xbe\x8b\xe3\x81\x88.jp",
    b"[192.0.2.1]",
    b"a" * 63,
    b"a" * 250,
    b"<>",
    b"us: ",
    b"@a,@b:",
    b"user?1@test-sample.jp",
    b"=?utf-8 ",
    b"(?q?",
    b"=07",
    b"=?utf-8?q?=3D=3Fx=3Fq=3Fa=3F=3D_",
)
OPTIONS: Final = 8
#: Addresses of the account, of strangers, and some that a careless comparison takes for the account's.
ADDRESSES: Final = (
    *[OWN] * 6,
    ALIAS,
    VICTIM,
    b"x@shared.jp",
    b"x@sub.shared.jp",
    b"x@unshared.jp",
    ACCENTED,
    ACCENTED.decode().upper().encode(),
    b"USER1@TEST-SAMPLE.JP",
    b"user1+tag@test-sample.jp",
    b'"user1"@test-sample.jp',
    b"user1@test-sample.jp.example",
    b"a..b@docomo.ne.jp",
    b"user?1@test-sample.jp",
)
# What an input is put into, so that a few octets are enough to get into a name, a comment or a word.
FRAMES: Final = (
    b"%s",
    b"%s <@>",
    b'"%s" <@>',
    '"\uff1c%s\uff1e" <@>'.encode(),
    b"@ (%s)",
    b"x <%s>",
    b"<@> %s",
    b"%s, x <@>",
    b"<@>, " + OWN + b"%s",
    b"=?utf-8?q?%s?= <@>",
    b'"=?iso-2022-jp?q?%s?=" <@>',
    b"=?utf-7?q?%s?= <@>",
)
#: Likewise for the envelope; the first is the input's own first part.
PATHS: Final = (b"%s", b"@", b"@", b"@", b"", b"<@>", b"<@x", b"@>", b"<@> SIZE=1", b"<@a,@")
# Likewise, in base64 of a charset; the first names a charset that nobody knows.
CHARSETS: Final = ("x", "utf-8", "utf-16", "utf-16be", "utf-7", "ibm037", "iso-2022-jp", "shift_jis")
_FIRST_TOKEN: Final = 0x80
_RAW: Final = 0xFD
_PART: Final = 0xFF
_FIELD: Final = 0xFE

_BARE: Final = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n")
_BARE_IN_LF: Final = re.compile(rb"[\0\r]")
_NOT_PLAIN: Final = re.compile(rb'["(\\]|=\?')
_AROUND_ADDRESS: Final = re.compile(rb"^[^<]*<[ \t\r\n]*|[ \t\r\n]*>[ \t\r\n]*$|^[ \t\r\n]+|[ \t\r\n]+$")
_EXTRACTABLE: Final = re.compile(rb"<[^<>]*%s[^<>]*>|%s," % (re.escape(VICTIM), re.escape(VICTIM)))
_CLAIM: Final = re.compile(r"[^<>,; \t\r\n]+@[^<>,; \t\r\n]+")

REASONS: Final = tuple(reason for reason in Reason if reason is not Reason.OK)
RULES: Final = tuple(terms.RULES)

_JSON: Final = json.JSONDecoder()
# Whatever the input, the names of the log line are those of the plainest one.
NAMES_OF_A_LINE: Final = tuple(re.findall("([a-z_]+)=", str(check(None, "", UNSEEN))))
_REPLY: Final = re.compile(rb"([245])[0-9]{2} (?:\1\.[0-9]{1,3}\.[0-9]{1,3} )?[ -~]+\r\n")
_CODES: Final = {
    (Action.ACCEPT, Stage.MAIL): {b"250"},
    (Action.REJECT, Stage.MAIL): {b"501", b"530", b"550", b"553"},
    (Action.DEFER, Stage.MAIL): {b"451"},
    (Action.ACCEPT, Stage.DATA): {b"250"},
    (Action.REJECT, Stage.DATA): {b"550", b"552", b"554"},
    (Action.DEFER, Stage.DATA): {b"451"},
}
_ORDER: Final = {Action.REJECT: 0, Action.DEFER: 1, Action.ACCEPT: 2}


@attrs.frozen
class Submission:
    """Everything that one input spells. Of *bodies* and *message* one is None; both are before DATA."""

    login: str | None
    own: bytes | None
    grants: Grants
    envelope: bytes
    bodies: tuple[bytes, ...] | None
    message: bytes | tuple[tuple[bytes, bytes], ...] | None
    policy: Policy
    level: TrustLevel | None
    line_ends: Any
    as_text: bool

    def ask(self, **changes: Any) -> Verdict:
        it = attrs.evolve(self, **changes) if changes else self
        common: Any = {"level": it.level, "policy": it.policy, "line_ends": it.line_ends}
        envelope: str | bytes = it.envelope.decode("utf-8", "surrogateescape") if it.as_text else it.envelope
        if it.message is not None:
            return check_message(it.login, envelope, it.message, it.grants.source, **common)
        if it.bodies is None:
            return check(it.login, envelope, UNSEEN, it.grants.source, **common)
        common["policy"] = _STRICT_OF_FROM if it.policy is STRICT else it.policy
        bodies = [body.decode("utf-8", "surrogateescape") if it.as_text else body for body in it.bodies]
        return check(it.login, envelope, bodies, it.grants.source, **common)

    def owns(self, mailbox: str, *, in_header: bool) -> bool:
        """Say whether the tables above give a canonical address to the account."""
        grants = self.grants if not in_header or self.policy.aliases_cover_header else GRANTS[0]
        exact = [*grants.exact, *([self.own] if self.own else [])]
        if self.own is None and self.login == "user1" and self.policy.default_domain:
            exact.append(OWN)
        claim = mailbox.encode()
        local, _, domain = claim.rpartition(b"@")
        claims = [claim]
        if self.policy.subaddress and (end := min((i for i in map(local.find, [b"+", b"-"]) if i > 0), default=0)):
            claims.append(local[:end].strip(b'"') + b"@" + domain)
        if self.policy.local_part_case is terms.LocalPartCase.FOLD:
            exact, claims = [one.lower() for one in exact], [one.lower() for one in claims]
        return grants.everything or domain in grants.domains or any(one in exact for one in claims)


def one_input(data: bytes, target: str | None = None) -> None:
    """Judge one input; raise if anything does not hold. *target* overrides the first byte's choice."""
    options = data[:OPTIONS].ljust(OPTIONS, b"\0")
    parts = _expand(data[OPTIONS:])
    name = target or tuple(TARGETS)[options[0] % len(TARGETS)]
    TARGETS[name](options, parts)


def _expand(data: bytes) -> list[bytes]:
    """Spell tokens out, and split at `_PART`."""
    parts = [bytearray()]
    octets = iter(data)
    for octet in octets:
        if octet == _PART:
            parts.append(bytearray())
        elif octet == _RAW:
            parts[-1].append(next(octets, 0))
        elif octet == _FIELD:
            parts[-1] += b"\r\nFrom: "
        elif octet >= _FIRST_TOKEN:
            parts[-1] += TOKENS[(octet - _FIRST_TOKEN) % len(TOKENS)]
        else:
            parts[-1].append(octet)
    return [bytes(part) for part in parts]


def _pick(table: tuple[Any, ...], octet: int) -> Any:
    return table[octet % len(table)]


def _framed(text: bytes, frame: int) -> bytes:
    author, kind = divmod(frame, len(FRAMES) + len(CHARSETS))
    address = _pick(ADDRESSES, author)
    if kind < len(FRAMES):
        return FRAMES[kind].replace(b"@", address).replace(b"%s", text)
    charset = CHARSETS[kind - len(FRAMES)]
    octets = text if charset == "x" else text.decode("utf-8", "replace").encode(charset, "replace")
    return b"=?%s?b?%s?= <%s>" % (charset.encode(), base64.b64encode(octets), address)


def _submission(options: bytes, parts: list[bytes], *, by_message: bool) -> Submission:
    _, policy, switches, login, grants, envelope, frame, _ = options
    login_text, own = _pick(LOGINS, login)
    rest = parts[1:] if envelope % len(PATHS) == 0 else parts
    named = _pick(ADDRESSES, envelope // len(PATHS))
    path = PATHS[envelope % len(PATHS)]
    if frame and rest:
        rest[0] = (b"From: " if by_message else b"") + _framed(rest[0], frame)
    lines = "lf" if switches & 8 else "crlf"
    message: Any = b"\r\n".join(rest) if lines == "crlf" else b"\n".join(rest).replace(b"\r\n", b"\n")
    if switches & 0x40:
        message = tuple((name, body) for name, _, body in (part.partition(b":") for part in rest))
    return Submission(
        login=login_text,
        own=own,
        grants=_pick(GRANTS, grants),
        envelope=parts[0] if path == b"%s" else path.replace(b"@", named),
        bodies=None if by_message else tuple(rest),
        message=message if by_message else None,
        policy=_pick(POLICIES, policy),
        level=_pick(LEVELS, switches),
        line_ends=lines,
        as_text=bool(switches & 4),
    )


def _check(options: bytes, parts: list[bytes]) -> None:
    submission = _submission(options, parts, by_message=False)
    if options[2] & 0x30 == 0x30:
        submission = attrs.evolve(submission, bodies=None)
    _judge(submission, options)


def _check_message(options: bytes, parts: list[bytes]) -> None:
    _judge(_submission(options, parts, by_message=True), options)


def _judge(submission: Submission, options: bytes) -> None:
    verdict = submission.ask()
    assert_promise(submission, verdict)
    _pick(LAWS, options[7])(submission, verdict)


def _verdict(options: bytes, parts: list[bytes]) -> None:
    """A verdict to order, so that nothing is kept from the replies by what `check` cuts or refuses."""
    texts = [part.decode("utf-8", "surrogateescape") for part in parts]
    stage = Stage.MAIL if options[2] & 4 else Stage.DATA
    findings = [
        Finding(_pick(REASONS, kind), text[:256], _pick(RULES, options[6] + i), kind)
        for i, (kind, text) in enumerate(zip(options[3:6], texts, strict=False))
    ]
    verdict = Verdict(
        policy=_pick(POLICIES, options[1]),
        required=LEVELS[options[2] % 3] or TrustLevel.HEADER,
        stage=stage,
        auth_id=texts[0] or None,
        envelope_from=parts[-1].decode("utf-8", "replace") if options[2] & 8 else None,
        header_from=tuple(part.decode("utf-8", "replace") for part in parts),
        findings=tuple(finding for finding in findings if stage in finding.reason.stages),
        matched_by=("own",),
        advisories=tuple(texts),
    )
    assert_grammar(None, verdict)


TARGETS: Final = {"check": _check, "check_message": _check_message, "verdict": _verdict}


# What must hold


def assert_printable(verdict: Verdict) -> None:
    """`str()` is one printable ASCII line: nothing from the wire can forge a log line."""
    line = str(verdict)
    assert line.isascii()
    assert line.isprintable()
    names, end = [], 0
    while end < len(line):
        name, _, _ = line[end:].partition("=")
        _, end = _JSON.raw_decode(line, end + len(name) + 1)
        assert line[end : end + 1] in {" ", ""}
        names.append(name)
        end += 1
    assert tuple(names) == NAMES_OF_A_LINE


def assert_grammar(_submission: Submission | None, verdict: Verdict) -> None:
    """8. No input makes `check`, `check_message` or `reply_for` raise or emit a byte outside its grammar."""
    assert_printable(verdict)
    facts = verdict.to_dict()
    assert json.loads(json.dumps(facts, ensure_ascii=False, allow_nan=False).encode("utf-8")) == facts
    line = bytes(reply_for(verdict, _pick((None, *ReplyStyle), len(str(facts)))))
    assert _REPLY.fullmatch(line), line
    assert len(line) <= 512
    assert line[:3] in _CODES[verdict.action, verdict.stage]


def assert_promise(submission: Submission, verdict: Verdict) -> None:
    """An acceptance at `HEADER` promises that envelope and From are the account's."""
    if not verdict.applies or verdict.decision is not Action.ACCEPT:
        return
    policy = verdict.policy
    if verdict.required >= TrustLevel.ENVELOPE:
        envelope = verdict.envelope_from
        assert envelope is not None
        assert submission.owns(envelope, in_header=False) if envelope else policy.null_sender is Action.ACCEPT
        _assert_plainly(submission.envelope, envelope, "envelope")
    if verdict.required is not TrustLevel.HEADER or verdict.stage is Stage.MAIL:
        return
    bodies = _bodies_of(submission, {b"from"})
    assert len(bodies) == 1, "exactly one From field"
    body = bodies[0]
    assert not (_BARE if submission.line_ends == "crlf" else _BARE_IN_LF).search(body), "broken lines"
    authors = verdict.header_from
    assert len(authors) == 1 or (authors and policy.multiple_authors is terms.MultipleAuthors.ALL_MUST_MATCH)
    assert all(submission.owns(author, in_header=True) for author in authors), "somebody else's From"
    if policy.header_equals_envelope and verdict.envelope_from:
        assert authors[0].encode().lower() == verdict.envelope_from.encode().lower()
    if len(authors) == 1 and not _NOT_PLAIN.search(body):
        assert body.count(b"@") == 1, "one address"
        _assert_plainly(_AROUND_ADDRESS.sub(b"", body), authors[0], "From")
    if not any(VICTIM in author.encode() for author in authors):
        views = [body.decode("utf-8", "replace"), *_decoded(body)]
        seen = [view.encode() for text in views for view in (text, unicodedata.normalize("NFKC", text))]
        assert not any(_EXTRACTABLE.search(view) for view in seen), "a hidden address"
        if policy.display_name is terms.DisplayName.REJECT:
            assert not any(b" " + VICTIM + b" " in view for view in seen), "a shown address"
    if policy.sender_field is terms.SenderField.MUST_MATCH:
        for body in _bodies_of(submission, {b"sender", b"resent-from", b"resent-sender"}):
            claims = [] if _NOT_PLAIN.search(body) else _CLAIM.findall(body.decode("utf-8", "replace"))
            assert all(submission.owns(claim, in_header=True) for claim in claims if claim.isascii()), "Sender"


def _assert_plainly(raw: bytes, canonical: str, what: str) -> None:
    """What has no quotes, comments or encoding is its own canonical form, the domain's letter case aside."""
    if raw[:1] == b"<" and raw[-1:] == b">":
        raw = raw[1:-1]
    if b'"' in raw:
        return
    local, _, domain = raw.rpartition(b"@")
    wanted_local, _, wanted_domain = canonical.encode().rpartition(b"@")
    assert local == wanted_local.strip(b'"'), f"{what}: {raw!r} is not {canonical}"
    if domain.isascii():
        assert domain.lower() == wanted_domain, f"{what}: {raw!r} is not {canonical}"


def _bodies_of(submission: Submission, names: set[bytes]) -> list[bytes]:
    """Give the body of every line that some reader may take for such a field, and what continues it."""
    if submission.message is None:
        return list(submission.bodies or ()) if b"from" in names else []
    if isinstance(submission.message, tuple):
        return [body for name, body in submission.message if name.strip(b" \t").lower() in names]
    bodies: list[bytes] = []
    counts = False
    for line in re.split(rb"(?<=\n)|(?<=\r)(?!\n)", submission.message):
        if not line.strip(b" \t\r\n"):
            break
        name, colon, body = line.partition(b":")
        if line[:1] in {b" ", b"\t"}:
            if counts:
                bodies[-1] += line
        elif counts := bool(colon) and name.strip(b" \t").lower() in names:
            bodies.append(body)
    return bodies


def _decoded(body: bytes) -> list[str]:
    """See a body as the standard library decodes it."""
    if b"=?" not in body:
        return []
    try:
        text = str(email.header.make_header(email.header.decode_header(body.decode("ascii", "replace"))))
    except (email.errors.HeaderParseError, LookupError, UnicodeError, ValueError):
        return []
    return [text.encode("utf-8", "replace").decode()]


# The laws of the semantics, section 6; one of them an input


def raising_the_level(submission: Submission, _verdict: Verdict) -> None:
    """1. Raising the level never raises `decision` in the order REJECT < DEFER < ACCEPT."""
    decisions = [_ORDER[submission.ask(level=level).decision] for level in TrustLevel]
    assert decisions == sorted(decisions, reverse=True)


def adding_a_grant(submission: Submission, verdict: Verdict) -> None:
    """2. Adding a grant never lowers it."""
    granted = Grants(Aliases.union(submission.grants.source, MORE[len(submission.envelope) % len(MORE)]))
    assert _ORDER[submission.ask(grants=granted).decision] >= _ORDER[verdict.decision]


def accept_is_satisfies(submission: Submission, verdict: Verdict) -> None:
    """3. With the opt-in refusals off, an authenticated, not pending verdict with every source answered.

    It has `decision` ACCEPT exactly when `satisfies(required)`.
    """
    policy = submission.policy
    opted_in = policy.null_sender is Action.REJECT or policy.display_name is terms.DisplayName.REJECT
    if opted_in or not verdict.applies or verdict.pending or submission.grants in (GRANTS[4], GRANTS[5]):
        return
    assert (verdict.decision is Action.ACCEPT) is verdict.satisfies(verdict.required)


def rejected_at_mail(submission: Submission, verdict: Verdict) -> None:
    """5. With the same arguments and policy, what is rejected at MAIL is rejected at DATA (on `decision`)."""
    if submission.ask(bodies=None, message=None).decision is Action.REJECT:
        assert verdict.decision is Action.REJECT or verdict.stage is Stage.MAIL


def a_block_is_its_bodies(submission: Submission, verdict: Verdict) -> None:
    """6. For a well-formed block, and a policy that reads From alone, `check_message` equals `check`."""
    if submission.message is None or submission.policy is STRICT or Reason.HEADERS_MALFORMED in verdict.reasons:
        return
    eol = b"\r\n" if submission.line_ends == "crlf" else b"\n"
    if isinstance(submission.message, tuple):
        bodies = tuple(_bodies_of(submission, {b"from"}))
        assert submission.ask(message=None, bodies=bodies) == verdict
        return
    end = (eol + submission.message + eol + eol).find(eol + eol)
    block = submission.message[:end]
    fields = [field.partition(b":") for field in re.split(eol + rb"(?![ \t])", block)]
    bodies = tuple(body for name, colon, body in fields if colon and name.rstrip(b" \t").lower() == b"from")
    assert submission.ask(message=None, bodies=bodies) == verdict


def fast_and_full_agree(submission: Submission, verdict: Verdict) -> None:
    """9. The fast path and the full scanner agree wherever both answer."""
    asked: Any = sendertrust.decision
    parsed: Any = sendertrust.address
    simple_author, plain_address = asked.simple_author, parsed.plain_address
    asked.simple_author = parsed.plain_address = lambda _one, _two: None
    try:
        full = submission.ask()
    finally:
        asked.simple_author, parsed.plain_address = simple_author, plain_address
    assert full == verdict


def same_input_same_verdict(submission: Submission, verdict: Verdict) -> None:
    """`str` is taken as UTF-8 with surrogateescape and judged as bytes; same input, same verdict."""
    assert submission.ask(as_text=not submission.as_text) == verdict
    assert hash(submission.ask()) == hash(verdict)


LAWS: Final = (
    assert_grammar,
    raising_the_level,
    adding_a_grant,
    accept_is_satisfies,
    rejected_at_mail,
    a_block_is_its_bodies,
    fast_and_full_agree,
    same_input_same_verdict,
)

"""From fields that are built from a known answer: honest ones must pass, each trick must not.

Nothing here parses: a strategy puts a field together from the RFCs' grammar
and says whose it is, so a parser that is wrong cannot agree with itself.
"""

from __future__ import annotations

import base64
import os
import sys
import unicodedata
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from sendertrust import EPOST, STRICT, SUBMISSION, Action, Policy, Reason, TrustLevel, Verdict, check, check_message

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

# Enough to find a planted mistake, few enough for every run: SENDERTRUST_EXAMPLES=2000 looks closer.
EXAMPLES = int(os.environ.get("SENDERTRUST_EXAMPLES", "40"))
#: Without a deadline: another process on the machine is no fault of the package.
built = settings(deadline=None, max_examples=EXAMPLES)
#: For what is asked of many places.
built_for_each = settings(built, max_examples=max(EXAMPLES // 3, 1))

OWN = "user1@test-sample.jp"
VICTIM = "ceo@victim.example"
PRESETS = (EPOST, SUBMISSION, STRICT)
# Without "!" and "%", which make old routes (user%host, host!user) to some readers.
ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#$&'*+-/=?^_`{|}~"

#: Login, and another spelling of its address.
SPELLINGS = [
    (OWN, OWN),
    (OWN, '"user1"@test-sample.jp'),
    (OWN, '"us\\er1"@test-sample.jp'),
    (OWN, "user1@TEST-Sample.JP"),
    ("u@xn--r8jz45g.jp", "u@例え.jp"),
    ("u@例え.jp", "u@XN--r8jz45g.jp"),
    ("o'neil+x@test-sample.jp", "o'neil+x@test-sample.jp"),
    ("a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
    ("u@[192.0.2.1]", "u@[192.0.2.1]"),
    ("root@localhost", "root@localhost"),
]
own_addresses = st.sampled_from(SPELLINGS)


def asked(
    body: str | list[str],
    login: str = OWN,
    envelope: str = OWN,
    *,
    policy: Policy = SUBMISSION,
    aliases: tuple[str, ...] = (),
) -> Verdict:
    """Ask at `HEADER` about From bodies, in the three ways there are, which must agree."""
    bodies = [body] if isinstance(body, str) else body
    pairs = [("From", text) for text in bodies]
    verdict = check_message(login, envelope, pairs, aliases, level=TrustLevel.HEADER, policy=policy)
    of_from_alone = attrs.evolve(policy, sender_field="ignore")
    from_alone = check(login, envelope, bodies, aliases, level=TrustLevel.HEADER, policy=of_from_alone)
    assert from_alone.decision is verdict.decision
    block = "".join(f"From:{text}\r\n" for text in bodies).encode("utf-8", "surrogateescape")
    by_block = check_message(login, envelope, block, aliases, level=TrustLevel.HEADER, policy=policy)
    if verdict.decision is Action.ACCEPT:
        assert by_block == verdict
    else:
        assert by_block.decision is not Action.ACCEPT
    return verdict


# The grammar of RFC 5322 3.2 to 3.4, RFC 2047 and RFC 6532, built and never read

letters = st.sampled_from("山田営業部あァ１éßøЖ한字①")
atoms = st.text(st.one_of(st.sampled_from(ATEXT), letters), min_size=1, max_size=8).filter(
    lambda text: "=?" not in text
)
blanks = st.sampled_from([" ", "  ", "\t", "\r\n ", "\r\n\t", " \r\n "])
blanks_or_none = st.one_of(st.just(""), blanks)
plain_texts = st.text(st.one_of(st.sampled_from(ATEXT + " .,;:<>[]"), letters), max_size=10).filter(
    lambda text: "=?" not in text
)


def escaped(text: str, specials: str) -> str:
    return "".join("\\" + character if character in specials else character for character in text)


quoted_strings = st.one_of(
    plain_texts.map(lambda text: f'"{text}"'),
    st.text(st.sampled_from('ab "\\(),.'), max_size=6).map(lambda text: '"' + escaped(text, '"\\') + '"'),
    st.just('""'),
)
comments = st.recursive(
    plain_texts.map(lambda text: f"({text})"),
    lambda inner: st.builds("({}{}{})".format, plain_texts, inner, plain_texts),
    max_leaves=4,
)
# Some readers end a comment at its first parenthesis or bracket, which matters beside an address without brackets.
flat_comments = plain_texts.map(lambda text: f"({text.translate(dict.fromkeys(map(ord, '<>[]')))})")
words_of_names = st.text(st.one_of(letters, st.sampled_from("abcXYZ .,'-")), min_size=1, max_size=12)


def q_word(octets: bytes, charset: str = "utf-8") -> str:
    encoded = "".join(f"={octet:02X}" if octet != ord(" ") else "_" for octet in octets)
    return f"=?{charset}?Q?{encoded}?="


def b_word(octets: bytes, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(octets).decode()}?="


def split_words(text: str, at: int, language: str) -> str:
    """Two encoded-words that cut a text wherever it happens, in mid-character too, as some senders do."""
    octets = text.encode()
    cut = at % (len(octets) + 1)
    return f"{b_word(octets[:cut], 'utf-8' + language)}\r\n {b_word(octets[cut:], 'utf-8' + language)}"


encoded_words = st.one_of(
    words_of_names.map(lambda text: q_word(text.encode())),
    words_of_names.map(lambda text: b_word(text.encode())),
    st.builds(split_words, words_of_names, st.integers(0, 40), st.sampled_from(["", "*ja"])),
    st.text(st.sampled_from("山田営業部あァ"), min_size=1, max_size=6).map(
        lambda text: b_word(text.encode("iso2022_jp"), "ISO-2022-JP")
    ),
    st.text(st.sampled_from("山田営業部あァ"), min_size=1, max_size=6).map(
        lambda text: b_word(text.encode("cp932"), "Shift_JIS")
    ),
    words_of_names.map(lambda text: b_word(text.encode("utf-8"), "unknown-8bit")),
)
whole_names = st.sampled_from(
    [
        "John Q. Public",
        '"Doe, John"',
        "(Cron Daemon)",
        '"=?utf-8?Q?Yamada?="',
        "Who? = me",
    ]
)
words = st.one_of(atoms, quoted_strings, encoded_words, comments, whole_names)


@st.composite
def names(draw: st.DrawFn) -> str:
    """Give a phrase of RFC 5322 3.2.5 with the dots of 4.1, comments between its words."""
    parts = draw(st.lists(words, max_size=4))
    return "".join(part + draw(blanks) for part in parts)


# Beside a delimiter these would be addresses to a reader that ignores quotes: a name of their own only.
names_with_at = st.sampled_from(["山田＠営業部 ", '"山田@営業部"', '"@handle" ', '"User @ Company"\r\n '])


def fields_of(address: str) -> st.SearchStrategy[str]:
    """Give From bodies whose one author is *address*, which is written as it stands."""
    after = st.one_of(st.just(""), st.just(" "), comments, comments.map(" {}".format))
    flat = st.one_of(st.just(""), flat_comments, flat_comments.map(" {}".format))
    before = st.one_of(st.just(""), st.builds("{}{}".format, flat_comments, blanks_or_none))
    return st.one_of(
        st.builds(
            f"{{}}{{}}<{{}}{address}{{}}>{{}}".format,
            blanks_or_none,
            st.one_of(names(), names(), names_with_at),
            blanks_or_none,
            blanks_or_none,
            after,
        ),
        st.builds(f"{{}}{{}}{address}{{}}".format, blanks_or_none, before, flat),
    )


# Without what could take in an inserted character: no quotes, comments, escapes or encoded-words.
bare_fields = st.one_of(
    st.sampled_from([OWN, f" {OWN} ", f"<{OWN}>", f"User One <{OWN}>", f"山田 太郎\r\n <{OWN}>"]),
    st.builds(
        "{}{}<{}>".format,
        st.text(st.sampled_from("abcXYZ"), min_size=1),
        st.sampled_from(["", " ", "\r\n "]),
        st.just(OWN),
    ),
)


# Honest mail


@pytest.mark.parametrize(("login", "spelling"), SPELLINGS)
@built_for_each
@given(data=st.data())
def test_own_mail_passes_under_every_preset(login: str, spelling: str, data: st.DataObject) -> None:
    """RFC 5322 3.4: ``mailbox = name-addr / addr-spec``, each with CFWS around it.

    An author that is legal and has one reading everywhere must pass under every preset.
    """
    body = data.draw(fields_of(spelling))

    for policy in PRESETS:
        verdict = asked(body, login, spelling, policy=policy)
        assert verdict.decision is Action.ACCEPT, verdict.findings
        assert verdict.matched_by == ("own", "own")
        assert verdict.header_from == (verdict.envelope_from,)
        assert verdict.advisories == ()


@pytest.mark.parametrize("name", [f'"{OWN}"', f"'{OWN}'", f'"me, {OWN}"', q_word(OWN.encode()), b_word(OWN.encode())])
def test_the_own_address_as_a_name(name: str) -> None:
    """For both rows "foreign" means: neither the login nor an exact grant (Outlook writes such names)."""
    for policy in PRESETS:
        verdict = asked(f"{name} <{OWN}>", policy=policy)
        assert (verdict.decision is Action.ACCEPT) is (name != f"'{OWN}'")
        assert verdict.advisories == ()


@pytest.mark.parametrize("alias", ["sales@test-sample.jp", "x@shared.jp"])
@built
@given(data=st.data())
def test_an_alias_counts_where_the_policy_says(alias: str, data: st.DataObject) -> None:
    """2. The `From:` header is *not* looked up in the aliases (…) `SUBMISSION` lets them cover the header too."""
    body = data.draw(fields_of(alias))
    granted = ("sales@test-sample.jp", "@shared.jp")

    assert asked(body, policy=EPOST, aliases=granted).reason is Reason.FROM_MISMATCH
    assert asked(body, policy=SUBMISSION, aliases=granted).decision is Action.ACCEPT


# Tricks


def assert_refused(body: str | list[str], *reasons: Reason, aliases: tuple[str, ...] = ()) -> None:
    for policy in PRESETS:
        verdict = asked(body, policy=policy, aliases=aliases)
        assert verdict.decision is Action.REJECT, body
        assert not reasons or verdict.reason in reasons, verdict.findings


own_fields = fields_of(OWN)
victims_fields = fields_of(VICTIM)


@built
@given(victims_fields)
def test_somebody_elses_mail_is_refused(body: str) -> None:
    """HEADER: … and the `From:` header is the account's."""
    assert_refused(body, Reason.FROM_MISMATCH)


@built
@given(st.lists(st.one_of(own_fields, victims_fields), min_size=2, max_size=3))
def test_several_fields(bodies: list[str]) -> None:
    """Several From fields: REJECT at `HEADER`; never pick one (own ones as well)."""
    assert_refused(bodies, Reason.FROM_DUPLICATE)


@built
@given(st.lists(own_fields, max_size=2), st.lists(victims_fields, max_size=1), st.randoms(use_true_random=False))
def test_several_mailboxes(own: list[str], foreign: list[str], chance: random.Random) -> None:
    """Several mailboxes: REJECT at `HEADER` … with ALL_MUST_MATCH one field passes if every one is the account's."""
    mailboxes = [*own, *foreign]
    assume(len(mailboxes) > 1)
    chance.shuffle(mailboxes)
    body = ",".join(mailboxes)
    all_must_match = attrs.evolve(SUBMISSION, multiple_authors="all_must_match")

    assert_refused(body, Reason.FROM_MULTIPLE)
    assert (asked(body, policy=all_must_match).decision is Action.ACCEPT) is (not foreign)


@built
@given(atoms.filter(lambda text: text.isascii()), st.lists(own_fields, max_size=2), blanks_or_none)
def test_a_group(name: str, members: list[str], blank: str) -> None:
    """A group (RFC 6854 allows one in From): REJECT at `HEADER`."""
    assume(not blank or members)

    assert_refused(f"{name}:{blank}{','.join(members)};")


@built
@given(
    own_fields,
    st.one_of(atoms, quoted_strings, encoded_words, st.sampled_from([VICTIM, f"<{VICTIM}>", ".", "<>", ":"])),
)
def test_text_after_the_address(body: str, text: str) -> None:
    """Malformed is … text after `>`."""
    assume(">" in body)

    assert_refused(f"{body} {text}", Reason.FROM_MALFORMED, Reason.FROM_GROUP)


@built
@given(
    names(), st.sampled_from([VICTIM, OWN, "@", "a@b", "<x>", "<", f"<{OWN}>", ";", ":", "a:b", "[x]", "\\"]), names()
)
def test_a_special_in_a_name(before: str, special: str, after: str) -> None:
    """Malformed is … an `@` or `<` in an unquoted display name."""
    assert_refused(f"{before}{special} {after}<{OWN}>")


@built
@given(names(), st.sampled_from([f"@a:{OWN}", f"@a,@b:{OWN}", f"@victim.example:{OWN}", f":{OWN}", f"a:{OWN}"]))
def test_a_route(name: str, route: str) -> None:
    """Malformed is … source routes (RFC 5322 4.4, obs-route)."""
    assert_refused(f"{name}<{route}>")


@built
@given(names(), comments, st.integers(0, len(OWN) - 1), st.booleans())
def test_a_comment_inside_an_address(name: str, comment: str, at: int, bare: bool) -> None:  # noqa: FBT001 - drawn
    """Malformed is … comments *inside* an address (RFC 5322 4.4 allows them beside each of its dots)."""
    at = max(at, 1)
    address = OWN[:at] + comment + OWN[at:]

    assert_refused(address if bare else f"{name}<{address}>")


@built
@given(names(), st.integers(0, 4), st.integers(1, 5), st.sampled_from([q_word, b_word]))
def test_an_encoded_word_inside_an_address(name: str, start: int, length: int, word: Callable[[bytes], str]) -> None:
    """Malformed is … an encoded-word inside an address even if it equals the login (RFC 2047 5)."""
    local, domain = OWN.split("@")
    encoded = local[:start] + word(local[start : start + length].encode()) + local[start + length :]

    assert_refused(f"{name}<{encoded}@{domain}>")
    assert_refused(f"{name}<{word(OWN.encode())}>")


@built_for_each
@given(own_fields, st.integers(0, 200))
@example(f"a b <{OWN}>", 1)
def test_a_control_character_anywhere(body: str, at: int) -> None:
    """Malformed is … control characters (raw), NUL, bare CR or LF."""
    at %= len(body) + 1
    before, after = body[:at], body[at:]
    for control in "\0\x01\x07\x0b\x0c\x1b\x7f\x85\x9b\r\n":
        makes_crlf = before.endswith("\r") if control == "\n" else control == "\r" and after.startswith("\n")
        if not makes_crlf:
            assert_refused(before + control + after)


@built
@given(
    st.sampled_from("\0\x01\t\r\n\x0b\x1b\x7f\x85"), words_of_names, st.sampled_from([q_word, b_word]), st.booleans()
)
def test_a_control_character_in_an_encoded_word(
    control: str,
    text: str,
    word: Callable[[bytes], str],
    quoted: bool,  # noqa: FBT001 - drawn
) -> None:
    """Malformed is … control characters (…) appearing after RFC 2047 decoding."""
    name = word((text + control + text).encode())

    assert_refused(f'"{name}" <{OWN}>' if quoted else f"{name} <{OWN}>", Reason.FROM_MALFORMED)


@built
@given(bare_fields, st.integers(0, 200), st.sampled_from('"()<>'))
def test_what_is_opened_and_not_closed(body: str, at: int, special: str) -> None:
    """Malformed is … unbalanced quotes/comments/brackets."""
    at %= len(body) + 1

    assert_refused(body[:at] + special + body[at:], Reason.FROM_MALFORMED, Reason.HEADERS_MALFORMED)


@built_for_each
@given(names(), st.integers(0, len(OWN)))
def test_what_nobody_sees_in_an_address(name: str, at: int) -> None:
    """Malformed is … invisible or bidi characters in an address."""
    for invisible in "\u200b\u200d\u00ad\u2060\ufeff\u202e\u2066\u3164\u00a0\u3000":
        assert_refused(f"{name}<{OWN[:at]}{invisible}{OWN[at:]}>")


@built_for_each
@given(own_fields, st.integers(0, 200))
@example(f"a b <{OWN}>", 1)
def test_what_turns_a_name_around(body: str, at: int) -> None:
    """Malformed is … bidi overrides or isolates and U+2028/2029 in a name (a comment is none the better)."""
    at %= len(body) + 1
    for character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029":
        assert_refused(body[:at] + character + body[at:])


LOOKALIKES = [
    (letter, lookalike)
    for code in range(0x80, sys.maxunicode)
    if not 0xD800 <= code <= 0xDFFF
    for lookalike in [chr(code)]
    for letter in [unicodedata.normalize("NFKC", lookalike).casefold()]
    if letter in OWN and len(letter) == 1
]


@built
@given(names(), st.sampled_from(LOOKALIKES))
@example("", ("\u006b", "\u212a"))
def test_what_normalises_to_the_own_address(name: str, pair: tuple[str, str]) -> None:
    """Never mapped into a match: nothing but ASCII letter case is folded."""
    letter, lookalike = pair
    login = OWN.replace("user1", "userk1")

    for at, character in enumerate(login):
        if character == letter:
            body = f"{name}<{login[:at]}{lookalike}{login[at + 1 :]}>"
            assert asked(body, login, login).decision is Action.REJECT


def in_charset(charset: str, codec: str) -> Callable[[str], str]:
    return lambda text: f"{b_word(text.encode(codec), charset)} <{OWN}>"


def nested(text: str) -> str:
    return f"{q_word(q_word(text.encode()).encode())} <{OWN}>"


def escaped_in_quotes(text: str) -> str:
    return f'"{escaped(text, "<>@,;:")}" <{OWN}>'


def split_in_words(text: str) -> str:
    return f"{split_words(text, 7, '')} <{OWN}>"


#: Where something may hide from whoever parses, in sight of whoever does not.
HIDING_PLACES: dict[str, Callable[[str], str]] = {
    "quoted string": lambda text: f'"{text}" <{OWN}>',
    "escapes": escaped_in_quotes,
    "comment before": lambda text: f"({text}) {OWN}",
    "comment after": lambda text: f"{OWN} ({text})",
    "comment after the bracket": lambda text: f"x <{OWN}> ({text})",
    "comment in a name": lambda text: f"x ({text}) y <{OWN}>",
    "comment in a comment": lambda text: f"{OWN} (a ({text}) b)",
    "Q": lambda text: f"{q_word(text.encode())} <{OWN}>",
    "B": lambda text: f"{b_word(text.encode())} <{OWN}>",
    "B in quotes": lambda text: f'"{b_word(text.encode())}" <{OWN}>',
    "B in a comment": lambda text: f"{OWN} ({b_word(text.encode())})",
    "two words": split_in_words,
    "word in a word": nested,
    "unknown charset": in_charset("x-unknown", "utf-8"),
    "language": in_charset("utf-8*en", "utf-8"),
    "utf-7": in_charset("utf-7", "utf-7"),
    "utf-16": in_charset("utf-16", "utf-16"),
    "utf-16be": in_charset("utf-16be", "utf-16-be"),
    "utf-32": in_charset("utf-32", "utf-32"),
    "utf-32be": in_charset("utf-32be", "utf-32-be"),
    "iso-2022-jp": in_charset("iso-2022-jp", "iso2022_jp"),
    "ebcdic": in_charset("ibm037", "cp037"),
}
#: What a reader could extract: an address in brackets, or beside a delimiter.
EXTRACTABLE = ("{before}<{victim}>{after}", "{before}{victim}, {after}", "{before};{victim}", "{victim}:{after}")
FULL_WIDTH = str.maketrans("<>@,;:", "＜＞＠，；：")
# Of octets in an unknown charset only the ASCII is looked at; the other two have no such forms.
NO_FULL_WIDTH = {"unknown charset", "iso-2022-jp", "ebcdic"}
ascii_texts = st.text(st.sampled_from("abc XYZ'"), max_size=6)


@pytest.mark.parametrize("place", HIDING_PLACES)
@built_for_each
@given(
    shape=st.sampled_from(EXTRACTABLE),
    before=ascii_texts,
    after=ascii_texts,
    victim=st.sampled_from([VICTIM, "ceo@victim", "ceo @ victim.example", "user2@test-sample.jp"]),
    full_width=st.booleans(),
)
def test_a_hidden_address(place: str, shape: str, before: str, after: str, victim: str, full_width: Any) -> None:
    """A foreign address hidden in a quoted name, a comment or a decoded encoded-word, and *extractable*.

    FROM_HIDDEN_ADDRESS; `*` and `@domain` do not count.
    """
    text = shape.format(before=before, after=after, victim=victim)
    if full_width and place not in NO_FULL_WIDTH:
        text = text.translate(FULL_WIDTH)
    body = HIDING_PLACES[place](text)
    # A comment in a comment beside an address without brackets is malformed whatever it hides.
    reasons = (Reason.FROM_HIDDEN_ADDRESS, Reason.FROM_MALFORMED)

    assert_refused(body, *reasons)
    assert_refused(body, *reasons, aliases=("*", "@victim.example"))


# Elsewhere a reader that decodes or splits first would take it for the author: not shown, but hidden.
@pytest.mark.parametrize("place", ["quoted string", "comment after", "comment in a name"])
@pytest.mark.parametrize("before", ["", "Boss ", "a b "])
@pytest.mark.parametrize("after", ["", " Boss"])
def test_a_shown_address(place: str, before: str, after: str) -> None:
    """Any other foreign address as display-name text: `advisories`; `policy.display_name = REJECT` refuses it."""
    body = HIDING_PLACES[place](f"{before}{VICTIM}{after}")

    for policy in (EPOST, SUBMISSION):
        verdict = asked(body, policy=policy)
        assert verdict.decision is Action.ACCEPT
        assert verdict.advisories == (f"display name shows {VICTIM}",)
    assert asked(body, policy=STRICT).reason is Reason.DISPLAY_NAME_SPOOF


FIELDS = ["Subject: x", "To: a@b.example", "X-From: y", "Fromm: y"]


@built
@given(
    own_fields,
    st.lists(st.sampled_from(FIELDS), max_size=3),
    st.integers(0, 4),
    st.sampled_from(["From:", "from:", "FROM:", "From :", "fRoM\t :", "From \t:"]),
)
def test_a_second_from_field_anywhere(body: str, fields: list[str], at: int, name: str) -> None:
    """From is found by field name without case, `From :` included."""
    lines = [f"From:{body}", *fields]
    lines.insert(at % (len(lines) + 1), f"{name} {VICTIM}")
    block = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\nFrom: nobody\r\n"

    for policy in PRESETS:
        verdict = check_message(OWN, OWN, block, level=TrustLevel.HEADER, policy=policy)
        assert verdict.decision is Action.REJECT
        assert verdict.reason is Reason.FROM_DUPLICATE

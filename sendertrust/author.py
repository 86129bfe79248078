"""One From field body: its mailboxes, or why no two readers need agree on them.

What is accepted is RFC 5322 3.4 with the UTF-8 of RFC 6532, read strictly::

    mailbox-list = mailbox *( "," mailbox )
    mailbox      = [CFWS] ( [phrase] "<" [FWS] addr-spec [FWS] ">" / addr-spec ) [CFWS]
    phrase       = 1*( atom / quoted-string / "." / CFWS )
    addr-spec    = what `address.parse_mailbox` reads: nothing inside it, no CFWS
    CFWS         = 1*( FWS / comment )
    comment      = "(" *( ctext / quoted-pair / comment ) ")"

Groups (RFC 6854), empty list elements, routes and the rest of RFC 5322 4.4
are recognised only to be refused by name. A name is kept only if it might
hide or show an address: see `Mailbox`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from sendertrust.address import ATEXT, DOMAIN, DOT_STRING, Address, parse_mailbox, plain_address
from sendertrust.encoded_word import READERS, USUAL_READERS, Reader, decode, encoded_words, without_words, word_fault
from sendertrust.terms import Malformed, octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendertrust.policy import Policy

__all__ = ["Mailbox", "hidden_addresses", "parse_author", "shown_addresses", "simple_author"]

# A name that cannot hide anything, before an address in brackets; or an address alone.
_PLAIN_QUOTED_STRING: Final = r"\"[A-Za-z0-9 !#$%&'()*+,\-./:;?^_`{|}~\[\]]*+\""
_PLAIN_PHRASE: Final = r"[A-Za-z0-9 \t!#$%&'*+\-./?^_`{|}~]*+"
_SIMPLE: Final = re.compile(
    rf"[ \t]*+(?:(?:{_PLAIN_QUOTED_STRING}|{_PLAIN_PHRASE})[ \t]*+<({DOT_STRING})@({DOMAIN})>"
    rf"|({DOT_STRING})@({DOMAIN}))[ \t]*+",
)

_TOKEN: Final = re.compile(
    rf"""(?P<blank>[ \t\r\n]++)
      | (?P<atom>[{ATEXT}\x80-\U0010ffff]++)
      | (?P<quoted>"(?>(?:[^"\\]++|\\[^\r\n])*)")
      | (?P<literal>\[[^\[\]\\]*+\])
      | (?P<special>[()<>\[\]:;@\\,."])""",
    re.VERBOSE,
)
_IN_COMMENT: Final = re.compile(r"[^()\\]*+(?:(?P<open>\()|(?P<close>\))|\\[^\r\n])")

_MISLEADING: Final = r"(?P<separator>[\u2028\u2029])|(?P<bidi>[\u202a-\u202e\u2066-\u2069])"
_UNREADABLE: Final = re.compile(
    rf"(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f])|{_MISLEADING}|(?P<undecodable>[\ud800-\udfff])"
)
_UNREADABLE_RULES: Final = {
    "control": "control-character",
    "separator": "line-separator",
    "bidi": "bidi-in-name",
    "undecodable": "not-utf8",
}
_UNREADABLE_DECODED: Final = re.compile(rf"(?P<control>[\x00-\x1f\x7f-\x9f])|{_MISLEADING}")
_UNREADABLE_DECODED_RULES: Final = {**_UNREADABLE_RULES, "control": "control-decoded"}

_CFWS: Final = frozenset({"blank", "comment"})
_PHRASE: Final = _CFWS | {"atom", "quoted", "."}
_NOT_IN_PHRASE: Final = {
    "@": "at-in-name",
    ":": "delimiter-unexpected",
    ";": "delimiter-unexpected",
    ">": "angle-unopened",
}
_NEVER: Final = frozenset(":;>")
_BLANKS: Final = " \t\r\n"
_DECODING_DEPTH: Final = 3
# More than anybody writes: RFC 2047 2 lets a word have 75 octets, so that 8 KiB hold 109 of them.
_MAX_MAILBOXES: Final = 64
_MAX_ENCODED_WORDS: Final = 128

# A lone surrogate: the input cannot hold one here, and decoding cannot make one.
_HERE: Final = "\ud800"
_BLANK: Final = re.compile(r"[ \t\r\n]++")
_DELIMITER: Final = re.compile(r"[,;:]")
# What IDNA2003 takes for a dot between labels (RFC 3490 3.1), and what NFKC makes one of.
_DOTS: Final = ".\u3002\uff0e\uff61\u2024\ufe52"
# The at sign of a name like `\u5c71\u7530\uff20\u55b6\u696d\u90e8`: wide, and nothing behind it that a domain needs.
_WIDE_AT: Final = re.compile(r"[\uff20\ufe6b]([^\x00-\x7f\uff20\ufe6b]++)(?=(.?))", re.DOTALL)
_OF_A_DOMAIN: Final = re.compile(rf"[A-Za-z0-9{_DOTS}\-]")
_SPLITTING: Final = frozenset(",:;<>")
_PAIR: Final = re.compile(r"\[[^\[\]<>]*+\]|<[^\[\]<>]*+>")
_IGNORED: Final = frozenset(" \"'()")
_PUNCTUATION: Final = "'.`*!?"
_QUOTING: Final = dict.fromkeys(map(ord, '"\\()'))
_PARENTHESIS: Final = re.compile(r"([()])")
_ROUTE: Final = re.compile(r"@|\w[!%]\w")
_IN_VIEW: Final = re.compile(r"@|<[^<>!%]*+[!%]")
_DECEIVING: Final = re.compile(rf"{_IN_VIEW.pattern}|=\?|[^\x00-\x7f]")
_QUOTED: Final = r'"(?>(?:[^"\\]++|\\.)*)"'
# Outside of comments: a quoted string that is a name, one that is a local part, or anything else.
_PIECE: Final = re.compile(rf'(?P<name>{_QUOTED}(?! *@))|{_QUOTED}|[^"(\\]++|\\.|.', re.DOTALL)
_DOTTED_ADDRESS: Final = re.compile(r"[A-Za-z0-9_\-]@[A-Za-z0-9_\-]++\.[A-Za-z0-9_\-]")
# What might be an address to somebody: not judged here, only found. Each run of ordinary
# characters is tried from its first one only, which keeps the search linear.
_ORDINARY: Final = rf"[^\s<>,;:\"()\[\]\\@{_HERE}]"
_CANDIDATE: Final = re.compile(
    rf'(?:"[^"]*+"|(?<!{_ORDINARY}){_ORDINARY}++)@(?:\[[^\[\]]*+\]|(?>(?:{_ORDINARY}++|@)+))',
)


class _Token(NamedTuple):
    """A piece of a field: its kind (a special is its own kind) and where it stands."""

    kind: str
    start: int
    end: int


@attrs.frozen
class Mailbox:
    """One author: the address, and whatever in the text around it has an ``@`` to some reader.

    *raw* is that text as it stands, *decoded* as readers see it that decode,
    each in several forms, and *unquoted* what the latter find outside of
    quotes and comments; all with `_HERE` in the place of the address. It is
    *loose* if it is not alone in angle brackets: to some readers those with
    a blank inside are none, and then the first address of the field counts.
    """

    address: Address
    raw: tuple[str, ...] = ()
    decoded: tuple[str, ...] = ()
    unquoted: tuple[str, ...] = ()
    loose: bool = False


def simple_author(text: str, policy: Policy) -> Address | None:
    """Read the common shapes of a From field body in one step, or leave it to `parse_author`."""
    if len(text) > policy.max_line_octets or len(text) > policy.max_field_octets:
        return None
    simple = _SIMPLE.fullmatch(text)
    return simple and plain_address(simple[1] or simple[3], simple[2] or simple[4])


def parse_author(text: str, policy: Policy) -> tuple[Mailbox, ...] | Malformed:
    """Read one From field body, decoded by `address.as_text` and with sound line breaks."""
    if fault := _unreadable(text, policy):
        return fault
    tokens = _tokens(text, policy.max_comment_depth)
    if isinstance(tokens, Malformed):
        return tokens
    words = [word.span() for word in encoded_words(text)]
    # Emacs takes what is between quotes in two comments for a quoted string.
    quotes_move = sum(token.kind == "comment" and '"' in text[token.start : token.end] for token in tokens) > 1
    mailboxes: list[Mailbox] = []
    for start, element in _elements(tokens):
        content = [token for token in element if token.kind not in _CFWS]
        if len(mailboxes) == _MAX_MAILBOXES:
            return Malformed.at("field-too-long", text, start)
        if not content:
            return Malformed.at("no-address" if len(element) == len(tokens) else "empty-element", text, start)
        span = _address_span(text, content) or _bare_address_span(text, element, content, words)
        if isinstance(span, Malformed):
            return span
        if _overlaps(words, *span):
            return Malformed.at("encoded-word-in-address", text, span[0])
        address = parse_mailbox(text[slice(*span)], legacy_dots=policy.legacy_dots)
        if isinstance(address, Malformed):
            return Malformed(address.rule, octets(text[: span[0]]) + address.offset)
        around = text[start : span[0]] + _HERE + text[span[1] : element[-1].end]
        mailbox = _with_views(address, around, loose=f"<{_HERE}>" not in around, quotes_move=quotes_move)
        if isinstance(mailbox, Malformed):
            return Malformed(mailbox.rule, octets(text[:start]))
        mailboxes.append(mailbox)
    return tuple(mailboxes)


def _unreadable(text: str, policy: Policy) -> Malformed | None:
    """Find what no structure can make good."""
    if octets(text) > policy.max_field_octets:
        return Malformed("field-too-long", 0)
    if unreadable := _UNREADABLE.search(text):
        return Malformed.at(_UNREADABLE_RULES[str(unreadable.lastgroup)], text, unreadable.start())
    words = encoded_words(text)
    if len(words) > _MAX_ENCODED_WORDS:
        return Malformed.at("field-too-long", text, words[_MAX_ENCODED_WORDS].start())
    fault = word_fault(text)
    return Malformed.at(fault[0], text, fault[1]) if fault else None


def _tokens(text: str, max_comment_depth: int) -> list[_Token] | Malformed:
    tokens, index = [], 0
    while index < len(text):
        match = _TOKEN.match(text, index)
        assert match is not None  # noqa: S101 - every character left is in the table; tells mypy so
        kind, end = str(match.lastgroup), match.end()
        if kind == "special":
            kind = match[0]
        if kind == '"':
            return Malformed.at("quotes-unclosed", text, index)
        if kind == "(":
            comment_end = _comment_end(text, index, max_comment_depth)
            if isinstance(comment_end, Malformed):
                return comment_end
            kind, end = "comment", comment_end
        tokens.append(_Token(kind, index, end))
        index = end
    return tokens


def _comment_end(text: str, start: int, max_depth: int) -> int | Malformed:
    """Find where a comment ends, counting parentheses instead of recursing into them."""
    depth, index = 0, start
    while part := _IN_COMMENT.match(text, index):
        index = part.end()
        depth += {"open": 1, "close": -1, None: 0}[part.lastgroup]
        if depth > max_depth:
            return Malformed.at("comment-too-deep", text, index - 1)
        if depth == 0:
            return index
    return Malformed.at("comment-unclosed", text, start)


def _elements(tokens: Sequence[_Token]) -> Iterator[tuple[int, list[_Token]]]:
    """Split a list at its commas, those inside angle brackets aside; each element with where it begins."""
    element: list[_Token] = []
    start, in_angle = 0, False
    for token in tokens:
        in_angle = token.kind == "<" or (in_angle and token.kind != ">")
        if token.kind == "," and not in_angle:
            yield start, element
            start, element = token.end, []
        else:
            element.append(token)
    yield start, element


def _address_span(text: str, content: Sequence[_Token]) -> tuple[int, int] | Malformed | None:
    """Find the address in the angle brackets of a list element, its CFWS left out; None if it has no such."""
    kinds = [token.kind for token in content]
    opening = kinds.index("<") if "<" in kinds else len(kinds)
    for index, token in enumerate(content[:opening]):
        begins_group = token.kind == ":" and index > 0 and _PHRASE.issuperset(kinds[:index])
        if begins_group and ";" in text[token.end :]:
            return Malformed.at("from-group", text, token.start)
        if token.kind in _NEVER or (opening < len(kinds) and token.kind not in _PHRASE):
            return Malformed.at(_NOT_IN_PHRASE.get(token.kind, "special-in-name"), text, token.start)
    if opening == len(kinds):
        return None
    if ">" not in kinds[opening:]:
        return Malformed.at("angle-unclosed", text, content[opening].start)
    closing = kinds.index(">", opening)
    if closing + 1 < len(content):
        return Malformed.at("text-after-address", text, content[closing + 1].start)
    start, end = content[opening].end, content[closing].start
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip(_BLANKS)), end - len(inner) + len(inner.rstrip(_BLANKS))


def _bare_address_span(
    text: str, element: Sequence[_Token], content: Sequence[_Token], words: Sequence[tuple[int, int]]
) -> tuple[int, int] | Malformed:
    """Find the address of a list element that has no angle brackets.

    Some readers end a comment at its first ``)``, escaped, nested or encoded
    as it may be, and what follows there runs into the address. So does what
    an encoded-word hides that begins in one comment and ends in another, and
    what stands behind a bracket without its other half, or, before the
    address, behind a quote, or an at sign and a delimiter.
    """
    if not any(token.kind == "@" for token in content):
        return Malformed.at("no-address", text, content[0].start)
    for token in element:
        if token.kind != "comment":
            continue
        if any(_overlaps(words, edge, edge + 1) for edge in (token.start, token.end - 1)):
            return Malformed.at("comment-beside-address", text, token.start)
        inside = text[token.start + 1 : token.end - 1]
        sure = [inside, *(view for reader in READERS if not reader.doubtful for view in _decoded(inside, reader))]
        doubtful = [view for reader in READERS if reader.doubtful for view in _decoded(inside, reader)]
        before = token.start < content[0].start
        goes_on = any(view.partition(")")[2].strip(_BLANKS + ")") for view in sure + doubtful)
        if goes_on or any(_misleads(view, before=before) for view in sure):
            return Malformed.at("comment-beside-address", text, token.start)
    return content[0].start, content[-1].end


def _misleads(comment: str, *, before: bool) -> bool:
    """Say whether some reader goes astray in a comment beside an address.

    Emacs does at half a pair of brackets and, before the address, at a quote;
    Horde there at an at sign and a delimiter.
    """
    if not before:
        return _has_half(comment, ">]")
    split = "@" in comment and not _SPLITTING.isdisjoint(comment)
    return split or '"' in comment or _has_half(comment, "<>[]")


def _has_half(comment: str, brackets: str) -> bool:
    """Say whether there is one of some brackets without its other half."""
    if not any(bracket in comment for bracket in brackets):
        return False
    rest = comment if "\\" in comment else _PAIR.sub("", comment)
    return any(bracket in rest for bracket in brackets)


def _overlaps(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Say whether one of some sorted, disjoint spans overlaps another one."""
    before_end = bisect_left(spans, (end, 0))
    return before_end > 0 and spans[before_end - 1][1] > start


def _with_views(address: Address, around: str, *, loose: bool, quotes_move: bool) -> Mailbox | Malformed:
    """Keep what different readers see around an address, as far as that has an ``@``.

    As it stands, and with its encoded-words decoded by each of `READERS`, and
    what comes out of that decoded again.
    """
    if not _DECEIVING.search(around.replace(_HERE, "")):
        return Mailbox(address)
    text = _BLANK.sub(" ", around)
    decoded = []
    for reader in READERS if "=?" in text else ():
        views = _decoded(text, reader)
        for view in views:
            fault = word_fault(view)
            if fault:
                return Malformed(fault[0], 0)
            if reader in USUAL_READERS and (unreadable := _UNREADABLE_DECODED.search(view)):
                return Malformed(_UNREADABLE_DECODED_RULES[str(unreadable.lastgroup)], 0)
        decoded += [view for view in views if not reader.doubtful or _DOTTED_ADDRESS.search(view)]
    unquoted = [_unquoted(view) for view in decoded]
    if quotes_move or _quotes_may_move(text, decoded):
        decoded += [_set_apart(view.translate(_QUOTING)) for view in [text, *decoded]]
    return Mailbox(
        address,
        raw=_forms([text]),
        decoded=_forms(decoded),
        unquoted=tuple(dict.fromkeys(view for view in unquoted if "@" in view or "<" in view)),
        loose=loose,
    )


def _forms(views: list[str]) -> tuple[str, ...]:
    """Give views as they are, in NFKC, and both without quotes and without comments, where they have an ``@``."""
    forms = list(dict.fromkeys(views))
    forms += [_nfkc(view) for view in forms]
    forms += [view.translate(_QUOTING) for view in forms] + [_without_comments(view) for view in forms]
    return tuple(dict.fromkeys(view for view in forms if _IN_VIEW.search(view)))


def _quotes_may_move(text: str, decoded: list[str]) -> bool:
    """Say whether a reader may see quotes and comments begin or end elsewhere.

    Encoded-words may decode to what begins or ends them, and some readers
    take the last backslash of a quoted string for the escape of its quote.
    """
    plain = without_words(text)
    return '\\\\"' in text or any(view.count(sign) > plain.count(sign) for view in decoded for sign in '"\\()[]')


def _set_apart(view: str) -> str:
    """Put delimiters around the place of the address, so that nothing beside it counts as its name."""
    return ",".join(_beside(view))


def _beside(view: str) -> tuple[str, str, str]:
    """Give what is before the address, its place, and what is behind it, without the angle brackets."""
    before, here, behind = view.partition(_HERE)
    return before.rstrip(" ").removesuffix("<"), here, behind.lstrip(" ").removeprefix(">")


def _decoded(text: str, reader: Reader) -> list[str]:
    """Decode, and decode again what came out of it, as often as something comes out."""
    views: list[str] = []
    while len(views) < _DECODING_DEPTH and "=?" in text:
        text = decode(text, reader)
        views.append(text)
    return views


def _nfkc(view: str) -> str:
    """Put each character into NFKC by itself: a run of combining ones must not be sorted (that is quadratic)."""
    forms = [c if c.isascii() else unicodedata.normalize("NFKC", c) for c in view]
    for wide in _WIDE_AT.finditer(view):
        if not _OF_A_DOMAIN.search("".join(forms[wide.start(1) : wide.end(2)])):
            forms[wide.start()] = wide[0][0]
    return "".join(forms)


def _without_comments(view: str) -> str:
    """Leave out what stands in balanced parentheses."""
    kept, depth = [], 0
    for piece in _PARENTHESIS.split(view):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(depth - 1, 0)
        elif depth == 0:
            kept.append(piece)
    return "".join(kept)


def _unquoted(view: str) -> str:
    """Leave out comments, and quoted strings that are no local part, as a parser of RFC 5322 does."""
    kept: list[str] = []
    index = 0
    while index < len(view):
        piece = _PIECE.match(view, index)
        assert piece is not None  # noqa: S101 - one of its branches takes any character; tells mypy so
        end = piece.end()
        if piece[0] == "(":
            comment_end = _comment_end(view, index, max_depth=len(view))
            if isinstance(comment_end, Malformed):
                return "".join([*kept, view[index:]])  # no comment to anybody who goes on reading
            end = comment_end
        elif piece.lastgroup != "name":
            kept.append(piece[0])
        index = end
    return "".join(kept)


def hidden_addresses(mailbox: Mailbox) -> Iterator[str]:
    """Give what a reader might take for the author instead of the address.

    That is a reader that ignores quotes, escapes, comments or encoding and
    then splits at delimiters: an address in angle brackets, an address beside
    one of ``, ; :``, and one in a part between those that has no other
    address. Or one that decodes first: then an address with a dotted domain
    that is in no quotes, and whatever there may be glued to the address. Or
    one that takes the first address of a field without sound angle brackets.
    """
    if mailbox.loose:
        # What is no ASCII and has no dot counts as a name: one with a wide at sign looks like this in NFKC.
        for view in mailbox.raw + mailbox.decoded:
            addresses = _candidates(view.partition(_HERE)[0])
            yield from (address for address in addresses if address.isascii() or _is_dotted(address))
    for view in mailbox.unquoted:
        before, _, behind = _beside(view)
        for text in (before, behind):
            bracketed = text.partition("<")[2].partition(">")[0]
            if "<" in text or text.rstrip(" ").endswith("@"):
                yield bracketed if "@" in bracketed else text.strip(" ")
            # Words in a row are one local part, or one domain, to readers that let blanks pass there.
            parts = (part.replace(" ", "") for part in _DELIMITER.split(text) if "<" not in part)
            yield from (part for part in parts if _is_dotted(part))
    for view in mailbox.decoded:
        yield from _extractable(_close_up(view, around="@."))
    for view in mailbox.raw:
        plain = set(_candidates(view))
        # In quotes, blanks around the "@" make a name of it ("User @ Company"), unless the domain is dotted.
        for found in _extractable(_close_up(view, around="@")):
            if found in plain or _is_dotted(found) or not _CANDIDATE.fullmatch(found):
                yield found


def _extractable(view: str) -> Iterator[str]:
    for bracketed in view.split("<")[1:]:
        inside = bracketed.partition(">")[0]
        if _HERE not in inside and _ROUTE.search(inside):
            yield from list(_candidates(inside)) or [inside]
    for match in _CANDIDATE.finditer(view):
        if _beside_delimiter(view, match.start() - 1, -1) or _beside_delimiter(view, match.end(), 1):
            yield match[0]
    parts = _DELIMITER.split(view)
    for part in parts if len(parts) > 1 else ():
        if _HERE not in part and "<" not in part:
            yield from _candidates(part)


def _candidates(view: str) -> Iterator[str]:
    return (match[0] for match in _CANDIDATE.finditer(view))


def _close_up(view: str, around: str) -> str:
    """Take out the blanks around each of some characters, as readers of RFC 5322 4.4 do."""
    for character in around:
        view = character.join(part.strip(" ") for part in view.split(character))
    return view


def _is_dotted(address: str) -> bool:
    """Say whether there is an address here at all, and a dot in its domain."""
    domain = address.partition("@")[2].strip("@" + _DOTS)
    return any(dot in domain for dot in _DOTS)


def shown_addresses(mailbox: Mailbox) -> Iterator[str]:
    """Give what a person who reads the name might take for an address: one with a dotted domain."""
    for view in mailbox.raw + mailbox.decoded:
        shown = (found.strip(_PUNCTUATION) for found in _candidates(view))
        yield from (address for address in shown if _is_dotted(address))


def _beside_delimiter(view: str, index: int, step: int) -> bool:
    """Say whether a delimiter is next to *index* in the direction of *step*, quotes and blanks aside.

    A ``>`` is one only behind an address: what stands behind the brackets of another is a comment.
    """
    while 0 <= index < len(view) and view[index] in _IGNORED:
        index += step
    return 0 <= index < len(view) and view[index] in (",;:>" if step > 0 else ",;:")

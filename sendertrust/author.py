r"""One From field body: its mailboxes, or why no two readers need agree on them.

What is accepted is RFC 5322 3.4 with the UTF-8 of RFC 6532, read strictly::

    mailbox-list  = mailbox *( "," mailbox )
    mailbox       = [CFWS] ( [phrase] "<" [FWS] addr-spec [FWS] ">" / addr-spec ) [CFWS]
    phrase        = 1*( atom / quoted-string / "." / CFWS )             ; the "." is of 4.1
    addr-spec     = what `address.parse_mailbox` reads: nothing inside it, no CFWS
    atom          = 1*( atext / UTF8-non-ascii )                        ; 3.2.3, RFC 6532 3.2
    quoted-string = DQUOTE *( any but DQUOTE or "\" / quoted-pair ) DQUOTE
    quoted-pair   = "\" any but CR or LF                               ; 3.2.1
    CFWS          = 1*( FWS / comment )                                 ; 3.2.2
    FWS           = 1*( SP / HTAB / CRLF )                              ; sound folds, see `message`
    comment       = "(" *( any but "(", ")" or "\" / quoted-pair / comment ) ")"

Recognised only to be refused by name are::

    group         = phrase ":" *any ";"                                 ; 3.4, RFC 6854
    obs-mbox-list = a list with an empty element                        ; 4.4
    obs-route     = "<" "@" *any ">"                                    ; 4.4, in `address`

What a name or a comment hides or shows is the business of `display_name`, which keeps what may matter of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from sendertrust.address import (
    ATEXT,
    DOMAIN,
    DOT_STRING,
    UNREADABLE,
    UNREADABLE_RULES,
    Address,
    parse_mailbox,
    plain_address,
)
from sendertrust.display_name import (
    MISLEADING,
    MISLEADING_RULES,
    SURE_ADDRESS,
    Mailbox,
    comment_end,
    cut_to_octets,
    mailbox_with_views,
)
from sendertrust.encoded_word import encoded_words, views, word_fault
from sendertrust.terms import Malformed, octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sendertrust.policy import Policy

__all__ = ["parse_author", "simple_author"]

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

_UNREADABLE: Final = re.compile(rf"{UNREADABLE}|{MISLEADING}")
_UNREADABLE_RULES: Final = {**UNREADABLE_RULES, **MISLEADING_RULES}

_CFWS: Final = frozenset({"blank", "comment"})
_WORDS: Final = frozenset({"atom", "quoted", "."})
_PHRASE: Final = _CFWS | _WORDS
_NOT_IN_PHRASE: Final = {
    "@": "at-in-name",
    ":": "delimiter-unexpected",
    ";": "delimiter-unexpected",
    ">": "angle-unopened",
}
_NEVER: Final = frozenset(":;>")  # outside angle brackets
_BLANKS: Final = " \t\r\n"
_MAX_MAILBOXES: Final = 64  # more than anybody writes, and each costs time

_SPLITTING: Final = frozenset(",:;<>")
_REST_OF_DOMAIN: Final = re.compile(r"[\w.\-]*\w")
_SPECIALS: Final = '(<>[]:;@\\,."'  # but for the one that closes a comment
# What Emacs pairs: brackets of ASCII and those that Unicode opens and closes (Ps, Pe), in comments too. A quote is its
# own other half: brackets may stand in pairs and in quotes, but not overlap them.
_PAIRS: Final = (
    "<>[]"
    "༺༻༼༽᚛᚜⁅⁆⁽⁾₍₎⌈⌉⌊⌋〈〉⎴⎵❨❩❪❫❬❭❮❯❰❱❲❳❴❵⟅⟆⟦⟧⟨⟩⟪⟫⟬⟭⟮⟯⦃⦄⦅⦆"
    "⦇⦈⦉⦊⦋⦌⦍⦎⦏⦐⦑⦒⦓⦔⦕⦖⦗⦘⧘⧙⧚⧛⧼⧽⸢⸣⸤⸥⸦⸧⸨⸩⹕⹖⹗⹘⹙⹚⹛⹜〈〉《》「」『』【】"
    "〔〕〖〗〘〙〚〛〝〞﴾﴿︗︘︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄﹇﹈﹙﹚﹛﹜﹝﹞（）［］｛｝｟｠｢｣"
)
_OTHER_HALF: Final = {'"': '"'} | dict(zip(_PAIRS[1::2], _PAIRS[::2], strict=True))
_HALVES: Final = frozenset(_PAIRS + '"')
_CLOSING: Final = frozenset(_PAIRS[1::2])


class _Token(NamedTuple):
    """A piece of a field: its kind (a special is its own kind) and where it stands."""

    kind: str
    start: int
    end: int


def simple_author(text: str, policy: Policy) -> Address | None:
    """Read the common shapes of a From field body in one step, or leave it to `parse_author`."""
    if len(text) > policy.max_line_octets or len(text) > policy.max_field_octets:
        return None
    simple = _SIMPLE.fullmatch(text)
    return simple and plain_address(simple[1] or simple[3], simple[2] or simple[4])


def parse_author(text: str, policy: Policy) -> tuple[Mailbox, ...] | Malformed:
    """Read the body of a From, Sender or Resent field into its mailboxes, one at least, in their order.

    *text* has been decoded by `address.as_text`, and `message.body_fault` has
    found its line breaks sound. An offset counts from its start.
    """
    if fault := _unreadable(text, policy):
        return fault
    tokens = _tokens(text, policy.max_comment_depth)
    if isinstance(tokens, Malformed):
        return tokens
    words = [word.span() for word in encoded_words(text)]
    comments = {
        token: _views_of_comment(text[token.start + 1 : token.end - 1]) for token in tokens if token.kind == "comment"
    }
    quotes_move = _quotes_move(text, tokens, comments)
    elements = list(_elements(tokens))
    if fault := _list_fault(text, elements, words):
        return fault
    mailboxes: list[Mailbox] = []
    for start, element in elements:
        content = [token for token in element if token.kind not in _CFWS]
        if not content:
            return Malformed.at("no-address" if len(element) == len(tokens) else "empty-element", text, start)
        span = _address_span(text, content, tokens) or _bare_address_span(
            text, content, words, {token: comments[token] for token in element if token in comments}
        )
        if isinstance(span, Malformed):
            return span
        if _overlapping(words, *span):
            return Malformed.at("encoded-word-in-address", text, span[0])
        address = parse_mailbox(text[slice(*span)], legacy_dots=policy.legacy_dots)
        if isinstance(address, Malformed):
            return Malformed(address.rule, octets(text[: span[0]]) + address.offset)
        end = element[-1].end
        mailbox = mailbox_with_views(address, text[start : span[0]], text[span[1] : end], quotes_move=quotes_move)
        if isinstance(mailbox, str):
            # What is no word in the field may look like one around an address with a question mark.
            return Malformed.at(mailbox, text, next((word for word, _ in words if start <= word < end), start))
        mailboxes.append(mailbox)
    return tuple(mailboxes)


def _unreadable(text: str, policy: Policy) -> Malformed | None:
    """Find what no structure can make good."""
    if octets(text) > policy.max_field_octets:
        return Malformed("field-too-long", 0)
    if unreadable := _UNREADABLE.search(text):
        return Malformed.at(_UNREADABLE_RULES[str(unreadable.lastgroup)], text, unreadable.start())
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
            end_of_comment = comment_end(text, index, max_comment_depth)
            if isinstance(end_of_comment, Malformed):
                return end_of_comment
            kind, end = "comment", end_of_comment
        tokens.append(_Token(kind, index, end))
        index = end
    return tokens


def _quotes_move(text: str, tokens: Sequence[_Token], comments: Mapping[_Token, Mapping[str, bool]]) -> bool:
    """Say whether some reader sees quoted strings begin or end elsewhere, or takes one for an address by itself.

    To Emacs a bracket or quote in one comment may have its other half in
    another one, and nothing in between counts.
    """
    with_halves = (any(_halves(view) for view, doubtful in seen.items() if not doubtful) for seen in comments.values())
    if sum(with_halves) > 1:
        return True
    words = [token for token in tokens if token.kind not in _CFWS]
    return any(_ends_phrase(text, word, following) for word, following in pairwise(words))


def _ends_phrase(text: str, word: _Token, following: _Token) -> bool:
    """Say whether some reader does not go on with a phrase between two words.

    Horde does not where one that is no ASCII stands behind a quoted string,
    Email::Address and mblaze where one of the two is an empty quoted string.
    """
    before, behind = text[word.start : word.end], text[following.start : following.end]
    with_empty = '""' in {before, behind} and {word.kind, following.kind} <= _WORDS
    return with_empty or (word.kind == "quoted" and (behind.startswith("=?") or not behind[0].isascii()))


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


def _list_fault(
    text: str, elements: Sequence[tuple[int, list[_Token]]], words: Sequence[tuple[int, int]]
) -> Malformed | None:
    """Find what is wrong with a list as such: too many elements, or an encoded-word that reaches over a comma."""
    if len(elements) > _MAX_MAILBOXES:
        return Malformed.at("field-too-long", text, elements[_MAX_MAILBOXES][0])
    for start, _ in elements:
        if word := _overlapping(words, start, start):
            return Malformed.at("encoded-word-unclosed", text, word[0])
    return None


def _address_span(text: str, content: Sequence[_Token], tokens: Sequence[_Token]) -> tuple[int, int] | Malformed | None:
    """Find the address in the angle brackets of a list element, its CFWS left out; None if it has no such.

    *tokens* are those of the whole list: a group has its end there, behind other elements perhaps.
    """
    kinds = [token.kind for token in content]
    opening = kinds.index("<") if "<" in kinds else len(kinds)
    for index, token in enumerate(content[:opening]):
        begins_group = token.kind == ":" and index > 0 and _PHRASE.issuperset(kinds[:index])
        if begins_group and any(other.kind == ";" for other in tokens):
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
    text: str,
    content: Sequence[_Token],
    words: Sequence[tuple[int, int]],
    comments: Mapping[_Token, Mapping[str, bool]],
) -> tuple[int, int] | Malformed:
    """Find the address of a list element that has no angle brackets, but perhaps comments."""
    if not any(token.kind == "@" for token in content):
        return Malformed.at("no-address", text, content[0].start)
    start, end = content[0].start, content[-1].end
    for token, seen in comments.items():
        if token.start < start:
            misleads = _misleads_before(seen, touching=text.startswith("(", token.end))
        else:
            misleads = _misleads_behind(seen, touching=token.start == end)
        # Who decodes first ends a comment where an encoded-word ends that began in it, and begins another one.
        if misleads or _goes_on(seen, before=token.start < start) or _overlapping(words, token.end, token.end):
            return Malformed.at("comment-beside-address", text, token.start)
    return start, end


def _views_of_comment(comment: str) -> dict[str, bool]:
    """Give what readers see in a comment, and for each view whether all who see it are doubtful."""
    seen = {comment: False}
    for text in dict.fromkeys([comment, *_each_word_alone(comment)]) if "=?" in comment else ():
        for view, doubtful in views(text).items():
            seen[view] = seen.get(view, True) and doubtful
    return seen


def _each_word_alone(comment: str) -> Iterator[str]:
    """Give each encoded-word as to a reader that cannot decode the others, an ``x`` for what follows."""
    end = len(comment.rstrip(_BLANKS + ")"))
    for word in encoded_words(comment):
        yield word[0] + ("x" if word.end() < end else "")


def _goes_on(seen: Mapping[str, bool], *, before: bool) -> bool:
    """Say whether some reader ends a comment at its first ``)``, and takes what is behind it for part of the address.

    That parenthesis may be nested, escaped or encoded. Behind an address, not
    any text counts if it is seen by chance, or characters are cut to octets.
    """
    for view, doubtful in seen.items():
        cut = cut_to_octets(view)
        if _text_behind(view) and (before or not doubtful or _names_another(view, ends=",()")):
            return True
        # A ")" at its end is no part of a domain.
        if cut != view and _text_behind(cut) and (before or _names_another(cut, ends=",(")):
            return True
    return False


def _text_behind(comment: str) -> str:
    """Give what is behind the first parenthesis that closes, without blanks and parentheses at its ends."""
    return comment.partition(")")[2].strip(_BLANKS + ")")


def _names_another(comment: str, ends: str) -> bool:
    """Say whether behind the first parenthesis there is an address, or the rest of the domain before the comment.

    That reaches up to one of *ends*, or if it has a dot, to any special of RFC 5322 3.2.3.
    """
    behind = f"{comment})".partition(")")[2]
    rest = "".join(behind.split())
    domain = _REST_OF_DOMAIN.match(rest)
    ended = domain and rest[domain.end()] in (ends + _SPECIALS if "." in domain[0] else ends)
    return bool(ended or SURE_ADDRESS.search(behind))


def _misleads_before(seen: Mapping[str, bool], *, touching: bool) -> bool:
    """Say whether some reader goes astray in a comment before an address, perhaps directly before another comment.

    There rspamd does in any case; mblaze at what is escaped, Emacs at a quote,
    half a comment or a bracket without its other half, and Horde at an at sign
    and a delimiter.
    """
    sure = [view for view, doubtful in seen.items() if not doubtful]
    return (
        touching
        or any('"' in view or "\\" in view or view.count("(") != view.count(")") or _halves(view) for view in sure)
        or any("@" in view and not _SPLITTING.isdisjoint(view) for view in sure)
    )


def _misleads_behind(seen: Mapping[str, bool], *, touching: bool) -> bool:
    """Say whether some reader goes astray in a comment behind an address, perhaps directly behind it.

    There rspamd does at a quote, and Horde at an at sign; Emacs everywhere at
    a bracket that closes without its other half.
    """
    sure = [view for view, doubtful in seen.items() if not doubtful]
    return (touching and any('"' in view or "@" in view for view in sure)) or any(
        not _CLOSING.isdisjoint(_halves(view)) for view in sure
    )


def _halves(comment: str) -> list[str]:
    """Give the brackets and quotes that are without their other half; where anything is escaped, each one is."""
    escaped = "\\" in comment
    alone: list[str] = []
    for half in (character for character in comment if character in _HALVES):
        if alone and alone[-1] == _OTHER_HALF.get(half) and not escaped:
            alone.pop()
        else:
            alone.append(half)
    return alone


def _overlapping(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int] | None:
    """Give the last of some sorted, disjoint spans that overlaps another one, or goes on across an empty one."""
    before_end = bisect_left(spans, (end, 0))
    return spans[before_end - 1] if before_end > 0 and spans[before_end - 1][1] > start else None

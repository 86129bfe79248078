"""What stands around an address: the display-name and the comments, and what they hide or show.

A reader may ignore quotes, escapes or comments, decode before it splits, or
normalise before either. So the text is kept in several forms, which are
called its views, and each is searched for what such a reader would take for
the author. That is found, and not judged: whose an address is, the account's
rights tell.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import attrs

from sendertrust.encoded_word import USUAL_READERS, decodings, encoded_words, views, without_words, word_fault
from sendertrust.terms import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sendertrust.address import Address

__all__ = [
    "MISLEADING",
    "MISLEADING_RULES",
    "SURE_ADDRESS",
    "Mailbox",
    "comment_end",
    "cut_to_octets",
    "hidden_addresses",
    "mailbox_with_views",
    "shown_addresses",
]

#: What misleads whoever reads a name, raw or decoded.
MISLEADING: Final = r"(?P<separator>[\u2028\u2029])|(?P<bidi>[\u202a-\u202e\u2066-\u2069])"
MISLEADING_RULES: Final = MappingProxyType({"separator": "line-separator", "bidi": "bidi-in-name"})

_IN_COMMENT: Final = re.compile(r"[^()\\]*+(?:(?P<open>\()|(?P<close>\))|\\[^\r\n])")

# Of what is decoded: there a tab or a line end folds nothing, and is a control character like any other.
_UNREADABLE: Final = re.compile(rf"(?P<control>[\x00-\x1f\x7f-\x9f])|{MISLEADING}")
_UNREADABLE_RULES: Final = {**MISLEADING_RULES, "control": "control-decoded"}

# Stands in a view for the address. A lone surrogate: the input cannot hold one here, and decoding cannot make one.
_HERE: Final = "\ud800"
_BLANK: Final = re.compile(r"[ \t\r\n]++")
_DELIMITER: Final = re.compile(r"[,;:]")
# What IDNA2003 takes for a dot between labels (RFC 3490 3.1), and what NFKC makes one of.
_DOTS: Final = ".\u3002\uff0e\uff61\u2024\ufe52"
# What NFKC makes a delimiter of: no letter of a name or of a domain.
_WIDE_DELIMITERS: Final = (
    "\u037e\u207d\u207e\u208d\u208e\ufe10\ufe13\ufe14\ufe35\ufe36\ufe50\ufe54\ufe55\ufe59\ufe5a\ufe64\ufe65"
    "\uff02\uff08\uff09\uff0c\uff1a\uff1b\uff1c\uff1e"
)
# A wide at sign, the letters behind it that are no ASCII, and what may be a dot behind those. It is the at sign of a
# name, which `_nfkc` leaves as it is, if nothing in all that is `_OF_A_DOMAIN`.
_WIDE_AT: Final = re.compile(rf"[\uff20\ufe6b]([^\x00-\x7f\uff20\ufe6b{_WIDE_DELIMITERS}]++)(?=( *+[{_DOTS}]|.?))")
_OF_A_DOMAIN: Final = re.compile(rf"[A-Za-z0-9{_DOTS}\-]")
# What a reader may skip between an address and a delimiter; and what a person reads over at either end of an address.
_IGNORED: Final = frozenset(" \"'()")
_PUNCTUATION: Final = "'.`*!?"
_QUOTING: Final = '"\\()'
_NOT_SHOWN: Final = '"\\'
_COMMENT_LOST: Final = re.compile(r"[)\"]")
_PARENTHESIS: Final = re.compile(r"([()])")
# In angle brackets, an address, or a route of old (`<host!user>`, `<user%host>`).
_ROUTE: Final = re.compile(r"@|\w[!%]\w")
# Without one of these a view has nothing that could be found: it is not kept.
_IN_VIEW: Final = re.compile(r"@|<[^<>!%]*+[!%]")
# Nor is text decoded or normalised that has none of these.
_DECEIVING: Final = re.compile(rf"{_IN_VIEW.pattern}|=\?|[^\x00-\x7f]")
# A local part in quotes, or a quoted string, perhaps without an end.
_IN_QUOTES: Final = re.compile(r'(?P<local_part>"[^"]*+"@)|"[^"]*+"?')
_QUOTED: Final = r'"(?>(?:[^"\\]++|\\.)*)"'
# Outside of comments: a quoted string that is a name, one that is a local part, or anything else.
_PIECE: Final = re.compile(rf'(?P<name>{_QUOTED}(?! *@))|{_QUOTED}|[^"(\\]++|\\.|.', re.DOTALL)
#: What is no chance: an address, perhaps with half a letter before the at sign, whose last label is one of letters.
SURE_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\")]\ufffd?@[A-Za-z0-9_\-]++\.(?>(?:[A-Za-z0-9_\-]++\.)*)[A-Za-z]{2}",
)
# What might be an address to somebody: not judged here, only found. Each run of ordinary
# characters is tried from its first one only, which keeps the search linear.
_ORDINARY: Final = rf"[^\s<>,;:\"()\[\]\\@{_HERE}{_WIDE_DELIMITERS}]"
_CANDIDATE: Final = re.compile(
    rf'(?:"[^"]*+"|(?<!{_ORDINARY}){_ORDINARY}++)@(?:\[[^\[\]]*+\]|(?>(?:{_ORDINARY}++|@)+))',
)


@attrs.frozen
class Mailbox:
    """One mailbox of From, Sender or a Resent field: the address, and the views of the text around it.

    All have `_HERE` in the place of the address, and are kept only where they
    may hold an address or a route.
    """

    address: Address
    #: The text as it stands, in several forms.
    raw: tuple[str, ...] = ()
    #: As readers see it that decode, likewise.
    decoded: tuple[str, ...] = ()
    #: As it is seen by those who see much by chance: only an address with a dotted domain counts.
    doubtful: tuple[str, ...] = ()
    #: What readers who decode find outside quotes and comments; and the same of those who see much by chance.
    unquoted: tuple[str, ...] = ()
    doubtful_unquoted: tuple[str, ...] = ()
    #: As a person may see it.
    shown: tuple[str, ...] = ()
    #: Not written as ``<address>``: to some readers brackets with a blank inside are none, and then the first address
    #: of the field counts.
    loose: bool = False


def comment_end(text: str, start: int, max_depth: int) -> int | Malformed:
    """Find where the comment ends that begins at *start*, counting parentheses instead of recursing into them."""
    depth, index = 0, start
    while part := _IN_COMMENT.match(text, index):
        index = part.end()
        depth += {"open": 1, "close": -1, None: 0}[part.lastgroup]
        if depth > max_depth:
            return Malformed.at("comment-too-deep", text, index - 1)
        if depth == 0:
            return index
    return Malformed.at("comment-unclosed", text, start)


def mailbox_with_views(address: Address, before: str, behind: str, *, quotes_move: bool) -> Mailbox | str:
    """Keep what different readers see before and behind an address, if it could deceive any of them.

    As it stands, and with its encoded-words decoded by each of `READERS`, and
    what comes out of that decoded again. With *quotes_move* some reader sees
    quoted strings begin or end elsewhere, so that they protect nothing.
    Or the rule that is broken, if decoding gives a word that has no end or
    begins inside another one, or gives `USUAL_READERS` a character that no
    name may have.
    """
    if not _DECEIVING.search(before + behind):
        return Mailbox(address)
    text = _BLANK.sub(" ", before + _HERE + behind)
    encoded = bool(encoded_words(text))
    seen = views(text) if encoded else {}
    if rule := _rule_broken(seen, text):
        return rule
    decoded = [view for view, doubtful in seen.items() if not doubtful]
    by_chance = _by_chance(seen, address)
    cut = [cut_to_octets(text), *filter(_has_sure_brackets, map(cut_to_octets, decoded))]
    cut = [_without_own(_BLANK.sub(" ", view), address) for view in cut]
    others = dict.fromkeys(map(_unquoted, _words_left_out(text))) if encoded else ()
    seen_in_others = [views(other) for other in others]
    unquoted = [_unquoted(view) for view in decoded]
    unquoted += [
        _without(view, _QUOTING) for other in seen_in_others for view, doubtful in other.items() if not doubtful
    ]
    shown = _shown_forms([text, *decoded, *filter(SURE_ADDRESS.search, by_chance)])
    doubtful_unquoted = [_unquoted(view) for view in by_chance + cut]
    quotes_move = quotes_move or _quotes_may_move(text, decoded)
    if quotes_move:
        decoded += [_set_apart(view) for view in [text, *decoded]]
    if quotes_move or _quotes_may_move(text, by_chance):
        by_chance += [_set_apart(view) for view in by_chance]
    return Mailbox(
        address,
        raw=_forms([text]),
        decoded=_forms(decoded),
        doubtful=_forms(by_chance),
        unquoted=tuple(dict.fromkeys(view for view in unquoted if "@" in view or "<" in view)),
        doubtful_unquoted=tuple(dict.fromkeys(view for view in doubtful_unquoted if "@" in view)),
        shown=shown,
        loose=f"<{_HERE}>" not in text,
    )


def cut_to_octets(text: str) -> str:
    """Cut each character to its last octet, as parsers do that take characters of UTF-16 for octets."""
    octets = (part.encode("utf-16-le")[::2] for part in text.split(_HERE))
    return _HERE.join(part.decode("latin-1") for part in octets)


def _rule_broken(seen: Iterable[str], text: str) -> str | None:
    """Find what is wrong with encoded-words that came out of others, or with what is read as RFC 2047 says."""
    for view in seen:
        if fault := word_fault(view):
            return fault[0]
    for view in (view for reader in USUAL_READERS for view in decodings(text, reader)):
        if unreadable := _UNREADABLE.search(view):
            return _UNREADABLE_RULES[str(unreadable.lastgroup)]
    return None


def _by_chance(seen: Mapping[str, bool], own: Address) -> list[str]:
    """Give what only doubtful readers see, if there may be an address in it, `_without_own`."""
    return [_without_own(view, own) for view, doubtful in seen.items() if doubtful and "@" in view]


def _without_own(view: str, own: Address) -> str:
    """Put a word for the own address, lest it is what is found with something by chance beside it."""

    def kept(found: re.Match[str]) -> str:
        same = found[0].lower() == own.text.lower() and (found[0] + own.text).isascii()
        return "own" if same or found[0] == own.text else found[0]

    return _CANDIDATE.sub(kept, view)


def _has_sure_brackets(view: str) -> bool:
    """Say whether there is an address in angle brackets that is no chance.

    Nobody is known who decodes first and then cuts characters to octets, and many a Russian name has an at sign then.
    """
    parts = _close_up(_without(view, _QUOTING), around="@.").split("<")[1:]
    return any(SURE_ADDRESS.search(part.partition(">")[0]) for part in parts)


def _words_left_out(text: str) -> Iterator[str]:
    """Give the text with an ``x`` for each encoded-word that shows nobody an at sign, or a bracket.

    To a reader that cannot decode it, it is a word like any other: glued to
    what is beside it, and no quote or comment begins or ends in it. A word
    right behind one that shows the sign may be the rest of the same address.
    """
    words = encoded_words(text)
    shown = ["".join(views(word[0])) for word in words]
    for sign in "@<":
        pieces, index, kept = [], 0, False
        for word, seen in zip(words, shown, strict=True):
            gap = text[index : word.start()]
            kept = sign in seen or (kept and not gap.strip(" "))
            pieces += [gap, word[0] if kept else "x"]
            index = word.end()
        yield "".join([*pieces, text[index:]])


def _without(view: str, characters: str) -> str:
    for character in characters:
        view = view.replace(character, "")
    return view


def _forms(views: list[str]) -> tuple[str, ...]:
    """Give views as they are, in NFKC, and both without quotes and without comments; only what is worth a search."""
    forms = list(dict.fromkeys(views))
    forms += [_nfkc(view) for view in forms]
    forms += [_without(view, _QUOTING) for view in forms] + [_without_comments(view) for view in forms]
    return tuple(dict.fromkeys(view for view in forms if _IN_VIEW.search(view)))


def _shown_forms(views: list[str]) -> tuple[str, ...]:
    """Give views in NFKC, and these without quotes and escapes and without comments."""
    forms = [_nfkc(view) for view in views]
    forms += [_without(view, _NOT_SHOWN) for view in forms] + [_without_comments(view) for view in forms]
    return tuple(dict.fromkeys(view for view in forms if "@" in view))


def _quotes_may_move(text: str, decoded: list[str]) -> bool:
    """Say whether a reader may see quotes and comments begin or end elsewhere.

    Encoded-words may decode to what begins or ends them, and some readers
    take the last backslash of a quoted string for the escape of its quote.
    Emacs pairs square brackets with them.
    """
    plain = without_words(text)
    return '\\\\"' in text or any(view.count(sign) > plain.count(sign) for view in decoded for sign in '"\\()[]')


def _set_apart(view: str) -> str:
    """Leave out quotes, and put delimiters around the place of the address and for brackets: nothing is its name."""
    return _without(",".join(_beside(view)), _QUOTING).replace("<", ",")


def _beside(view: str) -> tuple[str, str, str]:
    """Give what is before the address, its place, and what is behind it, without the angle brackets."""
    before, here, behind = view.partition(_HERE)
    return before.rstrip(" ").removesuffix("<"), here, behind.lstrip(" ").removeprefix(">")


def _nfkc(view: str) -> str:
    """Put a view into NFKC, but for the wide at sign of a name.

    Each character by itself: a run of combining ones must not be sorted (that is quadratic).
    """
    forms = {ord(character): unicodedata.normalize("NFKC", character) for character in set(view)}
    pieces, end = [], 0
    for wide in _WIDE_AT.finditer(view):
        start = wide.start()
        if not _OF_A_DOMAIN.search(view[start : wide.end(2)].translate(forms)):
            pieces += [view[end:start].translate(forms), wide[0][0]]
            end = start + 1
    return "".join([*pieces, view[end:].translate(forms)])


def _without_comments(view: str) -> str:
    """Leave out what stands in balanced parentheses, and what is behind one that nothing closes."""
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
    """Leave out comments, and put an ``x`` for a quoted string that is no local part, as a parser of RFC 5322 may."""
    kept: list[str] = []
    index = 0
    while index < len(view):
        piece = _PIECE.match(view, index)
        assert piece is not None  # noqa: S101 - one of its branches takes any character; tells mypy so
        end = piece.end()
        if piece[0] == "(":
            end_of_comment = comment_end(view, index, max_depth=len(view))
            if isinstance(end_of_comment, Malformed):
                return "".join([*kept, view[index:]])  # no comment to anybody who goes on reading
            end = end_of_comment
        else:
            kept.append("x" if piece.lastgroup == "name" else piece[0])
        index = end
    return "".join(kept)


def hidden_addresses(mailbox: Mailbox) -> Iterator[str]:
    """Give what a reader might take for the author instead of the address."""
    sure = mailbox.raw + mailbox.decoded
    if mailbox.loose:
        yield from _first_addresses(sure)
    yield from _if_nothing_escapes(sure)
    yield from _behind_a_comment(sure)
    yield from _in_no_quotes(mailbox.unquoted)
    yield from _in_decoded(mailbox.decoded)
    yield from _in_raw(mailbox.raw)
    for found in chain(_in_no_quotes(mailbox.doubtful_unquoted), _in_decoded(mailbox.doubtful)):
        if SURE_ADDRESS.search(_close_up(found, around="@.")):
            yield found


def _first_addresses(views: Iterable[str]) -> Iterator[str]:
    """Give what a reader finds that takes the first address of a field without sound angle brackets.

    What is no ASCII and has no dot counts as a name: one with a wide at sign looks like this in NFKC.
    """
    for view in views:
        addresses = _candidates(view.partition(_HERE)[0])
        yield from (address for address in addresses if address.isascii() or _is_dotted(address))


def _if_nothing_escapes(views: Iterable[str]) -> Iterator[str]:
    """Give what a reader finds that knows no escapes, and leaves out first quoted strings, then comments: Sylpheed.

    One that it sees no end of reaches to the end of the field, and all take the blanks behind them along. If the
    address goes that way, what is left is it.
    """
    for view in views:
        left = _close_up(_without_comments(_IN_QUOTES.sub(r"\g<local_part>", view)), around="@")
        if _HERE not in left:
            yield from _candidates(left)
            if left.endswith("@"):  # what stands in the quotes of the own address goes on with it
                yield left


def _behind_a_comment(views: Iterable[str]) -> Iterator[str]:
    """Give what a reader finds that loses a comment behind the address at its first ``)`` or quote: rspamd."""
    for view in views:
        behind = view.partition(_HERE)[2]
        if lost := _COMMENT_LOST.search(behind):
            yield from _candidates(behind[lost.end() :])


def _in_no_quotes(views: Iterable[str]) -> Iterator[str]:
    """Give what a reader finds that decodes first and then parses: no quotes protect what came out.

    An address with a dotted domain, and whatever there may be glued to the own one.
    """
    for view in views:
        before, _, behind = _beside(view)
        for text in (before, behind):
            bracketed = text.partition("<")[2].partition(">")[0]
            if "<" in text or text.rstrip(" ").endswith("@"):
                yield bracketed if "@" in bracketed else text.strip(" ")
            # Words in a row are one local part, or one domain, to readers that let blanks pass there.
            parts = (part.replace(" ", "") for part in _DELIMITER.split(text) if "<" not in part)
            yield from (part for part in parts if _is_dotted(part))


def _in_decoded(views: Iterable[str]) -> Iterator[str]:
    """Give what a reader finds that decodes, ignores quotes, escapes or comments, and then splits at delimiters."""
    for view in views:
        yield from _extractable(_close_up(view, around="@."))


def _in_raw(views: Iterable[str]) -> Iterator[str]:
    """Give what a reader finds that does so without decoding.

    In quotes, blanks around the "@" make a name of it ("User @ Company"), unless the domain is dotted.
    """
    for view in views:
        plain = set(_candidates(view))
        for found in _extractable(_close_up(view, around="@")):
            if found in plain or _is_dotted(found) or not _CANDIDATE.fullmatch(found):
                yield found


def shown_addresses(mailbox: Mailbox) -> Iterator[str]:
    """Give what a person who reads the name might take for an address: one with a dotted domain."""
    for view in mailbox.shown:
        shown = (found.strip(_PUNCTUATION) for found in _candidates(view))
        yield from (address for address in shown if _is_dotted(address))


def _extractable(view: str) -> Iterator[str]:
    """Give what is in angle brackets or beside a delimiter, or in a part between delimiters without the address."""
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


def _beside_delimiter(view: str, index: int, step: int) -> bool:
    """Say whether a delimiter is next to *index* in the direction of *step*, quotes and blanks aside.

    A ``>`` is one only behind an address: what stands behind the brackets of another is a comment.
    """
    while 0 <= index < len(view) and view[index] in _IGNORED:
        index += step
    return 0 <= index < len(view) and view[index] in (",;:>" if step > 0 else ",;:")


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

"""What other programs rely on: names, signatures, and that importing does nothing else.

``public_api.txt`` lists every public name with its signature; its first line
quotes the entry of the changelog that tells of the list's last change. After
a change of the public API and of the changelog, say which entry it is by the
first words of it: ``python tests/test_public_api.py "the first words"``.
"""

from __future__ import annotations

import enum
import hashlib
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import pytest

import sendertrust
import sendertrust.integrations
import sendertrust.maps
import sendertrust.testing

# The import line of the law, word for word, and what the laws of grants and attestation add to it.
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
    PolicyError,
    Reason,
    Reply,
    ReplyStyle,
    ReplyTable,
    Stage,
    TrustLevel,
    Verdict,
    check,
    check_message,
    reply_for,
)

ADDED = {"Grant", "Right", "authentication_results"}
IMPORT_LINE = """
from sendertrust import (TrustLevel, check, check_message, reply_for, Policy, EPOST, SUBMISSION, STRICT, Verdict, Finding, Reason,
                         Action, Stage, Reply, ReplyStyle, ReplyTable, Aliases, UNSEEN, LOOKUP_FAILED, PolicyError)
"""  # noqa: E501 - as it is published

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Run first in a fresh interpreter; `-c` imports nothing by itself.
AUDIT = """
import sys

CODE = (".py", ".pyc", ".so", ".pyd")

def audit(event, arguments):
    if event == "open" and not str(arguments[0]).endswith(CODE):
        raise AssertionError(f"opens {arguments[0]!r}")
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "urllib.", "sqlite3.")):
        raise AssertionError(event)

sys.addaudithook(audit)
"""


def run_fresh(program: str) -> str:
    """Run a program in an interpreter that has imported nothing yet."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-I", "-B", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_is_the_published_list() -> None:
    """`__all__` is exactly that list, and what grants and attestation need."""
    published = set(re.findall(r"\w+", IMPORT_LINE.partition("(")[2]))

    assert len(published) == 20
    assert set(sendertrust.__all__) == published | ADDED
    assert len(sendertrust.__all__) == len(published | ADDED)


def test_the_import_line_works() -> None:
    names: dict[str, object] = {}
    exec(IMPORT_LINE, names)  # noqa: S102 - the line is above

    assert names.keys() - {"__builtins__"} == set(sendertrust.__all__) - ADDED
    assert all(value is getattr(sendertrust, name) for name, value in names.items() if name != "__builtins__")


def test_every_public_name_is_documented() -> None:
    for name in sendertrust.__all__:
        value = getattr(sendertrust, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name


def test_the_version_is_that_of_the_distribution() -> None:
    assert sendertrust.__version__ == metadata.version("sendertrust")


@pytest.mark.parametrize("hidden", ["dns", "aiosmtpd", "asyncio", "socket", "sendertrust.integrations"])
def test_importing_does_not_load(hidden: str) -> None:
    """`import sendertrust` loads neither dnspython nor any integration."""
    loaded = run_fresh("import sys, sendertrust; print('\\n'.join(sys.modules))").split("\n")

    assert "sendertrust.decision" in loaded
    assert [name for name in loaded if name == hidden or name.startswith(f"{hidden}.")] == []


@pytest.mark.parametrize("optional", ["maps", "testing", "cli", "__main__"])
def test_importing_does_not_load_what_is_optional(optional: str) -> None:
    assert run_fresh(f"import sys, sendertrust; print('sendertrust.{optional}' in sys.modules)") == "False\n"


def test_importing_does_no_io() -> None:
    """`import sendertrust` does no I/O: it opens nothing but code, no socket and no process."""
    assert run_fresh(AUDIT + "import sendertrust\nprint(len(sendertrust.__all__))") == "23\n"


def test_checking_does_no_io() -> None:
    """`check` is pure: no I/O, no DNS, no clock, no global state, no logging."""
    program = """
from sendertrust import *
for header in ("user1@a.example", "=?iso-2022-jp?B?GyRCOzNFRBsoQg==?= <u@例え.jp>", "a b", b"\\xe9"):
    for aliases in ((), ["@x.example"], LOOKUP_FAILED):
        verdict = check("user1@a.example", "あ@例え.jp", header, aliases, level=TrustLevel.HEADER)
        bytes(reply_for(verdict)), str(verdict), verdict.to_dict()
        check_message("user1@a.example", "<>", b"From: x\\r\\n\\r\\n", aliases, policy=STRICT)
"""
    assert run_fresh(AUDIT + program) == ""


@pytest.mark.parametrize(
    "forbidden",
    ["open('/dev/null')", "import socket; socket.socket()", "import subprocess; subprocess.run(['true'])"],
)
def test_the_audit_sees(forbidden: str) -> None:
    with pytest.raises(AssertionError, match="AssertionError"):
        run_fresh(AUDIT + forbidden)


EMPTY = inspect.Parameter.empty


@pytest.mark.parametrize("function", [check, check_message])
def test_signature_of_a_check(function: object) -> None:
    """`check(auth_id, envelope_from, header_from, aliases=(), *, level=None, policy=EPOST, line_ends="crlf")`."""
    third = "header_from" if function is check else "message"
    signature = inspect.signature(function)  # type: ignore[arg-type]  # it is one of two functions

    positional, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    assert [(p.name, p.kind, p.default) for p in signature.parameters.values()] == [
        ("auth_id", positional, EMPTY),
        ("envelope_from", positional, EMPTY),
        (third, positional, EMPTY),
        ("aliases", positional, ()),
        ("level", keyword, None),
        ("policy", keyword, EPOST),
        ("line_ends", keyword, "crlf"),
    ]
    assert signature.return_annotation == "Verdict"


def test_signature_of_reply_for() -> None:
    """`reply_for(verdict, replies=None) -> Reply`."""
    signature = inspect.signature(reply_for)

    assert [(p.name, p.default) for p in signature.parameters.values()] == [("verdict", EMPTY), ("replies", None)]
    assert signature.return_annotation == "Reply"


@pytest.mark.parametrize(
    ("members", "published"),
    [
        (TrustLevel, "AUTH_ID ENVELOPE HEADER"),
        (Action, "ACCEPT REJECT DEFER"),
        (Stage, "MAIL DATA"),
        (ReplyStyle, "EPOST SUBMISSION POSTFIX"),
        (
            Reason,
            (
                "OK NOT_AUTHENTICATED ENVELOPE_MISMATCH ENVELOPE_MALFORMED ENVELOPE_NULL HEADERS_MALFORMED "
                "FROM_MISSING FROM_DUPLICATE FROM_MULTIPLE FROM_GROUP FROM_MALFORMED FROM_HIDDEN_ADDRESS FROM_MISMATCH "
                "FROM_NOT_ENVELOPE SENDER_MISMATCH DISPLAY_NAME_SPOOF LOOKUP_FAILED"
            ),
        ),
    ],
)
def test_members(members: type[enum.Enum], published: str) -> None:
    """`Reason` is this list and no other."""
    assert [member.name for member in members] == published.split()


@pytest.mark.parametrize(
    ("value", "published"),
    [
        (Finding, ["reason", "claimed", "rule", "offset"]),
        (Reply, ["code", "enhanced", "text"]),
        (
            Verdict,
            [
                "policy",
                "required",
                "stage",
                "auth_id",
                "envelope_from",
                "header_from",
                "findings",
                "matched_by",
                "advisories",
            ],
        ),
    ],
)
def test_fields(value: type[attrs.AttrsInstance], published: list[str]) -> None:
    assert [field.name for field in attrs.fields(value)] == published


def test_verdict_derives() -> None:
    derived = {name for name, member in vars(Verdict).items() if isinstance(member, property)}

    assert derived >= {
        "decision",
        "action",
        "allowed",
        "applies",
        "pending",
        "achieved",
        "reason",
        "reasons",
    }
    assert callable(Verdict.satisfies)
    assert callable(Verdict.to_dict)


@pytest.mark.parametrize(
    "value",
    [
        EPOST,
        SUBMISSION,
        STRICT,
        Aliases(["a@b.example"]),
        Finding(Reason.FROM_GROUP, None, "from-group"),
        check("a@b", "a@b", UNSEEN),
        reply_for(check("a@b", "a@b", UNSEEN)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_immutable(value: attrs.AttrsInstance) -> None:
    """Every public value is immutable and may be shared by threads."""
    for name in [*(field.name for field in attrs.fields(type(value))), "extra"]:
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            setattr(value, name, None)


def test_reply_table_is_immutable() -> None:
    from sendertrust.reply import EPOST_REPLIES  # noqa: PLC0415 - the one table at hand is not public

    assert isinstance(EPOST_REPLIES, ReplyTable)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        EPOST_REPLIES.name = "mine"  # type: ignore[misc]  # that it is frozen is the test
    with pytest.raises(TypeError):
        EPOST_REPLIES.rows[Reason.OK, Stage.MAIL] = "250 x"  # type: ignore[index]  # likewise


def test_sentinels_are_not_text() -> None:
    for sentinel in (UNSEEN, LOOKUP_FAILED):
        assert not isinstance(sentinel, str | bytes | tuple)
    assert repr(UNSEEN) != repr(LOOKUP_FAILED)


def test_policy_error_is_a_value_error() -> None:
    assert issubclass(PolicyError, ValueError)
    with pytest.raises(PolicyError):
        Policy(level="hedaer")


def test_levels_are_ordered_and_no_numbers() -> None:
    """`TrustLevel` is a plain ordered Enum, not an int."""
    assert TrustLevel.AUTH_ID < TrustLevel.ENVELOPE < TrustLevel.HEADER
    assert not issubclass(TrustLevel, int)
    assert [preset.level for preset in (EPOST, SUBMISSION, STRICT)] == [
        TrustLevel.AUTH_ID,
        TrustLevel.HEADER,
        TrustLevel.HEADER,
    ]


# The whole surface, beside the law's own words above

SNAPSHOT: Final = Path(__file__).with_name("public_api.txt")
CHANGELOG: Final = Path(__file__).parents[1] / "CHANGELOG.md"
FIRST_LINE: Final = 'Surface {digest} is that of the changelog\'s entry "{entry}"'
#: What a class may be turned into, called with or compared by; the rest of its special methods is not listed.
SPECIAL: Final = {"__bool__", "__bytes__", "__call__", "__ge__", "__gt__", "__le__", "__lt__", "__str__"}
PRESETS: Final = {"EPOST": EPOST, "SUBMISSION": SUBMISSION, "STRICT": STRICT}


class Bare:
    """A text that `inspect.Signature` writes as it is, without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def written(value: object) -> str:
    """Write a value in the same way on every Python."""
    if inspect.isfunction(value):
        return value.__name__
    preset = next((name for name, policy in PRESETS.items() if value is policy), None)
    return preset or (str(value) if isinstance(value, enum.Enum) else repr(value))


def signature_of(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(
            annotation=EMPTY if parameter.annotation is EMPTY else Bare(parameter.annotation),
            default=EMPTY if parameter.default is EMPTY else Bare(written(parameter.default)),
        )
        for parameter in signature.parameters.values()
    ]
    returned = EMPTY if inspect.isclass(function) else Bare(signature.return_annotation)
    text = str(signature.replace(parameters=parameters, return_annotation=returned))
    return f"{text} async" if inspect.iscoroutinefunction(function) else text


def members_of(cls: type) -> Iterator[str]:
    """Give the fields, properties and methods that a class of the package has or inherits from one."""
    if attrs.has(cls):
        yield from (f"{field.name}: {field.type}" for field in attrs.fields(cls) if not field.name.startswith("_"))
    fields = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    ours = [base for base in reversed(cls.__mro__) if base.__module__.startswith("sendertrust")]
    for name, member in {name: member for base in ours for name, member in vars(base).items()}.items():
        if name in fields or (name.startswith("_") and name not in SPECIAL):
            continue
        if isinstance(member, property):
            yield f"{name} -> {member.fget.__annotations__['return']}" if member.fget else name
        elif isinstance(member, staticmethod | classmethod):
            yield f"{name}{signature_of(getattr(cls, name))} {type(member).__name__}"
        elif inspect.isfunction(member):
            yield f"{name}{signature_of(member)}"


def lines_of(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
        own_init = attrs.has(value) or "__init__" in vars(value)
        yield f"{name}{signature_of(value) if own_init else ''}" + (f" extends {bases}" if bases else "")
        if issubclass(value, enum.Enum):
            yield from (f"{name}.{member.name} = {member.value!r}" for member in value)
        yield from (f"{name}.{member}" for member in members_of(value))
    elif inspect.isfunction(value):
        yield f"{name}{signature_of(value)}"
    elif isinstance(value, Policy):
        options = {field.name: (getattr(value, field.name), field.default) for field in attrs.fields(Policy)}
        changed = (f"{option}={written(given)}" for option, (given, usual) in options.items() if given != usual)
        yield f"{name} = Policy({', '.join(changed)})"
    else:
        yield f"{name} = {written(value)}"


def surface() -> list[str]:
    """Describe all that is public, one line each."""
    integrations = pkgutil.iter_modules(sendertrust.integrations.__path__, "sendertrust.integrations.")
    modules = [sendertrust, sendertrust.maps, sendertrust.testing]
    modules += [importlib.import_module(module.name) for module in integrations]
    return [
        line
        for module in modules
        for name in sorted(module.__all__)
        for line in lines_of(f"{module.__name__}.{name}", getattr(module, name))
    ]


def digest_of(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


def changelog_entries() -> list[str]:
    """Give each entry of the changelog, on one line."""
    found = re.findall(r"^- (.+(?:\n  .+)*)", CHANGELOG.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [" ".join(entry.split()) for entry in found]


def quoted_entry() -> str:
    first = SNAPSHOT.read_text(encoding="utf-8").partition("\n")[0]
    return first.partition('"')[2].removesuffix('"')


def test_a_change_of_the_surface_is_in_the_changelog() -> None:
    """CONTRIBUTING: "Every change that a user can notice has an entry"."""
    first, *listed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    found = surface()
    gone, new = [line for line in listed if line not in found], [line for line in found if line not in listed]
    is_listed = found == listed
    assert is_listed, (
        "the public API is not what tests/public_api.txt lists. If that is meant, write an entry in CHANGELOG.md, and\n"
        '    python tests/test_public_api.py "the first words of the entry"\n'
        + "\n".join([*(f"- {line}" for line in gone), *(f"+ {line}" for line in new)])
    )
    entry = quoted_entry()
    assert first == FIRST_LINE.format(digest=digest_of(listed), entry=entry), (
        "tests/public_api.txt was changed by hand. Its first line says to which entry of the changelog it belongs:\n"
        '    python tests/test_public_api.py "the first words of the entry"\nwrites both'
    )
    is_there = entry in changelog_entries()
    assert is_there, (
        f"CHANGELOG.md has no entry {entry!r} any more, which is the one that tells of the last change of the public "
        'API. Was it reworded? Then\n    python tests/test_public_api.py "its first words"'
    )


def test_the_surface_has_all_that_is_public() -> None:
    names = {re.split(r"[( :]", line)[0] for line in surface()}
    assert {f"sendertrust.{name}" for name in sendertrust.__all__} <= names
    assert {f"sendertrust.maps.{name}" for name in sendertrust.maps.__all__} <= names
    assert {f"sendertrust.testing.{name}" for name in sendertrust.testing.__all__} <= names
    assert {"sendertrust.Reason.OK", "sendertrust.Verdict.satisfies", "sendertrust.Verdict.policy"} <= names


def write_snapshot(words: str) -> str:
    """Write the snapshot anew, for the changelog's entry that begins with *words*; give what became of it."""
    entries = [entry for entry in changelog_entries() if words and entry.startswith(words)]
    if len(entries) != 1:
        return f"{len(entries)} entries of CHANGELOG.md begin with {words!r}: write the first words of one"
    lines = surface()
    listed = SNAPSHOT.read_text(encoding="utf-8").splitlines()[1:] if SNAPSHOT.exists() else []
    if listed and listed != lines and quoted_entry() == entries[0]:
        return "that entry tells of the change before: write one for this change, or add this change to it"
    first = FIRST_LINE.format(digest=digest_of(lines), entry=entries[0])
    SNAPSHOT.write_text("\n".join([first, *lines]) + "\n", encoding="utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(write_snapshot(" ".join(sys.argv[1:])) or None)

"""Who may import whom: one straight line, no way back."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sendertrust

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(sendertrust.__file__).parent

# A core module imports only what ranks below it (policy takes address to validate default_domain).
RANKS = {
    "terms": 0,
    "charset": 0,
    "grant": 0,
    "encoded_word": 1,
    "address": 2,
    "display_name": 3,
    "policy": 3,
    "author": 4,
    "claims": 4,
    "message": 4,
    "rights": 4,
    "verdict": 4,
    "decision": 5,
    "reply": 5,
    "attestation": 5,
    "__init__": 6,
}
CORE = {module for module in RANKS if module != "__init__"}
# What a host may leave out; the last four may also use each other and the others.
OPTIONAL = {"maps", "testing", "options", "integrations", "cli", "demo", "__main__"}
MAY_USE_OPTIONAL = {"integrations", "cli", "demo", "__main__"}
JUDGES_OF_INTERNATIONAL_TEXT = {"email_validator", "idna"}


def imports(source: str) -> Iterator[tuple[str, str | None]]:
    """Give (module, name) of every import, those for type checkers too; name is None for a whole module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((module, alias.name) for alias in node.names)


def core_part(module: str, name: str | None) -> str | None:
    """Give the module of the package that an import needs, or None if it needs none."""
    top, _, rest = module.partition(".")
    if top != "sendertrust":
        return None
    return rest or (name if name in CORE | OPTIONAL else "__init__")


def problems(module: str, source: str) -> list[str]:
    """Say what a module (its path in the package, with dots) imports and may not."""
    check_one = _core_problem if module in RANKS else _optional_problem
    found = [
        problem
        for imported, name in imports(source)
        if (problem := _problem_anywhere(module, imported) or check_one(module, imported, name))
    ]
    return found + ([] if module in RANKS else _attribute_problems(source))


def _problem_anywhere(module: str, imported: str) -> str | None:
    if imported.startswith("."):
        return f"relative import {imported}"
    if imported.partition(".")[0] in JUDGES_OF_INTERNATIONAL_TEXT and module != "address":
        return f"{imported} is address's alone"
    return None


def _core_problem(module: str, imported: str, name: str | None) -> str | None:
    top = imported.partition(".")[0]
    part = core_part(imported, name)
    if part is None:
        known = top in sys.stdlib_module_names or top == "attrs" or top in JUDGES_OF_INTERNATIONAL_TEXT
        return None if known else f"the core does not need {imported}"
    if part not in RANKS:
        return f"{part} is optional"
    return None if RANKS[part] < RANKS[module] else f"{part} does not rank below {module}"


def _optional_problem(module: str, imported: str, name: str | None) -> str | None:
    if imported.partition(".")[0] != "sendertrust":
        return None
    if imported == "sendertrust" and (name is None or name in sendertrust.__all__):
        return None
    part = core_part(imported, name) or ""
    of, own = part.partition(".")[0], module.partition(".")[0]
    if of in OPTIONAL and (of == own or own in MAY_USE_OPTIONAL):
        return None
    return f"{imported} {name or ''} is not public"


def _attribute_problems(source: str) -> list[str]:
    """Find `sendertrust.name` where name is not public: the same import by another spelling."""
    public = {*sendertrust.__all__, "__version__"}
    return [
        f"sendertrust.{node.attr} is not public"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "sendertrust"
        and node.attr not in public
    ]


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts)


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_what_ranks_below(path: Path) -> None:
    assert problems(name_of(path), path.read_text("utf-8")) == []


def test_the_core_is_all_there() -> None:
    """Every module that is not optional has a rank."""
    found = {name_of(path) for path in PACKAGE.glob("*.py")}

    assert found <= set(RANKS) | OPTIONAL
    assert set(RANKS) <= found


def test_init_publishes_from_the_core_alone() -> None:
    source = (PACKAGE / "__init__.py").read_text("utf-8")

    assert {core_part(*imported) for imported in imports(source)} <= CORE


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("terms", "from sendertrust.encoded_word import decode"),
        ("terms", "import sendertrust"),
        ("address", "from sendertrust.policy import Policy"),
        ("author", "import sendertrust.message"),
        ("author", "from sendertrust import rights"),
        ("author", "if TYPE_CHECKING:\n    from sendertrust.decision import check"),
        ("decision", "def f():\n    from sendertrust.reply import reply_for"),
        ("reply", "from sendertrust.attestation import attest"),
        ("decision", "from sendertrust import Policy"),
        ("decision", "from sendertrust.testing import make_verdict"),
        ("decision", "from . import author"),
        ("decision", "import idna"),
        ("author", "from email_validator import validate_email"),
        ("message", "import aiosmtpd.smtp"),
        ("__init__", "from sendertrust.integrations.aiosmtpd import Mixin"),
        ("maps", "from sendertrust.rights import Aliases"),
        ("maps", "import sendertrust.rights"),
        ("maps", "from sendertrust import rights"),
        ("maps", "from sendertrust.testing import verdict"),
        ("testing", "import sendertrust\nsendertrust.verdict.Verdict()"),
        ("cli", "from sendertrust.decision import check"),
        ("cli", "import idna"),
        ("integrations.milter", "from sendertrust.message import fields_of_block"),
        ("integrations.milter", "from ..message import fields_of_block"),
    ],
)
def test_what_is_forbidden_is_found(module: str, source: str) -> None:
    assert len(problems(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("terms", "import re\nimport attrs"),
        ("address", "import idna, email_validator\nfrom sendertrust.terms import Malformed"),
        ("policy", "from sendertrust.address import parse_domain"),
        ("reply", "if TYPE_CHECKING:\n    from sendertrust.verdict import Verdict"),
        ("__init__", "from sendertrust.decision import check"),
        ("maps", "from sendertrust import Aliases\nimport tomllib"),
        ("cli", "import sendertrust\nfrom sendertrust.demo import play\nprint(sendertrust.__version__)"),
        ("cli", "from sendertrust.integrations.aiosmtpd import Mixin"),
        ("cli", "from sendertrust import check, demo"),
        ("integrations.aiosmtpd", "import aiosmtpd\nfrom sendertrust import check"),
    ],
)
def test_what_is_allowed_is_not(module: str, source: str) -> None:
    assert problems(module, source) == []

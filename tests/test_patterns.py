"""What no pattern of the package may have."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import sendertrust

MODULES = sorted(path.stem for path in Path(sendertrust.__file__).parent.glob("[a-z]*.py"))
_parser: Any = importlib.import_module("re._parser")
_op: Any = importlib.import_module("re._constants")
_ONE_CHARACTER = {_op.LITERAL, _op.NOT_LITERAL, _op.IN, _op.ANY}


def patterns() -> list[re.Pattern[Any]]:
    """Import the package once more, and give what it compiles."""
    compiled = []
    compile_ = re.compile

    def seen(pattern: Any, flags: int = 0) -> re.Pattern[Any]:
        compiled.append(compile_(pattern, flags))
        return compiled[-1]

    with mock.patch.dict(sys.modules), mock.patch.object(re, "compile", seen):
        for name in [name for name in sys.modules if name.partition(".")[0] == "sendertrust"]:
            del sys.modules[name]
        for module in MODULES:
            importlib.import_module(f"sendertrust.{module}")
    return compiled


def possessive_groups(tree: Any) -> int:
    """Count what is repeated possessively and is more than one character, at any depth of a parsed pattern."""
    if isinstance(tree, tuple) and tree and tree[0] is _op.POSSESSIVE_REPEAT:
        _, _, inner = tree[1]
        return (len(inner) != 1 or inner[0][0] not in _ONE_CHARACTER) + possessive_groups(inner)
    if isinstance(tree, tuple | list | _parser.SubPattern):
        return sum(possessive_groups(node) for node in tree)
    return 0


def test_no_group_is_possessive() -> None:
    """Changelog of CPython 3.11.5: "re module: fix the matching of possessive quantifiers in the case of a subpattern
    containing backtracking" (gh-106052).
    """
    compiled = patterns()
    assert len(compiled) > 50
    wrong = [found.pattern for found in compiled if possessive_groups(_parser.parse(found.pattern, found.flags))]
    assert wrong == []


def test_possessive_groups_are_seen() -> None:
    assert possessive_groups(_parser.parse(r"(?:ab)*+|(?>(?:(b.)?+x)*)|(?=(?:ab?c){2}+)")) == 3
    assert possessive_groups(_parser.parse(r"[()*+,\]]++(?>(?:a++)*)a*+(b)+.?+")) == 0

"""The blocks of the how-to pages, which the tests of the servers run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

PAGES: Final = Path(__file__).parents[2] / "docs" / "how-to"

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    found = _BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))
    return [block for block_language, block in found if block_language == language]


def definitions(page: str) -> dict[str, Any]:
    """Run what a page defines, its interactive examples left out; give the names."""
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        if not block.startswith(">>> "):
            exec(compile(block, page, "exec"), names)  # noqa: S102 - the documentation's own code
    return names

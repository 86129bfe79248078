"""How Sphinx builds the site: `sphinx-build -W --keep-going -n -b html docs OUT`."""  # noqa: INP001 - no package

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from sphinx.pycode import ModuleAnalyzer

import sendertrust

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).parents[1]

project = "sendertrust"
author = "The sendertrust maintainers"
project_copyright = author
version = release = sendertrust.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 3
exclude_patterns = ["_static"]

html_theme = "furo"
html_title = f"sendertrust {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

# The docstrings name things in single backticks.
default_role = "py:obj"
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 72
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

nitpick_ignore_regex = [
    ("py:class", r"(argparse|collections\.abc)\..+"),  # the standard library: nothing is fetched to link to it
    ("py:class", "Envelope|SMTP|Session"),  # aiosmtpd's
    # Unions that have a name for type checkers only: the docstrings say what may be passed.
    ("py:class", "AliasSource|AliasesOf|Answer|Found|HeaderFrom|LineEnds|Log|MessageSource|.*LookupFailed|.*Unseen"),
]

# Pages that stand beside docs/, where a Git host looks for them.
BESIDE = {name.lower(): ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "SECURITY", "CONTRIBUTING")}
SECTION = re.compile(r"^\*\*(.+)\*\*\n\n((?:- .+\n(?:  .+\n)*)+)", re.MULTILINE)
PAGE = re.compile(r"^- \[([^]]+)\]\(([^)#]+)\.md\)", re.MULTILINE)
DEFAULT = re.compile(r"attr_dict\['(\w+)'\]\.default")


def add_pages_beside(_app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Let Sphinx, which looks into one directory only, have the pages of the one above it too."""
    for name, path in BESIDE.items():
        env.project.docnames.add(name)
        env.project._docname_to_path[name] = path  # noqa: SLF001 - there is no public way
        env.project._path_to_docname[path] = name  # noqa: SLF001 - likewise
        docnames.append(name)


def add_navigation(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Make the navigation of the lists of the index, which so stays plain Markdown."""
    if docname != "index":
        return
    for caption, links in SECTION.findall(source[0]):
        pages = [f"{title} <{page.removeprefix('../').lower()}>" for title, page in PAGE.findall(links)]
        source[0] += "\n".join(["", "~~~{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "~~~", ""])


def say_language(
    _app: Sphinx, pagename: str, _template: str, context: dict[str, object], _doctree: nodes.document | None
) -> None:
    """Say which page is Japanese: what reads aloud goes by it, and so do fonts and line breaks."""
    if pagename == "ja":
        context["language"] = "ja"


def resolve_public_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Lead from where an object is written to where it is public: each is described once, by its public name."""
    name = node.get("reftarget", "").rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in sendertrust.__all__:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", f"sendertrust.{name}", node, content)


def shown(default: object) -> str:
    """Write a default as one would write it in code."""
    if isinstance(default, Enum):
        return str(default)
    return getattr(default, "__name__", repr(default))


def show_defaults(
    _app: Sphinx,
    _what: str,
    _name: str,
    documented: object,
    _options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Write the defaults that attrs keeps elsewhere, and leave out how an enum is called."""
    if not isinstance(documented, type):
        return signature, returned
    if issubclass(documented, Enum):
        return "", None
    if signature and attrs.has(documented):
        fields = attrs.fields_dict(documented)
        signature = DEFAULT.sub(lambda found: shown(fields[found[1]].default), signature)
    return signature, returned


def describe_constant(
    _app: Sphinx, what: str, name: str, _documented: object, _options: object, lines: list[str]
) -> None:
    """Take the comment above a constant from the module that makes it, and not its type's docstring."""
    for module in ("sendertrust.policy", "sendertrust.terms") if what == "data" else ():
        comments = ModuleAnalyzer.for_module(module).find_attr_docs()
        lines[:] = comments.get(("", name.rpartition(".")[2]), lines)


# A preset stands in a signature as what it is called, not as twenty options.
sendertrust.Policy.__repr__ = lambda policy: policy.name  # type: ignore[method-assign]  # nothing but this page sees it


def setup(app: Sphinx) -> None:
    """Connect them."""
    app.connect("env-before-read-docs", add_pages_beside)
    app.connect("source-read", add_navigation)
    app.connect("html-page-context", say_language)
    app.connect("missing-reference", resolve_public_name)
    app.connect("autodoc-process-signature", show_defaults)
    app.connect("autodoc-process-docstring", describe_constant)

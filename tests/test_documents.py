"""Every file that a page, a docstring or a comment names exists, and every relative link of a page leads somewhere.

A name without folder means one file: at the root, beside the file that names it, in the package of the service whose README
names it, or else the only one of that name. `*/commands.py` means each of them. A section of a rulebook (`meetings.yaml`) is
in every edition and is named without folder.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    path.relative_to(ROOT).as_posix()
    for top in ROOT.iterdir()
    if not top.name.startswith(".")
    for path in (top.rglob("*") if top.is_dir() else [top])
}
SECTIONS = {path.name for path in ROOT.glob("rulebooks/*/*/*.yaml")}
PAGES = [*ROOT.glob("README*.md"), *ROOT.glob("docs/*/*.md"), *ROOT.glob("services/*/README.md")]
CODE = [path for place in ("shared", "services", "demo", "bench") for path in ROOT.joinpath(place).rglob("*.py")]
NAME = re.compile(r"(?<![\w*./<>{}…-])[\w*./-]*[\w*]\.(?:py|sql|yaml|j2|toml)(?!\w)")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#([^)]*))?\)")


def said_in_page(text: str) -> str:
    """The text in backticks and the targets of links, without code blocks."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return "\n".join([*re.findall(r"`([^`]+)`", text), *(target.lstrip("./") for target, _ in LINK.findall(text))])


def said_in_code(text: str) -> str:
    """Docstrings and comments."""
    places = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, places)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


def headings(text: str) -> set[str]:
    """As links name them: lower case, hyphens for blanks, no punctuation."""
    return {
        re.sub(r"[^\w -]", "", line).replace(" ", "-") for line in re.findall(r"^#+ (.+)$", text.lower(), re.MULTILINE)
    }


@cache
def names() -> set[tuple[Path, str]]:
    said = [(path, said_in_page(path.read_text(encoding="utf-8"))) for path in PAGES]
    said += [(path, said_in_code(path.read_text(encoding="utf-8"))) for path in CODE]
    return {(path, name) for path, text in said for name in NAME.findall(text)}


def is_found(name: str, named_in: Path) -> bool:
    if any(path.joinpath(name).exists() for path in (ROOT, named_in.parent, *named_in.parent.glob("*_svc"))):
        return True
    found = [path for path in FILES if fnmatch(f"/{path}", f"*/{name}")]
    means_one = "/" not in name and "*" not in name and name not in SECTIONS
    return len(found) == 1 if means_one else bool(found)


def test_the_pages_and_the_code_name_files() -> None:
    assert len(PAGES) > 30
    assert len(names()) > 220
    assert {"government.yaml", "meetings.yaml", "planning.yaml"} <= SECTIONS


def test_every_file_that_is_named_exists_and_its_name_means_no_other() -> None:
    lost = sorted(f"{path.relative_to(ROOT)}: {name}" for path, name in names() if not is_found(name, path))
    assert not lost, "\n".join(lost)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target, heading in LINK.findall(page.read_text(encoding="utf-8")):
        there = page.parent / target
        assert there.exists(), target
        assert not heading or heading in headings(there.read_text(encoding="utf-8")), f"{target}#{heading}"

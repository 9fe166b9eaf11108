"""House rules checked by tests."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "shared" / "zhengling"
SERVICES = {path.name: path / f"{path.name.removesuffix('-svc')}_svc" for path in (ROOT / "services").glob("*-svc")}
#: The files on top of every service.
TOP = {"__init__", "app", "routes", "handlers", "feed", "settings", "scopes", "registry", "tables"}
#: The files of a noun that do I/O; every other file of a noun is pure.
IO_FILES = {
    "figures",
    "case",
    "commands",
    "queries",
    "table",
    "routes",
    "signing",
    "files",
    "from_decision",
    "from_instruction",
    "following",
    "recording",
}
#: Rooms of the library without I/O, and single modules of others.
PURE_ROOMS = ("kernel", "dates", "documents", "rules", "authority", "events")
PURE_MODULES = ("files.kinds", "web.payload_errors")
IO = {"fastapi", "starlette", "sqlalchemy", "aiokafka", "asyncpg", "httpx"}


def sources() -> Iterator[Path]:
    yield from LIBRARY.rglob("*.py")
    for package in SERVICES.values():
        yield from package.rglob("*.py")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, whole dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def pure_files() -> list[Path]:
    """The files without I/O: the services' nouns and rules, and the pure packages of the library."""
    nouns = [
        path for package in SERVICES.values() for path in package.glob("*/*.py") if path.parent.name != "migrations"
    ]
    found = [path for path in nouns if path.stem not in IO_FILES]
    for room in PURE_ROOMS:
        found += LIBRARY.joinpath(room).rglob("*.py")
    return found + [LIBRARY.joinpath(*module.split(".")).with_suffix(".py") for module in PURE_MODULES]


def test_the_guards_find_what_they_guard() -> None:
    assert len(SERVICES) == 4
    assert len(list(sources())) > 200
    assert len(pure_files()) > 130
    assert {"meeting", "topic", "minutes", "decision", "document"} <= {path.stem for path in pure_files()}


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_domain_is_pure(path: Path) -> None:
    reached = {name.split(".")[0] for name in imports(path)}
    assert not reached & IO
    allowed = [f"zhengling.{name}" for name in (*PURE_ROOMS, *PURE_MODULES)]
    for name in imports(path):
        within = any(name == place or name.startswith(f"{place}.") for place in allowed)
        leads_there = any(place.startswith(f"{name}.") for place in allowed)  # `from zhengling.files import kinds`
        assert not name.startswith("zhengling.") or within or leads_there, name


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_every_service_has_the_same_files(service: str) -> None:
    package = SERVICES[service]
    assert {path.stem for path in package.glob("*.py")} >= TOP
    assert (package / "migrations" / "env.py").exists()


def test_only_the_edges_commit() -> None:
    edges = {"database/session.py", "service/program.py"}
    offsets = {"backbone/consumer.py", "backbone/kafka.py"}  # Kafka's, not the database's
    for path in sources():
        place = path.relative_to(LIBRARY).as_posix() if path.is_relative_to(LIBRARY) else ""
        if place in edges:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
                assert place in offsets, f"{path}:{node.lineno}"


def calls_of(node: ast.AST, *names: str) -> Iterator[ast.Call]:
    """The calls of functions of these names inside a node."""
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in names:
            yield each


def functions() -> Iterator[tuple[Path, ast.AST]]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def nouns_of(node: ast.AST, name: str) -> set[str]:
    """The nouns, by class, that a function loads or locks."""
    return {ast.unparse(call.args[1]) for call in calls_of(node, name) if len(call.args) > 1}


def test_no_function_reads_a_noun_before_it_locks_one_of_its_kind() -> None:
    assert sum(len(nouns_of(node, "lock")) for _, node in functions()) > 15
    found = [f"{path}: {node.name}" for path, node in functions() if nouns_of(node, "load") & nouns_of(node, "lock")]  # type: ignore[attr-defined]
    assert not found, f"lock it, or select the columns that lead there: {found}"


def test_several_rows_are_locked_together_in_one_order_and_not_one_by_one_in_a_loop() -> None:
    loops = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.DictComp, ast.GeneratorExp)
    found = [
        f"{path}: {node.name}"  # type: ignore[attr-defined]
        for path, node in functions()
        for loop in ast.walk(node)
        if isinstance(loop, loops) and list(calls_of(loop, "lock"))
    ]
    assert not found, f"use lock_all: {found}"


def test_no_file_is_called_utils_common_helpers_base_or_manager() -> None:
    names = {part for path in sources() for part in (path.stem, path.parent.name)}
    assert not names & {"utils", "common", "core", "helpers", "base", "manager"}


def test_only_one_file_knows_aiokafkas_clients() -> None:
    clients = {"aiokafka.AIOKafkaConsumer", "aiokafka.AIOKafkaProducer"}
    assert [path.name for path in sources() if imports(path) & clients] == ["kafka.py"]


def test_every_handler_is_named_after_its_event() -> None:
    for package in SERVICES.values():
        tree = ast.parse((package / "handlers.py").read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.AsyncFunctionDef):
                assert node.name.startswith("on_"), f"{package.name}: {node.name}"


def test_every_module_says_what_it_is() -> None:
    for path in sources():
        if path.parent.name != "versions":
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_lock_file_pins_everything_with_hashes_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    pins = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(pins) > 50
    assert all("==" in line for line in pins)
    assert text.count("--hash=sha256:") >= len(pins)


#: Lists whose bound is the size of the whole: a composition is as large as an event may be.
BOUNDED_AS_A_WHOLE = {"Composition", "CompositionRows", "Portfolio"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_list_of_a_payload_has_a_bound(service: str) -> None:
    document = json.loads((ROOT / "docs/api/openapi" / f"{service.removesuffix('-svc')}.json").read_text("utf-8"))
    schemas = document["components"]["schemas"]
    bodies = [o["requestBody"] for path in document["paths"].values() for o in path.values() if "requestBody" in o]
    found: set[str] = set()
    coming = _named(bodies)
    while coming:
        found.add(name := coming.pop())
        coming |= _named(schemas[name]) - found
    unbounded = {
        name
        for name in found
        for part in _parts(schemas[name])
        if part.get("type") == "array" and "maxItems" not in part
    }
    assert unbounded <= BOUNDED_AS_A_WHOLE


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(part)


def _named(value: Any) -> set[str]:
    """The schemas that a part of the document refers to."""
    return {part["$ref"].rpartition("/")[2] for part in _parts(value) if isinstance(part.get("$ref"), str)}

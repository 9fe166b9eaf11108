"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "shared" / "zhengling"
SERVICES = {path.name: path / f"{path.name.removesuffix('-svc')}_svc" for path in (ROOT / "services").glob("*-svc")}
#: What does I/O in a service, by a file's name or the last part of it (`absence_commands`); every other file is pure.
ROLES = {
    "__init__", "app", "settings", "routes", "schemas", "commands", "tables", "table", "queries", "handlers", "feed", "scopes",
    "registry", "case", "signing", "files", "from_decision",
}  # fmt: skip
TOP = {"__init__", "app", "settings", "routes", "handlers", "feed"}
#: Modules and rooms of the library without I/O.
PURE_LIBRARY = (
    "kernel", "dates", "documents", "rules", "authority", "events", "files.kinds", "web.payload_errors",
    "errors", "file_kinds", "notices", "workdays", "moments", "deadlines", "explanations", "adjustments", "vocabulary",
    "absence_rules", "planning_rules", "cadence", "conditions", "meeting_rules", "rulebook", "gbt9704",
    "minutes_template", "characters", "payload_errors", "payload",
)  # fmt: skip
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
    """What has to do without I/O: the nouns of the services and their rules, and the pure rooms of the library."""
    files = [path for package in SERVICES.values() for path in package.rglob("*.py") if "migrations" not in path.parts]
    found = [path for path in files if path.stem not in ROLES and path.stem.rsplit("_", 1)[-1] not in ROLES]
    for name in PURE_LIBRARY:
        place = LIBRARY.joinpath(*name.split("."))
        found += [*place.rglob("*.py"), *filter(Path.exists, [place.with_suffix(".py")] if name != "documents" else [])]
    return found


def test_the_guards_find_what_they_guard() -> None:
    assert len(SERVICES) == 4
    assert len(list(sources())) > 200
    assert len(pure_files()) > 60
    assert {"meeting", "topic", "minutes", "decision", "document"} <= {path.stem for path in pure_files()}


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_domain_is_pure(path: Path) -> None:
    reached = {name.split(".")[0] for name in imports(path)}
    assert not reached & IO
    allowed = {f"zhengling.{name}" for name in PURE_LIBRARY}
    for name in imports(path):
        if name.startswith("zhengling.") and not any(module.startswith(f"{name}.") for module in allowed):
            assert any(name == module or name.startswith(f"{module}.") for module in allowed), name


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_every_service_has_the_same_files(service: str) -> None:
    package = SERVICES[service]
    assert {path.stem for path in package.glob("*.py")} >= TOP
    assert (package / "migrations" / "env.py").exists()


def test_only_the_edges_commit() -> None:
    edges = {"db.py", "process.py", "database/session.py", "service/program.py"}
    offsets = {"consumer.py", "kafka.py", "backbone/consumer.py", "backbone/kafka.py"}  # Kafka's, not the database's
    for path in sources():
        place = path.relative_to(LIBRARY).as_posix() if path.is_relative_to(LIBRARY) else ""
        if place in edges:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
                assert place in offsets, f"{path}:{node.lineno}"


def test_no_file_is_called_utils_common_helpers_base_or_manager() -> None:
    assert not [path for path in sources() if path.stem in {"utils", "common", "helpers", "base", "manager"}]


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

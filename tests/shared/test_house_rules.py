"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "shared" / "zhengling"
SERVICES = {path.name: path / f"{path.name.removesuffix('-svc')}_svc" for path in (ROOT / "services").glob("*-svc")}
#: Files of a service that are something other than a noun of the domain.
ROLES = {
    "__init__", "app", "settings", "routes", "schemas", "commands", "tables", "queries", "handlers", "feed", "scopes",
}  # fmt: skip
PURE_LIBRARY = (
    "errors", "file_kinds", "notices", "workdays", "moments", "deadlines", "explanations", "adjustments", "vocabulary",
    "absence_rules", "planning_rules", "cadence", "conditions", "meeting_rules", "rulebook", "authority", "events", "gbt9704",
    "minutes_template", "characters", "payloads",
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


def nouns() -> list[Path]:
    """A role split by noun stands beside it: `absence_commands` belongs to the commands."""
    files = [path for package in SERVICES.values() for path in package.glob("*.py")]
    return [path for path in files if path.stem not in ROLES and path.stem.rsplit("_", 1)[-1] not in ROLES]


def test_there_are_four_services_and_each_has_nouns_of_its_own() -> None:
    assert len(SERVICES) == 4
    assert {"meeting", "topic", "minutes", "decision", "document", "matter"} <= {path.stem for path in nouns()}


@pytest.mark.parametrize("path", [*nouns(), *(LIBRARY / f"{name}.py" for name in PURE_LIBRARY)], ids=lambda p: p.stem)
def test_the_domain_is_pure(path: Path) -> None:
    reached = {name.split(".")[0] for name in imports(path)}
    assert not reached & IO
    allowed = {f"zhengling.{name}" for name in PURE_LIBRARY}
    for name in imports(path):
        if name.startswith("zhengling."):
            assert any(name == module or name.startswith(f"{module}.") for module in allowed), name


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_every_service_has_the_same_files(service: str) -> None:
    package = SERVICES[service]
    there = {path.stem for path in package.glob("*.py")}
    needed = ROLES - ({each for each in ("tables", "scopes") if not (package / f"{each}.py").exists()})
    assert needed <= there
    assert (package / "migrations" / "env.py").exists()


def test_only_the_edges_commit() -> None:
    edges = {"db.py", "process.py"}
    for path in sources():
        if path.name in edges:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
                # the consumer's and its client's commit are of Kafka's offsets
                assert path.name in {"consumer.py", "kafka.py"}, f"{path}:{node.lineno}"


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

"""What all tests share: one stack of real parts, started once, and a sixth government written only here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
import yaml

from demo.main_job import Scenario
from tests.broker import chosen_broker
from tests.sixth import write_sixth_government
from zhengling.authority.composition import Composition
from zhengling.database.bootstrap import Passwords, bootstrap_database
from zhengling.local.client import Api
from zhengling.local.stack import EmbeddedStack

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "demo"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """A stack, PostgreSQL or Kafka that the environment names serves one process at a time; else a process for each core."""
    return 1 if {"DATABASE_ADMIN_URL", "KAFKA_BOOTSTRAP_SERVERS", "COMPOSE_STATE"} & os.environ.keys() else None


@pytest.fixture(scope="session")
def sixth_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root of rulebooks with one synthetic government."""
    root = tmp_path_factory.mktemp("sixth")
    write_sixth_government(root)
    return root


@pytest.fixture(scope="session")
def stack(sixth_root: Path) -> Iterator[EmbeddedStack]:
    """PostgreSQL, broker and the four services; or the PostgreSQL and Kafka that the environment names, or the whole stack of
    deploy/compose (`COMPOSE_STATE`)."""
    yield from running(sixth_root)


@pytest.fixture(scope="module")
def stack_of_its_own(sixth_root: Path) -> Iterator[EmbeddedStack]:
    """A stack for a file whose tests do what those of other files do, on the same days."""
    yield from running(sixth_root)


def running(sixth_root: Path) -> Iterator[EmbeddedStack]:
    if "COMPOSE_STATE" in os.environ:
        from tests.compose.stack import ComposeStack

        yield ComposeStack(Path(os.environ["COMPOSE_STATE"]))  # type: ignore[misc]
        return
    with EmbeddedStack(
        rulebooks=[ROOT / "rulebooks", sixth_root],
        broker=chosen_broker(),
        database_admin_url=os.environ.get("DATABASE_ADMIN_URL"),
        kafka_bootstrap_servers=os.environ.get("KAFKA_BOOTSTRAP_SERVERS"),
    ) as running:
        yield running
        warned = [
            log
            for log in (running.folder / "logs").glob("*.log")
            if "serializer warnings" in log.read_text("utf-8", "replace")
        ]
        assert not warned, f"values that aren't of their declared type were serialised: {warned}"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as session:
        yield session


@pytest.fixture
def api(stack: EmbeddedStack, client: httpx.AsyncClient) -> Callable[[str], Api]:
    """The four services as one government's people see them: `api("xigang")`."""
    return lambda government: Api(stack.addresses(), stack.issuer, government, client)


def composition_of(government: str) -> Composition:
    path = DEMO / "compositions" / f"{government}.yaml"
    return Composition.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def scenario_of(government: str) -> Scenario:
    scenarios = yaml.safe_load((DEMO / "scenarios.yaml").read_text(encoding="utf-8"))
    return Scenario.model_validate(scenarios[government])


class ScratchDatabase:
    """A database of its own with the backbone's tables, on the shared server: URLs by role, and a superuser's."""

    def __init__(self, stack: EmbeddedStack, name: str, passwords: Passwords) -> None:
        self.name = name
        self.admin = stack.database_admin_url.rsplit("/", 1)[0] + f"/{name}"
        host = self.admin.split("@", 1)[1]
        self.owner, self.app, self.worker = (
            f"postgresql://{name}_{role}:{getattr(passwords, role)}@{host}" for role in ("owner", "app", "worker")
        )


@pytest.fixture(scope="session")
async def scratch_database(stack: EmbeddedStack) -> AsyncIterator[Callable[..., object]]:
    """Makes fresh databases with the backbone (and `extra` SQL run by the owner): `await scratch_database()`."""
    from tests.backbone import migrate_backbone

    made: list[str] = []

    async def make(extra: str = "") -> ScratchDatabase:
        name = f"scratch_{uuid4().hex[:10]}"
        passwords = Passwords.random()
        await bootstrap_database(stack.database_admin_url, name, passwords)
        made.append(name)
        database = ScratchDatabase(stack, name, passwords)
        await migrate_backbone(database.owner, extra)
        return database

    yield make
    connection = await asyncpg.connect(stack.database_admin_url)
    for name in made:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for role in ("owner", "app", "worker"):
            await connection.execute(f'DROP ROLE IF EXISTS "{name}_{role}"')
    await connection.close()

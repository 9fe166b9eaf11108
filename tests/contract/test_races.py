"""Races: every command of the four services is sent twenty times at once, in a state in which one of them is lawful.

Two processes serve each API.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows import FLOWS, ground_of
from tests.races import Operation, Races, writing_operations
from zhengling.events.event import SERVICES
from zhengling.local.processes import ServiceProcess
from zhengling.local.stack import EmbeddedStack

pytestmark = pytest.mark.races


@pytest.fixture(scope="module")
def stack(stack_of_its_own: EmbeddedStack) -> EmbeddedStack:
    return stack_of_its_own


@pytest.fixture(scope="module")
def processes(stack: EmbeddedStack) -> Any:
    """The URLs of two API processes of each service."""
    second: dict[str, ServiceProcess] = {
        service: stack._service_process(service, "api", f"{service}-api-second") for service in SERVICES
    }
    try:
        for process in second.values():
            process.start()
        for process in second.values():
            process.wait_ready()
        yield {service: (url, second[service].url) for service, url in stack.addresses().items()}
    finally:
        for process in second.values():
            process.stop()


# ---------------------------------------------------------------------------------------------------------------------
#: Operations that no race is about, with the reason.
NOT_RACED: dict[Operation, str] = {
    ("meeting", "preview_composition"): "changes nothing",
    ("calendar", "preview_closure"): "changes nothing",
    ("calendar", "preview_notice"): "changes nothing",
    ("calendar", "compute_deadlines"): "changes nothing",
}


@pytest.mark.parametrize("name", FLOWS)
async def test_of_twenty_at_once_one_has_its_effect_and_the_others_hear_that_they_came_late(
    name: str, stack: EmbeddedStack, processes: Any
) -> None:
    run, drives = FLOWS[name]
    races = Races(stack, processes, drives)
    async with ground_of(stack, races) as ground:
        await run(ground)
    assert not (never := drives - races.won.keys()), f"never came to a race that one won: {sorted(never)}"


def test_every_command_of_the_four_documents_is_raced() -> None:
    driven = {operation for _, drives in FLOWS.values() for operation in drives}
    known = writing_operations()
    assert not (driven | NOT_RACED.keys()) - known, "no such operation"
    assert not driven & NOT_RACED.keys()
    assert not (missing := known - driven - NOT_RACED.keys()), (
        f"neither raced nor named with a reason: {sorted(missing)}"
    )

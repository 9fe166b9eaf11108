"""Rights come first: who may not do something hears that, and nothing about the state of what they may not touch."""

from __future__ import annotations

import pytest

from tests.flows import FLOWS, ground_of
from tests.trespassers import Trespassers
from zhengling.local.stack import EmbeddedStack

pytestmark = pytest.mark.races


@pytest.fixture(scope="module")
def stack(stack_of_its_own: EmbeddedStack) -> EmbeddedStack:
    return stack_of_its_own


@pytest.mark.parametrize("name", FLOWS)
async def test_who_has_no_right_to_a_command_hears_nothing_of_the_state_that_it_is_about(
    name: str, stack: EmbeddedStack
) -> None:
    run, drives = FLOWS[name]
    trespassers = Trespassers(stack, drives)
    async with ground_of(stack, trespassers) as ground:
        await run(ground)
    assert not (never := drives - trespassers.seen.keys()), f"never carried out: {sorted(never)}"
    assert not trespassers.told, "\n".join(f"{operation}: {told}" for operation, told in trespassers.told.items())

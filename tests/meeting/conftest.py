"""Shared fixtures of the meeting tests: a council after its meeting, and the offices of the five governments."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from demo.main_job import MainJob
from tests import sixth
from tests.conftest import composition_of, scenario_of
from tests.meeting import council as councils
from tests.meeting import offices as all_offices
from tests.meeting.council import Council, Hold
from tests.meeting.offices import PREFIX, Office
from zhengling.local.client import Api, at, load_composition
from zhengling.local.stack import EmbeddedStack


@pytest.fixture
async def council(stack: EmbeddedStack, api: Callable[[str], Api]) -> AsyncIterator[Hold]:
    """A meeting to be held, by default of the sixth government; business time is put back afterwards."""

    def make(government: str = sixth.CODE, **changes: Any) -> Council:
        people = sixth.COMPOSITION if government == sixth.CODE else composition_of(government)
        scenario = sixth.SCENARIO if government == sixth.CODE else scenario_of(government)
        plain = {"due": None} if government != sixth.CODE else {}
        decisions = tuple(each.model_copy(update=plain) for each in scenario.decisions)
        update = {
            "breach": None,
            "submitted": councils.SUBMITTED,
            "day": councils.DAY,
            "decisions": decisions,
        } | changes
        return Council(api(government), MainJob(api(government), people, scenario.model_copy(update=update)))

    for government in (sixth.CODE, "huancui", "zhanqian"):
        people = sixth.COMPOSITION if government == sixth.CODE else composition_of(government)
        await load_composition(api(government), people)
    yield make
    await api(sixth.CODE).set_clock(None)


@pytest.fixture
async def offices(stack: EmbeddedStack) -> AsyncIterator[dict[str, Office]]:
    """The five governments with their people, on the day on which topics are submitted."""
    async with httpx.AsyncClient(timeout=60) as client:
        made = {name: Office(Api(stack.addresses(), stack.issuer, name, client)) for name in PREFIX}
        for name, office in made.items():
            await load_composition(office.api, composition_of(name))
        await made["dalian"].api.set_clock(at(all_offices.SUBMITTED))
        yield made
        await made["dalian"].api.set_clock(None)

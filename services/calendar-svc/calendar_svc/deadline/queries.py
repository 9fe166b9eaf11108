"""Deadlines computed on request, one by one or as a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from calendar_svc.deadline.schemas import LONGEST_CODE, DeadlineRequest
from zhengling.database.session import enter_government, government_of
from zhengling.dates.deadlines import Due, compute
from zhengling.dates.schemas import DueView, view_of
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Problem, Text
from zhengling.replicas import calendar as calendar_
from zhengling.rules.rulebook import Rulebook
from zhengling.web.call import Call

AD_HOC = "period"
WRITTEN_AT_A_TIME = 2000


@dataclass
class _Calculator:
    """Computes due dates for one call: each government's rules and calendar are read once."""

    call: Call
    calendars: dict[str, WorkdayCalendar] = field(default_factory=dict)
    books: dict[str, Rulebook] = field(default_factory=dict)

    async def enter(self, governments: Iterable[str]) -> None:
        """Load rules and calendars of these governments. Another government's deadlines require calendar:national
        (403)."""
        call = self.call
        wanted = set(governments) - self.calendars.keys()
        if wanted - {call.government} and not call.principal.has("calendar:national"):
            raise Problem(
                403,
                "another_government",
                Text("the request is for a deadline of another government", "无权查询其他政府的时限"),
                Text(f"ask for {call.government}, or use the scope calendar:national", "请查询本级政府的时限"),
            )
        for government in sorted(wanted):
            self.books[government] = call.service.rulebooks.current(government, call.now)
            if government != government_of(call.session):
                await enter_government(call.session, government)
            self.calendars[government] = await calendar_.current(call.session)
        if government_of(call.session) != call.government:
            await enter_government(call.session, call.government)

    def due(self, item: DeadlineRequest) -> Due:
        name = item.rule or AD_HOC
        rule = item.period.rule() if item.period else self.books[item.government].deadline(name)
        return compute(name, rule, item.from_, self.calendars[item.government], item.occurrence)


async def compute_deadlines(call: Call, requests: list[DeadlineRequest], *, with_trace: bool) -> list[DueView]:
    """Due dates by the rules in force today. Another government's require the scope calendar:national."""
    calculator = _Calculator(call)
    await calculator.enter(item.government for item in requests)

    def computed() -> list[DueView]:
        return [
            view_of(calculator.due(item), calculator.calendars[item.government], call.language, with_trace=with_trace)
            for item in requests
        ]

    return await asyncio.to_thread(computed)


async def compute_batch(call: Call, items: list[Any]) -> bytes:
    """Due dates without traces for the raw items of a batch (`DeadlineRequest`): the answer in JSON, its items in the form
    of `DueView`. Problems (422) name the item."""
    calculator = _Calculator(call)
    await calculator.enter(await asyncio.to_thread(_governments, items))
    return await asyncio.to_thread(_computed, calculator, items)


def _governments(items: list[Any]) -> set[str]:
    """The governments that valid items name; the first invalid item is found when its turn comes."""
    named = (item.get("government") for item in items if isinstance(item, dict))
    return {name for name in named if isinstance(name, str) and len(name) <= LONGEST_CODE}


def _computed(calculator: _Calculator, items: list[Any]) -> bytes:
    """Equal questions are computed once: most of 100,000 dates repeat."""
    known: dict[object, dict[str, Any]] = {}
    answers: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        try:
            key: object = tuple(item.items()) if len(item) == 3 and "from" in item and "rule" in item else place
            answer = known.get(key)
        except (AttributeError, TypeError):  # not an object, or a value that isn't the expected text
            key, answer = place, None
        if answer is None:
            request = _validated(item, place)
            try:
                answer = known[key] = _answer(calculator.due(request))
            except Problem as problem:
                problem.extra["place"] = f"items.{place}"
                raise
        answers.append(answer)
    # in parts, as orjson holds the interpreter for as long as it writes
    parts = (
        orjson.dumps(answers[at : at + WRITTEN_AT_A_TIME])[1:-1] for at in range(0, len(answers), WRITTEN_AT_A_TIME)
    )
    return b'{"items":[%b]}' % b",".join(parts)


def _validated(item: object, place: int) -> DeadlineRequest:
    try:
        return DeadlineRequest.model_validate(item)
    except ValidationError as error:
        found = [e | {"loc": ("body", "items", place, *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found, body=item) from error


def _answer(due: Due) -> dict[str, Any]:
    """As `view_of` without a trace, for orjson."""
    clause = due.terms.clause
    return {
        "date": due.date,
        "at": due.at,
        "provisional": due.provisional,
        "rule": due.rule,
        "clause": clause,
        "explanation": None,
        "trace": None,
        "changes": None,
    }

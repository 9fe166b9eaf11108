"""The replica of absences: the latest event of each absence decides its state."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import composition_of
from tests.trial import Trial, envelope, record
from zhengling.authority.composition import Composition
from zhengling.backbone.inbox import ignored
from zhengling.database.session import now
from zhengling.events.calendar import (
    AbsenceApproved,
    AbsenceCancelled,
    AbsenceEntrusted,
    AbsenceExtended,
    AbsenceRefused,
    AbsenceReturned,
)
from zhengling.events.catalogue import EVENTS
from zhengling.events.event import Event
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GOVERNMENT = "dalian"
BY_RULE = {"official": "dl-exec", "acts": ["preside", "sign"], "clause": "DL-9", "basis": "rule"}


class Replica:
    """A service's replica, fed through its inbox; each test with an absence of its own."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.absence, self.sequence = trial, f"absence-{uuid4()}", 0
        trial.handlers = dict(trial.handlers) | dict(composition.ABSENCES)

    async def hear(self, event: type[Event], since: date, until: date, **more: Any) -> None:
        self.sequence += 1
        fields = {
            "absence_id": self.absence, "official": "dl-head", "absence_kind": "abroad", "since": since, "until": until,
            "clause": "DL-9", "stand_ins": [BY_RULE], "recorded_at": NOW,
        }  # fmt: skip
        await self.trial.receive(record(envelope(event.model_validate(fields | more), self.sequence)))
        assert (await self.trial.statuses(self.absence))[-1][1] in ("applied", "ignored")

    async def known(self) -> tuple[Composition, date]:
        """The composition as this service has it now, and today."""
        async with self.trial.worker.transaction(GOVERNMENT) as session:
            return await composition.current(session), shanghai_day(now(session))


@pytest.fixture
async def replica(trial: Trial) -> Replica:
    await trial.ask("TRUNCATE absence_replica")
    async with trial.worker.transaction(GOVERNMENT) as session:
        await composition.store_composition(session, 1, composition_of(GOVERNMENT))
    return Replica(trial)


async def test_an_approved_absence_is_known_with_who_stands_in_until_it_ends(replica: Replica) -> None:
    _, today = await replica.known()
    await replica.hear(AbsenceApproved, today, today + timedelta(days=3), approved_at=NOW)
    people, _ = await replica.known()
    absent = people.absent("dl-head", today)
    assert absent and [s.official for s in absent.stand_ins] == ["dl-exec"]
    later = BY_RULE | {"official": "dl-dep1", "basis": "entrusted"}
    await replica.hear(AbsenceEntrusted, today, today + timedelta(days=3), entrusted_at=NOW, stand_ins=[later])
    people, _ = await replica.known()
    absent = people.absent("dl-head", today)
    assert absent and [s.official for s in absent.stand_ins] == ["dl-dep1"]
    await replica.hear(
        AbsenceReturned, today, today - timedelta(days=1), returned_on=today, planned_until=today, returned_at=NOW
    )
    people, _ = await replica.known()
    assert people.absent("dl-head", today) is None


async def test_an_extended_absence_lasts_longer_and_a_refused_extension_changes_nothing(replica: Replica) -> None:
    _, today = await replica.known()
    before = today - timedelta(days=2)
    await replica.hear(AbsenceApproved, before, today - timedelta(days=1), approved_at=NOW)
    people, _ = await replica.known()
    assert people.absent("dl-head", today) is None
    assert people.absent("dl-head", before), "lately counts too"
    refused = {"extension": True, "refused_by": "x", "reason": "y", "refused_at": NOW}
    await replica.hear(AbsenceRefused, before, today - timedelta(days=1), **refused)
    await replica.hear(AbsenceExtended, before, today, extended_at=NOW)
    people, _ = await replica.known()
    assert people.absent("dl-head", today)


async def test_a_cancelled_absence_covers_no_day(replica: Replica) -> None:
    _, today = await replica.known()
    await replica.hear(AbsenceApproved, today, today, approved_at=NOW)
    await replica.hear(AbsenceCancelled, today, today, reason="不去了", cancelled_at=NOW)
    people, _ = await replica.known()
    assert people.absent("dl-head", today) is None


async def test_an_absence_of_another_government_isnt_visible(replica: Replica) -> None:
    _, today = await replica.known()
    await replica.hear(AbsenceApproved, today, today, approved_at=NOW)
    async with replica.trial.worker.transaction("xigang") as session:
        await composition.store_composition(session, 1, composition_of(GOVERNMENT))
    async with replica.trial.app.transaction("xigang") as session:
        assert (await composition.current(session)).absent("dl-head", today) is None


async def test_the_composition_and_who_is_away_cost_one_statement_in_a_transaction(replica: Replica) -> None:
    _, today = await replica.known()
    await replica.hear(AbsenceApproved, today, today, approved_at=NOW)
    async with replica.trial.app.transaction(GOVERNMENT) as session:
        asked: list[str] = []
        ask = session.execute

        async def counted(statement: Any, *rest: Any, **more: Any) -> Any:
            asked.append(str(statement))
            return await ask(statement, *rest, **more)

        session.execute = counted  # type: ignore[method-assign]
        first = await composition.current(session)
        assert first.absent("dl-head", today)
        assert await composition.current(session) is first
    assert len(asked) == 1


def test_every_event_of_an_absence_has_a_handler_and_all_but_the_refusal_change_the_replica() -> None:
    of_absences = {event for event in EVENTS.values() if event.aggregate == "absence"}
    assert set(composition.ABSENCES) == of_absences
    assert {event for event, handler in composition.ABSENCES.items() if handler is ignored} == {AbsenceRefused}

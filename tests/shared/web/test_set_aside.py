"""Failed events, unreadable records and denied events are listed and discarded in one way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.trial import GOVERNMENT, Trial, counted, thing
from zhengling.kernel.errors import Problem
from zhengling.web.operations import DENIED_EVENTS, FAILED_EVENTS, POISON_RECORDS
from zhengling.web.paging import PageRequest
from zhengling.web.set_aside import Kind

KINDS: list[Kind[Any]] = [FAILED_EVENTS, POISON_RECORDS, DENIED_EVENTS]
REASON = "the sender was asked"


async def set_aside(trial: Trial) -> None:
    """Three of each kind: gaps, records that can't be read, and events that their sender denied."""
    identity = thing()
    await trial.receive(*(counted(identity, n) for n in (2, 4, 6)))
    await trial.ask(
        "INSERT INTO poison (consumer, topic, part, koffset, digest, raw, error) "
        "SELECT 'trial', 'trial', 0, n, '', '', 'unreadable' FROM generate_series(1, 3) n"
    )
    await trial.ask(
        "INSERT INTO denied_event (consumer, event_id, government, reason) "
        "SELECT consumer, event_id, government, 'never_emitted' FROM inbox"
    )


class People:
    """Requests of one person or another, each in a transaction of its own."""

    def __init__(self, trial: Trial, kind: Kind[Any]) -> None:
        self.trial, self.kind = trial, kind

    def _call(self, session: object, subject: str, official: str | None) -> Any:
        principal = SimpleNamespace(subject=subject)
        return SimpleNamespace(session=session, principal=principal, official=official, audit_details={})

    async def page(self, status: str | None, limit: int = 50, after: Any = None) -> tuple[list[Any], Any]:
        async with self.trial.app.transaction(GOVERNMENT) as session:
            request = PageRequest(limit=limit, after=after, modified_since=None)
            found = await self.kind.page(self._call(session, "reader", None), request, status)
            return found.items, found.next_cursor

    async def discard(self, identity: UUID, by: str, official: str | None = None) -> tuple[str, dict[str, object]]:
        async with self.trial.app.transaction(GOVERNMENT) as session:
            call = self._call(session, by, official)
            return await self.kind.discard(call, identity, REASON), call.audit_details


async def refused(people: People, identity: UUID, by: str, official: str | None = None) -> tuple[int, str]:
    with pytest.raises(Problem) as refusal:
        await people.discard(identity, by, official)
    return refusal.value.status, refusal.value.code


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kept.table)
async def test_whatever_was_set_aside_is_listed_and_discarded_by_two_persons(kind: Kind[Any], trial: Trial) -> None:
    await set_aside(trial)
    people, waits = People(trial, kind), "waiting" if kind is FAILED_EVENTS else "open"
    items, cursor = await people.page(waits)
    assert (len(items), cursor) == (3, None)
    first, cursor = await people.page(waits, limit=2)
    assert first == items[:2]
    assert cursor is not None

    identity = getattr(items[0], kind.kept.key)
    state, audited = await people.discard(identity, "one", "official-1")
    assert (state, audited) == ("awaiting_second_person", {"subject": f"{kind.subject}:{identity}", "reason": REASON})
    assert await refused(people, identity, "one") == (409, "second_person_needed")
    assert await refused(people, identity, "a client", "official-1") == (409, "second_person_needed")
    assert (await people.page(waits))[0][0].discard_requested_by == "one"
    assert (await people.discard(identity, "another"))[0] == "discarded"
    assert [getattr(each, kind.kept.key) for each in (await people.page(waits))[0]] == [
        getattr(each, kind.kept.key) for each in items[1:]
    ]
    status, code = await refused(people, identity, "a third")
    assert (status, code) == (409, kind.done(identity, "discarded").code)
    assert (await refused(people, uuid4(), "one"))[0] == 404

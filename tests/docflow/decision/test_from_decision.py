"""The replica of decisions: what the events state, whatever the order in which the meeting's close arrives."""

from __future__ import annotations

import pytest

from docflow_svc.decision.decision import DecisionState
from tests.docflow.office import CLOSED, DAY, Decided, Office
from zhengling.events.event import Event
from zhengling.events.meeting import PassedGate
from zhengling.events.reference import Reference
from zhengling.local.client import at
from zhengling.rules.vocabulary import DocumentKind, InNameOf, Outcome

GATE = PassedGate(gate="legality_review", clause="LH-9", carried_out_by="县司法局", reference="〔2027〕3号")
MINUTES = Reference(service="meeting", noun="minutes", id="m1", number="〔2027〕1号")


async def test_a_decision_is_kept_with_all_that_a_document_is_checked_against(office: Office) -> None:
    decided = Decided(
        aspects=("normative_document",),
        gates=(GATE,),
        document_kind=DocumentKind.notice,
        in_name_of=InNameOf.government,
    )
    await office.hear(decided.closed())
    recorded = await office.decision(decided)
    assert recorded and recorded.state == DecisionState.recorded
    await office.hear(decided.adopted(by_correction=False).model_copy(update={"minutes": MINUTES}))
    kept = await office.decision(decided)
    document = await office.document(decided)
    assert kept and document
    assert kept.resolution == decided.resolution
    assert (kept.state, kept.signed_at, kept.closed_at) == (DecisionState.adopted, at(DAY, 15), CLOSED)
    assert (kept.minutes, kept.meeting.id) == (MINUTES, decided.meeting["meeting_id"])
    assert kept.document == Reference(service="docflow", noun="document", id=document.id)
    assert (document.decision, document.topic) == (kept.decision, kept.topic)
    assert kept.version > recorded.version


@pytest.mark.parametrize("close", range(4))
async def test_a_close_that_arrives_at_any_time_leaves_what_the_decisions_own_events_state(
    close: int, office: Office
) -> None:
    decided = Decided()
    closed = decided.closed()
    events: list[Event] = [
        decided.replaced(task="分两步印发办法"),
        decided.adopted(by_correction=False),
        decided.amended(task="分期印发办法"),
    ]
    events.insert(close, closed)
    for event in events:
        await office.hear(event)
    kept, document = await office.decision(decided), await office.document(decided)
    assert kept and document
    assert (kept.state, kept.resolution.task, kept.reason) == (DecisionState.amended, "分期印发办法", "原纪要有误")
    assert kept.document == Reference(service="docflow", noun="document", id=document.id)


async def test_a_revoked_decision_stays_known_with_its_reason(office: Office) -> None:
    decided = Decided()
    for event in (decided.closed(), decided.adopted(by_correction=False), decided.revoked()):
        await office.hear(event)
    kept = await office.decision(decided)
    assert kept
    assert (kept.state, kept.reason, kept.edition) == (DecisionState.revoked, "撤销", decided.meeting["edition"])


async def test_what_was_not_adopted_stays_recorded(office: Office) -> None:
    decided = Decided(outcome=Outcome.deferred)
    await office.hear(decided.closed())
    kept = await office.decision(decided)
    assert kept
    assert (kept.state, kept.resolution.outcome, kept.document) == (DecisionState.recorded, Outcome.deferred, None)


async def test_the_first_that_is_heard_of_a_decision_may_be_its_revocation(office: Office) -> None:
    decided = Decided()
    await office.hear(decided.revoked())
    kept = await office.decision(decided)
    assert kept
    assert (kept.state, kept.edition, kept.document) == (DecisionState.revoked, None, None)

"""The use cases of decisions, one function each."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from meeting_svc import meeting as meetings
from meeting_svc import tables
from meeting_svc.commands import kind_of, require_organisations
from meeting_svc.decision import Decision
from meeting_svc.decision_schemas import RecordDecision
from meeting_svc.meeting import Meeting
from zhengling import references
from zhengling.db import lock
from zhengling.deadlines import shanghai_day
from zhengling.errors import Text, invalid, not_found
from zhengling.events import (
    EntryDueMoved,
    EntryDueSet,
    EntryOpened,
    EntryOverdue,
    Resolution,
    Unit,
)
from zhengling.rulebook import EntrySource
from zhengling.service import Call


async def record_decision(call: Call, meeting_id: str, body: RecordDecision) -> Decision:
    """Record what the meeting made of one topic. By the office, while the session is open."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    composition = await references.composition(call.session)
    kind = kind_of(call, meeting)
    meetings.require_deciding(kind)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("record a decision", "记录决定"), kind.clause
    )
    require_organisations(composition, [body.lead, *body.co_units])
    if body.due:
        (await references.calendar(call.session)).require(body.due)
        if body.due < meeting.day:
            raise invalid("due_before_the_meeting", f"due {body.due} lies before {meeting.day}", "办结时限早于会议日期")
    topic = next((item for item in meeting.agenda if item.topic_id == body.topic_id), None)
    names = composition.organisation_names
    resolution = Resolution(
        decision_id=str(uuid7()),
        topic_id=body.topic_id,
        number=len(meeting.resolutions) + 1,
        title=topic.title if topic else body.topic_id,
        sponsor=Unit(code=topic.sponsor, name=names.get(topic.sponsor, topic.sponsor))
        if topic
        else Unit(code="", name=""),
        outcome=body.outcome,
        task=body.task,
        lead=Unit(code=body.lead, name=names[body.lead]),
        co_units=tuple(Unit(code=code, name=names[code]) for code in body.co_units),
        due=body.due,
        difficulty=body.difficulty,
        document=body.document,
        may_be_published=body.may_be_published,
    )
    meetings.decide(meeting, resolution)
    decision = Decision(
        id=resolution.decision_id,
        government=call.government,
        meeting_id=meeting.id,
        topic_id=body.topic_id,
        resolution=resolution,
    )
    call.session.add(decision)
    await call.session.flush()
    return decision


async def note_standing(
    session: AsyncSession, event: EntryOpened | EntryDueSet | EntryDueMoved | EntryOverdue, **values: object
) -> None:
    """How the entry's decision stands from here on, in one statement: many may come at once. 404 where there is none."""
    if event.source_kind != EntrySource.meeting_decision:
        return
    table = tables.decision
    update = table.update().where(table.c.id == event.source_id)
    changed = await session.execute(update.values(values | {"version": table.c.version + 1}))
    if not changed.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result has it
        raise not_found("decision", "决定事项", event.source_id)

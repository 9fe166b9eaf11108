"""The use cases of minutes, one function each."""

from __future__ import annotations

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from meeting_svc import meeting as meetings
from meeting_svc import minutes as minutes_
from meeting_svc import topic as topics
from meeting_svc.commands import kind_of, step_of_meeting
from meeting_svc.decision import Decision, Standing
from meeting_svc.meeting import Meeting, MeetingState
from meeting_svc.minutes import Minutes
from meeting_svc.minutes_schemas import DraftMinutes
from meeting_svc.schemas import TakeStep
from meeting_svc.topic import StepTaken
from zhengling import references
from zhengling.db import lock
from zhengling.events import (
    DecisionAdopted,
    Event,
    MinutesSigned,
)
from zhengling.outbox import emit
from zhengling.rulebook import MeetingKind, StepName
from zhengling.service import Call


async def draft_minutes(call: Call, meeting_id: str, body: DraftMinutes) -> Minutes:
    """Draft the minutes from what was recorded, or from the text given. By who drafts under the rulebook."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    meetings.require_state(meeting, MeetingState.closed)
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    minutes_.require_after_close(meeting, kind, call.occurred(body.occurred_at))
    step = TakeStep(step=StepName.draft, occurred_at=body.occurred_at)
    taken = await step_of_meeting(call, meeting, kind, kind.minutes_chain, meeting.minutes_steps, step)
    meeting.minutes_steps = [*meeting.minutes_steps, taken]
    meeting.state = MeetingState.minuted
    name = call.service.rulebooks.edition(call.government, meeting.edition).government.name
    minutes = Minutes(
        id=str(uuid7()),
        government=call.government,
        meeting_id=meeting.id,
        number=1,
        text=body.text or minutes_.draft_text(meeting, kind, composition, name),
        drafted_by=call.official or "",
    )
    call.session.add(minutes)
    await call.session.flush()
    return minutes


async def take_minutes_step(call: Call, meeting_id: str, body: TakeStep) -> Meeting:
    """Review or sign the minutes. By who the rulebook says. The signature makes them immutable and emits
    minutes.signed and, for each decision that was adopted, decision.adopted."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    meetings.require_state(meeting, MeetingState.minuted)
    kind = kind_of(call, meeting)
    taken = await step_of_meeting(call, meeting, kind, kind.minutes_chain, meeting.minutes_steps, body)
    steps = [*meeting.minutes_steps, taken]
    if topics.next_step(kind.minutes_chain, steps, {}) is None:
        await _sign(call, meeting, kind, taken)
    meeting.minutes_steps = steps
    await call.session.flush()
    return meeting


async def _sign(call: Call, meeting: Meeting, kind: MeetingKind, taken: StepTaken) -> None:
    """Reads first and changes afterwards, so that each row is written once and its version counts up by one."""
    statement = sa.select(Minutes).filter_by(meeting_id=meeting.id).with_for_update()
    minutes = (await call.session.execute(statement)).scalar_one()
    found = await call.session.execute(sa.select(Decision).filter_by(meeting_id=meeting.id).order_by(sa.text("id")))
    decisions = list(found.scalars())
    minutes_.seal(minutes, taken.official, taken.occurred_at)
    meeting.state = MeetingState.signed
    assert minutes.digest
    events: list[Event] = [
        MinutesSigned(
            meeting_id=meeting.id,
            minutes_id=minutes.id,
            version=minutes.number,
            digest=minutes.digest,
            signed_by=taken.official,
            on_behalf_of=taken.on_behalf_of,
            under=taken.under,
            signed_at=taken.occurred_at,
            recorded_at=call.now,
        )
    ]
    for decision in decisions:
        decision.signed_at = taken.occurred_at
        if not decision.resolution.outcome.adopts:
            continue
        decision.standing = Standing.adopted
        events.append(
            DecisionAdopted(
                decision_id=decision.id,
                meeting_id=meeting.id,
                meeting_kind=meeting.kind,
                meeting_title=meeting.title,
                meeting_clause=kind.clause,
                edition=meeting.edition,
                resolution=decision.resolution,
                signed_at=taken.occurred_at,
                recorded_at=call.now,
            ),
        )
    await emit(call.session, *events)

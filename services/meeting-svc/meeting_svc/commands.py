"""The use cases of meeting-svc, one function each; the caller's transaction around them is committed at the edge."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from meeting_svc import meeting as meetings
from meeting_svc import minutes as minutes_
from meeting_svc import tables
from meeting_svc import topic as topics
from meeting_svc.decision import Decision, Standing
from meeting_svc.meeting import Attendance, Entrustment, Meeting, MeetingState
from meeting_svc.minutes import Minutes
from meeting_svc.schemas import (
    AddToAgenda,
    AdmitLate,
    CallMeeting,
    CloseSession,
    DraftMinutes,
    Entrust,
    OpenSession,
    RecordDecision,
    SubmitTopic,
    TakeStep,
)
from meeting_svc.topic import Paper, StepTaken, Topic, TopicState
from zhengling import references
from zhengling.authority import Composition
from zhengling.db import lock
from zhengling.deadlines import Due, compute, shanghai_day
from zhengling.errors import Text, invalid, not_found
from zhengling.events import (
    CompositionChanged,
    DecisionAdopted,
    EntryDueMoved,
    EntryDueSet,
    EntryOpened,
    EntryOverdue,
    Event,
    MeetingClosed,
    MinutesSigned,
    Resolution,
    Unit,
)
from zhengling.outbox import emit
from zhengling.rulebook import Chain, EntrySource, MeetingKind, StepName
from zhengling.service import Call, parse_etag, stale

_COMPOSITION_VERSION = sa.text("SELECT version FROM composition WHERE government = :government FOR UPDATE")


def kind_of(call: Call, row: Topic | Meeting) -> MeetingKind:
    """The rules of the row's meeting kind, in the edition that the row began under."""
    name = row.meeting_kind if isinstance(row, Topic) else row.kind
    return call.service.rulebooks.edition(call.government, row.edition).kind(name)


async def load_composition(call: Call, content: Composition, if_match: str | None) -> int:
    """Replace the government's composition. Needs meeting:admin and, once there is one, If-Match.
    Returns the version. Emits composition.changed."""
    known = await call.session.scalar(_COMPOSITION_VERSION, {"government": call.government})
    if known is not None:
        call.if_match = parse_etag(if_match)
        call.check_version(known)
    version = (known or 0) + 1
    if not await references.store_composition(call.session, version, content):
        raise stale(version)  # another first composition was loaded at the same moment
    await emit(call.session, CompositionChanged(government=call.government, version=version, composition=content))
    return version


async def submit_topic(call: Call, body: SubmitTopic) -> Topic:
    """Submit a topic with its papers. By whoever raises it: the leader, or somebody of the sponsor."""
    book, composition = call.rulebook, await references.composition(call.session)
    kind = book.kind(body.meeting_kind)
    occurred_at = call.occurred(body.occurred_at)
    _require_organisations(composition, [body.sponsor])
    topics.require_raiser(composition, call.official, body.raised_by, body.sponsor, shanghai_day(call.now))
    papers = [Paper(paper.kind, paper.title, paper.sha256) for paper in body.papers]
    topics.require_papers(kind, papers)
    topic = Topic(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        meeting_kind=body.meeting_kind,
        title=body.title,
        sponsor=body.sponsor,
        raised_by=body.raised_by,
        nature=body.nature,
        submitted_by=call.official or "",
        submitted_at=occurred_at,
        recorded_at=call.now,
        papers=papers,
    )
    if topics.next_step(kind.topic, [], topic.facts) is None:
        topic.state = TopicState.ready
    call.session.add(topic)
    await call.session.flush()
    return topic


async def take_topic_step(call: Call, topic_id: str, body: TakeStep) -> Topic:
    """Take the next step of the topic's chain. By who the rulebook says."""
    topic = await lock(call.session, Topic, topic_id, "topic", "议题")
    call.check_version(topic.version)
    kind, composition = kind_of(call, topic), await references.composition(call.session)
    occurred_at = call.occurred(body.occurred_at)
    taken = topics.take_step(
        kind.topic,
        topic.steps,
        topic.facts,
        body.step,
        composition,
        call.official,
        occurred_at,
        call.now,
        shanghai_day(call.now),
        body.opinion,
        sponsor=topic.sponsor,
    )
    topics.advance(topic, kind, taken)
    call.audit_details.update(taken.behalf)
    await call.session.flush()
    return topic


async def admit_late_topic(call: Call, topic_id: str, body: AdmitLate) -> Topic:
    """Admit late papers for one meeting, with a reason. By who approves additions."""
    topic = await lock(call.session, Topic, topic_id, "topic", "议题")
    call.check_version(topic.version)
    meeting = await lock(call.session, Meeting, body.meeting_id, "meeting", "会议")
    kind, composition = kind_of(call, topic), await references.composition(call.session)
    _, late = await _papers_due(call, topic, kind, meeting.day)
    topics.admit_late(
        topic,
        kind,
        composition,
        call.official,
        meeting.id,
        body.reason,
        late,
        call.occurred(body.occurred_at),
        shanghai_day(call.now),
    )
    call.audit_details.update(reason=body.reason, working_days_late=late)
    await call.session.flush()
    return topic


async def call_meeting(call: Call, body: CallMeeting) -> Meeting:
    """Call a meeting for a day. By the office, which organises meetings."""
    book, composition = call.rulebook, await references.composition(call.session)
    kind = book.kind(body.kind)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("call a meeting", "召集会议"), kind.clause
    )
    if body.day < shanghai_day(call.now):
        raise invalid("day_in_the_past", f"{body.day} lies in the past", f"{body.day}已经过去")
    meeting = Meeting(
        id=str(uuid7()),
        government=call.government,
        edition=book.edition,
        kind=body.kind,
        title=body.title,
        day=body.day,
        called_by=call.official or "",
    )
    call.session.add(meeting)
    await call.session.flush()
    return meeting


async def add_to_agenda(call: Call, meeting_id: str, body: AddToAgenda) -> Meeting:
    """Put a topic on the agenda. By the office. Late papers are refused unless they were admitted."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    topic = await lock(call.session, Topic, body.topic_id, "topic", "议题")
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("arrange the agenda", "安排议程"), kind.agenda.clause
    )
    meetings.add_to_agenda(meeting, topic, body.position)
    due, late = await _papers_due(call, topic, kind, meeting.day)
    topics.schedule(topic, kind, meeting.id, due, shanghai_day(topic.submitted_at), late)
    await call.session.flush()
    return meeting


async def take_agenda_step(call: Call, meeting_id: str, body: TakeStep) -> Meeting:
    """Take the next step of the agenda's chain; the last one approves and locks it. By who the rulebook says."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    meetings.require_state(meeting, MeetingState.called)
    kind = kind_of(call, meeting)
    taken = await _step_of_meeting(call, meeting, kind, kind.agenda, meeting.agenda_steps, body)
    meetings.take_agenda_step(meeting, kind, taken)
    await call.session.flush()
    return meeting


async def entrust_chair(call: Call, meeting_id: str, body: Entrust) -> Meeting:
    """Entrust an official with chairing this meeting, with a reason. By the head."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    composition = await references.composition(call.session)
    entrustment = Entrustment(body.to, call.official or "", body.reason, call.occurred(body.occurred_at), call.now)
    meetings.entrust(meeting, composition, kind_of(call, meeting), call.official, entrustment, shanghai_day(call.now))
    await call.session.flush()
    return meeting


async def open_session(call: Call, meeting_id: str, body: OpenSession) -> Meeting:
    """Open the session with its attendance. By the office; the chair and the quorum as the rulebook says."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    occurred_at = call.occurred(body.occurred_at)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("open a session", "记录开会"), kind.clause
    )
    officials = [entry.official for entry in body.attendance]
    if unknown := sorted({o for o in (*officials, body.chair) if o not in composition.official_names}):
        raise invalid("unknown_official", f"no such official: {', '.join(unknown)}", f"查无此人：{'、'.join(unknown)}")
    if len(set(officials)) != len(officials):
        raise invalid("official_twice", "an official stands twice in the attendance", "出席名单中有人重复")
    acting = meetings.open_session(
        meeting,
        kind,
        composition,
        body.chair,
        [Attendance(entry.official, entry.present, entry.reason) for entry in body.attendance],
        occurred_at,
        shanghai_day(occurred_at),
    )
    call.audit_details.update(acting.behalf)
    await call.session.flush()
    return meeting


async def record_decision(call: Call, meeting_id: str, body: RecordDecision) -> Decision:
    """Record what the meeting made of one topic. By the office, while the session is open."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    composition = await references.composition(call.session)
    kind = kind_of(call, meeting)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("record a decision", "记录决定"), kind.minutes.clause
    )
    _require_organisations(composition, [body.lead, *body.co_units])
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


async def close_session(call: Call, meeting_id: str, body: CloseSession) -> Meeting:
    """Close the session, once every topic has its decision. By the office. Emits session.closed."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    occurred_at = call.occurred(body.occurred_at)
    meetings.call_office(
        composition, call.official, shanghai_day(call.now), Text("close a session", "记录散会"), kind.clause
    )
    meetings.close_session(meeting, occurred_at)
    for item in meeting.agenda:
        topic = await lock(call.session, Topic, item.topic_id, "topic", "议题")
        topic.state = TopicState.concluded
    await emit(
        call.session,
        MeetingClosed(
            meeting_id=meeting.id,
            meeting_kind=meeting.kind,
            kind_name=kind.name,
            title=meeting.title,
            edition=meeting.edition,
            closed_at=occurred_at,
            recorded_at=call.now,
            resolutions=tuple(meeting.resolutions),
        ),
    )
    await call.session.flush()
    return meeting


async def draft_minutes(call: Call, meeting_id: str, body: DraftMinutes) -> Minutes:
    """Draft the minutes from what was recorded, or from the text given. By who drafts under the rulebook."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    meetings.require_state(meeting, MeetingState.closed)
    kind, composition = kind_of(call, meeting), await references.composition(call.session)
    minutes_.require_after_close(meeting, kind, call.occurred(body.occurred_at))
    step = TakeStep(step=StepName.draft, occurred_at=body.occurred_at)
    taken = await _step_of_meeting(call, meeting, kind, kind.minutes, meeting.minutes_steps, step)
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
    taken = await _step_of_meeting(call, meeting, kind, kind.minutes, meeting.minutes_steps, body)
    steps = [*meeting.minutes_steps, taken]
    if topics.next_step(kind.minutes, steps, {}) is None:
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


async def _step_of_meeting(
    call: Call, meeting: Meeting, kind: MeetingKind, chain: Chain, taken: list[StepTaken], body: TakeStep
) -> StepTaken:
    composition = await references.composition(call.session)
    step = topics.take_step(
        chain,
        taken,
        meetings.minutes_facts(meeting, call.official),
        body.step,
        composition,
        call.official,
        call.occurred(body.occurred_at),
        call.now,
        shanghai_day(call.now),
        body.opinion,
        chair=meeting.chair,
    )
    call.audit_details.update(step.behalf)
    return step


async def _papers_due(call: Call, topic: Topic, kind: MeetingKind, day: date) -> tuple[Due | None, int]:
    """When the papers are due for a meeting on that day, and by how many working days they came late."""
    if kind.papers is None or kind.papers.deadline is None:
        return None, 0
    calendar = await references.calendar(call.session)
    book = call.service.rulebooks.edition(call.government, topic.edition)
    due = compute(kind.papers.deadline, book.deadline(kind.papers.deadline), day, calendar)
    return due, topics.working_days_late(due, shanghai_day(topic.submitted_at), calendar)


def _require_organisations(composition: Composition, codes: list[str]) -> None:
    if unknown := sorted(set(codes) - set(composition.organisation_names)):
        raise invalid(
            "unknown_organisation", f"no such organisation: {', '.join(unknown)}", f"没有该单位：{'、'.join(unknown)}"
        )


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

"""The use cases of topics, one function each."""

from __future__ import annotations

from datetime import date

from uuid_utils.compat import uuid7

from meeting_svc import topic as topics
from meeting_svc.commands import kind_of, require_organisations
from meeting_svc.meeting import Meeting
from meeting_svc.paper_commands import papers_of
from meeting_svc.schemas import TakeStep
from meeting_svc.topic import Topic, TopicState
from meeting_svc.topic_schemas import AdmitLate, SubmitTopic
from zhengling import references
from zhengling.db import lock
from zhengling.deadlines import Due, compute, shanghai_day
from zhengling.rulebook import MeetingKind
from zhengling.service import Call


async def submit_topic(call: Call, body: SubmitTopic) -> Topic:
    """Submit a topic with its papers. By whoever raises it: the leader, or somebody of the sponsor."""
    book, composition = call.rulebook, await references.composition(call.session)
    kind = book.kind(body.meeting_kind)
    occurred_at = call.occurred(body.occurred_at)
    require_organisations(composition, [body.sponsor])
    topics.require_raiser(composition, call.official, body.raised_by, body.sponsor, shanghai_day(call.now))
    papers = await papers_of(call, body.papers)
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
    _, late = await papers_due(call, topic, kind, meeting.day)
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


async def papers_due(call: Call, topic: Topic, kind: MeetingKind, day: date) -> tuple[Due | None, int]:
    """When the papers are due for a meeting on that day, and by how many working days they came late."""
    if kind.papers is None or kind.papers.deadline is None:
        return None, 0
    calendar = await references.calendar(call.session)
    book = call.service.rulebooks.edition(call.government, topic.edition)
    due = compute(kind.papers.deadline, book.deadline(kind.papers.deadline), day, calendar)
    return due, topics.working_days_late(due, shanghai_day(topic.submitted_at), calendar)

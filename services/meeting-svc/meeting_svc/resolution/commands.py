"""Commands on the decisions of a session, one function each: record, replace, withdraw, until the signature."""

from __future__ import annotations

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from meeting_svc.decision.decision import Decision, Standing
from meeting_svc.decision.table import decision as decision_table
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.meeting_kind.case import kind_of
from meeting_svc.minutes import case as minutes_case
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.resolution import resolution as resolutions
from meeting_svc.resolution.schemas import DecisionPayload, RecordDecision, ReplaceDecision, WithdrawDecision
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import transitions
from meeting_svc.topic.case import rules_of
from meeting_svc.topic.topic import Topic
from zhengling.authority.act import Act
from zhengling.authority.composition import require_organisations
from zhengling.backbone.outbox import emit
from zhengling.database.session import lock
from zhengling.events.meeting import DecisionReplaced, Resolution, Unit
from zhengling.kernel.errors import Text, invalid, not_found, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call


async def record_decision(call: Call, meeting_id: str, body: RecordDecision) -> tuple[Decision, Meeting]:
    """Record the meeting's decision on one topic, while the session is open. By the kind's organiser."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    kind = kind_of(call, meeting)
    await _require_organiser(call, meeting, Text("record a decision", "记录决定"))
    resolutions.require_deciding(kind)
    composition = await compositions.current(call.session)
    item = next((item for item in meeting.agenda if item.topic_id == body.topic_id), None)
    topic = await lock(call.session, Topic, item.topic_id, "topic", "议题") if item else None
    names = composition.organisation_names
    resolution = Resolution(
        decision_id=str(uuid7()),
        topic_id=body.topic_id,
        number=resolutions.number_of(meeting, body.topic_id),
        title=item.title if item else body.topic_id,
        sponsor=Unit(code=item.sponsor, name=names.get(item.sponsor, item.sponsor)) if item else Unit(code="", name=""),
        outcome=body.outcome,
    )
    resolution = await _given_as_decided(call, meeting, resolution, body)
    if topic:
        resolution = declarations.with_topic(resolution, topic, rules_of(call, topic))
    act = Act(call.official or "", call.occurred(body.occurred_at), call.now)
    recorded = resolutions.decide(meeting, resolution, act)
    assert topic, "it is on the agenda"
    declarations.require_outcome(topic, kind, rules_of(call, topic), body.outcome, body.document)
    decision = Decision(
        id=resolution.decision_id,
        government=call.government,
        meeting_id=meeting.id,
        topic_id=body.topic_id,
        resolution=resolution,
        quorum_clause=recorded.quorum_clause,
        followed_clause=_followed(call, meeting, topic),
    )
    call.session.add(decision)
    await call.session.flush()
    return decision, meeting


async def replace_decision(call: Call, decision_id: str, body: ReplaceDecision) -> Decision:
    """Correct the record of a decision, with the reason, until the minutes are signed; a draft of the minutes becomes
    stale. By the kind's organiser. Emits decision.replaced if the close has already reported the earlier record."""
    decision, meeting, topic = await _recorded(call, decision_id, Text("replace a decision", "更正决定记录"))
    kind, before = kind_of(call, meeting), decision.resolution
    after = await _given_as_decided(call, meeting, before, body)
    declarations.require_outcome(topic, kind, rules_of(call, topic), after.outcome, after.document)
    if closed := meeting.state in (MeetingState.closed, MeetingState.minuted):
        transitions.require_correctable(topic, meeting.id, before.outcome, after.outcome, kind.clause)
    act = Act(call.official or "", call.occurred(body.occurred_at), call.now)
    resolutions.replace(meeting, kind, after, body.reason, act)
    decision.resolution = after
    decision.quorum_clause = resolutions.last_of(meeting, decision.id).quorum_clause
    if closed and meeting.closed_at:
        outcomes = before.outcome, after.outcome
        transitions.follow_correction(
            topic, meeting.id, *outcomes, act.official, body.reason, act.occurred_at, call.now, kind.clause
        )
        await _draft_goes_stale(call, meeting)
        replaced = DecisionReplaced(
            decision_id=decision.id,
            meeting_id=meeting.id,
            meeting_kind=meeting.kind,
            meeting_title=meeting.title,
            edition=meeting.edition,
            resolution=after,
            revision=sum(each.decision_id == decision.id for each in meeting.decided),
            reason=body.reason,
            closed_at=meeting.closed_at,
            recorded_at=call.now,
        )
        await emit(call.session, replaced)
    call.audit_details.update(reason=body.reason)
    await call.session.flush()
    return decision


async def withdraw_decision(call: Call, decision_id: str, body: WithdrawDecision) -> Decision:
    """Withdraw the record of a decision, with the reason, while the session is open. By the kind's organiser."""
    decision, meeting, _ = await _recorded(call, decision_id, Text("withdraw a decision", "撤回决定记录"))
    act = Act(call.official or "", call.occurred(body.occurred_at), call.now)
    resolutions.withdraw(meeting, kind_of(call, meeting), decision.id, body.reason, act)
    decision.standing = Standing.withdrawn
    call.audit_details.update(reason=body.reason)
    await call.session.flush()
    return decision


async def _recorded(call: Call, decision_id: str, act: Text) -> tuple[Decision, Meeting, Topic]:
    """The decision, in the version that the caller saw, with its meeting and topic; locked in the global order, and not
    withdrawn. By the kind's organiser. Refusal `decision_withdrawn`."""
    place = sa.select(decision_table.c.meeting_id, decision_table.c.topic_id).where(decision_table.c.id == decision_id)
    of = (await call.session.execute(place)).first()  # a decision stays with its meeting and topic
    if of is None:
        raise not_found("decision", "决定事项", decision_id)
    meeting = await lock(call.session, Meeting, of.meeting_id, "meeting", "会议")
    topic = await lock(call.session, Topic, of.topic_id, "topic", "议题")
    decision = await lock(call.session, Decision, decision_id, "decision", "决定事项")
    call.check_version(decision.version)
    await _require_organiser(call, meeting, act)
    if decision.standing == Standing.withdrawn:
        raise refusal(
            "decision_withdrawn",
            None,
            "this record was withdrawn",
            "该决定记录已撤回",
            Text("record the topic's decision again", "请重新记录该议题的决定"),
        )
    return decision, meeting, topic


async def _require_organiser(call: Call, meeting: Meeting, act: Text) -> None:
    composition, kind = await compositions.current(call.session), kind_of(call, meeting)
    meetings.require_organiser(kind, composition, call.official, meeting.organised_by, shanghai_day(call.now), act)


async def _given_as_decided(call: Call, meeting: Meeting, resolution: Resolution, body: DecisionPayload) -> Resolution:
    """The resolution with the payload's values; units with their present names."""
    composition = await compositions.current(call.session)
    units = [*([body.lead] if body.lead else []), *body.co_units]
    require_organisations(composition, units, on=shanghai_day(call.now))
    if body.due:
        (await calendars.current(call.session)).require(body.due)
        if body.due < meeting.day:
            raise invalid(
                "due_before_the_meeting",
                f"the due date {body.due} is before the meeting, {meeting.day}",
                "办结时限不得早于会议日期",
            )
    names = composition.organisation_names
    given: dict[str, object] = {
        "outcome": body.outcome,
        "task": body.task,
        "lead": Unit(code=body.lead, name=names[body.lead]) if body.lead else None,
        "co_units": tuple(Unit(code=code, name=names[code]) for code in body.co_units),
        "due": body.due,
        "difficulty": body.difficulty,
        "document": body.document,
        "may_be_published": body.may_be_published,
        "set_at_year_start": body.set_at_year_start,
        "document_kind": body.document_kind,
        "in_name_of": body.in_name_of,
    }
    return resolution.model_copy(update=given)


async def _draft_goes_stale(call: Call, meeting: Meeting) -> None:
    """Mark a waiting draft of the minutes as stale, since a decision was recorded again."""
    if draft := await minutes_case.latest_of(call, meeting.id):
        minutes_.outdate(draft)
        meeting.minutes_steps = []


def _followed(call: Call, meeting: Meeting, topic: Topic) -> str | None:
    """The clause by which this topic's decision is supervised; None if there is none."""
    rule = call.service.rulebooks.edition(call.government, meeting.edition).topics.followed
    return rule.clause if rule and set(rule.any_of) & set(topic.aspects) else None

"""The use cases of decisions, one function each."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from meeting_svc.decision import decision as decisions
from meeting_svc.decision.decision import Decision, Execution, PublicationRecord, PublicationState, Standing
from meeting_svc.decision.schemas import (
    DecisionPayload,
    FollowExecution,
    PublishDecision,
    RecordDecision,
    ReplaceDecision,
    WithdrawDecision,
)
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.meeting_kind.case import kind_of
from meeting_svc.minutes import commands as minutes_commands
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.resolution import resolution as resolutions
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import transitions
from meeting_svc.topic.commands import rules_of
from meeting_svc.topic.topic import Topic
from zhengling.authority.act import Act
from zhengling.authority.composition import require_organisations
from zhengling.backbone.outbox import emit
from zhengling.database.batching import columns, write
from zhengling.database.session import load, lock
from zhengling.events.meeting import DecisionReplaced, Resolution, Unit
from zhengling.events.oversight import (
    EntryAmended,
    EntryDueMoved,
    EntryDueSet,
    EntryOpened,
    EntryOverdue,
    EntryRevoked,
)
from zhengling.kernel.errors import Text, invalid, not_found, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import Actor
from zhengling.rules.vocabulary import EntrySource, Role
from zhengling.web.call import Call

#: What oversight-svc tells of the entry of a decision.
OfAnEntry = EntryOpened | EntryDueSet | EntryDueMoved | EntryOverdue | EntryAmended | EntryRevoked

_NOTE_STANDINGS = sa.text("""
    UPDATE decision d SET
        standing = CASE WHEN d.standing = :revoked THEN d.standing ELSE coalesce(n.standing, d.standing) END,
        ledger_number = coalesce(n.ledger_number, d.ledger_number),
        ledger_due = CASE WHEN n.has_due THEN n.ledger_due ELSE d.ledger_due END,
        version = d.version + 1
    FROM unnest(CAST(:id AS text[]), CAST(:standing AS text[]), CAST(:ledger_number AS text[]), CAST(:has_due AS boolean[]),
                CAST(:ledger_due AS date[])) AS n (id, standing, ledger_number, has_due, ledger_due)
    WHERE d.id = n.id RETURNING d.id
""")


async def record_decision(call: Call, meeting_id: str, body: RecordDecision) -> tuple[Decision, Meeting]:
    """Record what the meeting made of one topic. By who organises the kind, while the session is open."""
    meeting = await lock(call.session, Meeting, meeting_id, "meeting", "会议")
    call.check_version(meeting.version)
    meetings.require_deciding(kind_of(call, meeting))
    await _require_organiser(call, meeting, Text("record a decision", "记录决定"))
    composition = await compositions.current(call.session)
    topic = next((item for item in meeting.agenda if item.topic_id == body.topic_id), None)
    names = composition.organisation_names
    resolution = Resolution(
        decision_id=str(uuid7()),
        topic_id=body.topic_id,
        number=resolutions.number_of(meeting, body.topic_id),
        title=topic.title if topic else body.topic_id,
        sponsor=Unit(code=topic.sponsor, name=names.get(topic.sponsor, topic.sponsor))
        if topic
        else Unit(code="", name=""),
        outcome=body.outcome,
    )
    resolution = await _as_said(call, meeting, resolution, body)
    meetings.decide(meeting, resolution)
    resolutions.note(meeting, resolution, Act(call.official or "", call.now, call.now))
    brought = await load(call.session, Topic, body.topic_id, "topic", "议题")
    declarations.require_only_prepared(brought, rules_of(call, brought), body.outcome, body.document)
    decision = Decision(
        id=resolution.decision_id,
        government=call.government,
        meeting_id=meeting.id,
        topic_id=body.topic_id,
        resolution=resolution,
        quorum_clause=meetings.quorum_lost(meeting),
        followed_clause=await _followed(call, meeting, body.topic_id),
    )
    call.session.add(decision)
    await call.session.flush()
    return decision, meeting


async def replace_decision(call: Call, decision_id: str, body: ReplaceDecision) -> Decision:
    """Record a decision as it should have been recorded, with the reason, until the minutes are signed; a draft of them
    goes stale. By who organises the kind. Emits decision.replaced once the close has told otherwise."""
    decision, meeting, topic = await _recorded(call, decision_id)
    await _require_organiser(call, meeting, Text("replace a decision", "更正决定记录"))
    kind, before = kind_of(call, meeting), decision.resolution
    after = await _as_said(call, meeting, before, body)
    declarations.require_only_prepared(topic, rules_of(call, topic), after.outcome, after.document)
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
    """Take a recording back, with the reason, while the session is open. By who organises the kind."""
    decision, meeting, _ = await _recorded(call, decision_id)
    await _require_organiser(call, meeting, Text("withdraw a decision", "撤回决定记录"))
    act = Act(call.official or "", call.occurred(body.occurred_at), call.now)
    resolutions.withdraw(meeting, kind_of(call, meeting), decision.id, body.reason, act)
    decision.standing = Standing.withdrawn
    call.audit_details.update(reason=body.reason)
    await call.session.flush()
    return decision


async def _recorded(call: Call, decision_id: str) -> tuple[Decision, Meeting, Topic]:
    """The decision, in the version that the caller saw, with its meeting and topic: locked in the order of all, and not
    withdrawn. Refusal `decision_withdrawn`."""
    seen = await load(call.session, Decision, decision_id, "decision", "决定事项")
    meeting = await lock(call.session, Meeting, seen.meeting_id, "meeting", "会议")
    topic = await lock(call.session, Topic, seen.topic_id, "topic", "议题")
    decision = await lock(call.session, Decision, decision_id, "decision", "决定事项")
    call.check_version(decision.version)
    if decision.standing == Standing.withdrawn:
        raise refusal(
            "decision_withdrawn",
            None,
            "this recording was taken back",
            "该决定记录已撤回",
            Text("record the topic's decision anew", "请重新记录该议题的决定"),
        )
    return decision, meeting, topic


async def _require_organiser(call: Call, meeting: Meeting, act: Text) -> None:
    composition, kind = await compositions.current(call.session), kind_of(call, meeting)
    meetings.require_organiser(kind, composition, call.official, meeting.organised_by, shanghai_day(call.now), act)


async def _as_said(call: Call, meeting: Meeting, resolution: Resolution, body: DecisionPayload) -> Resolution:
    """The resolution with what the payload says of it; units by their names of today."""
    composition = await compositions.current(call.session)
    units = [*([body.lead] if body.lead else []), *body.co_units]
    require_organisations(composition, units, on=shanghai_day(call.now))
    if body.due:
        (await calendars.current(call.session)).require(body.due)
        if body.due < meeting.day:
            raise invalid("due_before_the_meeting", f"due {body.due} lies before {meeting.day}", "办结时限早于会议日期")
    names = composition.organisation_names
    said: dict[str, object] = {
        "outcome": body.outcome,
        "task": body.task,
        "lead": Unit(code=body.lead, name=names[body.lead]) if body.lead else None,
        "co_units": tuple(Unit(code=code, name=names[code]) for code in body.co_units),
        "due": body.due,
        "difficulty": body.difficulty,
        "document": body.document,
        "may_be_published": body.may_be_published,
    }
    return resolution.model_copy(update=said)


async def _draft_goes_stale(call: Call, meeting: Meeting) -> None:
    """A draft of the minutes that was made before doesn't say what is recorded now."""
    if draft := await minutes_commands.latest_of(call, meeting.id):
        minutes_.outdate(draft)
        meeting.minutes_steps = []


async def publish_decision(call: Call, decision_id: str, body: PublishDecision) -> Decision:
    """Record that the decision was published, or that it is withheld and why. By the office or the lead unit."""
    decision = await lock(call.session, Decision, decision_id, "decision", "决定事项")
    call.check_version(decision.version)
    await _require_concerned(
        call, decision, Text("record its publication", "登记公开情况"), decision.publication_clause
    )
    _require_one_of_both(body)
    record = PublicationRecord(
        state=PublicationState.withheld if body.withheld else PublicationState.published,
        by=call.official or "",
        recorded_at=call.now,
        published_at=call.occurred(body.published_at) if body.published_at else None,
        channel=body.channel,
        url=str(body.url) if body.url else None,
        reason=body.reason or "",
        correction=body.correction or "",
    )
    decisions.publish(decision, record)
    await call.session.flush()
    return decision


def _require_one_of_both(body: PublishDecision) -> None:
    """422 `publication_incomplete` unless it says where and when it was published, or why it is withheld."""
    published = body.published_at is not None and bool(body.channel) and body.reason is None
    withheld = body.reason is not None and not (body.published_at or body.channel or body.url)
    if not (withheld if body.withheld else published):
        raise invalid(
            "publication_incomplete",
            "expected published_at and channel, or withheld: true and the reason",
            "请填写公开时间和渠道，或注明不予公开及理由",
        )


async def follow_execution(call: Call, decision_id: str, body: FollowExecution) -> Decision:
    """Record feedback, an evaluation or an adjustment of the decision's execution. By the office or the lead unit."""
    decision = await lock(call.session, Decision, decision_id, "decision", "决定事项")
    call.check_version(decision.version)
    clause = decision.followed_clause
    await _require_concerned(call, decision, Text("follow its execution", "登记执行跟踪情况"), clause)
    occurred_at = call.occurred(body.occurred_at)
    execution = Execution(body.kind, body.text, body.source, call.official or "", occurred_at, call.now)
    decisions.follow(decision, execution, clause)
    await call.session.flush()
    return decision


async def _followed(call: Call, meeting: Meeting, topic_id: str) -> str | None:
    """The clause by which this topic's decision is followed in its execution; None where none asks for it."""
    rule = call.service.rulebooks.edition(call.government, meeting.edition).topics.followed
    topic = await load(call.session, Topic, topic_id, "topic", "议题")
    return rule.clause if rule and set(rule.any_of) & set(topic.aspects) else None


async def _require_concerned(call: Call, decision: Decision, act: Text, clause: str | None) -> None:
    """Problem 403 `not_concerned` unless the official is of the government's office or of the decision's lead unit."""
    composition = await compositions.current(call.session)
    acting = composition.require(
        call.official,
        (Actor(role=Role.office), Actor(role=Role.sponsor)),
        shanghai_day(call.now),
        {},
        act,
        code="not_concerned",
        clause=clause,
        sponsor=decision.resolution.lead.code if decision.resolution.lead else None,
    )
    call.audit_details.update(acting.behalf)


async def note_standing(session: AsyncSession, event: OfAnEntry, **values: object) -> None:
    """How the entry's decision stands from here on: `standing`, `ledger_number`, `ledger_due`. 404 where there is no such
    decision. What was revoked stays so, whatever the ledger still tells of before. Many may come at once (`db.together`)."""
    if event.source_kind == EntrySource.meeting_decision:
        await write(session, _note_standings, [values | {"id": event.source_id}])


async def _note_standings(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    """One row for each decision; of several the later ones' values over the earlier ones'."""
    latest: dict[object, dict[str, object]] = {}
    for row in rows:
        before = latest.setdefault(row["id"], {"standing": None, "ledger_number": None})
        revoked = {"standing": Standing.revoked} if before["standing"] == Standing.revoked else {}
        before.update(row | revoked)
    told = [row | {"has_due": "ledger_due" in row, "ledger_due": row.get("ledger_due")} for row in latest.values()]
    noted = set((await session.execute(_NOTE_STANDINGS, columns(told) | {"revoked": Standing.revoked})).scalars())
    for missing in latest.keys() - noted:
        raise not_found("decision", "决定事项", missing)

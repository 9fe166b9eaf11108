"""The signature of minutes: number, document, and an event for each decision adopted, amended or revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from meeting_svc.decision import decision as decisions_
from meeting_svc.decision.decision import Amendment, Decision, Effect, Revision, Standing
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.minutes import document
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.minutes import text as minutes_text
from meeting_svc.minutes.case import MinutesCase, corrected_by, decisions_of, topics_of
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.minutes.table import minutes_document
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import transitions
from meeting_svc.topic.case import rules_of
from meeting_svc.topic.topic import Topic
from zhengling.authority.chain import StepTaken
from zhengling.backbone.outbox import emit
from zhengling.database.numbering import Series, Subject, take
from zhengling.documents import gbt9704, minutes_template
from zhengling.events.meeting import DecisionAdopted, DecisionAmended, DecisionRevoked, MinutesSigned, Resolution
from zhengling.events.reference import Reference
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.conditions import Facts
from zhengling.web.call import Call

#: The events of a signature on single decisions.
Following = DecisionAdopted | DecisionAmended | DecisionRevoked


async def content_of(case: MinutesCase, amendments: list[Amendment], corrects: str = "") -> minutes_template.Values:
    """The contents of the minutes, with the decisions as amended; `corrects` says what a correction replaces."""
    found = await decisions_of(case.call, case.meeting.id)
    after = {each.decision_id: each.after for each in amendments}
    revoked = {each.id for each in found if each.standing == Standing.revoked}
    revoked |= {each.decision_id for each in amendments if each.revoked}
    resolutions = [after.get(each.id, each.resolution) for each in found]
    return minutes_text.words(
        case.meeting,
        case.kind,
        case.composition,
        case.book.government,
        resolutions,
        frozenset(revoked),
        corrects,
    )


async def sign(case: MinutesCase, minutes: Minutes, taken: StepTaken, facts: Facts) -> None:
    """Number the version, make it immutable, and emit the signature's events."""
    call, meeting = case.call, case.meeting
    content = await content_of(case, minutes.amendments)
    minutes_text.require_sentences(minutes.text, content.items, case.chain.clause)
    corrected = await corrected_by(call.session, minutes)
    issue = corrected.issue if corrected else None
    entrusted = taken.official == meeting.chair and bool(facts["entrusted"])
    minutes_.seal(minutes, taken, issue or await _issue(case, minutes, taken), case.composition, entrusted=entrusted)
    minutes.signature = case.book.government.titles.in_text(minutes.signature)
    await keep_document(call, minutes, corrected)
    assert minutes.digest and minutes.issue
    meeting.state = MeetingState.signed
    if corrected:
        following = await _corrected(case, minutes)
    else:
        following = await adopted(case, minutes, taken.occurred_at)
    signed = MinutesSigned(
        meeting_id=meeting.id,
        minutes_id=minutes.id,
        version=minutes.number,
        digest=minutes.digest,
        issue=minutes.issue,
        corrects=minutes.corrects,
        signed_by=taken.official,
        on_behalf_of=taken.on_behalf_of,
        under=taken.under,
        signed_at=taken.occurred_at,
        recorded_at=call.now,
        minutes=_reference(minutes),
        decisions=tuple(each.resolution.decision for each in following),
    )
    await emit(call.session, signed, *following)


async def keep_document(call: Call, minutes: Minutes, corrected: Minutes | None = None) -> None:
    """Store the signed document beside its version, in the same transaction; not in the file store, since a transaction
    mustn't wait for it."""
    layout = document.layout(minutes, corrected)
    content = await asyncio.to_thread(gbt9704.docx, layout)  # about 30 ms, which would block other requests
    kept = {"id": minutes.id, "government": call.government, "content": content}
    await call.session.execute(sa.insert(minutes_document).values(kept))


async def _issue(case: MinutesCase, minutes: Minutes, taken: StepTaken) -> str:
    """The next number of this government's minutes of this kind in the year of the signature."""
    series = Series(f"minutes:{case.meeting.kind}", shanghai_day(taken.occurred_at).year, "〔{year}〕{n}号")
    return await take(case.call.session, series, Subject("minutes", minutes.id), taken.official)


async def adopted(case: MinutesCase, minutes: Minutes, signed_at: datetime) -> list[Following]:
    """Adopt the meeting's decisions, in force from now on; returns their events. Gates that were passed since the session
    are added to them."""
    topics = await _topics(case, (each.topic_id for each in case.meeting.resolutions))
    decisions = await decisions_of(case.call, case.meeting.id)
    new = [each for each in decisions if decisions_.adopt(each, case.kind.publication, signed_at)]
    for decision in new:
        decision.resolution = _with_topic(case, decision.resolution, topics)
    _follow(case.meeting, new)
    order = decisions_.adopted_in_order(decisions, shanghai_day(signed_at).year)
    return [_adoption(case, minutes, decision, order) for decision in new]


async def _topics(case: MinutesCase, ids: Iterable[str]) -> dict[str, Topic]:
    return {topic.id: topic for topic in await topics_of(case.call, ids)}


def _with_topic(case: MinutesCase, resolution: Resolution, topics: Mapping[str, Topic]) -> Resolution:
    topic = topics[resolution.topic_id]
    return declarations.with_topic(resolution, topic, rules_of(case.call, topic))


def _reference(minutes: Minutes) -> Reference:
    return Reference(service="meeting", noun="minutes", id=minutes.id, number=minutes.issue)


def _adoption(
    case: MinutesCase, minutes: Minutes, decision: Decision, order: tuple[str, ...], *, by_correction: bool = False
) -> DecisionAdopted:
    assert decision.signed_at
    meeting = case.meeting
    return DecisionAdopted(
        decision_id=decision.id,
        meeting_id=meeting.id,
        meeting_kind=meeting.kind,
        meeting_title=meeting.title,
        meeting_clause=case.kind.clause,
        edition=meeting.edition,
        resolution=decision.resolution,
        signed_at=decision.signed_at,
        recorded_at=case.call.now,
        by_correction=by_correction,
        closed_at=meeting.closed_at,
        held_on=meeting.day,
        adopted_in_order=order,
        revision=decision.revision,
        minutes=_reference(minutes),
    )


async def _corrected(case: MinutesCase, minutes: Minutes) -> list[Following]:
    """Apply the signed correction to topics and decisions; returns the events of the changes."""
    call, meeting, kind, clause = case.call, case.meeting, case.kind, case.chain.clause
    assert minutes.signed_at and minutes.signed_by and meeting.closed_at
    changed = {made.before.topic_id: made for made in minutes.amendments}
    topics = await _topics(case, changed)
    for topic in topics.values():
        made = changed[topic.id]
        outcomes = made.before.outcome, made.after.outcome
        by, at = minutes.signed_by, minutes.signed_at
        transitions.follow_correction(topic, meeting.id, *outcomes, by, minutes.reason, at, call.now, clause)
    found = {decision.id: decision for decision in await decisions_of(call, meeting.id)}
    for made in minutes.amendments:
        decision = found[made.decision_id]
        revision = Revision(
            minutes.number, made.effect, minutes.reason, made.changes, minutes.signed_by, minutes.signed_at
        )
        decisions_.correct(decision, made, kind.publication, revision)
        decision.resolution = _with_topic(case, decision.resolution, topics)
    order = decisions_.adopted_in_order(found.values(), shanghai_day(minutes.signed_at).year)
    events: list[Following] = []
    for made in minutes.amendments:
        decision = found[made.decision_id]
        if made.effect == Effect.adopted:
            events.append(_adoption(case, minutes, decision, order, by_correction=True))
        elif made.effect == Effect.amended:
            events.append(_amended(case, minutes, decision, made))
        elif made.effect == Effect.revoked:
            events.append(_revoked(case, minutes, decision))
    _follow(meeting, (found[made.decision_id] for made in minutes.amendments))
    return events


def _follow(meeting: Meeting, decisions: Iterable[Decision]) -> None:
    """Have the meeting's resolutions say what these decisions say now."""
    now = {decision.id: decision.resolution for decision in decisions}
    meeting.resolutions = [now.get(each.decision_id, each) for each in meeting.resolutions]


def _amended(case: MinutesCase, minutes: Minutes, decision: Decision, made: Amendment) -> DecisionAmended:
    meeting = case.meeting
    assert minutes.signed_at and meeting.closed_at
    return DecisionAmended(
        decision_id=decision.id,
        meeting_id=meeting.id,
        meeting_kind=meeting.kind,
        meeting_title=meeting.title,
        edition=meeting.edition,
        resolution=decision.resolution,
        revision=decision.revision,
        minutes_version=minutes.number,
        reason=minutes.reason,
        changes=made.changes,
        closed_at=meeting.closed_at,
        signed_at=minutes.signed_at,
        recorded_at=case.call.now,
        minutes=_reference(minutes),
    )


def _revoked(case: MinutesCase, minutes: Minutes, decision: Decision) -> DecisionRevoked:
    meeting = case.meeting
    assert minutes.signed_at
    return DecisionRevoked(
        decision_id=decision.id,
        meeting_id=meeting.id,
        meeting_title=meeting.title,
        resolution=decision.resolution,
        revision=decision.revision,
        minutes_version=minutes.number,
        reason=minutes.reason,
        signed_at=minutes.signed_at,
        recorded_at=case.call.now,
        meeting_kind=meeting.kind,
        edition=meeting.edition,
        minutes=_reference(minutes),
    )

"""Commands on minutes, one function each."""

from __future__ import annotations

from datetime import datetime

from uuid_utils.compat import uuid7

from meeting_svc.decision import decision as decisions_
from meeting_svc.decision.decision import Amendment
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting import succession
from meeting_svc.meeting.case import require_part, step_of_meeting
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.minutes import document
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.minutes import text as minutes_text
from meeting_svc.minutes.case import MinutesCase, decisions_of, in_force, minutes_case, topics_of
from meeting_svc.minutes.minutes import Cause, Minutes
from meeting_svc.minutes.schemas import (
    AmendDecision,
    CorrectMinutes,
    DraftMinutes,
    ResolutionChanges,
    ReturnMinutes,
    WaiveMinutes,
)
from meeting_svc.minutes.signing import adopted, content_of, keep_document, sign
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic import transitions
from meeting_svc.topic.case import rules_of
from zhengling.authority.chain import Course, Returned, StepTaken, power_of
from zhengling.authority.composition import Permission, RoleContext, require_organisations
from zhengling.authority.schemas import TakeStep
from zhengling.backbone.outbox import emit
from zhengling.documents import minutes_template
from zhengling.events.meeting import (
    Resolution,
    Unit,
)
from zhengling.kernel.errors import Text, invalid, not_found, refusal
from zhengling.replicas import calendar as calendars
from zhengling.rules.chains import Actor, StepName
from zhengling.rules.conditions import Facts
from zhengling.rules.vocabulary import FollowingDocument, Role
from zhengling.web.call import Call


async def draft_minutes(call: Call, meeting_id: str, body: DraftMinutes) -> tuple[Minutes, Meeting]:
    """Draft the minutes from the template, or with the given text. A further draft before the signature needs a reason
    and is a new version; steps taken on the older version don't count for it. By the drafter under the rulebook."""
    case = await minutes_case(call, meeting_id)
    meeting = case.meeting
    require_part(case, case.chain, [])
    meetings.require_state(meeting, MeetingState.closed, MeetingState.minuted)
    if case.latest and body.reason is None:
        raise invalid("reason_missing", "a new draft of the minutes requires a reason", "重新起草纪要须说明理由")
    cause = Cause.redraft if case.latest else Cause.draft
    minutes = await _write(case, cause, body)
    meeting.state = MeetingState.minuted
    await call.session.flush()
    return minutes, meeting


async def correct_minutes(call: Call, meeting_id: str, body: CorrectMinutes) -> tuple[Minutes, Meeting]:
    """Draft a correction of signed minutes, with its reason: decisions amended or revoked, or only the text. It
    supersedes an earlier unsigned correction. By the drafter; effective only once signed."""
    case = await minutes_case(call, meeting_id)
    meeting = case.meeting
    require_part(case, case.chain, [])
    meetings.require_state(meeting, MeetingState.signed, MeetingState.unminuted)
    if not body.amendments and body.text is None:
        raise refusal(
            "nothing_corrected",
            case.chain.clause,
            "the correction changes neither a decision nor the text",
            "更正未涉及任何决定事项或文字",
            Text(
                "name the decisions to amend or revoke, or give the corrected text",
                "请列明更正、撤销的决定事项，或提供更正后的文本",
            ),
        )
    corrected = await in_force(call, meeting.id)
    minutes_.require_after_signature(corrected, case.chain.clause, call.occurred(body.occurred_at))
    amendments = await _amendments(case, body.amendments)
    minutes = await _write(case, Cause.correction, body, amendments, corrected)
    await call.session.flush()
    return minutes, meeting


async def return_minutes(call: Call, meeting_id: str, body: ReturnMinutes) -> tuple[Minutes, Meeting]:
    """Return the waiting version to its drafter, with a reason. By the actor of its next step."""
    case = await minutes_case(call, meeting_id)
    meeting = case.meeting
    require_part(case, case.chain, case.latest.steps if case.latest else [])
    minutes = minutes_.require_waiting(meeting, case.latest, case.chain.clause)
    due = Course(case.chain, minutes.steps, minutes_.facts_of(meeting, minutes.major, call.official)).next()
    assert due is not None
    request = TakeStep(step=due.step.step, opinion=body.reason, occurred_at=body.occurred_at)
    taken = await _step(case, minutes, request)
    minutes_.give_back(
        minutes,
        Returned(taken.official, body.reason, taken.occurred_at, call.now, taken.on_behalf_of, taken.under),
    )
    meeting.minutes_steps = []
    call.audit_details.update(reason=body.reason, minutes_version=minutes.number)
    await call.session.flush()
    return minutes, meeting


async def take_minutes_step(call: Call, meeting_id: str, body: TakeStep) -> tuple[Minutes, Meeting]:
    """Review or sign the waiting version. By the step's actor. The signature numbers it, makes it immutable and emits
    minutes.signed; for the first version decision.adopted for each adopted decision, for a correction decision.amended,
    decision.revoked or decision.adopted for each changed one."""
    case = await minutes_case(call, meeting_id)
    meeting = case.meeting
    require_part(case, case.chain, case.latest.steps if case.latest else [])
    minutes = minutes_.require_waiting(meeting, case.latest, case.chain.clause)
    taken = await _step(case, minutes, body)
    with call.session.no_autoflush:  # each row is written once, so that its version increases by one
        minutes_.take(minutes, taken)
        meeting.minutes_steps = minutes.steps
        facts = minutes_.facts_of(meeting, minutes.major, taken.official)
        if Course(case.chain, minutes.steps, facts).next() is None:
            await sign(case, minutes, taken, facts)
    await call.session.flush()
    return minutes, meeting


async def waive_minutes(call: Call, meeting_id: str, body: WaiveMinutes) -> tuple[Minutes, Meeting]:
    """Record that the chair decided against minutes, with a reason, where the rulebook leaves it to the chair (HC-53).
    By the chair. Like a signature, the record adopts the meeting's decisions: every decision is supervised (HC-54).
    Emits decision.adopted."""
    case = await minutes_case(call, meeting_id)
    meeting = case.meeting
    kind, composition = case.kind, case.composition
    occurred_at = call.occurred(body.occurred_at)
    places = succession.places(meeting, kind, composition, case.today)
    acting = composition.require(
        call.official,
        case.today,
        Permission(
            (Actor(role=Role.chair),),
            Text("decide that there are no minutes", "决定不形成会议纪要"),
            code="not_the_chair",
            clause=case.chain.clause,
            power=power_of(StepName.sign),
            context=RoleContext(chair=places.chair),
        ),
    )
    minutes_.require_optional(kind, meeting)
    minutes_.require_after_close(meeting, kind, occurred_at)
    after = places.succeeded.get(Role.chair)
    call.audit_details.update(acting.behalf, reason=body.reason, **({"succeeds": after.official} if after else {}))
    minutes = await _version(case, Cause.waiver, body.reason, occurred_at)
    decider = f"会议主持人（{minutes_text.in_the_place_of(after, composition)}）" if after else "会议主持人"
    decider = case.book.government.titles.in_text(decider)
    reason = minutes_text.in_one_line(body.reason)
    minutes.text = f"{minutes.mark}\n\n{decider}决定本次会议不形成会议纪要，决定事项以会议记录为准。理由：{reason}\n"
    minutes_.waive(minutes, call.official or "", occurred_at)
    call.session.add(minutes)
    events = await adopted(case, minutes, occurred_at)
    meeting.state, meeting.minutes_steps = MeetingState.unminuted, []
    await emit(call.session, *events)
    await call.session.flush()
    await keep_document(call, minutes)
    return minutes, meeting


async def _write(
    case: MinutesCase,
    cause: Cause,
    body: DraftMinutes | CorrectMinutes,
    amendments: list[Amendment] | None = None,
    corrected: Minutes | None = None,
) -> Minutes:
    """A new version with its text, which supersedes an unsigned one; drafted by the rulebook's drafter. A correction
    names the version in force that it replaces, and the decisions that it changes."""
    call, meeting = case.call, case.meeting
    drafted_at = call.occurred(body.occurred_at)
    minutes_.require_after_close(meeting, case.kind, drafted_at)
    minutes = await _version(case, cause, body.reason or "", drafted_at)
    minutes.major = minutes.major or body.major or any(item.major for item in meeting.agenda)
    minutes.amendments = amendments or []
    minutes.corrects = corrected.number if corrected else None
    minutes_.take(minutes, await _step(case, minutes, TakeStep(step=StepName.draft, occurred_at=body.occurred_at)))
    corrects = document.replacement(corrected, minutes.amendments, minutes.reason) if corrected else ""
    content = await content_of(case, minutes.amendments, corrects)
    if body.copies is not None:
        content = content.model_copy(update={"copies": tuple(body.copies)})
    minutes.text = body.text or minutes_template.render(case.chain.template, content)
    minutes_text.require_sentences(minutes.text, content.items, case.chain.clause)
    meeting.minutes_steps = minutes.steps
    call.session.add(minutes)
    return minutes


async def _version(case: MinutesCase, cause: Cause, reason: str, drafted_at: datetime) -> Minutes:
    """A new version without text, of a major matter if the previous one was: a new draft doesn't shorten the chain. The previous
    unsigned one is superseded."""
    call, government = case.call, case.book.government
    if case.latest:
        minutes_.supersede(case.latest)
        await call.session.flush()  # before the new one is added: at most one version waits
    return Minutes(
        id=str(uuid7()),
        government=call.government,
        meeting_id=case.meeting.id,
        number=case.latest.number + 1 if case.latest else 1,
        text="",
        drafted_by=call.official or "",
        drafted_at=drafted_at,
        recorded_at=call.now,
        mark=f"{government.name}{case.kind.name}纪要",
        issuer=document.issuer_of(case.composition, government.titles.office, case.today),
        cause=cause,
        reason=reason,
        major=case.latest is not None and case.latest.major,
    )


async def _step(case: MinutesCase, minutes: Minutes, body: TakeStep) -> StepTaken:
    facts: Facts = {"major": minutes_.facts_of(case.meeting, minutes.major, case.call.official)["major"]}
    return await step_of_meeting(case, case.chain, minutes.steps, body, facts)


async def _amendments(case: MinutesCase, wanted: list[AmendDecision]) -> list[Amendment]:
    found = {decision.id: decision for decision in await decisions_of(case.call, case.meeting.id)}
    made: list[Amendment] = []
    for each in wanted:
        if each.decision_id not in found:
            raise not_found("decision", "决定事项", each.decision_id)
        decision = found[each.decision_id]
        after = await _after(case, decision.resolution, each.changes) if each.changes else None
        made.append(decisions_.amendment(decision, after))
    await _require_correctable(case, made)
    return made


async def _require_correctable(case: MinutesCase, made: list[Amendment]) -> None:
    """Refuse at the draft what the signature would be refused for."""
    changed = {each.before.topic_id: each for each in made}
    for topic in await topics_of(case.call, changed):
        amended = changed[topic.id]
        before, after = amended.before.outcome, amended.after.outcome
        transitions.require_correctable(topic, case.meeting.id, before, after, case.chain.clause)
        if not amended.revoked:
            declarations.require_outcome(topic, case.kind, rules_of(case.call, topic), after, amended.after.document)


async def _after(case: MinutesCase, before: Resolution, changes: ResolutionChanges) -> Resolution:
    """The resolution with these changes; units with their present names."""
    given: dict[str, object] = {name: getattr(changes, name) for name in changes.model_fields_set}
    names = case.composition.organisation_names
    codes = [*([changes.lead] if changes.lead else []), *(changes.co_units or [])]
    require_organisations(case.composition, codes, on=case.today)
    if changes.lead:
        given["lead"] = Unit(code=changes.lead, name=names[changes.lead])
    if changes.co_units is not None:
        given["co_units"] = tuple(Unit(code=code, name=names[code]) for code in changes.co_units)
    if changes.due:
        (await calendars.current(case.call.session)).require(changes.due)
        if changes.due < case.meeting.day:
            raise invalid(
                "due_before_the_meeting",
                f"the due date {changes.due} is before the meeting, {case.meeting.day}",
                "办结时限不得早于会议日期",
            )
    if given.get("document") == FollowingDocument.none:
        given = {"document_kind": None, "in_name_of": None} | given
    return before.model_copy(update=given)

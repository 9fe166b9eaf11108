"""Queries of meetings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import sqlalchemy as sa

from meeting_svc.agenda import agenda
from meeting_svc.attendance import quorum
from meeting_svc.attendance.schemas import ExpectedView, QuorumView
from meeting_svc.invitation import invitation
from meeting_svc.meeting import chairing, participants, succession
from meeting_svc.meeting import meeting as meetings
from meeting_svc.meeting.meeting import Meeting, MeetingState, minutes_facts
from meeting_svc.meeting.record import Remark
from meeting_svc.meeting.schemas import MeetingView, RemarkView
from meeting_svc.meeting.table import meeting as meeting_table
from meeting_svc.meeting_kind.case import kind_of
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.minutes.minutes import MinutesState
from meeting_svc.minutes.queries import Newest, newest_of
from meeting_svc.session import preparation
from zhengling.authority.chain import Course, StepTaken
from zhengling.authority.composition import Composition
from zhengling.authority.readers import of_person, of_role, of_unit
from zhengling.authority.schemas import NextStepView
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import Chain
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page, picked
from zhengling.web.sight import seen
from zhengling.web.steps import FactsOf, next_of
from zhengling.web.worklist import waited_for


async def meeting_view(call: Call, meeting: Meeting) -> MeetingView:
    """The meeting with what it requires before it opens, and the next step of its chain."""
    return await _view(call, meeting, await _context_of(call, [meeting]))


@dataclass(frozen=True)
class _Context:
    """What the views of a page of meetings need in addition, read once: their newest minutes, and which meetings have
    another one of their kind on the same day."""

    newest: dict[str, Newest]
    doubled: set[tuple[str, date]]


async def _context_of(call: Call, rows: Sequence[Meeting]) -> _Context:
    meeting, days = meeting_table.c, {(row.kind, row.day) for row in rows if row.state in meetings.PREPARED}
    several = (
        sa.select(meeting.kind, meeting.day)
        .where(sa.tuple_(meeting.kind, meeting.day).in_(days), meeting.state != MeetingState.cancelled)
        .group_by(meeting.kind, meeting.day)
        .having(sa.func.count() > 1)
    )
    doubled = {(kind, day) for kind, day in await call.session.execute(several)} if days else set()
    return _Context(await _newest_minutes(call, rows), doubled)


async def _newest_minutes(call: Call, meetings_: Sequence[Meeting]) -> dict[str, Newest]:
    """The newest minutes of each meeting that has any; they may wait for a step, also as a correction of signed
    minutes."""
    with_minutes = (MeetingState.minuted, MeetingState.signed, MeetingState.unminuted)
    minuted = [meeting.id for meeting in meetings_ if meeting.state in with_minutes]
    return await newest_of(call, minuted) if minuted else {}


async def _view(call: Call, meeting: Meeting, context: _Context) -> MeetingView:
    view = MeetingView.model_validate(meeting)
    kind = kind_of(call, meeting)
    _without_private_reasons(call, view, kind)
    view.kind_name = kind.name
    view.outstanding_copies = [copy.number for copy in meeting.copies if copy.outstanding]
    if meeting.state in meetings.PREPARED:
        await _preparation(call, view, meeting, kind)
        view.warnings += [RemarkView.model_validate(each) for each in await _day_remarks(call, meeting, kind, context)]
    if kind.quorum and meeting.state != MeetingState.cancelled:
        figures = quorum.figures(meeting, kind, await compositions.current(call.session))
        view.quorum = QuorumView.model_validate(figures) if figures else None
    newest = context.newest.get(meeting.id)
    chains: dict[MeetingState, tuple[Chain, list[StepTaken]]] = {
        MeetingState.called: (kind.agenda, meeting.agenda_steps),
    }
    if kind.minutes:
        chains |= dict.fromkeys((MeetingState.closed, MeetingState.minuted), (kind.minutes, meeting.minutes_steps))
        if newest and newest.state == MinutesState.draft:  # the draft of a correction, if the minutes are signed
            chains[meeting.state] = (kind.minutes, meeting.minutes_steps)
    if meeting.state in chains:
        facts_of: FactsOf = partial(minutes_facts, meeting)
        if newest:  # the draft's own facts count too
            facts_of = partial(minutes_.facts_of, meeting, newest.major)
        view.next_step = await _next_step(call, meeting, kind, *chains[meeting.state], facts_of)
    return view


def _without_private_reasons(call: Call, view: MeetingView, kind: MeetingKind) -> None:
    """A leave's reason is for those concerned, who decide on it, and the office, which keeps the record; that of an absence in
    the roll call also for the organiser, who calls it."""
    chairs = {of_role(actor.role) for actor in kind.chair}
    chairs |= {
        of_person(each) for each in (view.convener, view.chair, view.entrustment and view.entrustment.to) if each
    }

    def may_know(*officials: str, asked: Iterable[Role] = ()) -> bool:
        keys = {of_role(Role.office), *map(of_person, officials), *map(of_role, asked)}
        return bool(call.keys & (keys | chairs if Role.chair in asked else keys))

    for leave in view.leaves:
        answered = [leave.answer.act.official] if leave.answer else []
        if not may_know(leave.official, leave.requested.official, *answered, asked=[*leave.asked, *leave.reported_to]):
            leave.reason = leave.reason_kind = None
            if leave.withdrawal:
                leave.withdrawal.reason = None
    for sent in view.delegations:
        if not may_know(sent.official, sent.requested.official, sent.delegate, asked=sent.asked):
            sent.reason = None
    calls_the_roll = view.organised_by and of_unit(view.organised_by) in call.keys
    for entry in view.attendance:
        if not (calls_the_roll or may_know(entry.official)):
            entry.reason = None


async def _day_remarks(call: Call, meeting: Meeting, kind: MeetingKind, context: _Context) -> list[Remark]:
    """Warnings: the day isn't a working day, or has a second meeting of the kind. Both are lawful, but may be
    mistakes."""
    found = []
    with suppress(Problem):  # without a calendar for the day there is no warning; a read mustn't fail for one
        if not (await calendars.current(call.session)).is_workday(meeting.day):
            text = Text(f"{meeting.day} isn't a working day", f"{meeting.day}不是工作日")
            found.append(Remark("not_a_working_day", None, text))
    if (meeting.kind, meeting.day) in context.doubled:
        text = Text(f"another {kind.name} is called for {meeting.day}", f"{meeting.day}已有另一次{kind.name}")
        found.append(Remark("second_on_the_day", None, text))
    return found


async def _next_step(
    call: Call, meeting: Meeting, kind: MeetingKind, chain: Chain, taken: list[StepTaken], facts_of: FactsOf
) -> NextStepView | None:
    composition = await compositions.current(call.session)
    at = succession.places(meeting, kind, composition, shanghai_day(call.now))
    context = at.context
    if (
        at.chair
        and meeting.state in meetings.PREPARED
        and chairing.waits_for_entrustment(meeting, kind, composition, at.chair)
    ):
        context = replace(context, chair=None)
    return next_of(call, Course(chain, taken, facts_of(at.chair or ""), context), composition, facts_of)


async def _preparation(call: Call, view: MeetingView, meeting: Meeting, kind: MeetingKind) -> None:
    people = await compositions.current(call.session)
    members = participants.members_of(meeting, kind, people)
    view.away = [official for official in members if people.absent(official, meeting.day)]
    view.expected = list(_expected(meeting, kind, people))
    view.warnings = [RemarkView.model_validate(remark) for remark in agenda.warnings(meeting, kind)]
    view.next = [RemarkView.model_validate(remark) for remark in preparation.asked_for(meeting, kind, people)]
    if kind.invitees and invitation.pending(meeting):
        view.next_invitee_step = await _next_step(
            call, meeting, kind, kind.invitees.steps, meeting.invitee_steps, partial(minutes_facts, meeting)
        )


def _expected(meeting: Meeting, kind: MeetingKind, people: Composition) -> Iterator[ExpectedView]:
    latest = len(meeting.agenda_versions)
    sent = [n for n in meeting.notices if (n.agenda_version, n.round) == (latest, meeting.round)]
    coming = {a.official: a.coming for a in meeting.acknowledgements if a.round == meeting.round}
    for official, capacity in participants.expected(meeting, kind, people).items():
        delegate = participants.granted_delegate(meeting, official)
        sent_at = [notice.act.occurred_at for notice in sent if official in notice.recipients]
        yield ExpectedView(
            official=official,
            name=people.official_names.get(official, official),
            capacity=capacity,
            away=people.absent(official, meeting.day) is not None,
            on_leave=participants.granted_leave(meeting, official) is not None,
            delegate=delegate.delegate if delegate else None,
            told_at=sent_at[-1] if sent_at else None,
            coming=coming.get(official),
        )


async def get_meeting(call: Call, meeting_id: str) -> MeetingView:
    return await meeting_view(call, await seen(call, Meeting, meeting_id, "meeting", "会议"))


async def list_meetings(
    call: Call,
    request: PageRequest,
    kind: str | None,
    state: MeetingState | None,
    since: date | None,
    until: date | None,
    waits_for: str | None,
) -> Page[MeetingView]:
    """Meetings on a day between `since` and `until`, both included."""
    wanted, day = equal(Meeting, kind=kind, state=state), meeting_table.c.day
    wanted += [day >= since] if since else []
    wanted += [day <= until] if until else []
    if (official := waited_for(call, waits_for)) is not None:

        async def waiting(rows: list[Meeting]) -> list[MeetingView | None]:
            context = await _context_of(call, rows)
            views = [await _view(call, row, context) for row in rows]
            return [view if official in _waits_for(view) else None for view in views]

        wanted.append(meeting_table.c.state.in_(_UNDER_WAY))
        return await picked(call, Meeting, request, waiting, *wanted)
    rows, cursor = await page(call, Meeting, request, *wanted)
    context = await _context_of(call, rows)
    return Page(items=[await _view(call, row, context) for row in rows], next_cursor=cursor)


#: The states in which a step, an answer or an entrustment may be outstanding.
_UNDER_WAY = (*meetings.PREPARED, MeetingState.closed, MeetingState.minuted)
#: The remarks that ask something of the officials they name.
_ASKED = {"chair_not_lawful", "chair_away", "chair_on_leave", "leave_pending", "delegate_pending"}


def _waits_for(view: MeetingView) -> set[str]:
    """Who may act on a meeting next: a step of its agenda, invitees or minutes, an answer, an entrustment."""
    steps = [step.officials for step in (view.next_step, view.next_invitee_step) if step]
    return {
        o for officials in (*steps, *(each.officials for each in view.next if each.code in _ASKED)) for o in officials
    }

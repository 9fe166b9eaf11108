"""Queries of absences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from calendar_svc.absence import absence as absences
from calendar_svc.absence import breaches, obligations
from calendar_svc.absence.absence import Absence, AbsenceState
from calendar_svc.absence.breaches import Away
from calendar_svc.absence.case import away_between, rules_of
from calendar_svc.absence.schemas import (
    AbsenceView,
    AwayList,
    AwayTodayView,
    BreachView,
    DutyView,
    StandInView,
    VacancyView,
)
from calendar_svc.absence.table import absence as absence_table
from zhengling.authority.readers import of_person, of_role
from zhengling.authority.waivers import not_waived
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page, picked
from zhengling.web.sight import seen
from zhengling.web.steps import next_of
from zhengling.web.worklist import waited_for


async def absence_view(call: Call, absence: Absence) -> AbsenceView:
    """The absence with its next approvers, its breaches and its duties."""
    return await _view(call, absence, await _away_around(call, [absence]))


async def _away_around(call: Call, absences_: Sequence[Absence]) -> list[Away]:
    """The approved absences that overlap with one of these requests, if it is open."""
    asked = [each for each in absences_ if _is_open(each)]
    if not asked:
        return []
    return await away_between(call.session, min(a.since for a in asked), max(a.asked_until for a in asked))


def _is_open(absence: Absence) -> bool:
    return absence.state == AbsenceState.requested or absence.extension is not None


async def _view(call: Call, absence: Absence, away: Sequence[Away]) -> AbsenceView:
    view = AbsenceView.model_validate(absence)
    today = shanghai_day(call.now)
    rules = rules_of(call.service.rulebooks.edition(call.government, absence.edition))
    row = absences.row_of(rules, absence)
    for standing in obligations.duties_of(row, absence, today):
        done = standing.done
        view.duties.append(
            DutyView(
                duty=standing.duty,
                when=standing.when,
                clause=standing.clause,
                state=standing.state,
                official=done.official if done else None,
                occurred_at=done.occurred_at if done else None,
            )
        )
    if rules.reachable and not absence.contact:
        view.contact_wanted = rules.reachable.clause
    view.late = breaches.is_late(absence)
    view.return_overdue = absence.state == AbsenceState.approved and absence.until < today
    if not _is_open(absence):
        return _as_seen(call, absence, view)
    composition = await compositions.current(call.session)
    found = breaches.open_breaches(absence, rules, row, composition, away)
    view.breaches = [BreachView.model_validate(breach) for breach in not_waived(found, absence.lifts)]
    course = absences.course_of(absence, row)  # nobody answers their own request, not even as a stand-in
    view.next_step = next_of(call, course, composition, without=absence.official)
    return _as_seen(call, absence, view)


def _as_seen(call: Call, absence: Absence, view: AbsenceView) -> AbsenceView:
    """Reason, destination, contact and the notes are for the official and who asked for them, for who decides or decided on
    it, and for the office, which keeps the record."""
    deciding = [*absence.steps, *(step for extension in absence.extensions for step in extension.steps)]
    officials = {absence.official, absence.requested_by, *(step.official for step in deciding)}
    officials |= {waiver.official for waiver in absence.lifts}
    if view.next_step:
        officials.update(view.next_step.officials)
    lifting = {role for breach in view.breaches for role in breach.lift}
    if call.keys & {*map(of_role, {Role.office, *lifting}), *map(of_person, officials)}:
        return view
    view.reason = view.destination = view.contact = view.exception = None
    for step in view.steps:
        step.opinion = ""
    for extension in view.extensions:
        extension.reason = None
        for step in extension.steps:
            step.opinion = ""
    return view


async def get_absence(call: Call, absence_id: str) -> AbsenceView:
    return await absence_view(call, await seen(call, Absence, absence_id, "absence", "请假"))


async def list_absences(
    call: Call,
    request: PageRequest,
    official: str | None,
    since: date | None,
    until: date | None,
    state: AbsenceState | None,
    waits_for: str | None,
) -> Page[AbsenceView]:
    """Absences that overlap with the period from `since` to `until`."""
    columns = absence_table.c
    filters: list[Any] = []
    if official is not None:
        filters.append(columns.official == official)
    if since is not None:
        filters.append(columns.away_until >= since)
    if until is not None:
        filters.append(columns.since <= until)
    if state is not None:
        filters.append(columns.state == state)
    if (waiting := waited_for(call, waits_for)) is not None:

        async def pick(rows: list[Absence]) -> list[AbsenceView | None]:
            away = await _away_around(call, rows)
            views = [await _view(call, row, away) for row in rows]
            return [view if view.next_step and waiting in view.next_step.officials else None for view in views]

        return await picked(
            call,
            Absence,
            request,
            pick,
            *filters,
            sa.or_(columns.state == AbsenceState.requested, sa.func.jsonb_array_length(columns.extensions) > 0),
        )
    rows, cursor = await page(call, Absence, request, *filters)
    away = await _away_around(call, rows)
    return Page(items=[await _view(call, row, away) for row in rows], next_cursor=cursor)


async def list_away(call: Call, on: date | None) -> AwayList:
    """Who is away on a day, by default today, and who stands in: of an A/B pair that is away together nobody does."""
    day = on or shanghai_day(call.now)
    composition = await compositions.current(call.session)
    columns = absence_table.c
    statement = sa.select(Absence).where(
        columns.state.in_((AbsenceState.approved, AbsenceState.returned)),
        columns.since <= day,
        columns.away_until >= day,
    )
    rows = (await call.session.execute(statement.order_by(columns.since, columns.id))).scalars().all()
    away = {row.official for row in rows}
    items = [
        AwayTodayView(
            absence_id=row.id,
            official=row.official,
            name=composition.official_names.get(row.official, row.official),
            kind=row.kind,
            since=row.since,
            until=row.away_until,
            stand_ins=[StandInView.model_validate(each) for each in row.stand_ins if each.official not in away],
            vacancies=[VacancyView.model_validate(vacancy) for vacancy in row.vacancies],
        )
        for row in rows
    ]
    return AwayList(on=day, items=items)

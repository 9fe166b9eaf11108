"""Queries of planning requests."""

from __future__ import annotations

from datetime import date
from typing import Any

from meeting_svc.meeting_kind.schemas import RuleTold
from meeting_svc.planning_request import planning_request as planning_requests
from meeting_svc.planning_request.case import Case, book_of, case_of, kind_of, lead_of
from meeting_svc.planning_request.description import describe_request
from meeting_svc.planning_request.planning_request import PlanningRequest, RequestState
from meeting_svc.planning_request.schemas import (
    AskView,
    HindranceView,
    PlanningRequestView,
    RequestTypes,
    RequestTypeView,
)
from meeting_svc.planning_request.table import planning_request as planning_request_table
from zhengling.authority.composition import RoleContext
from zhengling.authority.waivers import Breach, not_waived
from zhengling.dates.schemas import view_of
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.rules.planning import Hindrance
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, equal, page, picked
from zhengling.web.sight import seen
from zhengling.web.steps import next_of
from zhengling.web.worklist import waited_for


async def request_view(call: Call, request: PlanningRequest) -> PlanningRequestView:
    """The request with its lead time explained and, while it is open, its next step and its breaches."""
    view, book = PlanningRequestView.model_validate(request), book_of(call, request)
    kind = kind_of(book, request.type)
    view.type_name = kind.name
    if due := await lead_of(call.session, book, kind, request):
        view.lead = view_of(due, await calendars.current(call.session), call.language, with_trace=True)
    if request.state == RequestState.requested:
        case = await case_of(call.session, book, request, shanghai_day(call.now))
        view.breaches = [
            HindranceView(
                hindrance=Hindrance(breach.rule),
                clause=breach.clause,
                lift=list(breach.waivable_by),
                covers=list(breach.covers),
                detail=call.says(breach.detail),
                officials=_who_waives(call, case, breach),
            )
            for breach in not_waived(case.found, request.lifts)
        ]
        view.next_step = next_of(call, planning_requests.course_of(request, case.kind), case.composition)
        view.waits_for_lift = view.next_step is None and bool(view.breaches)
    return view


def _who_waives(call: Call, case: Case, breach: Breach) -> list[str]:
    today, sponsor = shanghai_day(call.now), case.request.sponsor
    return list(
        dict.fromkeys(
            o
            for role in breach.waivable_by
            for o in case.composition.who_may(role, today, context=RoleContext(sponsor=sponsor))
        )
    )


async def get_request(call: Call, request_id: str) -> PlanningRequestView:
    request = await seen(call, PlanningRequest, request_id, "planning request", "办会申请")
    return await request_view(call, request)


async def list_requests(
    call: Call,
    request: PageRequest,
    *,
    state: RequestState | None,
    type_: str | None,
    sponsor: str | None,
    plan_item: str | None,
    since: date | None,
    until: date | None,
    waits_for: str | None,
) -> Page[PlanningRequestView]:
    """Requests whose planned day is between `since` and `until`, both included."""
    day = planning_request_table.c.day
    filters: list[Any] = equal(PlanningRequest, state=state, type=type_, sponsor=sponsor, plan_item=plan_item)
    if since is not None:
        filters.append(day >= since)
    if until is not None:
        filters.append(day <= until)
    if (official := waited_for(call, waits_for)) is not None:

        async def waiting(rows: list[PlanningRequest]) -> list[PlanningRequestView | None]:
            views = [await request_view(call, row) for row in rows]
            return [view if official in _waits_for(view) else None for view in views]

        filters.append(planning_request_table.c.state == RequestState.requested)
        return await picked(call, PlanningRequest, request, waiting, *filters)
    rows, cursor = await page(call, PlanningRequest, request, *filters)
    return Page(items=[await request_view(call, row) for row in rows], next_cursor=cursor)


def _waits_for(view: PlanningRequestView) -> set[str]:
    """Who may act on a request next: take or record its step, or waive its breach."""
    step = [*view.next_step.officials, *view.next_step.recorders] if view.next_step else []
    return {*step, *(official for breach in view.breaches for official in breach.officials)}


def list_types(call: Call) -> RequestTypes:
    """The types of request in the edition in force; empty where the government doesn't regulate them."""
    book = call.rulebook
    items = [
        RequestTypeView(
            type=name,
            name=kind.name,
            clause=kind.clause,
            asked_by=list(kind.asked_by),
            written=kind.written,
            reply=kind.reply,
            lead_rule=kind.lead.rule if kind.lead else None,
            ask=[
                AskView(
                    step=ask.step,
                    by=[actor.role for actor in ask.by],
                    need=ask.need,
                    meeting=list(ask.meeting),
                    clause=ask.clause,
                )
                for ask in kind.ask
            ],
            told=[RuleTold(clause=clause, en=text.en, zh=text.zh) for clause, text in describe_request(book, kind)],
        )
        for name, kind in (book.planning.requests if book.planning else {}).items()
    ]
    return RequestTypes(edition=book.edition, items=items)

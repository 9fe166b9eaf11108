"""Reads of requests to hold something."""

from __future__ import annotations

from datetime import date
from typing import Any

from meeting_svc import hindrance, planning, tables
from meeting_svc.planning import PlanningRequest, RequestState
from meeting_svc.planning_commands import Case, book_of, case_of, kind_of, lead_of
from meeting_svc.planning_schemas import (
    AskView,
    HindranceView,
    NextPlanStep,
    PlanningRequestView,
    RequestTypes,
    RequestTypeView,
)
from meeting_svc.queries import equal
from zhengling import references
from zhengling.db import load
from zhengling.deadlines import shanghai_day
from zhengling.due_dates import view_of
from zhengling.paging import Page, PageRequest, page
from zhengling.service import Call


async def request_view(call: Call, request: PlanningRequest) -> PlanningRequestView:
    """The request with its lead time explained and, while it is under way, what is next and what stands against it."""
    view, book = PlanningRequestView.model_validate(request), book_of(call, request)
    kind = kind_of(book, request.type)
    view.type_name = kind.name
    if due := await lead_of(call.session, book, kind, request):
        view.lead = view_of(due, await references.calendar(call.session), call.language, with_trace=True)
    if request.state == RequestState.requested:
        case = await case_of(call.session, book, request, shanghai_day(call.now))
        view.breaches = [
            HindranceView(
                hindrance=breach.hindrance,
                clause=breach.clause,
                lift=list(breach.lift),
                covers=list(breach.covers),
                detail=breach.detail.in_language(call.language),
            )
            for breach in hindrance.standing(request, case.found)
        ]
        view.next_step = _next(call, case)
    return view


def _next(call: Call, case: Case) -> NextPlanStep | None:
    due = planning.next_ask(case.kind.ask, case.request.steps)
    if due is None:
        return None
    ask, roles = due
    today, sponsor = shanghai_day(call.now), case.request.sponsor
    officials = [o for role in roles for o in case.composition.who_may(role, today, sponsor=sponsor)]
    recorded_by = ask.recorded_by if ask.meeting else ()
    recorders = [o for role in recorded_by for o in case.composition.who_may(role, today, sponsor=sponsor)]
    return NextPlanStep(
        step=ask.step,
        by=list(roles),
        need=ask.need,
        meeting=list(ask.meeting),
        clause=ask.clause or case.kind.clause,
        officials=list(dict.fromkeys(officials)),
        recorders=list(dict.fromkeys(recorders)),
    )


async def get_request(call: Call, request_id: str) -> PlanningRequestView:
    request = await load(call.session, PlanningRequest, request_id, "planning request", "办会申请")
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
) -> Page[PlanningRequestView]:
    """Requests whose planned day lies in the window from `since` to `until`."""
    day = tables.planning_request.c.day
    filters: list[Any] = equal(PlanningRequest, state=state, type=type_, sponsor=sponsor, plan_item=plan_item)
    if since is not None:
        filters.append(day >= since)
    if until is not None:
        filters.append(day <= until)
    rows, cursor = await page(call.session, PlanningRequest, request, *filters)
    return Page(items=[await request_view(call, row) for row in rows], next_cursor=cursor)


def list_types(call: Call) -> RequestTypes:
    """What has to be asked for by the edition in force; nothing where the government doesn't regulate it."""
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
            ask=[AskView.model_validate(ask) for ask in kind.ask],
        )
        for name, kind in (book.planning.requests if book.planning else {}).items()
    ]
    return RequestTypes(edition=book.edition, items=items)

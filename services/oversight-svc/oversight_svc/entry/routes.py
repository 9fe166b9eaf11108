"""HTTP → commands and queries of the ledger; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Response

from oversight_svc.course import course
from oversight_svc.entry import commands as do
from oversight_svc.entry import queries as see
from oversight_svc.entry.entry import DueBasis, Entry, EntryState, Light, who_sets
from oversight_svc.entry.schemas import DueExplanation, EntryView, SetDue
from oversight_svc.scopes import Change, Read
from zhengling.authority.approvals import Approval
from zhengling.authority.composition import Composition, Permission
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import Day, shanghai_day
from zhengling.rules.supervision import CourseAct
from zhengling.rules.vocabulary import EntrySource
from zhengling.web import due_routes
from zhengling.web.call import Call
from zhengling.web.due_routes import Subject
from zhengling.web.etags import etag
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import commands, queries
from zhengling.web.worklist import WaitsFor

writes = commands("/v1", "oversight")
reads = queries("/v1", "oversight")


async def _wanted(
    source_id: Annotated[str | None, Query(max_length=64, description="e.g. a decision's id")] = None,
    due_basis: Annotated[DueBasis | None, Query()] = None,
    overdue: Annotated[bool | None, Query()] = None,
    lead: Annotated[str | None, Query(max_length=64, description="code of the lead unit")] = None,
    state: Annotated[EntryState | None, Query()] = None,
    ended: Annotated[bool | None, Query(description="closed or revoked")] = None,
    light: Annotated[Light | None, Query()] = None,
    category: Annotated[str | None, Query(max_length=64, description="code of a focus category")] = None,
    source_kind: Annotated[EntrySource | None, Query()] = None,
    leader: Annotated[str | None, Query(max_length=64, description="official in charge")] = None,
    unit: Annotated[str | None, Query(max_length=64, description="code of the lead or a co-unit")] = None,
    number: Annotated[str | None, Query(max_length=100, description="the whole number")] = None,
    due_from: Annotated[Day | None, Query()] = None,
    due_until: Annotated[Day | None, Query()] = None,
    opened_from: Annotated[Day | None, Query(description="opened on this day or later")] = None,
    opened_until: Annotated[Day | None, Query()] = None,
    closed_from: Annotated[Day | None, Query(description="closed (not revoked) on this day or later")] = None,
    closed_until: Annotated[Day | None, Query()] = None,
    part_of: Annotated[str | None, Query(max_length=64, description="id of the matter whose parts they are")] = None,
    parts: Annotated[
        bool | None, Query(description="only parts of matters, or only whole ones; numbers count whole ones by default")
    ] = None,
    text: Annotated[str | None, Query(min_length=2, max_length=100, description="a part of title or task")] = None,
    clearing: Annotated[
        int | None,
        Query(ge=1950, le=2500, description="numbered in this year or before, and still running (年底清零清单)"),
    ] = None,
    carried_into: Annotated[
        int | None, Query(ge=1950, le=2501, description="last carried over into this year (结转)")
    ] = None,
) -> see.Wanted:
    return see.Wanted(
        source_id=source_id, due_basis=due_basis, overdue=overdue, lead=lead, state=state, ended=ended, light=light,
        category=category, source_kind=source_kind, leader=leader, unit=unit, number=number, due_from=due_from,
        due_until=due_until, opened_from=opened_from, opened_until=opened_until, closed_from=closed_from,
        closed_until=closed_until, text=text, part_of=part_of, parts=parts,
        clearing=clearing, carried_into=carried_into,
    )  # fmt: skip


Filters = Annotated[see.Wanted, Depends(_wanted)]


@reads.get(
    "/entries", operation_id="list_entries", summary="List the supervision ledger's entries, also as a change feed"
)
async def list_entries(call: Read, paging: Paging, wanted: Filters, waits_for: WaitsFor = None) -> Page[EntryView]:
    return await see.list_entries(call, paging, wanted, waits_for)


@reads.get("/entries/{entry_id}", operation_id="get_entry")
async def get_entry(entry_id: str, call: Read, response: Response) -> EntryView:
    view = await see.get_entry(call, entry_id)
    response.headers["ETag"] = etag(view.version)
    return view


@reads.get(
    "/entries/{entry_id}/due", operation_id="explain_entry_due", summary="Explain an entry's due date day by day"
)
async def explain_entry_due(entry_id: str, call: Read) -> DueExplanation:
    return await see.explain_due(call, entry_id)


@writes.post(
    "/entries/{entry_id}/due", operation_id="set_entry_due", summary="Set the due date of an entry without one"
)
async def set_entry_due(entry_id: str, body: SetDue, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.set_due(call, entry_id, body))


async def entry_answer(call: Call, response: Response, entry: Entry) -> EntryView:
    """The answer of a command on an entry, and its audit subject."""
    response.headers["ETag"] = etag(entry.version)
    call.audit_details["subject"] = f"entry:{entry.id}"
    return await see.entry_view(call, entry)


def _may_suspend(call: Call, entry: Entry) -> Permission:
    return _may(call, entry, CourseAct.suspend)


def _may_extend(call: Call, entry: Entry) -> Permission:
    return _may(call, entry, CourseAct.extend)


def _may(call: Call, entry: Entry, act: CourseAct) -> Permission:
    """By the course; without one, who sets dates adjusts them."""
    book = call.service.rulebooks.edition(call.government, entry.edition)
    if right := course.right_of(book, act):
        return course.permission_for(entry, act, right)
    return who_sets(
        do.ledger_of(book), Text("extend, suspend or resume an entry's due date", "延长、中止或恢复办结时限")
    )


def _require_approved(call: Call, entry: Entry, composition: Composition, approval: Approval | None) -> None:
    book = call.service.rulebooks.edition(call.government, entry.edition)
    if right := course.right_of(book, CourseAct.extend):
        today = shanghai_day(call.now)
        course.require_approval(CourseAct.extend, right, approval, composition, today, entry.lead.code)


DUE_DATES = Subject(
    do.DUE_DATES,
    Text("entry", "督查事项"),
    "/entries/{entry_id}",
    "entry_id",
    _may_suspend,
    extends=_may_extend,
    approved=_require_approved,
)
ROUTERS = [writes, reads, *due_routes.routes("oversight", DUE_DATES)]

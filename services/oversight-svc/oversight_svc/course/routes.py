"""HTTP → commands on the course of a matter; no rules here."""

from __future__ import annotations

from fastapi import Response

from oversight_svc.course import commands as do
from oversight_svc.course import queries as see
from oversight_svc.course.schemas import (
    Accept,
    Acknowledge,
    CarryOver,
    CarryOvers,
    Close,
    Contribute,
    Explain,
    LookBack,
    PossibleActs,
    Progress,
    Refuse,
    Reopen,
    ReportDone,
    SendBack,
    Succeed,
    Transfer,
    Verify,
)
from oversight_svc.entry.routes import entry_answer
from oversight_svc.entry.schemas import EntryView
from oversight_svc.scopes import Change, Read, Write
from zhengling.web.outcomes import Outcomes
from zhengling.web.routing import commands, queries

writes = commands("/v1", "oversight")
reads = queries("/v1", "oversight")


@reads.get(
    "/entries/{entry_id}/acts",
    operation_id="list_entry_acts",
    summary="What can be done with a matter in its state, and by whom (可办理事项)",
)
async def list_entry_acts(entry_id: str, call: Read) -> PossibleActs:
    return await see.list_acts(call, entry_id)


@writes.post(
    "/entries/{entry_id}/acceptance",
    operation_id="accept_entry",
    summary="Accept a matter, and name who is responsible (签收)",
)
async def accept_entry(entry_id: str, body: Accept, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.accept(call, entry_id, body))


@writes.post("/entries/{entry_id}/refusal", operation_id="refuse_entry", summary="Refuse a matter (退回改派)")
async def refuse_entry(entry_id: str, body: Refuse, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.refuse(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/transfer", operation_id="transfer_entry", summary="Give a matter to a lead unit (改派)"
)
async def transfer_entry(entry_id: str, body: Transfer, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.transfer(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/succession",
    operation_id="succeed_entry",
    summary="Have the successors of abolished units take a matter over (承接)",
)
async def succeed_entry(entry_id: str, body: Succeed, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.succeed(call, entry_id, body))


@writes.post("/entries/{entry_id}/progress", operation_id="report_entry_progress", summary="Report progress (报告进展)")
async def report_entry_progress(entry_id: str, body: Progress, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.report_progress(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/contributions",
    operation_id="contribute_to_entry",
    summary="Return to the lead what a co-unit owes it (配合单位反馈)",
)
async def contribute_to_entry(entry_id: str, body: Contribute, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.contribute(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/explanation",
    operation_id="explain_entry",
    summary="Explain why a matter can't be done in time (书面说明)",
)
async def explain_entry(entry_id: str, body: Explain, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.explain(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/report", operation_id="report_entry_done", summary="Report a matter as done (报告办结)"
)
async def report_entry_done(entry_id: str, body: ReportDone, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.report_done(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/verification", operation_id="verify_entry", summary="Verify what was reported as done (核查)"
)
async def verify_entry(entry_id: str, body: Verify, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.verify(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/return", operation_id="send_entry_back", summary="Return a matter for redo (退回重办)"
)
async def send_entry_back(entry_id: str, body: SendBack, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.send_back(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/acknowledgement",
    operation_id="acknowledge_entry",
    summary="The leader has seen the result of the instruction (批示领导审阅)",
)
async def acknowledge_entry(entry_id: str, body: Acknowledge, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.acknowledge(call, entry_id, body))


@writes.post("/entries/{entry_id}/closing", operation_id="close_entry", summary="Close a verified matter (销号)")
async def close_entry(entry_id: str, body: Close, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.close(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/look-back", operation_id="look_back_at_entry", summary="Look back at a closed matter (回头看)"
)
async def look_back_at_entry(entry_id: str, body: LookBack, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.look_back(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/reopening", operation_id="reopen_entry", summary="Reopen a closed matter under its number"
)
async def reopen_entry(entry_id: str, body: Reopen, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.reopen(call, entry_id, body))


@writes.post(
    "/entries/{entry_id}/carry-over",
    operation_id="carry_over_entry",
    summary="Carry a matter over into the next year under its number (结转)",
)
async def carry_over_entry(entry_id: str, body: CarryOver, call: Change, response: Response) -> EntryView:
    return await entry_answer(call, response, await do.carry_over(call, entry_id, body))


@writes.post(
    "/carry-overs",
    operation_id="carry_over_entries",
    summary="Carry several matters over into the next year, each by itself (批量结转)",
)
async def carry_over_entries(body: CarryOvers, call: Write) -> Outcomes:
    """A matter that is refused takes no other with it."""
    return await do.carry_over_each(call, body)


ROUTERS = [reads, writes]

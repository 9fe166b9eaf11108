"""The due dates of the open matters of the ledger as a calendar feed."""

from __future__ import annotations

import sqlalchemy as sa

from oversight_svc.entry.entry import ENDED, Entry
from oversight_svc.entry.table import ledger_entry
from zhengling.documents.icalendar import FeedEvent, Status
from zhengling.kernel.clauses import cited
from zhengling.kernel.errors import Text
from zhengling.web.call import Call
from zhengling.web.sight import listed


async def feed(call: Call) -> list[FeedEvent]:
    """Each open matter with a due date that the caller sees, on that day; overdue ones are marked and stay on it."""
    statement = sa.select(Entry).where(
        listed(call, Entry), ledger_entry.c.state.not_in(ENDED), ledger_entry.c.due.is_not(None)
    )
    return [_event(entry) for entry in (await call.session.execute(statement)).scalars()]


def _event(entry: Entry) -> FeedEvent:
    clause = entry.due_clause or entry.clause
    lines = [
        Text(
            f"Matter {entry.number}, due by the end of {entry.due} ({clause}).",
            f"{entry.number}，办结时限：{entry.due}（含当日，{cited(clause).zh}）。",
        ),
        Text(f"Task: {entry.task}", f"任务：{entry.task}"),
        Text(f"Lead: {entry.lead.name}", f"牵头单位：{entry.lead.name}"),
    ]
    if entry.co_units:
        names = [unit.name for unit in entry.co_units]
        lines.append(Text(f"With: {', '.join(names)}", f"配合单位：{'、'.join(names)}"))
    summary = Text(
        f"{entry.number} {entry.title} – {entry.lead.name}", f"{entry.number} {entry.title}（{entry.lead.name}）"
    )
    categories = [Text("Matter due", "督查事项")]
    if entry.overdue_at:
        summary = Text(f"Overdue: {summary.en}", f"【逾期】{summary.zh}")
        categories.append(Text("Overdue", "逾期"))
    if entry.provisional:
        lines.append(
            Text("Provisional: depends on a year without a published notice.", "暂定：所涉年度放假通知尚未发布。")
        )
    assert entry.due and entry.modified_at
    return FeedEvent(
        uid=f"entry-{entry.id}",
        summary=summary,
        start=entry.due,
        end=entry.due,
        modified=entry.modified_at,
        sequence=entry.version - 1,
        description=Text("\n".join(line.en for line in lines), "\n".join(line.zh for line in lines)),
        status=Status.tentative if entry.provisional else Status.confirmed,
        categories=tuple(categories),
        path=f"/v1/entries/{entry.id}",
    )

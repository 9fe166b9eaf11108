"""The open deadlines of the government's documents as a calendar feed."""

from __future__ import annotations

import sqlalchemy as sa

from docflow_svc.document.commands import SUBJECT
from docflow_svc.document.document import Document
from docflow_svc.document.table import document
from zhengling.documents.icalendar import FeedEvent, Status
from zhengling.kernel.clauses import cited
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import KeptDeadline
from zhengling.web.call import Call
from zhengling.web.sight import listed


async def feed(call: Call) -> list[FeedEvent]:
    """Each running deadline of the documents that the caller sees, on its last day, as an event of its own: a document may have
    several."""
    rows = await due_dates.running(call.session, SUBJECT)
    subjects = {row.subject_id for row in rows}
    statement = sa.select(Document).where(listed(call, Document), document.c.id.in_(subjects))
    documents = {found.id: found for found in (await call.session.execute(statement)).scalars()}
    return [_event(documents[row.subject_id], row) for row in rows if row.subject_id in documents]


def _event(document: Document, kept: KeptDeadline) -> FeedEvent:
    counted = shanghai_day(kept.counted_from)
    lines = [
        Text(
            f"Due by the end of {kept.due} ({kept.clause}).",
            f"办理时限：{kept.due}（含当日，{cited(kept.clause).zh}）。",
        ),
        Text(f"Counted from {counted}, by the rule {kept.rule}.", f"自{counted}起算，时限规则：{kept.rule}。"),
        Text(f"Sponsor: {document.sponsor.name}", f"主办单位：{document.sponsor.name}"),
    ]
    if kept.provisional:
        lines.append(
            Text("Provisional: depends on a year without a published notice.", "暂定：所涉年度放假通知尚未发布。")
        )
    assert document.modified_at
    again = "" if (kept.round, kept.occurrence) == (1, 1) else f"-{kept.round}-{kept.occurrence}"
    return FeedEvent(
        uid=f"document-{document.id}-{kept.rule}{again}",
        summary=Text(f"Due: {document.title}", f"公文到期：{document.title}"),
        start=kept.due,
        end=kept.due,
        modified=document.modified_at,
        sequence=document.version - 1,
        description=Text("\n".join(line.en for line in lines), "\n".join(line.zh for line in lines)),
        status=Status.tentative if kept.provisional else Status.confirmed,
        categories=(Text("Document deadline", "公文时限"),),
        path=f"/v1/documents/{document.id}",
    )

"""Commands on the composition: preview a load, and load."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from meeting_svc.composition import workbook
from meeting_svc.composition.changes import Report, examine
from meeting_svc.composition.rows import MAX_ROWS, Written, rows_of
from meeting_svc.composition.schemas import CompositionReport, CompositionRows
from meeting_svc.meeting_plan import commands as yearly_plan_commands
from zhengling.authority.composition import Composition, require_office
from zhengling.backbone.outbox import emit
from zhengling.events.meeting import CompositionChanged
from zhengling.kernel.errors import Problem, Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.rulebook import Titles
from zhengling.service.confined import BeyondLimits, confined
from zhengling.web.call import Call, stale
from zhengling.web.etags import parse_etag

Source = Literal["json", "xlsx"]
#: Limit of one event's size: the broker accepts a mebibyte, including the envelope.
MAX_EVENT_BYTES = 1_000_000
_STANDING = sa.text("SELECT version, content FROM composition WHERE government = :government")
_STANDING_LOCKED = sa.text(f"{_STANDING.text} FOR UPDATE")
_KEEP_VERSION = sa.text("""
    INSERT INTO composition_version (id, government, version, content, source, reason, loaded_by, loaded_at)
    VALUES (:id, :government, :version, CAST(:content AS jsonb), :source, :reason, :loaded_by, :loaded_at)
""")


def titles_of(call: Call) -> Titles | None:
    """The titles of posts in the caller's government; None while no rulebook of it is in force."""
    book = call.service.rulebooks.in_force(call.government, call.now)
    return book.government.titles if book else None


@dataclass(frozen=True)
class Content:
    """A composition as a caller sent it, read."""

    rows: Written
    source: Source


async def read_workbook(body: bytes) -> Content:
    """The rows of a workbook, outside any transaction: reading may take as long as `confined` lets it. Problems as of
    `workbook.read`, and 503 `busy`."""
    try:
        return _of_modest_size(Content(await confined(workbook.read, body), "xlsx"))
    except BeyondLimits as error:
        raise workbook.too_costly() from error


def read_rows(body: CompositionRows) -> Content:
    """The rows of a JSON document. 422 `too_many_rows`."""
    return _of_modest_size(Content(rows_of(body.model_dump()), "json"))


def _of_modest_size(content: Content) -> Content:
    if sum(map(len, content.rows.values())) > MAX_ROWS:
        raise workbook.too_many_rows("the composition", "全部工作表合计")
    return content


async def preview_composition(call: Call, content: Content) -> CompositionReport:
    """The effect that a load would have on each current row, and all errors. Changes nothing."""
    row = (await call.session.execute(_STANDING, {"government": call.government})).first()
    report = await _examined(call, content, Composition.model_validate(row.content) if row else None)
    if report.composition:
        _require_sendable(call, row.version + 1 if row else 1, report.composition)
    return await asyncio.to_thread(CompositionReport.of, report, row.version if row else None)


async def load_composition(call: Call, content: Content, if_match: str | None, reason: str) -> tuple[int, Composition]:
    """Replace the government's composition, and record who loaded which version, when and why. Requires meeting:admin
    and, once there is a composition, If-Match. After the first load a named official has to belong to the office; a
    client that names none acts for nobody. Returns the version with its content. Emits composition.changed.

    Problems: 428 and 412 as for every change; 403 `not_the_office`; 422 `wrong_rows` with the preview's report,
    `nothing_in_common`, `composition_too_large`."""
    row = (await call.session.execute(_STANDING_LOCKED, {"government": call.government})).first()
    standing = Composition.model_validate(row.content) if row else None
    if standing and call.official:
        act = Text("load the composition", "载入机构和人员")
        require_office(standing, call.official, shanghai_day(call.now), act, None)
    if row is not None and parse_etag(if_match) != row.version:
        raise stale(row.version)  # at once: what is examined and stored here is kept in memory by its version
    report = await _examined(call, content, standing)
    if report.composition is None:
        raise _wrong_rows(await asyncio.to_thread(CompositionReport.of, report, row.version if row else None))
    if standing:
        _require_in_common(standing, report.composition)
    version = (row.version if row else 0) + 1
    event = _require_sendable(call, version, report.composition)
    if not await compositions.store_composition(call.session, version, report.composition):
        raise stale(version)  # another first composition was loaded concurrently
    await call.session.execute(
        _KEEP_VERSION,
        {
            "id": str(uuid7()),
            "government": call.government,
            "version": version,
            "content": report.composition.model_dump_json(exclude_defaults=True),
            "source": content.source,
            "reason": reason,
            "loaded_by": call.official or call.principal.subject,
            "loaded_at": call.now,
        },
    )
    await emit(call.session, event)
    await yearly_plan_commands.expect_next_year(call)
    call.audit_details.update(subject="composition", version=version, reason=reason)
    return version, report.composition


async def _examined(call: Call, content: Content, standing: Composition | None) -> Report:
    today = shanghai_day(call.now)
    return await asyncio.to_thread(examine, content.rows, standing, today, titles_of(call))


def _require_in_common(standing: Composition, loaded: Composition) -> None:
    """422 `nothing_in_common` if no current organisation is among those loaded. Abolished organisations keep their
    rows, with a last day, so such rows belong to another government."""
    if not standing.organisation_names.keys() & loaded.organisation_names.keys():
        raise invalid(
            "nothing_in_common",
            "none of the current organisations is among these rows; they look like another government's",
            "现有机构均未列入，疑为其他政府的数据；已撤销的机构应保留并填写撤销日期",
        )


def _require_sendable(call: Call, version: int, composition: Composition) -> CompositionChanged:
    event = CompositionChanged(government=call.government, version=version, composition=composition)
    size = len(event.model_dump_json().encode())
    if size > MAX_EVENT_BYTES:
        raise invalid(
            "composition_too_large",
            f"the composition has {size} bytes; at most {MAX_EVENT_BYTES} can be sent to the other services",
            f"组成信息共{size}字节，可同步至其他服务的上限为{MAX_EVENT_BYTES}字节",
            limit=MAX_EVENT_BYTES,
        )
    return event


def _wrong_rows(report: CompositionReport) -> Problem:
    wrong = [row for row in report.rows if row.wrong]
    first = wrong[0]
    return Problem(
        422,
        "wrong_rows",
        Text(
            f"{len(wrong)} rows are wrong, nothing was loaded; {first.listing} row {first.row}: {first.wrong[0].en}",
            f"共{len(wrong)}行有误，未载入任何内容；“{first.sheet}”第{first.row}行：{first.wrong[0].zh}",
        ),
        Text("correct the rows that the report names, and load again", "请按报告更正后重新载入"),
        extra={"report": report.model_dump(mode="json")},
    )

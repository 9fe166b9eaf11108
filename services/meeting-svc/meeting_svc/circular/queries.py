"""Reads of attendance over a period, and of the circulars that were sent."""

from __future__ import annotations

import io
from datetime import date

import sqlalchemy as sa
from openpyxl import Workbook
from openpyxl.styles import Font

from meeting_svc.circular import circular as circulars
from meeting_svc.circular.circular import Circular, Figures
from meeting_svc.circular.schemas import AttendanceFigures, CircularRowView, CircularView
from meeting_svc.circular.table import circular as circular_table
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.table import meeting as meeting_table
from zhengling.authority.composition import names_of
from zhengling.documents.xlsx import put_text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, page

_HEADINGS = {
    "en": (
        "Name",
        "Expected",
        "Present",
        "On leave",
        "Away",
        "Represented",
        "Absent without leave",
        "Late",
        "Left early",
    ),
    "zh": ("姓名/单位", "应到", "实到", "请假", "外出", "替会", "无故缺席", "迟到", "早退"),
}
_SHEETS = {"en": ("Officials", "Units", "Guests"), "zh": ("人员", "单位", "外请人员")}
_COLUMNS = ("expected", "present", "on_leave", "away", "represented", "absent", "late", "left_early")


async def figures_of(call: Call, since: date, until: date, kind: str | None) -> Figures:
    circulars.require_period(since, until)
    columns = meeting_table.c
    statement = sa.select(Meeting).where(columns.day.between(since, until), columns.opened_at.is_not(None))
    if kind:
        statement = statement.where(columns.kind == kind)
    meetings = (await call.session.execute(statement)).scalars()
    return circulars.count(meetings, await composition.current(call.session))


async def get_attendance(call: Call, since: date | None, until: date | None, kind: str | None) -> AttendanceFigures:
    """The figures of a period; this year so far where none is named."""
    today = shanghai_day(call.now)
    until = until or today
    since = since or date(until.year, 1, 1)
    figures = await figures_of(call, since, until, kind)
    names = names_of(await composition.current(call.session))
    last = await call.session.scalar(sa.select(sa.func.max(circular_table.c.sent_at)))
    return AttendanceFigures(
        since=since,
        until=until,
        kind=kind,
        meetings=figures.meetings,
        officials=[CircularRowView.model_validate(row) for row in circulars.rows(figures.officials, names)],
        organisations=[CircularRowView.model_validate(row) for row in circulars.rows(figures.organisations, names)],
        guests=[CircularRowView.model_validate(row) for row in circulars.rows(figures.guests, {})],
        last_circular=last,
    )


def workbook(call: Call, figures: AttendanceFigures) -> bytes:
    """The figures as an Excel workbook: a sheet of officials, one of units and one of guests."""
    book = Workbook()
    book.remove(book.worksheets[0])
    listed = (figures.officials, figures.organisations, figures.guests)
    for title, rows in zip(_SHEETS[call.language], listed, strict=True):
        sheet = book.create_sheet(title)
        sheet.append(_HEADINGS[call.language])
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for number, row in enumerate(rows, 2):
            tally = row.tally.model_dump()
            sheet.append(["", *(tally[column] for column in _COLUMNS)])
            put_text(sheet.cell(number, 1), row.name)
        sheet.freeze_panes = "B2"
        sheet.column_dimensions["A"].width = 24
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


async def list_circulars(call: Call, request: PageRequest) -> Page[CircularView]:
    rows, cursor = await page(call.session, Circular, request)
    return Page(items=[CircularView.model_validate(row) for row in rows], next_cursor=cursor)

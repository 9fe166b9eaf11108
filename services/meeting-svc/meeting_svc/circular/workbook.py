"""The figures of attendance as an Excel workbook. Pure."""

from __future__ import annotations

import io

from openpyxl import Workbook
from openpyxl.styles import Font

from meeting_svc.circular.schemas import AttendanceFigures
from zhengling.documents.xlsx import put_text
from zhengling.kernel.errors import Language

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


def workbook(figures: AttendanceFigures, language: Language) -> bytes:
    """The workbook: a sheet of officials, one of units and one of guests."""
    book = Workbook()
    book.remove(book.worksheets[0])
    listed = (figures.officials, figures.organisations, figures.guests)
    for title, rows in zip(_SHEETS[language], listed, strict=True):
        sheet = book.create_sheet(title)
        sheet.append(_HEADINGS[language])
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

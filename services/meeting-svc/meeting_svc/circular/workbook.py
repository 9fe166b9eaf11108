"""The figures of attendance as an Excel workbook. Pure."""

from __future__ import annotations

from meeting_svc.circular.schemas import AttendanceFigures
from zhengling.documents.xlsx import add_sheet, content_of, empty_book
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
    book = empty_book()
    listed = (figures.officials, figures.organisations, figures.guests)
    for title, rows in zip(_SHEETS[language], listed, strict=True):
        tallies = [(row.name, row.tally.model_dump()) for row in rows]
        cells = [[name, *(tally[column] for column in _COLUMNS)] for name, tally in tallies]
        add_sheet(book, title, _HEADINGS[language], cells, "B2")
    return content_of(book)

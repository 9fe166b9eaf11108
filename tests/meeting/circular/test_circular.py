"""The attendance of a period as a workbook."""

from __future__ import annotations

import io
from datetime import date

import pytest
from openpyxl import load_workbook

from meeting_svc.circular.schemas import AttendanceFigures, CircularRowView, TallyView
from meeting_svc.circular.workbook import workbook

TALLY = TallyView.model_validate(dict.fromkeys(TallyView.model_fields, 3))


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x.test","财政局")', "=1+1", "+86", "@SUM(A1)", "财政局"])
def test_a_name_in_the_attendance_workbook_is_a_text_whatever_it_begins_with(name: str) -> None:
    row = CircularRowView(key="k", name=name, tally=TALLY)
    figures = AttendanceFigures(
        since=date(2026, 1, 1), until=date(2026, 6, 30), kind=None, meetings=3, officials=[row, row],
        organisations=[row], guests=[row], last_circular=None,
    )  # fmt: skip
    book = load_workbook(io.BytesIO(workbook(figures, "zh")))
    for sheet, lines in zip(book.worksheets, (2, 1, 1), strict=True):
        assert sheet.max_row == 1 + lines
        for cell in sheet["A"][1:]:
            assert (cell.value, cell.data_type) == (name, "s")
        assert [cell.value for cell in sheet[2][1:]] == [3] * 8

"""Exported workbooks. Pure.

Invariant: a text stays a text and never becomes a formula or a number.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Font

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def put_text(cell: Cell, text: str) -> None:
    """Set a cell to a text: '=…' doesn't become a formula, nor a code of digits a number."""
    cell.value = text
    cell.data_type = "s"
    cell.number_format = "@"


def add_sheet(
    book: Workbook, title: str, headings: Sequence[str], rows: Iterable[Sequence[str | int | None]], frozen: str = "A2"
) -> None:
    """Add a sheet with headings in bold; `frozen` is the first cell that scrolls."""
    sheet = book.create_sheet(title)
    sheet.append(list(headings))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = 18
    for number, row in enumerate(rows, 2):
        for column, value in enumerate(row, 1):
            if isinstance(value, str):
                put_text(sheet.cell(number, column), value)
            elif value is not None:
                sheet.cell(number, column, value)
    sheet.freeze_panes = frozen


def empty_book() -> Workbook:
    """A workbook without a sheet."""
    book = Workbook()
    book.remove(book.worksheets[0])
    return book


def content_of(book: Workbook) -> bytes:
    """The workbook as a file."""
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def workbook_of(title: str, headings: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> bytes:
    """A workbook of one sheet, as a file."""
    book = empty_book()
    add_sheet(book, title, headings, rows)
    return content_of(book)

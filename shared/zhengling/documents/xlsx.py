"""Cells of exported workbooks. Pure.

Invariant: a text stays a text and never becomes a formula or a number.
"""

from __future__ import annotations

from openpyxl.cell.cell import Cell


def put_text(cell: Cell, text: str) -> None:
    """Set a cell to a text: '=…' doesn't become a formula, nor a code of digits a number."""
    cell.value = text
    cell.data_type = "s"
    cell.number_format = "@"


MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

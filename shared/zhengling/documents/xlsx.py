"""Cells of the workbooks that are given out. Pure.

Invariant: a text stays a text; none is ever a formula or a number, whatever it begins with.
"""

from __future__ import annotations

from openpyxl.cell.cell import Cell


def put_text(cell: Cell, text: str) -> None:
    """Put a text into a cell: a name that begins with '=' isn't a formula, a code of digits isn't a number."""
    cell.value = text
    cell.data_type = "s"
    cell.number_format = "@"


MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

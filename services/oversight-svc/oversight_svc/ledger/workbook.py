"""The ledger as an Excel workbook (督查台账), as clerks know it. Pure.

Rows are written out as they come, so that only the finished file is in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from oversight_svc.entry.entry import STATES, EntryState, Light, Quality
from oversight_svc.ledger.names import LIGHTS, QUALITIES, Names
from zhengling.documents.xlsx import content_of, put_text
from zhengling.kernel.errors import Language, Text
from zhengling.kernel.instants import SHANGHAI, shanghai_day
from zhengling.rules.vocabulary import EntrySource, in_chinese

_TITLE = Text("Supervision ledger", "督查台账")
#: Headings with the widths of their columns, in characters.
_COLUMNS = (
    (Text("No.", "序号"), 6), (Text("Number", "编号"), 19), (Text("Title", "事项"), 24), (Text("Task", "工作任务"), 32),
    (Text("Source", "来源"), 18), (Text("Focus category", "督查重点"), 16), (Text("Lead unit", "牵头单位"), 14),
    (Text("Co-units", "配合单位"), 14), (Text("Leader in charge", "责任领导"), 9),
    (Text("Person responsible", "责任人"), 9), (Text("Assigned on", "交办日期"), 11), (Text("Due on", "办结时限"), 11),
    (Text("State", "办理状态"), 10), (Text("Light", "亮灯"), 10), (Text("Progress", "进展情况"), 32),
    (Text("Done on", "办结日期"), 11), (Text("Closed on", "销号日期"), 11), (Text("Quality", "办理质量"), 9),
    (Text("Weight", "权重"), 6),
    (Text("Carried into", "结转年度"), 9),
)  # fmt: skip
#: Points of a line of text, and the maximum of a row in Excel. A Chinese character is as wide as two others.
_LINE_HEIGHT, _MOST_HEIGHT = 15, 405
#: Rows above those of the matters.
_HEADED = 3
_LIGHT_COLUMN = 13
_FILLS = {Light.in_time: "C6EFCE", Light.due_soon: "FFEB9C", Light.overdue: "FFC7CE", Light.long_overdue: "FF8080"}
_THIN = Side(style="thin", color="808080")
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)


class Line(NamedTuple):
    """What the workbook says of one matter. `told` is the unit's last word on it: `text` and `occurred_at`."""

    number: str
    title: str
    task: str
    source_kind: EntrySource
    source_number: str | None
    category: str | None
    lead: str
    co_units: list[dict[str, str]]
    leader: str | None
    responsible: str | None
    assigned_at: datetime
    due: date | None
    state: EntryState
    light: Light
    told: dict[str, str] | None
    met_at: datetime | None
    closed_at: datetime | None
    quality: Quality | None
    weight: int
    carried_into: int | None


def workbook(lines: Iterable[Line], names: Names, moment: datetime, language: Language) -> bytes:
    """The workbook of these lines as of the moment."""
    book = Workbook(write_only=True)
    for style in _styles():
        book.add_named_style(style)
    sheet = book.create_sheet(_TITLE.in_language(language))
    _set_out(sheet)
    as_of = moment.astimezone(SHANGHAI)
    title = Text(f"{_TITLE.en}: {names.government}", f"{names.government}{_TITLE.zh}")
    stated = Text(f"As of {as_of:%Y-%m-%d %H:%M}", f"截至{as_of.year}年{as_of.month}月{as_of.day}日{as_of:%H:%M}")
    blank = [""] * (len(_COLUMNS) - 1)
    for style, texts in (
        ("title", [title.in_language(language), *blank]),
        ("as-of", [stated.in_language(language)]),
        ("heading", [heading.in_language(language) for heading, _ in _COLUMNS]),
    ):
        sheet.append(_filled(_cells(sheet, style), texts))
    cells, lights = _cells(sheet, "line"), {light: _cells(sheet, light)[_LIGHT_COLUMN] for light in _FILLS}
    for number, line in enumerate(lines, 1):
        cells[0].value = number
        shown = [*cells]
        shown[_LIGHT_COLUMN] = lights.get(Light(line.light), cells[_LIGHT_COLUMN])
        texts = _said(line, names, language)
        _filled(shown[1:], texts)
        sheet.row_dimensions[_HEADED + number].height = _height(texts)
        sheet.append(shown)
    return content_of(book)


def _set_out(sheet: WriteOnlyWorksheet) -> None:
    """Widths, and how it is printed: on wide A3 pages (paper size 8), each with the headings."""
    for place, (_, width) in enumerate(_COLUMNS, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "C4"
    sheet.print_title_rows = "3:3"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 8
    sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage = 0, True
    sheet.oddFooter.center.text = "&P / &N"


def _styles() -> list[NamedStyle]:
    line = {"alignment": Alignment(wrap_text=True, vertical="center"), "border": _BOX, "number_format": "@"}
    heading = Alignment(wrap_text=True, horizontal="center", vertical="center")
    fills = [
        NamedStyle(light, fill=PatternFill("solid", start_color=colour), **line) for light, colour in _FILLS.items()
    ]
    return [
        NamedStyle("title", font=Font(bold=True, size=18), alignment=Alignment(horizontal="centerContinuous")),
        NamedStyle("as-of"),
        NamedStyle("heading", font=Font(bold=True), border=_BOX, alignment=heading, number_format="@"),
        NamedStyle("line", **line),
        *fills,
    ]


def _cells(sheet: WriteOnlyWorksheet, style: str) -> list[WriteOnlyCell]:
    """The cells of a row. A row is written when it is appended, so that its cells serve for the next one as well."""
    cells = [WriteOnlyCell(sheet) for _ in _COLUMNS]
    for cell in cells:
        cell.style = style
    return cells


def _filled(cells: list[WriteOnlyCell], texts: list[str]) -> list[WriteOnlyCell]:
    for cell, text in zip(cells, texts, strict=False):
        put_text(cell, text)
    return cells


def _height(texts: list[str]) -> int:
    """The height of a row for its texts, which programs other than Excel don't find by themselves."""
    lines = 1
    for text, (_, width) in zip(texts, _COLUMNS[1:], strict=True):
        if text:
            lines = max(lines, sum(1 + 2 * len(line) // width for line in text.split("\n")))
    return min(lines * _LINE_HEIGHT, _MOST_HEIGHT)


def _said(line: Line, names: Names, language: Language) -> list[str]:
    source = in_chinese(EntrySource(line.source_kind)) if language == "zh" else line.source_kind.replace("_", " ")
    state = STATES.chinese[EntryState(line.state)] if language == "zh" else line.state
    told = line.told
    progress = f"{shanghai_day(datetime.fromisoformat(told['occurred_at']))}：{told['text']}" if told else ""
    return [
        line.number,
        line.title,
        line.task,
        f"{source} {line.source_number}" if line.source_number else source,
        names.categories.get(line.category or "", line.category or ""),
        line.lead,
        "、".join(unit["name"] for unit in line.co_units),
        names.officials.get(line.leader or "", line.leader or ""),
        names.officials.get(line.responsible or "", line.responsible or ""),
        _day(line.assigned_at),
        _day(line.due),
        state,
        LIGHTS[Light(line.light)].in_language(language),
        progress,
        _day(line.met_at),
        _day(line.closed_at) if line.state == EntryState.closed else "",
        QUALITIES[Quality(line.quality)].in_language(language) if line.quality else "",
        str(line.weight),
        str(line.carried_into or ""),
    ]


def _day(moment: date | datetime | None) -> str:
    return str(shanghai_day(moment)) if moment else ""

"""The composition as an Excel workbook: one sheet per list, with headers and words in Chinese for clerks.

Invariants: `read` accepts unchanged what `write` produces; a formula is never evaluated, an unreadable cell is reported
by sheet and row; no more than `MAX_UNPACKED` is unpacked, whatever size the file declares. Pure: bytes in, rows out. What
small parts can still cost (XML a million deep, a million styles) is bounded by where `read` runs: `service/confined.py`.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from meeting_svc.composition.rows import (
    FIELDS,
    MAX_ROWS,
    TITLES,
    Field,
    Kind,
    Listing,
    Row,
    Written,
    require_few_findings,
    words_of,
)
from zhengling.authority.composition import Composition
from zhengling.documents.xlsx import put_text
from zhengling.kernel.characters import unpadded
from zhengling.kernel.errors import Problem, Text, invalid
from zhengling.rules.rulebook import Titles

MAX_UNPACKED = 32 * 1024 * 1024
MAX_PARTS = 200
MAX_CHARACTERS = 4_000_000
#: The first bytes of an OLE compound file: an .xls workbook, or an encrypted .xlsx.
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The beginning of every namespace of Strict Open XML, and the parts that name it.
_STRICT = b"http://purl.oclc.org/ooxml/"
_NAMING_PARTS = ("_rels/.rels", "xl/workbook.xml")
#: The digits that a number in Excel (an IEEE 754 double) keeps.
MAX_DIGITS = 15
#: Rows and columns read in one sheet, empty ones included: a few bytes can declare a million of them.
MAX_SHEET_ROWS, MAX_COLUMNS = MAX_ROWS + 1000, 30
NOTES = "说明"
EXCELS_FIRST_DAY = date(1900, 3, 1)  # before it Excel's calendar has a day that doesn't exist
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.ASCII)
_COMPACT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SEVERAL = re.compile(r"[、，,；;\n]")
_EXPLAINED = (
    "每张工作表对应一类信息：机构、人员、职务、分管、AB角。第一行为表头，请勿改动。",
    "上传后以文件内容整体替换现有信息：文件中没有的行将被删除。人员离任请填写免职日期，不要删除该行。",
    "代码和编号由字母、数字、点、下划线、短横线组成，一经使用不要更改。",
    "引用机构或人员时填写代码或编号，其后可用空格隔开名称；名称唯一时也可只填名称。",
    "一个单元格内填写多个分管机构时，每行一个，或用顿号隔开。",
    "日期填写为日期格式或“2026-01-31”“2026年1月31日”；起止日期当日均包含在内，未定的截止日期留空。",
    "机构撤并时填写撤销日期和承接机构，自次日起由承接机构承接其事项；“职能”用于确定规则所称部门，多项用顿号隔开。",
    "不支持公式，请粘贴为数值。",
)


# reading --------------------------------------------------------------------------------------------------------------
def read(body: bytes) -> Written:
    """The rows of a workbook, with the errors of its sheets and cells. References by name become keys.

    Problems (422): `workbook_unreadable`, `workbook_strict`, `workbook_too_large`, `too_many_rows`, `too_many_findings`.
    MemoryError is left to the caller.
    """
    _require_modest(body)
    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=False, keep_links=False)
        written = {listing: _rows(listing, _sheet(book, listing)) for listing in Listing}
    except (Problem, MemoryError):
        raise
    except Exception as error:  # the library raises any kind of error on a broken file
        raise _unreadable(type(error).__name__) from error
    _require_short_texts(written)
    _resolve(written)
    require_few_findings(written)
    return written


def _require_short_texts(written: Written) -> None:
    """All texts together are bounded, as many cells may refer to one long string."""
    values = (value for rows in written.values() for row in rows for value in row.values.values())
    length = sum(len(text) for value in values for text in (value if isinstance(value, list) else [value]))
    if length > MAX_CHARACTERS:
        raise invalid(
            "workbook_too_large",
            f"the cells have {length} characters; at most {MAX_CHARACTERS} are read",
            f"单元格共{length}个字，上限为{MAX_CHARACTERS}个字",
        )


def too_costly() -> Problem:
    """422 `workbook_too_large`: it would take more time or memory to read than any composition does."""
    return invalid(
        "workbook_too_large",
        "the workbook takes too much time or memory to read; copy the rows into an empty one",
        "读取该工作簿占用的时间或内存过多，请将内容复制到空白工作簿后重新上传",
    )


def _unreadable(why: str) -> Problem:
    return invalid(
        "workbook_unreadable",
        f"the body isn't a readable Excel workbook (.xlsx): {why}",
        f"文件不是有效的 .xlsx 工作簿，无法读取（{why}）",
    )


def _require_modest(body: bytes) -> None:
    """Check the unpacked size before unpacking; the archive's reader never returns more of a part than declared."""
    if body.startswith(_OLE):
        raise invalid(
            "workbook_unreadable",
            "the body is an Excel 97-2003 workbook (.xls) or has a password; save it as .xlsx without one",
            "文件是 Excel 97-2003 工作簿（.xls）或设有密码，请另存为不加密的 .xlsx 工作簿",
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _unreadable(type(error).__name__) from error
    size = sum(part.file_size for part in parts)
    if size > MAX_UNPACKED or len(parts) > MAX_PARTS:
        raise invalid(
            "workbook_too_large",
            f"the workbook unpacks to {size} bytes in {len(parts)} parts; at most {MAX_UNPACKED} bytes in {MAX_PARTS} are read",
            f"工作簿解压后为{size}字节、{len(parts)}个部件，上限为{MAX_UNPACKED}字节、{MAX_PARTS}个部件",
        )
    _require_transitional(archive)


def _require_transitional(archive: zipfile.ZipFile) -> None:
    """Refuse a Strict Open XML workbook (ISO/IEC 29500, Strict): its parts have other namespaces, which the reader doesn't
    know, so that it would find no sheets."""
    try:
        strict = any(_STRICT in archive.read(part) for part in _NAMING_PARTS if part in archive.namelist())
    except Exception as error:  # as many kinds as there are ways to break an archive
        raise _unreadable(type(error).__name__) from error
    if strict:
        raise Problem(
            422,
            "workbook_strict",
            Text("the body is a Strict Open XML workbook, which isn't read", "文件为“严格 Open XML 工作簿”，无法读取"),
            Text("save it as Excel Workbook (*.xlsx)", "请在 Excel 中另存为“Excel 工作簿（*.xlsx）”后重新上传"),
        )


def _sheet(book: Workbook, listing: Listing) -> Any:
    names = {unpadded(name): name for name in book.sheetnames}
    for title in (TITLES[listing], listing.value):
        if title in names:
            return book[names[title]]
    return None


def _rows(listing: Listing, sheet: Any) -> list[Row]:
    if sheet is None:
        row = Row(1, {}, unread=True)
        title = TITLES[listing]
        row.find("sheet_missing", f"the workbook has no sheet {title} ({listing})", f"工作簿缺少工作表“{title}”")
        return [row]
    if not hasattr(sheet, "reset_dimensions"):
        raise _unreadable("a chart sheet")
    sheet.reset_dimensions()  # the sheet's declared size can't be trusted
    rows = _cells(sheet)
    number, cells = next(rows, (1, ()))
    columns, header = _columns(listing, number, cells)
    if header.wrong:
        header.unread = True
        return [header]
    return [_row(number, columns, cells) for number, cells in rows if any(not _blank(cell) for cell in cells)]


def _cells(sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
        if number > MAX_SHEET_ROWS:
            raise too_many_rows(f"sheet {sheet.title}", f"工作表“{sheet.title}”")
        yield number, cells


def too_many_rows(en: str, zh: str) -> Problem:
    return invalid("too_many_rows", f"{en} has more than {MAX_ROWS} rows", f"{zh}超过{MAX_ROWS}行", limit=MAX_ROWS)


def _blank(cell: Any) -> bool:
    return cell.value is None or (isinstance(cell.value, str) and not cell.value.strip())


def _columns(listing: Listing, number: int, cells: tuple[Any, ...]) -> tuple[dict[int, Field], Row]:
    """The field of each column from the header row, and that row with its findings."""
    known = {title: field for field in FIELDS[listing] for title in (field.header, field.name)}
    columns: dict[int, Field] = {}
    header = Row(number, {})
    for place, cell in enumerate(cells):
        title = unpadded(str(cell.value).strip().rstrip("*＊")) if not _blank(cell) else ""
        field = known.get(title)
        if field and field in columns.values():
            header.find("column_twice", f"the column {title} is there twice", f"“{title}”列重复", field.name)
        elif field:
            columns[place] = field
        elif title:
            headers = "、".join(f.header for f in FIELDS[listing])
            header.find(
                "unknown_column",
                f"unknown column {title[:60]!r}; known: {headers}",
                f"未知列“{title[:60]}”，可用：{headers}",
            )
    for field in FIELDS[listing]:
        if field not in columns.values() and not field.optional:
            header.find(
                "column_missing", f"the column {field.header} ({field.name}) is missing", f"缺少“{field.header}”列", field.name
            )  # fmt: skip
    return columns, header


def _row(number: int, columns: dict[int, Field], cells: tuple[Any, ...]) -> Row:
    row = Row(number, {})
    for place, cell in enumerate(cells):
        if _blank(cell):
            continue
        if field := columns.get(place):
            _take(row, field, cell)
        else:
            letter = get_column_letter(place + 1)
            row.find("cell_without_header", f"column {letter} has no header", f"{letter}列没有表头")
    return row


def _take(row: Row, field: Field, cell: Any) -> None:
    """Store one cell's value as JSON would hold it, or a finding."""
    value = cell.value
    if cell.data_type == "f":
        row.find("formula", "formulas aren't evaluated; paste the value", "不支持公式，请粘贴为数值", field.name)
    elif cell.data_type == "e":
        row.find("error_cell", f"the cell shows the error {value}", f"单元格为错误值{value}", field.name)
    elif field.kind == Kind.day:
        row.values[field.name] = _day(value)
    elif isinstance(value, (date, datetime)) or not isinstance(value, (str, int, float)):
        row.find(
            "wrong_type",
            f"{field.header} has to be text, but Excel stores {value} as a date or time; format the cell as text",
            f"“{field.header}”应为文本，Excel 已将其识别为日期或时间（{value}），请设为文本格式",
            field.name,
        )
    elif isinstance(value, (int, float)):
        _take_number(row, field, value, cell.number_format)
    elif field.kind == Kind.words:
        row.values[field.name] = [part.strip() for part in _SEVERAL.split(value) if part.strip()]
    else:
        row.values[field.name] = value.strip()


def _take_number(row: Row, field: Field, value: float, shown_as: str) -> None:
    """Store a number in a text's cell as its digits, or a finding where Excel has changed what was typed: it keeps 15 digits,
    and zeros in front only in the number's format."""
    digits = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if not math.isfinite(value) or len(digits.lstrip("-")) > MAX_DIGITS:
        row.find(
            "number_too_long",
            f"{field.header} is stored as a number, of which Excel keeps {MAX_DIGITS} digits; format the cell as text",
            f"“{field.header}”存为数值，Excel 仅保留{MAX_DIGITS}位数字，请设为文本格式后重新填写",
            field.name,
        )
    elif shown_as.startswith("00") and len(shown := digits.zfill(len(shown_as))) > len(digits):
        row.find(
            "zeros_in_front",
            f"{field.header} shows {shown}, but Excel stores {digits}; format the cell as text",
            f"“{field.header}”显示为{shown}，Excel 实际存为{digits}，请设为文本格式后重新填写",
            field.name,
        )
    else:
        row.values[field.name] = digits


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    found = _DAY.fullmatch(text) or _COMPACT_DAY.fullmatch(text)
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else text


def _resolve(written: Written) -> None:
    """Replace references by key, by key and name, or by a unique name, with keys."""
    names = {
        Listing.organisations: _names(written[Listing.organisations], "code"),
        Listing.officials: _names(written[Listing.officials], "id"),
    }
    for listing, rows in written.items():
        for field in (f for f in FIELDS[listing] if f.to):
            assert field.to
            for row in rows:
                if not isinstance(value := row.values.get(field.name), str):
                    continue
                if field.kind == Kind.references:
                    parts = _parts(value, *names[field.to])
                    row.values[field.name] = [
                        _key(row, field, part.strip(), *names[field.to]) for part in parts if part.strip()
                    ]
                else:
                    row.values[field.name] = _key(row, field, value, *names[field.to])


def _parts(text: str, by_key: dict[str, str], by_name: dict[str, list[str]]) -> list[str]:
    """One reference a line; or several in one line, unless the whole line is one name that contains the separator."""
    key, _, name = unpadded(text).partition(" ")
    if "\n" in text:
        return text.split("\n")
    return [text] if unpadded(text) in by_name or (name and by_key.get(key) == name) else _SEVERAL.split(text)


def _names(rows: list[Row], key: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Names by key, and keys by name."""
    by_key = {row.values[key]: unpadded(row.values.get("name", "")) for row in rows if row.values.get(key)}
    by_name: dict[str, list[str]] = defaultdict(list)
    for found, name in by_key.items():
        by_name[name].append(found)
    return by_key, by_name


def _key(row: Row, field: Field, text: str, by_key: dict[str, str], by_name: dict[str, list[str]]) -> str:
    if text in by_key:
        return text
    text = unpadded(text)
    if len(found := by_name.get(text, [])) == 1:
        return found[0]
    if found:
        several = ", ".join(found[:10])
        row.find(
            "ambiguous_name",
            f"{text} is the name of {several}; write the key",
            f"“{text}”有重名（{several}），请填写编号",
            field.name,
        )
        return found[0]
    key, _, name = text.partition(" ")
    if (name := name.strip()) and by_key.get(key, name) != name:
        row.find(
            "name_differs",
            f"{key} is {by_key[key]}, but the cell has the name {name}; the key counts",
            f"{key}是“{by_key[key]}”，单元格写作“{name}”，以编号为准",
            field.name,
            warning=True,
        )
    return key


# writing --------------------------------------------------------------------------------------------------------------
def write(composition: Composition | None, titles: Titles | None = None) -> bytes:
    """The composition as a workbook to edit; without a composition an empty workbook with headers and explanations."""
    book = Workbook()
    notes = book.active
    assert isinstance(notes, Worksheet)
    notes.title = NOTES
    notes.column_dimensions["A"].width = 110
    for line in _EXPLAINED:
        notes.append([line])
    named: dict[Listing | None, dict[str, str]] = {}
    if composition:
        named = {
            Listing.organisations: composition.organisation_names,
            Listing.officials: composition.official_names,
        }
    words = {role: word for word, role in words_of(titles).items()}
    for listing in Listing:
        sheet = book.create_sheet(TITLES[listing])
        _head(sheet, listing, {**words})
        for number, entry in enumerate(getattr(composition, listing, ()), 2):
            for place, field in enumerate(FIELDS[listing], 1):
                _put(sheet.cell(number, place), field, getattr(entry, field.name), named.get(field.to, {}), words)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _head(sheet: Worksheet, listing: Listing, words: dict[str, str]) -> None:
    for place, field in enumerate(FIELDS[listing], 1):
        cell = sheet.cell(1, place, field.header)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDEBF7")
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = 14 if field.kind == Kind.day else 28
        if field.words:
            choice = ",".join(dict.fromkeys(words.get(word, chinese) for word, chinese in field.words.items()))
            offered = DataValidation("list", formula1=f'"{choice}"', allow_blank=True, showErrorMessage=False)
            sheet.add_data_validation(offered)
            offered.add(f"{letter}2:{letter}{MAX_ROWS}")
    sheet.freeze_panes = "A2"


def _put(cell: Any, field: Field, value: Any, named: dict[str, str], words: dict[str, str]) -> None:
    """A day as an Excel date, anything else as text."""
    if value is None or value == "":
        return
    assert isinstance(cell, Cell)
    if isinstance(value, date) and value >= EXCELS_FIRST_DAY:
        cell.value = value
        cell.number_format = "yyyy-mm-dd"
        return
    if field.kind == Kind.reference:
        value = f"{value} {named.get(value, '')}".strip()
    elif field.kind == Kind.references:
        value = "\n".join(f"{key} {named.get(key, '')}".strip() for key in value)
    elif field.kind == Kind.word:
        value = words.get(value, field.words[value])
    elif field.kind == Kind.words:
        value = "、".join(field.words[each] for each in value)
    put_text(cell, str(value))

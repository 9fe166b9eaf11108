"""Official documents as DOCX in the layout of GB/T 9704-2012: minutes and other documents that a government issues.

Invariants: the same `Layout` gives the same bytes on any day, wherever zlib is of the same version; every measure is
defined here once, with its section of the standard. Pure: no I/O.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Annotated

from docx import Document
from docx.document import Document as Docx
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.xmlchemy import BaseOxmlElement
from docx.shared import Length, Mm, Pt, RGBColor, Twips
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from pydantic import BaseModel, ConfigDict, Field

from zhengling.kernel.characters import without_forbidden

# 5.2: the page and the type area (版心) on it
PAGE_WIDTH, PAGE_HEIGHT = Mm(210), Mm(297)
TOP, BINDING = Mm(37), Mm(28)
AREA_WIDTH, AREA_HEIGHT = Mm(156), Mm(225)
# 5.2.2: 22 lines of 28 characters of size 3 fill the type area
LINES, CHARACTERS = 22, 28
SIZE_2, SIZE_3, SIZE_4 = Pt(22), Pt(16), Pt(14)
PITCH = Twips(int(AREA_HEIGHT.twips / LINES))  # rounded down: any more and the 22nd line no longer fits
#: Negative character spacing that fits 28 characters into a line, in twips. Set on the characters, as not every program
#: supports a document grid narrower than the characters.
CLOSER = int((AREA_WIDTH.pt / CHARACTERS - SIZE_3.pt) * 20 - 1)
# 7.2.4, 10.3: the mark's upper edge lies 35 mm below the type area's; its size is the issuer's choice, to fit one line
MARK_DROP, MARK_LARGEST, MARK_SMALLEST = Mm(35), 50, 22
# 7.2.7: the red line lies 4 mm below the number
RED_LINE_GAP, RED_LINE_EIGHTHS, RED = Mm(4), 16, RGBColor(0xFF, 0, 0)
# 7.5: page numbers of size 4, their dashes 7 mm below the type area; half a line's height lies above the dash
FOOTER_DISTANCE = Mm(25.5)
# 7.4.1: the outer lines of the imprint are 0.35 mm, the inner ones 0.25 mm; in eighths of a point
THICK, THIN = 8, 6

FANGSONG, HEITI, KAITI, SONGTI, XIAOBIAOSONG = "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体", "方正小标宋简体"


class Level(IntEnum):
    """The heading levels of a text (7.3.3): 一、 （一） 1. （1）; body text has none."""

    body = 0
    first = 1
    second = 2
    third = 3
    fourth = 4


_LEVELS = (
    (re.compile(r"[一二三四五六七八九十百]+、"), Level.first),
    (re.compile(r"（[一二三四五六七八九十百]+）"), Level.second),
    (re.compile(r"[1-9][0-9]*[.．]"), Level.third),
    (re.compile(r"（[1-9][0-9]*）"), Level.fourth),
)
_HEADINGS = {Level.first: HEITI, Level.second: KAITI}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attendees(Part):
    """A list of names under 出席, 列席 or 请假 (10.3)."""

    label: Annotated[str, Field(min_length=1, max_length=10)]
    people: Annotated[str, Field(min_length=1)]


class Imprint(Part):
    """The imprint (版记) at the foot of the last page: recipients of copies, printing office and date (7.4)."""

    copies_label: str = "抄送"
    copies: str = ""
    printed_by: Annotated[str, Field(min_length=1)]
    printed_on: date


class Layout(Part):
    """The parts of a document; empty parts aren't printed. A paragraph's level follows from its ordinal (`level_of`)."""

    mark: Annotated[str, Field(min_length=1, description="the issuer's mark (发文机关标志, 纪要标志)")]
    number: str = ""
    issuer: Annotated[str, Field(description="beside the date above the red line, as minutes have it")] = ""
    dated: date | None = None
    title: str = ""
    addressee: str = ""
    paragraphs: tuple[str, ...] = ()
    annexes: tuple[str, ...] = ()
    attendees: tuple[Attendees, ...] = ()
    signed_by: Annotated[str, Field(description="the issuer's name below the text (发文机关署名)")] = ""
    signed_on: date | None = None
    imprint: Imprint | None = None


def level_of(paragraph: str) -> Level:
    """The level of a paragraph by its ordinal, `Level.body` where it has none."""
    return next((level for pattern, level in _LEVELS if pattern.match(paragraph)), Level.body)


def chinese_date(day: date) -> str:
    """A date in Arabic digits without leading zeros (7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"


def mark_size(mark: str) -> int:
    """The mark's size in points: the largest that fits on one line of the type area."""
    return max(MARK_SMALLEST, min(MARK_LARGEST, int(AREA_WIDTH.pt / len(mark))))


def docx(layout: Layout) -> bytes:
    """The document's bytes: the same for the same layout, wherever zlib is of the same version."""
    document = Document()
    _drop_unused(document)
    _page(document)
    _style(document)
    _properties(document, layout)
    _page_numbers(document)
    _head(document, layout)
    _body(document, layout)
    if layout.imprint:
        _imprint(document, layout.imprint)
    made = io.BytesIO()
    document.save(made)
    return _without_time(made.getvalue())


# the page -----------------------------------------------------------------------------------------------------------
def _page(document: Docx) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = PAGE_WIDTH, PAGE_HEIGHT
    section.top_margin, section.left_margin = TOP, BINDING
    section.right_margin = Length(PAGE_WIDTH - BINDING - AREA_WIDTH)
    section.bottom_margin = Length(PAGE_HEIGHT - TOP - AREA_HEIGHT)
    section.footer_distance = FOOTER_DISTANCE
    properties = section._sectPr  # python-docx has no API for the grid
    for standing in properties.findall(qn("w:docGrid")):
        properties.remove(standing)
    properties.append(_element("w:docGrid", type="lines", linePitch=PITCH.twips))
    document.settings.odd_and_even_pages_header_footer = True


def _style(document: Docx) -> None:
    """The default style: body text (5.2.2, 7.3.3)."""
    normal = document.styles["Normal"]
    assert isinstance(normal, ParagraphStyle)
    normal.font.size = SIZE_3
    normal.font.name = FANGSONG
    fonts = normal.element.get_or_add_rPr().get_or_add_rFonts()
    _name_fonts(fonts, FANGSONG)
    normal.element.get_or_add_rPr().append(_element("w:lang", val="en-US", eastAsia="zh-CN"))
    spacing = normal.paragraph_format
    spacing.line_spacing_rule, spacing.line_spacing = WD_LINE_SPACING.EXACTLY, PITCH
    spacing.space_before = spacing.space_after = Pt(0)
    spacing.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    spacing.widow_control = False  # else Word moves lines, and a page has fewer than 22


#: Parts of python-docx's template that no program needs: a second copy of all styles, the template's own thumbnail, an
#: empty bibliography.
_UNUSED = ("/stylesWithEffects", "/thumbnail", "/customXml")


def _drop_unused(document: Docx) -> None:
    for relations in (document.part.rels, document.part.package.rels):
        for key in [key for key, relation in relations.items() if relation.reltype.endswith(_UNUSED)]:
            del relations[key]


#: The maximum length of a core property.
_PROPERTY = 255


def _properties(document: Docx, layout: Layout) -> None:
    """Core properties that don't depend on machine or time."""
    day = layout.dated or layout.signed_on or date(1980, 1, 1)
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    core = document.core_properties
    title, author = layout.title or layout.mark, layout.issuer or layout.signed_by
    core.title, core.author = (without_forbidden(text)[:_PROPERTY] for text in (title, author))
    core.language = "zh-CN"
    core.comments, core.last_modified_by, core.revision = "", core.author, 1
    core.created = core.modified = moment


def _page_numbers(document: Docx) -> None:
    """— 1 —: on odd pages at the right, on even ones at the left, one character from the edge (7.5)."""
    section = document.sections[0]
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        footer.is_linked_to_previous = False
        paragraph = footer.paragraphs[0]
        paragraph.style = document.styles["Normal"]
        _indent(paragraph, SIZE_4, **{side: 1})
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if side == "right" else WD_ALIGN_PARAGRAPH.LEFT
        paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        _run(paragraph, "— ", SONGTI, SIZE_4)
        for kind, text in (("begin", ""), ("", "PAGE"), ("end", "")):
            run = _run(paragraph, "", SONGTI, SIZE_4)
            run._r.append(_element("w:fldChar", fldCharType=kind) if kind else _element("w:instrText", text))
        _run(paragraph, " —", SONGTI, SIZE_4)


# the head, above the red line ---------------------------------------------------------------------------------------
def _head(document: Docx, layout: Layout) -> None:
    """Mark, number, and for minutes the issuer and the date, over the red line (7.2.4, 7.2.5, 7.2.7, 10.3)."""
    mark = document.add_paragraph()
    mark.alignment = WD_ALIGN_PARAGRAPH.CENTER
    mark.paragraph_format.space_before = MARK_DROP
    mark.paragraph_format.line_spacing = Pt(mark_size(layout.mark))  # no space above the characters
    _run(mark, layout.mark, XIAOBIAOSONG, Pt(mark_size(layout.mark))).font.color.rgb = RED
    document.add_paragraph()
    document.add_paragraph()  # 7.2.5: two empty lines between the mark and the number
    number = document.add_paragraph()
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(number, layout.number, FANGSONG)
    if layout.issuer and layout.dated:
        _at_both_edges(document.add_paragraph(), layout.issuer, chinese_date(layout.dated), SIZE_3)
    gap = document.add_paragraph()  # a paragraph of its own: a border is as wide as its paragraph
    gap.paragraph_format.line_spacing = RED_LINE_GAP
    line = _element("w:bottom", val="single", sz=RED_LINE_EIGHTHS, space=0, color="FF0000")
    _add_property(gap, _element("w:pBdr", line))


# the body -----------------------------------------------------------------------------------------------------------
def _body(document: Docx, layout: Layout) -> None:
    """Title, addressee, text, annexes, attendance, signature (7.3, 10.3)."""
    if layout.title:
        document.add_paragraph()
        document.add_paragraph()  # 7.3.1: two empty lines below the red line
        title = document.add_paragraph()
        title.alignment = WD_ALIGN_PARAGRAPH.CENTER
        title.paragraph_format.line_spacing = Pt(35)
        title.paragraph_format.keep_with_next = True
        _run(title, layout.title, XIAOBIAOSONG, SIZE_2)
    document.add_paragraph()
    if layout.addressee:
        _run(document.add_paragraph(), f"{layout.addressee}：", FANGSONG)
    for text in layout.paragraphs:
        _text(document, text)
    if layout.annexes:
        document.add_paragraph()
        _annexes(document, layout.annexes)
    if layout.attendees:
        document.add_paragraph()
        for block in layout.attendees:
            _labelled(document.add_paragraph(), block.label, block.people, HEITI)
    if layout.signed_by and layout.signed_on:
        _signature(document, layout.signed_by, chinese_date(layout.signed_on))


def _text(document: Docx, text: str) -> None:
    """A paragraph indented by two characters. A level-one heading is in 黑体, a level-two heading in 楷体; other text, and
    text after the heading's full stop, in 仿宋 (7.3.3)."""
    paragraph = document.add_paragraph()
    _indent(paragraph, first=2)
    font = _HEADINGS.get(level_of(text))
    if font is None:
        _run(paragraph, text, FANGSONG)
        return
    heading, stop, rest = text.partition("。")
    _run(paragraph, heading + stop, font)
    paragraph.paragraph_format.keep_with_next = not rest
    if rest:
        _run(paragraph, rest, FANGSONG)


def _annexes(document: Docx, names: tuple[str, ...]) -> None:
    """附件：1. …, further ones below each other, nothing after a name (7.3.4)."""
    for n, name in enumerate(names, 1):
        paragraph = document.add_paragraph()
        number = f"{n}." if len(names) > 1 else ""
        lead = 5 if n == 1 else 0  # 空二字 and 附件：
        hang = 3 + len(number) * 0.5
        _indent(paragraph, left=2 + hang, first=-hang if lead else -len(number) * 0.5)
        _run(paragraph, f"{'附件：' if n == 1 else ''}{number}{name}", FANGSONG)


def _labelled(
    paragraph: Paragraph, label: str, text: str, font: str, size: Length = SIZE_3, left: int = 2, right: int = 0
) -> None:
    """标签：… with a hanging indent at the first character after the colon."""
    hang = len(label) + 1
    _indent(paragraph, size, left=left + hang, first=-hang, right=right)
    _run(paragraph, f"{label}：", font, size)
    _run(paragraph, text, FANGSONG, size)


def _signature(document: Docx, issuer: str, dated: str) -> None:
    """The issuer over its date, which ends four characters from the edge, each centred below the other (7.3.5.1)."""
    document.add_paragraph()
    width = sum(0.5 if c.isascii() else 1 for c in dated)
    longer = max(width, len(issuer))
    for text, taken in ((issuer, float(len(issuer))), (dated, width)):
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        paragraph.paragraph_format.keep_together = True
        _indent(paragraph, right=4 + (longer - taken) / 2)
        _run(paragraph, text, FANGSONG)


# the imprint --------------------------------------------------------------------------------------------------------
def _imprint(document: Docx, imprint: Imprint) -> None:
    """Copies, printing office and date, between rules as wide as the type area, on the page's last lines (7.4)."""
    table = document.add_table(rows=2 if imprint.copies else 1, cols=1)
    properties = table._tbl.tblPr
    for standing in list(properties):
        properties.remove(standing)
    edges = [
        _element("w:top", val="single", sz=THICK, space=0, color="000000"),
        _element("w:bottom", val="single", sz=THICK, space=0, color="000000"),
        _element("w:insideH", val="single", sz=THIN, space=0, color="000000"),
    ]
    anchor = {"horzAnchor": "margin", "vertAnchor": "margin", "tblpX": 0, "tblpYSpec": "bottom"}
    margins = [_element(f"w:{side}", w=0, type="dxa") for side in ("left", "right")]
    for child in (
        _element("w:tblpPr", leftFromText=0, rightFromText=0, **anchor),
        _element("w:tblW", w=AREA_WIDTH.twips, type="dxa"),
        _element("w:tblBorders", *edges),
        _element("w:tblLayout", type="fixed"),
        _element("w:tblCellMar", *margins),
    ):
        properties.append(child)
    table.columns[0].width = AREA_WIDTH
    for row in table.rows:
        row.cells[0].width = AREA_WIDTH
    if imprint.copies:
        copies = table.rows[0].cells[0].paragraphs[0]
        _labelled(copies, imprint.copies_label, f"{imprint.copies}。", FANGSONG, SIZE_4, left=1, right=1)
    last = table.rows[-1].cells[0].paragraphs[0]
    _at_both_edges(last, imprint.printed_by, f"{chinese_date(imprint.printed_on)}印发", SIZE_4)
    end = document.add_paragraph()  # the floating table's anchor, of minimal height
    end.paragraph_format.line_spacing = Pt(1)


def _at_both_edges(paragraph: Paragraph, left: str, right: str, size: Length) -> None:
    """One line of two texts, each one character from its edge."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT
    _indent(paragraph, size, left=1, right=1)
    paragraph.paragraph_format.tab_stops.add_tab_stop(Length(AREA_WIDTH - size), WD_TAB_ALIGNMENT.RIGHT)
    _run(paragraph, f"{left}\t{right}", FANGSONG, size)


# elements of the format ---------------------------------------------------------------------------------------------
def _run(paragraph: Paragraph, text: str, font: str, size: Length = SIZE_3) -> Run:
    run = paragraph.add_run(without_forbidden(text))
    run.font.size = size
    if size == SIZE_3:
        closer = _element("w:spacing", val=CLOSER)
        run._r.get_or_add_rPr().insert_element_before(closer, "w:w", "w:kern", "w:position", "w:sz")
    _name_fonts(run._r.get_or_add_rPr().get_or_add_rFonts(), font)
    return run


def _name_fonts(fonts: BaseOxmlElement, name: str) -> None:
    """Set the font for every script: Word uses the East Asian font for Chinese only if set as `w:eastAsia`."""
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), name)
    fonts.set(qn("w:hint"), "eastAsia")  # quotation marks and dashes are Chinese ones


def _indent(
    paragraph: Paragraph, size: Length = SIZE_3, *, left: float = 0, right: float = 0, first: float = 0
) -> None:
    """Indents in characters (for Word, which follows the grid) and as a length (for programs that ignore those)."""
    attributes: dict[str, int] = {}
    for name, characters in (("left", left), ("right", right)):
        if characters:
            attributes |= {f"{name}Chars": round(characters * 100), name: round(characters * size.twips)}
    if first:
        name = "firstLine" if first > 0 else "hanging"
        attributes |= {f"{name}Chars": round(abs(first) * 100), name: round(abs(first) * size.twips)}
    _add_property(paragraph, _element("w:ind", **attributes))


#: The schema fixes the order of a paragraph's properties: element added here → the elements that follow it.
_AFTER = {
    "w:ind": ("w:contextualSpacing", "w:mirrorIndents", "w:jc", "w:textAlignment", "w:rPr"),
    "w:pBdr": ("w:shd", "w:tabs", "w:snapToGrid", "w:spacing", "w:ind", "w:jc", "w:rPr"),
}


def _add_property(paragraph: Paragraph, element: BaseOxmlElement) -> None:
    name = f"w:{element.tag.rpartition('}')[2]}"
    paragraph._p.get_or_add_pPr().insert_element_before(element, *_AFTER[name])


def _element(name: str, *content: BaseOxmlElement | str, **attributes: object) -> BaseOxmlElement:
    element: BaseOxmlElement = OxmlElement(name)
    for attribute, value in attributes.items():
        element.set(qn(f"w:{attribute}"), str(value))
    for part in content:
        if isinstance(part, str):
            element.text = part
        else:
            element.append(part)
    return element


def _without_time(archive: bytes) -> bytes:
    """The archive with one fixed date for all members. Whoever has to keep a document keeps its bytes, as those of zlib
    depend on its version."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as made, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in made.namelist():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0  # independent of the operating system
            kept.writestr(member, made.read(name))
    return written.getvalue()

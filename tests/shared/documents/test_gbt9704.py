"""The layout of official documents: what a reader of the file finds, against the measures of GB/T 9704-2012."""

from __future__ import annotations

import io
import time
import zipfile
from datetime import date
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from zhengling.documents.gbt9704 import (
    Attendees,
    Imprint,
    Layout,
    Level,
    chinese_date,
    docx,
    level_of,
    mark_size,
)

MINUTES = Layout(
    mark="临海县人民政府周例会纪要",
    number="〔2026〕3号",
    issuer="县政府办公室",
    dated=date(2026, 2, 12),
    title="县政府第5次周例会纪要",
    paragraphs=(
        "2月12日，甲一主持会议。",
        "一、水库除险加固",
        "（一）完成加固。由县水务局牵头。",
        "1. 逐月调度。",
        "（1）其他。",
    ),
    annexes=("任务分工表", "名单"),
    attendees=(Attendees(label="出席", people="甲一、乙二"), Attendees(label="请假", people="丙三（出差）")),
    imprint=Imprint(copies_label="分送", copies="县委", printed_by="县政府办公室", printed_on=date(2026, 2, 13)),
)


def read(layout: Layout = MINUTES) -> Any:
    return Document(io.BytesIO(docx(layout)))


def find(document: Any, text: str) -> Any:
    return next(p for p in document.paragraphs if text in p.text)


def font(run: Any) -> str:
    return str(run._r.rPr.find(qn("w:rFonts")).get(qn("w:eastAsia")))


def indent(paragraph: Any, name: str) -> int:
    return int(paragraph._p.pPr.find(qn("w:ind")).get(qn(f"w:{name}")))


def test_the_type_area_is_156_by_225_millimetres_37_below_the_edge_and_28_from_the_binding() -> None:
    page = read().sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
    assert (round(page.top_margin.mm), round(page.left_margin.mm)) == (37, 28)
    assert abs(page.page_width - page.left_margin - page.right_margin - Mm(156)) < Mm(0.1)
    assert abs(page.page_height - page.top_margin - page.bottom_margin - Mm(225)) < Mm(0.1)


def test_22_lines_of_28_characters_of_size_3_fit_the_type_area_and_no_23rd_or_29th() -> None:
    document = read()
    normal = document.styles["Normal"]
    pitch, size = normal.paragraph_format.line_spacing, normal.font.size
    assert size == Pt(16)
    assert 22 * pitch <= Mm(225) < 23 * pitch
    closer = int(find(document, "甲一主持").runs[0]._r.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert 28 * (size.pt + closer) <= Mm(156).pt < 29 * (size.pt + closer)
    assert normal.element.rPr.find(qn("w:rFonts")).get(qn("w:eastAsia")) == "仿宋_GB2312"


def test_the_mark_is_red_35_millimetres_below_the_type_areas_edge_and_fits_one_line() -> None:
    mark = read().paragraphs[0]
    assert mark.text == MINUTES.mark
    assert mark.runs[0].font.color.rgb == RGBColor(255, 0, 0)
    assert round(mark.paragraph_format.space_before.mm) == 35
    assert len(mark.text) * mark.runs[0].font.size.pt <= Mm(156).pt
    assert font(mark.runs[0]) == "方正小标宋简体"


@pytest.mark.parametrize(("mark", "size"), [("县文件", 50), ("某某区人民政府常务会议纪要", 34), ("长" * 40, 22)])
def test_a_short_mark_is_large_and_a_long_one_no_smaller_than_a_title(mark: str, size: int) -> None:
    assert mark_size(mark) == size


def test_a_red_line_as_wide_as_the_type_area_lies_4_millimetres_below_the_number() -> None:
    document = read()
    texts = [p.text for p in document.paragraphs]
    above = texts.index("县政府办公室\t2026年2月12日")
    line = document.paragraphs[above + 1]
    border = line._p.pPr.find(qn("w:pBdr")).find(qn("w:bottom"))
    assert border.get(qn("w:color")) == "FF0000"
    assert round(line.paragraph_format.line_spacing.mm) == 4
    assert line._p.pPr.find(qn("w:ind")) is None
    assert texts[above - 1] == "〔2026〕3号"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("一、水库", Level.first), ("二十一、水库", Level.first), ("（三）水库", Level.second), ("12. 水库", Level.third),
        ("（4）水库", Level.fourth), ("会议指出，一、二", Level.body), ("一是加快", Level.body), ("2026年", Level.body),
    ],
)  # fmt: skip
def test_the_level_follows_from_the_ordinal(text: str, level: Level) -> None:
    assert level_of(text) == level


def test_each_level_has_its_face_and_every_paragraph_is_indented_by_two_characters() -> None:
    document = read()
    assert [font(run) for run in find(document, "一、水库").runs] == ["黑体"]
    second = find(document, "（一）完成")
    assert [(run.text, font(run)) for run in second.runs] == [
        ("（一）完成加固。", "楷体_GB2312"), ("由县水务局牵头。", "仿宋_GB2312"),
    ]  # fmt: skip
    for text in MINUTES.paragraphs[-2:]:
        assert [font(run) for run in find(document, text).runs] == ["仿宋_GB2312"]
    for text in MINUTES.paragraphs:
        assert indent(find(document, text), "firstLineChars") == 200


def test_the_title_is_of_size_2() -> None:
    title = find(read(), MINUTES.title)
    assert (title.runs[0].font.size, font(title.runs[0])) == (Pt(22), "方正小标宋简体")


def test_who_attended_stands_below_the_first_name_behind_a_heading_in_black_face() -> None:
    block = find(read(), "出席：")
    assert [(run.text, font(run)) for run in block.runs] == [("出席：", "黑体"), ("甲一、乙二", "仿宋_GB2312")]
    assert (indent(block, "leftChars"), indent(block, "hangingChars")) == (500, 300)


def test_annexes_are_numbered_where_there_are_several() -> None:
    assert [find(read(), "任务分工表").text, find(read(), "名单").text] == ["附件：1.任务分工表", "2.名单"]
    one = MINUTES.model_copy(update={"annexes": ("任务分工表",)})
    assert find(read(one), "任务分工表").text == "附件：任务分工表"


def test_page_numbers_stand_outside_with_dashes_in_size_4() -> None:
    document = read()
    assert document.settings.odd_and_even_pages_header_footer
    section = document.sections[0]
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        paragraph = footer.paragraphs[0]
        assert paragraph.text == "—  —"
        assert paragraph.alignment == {"left": 0, "right": 2}[side]
        assert indent(paragraph, f"{side}Chars") == 100
        assert "PAGE" in paragraph._p.xml
        assert {(run.font.size, font(run)) for run in paragraph.runs} == {(Pt(14), "宋体")}


def test_the_imprint_is_the_foot_of_the_last_page_between_thick_lines_with_a_thin_one_inside() -> None:
    table = read().tables[0]
    properties = table._tbl.tblPr
    place = properties.find(qn("w:tblpPr"))
    assert (place.get(qn("w:vertAnchor")), place.get(qn("w:tblpYSpec"))) == ("margin", "bottom")
    assert abs(int(properties.find(qn("w:tblW")).get(qn("w:w"))) - Mm(156).twips) <= 1
    sizes = {edge.tag.rpartition("}")[2]: int(edge.get(qn("w:sz"))) for edge in properties.find(qn("w:tblBorders"))}
    assert sizes == {"top": 8, "bottom": 8, "insideH": 6}
    assert [row.cells[0].text for row in table.rows] == ["分送：县委。", "县政府办公室\t2026年2月13日印发"]


def test_a_document_signed_by_its_issuer_has_name_and_date_below_the_text_and_no_attendance() -> None:
    letter = Layout(
        mark="临海县人民政府文件", number="临政发〔2026〕9号", title="通知", addressee="各单位", paragraphs=("照此办理。",),
        signed_by="临海县人民政府", signed_on=date(2026, 2, 3),
    )  # fmt: skip
    document = read(letter)
    texts = [p.text for p in document.paragraphs]
    assert texts[-2:] == ["临海县人民政府", "2026年2月3日"]
    assert texts.index("各单位：") < texts.index("照此办理。")
    assert indent(document.paragraphs[-2], "rightChars") == 400
    assert not document.tables
    assert not any("出席" in text for text in texts)


def test_the_same_description_gives_the_same_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = docx(MINUTES)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2_000_000_000))
    assert docx(MINUTES) == made
    assert docx(MINUTES.model_copy(update={"number": "〔2026〕4号"})) != made
    members = zipfile.ZipFile(io.BytesIO(made)).infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert read().core_properties.modified.date() == date(2026, 2, 12)


def test_a_page_takes_tens_of_kilobytes_and_no_part_that_nobody_needs() -> None:
    made = docx(MINUTES)
    assert len(made) < 60_000
    names = zipfile.ZipFile(io.BytesIO(made)).namelist()
    assert not [name for name in names if "thumbnail" in name or "WithEffects" in name or name.startswith("customXml")]


def test_dates_have_no_leading_zeros() -> None:
    assert chinese_date(date(2026, 2, 3)) == "2026年2月3日"


def test_every_accepted_text_can_be_laid_out() -> None:
    odd = "坏\x01字\ufffe符"
    layout = MINUTES.model_copy(
        update={"mark": odd, "title": "题" * 300, "issuer": odd, "paragraphs": (odd,), "annexes": (odd,)}
    )
    document = read(layout)
    assert "坏\ufffd字\ufffd符" in [paragraph.text for paragraph in document.paragraphs]
    assert document.core_properties.title == "题" * 255
    assert "题" * 300 in [paragraph.text for paragraph in document.paragraphs]

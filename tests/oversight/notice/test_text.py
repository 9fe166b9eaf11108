"""The text of a notice of supervision."""

from __future__ import annotations

from datetime import date

from oversight_svc.notice.text import Values, text_of


def values(due: date | None) -> Values:
    return Values(
        number="双政督通〔2026〕3号", unit="区民政局", title="养老服务", entry_number="双政督〔2026〕8号", task="完成改造。",
        due=due, requirements="立即整改\n\n  每周报告  ", slip_due=date(2026, 10, 12), office="区政府办公室",
        day=date(2026, 9, 30),
    )  # fmt: skip


def test_a_notice_says_what_is_required_of_whom_until_when() -> None:
    text = text_of(values(date(2026, 9, 28)))
    assert text.startswith("督办通知\n\n双政督通〔2026〕3号\n\n区民政局：\n")
    assert "工作任务为：完成改造。该事项办结时限为2026年9月28日。" in text
    assert "　　立即整改\n　　每周报告\n" in text
    assert "请于2026年10月12日前填写回执，报送区政府办公室。" in text
    assert "通知编号：双政督通〔2026〕3号" in text


def test_a_matter_without_a_date_is_said_to_have_none_yet() -> None:
    assert "该事项办结时限待定。" in text_of(values(None))

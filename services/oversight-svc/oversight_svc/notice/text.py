"""The text of a notice of supervision and of its return slip, from a template. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

_TEMPLATE = """督办通知

{number}

{unit}：

　　由你单位牵头办理的督查事项“{title}”（{entry_number}），工作任务为：{task}。{due}

　　现将督办要求通知如下：

　　{requirements}

　　请于{slip_due}前填写回执，报送{office}。

{office}
{day}

………………………………………………………………

督办通知回执

通知编号：{number}
事项：{title}（{entry_number}）
承办单位：{unit}
办理情况：
未按期办结的原因和下一步措施：
填报人：
填报日期：
"""


@dataclass(frozen=True)
class Values:
    """What the template says. `due` is the matter's due date, None while it has none."""

    number: str
    unit: str
    title: str
    entry_number: str
    task: str
    due: date | None
    requirements: str
    slip_due: date
    office: str
    day: date


def text_of(values: Values) -> str:
    due = f"该事项办结时限为{_day(values.due)}。" if values.due else "该事项办结时限待定。"
    lines = [line.strip() for line in values.requirements.splitlines() if line.strip()]
    return _TEMPLATE.format(
        number=values.number,
        unit=values.unit,
        title=values.title,
        entry_number=values.entry_number,
        task=values.task.rstrip("。；"),
        due=due,
        requirements="\n　　".join(lines),
        slip_due=_day(values.slip_due),
        office=values.office,
        day=_day(values.day),
    )


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"

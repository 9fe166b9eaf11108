"""Pydantic's validation errors of a request, in English and Chinese.

Invariant: every type of error that JSON or a query can cause has a Chinese text; our own validators bring theirs
(`errors.Unfit`). Pure.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from zhengling.kernel.errors import Text, Unfit
from zhengling.rules.vocabulary import CHINESE as VOCABULARY

_ONE_OF = "应为下列之一：{expected}"
_NUMBER, _WHOLE, _DAY, _INSTANT = "应为数字", "应为整数", "应为日期（YYYY-MM-DD）", "应为带时区的时间（RFC 3339）"
#: What pydantic lists as words in quotation marks.
_LISTS = ("expected", "expected_tags", "expected_schemes", "discriminator")
#: Type of error → Chinese text, with pydantic's context values.
CHINESE = {
    "missing": "缺少该项", "extra_forbidden": "无此项，请删除", "invalid_key": "键名应为文字",
    "model_type": "应为对象", "model_attributes_type": "应为对象", "dataclass_type": "应为对象", "dict_type": "应为对象",
    "frozen_dict_type": "应为对象", "mapping_type": "应为对象", "json_type": "应为 JSON", "json_invalid": "不是合法的 JSON",
    "none_required": "应为空值", "recursion_loop": "嵌套自身", "recursion_depth_exceeded": "嵌套层数过多",
    "greater_than": "应大于{gt}", "greater_than_equal": "不得小于{ge}",
    "less_than": "应小于{lt}", "less_than_equal": "不得大于{le}", "multiple_of": "应为{multiple_of}的倍数",
    "finite_number": "应为有限数", "too_short": "不得少于{min_length}项", "too_long": "不得多于{max_length}项",
    "string_type": "应为文字", "string_unicode": "不是合法的 Unicode 文字", "string_too_short": "不得少于{min_length}个字",
    "string_too_long": "不得超过{max_length}个字", "string_pattern_mismatch": "格式不合要求",
    "string_not_ascii": "只能用 ASCII 字符", "enum": _ONE_OF, "literal_error": _ONE_OF,
    "list_type": "应为列表", "tuple_type": "应为列表", "set_type": "应为列表", "frozen_set_type": "应为列表",
    "iterable_type": "应为列表", "set_item_not_hashable": "列表中的项不合要求",
    "bool_type": "应为 true 或 false", "bool_parsing": "应为 true 或 false",
    "int_type": _WHOLE, "int_parsing": _WHOLE, "int_parsing_size": "整数过大", "int_from_float": _WHOLE,
    "float_type": _NUMBER, "float_parsing": _NUMBER, "decimal_type": _NUMBER, "decimal_parsing": _NUMBER,
    "decimal_max_digits": "不得超过{max_digits}位", "decimal_max_places": "小数不得超过{decimal_places}位",
    "decimal_whole_digits": "整数部分不得超过{whole_digits}位",
    "date_type": _DAY, "date_parsing": _DAY, "date_from_datetime_parsing": _DAY, "date_from_datetime_inexact": _DAY,
    "date_past": "应为过去的日期", "date_future": "应为将来的日期",
    "time_type": "应为时刻", "time_parsing": "应为时刻", "datetime_type": _INSTANT, "datetime_parsing": _INSTANT,
    "datetime_object_invalid": _INSTANT, "datetime_from_date_parsing": _INSTANT, "timezone_aware": _INSTANT,
    "datetime_past": "应为过去的时间", "datetime_future": "应为将来的时间", "timezone_naive": "不得带时区",
    "timezone_offset": "时区应为{tz_expected}", "time_delta_type": "应为时长", "time_delta_parsing": "应为时长",
    "union_tag_invalid": "{discriminator}应为下列之一：{expected_tags}", "union_tag_not_found": "缺少{discriminator}",
    "url_type": "应为网址", "url_parsing": "应为网址", "url_syntax_violation": "应为网址",
    "url_too_long": "网址不得超过{max_length}个字符", "url_scheme": "网址应以下列之一开头：{expected_schemes}",
    "uuid_type": "应为 UUID", "uuid_parsing": "应为 UUID", "uuid_version": "应为第{expected_version}版 UUID",
    "bytes_type": "应为文字", "bytes_too_short": "不得少于{min_length}个字节", "bytes_too_long": "不得超过{max_length}个字节",
    "bytes_invalid_encoding": "编码应为{encoding}", "value_error": "不合要求", "assertion_error": "不合要求",
}  # fmt: skip
_BLANK = "不得为空白"
#: Member or parameter → what a clerk calls it.
FIELDS = {
    "functions": "职能", "successor": "承接机构", "amount": "数量", "period": "年度", "series": "编号系列",
    "document_kind": "文种", "asked_at": "申请时间", "clause": "条款", "deadline_id": "时限编号", "unit": "单位",
    "a": "A角", "b": "B角", "code": "代码", "id": "编号", "language": "语言", "parent": "上级机构",
    "Idempotency-Key": "Idempotency-Key 请求头", "If-Match": "If-Match 请求头", "If-None-Match": "If-None-Match 请求头",
    "If-Range": "If-Range 请求头", "Range": "Range 请求头", "absence_id": "请假编号", "after": "起始位置",
    "aggregate_id": "事项编号", "aggregate_type": "事项类别", "agreed": "是否同意", "amendments": "更正事项",
    "amends": "所调整的通知",
    "approve": "是否同意", "as_of": "查询时点", "aspects": "事项属性", "at": "时间", "attendance": "到会情况", "by": "办理人",
    "carried_out_by": "实施单位", "chair": "主持人", "changes": "更正内容", "channel": "发布渠道",
    "classification": "密级", "closure_id": "停止办公编号", "co_units": "配合单位",
    "coming": "是否参会", "concerned": "涉及单位", "contact": "联系方式", "content-digest": "内容摘要请求头",
    "content-disposition": "文件名请求头", "convener": "拟主持人", "copies": "分送范围", "correction": "更正理由",
    "criteria": "评估内容", "cursor": "游标", "date": "日期", "day": "日期",
    "decision_id": "决定事项编号", "delegate": "替会人员", "destination": "目的地", "difficulty": "难易程度", "document": "文件",
    "document_id": "文件编号", "due": "办结时限", "due_basis": "时限依据", "duty": "报告报备事项", "entry_id": "台账事项编号",
    "event_id": "事件编号", "exception": "例外理由", "feed_id": "订阅编号", "field_day_id": "调研记录编号", "file_id": "文件编号",
    "first": "首日", "followed": "跟踪事项", "forms": "听取意见形式", "from": "起始日期", "gate": "前置程序",
    "granted": "另行放假", "grounds": "理由", "group": "范围", "guest": "外请人员", "guests": "外请人员",
    "hindrance": "不合规定之处", "holders": "持有人", "holidays": "放假安排", "in_name_of": "以何名义", "invitees": "邀请名单",
    "issuer": "发文机关", "item_id": "项目编号", "items": "各项", "joint": "联合办理", "kind": "类别", "last": "末日",
    "lead": "牵头单位", "limit": "限制事项", "major": "是否重大事项", "matter": "主要任务", "may_be_published": "可否公开",
    "meeting_id": "会议编号", "meeting_kind": "会议类别", "modified_since": "变更起始时间", "month": "月份", "move": "到会或离会",
    "name": "名称", "nature": "议题性质", "note": "备注", "number": "序号", "occurred_at": "发生时间", "official": "人员",
    "official_id": "人员编号", "officials": "人员", "on": "日期", "open_gates": "未完成的前置程序", "operation_id": "任务编号",
    "opinion": "意见", "ordered_by": "决定机关", "organisation": "单位", "organisations": "单位", "organised_by": "组织单位",
    "outcome": "审议结果", "overdue": "是否逾期", "pairs": "AB角", "paper_id": "材料编号", "papers": "材料",
    "participants": "参会范围", "parts": "组成部分", "passed": "是否通过", "place": "地点", "plan_item": "计划项目",
    "planning_request_id": "会议申请编号", "poison_id": "记录编号", "portfolios": "分管", "position": "意见立场", "posts": "职务",
    "preferred": "倾向性意见", "prepares_for": "拟提交的会议", "present": "是否到会", "publication": "公开情况",
    "published_at": "公开时间", "raised_by": "提出方", "reason": "理由", "reason_kind": "请假事由类别", "recipients": "通报范围",
    "recording": "录音安排", "reference": "依据", "replaces": "所替换的材料", "request_id": "申请编号", "revoked": "是否撤销",
    "role": "职务类别", "secret": "链接密钥", "set_at_year_start": "是否年初确定", "sha256": "SHA-256",
    "since": "起始日期", "source": "来源", "source_id": "来源编号", "sponsor": "主办单位", "stance": "态度", "standing": "效力",
    "starts_at": "开始时间", "state": "状态", "status": "状态", "step": "办理环节", "struck": "删除的项目", "subject": "事由",
    "task": "任务",
    "text": "文本", "title": "标题", "to": "截止日期", "to_return": "是否收回", "topic_id": "议题编号", "topics": "议题",
    "trace": "计算过程", "type": "类型", "until": "截止日期", "urgency": "紧急理由", "url": "网址",
    "approval": "批准", "assigned_at": "交办时间", "dated": "来源日期", "entries": "督查事项", "into": "并入的事项",
    "paper": "文号或名称", "part_of": "所属事项",
    "category": "督查重点", "contributions": "配合事项", "due_from": "时限起", "due_until": "时限止", "ended": "是否已终结",
    "opened_from": "交办日期起", "opened_until": "交办日期止", "closed_from": "销号日期起", "closed_until": "销号日期止",
    "holds": "成效是否巩固", "leader": "分管领导", "light": "亮灯", "measures": "三张清单", "quality": "办理质量",
    "clearing": "清零年度", "carried_into": "结转年度",
    "way": "督办方式", "censure": "处理方式", "notice_id": "督办通知", "proposal_id": "处理建议", "requirements": "督办要求",
    "responsible": "负责人", "result": "是否有结果", "source_kind": "来源",
    "version": "版本", "waits_for": "待办人", "when": "时点", "withheld": "不予公开", "work_on": "上班日期",
    "year": "年份",
}  # fmt: skip
#: Where a request has a value, for what a clerk doesn't fill in.
_PLACES = {"query": "查询条件：", "path": "路径："}


def in_chinese(place: Sequence[int | str]) -> str:
    """The place of an error for a clerk: 更正事项第1项的理由： for (body, amendments, 0, reason). Members without a Chinese name,
    such as the variants of a union, aren't named."""
    said: list[str] = []
    for part in place[1:]:
        if isinstance(part, int) and said:
            said[-1] += f"第{part + 1}项"
        elif name := FIELDS.get(str(part)):
            said.append(name)
    return f"{_PLACES.get(str(place[0]), '')}{'的'.join(said)}：" if said else ""


def expected(finding: Mapping[str, Any]) -> Text:
    """The text of one of pydantic's errors: what was expected."""
    kind, context = finding["type"], finding.get("ctx", {})
    english = finding["msg"].removeprefix("Value error, ")
    if isinstance(ours := context.get("error"), Unfit):
        return ours.text
    if (kind, context.get("pattern")) == ("string_pattern_mismatch", r"\S"):
        return Text("can't be blank", _BLANK)
    if (kind, context.get("min_length")) == ("string_too_short", 1):
        return Text(english, _BLANK)
    listed = {name: _words(value) for name, value in context.items() if name in _LISTS}
    return Text(english, CHINESE.get(kind, "不合要求").format_map({**context, **listed}))


def _words(expected: object) -> str:
    """Pydantic's list of words ('draft', 'sign' or 'approve') in Chinese, by the vocabulary that has all of them, or else most;
    a word that it lacks stays as it is."""
    words = re.findall(r"'([^']*)'", str(expected))
    vocabularies: dict[type, dict[str, str]] = defaultdict(dict)
    for (vocabulary, word), chinese in VOCABULARY.items():
        vocabularies[vocabulary][word] = chinese
    fitting = max(vocabularies.values(), key=lambda known: (sum(word in known for word in words), -len(known)))
    return "、".join(fitting.get(word, word) for word in words) or str(expected)

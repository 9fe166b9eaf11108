"""Pydantic's validation errors of a request, in English and Chinese.

Invariant: every type of error that JSON or a query can cause has a Chinese text; our own validators bring theirs
(`errors.Unfit`). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zhengling.kernel.errors import Text, Unfit

_ONE_OF = "应为下列之一：{expected}"
_NUMBER, _WHOLE, _DAY, _INSTANT = "应为数字", "应为整数", "应为日期（YYYY-MM-DD）", "应为带时区的时间（RFC 3339）"
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
    "string_too_long": "不得超过{max_length}个字", "string_pattern_mismatch": "格式应符合 {pattern}",
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
    chinese = CHINESE.get(kind, english).format_map(context)
    return Text(english, chinese.replace("' or '", "'、'").replace("', '", "'、'"))

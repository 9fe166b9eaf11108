"""Problems: every unsuccessful answer is an RFC 9457 problem document with a stable code.

Invariant: a problem has its text in English and Chinese; a refusal by a rule also names its clause and what would satisfy
it. The domain raises problems; only `web/problems.py` turns them into HTTP answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


#: A day as written by `date.isoformat`, and not part of a longer word, such as an instant or a file's name.
_DAY = re.compile(r"(?<![0-9A-Za-z_./:-])(\d{4})-(\d{2})-(\d{2})(?![0-9A-Za-z_./:-])", re.ASCII)


def _in_words(day: re.Match[str]) -> str:
    year, month, of_month = map(int, day.groups())
    return f"{year}年{month}月{of_month}日"


class Text(NamedTuple):
    """A text in English and Chinese."""

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        """The text; in Chinese with dates as 2026年3月24日."""
        return _DAY.sub(_in_words, self.zh) if language == "zh" else self.en


class Unfit(ValueError):
    """Raised by a payload's validator: what it expects, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


#: Title of a problem in Chinese, by its status; the code tells problems of one status apart.
CHINESE_TITLES = {
    400: "请求无法解析", 401: "身份未经验证", 403: "无权办理", 404: "没有该内容", 405: "不支持该请求方法",
    406: "不支持所需的格式",
    408: "请求超时", 409: "不能办理", 410: "已不存在", 411: "缺少长度", 412: "内容已变更", 413: "内容过大", 414: "地址过长",
    415: "不支持该类型", 416: "范围超出文件", 421: "请求发错服务", 422: "填写内容有误", 425: "尚不能处理", 426: "须升级协议",
    428: "缺少版本", 429: "请求过多", 431: "请求头过大", 500: "系统内部错误", 501: "不支持", 502: "上游服务错误",
    503: "服务暂不可用", 504: "上游服务超时", 507: "存储空间不足",
}  # fmt: skip


@dataclass(eq=False)
class Problem(Exception):
    """A refused or failed request.

    `code` is stable and snake_case; `status` the HTTP status; `satisfy` what would make the request succeed;
    `extra` further members of the problem document (JSON values); `headers` headers of the answer. `by_state` where who may do
    it follows from the state, as of the next step of a chain: to one who acted on an older state that is what has to be said.
    """

    status: int
    code: str
    detail: Text
    satisfy: Text | None = None
    clause: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    by_state: bool = False

    def __str__(self) -> str:
        clause = f" [{self.clause}]" if self.clause else ""
        return f"{self.code}{clause}: {self.detail.en}"

    def document(
        self, language: Language = "en", own_words: Callable[[str], str] = lambda text: text
    ) -> dict[str, object]:
        """The members of RFC 9457 and ours; `title`, `detail` and `satisfy` in the given language. `own_words` puts a
        government's own titles into a Chinese text."""
        document: dict[str, object] = {
            "type": f"urn:zhengling:problem:{self.code}",
            "title": self.code.replace("_", " ") if language == "en" else CHINESE_TITLES[self.status],
            "status": self.status,
            "code": self.code,
            "detail": _said(self.detail, language, own_words),
        }
        if self.clause:
            document["clause"] = self.clause
        if self.satisfy:
            document["satisfy"] = _said(self.satisfy, language, own_words)
        return document | self.extra


def _said(text: Text, language: Language, own_words: Callable[[str], str]) -> str:
    said = text.in_language(language)
    return own_words(said) if language == "zh" else said


def refusal(code: str, clause: str | None, en: str, zh: str, satisfy: Text, **extra: object) -> Problem:
    """A refusal by a rule (409), with its clause and what would satisfy it."""
    return Problem(409, code, Text(en, zh), satisfy, clause, extra)


def not_permitted(code: str, clause: str | None, en: str, zh: str, satisfy: Text, **extra: object) -> Problem:
    """The caller may not do this (403); `satisfy` names who may."""
    return Problem(403, code, Text(en, zh), satisfy, clause, extra)


def not_found(noun: str, noun_zh: str, key: object) -> Problem:
    """This government has no such resource (404); another government's resource gives the same answer."""
    return Problem(404, f"{noun.replace(' ', '_')}_not_found", Text(f"no {noun} {key}", f"没有{noun_zh} {key}"))


def invalid(code: str, en: str, zh: str, satisfy: Text | None = None, **extra: object) -> Problem:
    """A well-formed but invalid payload or parameter (422), with what would be valid, where that can be said."""
    return Problem(422, code, Text(en, zh), satisfy, extra=extra)

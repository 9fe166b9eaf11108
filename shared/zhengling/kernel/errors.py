"""Problems: every unsuccessful answer is an RFC 9457 problem document with a stable code.

Invariant: a problem has its text in English and Chinese; a refusal by a rule also names its clause and what would satisfy
it. The domain raises problems; only `web/problems.py` turns them into HTTP answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


class Text(NamedTuple):
    """A text in English and Chinese."""

    en: str
    zh: str

    def in_language(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Unfit(ValueError):
    """Raised by a payload's validator: what it expects, in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


@dataclass(eq=False)
class Problem(Exception):
    """A refused or failed request.

    `code` is stable and snake_case; `status` the HTTP status; `satisfy` what would make the request succeed;
    `extra` further members of the problem document (JSON values); `headers` headers of the answer.
    """

    status: int
    code: str
    detail: Text
    satisfy: Text | None = None
    clause: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        clause = f" [{self.clause}]" if self.clause else ""
        return f"{self.code}{clause}: {self.detail.en}"

    def document(self, language: Language = "en") -> dict[str, object]:
        """The members of RFC 9457 and ours; `detail` and `satisfy` in the given language."""
        document: dict[str, object] = {
            "type": f"urn:zhengling:problem:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail.in_language(language),
        }
        if self.clause:
            document["clause"] = self.clause
        if self.satisfy:
            document["satisfy"] = self.satisfy.in_language(language)
        return document | self.extra


def refusal(code: str, clause: str | None, en: str, zh: str, satisfy: Text, **extra: object) -> Problem:
    """A refusal by a rule (409), with its clause and what would satisfy it."""
    return Problem(409, code, Text(en, zh), satisfy, clause, extra)


def not_permitted(code: str, clause: str | None, en: str, zh: str, satisfy: Text, **extra: object) -> Problem:
    """The caller may not do this (403); `satisfy` names who may."""
    return Problem(403, code, Text(en, zh), satisfy, clause, extra)


def not_found(noun: str, noun_zh: str, key: object) -> Problem:
    """This government has no such resource (404); another government's resource gives the same answer."""
    return Problem(404, f"{noun.replace(' ', '_')}_not_found", Text(f"no {noun} {key}", f"没有{noun_zh} {key}"))


def invalid(code: str, en: str, zh: str, **extra: object) -> Problem:
    """A well-formed but invalid payload or parameter (422)."""
    return Problem(422, code, Text(en, zh), extra=extra)

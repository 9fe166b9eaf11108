"""Refusals and failures as RFC 9457 problem documents with a stable code, in the caller's language."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from zhengling.database.session import is_contention, is_outage, loggable, refused_text
from zhengling.kernel.characters import not_allowed
from zhengling.kernel.clauses import practice_of
from zhengling.kernel.errors import Language, Problem, Text, invalid
from zhengling.service.auth import Principal
from zhengling.service.service import Service
from zhengling.web import payload_errors
from zhengling.web.etags import if_match_missing

log = logging.getLogger(__name__)

MOST_FINDINGS = 100
"""The most findings that a problem document lists; `error_count` says how many there are."""
LONGEST_PLACE, LONGEST_TEXT = 200, 500
"""The most characters of a finding's place and text, both of which may quote the payload."""

_LANGUAGES = re.compile(r"(?:^|,)\s*(zh|en)\b[^,;]*(?:;\s*q=([01](?:\.\d{0,3})?))?")


def language_of(request: Request) -> Language:
    """Chinese if Accept-Language prefers it to English, else English."""
    asked = _LANGUAGES.findall(request.headers.get("accept-language", "").lower())
    language, quality = max(asked, key=lambda found: float(found[1] or 1), default=("en", ""))
    return "zh" if language == "zh" and float(quality or 1) > 0 else "en"


class PracticeView(BaseModel):
    """Who decided a value that no article gives, and when."""

    model_config = ConfigDict(from_attributes=True)
    decided_by: str
    decided_on: date


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457) with a stable code; a refusal by a rule has its clause and what would satisfy it, and
    `practice` where no article gives the rule's value."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    clause: str | None = None
    practice: PracticeView | None = None
    satisfy: str | None = None


def _described(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


#: Problems of every operation; `_describe` adds those that follow from an operation's parameters.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _described("No valid token"),
    403: _described("A scope or a post is missing"),
    409: _described("Refused by the rules or by the current state"),
    422: _described("The payload or a parameter is invalid"),
    429: _described("Too many requests of this person or government; Retry-After says when to go on"),
    503: _described("A dependency is unavailable"),
}
_WITH_PATH_PARAMETER = {404: _described("This government has no such resource")}
_WITH_KEY = {400: _described("The request can't be parsed, or lacks Idempotency-Key")}
_WITH_BODY = {
    400: _described("The body isn't JSON, or a required Idempotency-Key is missing"),
    413: _described("The body is too large"),
    415: _described("The body's media type isn't supported"),
}
_WITH_IF_MATCH = {
    412: _described("The resource has changed since it was read"),
    428: _described("If-Match is missing"),
}


def redacted_path(request: Request) -> str:
    """The request's path for logs and answers, without the value of a path parameter named `secret`."""
    secret = request.path_params.get("secret")
    return request.url.path.replace(secret, "{secret}") if secret else request.url.path


def problem_response(problem: Problem, request: Request) -> Response:
    document = problem.document(language_of(request), _own_words(request)) | {"instance": redacted_path(request)}
    document["request_id"] = getattr(request.state, "request_id", None)
    if practice := practice_of(problem.clause or ""):
        document["clause"] = practice.clause
        document["practice"] = PracticeView.model_validate(practice).model_dump(mode="json")
    return JSONResponse(document, problem.status, headers=problem.headers, media_type="application/problem+json")


def _own_words(request: Request) -> Callable[[str], str]:
    """How to put the titles of the caller's government into a Chinese text; for a caller who isn't known, as it is."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        return lambda text: text
    service: Service = request.app.state.service
    return partial(service.rulebooks.in_own_titles, principal.government, datetime.now(UTC))


async def on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem_response(problem, request)


async def on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any((e["type"], e["loc"]) == ("missing", ("header", "If-Match")) for e in error.errors()):
        return problem_response(if_match_missing(), request)
    if isinstance(error.body, bytes):  # FastAPI didn't parse the body, as its media type isn't JSON
        text = Text(
            "the body must be JSON, with Content-Type: application/json",
            "请求体须为 JSON（Content-Type: application/json）",
        )
        return problem_response(Problem(415, "unsupported_media_type", text), request)
    language, found = language_of(request), error.errors()
    findings = [(_place(e["loc"]), payload_errors.expected(e), e["type"]) for e in found[:MOST_FINDINGS]]
    errors = [
        {"place": place, "expected": text.in_language(language)[:LONGEST_TEXT], "type": kind}
        for place, text, kind in findings
    ]
    if any(e["type"] == "json_invalid" for e in errors):
        text = Text("the body isn't JSON", "请求体不是合法的 JSON")
        return problem_response(Problem(400, "invalid_json", text, extra={"errors": errors}), request)
    place, text, _ = findings[0]
    where = payload_errors.in_chinese(found[0]["loc"])
    en, zh = (said[:LONGEST_TEXT] for said in (text.en, text.zh))
    problem = invalid("invalid_payload", f"{place}: {en}", f"请求内容不合要求：{where}{zh}", errors=errors)
    if len(found) > len(errors):
        problem.extra["error_count"] = len(found)
    return problem_response(problem, request)


def _place(steps: Sequence[int | str]) -> str:
    """`body.amendments.0.reason`; of a long name only its beginning."""
    place = ".".join(str(step)[:LONGEST_PLACE] for step in steps)
    return place if len(place) <= LONGEST_PLACE else f"{place[:LONGEST_PLACE]}…"


_HTTP = {
    400: ("invalid_json", "请求体无法解析"),
    404: ("no_such_route", "没有该路径"),
    405: ("method_not_allowed", "该路径不支持此请求方法"),
    413: ("body_too_large", "请求体过大"),
}


async def on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code, zh = _HTTP.get(error.status_code, (phrase.lower().replace(" ", "_"), phrase))
    headers = dict(error.headers or {})
    if error.status_code == 405:  # the router names only the first route's methods
        headers["Allow"] = ", ".join(_methods_at(request))
    problem = Problem(error.status_code, code, Text(str(error.detail), zh), headers=headers)
    if not hasattr(request.state, "principal"):  # as a rule a path or a method that nobody serves
        service: Service = request.app.state.service
        problem = await service.rates.refusal(problem)
    return problem_response(problem, request)


@cache
def _pattern_of(path: str) -> re.Pattern[str]:
    """The pattern of a path of the OpenAPI document."""
    return compile_path(path)[0]


def _methods_at(request: Request) -> list[str]:
    """All methods of operations at the request's path; HEAD where GET is."""
    found = {
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        for method in operations
        if _pattern_of(path).match(request.url.path)
    }
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


async def on_failure(request: Request, error: Exception) -> Response:
    if is_outage(error):
        log.error("the database can't be reached: %r", error)
        problem = Problem(
            503,
            "database_away",
            Text("the database can't be reached", "数据库暂不可用"),
            Text("try again shortly", "请稍后重试"),
            headers={"Retry-After": "2"},
        )
    elif is_contention(error):
        log.warning("%s %s was rolled back: %s", request.method, redacted_path(request), loggable(error))
        problem = Problem(
            503,
            "busy",
            Text("a concurrent change came first; this one had no effect", "与其他操作冲突，本次操作未执行"),
            Text("try again with the same Idempotency-Key", "请使用同一 Idempotency-Key 重试"),
            headers={"Retry-After": "1"},
        )
    elif refused_text(error):
        problem = not_allowed("\0")
    else:
        log.exception("unexpected failure of %s %s", request.method, redacted_path(request), exc_info=error)
        problem = Problem(
            500, "internal_error", Text("an internal error occurred and was logged", "系统内部错误，已记录")
        )
    return problem_response(problem, request)


def problems_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The problems that follow from an operation's parameters and body."""
    parameters = {(p["in"], p["name"]) for p in operation.get("parameters", [])}
    found: dict[int, Any] = {}
    if any(place == "path" for place, _ in parameters):
        found |= _WITH_PATH_PARAMETER
    if ("header", "Idempotency-Key") in parameters:
        found |= _WITH_KEY
    if ("header", "If-Match") in parameters:
        found |= _WITH_IF_MATCH
    if "requestBody" in operation:
        found |= _WITH_BODY
    return {str(status): response for status, response in found.items()}

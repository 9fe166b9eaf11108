"""What makes an app a service: identity, one transaction per command, problem documents, health, and the worker.

Invariants: a command's effect, its audit row and the stored answer of its Idempotency-Key are one transaction,
committed here and nowhere else; who calls is decided by dependencies, never by path; no error leaves without a code.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zhengling.backbone import audit, idempotency
from zhengling.database.session import (
    Database,
    is_contention,
    is_outage,
    now,
    refused_text,
    told,
)
from zhengling.dates.deadlines import shanghai_day
from zhengling.dates.workdays import FIRST_YEAR, YEARS_AHEAD
from zhengling.files.store import FileStore
from zhengling.kernel.characters import not_allowed, require_allowed
from zhengling.kernel.errors import Language, Problem, Text, invalid
from zhengling.replicas import editions
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.service.auth import Authenticator, KeySource, Principal
from zhengling.service.settings import ServiceSettings
from zhengling.web import payload_errors

log = logging.getLogger(__name__)
REQUESTS = Counter("zhengling_http_requests", "HTTP requests answered", ["operation", "status"])
SECONDS = Histogram("zhengling_http_seconds", "Time to answer", ["operation"])


@dataclass
class Service:
    """What every request of one process shares; lives in `app.state.service`."""

    name: str
    settings: ServiceSettings
    database: Database
    rulebooks: Rulebooks
    authenticator: Authenticator
    files: FileStore | None = None

    @classmethod
    def create(cls, name: str, settings: ServiceSettings, process: str) -> Service:
        return cls(
            name,
            settings,
            Database(settings.database_url, application=f"{name}-{process}"),
            Rulebooks.load(settings.rulebook_roots),
            Authenticator(settings.auth_issuer, settings.auth_audience, KeySource.at(settings.auth_jwks)),
            FileStore.of(settings) if settings.keeps_files else None,
        )


@dataclass
class Call:
    """One authorised request in its transaction: who calls, the session, and the rules in force."""

    principal: Principal
    session: AsyncSession
    service: Service
    language: Language
    if_match: int | None = None
    audit_details: dict[str, object] = field(default_factory=dict)

    @property
    def government(self) -> str:
        return self.principal.government

    @property
    def official(self) -> str | None:
        return self.principal.official

    @property
    def now(self) -> datetime:
        """Business time."""
        return now(self.session)

    @property
    def rulebook(self) -> Rulebook:
        """The edition in force today for the caller's government."""
        return self.service.rulebooks.current(self.government, self.now)

    def occurred(self, stated: datetime | None) -> datetime:
        """When a fact occurred, as stated by the caller: never in the future, nor before the first calendar (422);
        now where nothing was stated."""
        if stated is not None and stated > self.now:
            raise invalid(
                "occurred_in_the_future",
                f"occurred_at {stated.isoformat()} lies after now, {self.now.isoformat()}",
                "发生时间不能晚于当前时间",
            )
        if stated is not None and shanghai_day(stated).year < FIRST_YEAR:
            raise invalid(
                "occurred_too_long_ago",
                f"occurred_at {stated.isoformat()} lies before {FIRST_YEAR}, where the calendar begins",
                f"发生时间早于工作日历起始年份{FIRST_YEAR}年",
            )
        return stated or self.now

    def check_version(self, version: int) -> None:
        """Problem 412 unless the caller saw this version of what it is about to change."""
        if self.if_match != version:
            raise stale(version)


def stale(current: int) -> Problem:
    """412: what the caller decided on isn't what is there."""
    return Problem(
        412,
        "stale_etag",
        Text(f"it has changed: version {current} is current", f"内容已变更，当前版本为 {current}"),
        Text("read it again and repeat the change on what you find", "请重新读取后再修改"),
        extra={"current": current},
    )


_LANGUAGES = re.compile(r"(?:^|,)\s*(zh|en)\b[^,;]*(?:;\s*q=([01](?:\.\d{0,3})?))?")


def language_of(request: Request) -> Language:
    """Chinese where Accept-Language prefers it over English, else English."""
    asked = _LANGUAGES.findall(request.headers.get("accept-language", "").lower())
    language, quality = max(asked, key=lambda found: float(found[1] or 1), default=("en", ""))
    return "zh" if language == "zh" and float(quality or 1) > 0 else "en"


async def authenticate(request: Request) -> Principal:
    """The verified caller, once per request."""
    if not hasattr(request.state, "principal"):
        service: Service = request.app.state.service
        request.state.principal = await service.authenticator.authenticate(request.headers.get("authorization"))
    principal: Principal = request.state.principal
    return principal


class CommandRoute(APIRoute):
    """A route whose handler is a command: Idempotency-Key looked up first, then one transaction around everything."""

    async def content(self, request: Request) -> bytes:
        """What a repetition must send again under the same Idempotency-Key: the body. A route whose body isn't to be held
        in memory takes it in here, before the transaction, and answers with what stands for it. 422
        `character_not_allowed`."""
        with suppress(ValueError, RecursionError):  # what isn't JSON is refused where it is wanted as such
            require_allowed(await request.json())
        return await request.body()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        operation = self.operation_id or self.name

        async def command(request: Request) -> Response:
            service: Service = request.app.state.service
            principal = await authenticate(request)
            key = idempotency.check_key(request.headers.get("idempotency-key"))
            route = f"{request.method} {request.url.path}?{request.url.query}"
            wanted = idempotency.fingerprint(principal.subject, principal.official, route, await self.content(request))
            async with service.database.transaction(principal.government) as session:
                trace(session, request)
                if stored := await idempotency.begin(session, principal.client, key, wanted):
                    headers = stored.headers | {"Idempotent-Replayed": "true"}
                    return Response(stored.body, stored.status, headers)
                request.state.session = session
                request.state.audit = {}
                request.state.kept_body = None  # what a repetition answers, where it isn't told the same again
                response = await handle(request)
                if response.status_code < 300:
                    await audit.record(
                        session,
                        actor=principal.official or principal.subject,
                        action=operation,
                        subject=request.state.audit.pop("subject", request.url.path),
                        details={"client": principal.client, "status": response.status_code} | request.state.audit,
                    )
                    kept = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
                    body = request.state.kept_body or bytes(response.body)
                    answer = idempotency.StoredAnswer(response.status_code, body, kept)
                    await idempotency.store(session, principal.client, key, route, wanted, answer)
            return response

        return command


#: What the documents say of the two headers; what they lack has problems of its own.
KEY = {"pattern": r"^[!-~]{1,128}$", "examples": ["5f1c2b6e-8d0a-4c6e-9a53-0f6d6f3f8a11"]}
TAG = {"pattern": r'^"[0-9]{1,9}"$', "examples": ['"3"']}
SEEN = "the ETag that reading the thing gave, or the last command on it; what stands behind a meeting's ETag takes that one"
KEPT_HEADERS = ("content-type", "etag", "location")
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context, 3.2


def trace(session: AsyncSession, request: Request) -> None:
    """Let events emitted in this session carry the request's correlation and trace context."""
    session.info["correlation_id"] = request.state.request_id
    given = request.headers.get("traceparent", "")
    session.info["traceparent"] = given if TRACEPARENT.fullmatch(given) else None


def require_known_parameters(request: Request) -> None:
    """422 for a query parameter that the operation doesn't have, or that is given twice: a filter misspelt would
    silently filter nothing, and of two only one would."""
    operation = request.app.openapi()["paths"][request.scope["route"].path_format][request.method.lower()]
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    given = [name for name, _ in request.query_params.multi_items()]
    if wrong := sorted({name for name in given if name not in known or given.count(name) > 1}):
        raise invalid(
            "unknown_parameter",
            f"not a query parameter, or given twice: {', '.join(wrong)}; known: {', '.join(sorted(known)) or 'none'}",
            f"查询参数不存在或重复：{'、'.join(wrong)}；可用：{'、'.join(sorted(known)) or '无'}",
        )


def commands(prefix: str, tag: str) -> APIRouter:
    return APIRouter(prefix=prefix, tags=[tag], route_class=CommandRoute, responses=PROBLEMS)


def queries(prefix: str, tag: str) -> APIRouter:
    return APIRouter(prefix=prefix, tags=[tag], responses=PROBLEMS)


def command(*scopes: str) -> Any:
    """Dependency of a command: the call, in the route's transaction, once the scopes are there."""

    async def call(
        request: Request,
        idempotency_key: Annotated[str, Header(alias="Idempotency-Key", json_schema_extra=KEY)],  # checked by the route
    ) -> Call:
        principal = await authenticate(request)
        principal.require(*scopes)
        require_known_parameters(request)
        return Call(
            principal,
            request.state.session,
            request.app.state.service,
            language_of(request),
            audit_details=request.state.audit,
        )

    return Depends(call)


def change(*scopes: str) -> Any:
    """Dependency of a command on an existing thing: as `command`, and If-Match has to be there (428)."""

    authorised = command(*scopes)

    async def versioned(
        if_match: Annotated[str, Header(alias="If-Match", description=SEEN, json_schema_extra=TAG)],
        call: Call = authorised,
    ) -> Call:
        call.if_match = parse_etag(if_match)
        return call

    return Depends(versioned)


def query(*scopes: str) -> Any:
    """Dependency of a read: the call in a transaction of its own."""

    async def call(request: Request) -> AsyncIterator[Call]:
        service: Service = request.app.state.service
        principal = await authenticate(request)
        principal.require(*scopes)
        require_known_parameters(request)
        async with service.database.transaction(principal.government) as session:
            yield Call(principal, session, service, language_of(request))

    return Depends(call)


def if_match_missing() -> Problem:
    return Problem(
        428,
        "if_match_missing",
        Text("a change of an existing thing needs the header If-Match", "修改已有内容须带 If-Match 请求头"),
        Text("send the ETag that reading it gave", "请带上读取时得到的 ETag"),
    )


def parse_etag(value: str | None) -> int:
    """The version in an If-Match header: a strong entity tag that is the version, `"7"`."""
    if value is None:
        raise if_match_missing()
    tag = value.strip()
    if len(tag) > 2 and tag[0] == tag[-1] == '"' and tag[1:-1].isascii() and tag[1:-1].isdigit() and len(tag) < 20:
        return int(tag[1:-1])
    raise Problem(
        412,
        "stale_etag",
        Text(f"If-Match {value[:40]!r} is no entity tag of this thing", "If-Match 与当前版本不符"),
        Text("send the ETag that reading it gave", "请带上读取时得到的 ETag"),
    )


def etag(version: int) -> str:
    return f'"{version}"'


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has what bears this ETag, so that 304 is the answer (RFC 9110, 13.1.2: any, or one of a list,
    compared weakly)."""
    given = {part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")}
    return bool(given & {"*", tag})


class ProblemDocument(BaseModel):
    """RFC 9457, with a stable code; by the rules also the clause and what would satisfy it."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    clause: str | None = None
    satisfy: str | None = None


def _problem_response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


#: What any operation may answer; `_describe` adds what follows from the parameters that one takes.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: _problem_response("No valid token"),
    403: _problem_response("The scope or the post is missing"),
    409: _problem_response("Refused by the rules or by the state it is in"),
    422: _problem_response("The payload or a parameter means nothing here"),
    503: _problem_response("Something it needs is away"),
}
_WITH_PATH_PARAMETER = {404: _problem_response("No such thing for this government")}
_WITH_KEY = {400: _problem_response("The request can't be read, or lacks Idempotency-Key")}
_WITH_BODY = {
    400: _problem_response("The body isn't JSON, or Idempotency-Key is missing where it is needed"),
    413: _problem_response("The body is too large"),
    415: _problem_response("The body isn't said to be of a type that is taken here"),
}
_WITH_IF_MATCH = {
    412: _problem_response("It has changed since it was read"),
    428: _problem_response("If-Match is missing"),
}


def told_path(request: Request) -> str:
    """The request's path as logs and answers may tell it: what the route calls a secret is not in it."""
    secret = request.path_params.get("secret")
    return request.url.path.replace(secret, "{secret}") if secret else request.url.path


def problem_response(problem: Problem, request: Request) -> Response:
    document = problem.document(language_of(request)) | {"instance": told_path(request)}
    document["request_id"] = getattr(request.state, "request_id", None)
    return JSONResponse(document, problem.status, headers=problem.headers, media_type="application/problem+json")


async def _on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem_response(problem, request)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any((e["type"], e["loc"]) == ("missing", ("header", "If-Match")) for e in error.errors()):
        return problem_response(if_match_missing(), request)
    if isinstance(error.body, bytes):  # a body that FastAPI didn't read as JSON, since it isn't said to be
        text = Text("a body has to be JSON, with Content-Type: application/json", "请求体须为 application/json")
        return problem_response(Problem(415, "unsupported_media_type", text), request)
    language = language_of(request)
    findings = [(".".join(map(str, e["loc"])), payload_errors.told(e), e["type"]) for e in error.errors()]
    errors = [{"place": place, "expected": text.in_language(language), "type": kind} for place, text, kind in findings]
    if any(e["type"] == "json_invalid" for e in errors):
        text = Text("the body isn't JSON", "请求体不是合法的 JSON")
        return problem_response(Problem(400, "invalid_json", text, extra={"errors": errors}), request)
    place, text, _ = findings[0]
    problem = invalid("invalid_payload", f"{place}: {text.en}", f"请求内容不合要求：{place}：{text.zh}", errors=errors)
    return problem_response(problem, request)


_HTTP = {
    400: ("invalid_json", "请求体无法解析"),
    404: ("no_such_route", "没有该路径"),
    405: ("method_not_allowed", "该路径不支持此请求方法"),
    413: ("body_too_large", "请求体过大"),
}


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code, zh = _HTTP.get(error.status_code, (phrase.lower().replace(" ", "_"), phrase))
    headers = dict(error.headers or {})
    if error.status_code == 405:  # the router names the methods of the first route alone
        headers["Allow"] = ", ".join(_methods_at(request))
    return problem_response(Problem(error.status_code, code, Text(str(error.detail), zh), headers=headers), request)


def _methods_at(request: Request) -> list[str]:
    """The methods that some operation has at the request's path."""
    return sorted(
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        for method in operations
        if compile_path(path)[0].match(request.url.path)
    )


async def _on_failure(request: Request, error: Exception) -> Response:
    if is_outage(error):
        log.error("the database is away: %r", error)
        problem = Problem(
            503,
            "database_away",
            Text("the database can't be reached", "数据库暂不可用"),
            Text("try again shortly", "请稍后重试"),
            headers={"Retry-After": "2"},
        )
    elif is_contention(error):
        log.warning("%s %s was broken off: %s", request.method, told_path(request), told(error))
        problem = Problem(
            503,
            "busy",
            Text("somebody else's change came first; nothing of this one was done", "与他人的操作同时发生，本次未执行"),
            Text("try again with the same Idempotency-Key", "请用同一幂等键重试"),
            headers={"Retry-After": "1"},
        )
    elif refused_text(error):
        problem = not_allowed("\0")
    else:
        log.exception("unexpected failure of %s %s", request.method, told_path(request), exc_info=error)
        problem = Problem(500, "internal_error", Text("something failed here; it is logged", "系统内部错误，已记录"))
    return problem_response(problem, request)


class Edge:
    """Outermost: a request id for every request, a limit on every body, failures as problems, metrics."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, of_paths: Mapping[str, int]) -> None:
        self._app = app
        self._limit = max_body_bytes
        self._of_paths = of_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if 0 < len(given) <= 64 and given.isascii() and given.isprintable() else str(uuid.uuid4())
        scope.setdefault("state", {})["request_id"] = request_id
        size, status, began_to_answer = 0, 500, False
        limit = max(self._limit, self._of_paths.get(scope["path"], 0))

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(413, f"the body is larger than {limit} bytes")
            return message

        async def answered(message: Message) -> None:
            nonlocal status, began_to_answer
            if message["type"] == "http.response.start":
                status, began_to_answer = message["status"], True
                message.setdefault("headers", []).append((b"x-request-id", request_id.encode()))
            await send(message)

        began = time.perf_counter()
        try:
            await self._app(scope, limited, answered)
        except Exception as error:
            if began_to_answer:
                raise
            await (await _on_failure(request, error))(scope, receive, answered)
        operation = getattr(scope.get("route"), "operation_id", None) or "other"
        REQUESTS.labels(operation, str(status)).inc()
        SECONDS.labels(operation).observe(time.perf_counter() - began)


class Health(BaseModel):
    """What is there and what is missing; `ok` only where nothing needed is missing."""

    ok: bool
    checks: dict[str, str]


Checks = Callable[[], Awaitable[dict[str, str]]]


def health_routes(checks: Checks) -> APIRouter:
    """/livez, /readyz, /metrics. `checks` answers per part with "ok" or what is wrong; a note begins with "ok"."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", operation_id="livez", summary="The process runs")
    async def livez() -> Health:
        return Health(ok=True, checks={})

    @router.get(
        "/readyz",
        operation_id="readyz",
        summary="It can do its work, or says what is missing",
        responses={503: {"model": Health, "description": "Not ready"}},
    )
    async def readyz(response: Response) -> Health:
        found = await checks()
        ok = all(value.startswith("ok") for value in found.values())
        response.status_code = 200 if ok else 503
        return Health(ok=ok, checks=found)

    @router.get("/metrics", operation_id="metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


_NEWEST_YEARS = sa.text("""
    SELECT max(year) AS last, max(changed_at) AS changed_at, extract(year FROM business_now())::int AS this_year,
           bool_or((content ->> 'provisional')::bool) FILTER (WHERE year = extract(year FROM business_now())) AS provisional
    FROM calendar_year WHERE government = '*'
""")


def state_of_calendar(newest: Any) -> str:
    """Without a snapshot nothing can be computed; by an old one it can, and this says so."""
    if newest.last is None:
        return "no snapshot of the working days yet"
    if newest.last < newest.this_year + YEARS_AHEAD or newest.provisional is not False:
        return f"ok, but old: the working days are known to {newest.last} and came on {newest.changed_at:%Y-%m-%d}"
    return "ok"


def api_checks(service: Service) -> Checks:
    """The API needs its database, the calendar and the issuer's keys. It doesn't need Kafka, as the outbox waits; without
    the file store it does all but files, and says so."""

    async def checks() -> dict[str, str]:
        found = {"database": "ok", "keys": "ok" if await service.authenticator.ready() else "no key set loaded yet"}
        if service.files is not None:
            found["files"] = await service.files.check()
        if not await service.database.reachable():
            return found | {"database": "can't be reached"}
        async with service.database.transaction(None) as session:
            newest = (await session.execute(_NEWEST_YEARS)).one()
        return found | {"calendar": state_of_calendar(newest)}

    return checks


def create_app(
    service: Service,
    *,
    title: str,
    description: str,
    routers: Sequence[APIRouter],
    documented: Sequence[type[BaseModel]] = (),
    body_limits: Mapping[str, int] | None = None,
) -> FastAPI:
    """The API of one service: its routers, and what all services have. `documented` are models of bodies that a route
    reads by itself, `body_limits` paths whose bodies may be larger, in bytes."""
    from zhengling.web import operations

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.database.transaction(None) as session:
            await editions.remember_editions(session, service.rulebooks)
        yield
        await service.database.close()

    app = FastAPI(
        title=title,
        description=description,
        version="1.0.0",
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect is no problem document, and behind a proxy it names the wrong host
        openapi_tags=[{"name": router.tags[0]} for router in routers if router.tags],
        swagger_ui_parameters={"defaultModelsExpandDepth": -1},
    )
    app.state.service = service
    for router in routers:
        app.include_router(router)
    app.include_router(operations.routes(service))
    if service.settings.allow_test_clock:
        app.include_router(operations.clock_routes(service.name))
    app.include_router(health_routes(api_checks(service)))
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(Edge, max_body_bytes=service.settings.max_body_bytes, of_paths=body_limits or {})
    _describe(app, documented)
    return app


def _problems_of(operation: dict[str, Any]) -> dict[str, Any]:
    """The problems that follow from what an operation of the OpenAPI document takes."""
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


def _describe(app: FastAPI, documented: Sequence[type[BaseModel]]) -> None:
    """OpenAPI: the bearer scheme on every operation that needs it, the problem document's schema, and further models'."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            components = schema.setdefault("components", {})
            models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in documented]
            _, further = models_json_schema(models, ref_template="#/components/schemas/{model}")
            schemas = components.setdefault("schemas", {})
            schemas |= further.get("$defs", {}) | {"ProblemDocument": ProblemDocument.model_json_schema()}
            components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
            for path, operations_of_path in schema["paths"].items():
                for operation in operations_of_path.values():
                    if path.startswith("/v1/"):
                        operation.setdefault("security", [{"bearer": []}])  # one that needs none says so itself
                        operation["responses"] |= _problems_of(operation)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema

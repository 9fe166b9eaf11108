"""Routes of commands and queries: authentication, one transaction, Idempotency-Key, audit row.

Invariants: a command's effect, its audit row and the stored answer of its Idempotency-Key are one transaction,
committed only here; callers are authorised by dependencies, never by path; nobody gets a stored answer who may not send
the command any more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.authority.composition import holds_no_post
from zhengling.backbone import audit, idempotency
from zhengling.database.session import now
from zhengling.database.transaction import Cause, state_of
from zhengling.kernel import tracing
from zhengling.kernel.characters import require_allowed
from zhengling.kernel.errors import Problem, Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.service.auth import Principal
from zhengling.service.service import Service
from zhengling.web.call import Call, MoreKeys, require_post
from zhengling.web.etags import parse_etag
from zhengling.web.json_bodies import JsonRequest
from zhengling.web.problems import PROBLEMS, language_of
from zhengling.web.sight import Sees, hidden, keys_of, require


async def authenticate(request: Request) -> Principal:
    """The verified caller; verified, and counted, once per request. 401; 429 `too_many_requests`. No body is read before, and no
    connection of the database taken."""
    if not hasattr(request.state, "principal"):
        service: Service = request.app.state.service
        try:
            principal = await service.authenticator.authenticate(request.headers.get("authorization"))
        except Problem as problem:
            raise await service.rates.refusal(problem) from None
        request.state.leave = service.rates.enter(principal.government, principal.official or principal.subject)
        request.state.principal = principal
    found: Principal = request.state.principal
    return found


class CommandRoute(APIRoute):
    """A route whose handler is a command: the look-up of the Idempotency-Key and the command are one transaction."""

    async def content(self, request: Request) -> bytes:
        """The bytes that a repetition must send again under the same Idempotency-Key: the body. A route whose body isn't held
        in memory stores it here, before the transaction, and returns bytes that identify it. 422
        `character_not_allowed`."""
        with suppress(ValueError, RecursionError):  # invalid JSON is refused when the payload is parsed
            require_allowed(await request.json())
        return await request.body()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        operation = self.operation_id or self.name
        scopes = _scopes_of(self.dependant)

        async def command(given: Request) -> Response:
            request = JsonRequest(given.scope, given.receive)
            service: Service = request.app.state.service
            principal = await authenticate(request)
            principal.require(*scopes)
            key = idempotency.check_key(request.headers.get("idempotency-key"))
            route = f"{request.method} {request.url.path}?{request.url.query}"
            wanted = idempotency.fingerprint(principal.subject, principal.official, route, await self.content(request))
            async with service.database.transaction(principal.government) as session:
                trace(session, request)
                if stored := await idempotency.begin(session, principal.client, key, wanted):
                    await require_in_office(session, principal)
                    headers = stored.headers | {"Idempotent-Replayed": "true"}
                    return Response(stored.body, stored.status, headers)
                request.state.session = session
                request.state.audit = {}
                request.state.kept_body = None  # the stored answer, if it differs from the first one
                response = await _unseen_first(request, handle)
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


async def _unseen_first(request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    """As `_rights_first`; 404 in place of 403 if the caller doesn't see the row that the command is about."""
    try:
        return await _rights_first(request, handle)
    except Problem as problem:
        call: Call | None = getattr(request.state, "call", None)
        if problem.status == HTTPStatus.FORBIDDEN and call and (unseen := await hidden(call, request.path_params)):
            raise unseen from problem
        raise


async def _rights_first(request: Request, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    """The command's answer; problem 412 in its place if it was on a version that isn't current, also where by now somebody else
    takes the next step. A refusal by the state is for who may give the command: in its place who holds no post is answered 403,
    as by the command's own permission."""
    try:
        response = await handle(request)
    except Problem as problem:
        call: Call | None = getattr(request.state, "call", None)
        if call is None or (problem.status == HTTPStatus.FORBIDDEN and not (call.stale and problem.by_state)):
            raise
        found = call.stale or problem
        if found.status in _OF_THE_STATE and call.by_post:
            await require_post(call)
        raise found from (problem if found is not problem else None)
    if stale := request.state.call.stale:
        raise stale
    return response


_OF_THE_STATE = (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)


class QueryRoute(APIRoute):
    """A route whose handler is a query. A body is read before the handler begins its transaction, and only for a known
    caller: a body that arrives slowly holds no connection of the database."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def query(given: Request) -> Response:
            request = JsonRequest(given.scope, given.receive)
            if request.method != "GET":
                await authenticate(request)
                await request.body()
            return await handle(request)

        return query


def _scopes_of(dependant: Dependant) -> tuple[str, ...]:
    """The scopes that the route's dependency `command` requires. ValueError for a route without it."""
    found = [dependant, *dependant.dependencies]
    while found:
        each = found.pop()
        if isinstance(each.call, _Command):
            return each.call.scopes
        found += each.dependencies
    raise ValueError("a command's route has no dependency made by `command` or `change`")


async def require_in_office(session: AsyncSession, principal: Principal) -> None:
    """Problem 403 `holds_no_post` for an official who has left office: what the command answered isn't repeated. A token
    without an official, and a government without a composition, have no posts to ask for."""
    if principal.official is None:
        return
    composition = await compositions.if_loaded(session)
    if composition and not composition.serves(principal.official, shanghai_day(now(session))):
        raise holds_no_post(principal.official, Text("the answer isn't repeated", "不再重复给出原答复"))


#: The two headers in OpenAPI; their absence has its own problems.
KEY = {"pattern": r"^[!-~]{1,128}$", "examples": ["5f1c2b6e-8d0a-4c6e-9a53-0f6d6f3f8a11"]}
TAG = {"pattern": r'^"[0-9]{1,9}"$', "examples": ['"3"']}
SEEN = "the resource's ETag from the last read or command; a part of a meeting takes the meeting's ETag"
KEPT_HEADERS = ("content-type", "etag", "location")
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context, 3.2


def trace(session: AsyncSession, request: Request) -> None:
    """Give events emitted in this session the request's correlation and trace context."""
    given = request.headers.get("traceparent", "")
    traceparent = tracing.traceparent(given if TRACEPARENT.fullmatch(given) else None)
    state_of(session).cause = Cause(request.state.request_id, traceparent=traceparent)


def require_known_parameters(request: Request) -> None:
    """422 for a query parameter that is unknown or given twice: a misspelt filter would silently filter nothing, and of two
    values only one would apply."""
    operation = request.app.openapi()["paths"][request.scope["route"].path_format][request.method.lower()]
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
    given = Counter(name for name, _ in request.query_params.multi_items())
    if wrong := sorted(name[:60] for name, times in given.items() if name not in known or times > 1)[:10]:
        raise invalid(
            "unknown_parameter",
            f"unknown or repeated query parameter: {', '.join(wrong)}; known: {', '.join(sorted(known)) or 'none'}",
            f"查询参数不存在或重复：{'、'.join(wrong)}；可用：{'、'.join(sorted(known)) or '无'}",
        )


def commands(prefix: str, tag: str) -> APIRouter:
    return APIRouter(prefix=prefix, tags=[tag], route_class=CommandRoute, responses=PROBLEMS)


def queries(prefix: str, tag: str) -> APIRouter:
    return APIRouter(prefix=prefix, tags=[tag], route_class=QueryRoute, responses=PROBLEMS)


class _Command:
    """The dependency of a command. Its route requires the scopes, before it looks for a stored answer."""

    def __init__(self, *scopes: str, more: MoreKeys | None = None) -> None:
        self.scopes, self.more = scopes, more

    async def __call__(
        self,
        request: Request,
        idempotency_key: Annotated[str, Header(alias="Idempotency-Key", json_schema_extra=KEY)],  # checked by the route
    ) -> Call:
        principal = await authenticate(request)
        require_known_parameters(request)
        found = request.state.call = Call(
            principal,
            request.state.session,
            request.app.state.service,
            language_of(request),
            audit_details=request.state.audit,
            by_post=self.scopes == (f"{request.app.state.service.name}:write",),
            more=self.more,
        )
        found.keys = await keys_of(found)
        return found


def command(*scopes: str, more: MoreKeys | None = None) -> Any:
    """Dependency of a command: the call in the route's transaction; requires the scopes. `more` as of the service's reads."""
    return Depends(_Command(*scopes, more=more))


def change(*scopes: str, more: MoreKeys | None = None) -> Any:
    """Dependency of a command on an existing resource: as `command`, and requires If-Match (428)."""

    authorised = command(*scopes, more=more)

    async def versioned(
        if_match: Annotated[str, Header(alias="If-Match", description=SEEN, json_schema_extra=TAG)],
        call: Call = authorised,
    ) -> Call:
        call.if_match = parse_etag(if_match)
        return call

    return Depends(versioned)


def query(*scopes: str, sees: Sees, more: MoreKeys | None = None) -> Any:
    """Dependency of a read: the call in its own transaction; requires the scopes, and says who sees the answer. 403 as
    `sight.require`."""

    async def call(request: Request) -> AsyncIterator[Call]:
        service: Service = request.app.state.service
        principal = await authenticate(request)
        principal.require(*scopes)
        require_known_parameters(request)
        async with service.database.transaction(principal.government) as session:
            found = Call(principal, session, service, language_of(request))
            found.keys = await keys_of(found, more)
            require(found, sees)
            yield found

    call.sees = sees  # type: ignore[attr-defined]  # the tests and the docs read it from the route
    return Depends(call)

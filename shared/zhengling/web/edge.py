"""The outermost middleware: request id, limit on body size, failures as problem documents, metrics."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

from fastapi import Request
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zhengling.kernel import tracing
from zhengling.web.problems import on_failure

REQUESTS = Counter("zhengling_http_requests", "HTTP requests answered", ["operation", "status"])
SECONDS = Histogram("zhengling_http_seconds", "Time to answer", ["operation"])


class Edge:
    """The outermost middleware: request id, limit on body size, HEAD where GET is, failures as problem documents, metrics."""

    def __init__(self, app: ASGIApp, max_body_bytes: int, of_paths: Mapping[str, int]) -> None:
        self._app = app
        self._limit = max_body_bytes
        self._of_paths = of_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        only_head = scope["method"] == "HEAD"
        # HEAD is answered as GET is (RFC 9110, 9.3.2); the server, which keeps its own scope, leaves the content out.
        if only_head:
            scope = dict(scope) | {"method": "GET"}
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if 0 < len(given) <= 64 and given.isascii() and given.isprintable() else str(uuid.uuid4())
        scope.setdefault("state", {}).update(request_id=request_id, only_head=only_head)
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
        caller = request.headers.get("traceparent") if tracing.is_on() else None
        with tracing.span("other", SpanKind.SERVER, caller, **{"http.request.method": scope["method"]}) as span:
            try:
                await self._app(scope, limited, answered)
            except ClientDisconnect:
                status = 400  # nobody is there to be answered
            except Exception as error:
                if began_to_answer:
                    raise
                await (await on_failure(request, error))(scope, receive, answered)
            finally:
                if leave := scope["state"].pop("leave", None):  # as counted by `authenticate`
                    leave()
            operation = getattr(scope.get("route"), "operation_id", None) or "other"
            span.update_name(operation)  # never the path, which may hold a link's secret
            span.set_attribute("http.response.status_code", status)
        REQUESTS.labels(operation, str(status)).inc()
        SECONDS.labels(operation).observe(time.perf_counter() - began)

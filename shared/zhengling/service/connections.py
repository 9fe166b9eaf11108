"""What one connection may send, and how slowly: bounds on a request's head, on waiting, and on the number of connections.

uvicorn bounds none of these with httptools: a header that never ends costs the square of its length, and a connection that
sends nothing is kept for good. Invariant: a connection that stops making progress is closed, whatever it is in the middle of.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
from httptools import HttpParserError
from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from zhengling.kernel.errors import Problem, Text

CLOSED = Counter("zhengling_connections_closed", "Connections closed by the server before an answer", ["reason"])
SLOWEST = 1024
"""Bytes per second at which a body has to arrive, and an answer to be read, on the average of one patience."""

LINGER, LINGER_BYTES = 1.0, 4 << 20
"""Seconds and bytes that are still read after a refusal of ours."""
ANSWERED_BYTES = 256 << 20
"""Bytes that are still read of a body that has its answer, such as a file that is too large: many callers read an answer only
when they have sent everything."""


@dataclass(frozen=True)
class Bounds:
    """`head_bytes`: request line and headers together, and trailers; `patience`: seconds for the head of a request, and
    between two looks at whether a body or an answer makes progress; `connections`: open ones of one process."""

    head_bytes: int
    patience: float
    connections: int


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within bounds: 431 `header_too_large`, 408 `request_too_slow`, 400 `malformed_request`, each as a
    problem document on a connection that is then closed. Beyond the number of connections the one that has waited longest
    for a request is closed, so that a new caller (or a probe) is served."""

    bounds: Bounds
    _idle: dict[BoundedProtocol, None]
    """Connections without a request in progress, by how long they have waited; one for each server."""

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self._head_complete = False  # a request's head has arrived and its body hasn't
        self._unproductive = 0  # bytes since anything of a request was complete
        self._progress = 0  # bytes of a body since the last look
        self._unsent = 0  # bytes of an answer that weren't read at the last look
        self._looking: asyncio.TimerHandle | None = None
        self._draining: asyncio.TimerHandle | None = None
        self._refused = False

    # connections ----------------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            longest = next(iter(self._idle), self)
            CLOSED.labels("too_many").inc()
            longest.transport.abort()
            self._idle.pop(longest, None)
            self.connections.discard(longest)
            if longest is self:
                return
        self._idle[self] = None
        self._expect_progress()

    def connection_lost(self, exc: Exception | None) -> None:
        self._idle.pop(self, None)
        for timer in (self._looking, self._draining):
            if timer is not None:
                timer.cancel()
        self._looking = self._draining = None
        self._unset_keepalive_if_required()  # uvicorn leaves it to run after a reset
        super().connection_lost(exc)

    # receiving ------------------------------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        self._unproductive += len(data)
        if self._unproductive > self.bounds.head_bytes + (LINGER_BYTES if self._refused else ANSWERED_BYTES):
            self.transport.abort()
        if self._refused or self.transport.is_closing():
            return
        if self._looking is None:
            self._expect_progress()
        super().data_received(data)
        if self._unproductive > self.bounds.head_bytes and not (self._refused or self._answered):
            self._refuse(header_too_large(self.bounds.head_bytes), "header")

    @property
    def _answered(self) -> bool:
        """Whether the request that is still arriving has its answer."""
        return self._head_complete and self.cycle.response_complete

    def on_headers_complete(self) -> None:
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > self.bounds.head_bytes:
            self._unproductive = self.bounds.head_bytes + 1
            raise HttpParserError("the head of the request is too large")
        self._head_complete, self._unproductive, self._progress = True, 0, 0
        self._idle.pop(self, None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.cycle.response_complete:
            self._unproductive = 0
        self._progress += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_complete, self._unproductive = False, 0
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self._idle[self] = None

    def _expect_progress(self) -> None:
        self._progress = 0
        self._looking = self.loop.call_later(self.bounds.patience, self._look)

    def _look(self) -> None:
        """A head has to be complete by now, and a body to have grown unless it is the service that doesn't read it."""
        self._looking = None
        if self.transport.is_closing():
            return
        ours = self._head_complete and (self.flow.read_paused or self.cycle.waiting_for_100_continue)
        if ours or (self._head_complete and self._progress >= SLOWEST * self.bounds.patience):
            self._expect_progress()
        else:
            self._refuse(request_too_slow(), "slow")

    # sending --------------------------------------------------------------------------------------------------------
    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._draining = self.loop.call_later(self.bounds.patience, self._look_at_answer)

    def resume_writing(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None
        super().resume_writing()

    def _look_at_answer(self) -> None:
        """An answer has to be read, too: a caller who doesn't keeps its memory, and the connection after its end."""
        unsent = self.transport.get_write_buffer_size()
        if self._unsent - unsent < SLOWEST * self.bounds.patience:
            CLOSED.labels("unread").inc()
            self.transport.abort()
            return
        self._unsent = unsent
        self._draining = self.loop.call_later(self.bounds.patience, self._look_at_answer)

    # refusing -------------------------------------------------------------------------------------------------------
    def send_400_response(self, msg: str) -> None:
        if self._unproductive > self.bounds.head_bytes:
            self._refuse(header_too_large(self.bounds.head_bytes), "header")
        else:
            self._refuse(malformed_request(), "malformed")

    def _refuse(self, problem: Problem, reason: str) -> None:
        """Answer with a problem document, unless an answer has begun or another request is before it, and close."""
        CLOSED.labels(reason).inc()
        self._refused = True
        cycle = self.cycle
        answerable = cycle is None or (not cycle.response_started if self._head_complete else cycle.response_complete)
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True  # its task ends when it next reads or writes
            cycle.message_event.set()
        if not answerable or self.pipeline:
            self.transport.abort()
            return
        content = orjson.dumps(problem.document())
        head = (b"content-type: application/problem+json", b"content-length: %d" % len(content), b"connection: close")
        self.transport.write(STATUS_LINE[problem.status] + b"\r\n".join((*head, b"", content)))
        # A connection closed with unread bytes is reset, and the caller may never see the answer: read on for a while.
        self.transport.write_eof()
        self._looking = self.loop.call_later(LINGER, self.transport.abort)


def bounded(bounds: Bounds) -> type[BoundedProtocol]:
    """The protocol of one server, which keeps account of its connections."""
    return type("Protocol", (BoundedProtocol,), {"bounds": bounds, "_idle": {}})


def header_too_large(most: int) -> Problem:
    text = Text(f"the request line and headers have at most {most} bytes", f"请求行和请求头合计不得超过{most}字节")
    return Problem(431, "header_too_large", text)


def request_too_slow() -> Problem:
    return Problem(408, "request_too_slow", Text("the request didn't arrive in time", "请求未在限定时间内送达"))


def malformed_request() -> Problem:
    return Problem(400, "malformed_request", Text("the request isn't HTTP/1.1", "请求格式不合要求"))

"""Spans at the few places where a cause goes on: the request, publishing, handling an event, firing a timer.

The context is carried as W3C `traceparent` (Trace Context, 3.2): in the outbox's row, then in the event. Until `start` was
called in a process nothing is recorded, and what a caller gave goes along unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_W3C = TraceContextTextMapPropagator()
_tracer: Tracer | None = None


def start(provider: TracerProvider | None) -> None:
    """Record spans with this provider from now on; None: no more."""
    global _tracer
    _tracer = provider.get_tracer("zhengling") if provider else None


def is_on() -> bool:
    return _tracer is not None


@contextmanager
def span(name: str, kind: SpanKind, parent: str | None = None, **attributes: str | int) -> Iterator[Span]:
    """A span around the block, below the given traceparent or else a trace of its own. An error that leaves the block is noted
    by its type alone, as its text may quote what somebody sent."""
    if _tracer is None:
        yield trace.INVALID_SPAN
        return
    with _tracer.start_as_current_span(
        name, _context(parent), kind, attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            failed(current, error)
            raise


def begin(name: str, kind: SpanKind, parent: str | None, **attributes: str | int) -> Span:
    """A span that the caller ends, beside others; without a parent it isn't recorded."""
    if _tracer is None or parent is None:
        return trace.INVALID_SPAN
    return _tracer.start_span(name, _context(parent), kind, attributes)


def failed(of: Span, error: BaseException) -> None:
    of.set_status(trace.StatusCode.ERROR, type(error).__name__)


def traceparent(otherwise: str | None, of: Span | None = None) -> str | None:
    """The context of this span, or of the current one; `otherwise` where none is recorded or passed on."""
    if _tracer is None:
        return otherwise
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, set_span_in_context(of, Context()) if of else None)
    return carrier.get("traceparent", otherwise)


def _context(parent: str | None) -> Context:
    return _W3C.extract({"traceparent": parent}, Context()) if parent else Context()

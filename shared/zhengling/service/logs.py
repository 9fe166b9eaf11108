"""Logs as JSON, one object a line, with fields of an allow-list and nothing else.

Invariant: of an exception only its type and the lines of code that it passed are shown, as its text may quote a row or a
request; an exception among a message's arguments is shown as `loggable`.
"""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime

import orjson
from opentelemetry import trace

from zhengling.database.session import loggable

FIELDS = ("time", "level", "logger", "service", "process", "instance", "message", "trace", "error", "at")


class JsonLines(logging.Formatter):
    """Fields that have no value are left out."""

    def __init__(self, service: str, process: str, instance: str) -> None:
        super().__init__()
        self._origin = {"service": service, "process": process, "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        context = trace.get_current_span().get_span_context()
        error = record.exc_info[1] if record.exc_info else None
        found = self._origin | {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            "trace": f"{context.trace_id:032x}" if context.is_valid else None,
            "error": type(error).__name__ if error else None,
            "at": [
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
            ]
            if error
            else None,
        }
        return orjson.dumps({name: found[name] for name in FIELDS if found[name] is not None}, default=str).decode()


def _message(record: logging.LogRecord) -> str:
    if isinstance(record.args, tuple):
        record.args = tuple(loggable(each) if isinstance(each, BaseException) else each for each in record.args)
    message = record.getMessage()
    # The further lines of a warning show values.
    return message.partition("\n")[0] if record.name == "py.warnings" else message


def log_as_json(level: str, service: str, process: str, instance: str) -> None:
    """Log what this process says from now on, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(service, process, instance))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(True)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address
    logging.getLogger("uvicorn").setLevel(logging.WARNING)

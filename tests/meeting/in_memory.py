"""The use cases of meeting-svc over rows in memory: the same commands, without HTTP and without a database.

A refused command leaves every row as it was, as the rollback of its transaction does; nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import wraps
from itertools import count
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

import pytest

from meeting_svc.agenda import agenda
from meeting_svc.attendance import arrivals, attendance, quorum
from meeting_svc.convening import commands as meeting_commands
from meeting_svc.convening import convening
from meeting_svc.decision import decision
from meeting_svc.decision.decision import Decision
from meeting_svc.invitation import invitation
from meeting_svc.leave import leave
from meeting_svc.meeting import chairing, meeting, participants, succession, timeline
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.minutes import case as minutes_case
from meeting_svc.minutes import commands as minutes_commands
from meeting_svc.minutes import document, minutes, signing, text
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.planning_request.planning_request import PlanningRequest
from meeting_svc.resolution import resolution
from meeting_svc.session import commands as session_commands
from meeting_svc.session import session
from meeting_svc.topic import commands as topic_commands
from meeting_svc.topic import declaration, form, papers, readiness, topic, transitions
from meeting_svc.topic.topic import Topic
from zhengling.authority.absence import Absent
from zhengling.authority.composition import Composition
from zhengling.database import session as sessions
from zhengling.database.numbering import Series
from zhengling.database.session import load
from zhengling.database.transaction import state_of
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Problem
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.rules import gates
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.service.auth import Principal
from zhengling.service.service import Service
from zhengling.web.call import Call

DOMAIN = (
    topic, papers, declaration, readiness, transitions, gates, form, meeting, timeline, participants, chairing,
    succession, agenda,
    convening, session, resolution, invitation, attendance, arrivals, quorum, leave, decision, minutes, text, document,
)  # fmt: skip
ROWS = (Topic, Meeting, Minutes, Decision, PlanningRequest)
Command = Callable[..., Coroutine[Any, Any, Any]]
T = TypeVar("T")


def fields_of(row: Any) -> dict[str, Any]:
    """A copy of what the row says. Its parts never change in themselves: only the lists that hold them can."""
    return {name: list(value) if isinstance(value, list) else value for name, value in _said(row)}


def _said(row: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(row, name)) for name in row.__dataclass_fields__]


class Rows:
    """What a session of the database is to the commands: rows by kind and key."""

    def __init__(self, book: Rulebook, composition: Composition, calendar: WorkdayCalendar, start: datetime) -> None:
        self.government, self.people, self.working_days = book.code, composition, calendar
        self.service = Service("meeting", *[cast(Any, None)] * 2, Rulebooks([book]), cast(Any, None))
        self.rows: dict[type, dict[str, Any]] = {kind: {} for kind in ROWS}
        self.now, self.absences, self.issues = start, list[Absent](), count(1)
        self.no_autoflush = nullcontext()
        self.info: dict[str, Any] = {}

    async def get(self, model: type, key: str, **_: object) -> Any:
        return self.rows[model].get(key)

    def add(self, row: Any) -> None:
        self.rows[type(row)][row.id] = row

    async def flush(self) -> None:
        """Rows are there as soon as they are added."""

    def of(self, model: type[Any]) -> list[Any]:
        return list(self.rows[model].values())

    def run(self, command: Command, official: str | None, *given: Any) -> Any:
        """What the command answers to this official; a Problem leaves the rows as they were."""
        before = {kind: {key: (row, fields_of(row)) for key, row in rows.items()} for kind, rows in self.rows.items()}
        self.info = {}
        state = state_of(cast(Any, self))
        state.government, state.now = self.government, self.now
        state.looked_up = {
            compositions.KNOWN: {self.government: self.people.with_absences(self.absences)},
            calendars.KNOWN: {self.government: self.working_days},
        }
        principal = Principal("test", "test", self.government, None, official, frozenset())
        call = Call(principal, cast(Any, self), self.service, "en", if_match=1)
        try:
            return _finished(command(call, *given))
        except Problem:
            self._roll_back(before)
            raise
        finally:
            self.now += timedelta(minutes=1)

    def _roll_back(self, before: dict[type, dict[str, tuple[Any, dict[str, Any]]]]) -> None:
        for kind, rows in before.items():
            self.rows[kind] = {key: row for key, (row, _) in rows.items()}
            for row, said in rows.values():
                for name, value in said.items():
                    setattr(row, name, value)


def _finished(running: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that never waits gives."""
    try:
        running.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a command waits for something that isn't in memory")


# --- the statements of the commands, on the rows


def versions(rows: Rows, meeting_id: str) -> list[Minutes]:
    """The versions of a meeting's minutes, the oldest first."""
    return sorted((each for each in rows.of(Minutes) if each.meeting_id == meeting_id), key=lambda each: each.number)


async def _latest(call: Call, meeting_id: str) -> Minutes | None:
    found = versions(cast(Any, call.session), meeting_id)
    return found[-1] if found else None


async def _in_force(call: Call, meeting_id: str) -> Minutes:
    return [each for each in versions(cast(Any, call.session), meeting_id) if each.state in ("signed", "waived")][-1]


async def _corrected_by(session: Any, minutes: Minutes) -> Minutes | None:
    return next((each for each in versions(session, minutes.meeting_id) if each.number == minutes.corrects), None)


async def _decisions(call: Call, meeting_id: str) -> list[Decision]:
    found = [each for each in cast(Rows, call.session).of(Decision) if each.meeting_id == meeting_id]
    return sorted(found, key=lambda each: int(each.resolution.number))


async def _topics_of(call: Call, ids: Iterable[str]) -> list[Topic]:
    wanted = set(ids)
    return sorted((t for t in cast(Rows, call.session).of(Topic) if t.id in wanted), key=lambda each: each.id)


async def _named_elsewhere(call: Call, asked: Topic, decision_id: str) -> bool:
    named = [t.prior_meeting for t in cast(Rows, call.session).of(Topic) if t.id != asked.id]
    return any(each is not None and each.decision_id == decision_id for each in named)


async def _entrusted_chairs(call: Call) -> set[tuple[str, str]]:
    prepared = [m for m in cast(Rows, call.session).of(Meeting) if m.state in ("called", "agenda_approved")]
    return {(each.kind, each.entrustment.to) for each in prepared if each.entrustment}


async def _lock_all(session: Any, model: type[T], keys: Iterable[object], noun: str, noun_zh: str) -> list[T]:
    return [await load(session, model, key, noun, noun_zh) for key in keys]


async def _take(rows: Rows, series: Series, *_: object) -> str:
    return series.text(next(rows.issues))


async def _unheard(*_: object) -> None:
    """Nobody hears events here."""


@contextmanager
def commands_in_memory() -> Iterator[pytest.MonkeyPatch]:
    """While it lasts, the commands' own statements run on `Rows`, and no function of the domain that refuses may have
    changed a row before."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, instead in (
            (minutes_case, "latest_of", _latest), (minutes_commands, "in_force", _in_force),
            (signing, "corrected_by", _corrected_by),
            (minutes_commands, "decisions_of", _decisions), (signing, "decisions_of", _decisions),
            (minutes_commands, "topics_of", _topics_of), (signing, "topics_of", _topics_of),
            (minutes_commands, "keep_document", _unheard), (signing, "keep_document", _unheard),
            (signing, "take", _take),
            (minutes_commands, "emit", _unheard), (signing, "emit", _unheard), (session_commands, "emit", _unheard),
        ):  # fmt: skip
            patch.setattr(module, name, instead)
        for module in (sessions, meeting_commands, session_commands):
            patch.setattr(module, "lock_all", _lock_all)
        patch.setattr(topic_commands, "_named_elsewhere", _named_elsewhere)
        patch.setattr(topic_commands, "entrusted_chairs", _entrusted_chairs)
        for module in DOMAIN:
            _watch(patch, module)
        yield patch


def _watch(patch: pytest.MonkeyPatch, module: ModuleType) -> None:
    for name, function in vars(module).items():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__ and not name.startswith("_"):
            patch.setattr(module, name, without_a_trace(function))


def without_a_trace(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which may not refuse after it has changed one of the rows that it was given."""

    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        given = [(each, fields_of(each)) for each in args if isinstance(each, ROWS)]
        try:
            return function(*args, **kwargs)
        except Problem as problem:
            if any(fields_of(row) != said for row, said in given):
                raise AssertionError(f"{function.__name__} refused ({problem.code}) and left a trace") from problem
            raise

    return watched

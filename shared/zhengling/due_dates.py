"""Due dates that are kept: one row per subject and rule in each service's database, beside what it belongs to.

A row remembers what it was computed from (rule, edition, start, calendar version), so that it can be explained at any
time and computed again when the calendar changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from zhengling import references
from zhengling.db import columns, government_of, write
from zhengling.deadlines import Due, compute, explain, sentence
from zhengling.errors import Language
from zhengling.rulebook import Rulebook, Rulebooks
from zhengling.workdays import WorkdayCalendar

_KEEP = sa.text("""
    INSERT INTO deadline (id, government, subject_type, subject_id, rule, edition, clause, counted_from, due, due_at,
                          provisional, calendar_version)
    SELECT id, :government, subject_type, subject_id, rule, edition, clause, counted_from, due, due_at, provisional,
           calendar_version
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:subject_type AS text[]), CAST(:subject_id AS text[]), CAST(:rule AS text[]),
        CAST(:edition AS text[]), CAST(:clause AS text[]), CAST(:counted_from AS timestamptz[]), CAST(:due AS date[]),
        CAST(:due_at AS timestamptz[]), CAST(:provisional AS boolean[]), CAST(:calendar_version AS text[]))
    AS d (id, subject_type, subject_id, rule, edition, clause, counted_from, due, due_at, provisional, calendar_version)
""")
_OF = sa.text("""
    SELECT rule, edition, clause, counted_from, due, due_at, provisional, calendar_version, state FROM deadline
    WHERE subject_type = :subject_type AND subject_id = :subject_id ORDER BY due, rule
""")


class TraceView(BaseModel):
    """One step of the explanation, in the language asked for."""

    model_config = ConfigDict(frozen=True)
    date: date | None
    effect: str
    text: str


class DueView(BaseModel):
    """A due date as an API answers with it: `at` is exclusive; `trace` only on request."""

    model_config = ConfigDict(frozen=True)
    date: date
    at: datetime
    provisional: bool
    rule: str
    clause: str
    explanation: str | None = None
    trace: list[TraceView] | None = None


@dataclass(frozen=True)
class KeptDeadline:
    rule: str
    edition: str
    clause: str
    counted_from: datetime
    due: date
    due_at: datetime
    provisional: bool
    calendar_version: str
    state: str


def view_of(
    due: Due, book: Rulebook, calendar: WorkdayCalendar, language: Language = "en", *, with_trace: bool = False
) -> DueView:
    """What an API shows of a due date; with its sentence and its trace where asked for."""
    rule = book.deadline(due.rule)
    answer: dict[str, Any] = {
        "date": due.date,
        "at": due.at,
        "provisional": due.provisional,
        "rule": due.rule,
        "clause": due.clause,
    }
    if with_trace:
        answer["explanation"] = sentence(due, rule, calendar).in_language(language)
        answer["trace"] = [
            TraceView(date=step.date, effect=step.effect, text=step.text.in_language(language))
            for step in explain(due, rule, calendar)
        ]
    return DueView.model_validate(answer)


async def keep(
    session: AsyncSession, subject_type: str, subject_id: str, rule: str, book: Rulebook, start: date | datetime
) -> Due:
    """Compute a due date by the rulebook and keep it for the subject."""
    calendar = await references.calendar(session)
    due = compute(rule, book.deadline(rule), start, calendar)
    counted_from = start if isinstance(start, datetime) else datetime(start.year, start.month, start.day, 4, tzinfo=UTC)
    row = {
        "id": uuid7(),
        "subject_type": subject_type,
        "subject_id": subject_id,
        "rule": rule,
        "edition": book.edition,
        "clause": due.clause,
        "counted_from": counted_from,
        "due": due.date,
        "due_at": due.at,
        "provisional": due.provisional,
        "calendar_version": due.calendar_version,
    }
    await write(session, _insert, [row])
    return due


async def _insert(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    await session.execute(_KEEP, columns(rows) | {"government": government_of(session)})


async def kept(session: AsyncSession, subject_type: str, subject_id: str) -> list[KeptDeadline]:
    rows = await session.execute(_OF, {"subject_type": subject_type, "subject_id": subject_id})
    return [KeptDeadline(**row) for row in rows.mappings()]


async def explained(
    session: AsyncSession, rulebooks: Rulebooks, row: KeptDeadline, language: Language = "en"
) -> DueView:
    """A kept due date with its explanation, computed again from what it rests on."""
    book = rulebooks.edition(government_of(session), row.edition)
    calendar = await references.calendar(session)
    due = compute(row.rule, book.deadline(row.rule), row.counted_from, calendar)
    return view_of(due, book, calendar, language, with_trace=True)

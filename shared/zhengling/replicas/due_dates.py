"""Stored due dates: one row per subject and rule, in the database of the service that owns the subject.

Invariants: a row stores the inputs of its computation (rule, edition, start, calendar version, suspensions, extensions),
so that it can be explained at any time and recomputed when the calendar changes; every move of a due date inserts a
`deadline_change` with old date, new date and reason. A caller that moves one holds the lock of its subject's row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from zhengling.database.batching import columns, read_back, write
from zhengling.database.session import government_of, now
from zhengling.dates.adjustments import AnyAdjustment, Extension, Suspension, adjusted, require_suspendable
from zhengling.dates.deadlines import Due, Unit, compute
from zhengling.dates.explanations import Later
from zhengling.dates.schemas import ChangeKind, ChangeView, DueView, view_of
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.errors import Language, Text, not_found, refusal
from zhengling.replicas import calendar as calendars
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook

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
COLUMNS = """id, subject_type, subject_id, rule, edition, clause, counted_from, due, due_at, provisional,
    calendar_version, adjustments, state"""
_OF = sa.text(f"""
    SELECT {COLUMNS} FROM deadline WHERE subject_type = :subject_type AND subject_id = ANY(:subjects) ORDER BY due, rule
""")
_RUNNING = sa.text(
    f"SELECT {COLUMNS} FROM deadline WHERE subject_type = :subject_type AND state = 'running' ORDER BY due"
)
_ONE = sa.text(f"""
    SELECT {COLUMNS} FROM deadline
    WHERE subject_type = :subject_type AND subject_id = :subject_id AND rule = :rule FOR UPDATE
""")
_MOVE = sa.text("""
    UPDATE deadline d SET due = m.due, due_at = m.due_at, provisional = m.provisional, state = m.state,
        calendar_version = m.calendar_version, adjustments = CAST(m.adjustments AS jsonb)
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:due AS date[]), CAST(:due_at AS timestamptz[]), CAST(:provisional AS boolean[]),
        CAST(:calendar_version AS text[]), CAST(:adjustments AS text[]), CAST(:state AS text[]))
    AS m (id, due, due_at, provisional, calendar_version, adjustments, state)
    WHERE d.id = m.id
""")
_RECORD = sa.text("""
    INSERT INTO deadline_change (id, government, deadline_id, kind, old_due, old_due_at, new_due, new_due_at,
                                 calendar_version, why_en, why_zh)
    SELECT id, :government, deadline_id, kind, old_due, old_due_at, new_due, new_due_at, calendar_version, why_en, why_zh
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:deadline_id AS uuid[]), CAST(:kind AS text[]), CAST(:old_due AS date[]),
        CAST(:old_due_at AS timestamptz[]), CAST(:new_due AS date[]), CAST(:new_due_at AS timestamptz[]),
        CAST(:calendar_version AS text[]), CAST(:why_en AS text[]), CAST(:why_zh AS text[]))
    AS c (id, deadline_id, kind, old_due, old_due_at, new_due, new_due_at, calendar_version, why_en, why_zh)
""")
_CHANGES = sa.text("""
    SELECT kind, old_due, new_due, why_en, why_zh, recorded_at FROM deadline_change WHERE deadline_id = :id
    ORDER BY recorded_at, id
""")
_SETTLE = sa.text("""
    UPDATE deadline SET state = :state
    WHERE subject_type = :subject_type AND subject_id = :subject_id AND state IN ('running', 'suspended')
      AND (CAST(:rule AS text) IS NULL OR rule = :rule)
""")
_ADJUSTMENTS = TypeAdapter(tuple[AnyAdjustment, ...])


@dataclass(frozen=True)
class KeptDeadline:
    """A row of `deadline`. For a rule in days `counted_from` is noon of the start day."""

    id: UUID
    subject_type: str
    subject_id: str
    rule: str
    edition: str
    clause: str
    counted_from: datetime
    due: date
    due_at: datetime
    provisional: bool
    calendar_version: str
    adjustments: tuple[AnyAdjustment, ...]
    state: str

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> KeptDeadline:
        given = row["adjustments"]
        return cls(**{**row, "adjustments": _ADJUSTMENTS.validate_python(given) if given else ()})

    def recomputed(self, calendar: WorkdayCalendar, rulebooks: Rulebooks, government: str) -> KeptDeadline:
        """The row recomputed with another calendar, by its rule, start and adjustments."""
        due, later = self._computed(calendar, rulebooks.edition(government, self.edition))
        held = later.due if later else due
        return replace(
            self,
            due=held.date,
            due_at=held.at,
            provisional=held.provisional,
            calendar_version=calendar.version,
        )

    def _computed(self, calendar: WorkdayCalendar, book: Rulebook) -> tuple[Due, Later | None]:
        due = compute(self.rule, book.deadline(self.rule), self.counted_from, calendar)
        return due, adjusted(due, self.adjustments, calendar) if self.adjustments else None


@dataclass(frozen=True)
class Moved:
    """A stored due date before and after a change, and the reason; a service updates its noun and timers by it."""

    before: KeptDeadline
    after: KeptDeadline
    kind: ChangeKind
    why: Text

    @property
    def another_day(self) -> bool:
        return (self.before.due, self.before.due_at) != (self.after.due, self.after.due_at)


#: Updates the nouns after their due dates moved: gets each noun, locked, with its move; emits events, reschedules timers.
Mover = Callable[[AsyncSession, list[tuple[Any, Moved]]], Awaitable[None]]


@dataclass(frozen=True)
class Owner:
    """The noun of a subject type, and its `Mover`."""

    model: type
    move: Mover


#: Subject type → its owner; each service declares it next to its HANDLERS.
Owners = Mapping[str, Owner]


async def keep(
    session: AsyncSession, subject_type: str, subject_id: str, rule: str, book: Rulebook, start: date | datetime
) -> Due:
    """Compute a due date by the rulebook and store it for the subject."""
    calendar = await calendars.current(session)
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


async def kept(session: AsyncSession, subject_type: str, *subjects: str) -> list[KeptDeadline]:
    """The due dates stored for these subjects, earliest first."""
    await read_back(session, _insert)
    rows = await session.execute(_OF, {"subject_type": subject_type, "subjects": list(subjects)})
    return [KeptDeadline.of(row) for row in rows.mappings()]


async def running(session: AsyncSession, subject_type: str) -> list[KeptDeadline]:
    """All running due dates of the government for this subject type."""
    await read_back(session, _insert)
    rows = await session.execute(_RUNNING, {"subject_type": subject_type})
    return [KeptDeadline.of(row) for row in rows.mappings()]


async def explained(
    session: AsyncSession, rulebooks: Rulebooks, row: KeptDeadline, language: Language = "en"
) -> DueView:
    """A stored due date with its explanation, recomputed from its inputs, and all its moves."""
    changes = [
        ChangeView(
            kind=found.kind,
            from_date=found.old_due,
            to_date=found.new_due,
            why=Text(found.why_en, found.why_zh).in_language(language),
            recorded_at=found.recorded_at,
        )
        for found in await session.execute(_CHANGES, {"id": row.id})
    ]
    if row.state not in ("running", "suspended"):  # it keeps its date, though the calendar may have changed since
        return DueView(
            date=row.due, at=row.due_at, provisional=row.provisional, rule=row.rule, clause=row.clause, changes=changes
        )
    calendar = await calendars.current(session)
    due, later = row._computed(calendar, rulebooks.edition(government_of(session), row.edition))
    return view_of(due, calendar, language, with_trace=True, later=later, changes=changes)


async def suspend(
    session: AsyncSession,
    rulebooks: Rulebooks,
    subject: tuple[str, str, str],
    *,
    since: datetime,
    reason: str,
    by: str,
    clause: str | None = None,
) -> Moved:
    """Suspend a running deadline. `subject` is the subject's type, its id and the rule. The caller cancels the timer.
    Problems (409): `deadline_not_running`, `deadline_has_passed`, `not_suspendable`."""
    before = await _running(session, subject, since)
    book = rulebooks.edition(government_of(session), before.edition)
    require_suspendable(before._computed(await calendars.current(session), book)[0])
    one = Suspension(since=since, reason=reason, by=by, clause=clause)
    after = replace(before, adjustments=(*before.adjustments, one), state="suspended")
    return await _moved(session, Moved(before, after, "suspended", Text(f"suspended: {reason}", f"中止：{reason}")))


async def resume(
    session: AsyncSession, rulebooks: Rulebooks, subject: tuple[str, str, str], *, until: datetime, reason: str
) -> Moved:
    """Resume a suspended deadline: the remaining time runs from that day. The caller reschedules the timer.
    Problems (409): `deadline_not_suspended`, `resumed_before_suspended`."""
    before = await _one(session, subject)
    if before.state != "suspended":
        raise refusal(
            "deadline_not_suspended",
            before.clause,
            f"the deadline is {before.state}, not suspended",
            "该期限未中止，不能恢复",
            Text("only a suspended deadline can be resumed", "仅已中止的期限可以恢复"),
        )
    standing = before.adjustments[-1]
    assert isinstance(standing, Suspension)  # no adjustment follows an open suspension
    if until < standing.since:
        raise refusal(
            "resumed_before_suspended",
            before.clause,
            f"it was suspended at {standing.since.isoformat()}, after {until.isoformat()}",
            "恢复时间早于中止时间",
            Text("state a later time", "请填写中止之后的时间"),
        )
    ended = standing.model_copy(update={"until": until})
    open_again = replace(before, adjustments=(*before.adjustments[:-1], ended), state="running")
    after = open_again.recomputed(await calendars.current(session), rulebooks, government_of(session))
    return await _moved(session, Moved(before, after, "resumed", Text(f"resumed: {reason}", f"恢复计算：{reason}")))


async def extend(
    session: AsyncSession,
    rulebooks: Rulebooks,
    subject: tuple[str, str, str],
    *,
    at: datetime,
    reason: str,
    approved_by: str,
    to: date | None = None,
    amount: int | None = None,
    unit: Unit | None = None,
    clause: str | None = None,
) -> Moved:
    """Extend a running deadline before it passes: to a day, or by an amount of a unit. The caller reschedules the timer.
    Problems (409): `deadline_not_running`, `deadline_has_passed`, `extension_not_later`."""
    before = await _running(session, subject, at)
    one = Extension(at=at, to=to, amount=amount, unit=unit, reason=reason, approved_by=approved_by, clause=clause)
    calendar = await calendars.current(session)
    longer = replace(before, adjustments=(*before.adjustments, one))
    after = longer.recomputed(calendar, rulebooks, government_of(session))
    if after.due_at <= before.due_at:
        raise refusal(
            "extension_not_later",
            clause or before.clause,
            f"{after.due} isn't later than {before.due}",
            f"延长后的期限{after.due}不晚于原期限{before.due}",
            Text(f"give a day after {before.due}", f"请选择{before.due}之后的日期"),
        )
    why = Text(f"extended, approved by {approved_by}: {reason}", f"经{approved_by}批准延长：{reason}")
    return await _moved(session, Moved(before, after, "extended", why))


async def settle(
    session: AsyncSession,
    subject_type: str,
    subject_id: str,
    state: Literal["met", "cancelled"],
    rule: str | None = None,
) -> None:
    """Mark the subject's deadlines (or the one of a rule) as met or void; they are never moved again."""
    await read_back(session, _insert)
    parameters = {"subject_type": subject_type, "subject_id": subject_id, "state": state, "rule": rule}
    await session.execute(_SETTLE, parameters)


async def revive(session: AsyncSession, rulebooks: Rulebooks, subject: tuple[str, str, str]) -> Moved:
    """Reopen a void deadline, recomputed from its start with the current calendar. The caller schedules the timer.
    Problem 409 `deadline_not_void`."""
    before = await _one(session, subject)
    if before.state != "cancelled":
        raise refusal(
            "deadline_not_void",
            before.clause,
            f"the deadline is {before.state}",
            "该期限未作废",
            Text("only a void deadline can be reopened", "仅已作废的期限可以恢复"),
        )
    running_again = replace(before, state="running")
    after = running_again.recomputed(await calendars.current(session), rulebooks, government_of(session))
    return await _moved(session, Moved(before, after, "resumed", Text("the deadline applies again", "期限重新适用")))


async def move(session: AsyncSession, moved: Iterable[Moved]) -> None:
    """Store moves: the changed rows, and a `deadline_change` for each whose day or state changed."""
    moves = list(moved)
    if not moves:
        return
    after = [
        {
            "id": one.after.id,
            "due": one.after.due,
            "due_at": one.after.due_at,
            "provisional": one.after.provisional,
            "calendar_version": one.after.calendar_version,
            "adjustments": _ADJUSTMENTS.dump_json(one.after.adjustments).decode(),
            "state": one.after.state,
        }
        for one in moves
    ]
    await session.execute(_MOVE, columns(after))
    changes = [
        {
            "id": uuid7(),
            "deadline_id": one.after.id,
            "kind": one.kind,
            "old_due": one.before.due,
            "old_due_at": one.before.due_at,
            "new_due": one.after.due,
            "new_due_at": one.after.due_at,
            "calendar_version": one.after.calendar_version,
            "why_en": one.why.en,
            "why_zh": one.why.zh,
        }
        for one in moves
        if one.another_day or one.kind != "recomputed"
    ]
    if changes:
        await session.execute(_RECORD, columns(changes) | {"government": government_of(session)})


async def _moved(session: AsyncSession, moved: Moved) -> Moved:
    await move(session, [moved])
    return moved


async def _one(session: AsyncSession, subject: tuple[str, str, str]) -> KeptDeadline:
    await read_back(session, _insert)
    place = dict(zip(("subject_type", "subject_id", "rule"), subject, strict=True))
    row = (await session.execute(_ONE, place)).mappings().first()
    if row is None:
        raise not_found("deadline", "期限", " ".join(subject))
    return KeptDeadline.of(row)


async def _running(session: AsyncSession, subject: tuple[str, str, str], at: datetime) -> KeptDeadline:
    """The locked deadline, if it is running and hasn't passed, neither at `at` nor now."""
    row = await _one(session, subject)
    if row.state != "running":
        raise refusal(
            "deadline_not_running",
            row.clause,
            f"the deadline is {row.state}",
            "该期限不在计算中",
            Text("only a running deadline can be suspended or extended", "仅计算中的期限可以中止或延长"),
        )
    if max(at, now(session)) >= row.due_at:
        raise refusal(
            "deadline_has_passed",
            row.clause,
            f"the deadline passed at {row.due_at.isoformat()}",
            f"期限已于{row.due}届满",
            Text("suspend or extend a deadline before it passes", "须在期限届满前中止或延长"),
        )
    return row

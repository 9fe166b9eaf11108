"""Stored due dates: a row for each clock on a subject, in the database of the service that owns the subject.

A clock runs to the end that a rule computes, or to a day that a decision, a leader or the office stated; several may run
on one subject, each met by an act of its own. A redo or a reopening is another round; a periodic rule has occurrences.

Invariants: a row stores the inputs of its computation (rule or stated day, edition, start, calendar version, suspensions,
extensions), so that it can be explained at any time and recomputed when the calendar changes; every move of a due date
inserts a `deadline_change` with old date, new date and reason. A caller that moves one holds the lock of its subject's row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from zhengling.backbone import timers
from zhengling.backbone.timers import TimerHandler, Timers
from zhengling.database.batching import columns, read_back, write
from zhengling.database.mapping import touch
from zhengling.database.session import government_of, lock, now
from zhengling.dates.adjustments import AnyAdjustment, Extension, Suspension, adjusted, require_suspendable
from zhengling.dates.deadlines import Due, Setter, compute, stated
from zhengling.dates.explanations import Later
from zhengling.dates.schemas import ChangeKind, ChangeView, DeadlineView, DueView, view_of
from zhengling.dates.workdays import WorkdayCalendar
from zhengling.kernel.clauses import cited
from zhengling.kernel.errors import Language, Text, not_found, refusal
from zhengling.kernel.instants import require_not_before, shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook

_KEEP = sa.text("""
    INSERT INTO deadline (id, government, subject_type, subject_id, basis, rule, stated, met_by, round, occurrence, recurs,
                          edition, clause, counted_from, due, due_at, provisional, calendar_version)
    SELECT id, :government, subject_type, subject_id, basis, rule, stated, met_by, round, occurrence, recurs,
           edition, clause, counted_from, due, due_at, provisional, calendar_version
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:subject_type AS text[]), CAST(:subject_id AS text[]), CAST(:basis AS text[]),
        CAST(:rule AS text[]), CAST(:stated AS date[]), CAST(:met_by AS text[]), CAST(:round AS integer[]),
        CAST(:occurrence AS integer[]), CAST(:recurs AS boolean[]), CAST(:edition AS text[]), CAST(:clause AS text[]),
        CAST(:counted_from AS timestamptz[]), CAST(:due AS date[]), CAST(:due_at AS timestamptz[]),
        CAST(:provisional AS boolean[]), CAST(:calendar_version AS text[]))
    AS d (id, subject_type, subject_id, basis, rule, stated, met_by, round, occurrence, recurs, edition, clause,
          counted_from, due, due_at, provisional, calendar_version)
""")
COLUMNS = """id, subject_type, subject_id, basis, rule, stated, met_by, round, occurrence, recurs, edition, clause,
    counted_from, due, due_at, provisional, calendar_version, adjustments, state, passed_at, met_at"""
_OF = sa.text(f"""
    SELECT {COLUMNS} FROM deadline WHERE subject_type = :subject_type AND subject_id = ANY(:subjects)
    ORDER BY due, rule, round, occurrence
""")
_RUNNING = sa.text(
    f"SELECT {COLUMNS} FROM deadline WHERE subject_type = :subject_type AND state = 'running' ORDER BY due"
)
_ONE = sa.text(f"""
    SELECT {COLUMNS} FROM deadline
    WHERE subject_type = :subject_type AND subject_id = :subject_id AND id = :id FOR UPDATE
""")
_MOVE = sa.text("""
    UPDATE deadline d SET due = m.due, due_at = m.due_at, provisional = m.provisional, state = m.state,
        calendar_version = m.calendar_version, adjustments = CAST(m.adjustments AS jsonb),
        met_at = CASE WHEN m.state = 'met' THEN d.met_at END,
        passed_at = CASE WHEN m.due_at > CAST(:now AS timestamptz) OR d.state = 'cancelled' THEN NULL ELSE d.passed_at END,
        recurs = m.recurs
    FROM unnest(
        CAST(:id AS uuid[]), CAST(:due AS date[]), CAST(:due_at AS timestamptz[]), CAST(:provisional AS boolean[]),
        CAST(:calendar_version AS text[]), CAST(:adjustments AS text[]), CAST(:state AS text[]), CAST(:recurs AS boolean[]))
    AS m (id, due, due_at, provisional, calendar_version, adjustments, state, recurs)
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
    SELECT deadline_id, kind, old_due, new_due, why_en, why_zh, recorded_at FROM deadline_change
    WHERE deadline_id = ANY(CAST(:ids AS uuid[])) ORDER BY recorded_at, id
""")
_SETTLE = sa.text("""
    UPDATE deadline SET recurs = false,
        state = CASE WHEN state IN ('running', 'suspended') THEN CAST(:state AS text) ELSE state END,
        met_at = CASE WHEN state IN ('running', 'suspended') AND CAST(:state AS text) = 'met'
            THEN CAST(:now AS timestamptz) ELSE met_at END
    WHERE subject_type = :subject_type AND subject_id = :subject_id AND (recurs OR state IN ('running', 'suspended'))
      AND (CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids))
""")
_MEET = sa.text(f"""
    UPDATE deadline SET state = 'met', met_at = :at
    WHERE subject_type = :subject_type AND subject_id = :subject_id AND met_by = :act AND state IN ('running', 'suspended')
    RETURNING {COLUMNS}
""")
_PASS = sa.text("UPDATE deadline SET passed_at = :now WHERE id = ANY(:ids)")
_CEASE = sa.text("UPDATE deadline SET recurs = false WHERE id = :id")
_ADJUSTMENTS = TypeAdapter(tuple[AnyAdjustment, ...])


#: What meets a clock unless another act is named: the subject is done.
COMPLETION = "completion"

#: Distinguishes the clocks on a subject: the act that meets it, basis, rule, stated day.
Key = tuple[str, str, str, date | None]


@dataclass(frozen=True)
class Clock:
    """A clock by a rule of the edition: counted from `start`, the anchor's day or instant; met by the named act."""

    rule: str
    start: date | datetime
    met_by: str = COMPLETION

    @property
    def key(self) -> Key:
        return (self.met_by, "rule", self.rule, None)

    def due(self, book: Rulebook, calendar: WorkdayCalendar) -> Due:
        return compute(self.rule, book.deadline(self.rule), self.start, calendar)


@dataclass(frozen=True)
class StatedClock:
    """A clock to the day that somebody stated, at `start` and under the clause; met by the named act."""

    setter: Setter
    day: date
    start: datetime
    clause: str
    met_by: str = COMPLETION

    @property
    def key(self) -> Key:
        return (self.met_by, self.setter, self.setter, self.day)

    def due(self, book: Rulebook, calendar: WorkdayCalendar) -> Due:
        return stated(self.setter, self.clause, self.day, self.start, calendar)


AnyClock = Clock | StatedClock


@dataclass(frozen=True)
class KeptDeadline:
    """A row of `deadline`. For a rule in days `counted_from` is noon of the start day. `recurs`: the rule is periodic, and
    the next occurrence begins when this one ends. `passed_at`: when its due moment was found to have passed."""

    id: UUID
    subject_type: str
    subject_id: str
    basis: str
    rule: str
    stated: date | None
    met_by: str
    round: int
    occurrence: int
    recurs: bool
    edition: str
    clause: str
    counted_from: datetime
    due: date
    due_at: datetime
    provisional: bool
    calendar_version: str
    adjustments: tuple[AnyAdjustment, ...]
    state: str
    passed_at: datetime | None
    met_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> KeptDeadline:
        given = row["adjustments"]
        return cls(**{**row, "adjustments": _ADJUSTMENTS.validate_python(given) if given else ()})

    @property
    def key(self) -> Key:
        return (self.met_by, self.basis, self.rule, self.stated)

    @property
    def open(self) -> bool:
        return self.state in ("running", "suspended")

    @property
    def suspended(self) -> bool:
        """Whether a suspension isn't over, also of a row that was settled meanwhile."""
        last = self.adjustments[-1] if self.adjustments else None
        return isinstance(last, Suspension) and last.until is None

    @property
    def next_moment(self) -> datetime | None:
        """When something happens to it next by itself: it passes, or its next occurrence begins."""
        passes = self.state == "running" and self.passed_at is None
        return self.due_at if passes or (self.recurs and self.state != "suspended") else None

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
        if self.stated:
            due = stated(Setter(self.basis), self.clause, self.stated, self.counted_from, calendar)
        else:
            due = compute(self.rule, book.deadline(self.rule), self.counted_from, calendar, self.occurrence)
        return due, adjusted(due, self.adjustments, calendar) if self.adjustments else None


@dataclass(frozen=True)
class Moved:
    """A stored due date before and after a change, and the reason; a service updates its noun by it."""

    before: KeptDeadline
    after: KeptDeadline
    kind: ChangeKind
    why: Text

    @property
    def another_day(self) -> bool:
        return (self.before.due, self.before.due_at) != (self.after.due, self.after.due_at)


#: Updates the nouns after their due dates moved: gets each noun, locked, with its move; emits events.
Mover = Callable[[AsyncSession, list[tuple[Any, Moved]]], Awaitable[None]]
#: Updates a locked noun after due moments of its clocks passed: gets those rows (none if it has no rows at all).
Passer = Callable[[AsyncSession, Any, list[KeptDeadline]], Awaitable[None]]


#: When a ladder's next rung comes: gets rows of subjects, returns subject → moment.
Foresees = Callable[[AsyncSession, Rulebooks, list[KeptDeadline]], Awaitable[Mapping[str, datetime]]]
#: Does what has come of a ladder by now to a locked noun with these rows.
Climbs = Callable[[AsyncSession, Rulebooks, Any, list[KeptDeadline]], Awaitable[None]]


@dataclass(frozen=True)
class Ladder:
    """What happens to a noun by itself before and after its due dates, each once and in order."""

    next: Foresees
    climb: Climbs


@dataclass(frozen=True)
class Owner:
    """The noun of a subject type and what happens to it as its due dates move and pass; `timer` is the kind of its timer,
    None where nothing happens when they pass. The one timer of a subject is also its `ladder`'s. Each service declares its
    owners next to its HANDLERS."""

    subject_type: str
    model: type
    move: Mover
    passed: Passer | None = None
    timer: str | None = None
    ladder: Ladder | None = None


Owners = Sequence[Owner]


# starting -----------------------------------------------------------------------------------------------------------
async def keep(session: AsyncSession, subject_type: str, subject_id: str, clock: AnyClock, book: Rulebook) -> Due:
    """Compute the due date of a clock that the subject doesn't have yet, and store it."""
    return await _start(session, subject_type, subject_id, clock, book, 1)


async def start_round(
    session: AsyncSession, subject_type: str, subject_id: str, clock: AnyClock, book: Rulebook
) -> Due:
    """Start another round, for a redo or after a reopening: what the same act would meet becomes void. The caller
    reschedules."""
    rows = await kept(session, subject_type, subject_id)
    replaced = [row.id for row in rows if row.met_by == clock.met_by and (row.open or row.recurs)]
    await settle(session, subject_type, subject_id, "cancelled", replaced)
    return await _start(session, subject_type, subject_id, clock, book, _next_round(rows, clock))


async def bring_under(
    session: AsyncSession,
    rulebooks: Rulebooks,
    subject: tuple[str, str],
    clocks: Sequence[AnyClock],
    book: Rulebook,
    acts: Collection[str] | None = None,
) -> list[KeptDeadline]:
    """Make these the subject's clocks, or those that one of these acts meets: start what is missing, reopen what is void, void
    the rest. What already runs keeps its date, with its extensions. Returns the newest row of each of these clocks, the
    earliest first. The caller reschedules."""
    wanted = {clock.key: clock for clock in clocks}
    rows = await kept(session, *subject)
    others = [row.id for row in rows if row.key not in wanted and (acts is None or row.met_by in acts)]
    await settle(session, *subject, "cancelled", others)
    newest = _newest(rows)
    for key, clock in wanted.items():
        if (row := newest.get(key)) is None:
            await _start(session, *subject, clock, book, _next_round(rows, clock))
        elif row.state == "cancelled":
            await revive(session, rulebooks, row)
    now_kept = _newest(await kept(session, *subject))
    return sorted((now_kept[key] for key in wanted), key=lambda row: row.due_at)


def _newest(rows: Iterable[KeptDeadline]) -> dict[Key, KeptDeadline]:
    return {row.key: row for row in sorted(rows, key=lambda row: (row.round, row.occurrence))}


def _next_round(rows: list[KeptDeadline], clock: AnyClock) -> int:
    return 1 + max((row.round for row in rows if row.key[:3] == clock.key[:3]), default=0)


async def _start(
    session: AsyncSession, subject_type: str, subject_id: str, clock: AnyClock, book: Rulebook, number: int
) -> Due:
    due = clock.due(book, await calendars.current(session))
    start = clock.start
    counted_from = start if isinstance(start, datetime) else datetime(start.year, start.month, start.day, 4, tzinfo=UTC)
    met_by, basis, rule, day = clock.key
    row = {
        "id": uuid7(),
        "subject_type": subject_type,
        "subject_id": subject_id,
        "basis": basis,
        "rule": rule,
        "stated": day,
        "met_by": met_by,
        "round": number,
        "occurrence": 1,
        "recurs": due.terms.every is not None,
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


# reading ------------------------------------------------------------------------------------------------------------
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
    session: AsyncSession, rulebooks: Rulebooks, rows: Sequence[KeptDeadline], language: Language = "en"
) -> list[DeadlineView]:
    """Stored due dates with their explanations, recomputed from their inputs, and all their moves."""
    changes: dict[UUID, list[ChangeView]] = {row.id: [] for row in rows}
    for found in await session.execute(_CHANGES, {"ids": list(changes)}):
        changes[found.deadline_id].append(
            ChangeView(
                kind=found.kind,
                from_date=found.old_due,
                to_date=found.new_due,
                why=Text(found.why_en, found.why_zh).in_language(language),
                recorded_at=found.recorded_at,
            )
        )
    calendar = await calendars.current(session)
    return [_explained(rulebooks, calendar, government_of(session), row, changes[row.id], language) for row in rows]


def _explained(
    rulebooks: Rulebooks,
    calendar: WorkdayCalendar,
    government: str,
    row: KeptDeadline,
    changes: list[ChangeView],
    language: Language,
) -> DeadlineView:
    if row.open:
        due, later = row._computed(calendar, rulebooks.edition(government, row.edition))
        view = view_of(due, calendar, language, with_trace=True, later=later, changes=changes)
    elif counted := _as_it_was_met(rulebooks, calendar, government, row):
        due, later = counted
        view = view_of(due, calendar, language, with_trace=True, later=later, changes=changes)
        explanation = f"{_met(row).in_language(language)}{view.explanation}"
        view = view.model_copy(update={"explanation": explanation})
    else:  # it keeps its date, though the calendar may have changed since
        view = DueView(
            date=row.due,
            at=row.due_at,
            provisional=row.provisional,
            rule=row.rule,
            clause=row.clause,
            explanation=_ended(row).in_language(language),
            changes=changes,
        )
    return DeadlineView(
        **dict(view),
        id=row.id,
        basis=row.basis,
        met_by=row.met_by,
        round=row.round,
        occurrence=row.occurrence,
        state=row.state,
        passed_at=row.passed_at,
        met_at=row.met_at,
    )


def _as_it_was_met(
    rulebooks: Rulebooks, calendar: WorkdayCalendar, government: str, row: KeptDeadline
) -> tuple[Due, Later | None] | None:
    """The computation of a deadline that was met; None where the calendar or the rules that there are now give another date."""
    book = rulebooks.find(government, row.edition)
    if row.state != "met" or book is None or not (row.stated or row.rule in book.deadlines):
        return None
    due, later = row._computed(calendar, book)
    held = later.due if later else due
    return (due, later) if (held.date, held.at) == (row.due, row.due_at) else None


def _met(row: KeptDeadline) -> Text:
    on = shanghai_day(row.met_at) if row.met_at else None
    return Text(f"Met on {on}. ", f"已于{on}完成。") if on else Text("Met. ", "已完成。")


def _ended(row: KeptDeadline) -> Text:
    source = cited(row.clause)
    if row.state == "met":
        return Text(
            f"Met; it was due by the end of {row.due} ({source.en}).", f"已办结；时限为{row.due}（{source.zh}）。"
        )
    return Text(
        f"No longer applies; it was due by the end of {row.due} ({source.en}).",
        f"已不再适用；原时限为{row.due}（{source.zh}）。",
    )


async def locked(session: AsyncSession, subject: tuple[str, str], id: UUID) -> KeptDeadline:
    """The subject's row with this id, locked. 404 `deadline_not_found`."""
    await read_back(session, _insert)
    place = {"subject_type": subject[0], "subject_id": subject[1], "id": id}
    if row := (await session.execute(_ONE, place)).mappings().first():
        return KeptDeadline.of(row)
    raise not_found("deadline", "期限", id)


# adjusting: the row is locked, and the caller has the subject follow (`follow`) --------------------------------------
async def suspend(
    session: AsyncSession,
    rulebooks: Rulebooks,
    before: KeptDeadline,
    *,
    since: datetime,
    reason: str,
    by: str,
    clause: str | None = None,
) -> Moved:
    """Suspend a running deadline before it passes. Problems (409): `deadline_not_running`, `deadline_has_passed`,
    `before_the_last_act`, `suspended_before_resumed` where it was suspended at that moment already, `not_suspendable`."""
    _require_running(before, max(since, now(session)))
    forward = before.counted_from < before.due_at  # one that is counted back runs before what it is counted from
    if forward and shanghai_day(since) < shanghai_day(before.counted_from):  # a day that is counted from has no hour
        require_not_before(since, before.counted_from, before.clause)
    resumed = [each.until for each in before.adjustments if isinstance(each, Suspension) and each.until]
    if resumed and since < max(resumed):
        raise refusal(
            "suspended_before_resumed",
            before.clause,
            f"it was suspended until {max(resumed).isoformat()}, after {since.isoformat()}",
            "中止时间早于上次恢复的时间，不得重复计算",
            Text("state a time after the resumption", "请填写上次恢复之后的时间"),
        )
    book = rulebooks.edition(government_of(session), before.edition)
    require_suspendable(before._computed(await calendars.current(session), book)[0])
    one = Suspension(since=since, reason=reason, by=by, clause=clause)
    after = replace(before, adjustments=(*before.adjustments, one), state="suspended")
    return await _moved(session, Moved(before, after, "suspended", Text(f"suspended: {reason}", f"中止：{reason}")))


async def resume(
    session: AsyncSession, rulebooks: Rulebooks, before: KeptDeadline, *, until: datetime, reason: str
) -> Moved:
    """Resume a suspended deadline: the remaining time runs from that day. Problems (409): `deadline_not_suspended`,
    `resumed_before_suspended`."""
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


async def extend(session: AsyncSession, rulebooks: Rulebooks, before: KeptDeadline, extension: Extension) -> Moved:
    """Extend a running deadline by what was asked for before its due moment; it may be granted, and recorded, afterwards.
    Problems (409): `deadline_not_running`, `deadline_has_passed`, `extension_not_later`."""
    _require_running(before, extension.at)
    calendar = await calendars.current(session)
    longer = replace(before, adjustments=(*before.adjustments, extension))
    after = longer.recomputed(calendar, rulebooks, government_of(session))
    if after.due_at <= before.due_at:
        raise refusal(
            "extension_not_later",
            extension.clause or before.clause,
            f"{after.due} isn't later than {before.due}",
            f"延长后的期限{after.due}不晚于原期限{before.due}",
            Text(f"give a day after {before.due}", f"请选择{before.due}之后的日期"),
        )
    approval, reason = extension.approval, extension.reason
    why = Text(f"extended, approved by {approval.en}: {reason}", f"经{approval.zh}批准延长：{reason}")
    return await _moved(session, Moved(before, after, "extended", why))


_AGAIN = Text("the deadline applies again", "期限重新适用")


async def revive(session: AsyncSession, rulebooks: Rulebooks, before: KeptDeadline, why: Text = _AGAIN) -> Moved:
    """Have a void deadline, or one that was met by what turned out not to be done, run again as if it had never stopped:
    recomputed from its start with the current calendar. Problem 409 `deadline_not_ended`."""
    if before.open:
        raise refusal(
            "deadline_not_ended",
            before.clause,
            f"the deadline is {before.state}",
            "该期限仍在计算中",
            Text("only a deadline that is met or void can be reopened", "仅已办结或已作废的期限可以恢复"),
        )
    book = rulebooks.edition(government_of(session), before.edition)
    recurs = not before.stated and book.deadline(before.rule).every is not None
    again = replace(before, state="suspended" if before.suspended else "running", recurs=recurs, met_at=None)
    after = again.recomputed(await calendars.current(session), rulebooks, government_of(session))
    return await _moved(session, Moved(before, after, "resumed", why))


# ending -------------------------------------------------------------------------------------------------------------
async def meet(session: AsyncSession, subject_type: str, subject_id: str, act: str, at: datetime) -> list[KeptDeadline]:
    """Mark the open clocks that this act meets as met at that moment. A periodic rule goes on: its next occurrence begins
    when the present one ends. Returns the rows; one is late if its `due_at` isn't after `at`. The caller reschedules."""
    await read_back(session, _insert)
    parameters = {"subject_type": subject_type, "subject_id": subject_id, "act": act, "at": at}
    return [KeptDeadline.of(row) for row in (await session.execute(_MEET, parameters)).mappings()]


async def settle(
    session: AsyncSession,
    subject_type: str,
    subject_id: str,
    state: Literal["met", "cancelled"],
    ids: list[UUID] | None = None,
) -> None:
    """Mark the subject's open deadlines (or those with these ids) as met or void; they are never moved again, and no
    occurrence follows. The caller reschedules."""
    if ids == []:
        return
    await read_back(session, _insert)
    parameters = {"subject_type": subject_type, "subject_id": subject_id, "state": state, "ids": ids}
    await session.execute(_SETTLE, parameters | {"now": now(session)})


# what happens next --------------------------------------------------------------------------------------------------
async def follow(session: AsyncSession, owner: Owner, rulebooks: Rulebooks, moves: list[tuple[Any, Moved]]) -> None:
    """Have the locked nouns and their timers follow moves of their due dates. Each noun has a new version, also where it
    stays as it is itself: its answers show each of its due dates."""
    for noun, _ in moves:
        touch(noun)
    await owner.move(session, moves)
    changed = {one.after.subject_id for _, one in moves if one.another_day or one.before.state != one.after.state}
    await reschedule(session, owner, rulebooks, *sorted(changed))


async def reschedule(session: AsyncSession, owner: Owner, rulebooks: Rulebooks, *subjects: str) -> None:
    """Give each subject one timer, for whatever happens next on any of its clocks or on its ladder, or none. The caller holds
    their locks."""
    if owner.timer is None or not subjects:
        return
    rows = await kept(session, owner.subject_type, *subjects)
    coming = [(row.subject_id, row.next_moment) for row in rows]
    if owner.ladder:
        coming += (await owner.ladder.next(session, rulebooks, rows)).items()
    moments: dict[str, datetime] = {}
    for subject, moment in coming:
        if moment:
            moments[subject] = min(moment, moments.get(subject, moment))
    await timers.schedule(session, owner.timer, moments)
    if idle := [subject for subject in subjects if subject not in moments]:
        await timers.cancel(session, owner.timer, *idle)


async def fall_due(session: AsyncSession, owner: Owner, rulebooks: Rulebooks, subject_id: str) -> None:
    """Timer: note which clocks of the subject have passed, begin the next occurrences, climb its ladder, and set the next
    timer."""
    noun: Any = await lock(session, owner.model, subject_id, owner.subject_type.replace("_", " "), "事项")
    rows, moment = await kept(session, owner.subject_type, subject_id), now(session)
    ended = [row for row in rows if row.next_moment and row.next_moment <= moment]
    passed = [row for row in ended if row.state == "running" and row.passed_at is None]
    if passed:
        await session.execute(_PASS, {"ids": [row.id for row in passed], "now": moment})
    for row in ended:
        if row.recurs:
            await _recur(session, rulebooks, row)
    if owner.passed and (passed or not rows):
        await owner.passed(session, noun, passed)
    if owner.ladder:
        await owner.ladder.climb(session, rulebooks, noun, await kept(session, owner.subject_type, subject_id))
    await reschedule(session, owner, rulebooks, subject_id)


async def _recur(session: AsyncSession, rulebooks: Rulebooks, row: KeptDeadline) -> None:
    """Begin the occurrence after this one: the first to end later. It counts from the start, not from where this one's end
    was moved or extended to."""
    rule, calendar = (
        rulebooks.edition(government_of(session), row.edition).deadline(row.rule),
        await calendars.current(session),
    )
    number = row.occurrence + 1
    while (due := compute(row.rule, rule, row.counted_from, calendar, number)).at <= row.due_at:
        number += 1
    coming = {name: getattr(row, name) for name in _SAME_IN_EACH_OCCURRENCE} | {
        "id": uuid7(),
        "occurrence": number,
        "recurs": True,
        "due": due.date,
        "due_at": due.at,
        "provisional": due.provisional,
        "calendar_version": due.calendar_version,
    }
    await session.execute(_CEASE, {"id": row.id})
    await write(session, _insert, [coming])


_SAME_IN_EACH_OCCURRENCE = (
    "subject_type", "subject_id", "basis", "rule", "stated", "met_by", "round", "edition", "clause", "counted_from",
)  # fmt: skip


def timer_handlers(owners: Owners, rulebooks: Rulebooks) -> Timers:
    """The handlers of the owners' timers."""

    def handler(owner: Owner) -> TimerHandler:
        return lambda session, subject_id: fall_due(session, owner, rulebooks, subject_id)

    return {owner.timer: handler(owner) for owner in owners if owner.timer}


# storing ------------------------------------------------------------------------------------------------------------
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
            "recurs": one.after.recurs,
        }
        for one in moves
    ]
    await session.execute(_MOVE, columns(after) | {"now": now(session)})
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


def _require_running(row: KeptDeadline, at: datetime) -> None:
    if row.state != "running":
        raise refusal(
            "deadline_not_running",
            row.clause,
            f"the deadline is {row.state}",
            "该期限不在计算中",
            Text("only a running deadline can be suspended or extended", "仅计算中的期限可以中止或延长"),
        )
    if at >= row.due_at:
        raise refusal(
            "deadline_has_passed",
            row.clause,
            f"the deadline passed at {row.due_at.isoformat()}",
            f"期限已于{row.due}届满",
            Text("ask for it before the deadline passes", "须在期限届满前提出"),
        )

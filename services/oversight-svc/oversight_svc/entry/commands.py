"""Commands on ledger entries, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.entry import entry as entries
from oversight_svc.entry.entry import DueBasis, Entry
from oversight_svc.entry.schemas import SetDue
from oversight_svc.entry.table import ledger_entry
from zhengling.backbone import timers
from zhengling.backbone.outbox import emit
from zhengling.database.batching import write
from zhengling.database.session import backbone, government_of, lock, now
from zhengling.database.transaction import Lookup
from zhengling.events.meeting import DecisionAdopted
from zhengling.events.oversight import EntryDueMoved, EntryDueSet, EntryOpened, EntryOverdue
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import SHANGHAI, shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import Moved
from zhengling.rules.conditions import Facts
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Ledger
from zhengling.rules.vocabulary import EntrySource
from zhengling.web.call import Call

OVERDUE = "entry_overdue"
_NEXT_NUMBER = sa.text("""
    INSERT INTO number_series AS s (government, series, last) VALUES (:government, :series, 1)
    ON CONFLICT (government, series) DO UPDATE SET last = s.last + 1 RETURNING last
""")
_KEEP_NUMBER = sa.text("UPDATE number_series SET last = :last WHERE government = :government AND series = :series")

_MOVE_DUE = (
    ledger_entry.update()
    .where(ledger_entry.c.id == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in ("due", "due_at", "provisional", "overdue_at")})
    .values(version=ledger_entry.c.version + 1)
)


def ledger_of(book: Rulebook) -> Ledger:
    if book.supervision:
        return book.supervision.ledger
    raise Problem(
        409,
        "no_ledger_rules",
        Text(f"{book.code} has no supervision.yaml", f"{book.government.name}没有督查规则"),
        Text("add the section supervision to its rulebook", "请在规则库中补充督查章节"),
    )


def end_of(day: date) -> datetime:
    """The first instant after a day: 24:00 Shanghai time."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) + timedelta(days=1)


#: The last number of a government's series that a transaction has taken.
_TAKEN: Lookup[int] = Lookup()


async def open_entry_for_decision(session: AsyncSession, rulebooks: Rulebooks, event: DecisionAdopted) -> Entry:
    """Open the ledger entry of an adopted decision: numbered, with its clause and its due date. Emits entry.opened.

    Due date: the decision's own; else by the first matching row of the rulebook's table, counted from the signature;
    else the office has to set it.
    """
    book = rulebooks.edition(government_of(session), event.edition)
    ledger, resolution = ledger_of(book), event.resolution
    assert resolution.lead, "an adopted decision has a lead unit"
    assigned_on, identity = shanghai_day(event.signed_at), str(uuid7())
    facts: Facts = {"source": EntrySource.meeting_decision, "difficulty": resolution.difficulty}
    row = None if resolution.due else ledger.due_row(facts)
    due, due_at, basis, provisional = resolution.due, None, DueBasis.to_be_set, False
    if row:
        computed = await due_dates.keep(session, "entry", identity, row.rule, book, event.signed_at)
        due, due_at, basis, provisional = computed.date, computed.at, DueBasis.rule, computed.provisional
    elif due:
        due_at, basis = end_of(due), DueBasis.decision
    entry = Entry(
        id=identity,
        government=government_of(session),
        edition=book.edition,
        number=entries.number_of(ledger, assigned_on.year, await _next_number(session, f"ledger:{assigned_on.year}")),
        source_kind=EntrySource.meeting_decision,
        source_id=event.decision_id,
        title=resolution.title,
        task=resolution.task,
        lead=resolution.lead,
        co_units=list(resolution.co_units),
        difficulty=resolution.difficulty,
        clause=ledger.clause,
        assigned_at=event.signed_at,
        opened_at=now(session),
        due=due,
        due_at=due_at,
        due_basis=basis,
        due_rule=row.rule if row else None,
        due_clause=row.clause if row else None,
        provisional=provisional,
        origin={"meeting_id": event.meeting_id, "meeting": event.meeting_title, "clause": event.meeting_clause},
    )
    session.add(entry)
    if due_at:
        await timers.schedule(session, OVERDUE, {entry.id: due_at})
    await emit(
        session,
        EntryOpened(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            title=entry.title,
            lead=entry.lead,
            clause=entry.clause,
            due=entry.due,
            due_rule=entry.due_rule,
            opened_at=entry.opened_at,
        ),
    )
    return entry


async def _next_number(session: AsyncSession, series: str) -> int:
    """The next number of the government's series. Its row is locked from the first number taken until the commit;
    further numbers are counted here, and written with the other rows of the batch (`batching.together`)."""
    place = {"government": government_of(session), "series": series}
    taken, key = _TAKEN.of(session), f"{place['government']} {series}"
    if key not in taken:
        number: int = (await backbone(session, _NEXT_NUMBER, place)).scalar_one()
    else:
        number = taken[key] + 1
        await write(session, _keep_numbers, [place | {"last": number}])
    taken[key] = number
    return number


async def _keep_numbers(session: AsyncSession, rows: list[dict[str, object]]) -> None:
    await session.execute(_KEEP_NUMBER, list({row["series"]: row for row in rows}.values()))


async def set_due(call: Call, entry_id: str, body: SetDue) -> Entry:
    """Set the due date of an entry without one. By the roles that the rulebook names (the office). Emits
    entry.due_set."""
    entry = await lock(call.session, Entry, entry_id, "entry", "督查事项")
    call.check_version(entry.version)
    ledger = ledger_of(call.service.rulebooks.edition(call.government, entry.edition))
    composition = await compositions.current(call.session)
    set_at = call.occurred(body.occurred_at)
    (await calendars.current(call.session)).require(body.due)
    entries.set_due(entry, ledger, composition, call.official, body.due, end_of(body.due), shanghai_day(call.now))
    await timers.schedule(call.session, OVERDUE, {entry.id: end_of(body.due)})
    await emit(
        call.session,
        EntryDueSet(
            entry_id=entry.id,
            number=entry.number,
            source_kind=entry.source_kind,
            source_id=entry.source_id,
            due=body.due,
            set_by=call.official or call.principal.subject,
            set_at=set_at,
        ),
    )
    await call.session.flush()
    return entry


async def move_due_dates(session: AsyncSession, moves: list[tuple[Entry, Moved]]) -> None:
    """Move entries, and their timers, to their recomputed due dates. Emits entry.due_moved if the day changed."""
    moment, events = now(session), []
    for entry, moved in moves:
        if entry in session:
            session.expunge(entry)  # thousands may move at once; they are written together below
        old = entry.due
        entries.move_due(entry, moved.after.due, moved.after.due_at, moved.after.provisional, moment)
        if moved.another_day and old:
            events.append(
                EntryDueMoved(
                    entry_id=entry.id,
                    number=entry.number,
                    source_kind=entry.source_kind,
                    source_id=entry.source_id,
                    old_due=old,
                    due=moved.after.due,
                    provisional=moved.after.provisional,
                    overdue=entry.overdue_at is not None,
                    why_en=moved.why.en,
                    why_zh=moved.why.zh,
                    moved_at=moment,
                )
            )
    written = [
        {"key": e.id, "due": e.due, "due_at": e.due_at, "provisional": e.provisional, "overdue_at": e.overdue_at}
        for e, _ in moves
    ]
    await session.execute(_MOVE_DUE, written)
    await timers.schedule(
        session,
        OVERDUE,
        {entry.id: moved.after.due_at for entry, moved in moves if moved.another_day and not entry.overdue_at},
    )
    await emit(session, *events)


async def mark_overdue(session: AsyncSession, entry_id: str) -> None:
    """Timer: mark an open entry as overdue once its due date is past. Emits entry.overdue."""
    entry = await lock(session, Entry, entry_id, "entry", "督查事项")
    if entries.fall_overdue(entry, now(session)):
        assert entry.due
        await emit(
            session,
            EntryOverdue(
                entry_id=entry.id,
                number=entry.number,
                source_kind=entry.source_kind,
                source_id=entry.source_id,
                due=entry.due,
                overdue_at=now(session),
            ),
        )

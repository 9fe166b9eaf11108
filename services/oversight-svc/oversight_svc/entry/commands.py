"""Commands on ledger entries, one function each; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from oversight_svc.entry import entry as entries
from oversight_svc.entry.entry import Entry
from oversight_svc.entry.schemas import SetDue
from oversight_svc.entry.table import ledger_entry
from zhengling.backbone import timers
from zhengling.backbone.outbox import emit
from zhengling.database.batching import write
from zhengling.database.session import backbone, government_of, lock, now
from zhengling.database.transaction import Lookup
from zhengling.events.oversight import EntryDueMoved, EntryDueSet, EntryOverdue
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import SHANGHAI, shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas.due_dates import Moved
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Ledger
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


async def next_number(session: AsyncSession, series: str) -> int:
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

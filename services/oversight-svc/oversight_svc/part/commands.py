"""Commands on parts of a matter; the transaction is committed at the edge."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.course import commands as courses
from oversight_svc.course import course
from oversight_svc.course.commands import Case
from oversight_svc.entry import entry as entries
from oversight_svc.entry.commands import DUE_DATES, SUBJECT, clock_to, ledger_of, open_entry, run_to
from oversight_svc.entry.entry import ENDED, Entry
from oversight_svc.entry.table import ledger_entry
from oversight_svc.part.part import PARTS, require_within
from oversight_svc.part.queries import parts_of
from oversight_svc.part.schemas import Divide, NewPart
from oversight_svc.pressure.recording import governing
from zhengling.backbone.outbox import emit
from zhengling.database.session import government_of, lock_all, now
from zhengling.dates.deadlines import Setter
from zhengling.events.oversight import EntryDivided, EntryDueMoved
from zhengling.events.reference import Reference
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import StatedClock
from zhengling.rules.loading import Rulebooks
from zhengling.rules.supervision import CourseAct, DueFor
from zhengling.rules.vocabulary import EntrySource
from zhengling.web.call import Call


async def divide(call: Call, entry_id: str, body: Divide) -> Entry:
    """Divide a matter into parts, one for each unit. By the roles that the rulebook names. 409 `part_of_a_matter`,
    `part_due_after_the_matter`, `due_in_the_past`; 422 `unknown_unit`. Emits entry.opened of each part, entry.divided of the
    matter."""
    case = await courses.case_of(call, entry_id, CourseAct.divide, body.occurred_at)
    entry = case.entry
    ids = sa.select(ledger_entry.c.id).where(ledger_entry.c.part_of == entry.id)
    held = list((await call.session.execute(ids)).scalars())
    appended(held, *(part.unit for part in body.parts), bound=PARTS)
    limit = governing(await due_dates.kept(call.session, SUBJECT, entry.id)).get(entry.id)
    last = limit.due if limit and limit.met_by == DueFor.completion else None
    made = [await _open_part(case, new, f"{entry.number}-{n}", last) for n, new in enumerate(body.parts, len(held) + 1)]
    parts = tuple(Reference(service="oversight", noun="entry", id=part.id, number=part.number) for part in made)
    named = made[0].number if len(made) == 1 else f"{made[0].number}—{made[-1].number}"
    return await case.done(EntryDivided, body.reason, fields={"parts": parts}, document=named)


async def _open_part(case: Case, new: NewPart, number: str, last: date | None) -> Entry:
    """A part of the matter: its unit's, dated as stated, else as the matter is."""
    entry, ledger, session = case.entry, ledger_of(case.book), case.call.session
    unit = course.unit_of(case.composition, new.unit, case.today)
    if new.due:
        (await calendars.current(session)).require(new.due)
        entries.require_not_past(new.due, shanghai_day(case.occurred_at), ledger.clause)
        require_within(new.due, last, case.right.clause)
    part = Entry(
        id=str(uuid7()),
        government=entry.government,
        edition=entry.edition,
        number=number,
        source_kind=EntrySource.part,
        source_id=entry.id,
        source_number=entry.number,
        part_of=entry.id,
        title=entry.title,
        task=new.task,
        lead=unit,
        co_units=[],
        difficulty=entry.difficulty,
        clause=entry.clause,
        category=entry.category,
        weight=entry.weight,
        assigned_at=case.occurred_at,
        deployed_on=entry.deployed_on,
        opened_at=case.call.now,
    )
    clock = clock_to(case.book, part, None, new.due or entry.due, Setter.office)
    return await open_entry(session, case.book, part, None, clock, None)


async def follow_date(session: AsyncSession, rulebooks: Rulebooks, whole: Entry, old: date | None, why: Text) -> None:
    """Have the parts that are due with the matter follow its date from the `old` one. Emits entry.due_moved of each."""
    if whole.due is None or old is None or whole.due == old:
        return
    found = [part.id for part in await parts_of(session, whole.id)]
    moment, book = now(session), rulebooks.edition(government_of(session), whole.edition)
    moved = [
        part
        for part in await lock_all(session, Entry, found, "entry", "督查事项")
        if part.due == old and part.state not in ENDED and part.met_at is None
    ]
    for part in moved:
        clock = StatedClock(Setter.office, whole.due, moment, ledger_of(book).clause)
        entries.give_due(part, await run_to(session, rulebooks, book, part.id, clock))
        if part.due_at and moment < part.due_at:
            part.overdue_at = None
    await due_dates.reschedule(session, DUE_DATES, rulebooks, *[part.id for part in moved])
    events = [
        EntryDueMoved(
            **entries.named(part),
            old_due=old,
            due=whole.due,
            provisional=False,
            overdue=part.overdue_at is not None,
            why_en=why.en,
            why_zh=why.zh,
            moved_at=moment,
        )
        for part in moved
    ]
    await emit(session, *events)

"""Pressure is recorded, announced, and answered with a proposal once it was repeated: by the ladder itself and by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from oversight_svc.entry.entry import Entry, named
from oversight_svc.pressure import ladder
from oversight_svc.pressure.pressure import Channel, Pressure, recipients, rules_of
from oversight_svc.pressure.table import pressure_table
from oversight_svc.proposal.commands import propose, proposed_last
from zhengling.backbone.outbox import emit
from zhengling.database.session import government_of, now
from zhengling.events.oversight import EntryUrged
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas.due_dates import KeptDeadline, Ladder
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import DueFor, Way
from zhengling.rules.vocabulary import Role


async def record(session: AsyncSession, entry: Entry, book: Rulebook, done: Pressure) -> Pressure:
    """Keep what was done on a locked matter. Emits entry.urged. The rung of proposals, and urging as often as the rulebook
    says since the last proposal, make a proposal: nothing else follows by itself."""
    await _keep(session, entry, done)
    rules = rules_of(book).proposals
    if done.way == Way.propose:
        await propose(session, entry, book, Text(done.reason_en, done.reason_zh))
    elif done.way == Way.urge and (times := await _urged(session, entry)) >= rules.urgings:
        said = Text(f"urged {times} times without effect", f"已催办{times}次仍未办结")
        await propose(session, entry, book, said)
    return done


async def _keep(session: AsyncSession, entry: Entry, done: Pressure) -> None:
    session.add(done)
    await session.flush()
    await emit(
        session,
        EntryUrged(
            **named(entry),
            lead=entry.lead,
            way=done.way,
            rung=done.rung,
            recipients=tuple(done.recipients),
            reason_en=done.reason_en,
            reason_zh=done.reason_zh,
            channel=done.channel,
            official=done.official,
            on_behalf_of=done.on_behalf_of,
            due=done.due,
            occurred_at=done.occurred_at,
            recorded_at=done.recorded_at,
        ),
    )


async def _urged(session: AsyncSession, entry: Entry) -> int:
    """How often the matter was urged since the last proposal about it."""
    of = pressure_table.c
    since = await proposed_last(session, entry.id)
    condition = sa.and_(of.entry_id == entry.id, of.way == Way.urge)
    if since:
        condition = sa.and_(condition, of.recorded_at > since)
    return await session.scalar(sa.select(sa.func.count()).where(condition)) or 0


# the ladder -------------------------------------------------------------------------------------------------------------
def governing(rows: Iterable[KeptDeadline]) -> dict[str, KeptDeadline]:
    """Subject → its running clock by which the matter is due: none while it is suspended, once it was met, and once it
    is void. The earliest of several."""
    found: dict[str, KeptDeadline] = {}
    for row in rows:
        if row.state == "running" and row.met_by in tuple(DueFor):
            first = found.setdefault(row.subject_id, row)
            found[row.subject_id] = min(first, row, key=lambda each: each.due_at)
    return found


async def taken_on(session: AsyncSession, clocks: Iterable[UUID]) -> dict[UUID, int]:
    """Clock → the last rung that was taken on it."""
    of = pressure_table.c
    statement = (
        sa.select(of.deadline_id, sa.func.max(of.rung).label("last"))
        .where(of.deadline_id.in_(list(clocks)), of.rung.is_not(None))
        .group_by(of.deadline_id)
    )
    return {row.deadline_id: row.last for row in await session.execute(statement)}


async def coming(
    session: AsyncSession, rulebooks: Rulebooks, rows: list[KeptDeadline]
) -> Mapping[str, tuple[KeptDeadline, list[ladder.Step]]]:
    """Subject → its governing clock and the rungs that come on it, the next first."""
    climbed = {}
    for subject, row in governing(rows).items():
        book = rulebooks.edition(government_of(session), row.edition)
        if book.supervision and (rules := book.supervision.pressure) and rules.ladder:
            climbed[subject] = (row, rules)
    if not climbed:
        return {}
    taken, calendar = await taken_on(session, [row.id for row, _ in climbed.values()]), await calendars.current(session)
    return {
        subject: (row, ladder.steps(rules, row.due, calendar, taken.get(row.id, -1)))
        for subject, (row, rules) in climbed.items()
    }


async def next_rungs(session: AsyncSession, rulebooks: Rulebooks, rows: list[KeptDeadline]) -> Mapping[str, datetime]:
    found = await coming(session, rulebooks, rows)
    return {subject: steps[0].moment for subject, (_, steps) in found.items() if steps}


async def climb(session: AsyncSession, rulebooks: Rulebooks, entry: Entry, rows: list[KeptDeadline]) -> None:
    """Take the rungs that have come, in their order."""
    moment = now(session)
    for row, steps in (await coming(session, rulebooks, rows)).values():
        book = rulebooks.edition(government_of(session), row.edition)
        for step in steps:
            if step.moment > moment:
                break
            await record(session, entry, book, await _rung(session, entry, book, row, step))


async def _rung(session: AsyncSession, entry: Entry, book: Rulebook, row: KeptDeadline, step: ladder.Step) -> Pressure:
    roles = step.rung.to or (rules_of(book).proposals.by if step.rung.act == Way.propose else ())
    return await _by_itself(session, entry, row, step.n, (step.rung.act, ladder.reason(step.rung, row.due)), roles)


async def remind_to_look_back(session: AsyncSession, entry: Entry, row: KeptDeadline) -> None:
    """Remind the supervision office that nobody looked back at a closed matter in time (HC-70). Emits entry.urged."""
    said = Text(
        f"closed, and not looked back at by the end of {row.due}", f"已销号，至{row.due}尚未回头看，请及时开展回头看"
    )
    done = await _by_itself(session, entry, row, None, (Way.remind, said), (Role.supervision_office,))
    await _keep(session, entry, done)


async def _by_itself(
    session: AsyncSession,
    entry: Entry,
    row: KeptDeadline,
    rung: int | None,
    what: tuple[Way, Text],
    roles: Sequence[Role],
) -> Pressure:
    """What is done by itself on the clock now: which way and why."""
    moment, (way, said) = now(session), what
    composition = await compositions.if_loaded(session)
    return Pressure(
        id=str(uuid7()),
        government=entry.government,
        entry_id=entry.id,
        deadline_id=row.id,
        rung=rung,
        way=way,
        recipients=recipients(entry, composition, roles, shanghai_day(moment)) if composition else [],
        reason_en=said.en,
        reason_zh=said.zh,
        channel=Channel.system,
        official=None,
        on_behalf_of=None,
        unit=entry.lead.code,
        supervisor=None,
        due=row.due,
        occurred_at=moment,
        recorded_at=moment,
    )


LADDER = Ladder(next_rungs, climb)

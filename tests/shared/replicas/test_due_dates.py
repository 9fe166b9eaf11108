"""Stored due dates: recomputed when the calendar changes, despite concurrent writes; suspended, resumed, extended, settled."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import chinese_calendar
import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry

from tests.conftest import ROOT, ScratchDatabase
from tests.trial import NO_RULEBOOKS, ThingCounted, Trial, counted, envelope, record
from zhengling.backbone import timers
from zhengling.backbone.inbox import Inbox, Received
from zhengling.database.mapping import map_noun, noun_columns
from zhengling.database.session import NATIONAL
from zhengling.dates.adjustments import Extension
from zhengling.dates.deadlines import DeadlineRule, Setter, Unit
from zhengling.dates.schemas import DeadlineView
from zhengling.dates.workdays import CalendarYear, DayKind, SpecialDay, base_years
from zhengling.events.calendar import WorkdaysChanged
from zhengling.events.catalogue import EVENTS
from zhengling.events.event import Event
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import SHANGHAI
from zhengling.replicas import calendar as calendars
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import AnyClock, Clock, KeptDeadline, Moved, Owner, StatedClock
from zhengling.replicas.recomputation import on_workdays_changed, recompute_some
from zhengling.rules.loading import Rulebooks
from zhengling.rules.rulebook import Rulebook

ST, HC = "shuangtaizi", "huancui"
RULE = "document-issue"  # 5 working days of the close
BOOKS = Rulebooks.load([ROOT / "rulebooks"])
BASE = base_years(date(2026, 11, 22))
START = date(2026, 11, 23)  # a Monday: due on the next
DUE = date(2026, 11, 30)


@dataclass
class Dossier:
    """A noun that owns due dates, known to this test alone."""

    id: str
    government: str
    due: date
    version: int = 1
    modified_at: datetime | None = None


DOSSIER = """
    CREATE TABLE dossier (
        id text PRIMARY KEY, government text NOT NULL, version integer NOT NULL,
        modified_at timestamptz NOT NULL DEFAULT now(), due date NOT NULL);
    GRANT SELECT, INSERT, UPDATE ON dossier TO $app, $worker;
"""
_mapper = registry(metadata=sa.MetaData())
map_noun(
    _mapper, Dossier, sa.Table("dossier", _mapper.metadata, *noun_columns(), sa.Column("due", sa.Date, nullable=False))
)


async def follow(session: AsyncSession, moves: list[tuple[Any, Moved]]) -> None:
    for dossier, moved in moves:
        dossier.due = moved.after.due
    await session.flush()


OWNERS = (Owner("dossier", Dossier, follow),)
PASSED: list[tuple[str, list[str]]] = []


async def note_passed(session: AsyncSession, dossier: Dossier, passed: list[KeptDeadline]) -> None:
    PASSED.append((dossier.id, [row.rule for row in passed]))


ALARMED = Owner("dossier", Dossier, follow, note_passed, "dossier_due")


@pytest.fixture(scope="session")
async def kept_database(scratch_database: Callable[..., Awaitable[ScratchDatabase]]) -> ScratchDatabase:
    return await scratch_database(DOSSIER)


@pytest.fixture
async def books(kept_database: ScratchDatabase) -> AsyncIterator[Trial]:
    """A database with the national calendar of the base data and nothing kept, on the day `START`."""
    made = Trial(kept_database)
    calendars._calendars.clear()  # each test's changes are the first of their government
    await made.ask(
        "TRUNCATE deadline_change, deadline, recomputation, calendar_year, outbox, outbox_sequence, dossier, timer, "
        "inbox, inbox_cursor"
    )
    await made.ask("UPDATE business_clock SET shift = $1::timestamptz - now()", datetime.combine(START, time(), UTC))
    async with made.worker.transaction(NATIONAL) as session:
        for year in BASE:
            await calendars.store_calendar_year(session, 1, year)
    yield made
    await made.close()


def received(government: str) -> Received:
    return Received(
        NO_RULEBOOKS, UUID(int=0), "/zhengling/calendar-svc", government, datetime.now(UTC), 1, "trial", frozenset()
    )


def closed(*days: date) -> CalendarYear:
    special = SpecialDay(kind=DayKind.local_closure, name="台风", notice="区防指〔2026〕5号")
    return CalendarYear(year=2026, provisional=False, days=dict.fromkeys(days, special))


async def change(books: Trial, government: str, version: int, year: CalendarYear) -> None:
    """What the consumer does when a change of the calendar arrives."""
    event = WorkdaysChanged(
        calendar=f"{government}:{year.year}", government=government, version=version, year=year,
        why_en="typhoon", why_zh="台风停工",
    )  # fmt: skip
    async with books.worker.transaction(government) as session:
        await on_workdays_changed(session, event, received(government))


async def recompute(books: Trial) -> None:
    """Run the worker's task until no request is left."""
    async with asyncio.timeout(60):
        while True:
            async with books.worker.transaction(None) as session:
                if not await recompute_some(session, "oversight", BOOKS, OWNERS):
                    return


def _with_period() -> Rulebook:
    """Shuangtaizi's rules with a report every two weeks and one within two working days, as ST-64 has them."""
    found = BOOKS.current(ST, datetime(2026, 11, 22, tzinfo=UTC))
    rules = {
        "progress": {"clause": "ST-64", "every": 2, "unit": "week", "of": "instruction"},
        "feedback": {"clause": "ST-64", "within": 2, "unit": "working_day", "of": "instruction"},
        "report": {"clause": "ST-64", "within": 5, "unit": "working_day", "of": "instruction"},
    }
    rules |= {f"every-{n}": rules["progress"] | {"every": n} for n in (1, 2, 3)}
    added = {name: DeadlineRule.model_validate(rule) for name, rule in rules.items()}
    return found.model_copy(update={"deadlines": found.deadlines | added})


FORTNIGHTLY = _with_period()
BOOKS_WITH_PERIOD = Rulebooks([FORTNIGHTLY])


def book(government: str) -> Rulebook:
    return BOOKS.current(government, datetime(2026, 11, 22, tzinfo=UTC))


async def keep(books: Trial, start: date = START, government: str = ST, rule: str = RULE) -> str:
    identity = str(uuid4())
    async with books.app.transaction(government) as session:
        due = await due_dates.keep(session, "dossier", identity, Clock(rule, start), book(government))
        session.add(Dossier(identity, government, due.date))
    return identity


async def row(books: Trial, identity: str) -> Any:
    (found,) = await books.ask("SELECT * FROM deadline WHERE subject_id = $1", identity)
    return found


async def changes(books: Trial, identity: str) -> list[tuple[str, date, date, str]]:
    rows = await books.ask(
        """SELECT c.kind, c.old_due, c.new_due, c.why_zh FROM deadline_change c JOIN deadline d ON d.id = c.deadline_id
           WHERE d.subject_id = $1 ORDER BY c.recorded_at""",
        identity,
    )
    return [tuple(found) for found in rows]


async def reports(books: Trial) -> list[Any]:
    rows = await books.ask("SELECT government, payload FROM outbox WHERE event_type LIKE '%deadlines.recomputed%'")
    return [(found["government"], orjson.loads(found["payload"])) for found in rows]


# the calendar changes -----------------------------------------------------------------------------------------------
async def test_a_closure_moves_affected_deadlines_and_stores_both_days_and_the_reason(books: Trial) -> None:
    moved, earlier, elsewhere = (
        await keep(books),
        await keep(books, date(2026, 9, 7)),
        await keep(books, START, "zhanqian"),
    )
    assert (await row(books, moved))["due"] == DUE
    await change(books, ST, 1, closed(date(2026, 11, 26), date(2026, 11, 27)))
    await recompute(books)
    assert (await row(books, moved))["due"] == date(2026, 12, 2)
    assert await changes(books, moved) == [("recomputed", DUE, date(2026, 12, 2), "台风停工")]
    assert (await books.ask("SELECT due FROM dossier WHERE id = $1", moved))[0]["due"] == date(2026, 12, 2)
    assert await changes(books, earlier) == [], "it is on the new calendar, and due on the same day"
    assert (await row(books, earlier))["calendar_version"] == (await row(books, moved))["calendar_version"]
    assert await changes(books, elsewhere) == [], "another government's offices were open"
    assert [(g, p["examined"], p["moved"], p["version"]) for g, p in await reports(books)] == [(ST, 2, 1, 1)]


async def test_a_national_change_reaches_every_government_and_is_reported_once(books: Trial) -> None:
    at_home, next_door = await keep(books), await keep(books, START, "zhanqian")
    national = next(year for year in BASE if year.year == 2026)
    off = SpecialDay(kind=DayKind.statutory_holiday, name="纪念日", notice="国发明电〔2026〕1号")
    await change(books, NATIONAL, 2, national.model_copy(update={"days": national.days | {date(2026, 11, 24): off}}))
    await recompute(books)
    assert (await row(books, at_home))["due"] == date(2026, 12, 1)
    assert (await row(books, next_door))["due"] == date(2026, 12, 3)  # zhanqian has 7 working days
    assert [(g, p["calendar"], p["examined"], p["moved"]) for g, p in await reports(books)] == [("*", "*:2026", 2, 2)]


async def test_a_deadline_that_is_met_or_void_is_not_touched(books: Trial) -> None:
    met, void = await keep(books), await keep(books)
    async with books.app.transaction(ST) as session:
        await due_dates.settle(session, "dossier", met, "met")
        await due_dates.settle(session, "dossier", void, "cancelled")
    before = [dict(await row(books, identity)) for identity in (met, void)]
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    await recompute(books)
    assert [dict(await row(books, identity)) for identity in (met, void)] == before
    assert await changes(books, met) == []


async def test_a_notice_that_confirms_a_date_makes_it_certain_without_moving_it(books: Trial) -> None:
    identity = await keep(books, date(2027, 3, 1))
    assert (await row(books, identity))["provisional"]
    coming = next(year for year in BASE if year.year == 2027)
    await change(books, NATIONAL, 2, coming.model_copy(update={"provisional": False}))
    await recompute(books)
    assert not (await row(books, identity))["provisional"]
    assert await changes(books, identity) == []
    assert [p["moved"] for _, p in await reports(books)] == [0]


async def test_a_noun_that_stays_while_one_of_its_deadlines_moves_has_a_new_version(books: Trial) -> None:
    identity = await keep(books)
    await change(books, ST, 1, closed(date(2026, 11, 26)))

    async def stay(session: AsyncSession, moves: list[tuple[Any, Moved]]) -> None:
        await session.flush()

    async with books.worker.transaction(None) as session:
        await recompute_some(session, "oversight", BOOKS, (Owner("dossier", Dossier, stay),))
    (found,) = await books.ask("SELECT due, version, modified_at FROM dossier WHERE id = $1", identity)
    assert (found["due"], found["version"]) == (DUE, 2)
    assert (await row(books, identity))["due"] == date(2026, 12, 1)


async def test_the_first_calendar_of_an_empty_service_requests_no_recomputation(books: Trial) -> None:
    await change(books, NATIONAL, 1, BASE[0])
    await recompute(books)
    assert await reports(books) == []


async def test_of_two_changes_in_a_row_the_last_is_reported_with_what_both_moved(books: Trial) -> None:
    identity = await keep(books)
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    await change(books, ST, 2, closed(date(2026, 11, 26), date(2026, 11, 27)))
    await recompute(books)
    assert (await row(books, identity))["due"] == date(2026, 12, 2)
    assert [(p["version"], p["examined"], p["moved"]) for _, p in await reports(books)] == [(2, 1, 1)]


async def test_a_calendar_read_in_a_savepoint_that_failed_is_read_and_held_again(books: Trial) -> None:
    identity = str(uuid4())
    async with books.app.transaction(ST) as session:
        with pytest.raises(LookupError):
            async with session.begin_nested():
                await calendars.current(session)  # and with the savepoint its lock is gone
                raise LookupError
        due = await due_dates.keep(session, "dossier", identity, Clock(RULE, START), book(ST))
        session.add(Dossier(identity, ST, due.date))
        coming = asyncio.create_task(change(books, ST, 1, closed(date(2026, 11, 26))))
        await books.until_blocked("pg_advisory_xact_lock")
    await coming
    await recompute(books)
    assert (await row(books, identity))["due"] == date(2026, 12, 1)


async def test_an_extension_granted_while_it_is_recomputed_is_not_lost(books: Trial) -> None:
    identity = await keep(books)
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    async with books.app.transaction(ST) as session:  # the command: it holds the noun, as every command does
        await session.get(Dossier, identity, with_for_update=True)
        work = asyncio.create_task(recompute(books))
        await books.until_blocked("dossier")
        kept = await locked(session, identity)
        longer = Extension(at=at(START), reason="x", approved_by="y", to=date(2026, 12, 18))
        await due_dates.extend(session, BOOKS, kept, longer)
    await work
    found = await row(books, identity)
    assert (found["due"], found["adjustments"] != "[]") == (date(2026, 12, 18), True)


async def test_a_command_a_change_and_the_recomputation_that_wait_for_one_another_all_go_on(books: Trial) -> None:
    """The command holds a noun and asks for the calendar behind the change, which waits for the recomputation, which waits for
    the noun. The place in the queue isn't a lock: PostgreSQL lets the command pass, and aborts nobody."""
    identity = await keep(books)
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    async with books.app.transaction(ST) as session:
        await session.get(Dossier, identity, with_for_update=True)
        work = asyncio.create_task(recompute(books))
        await books.until_blocked("dossier")
        coming = asyncio.create_task(change(books, ST, 2, closed(date(2026, 11, 26), date(2026, 11, 27))))
        await books.until_blocked("pg_advisory_xact_lock")
        await calendars.current(session)
    await asyncio.gather(work, coming)
    await recompute(books)
    assert (await row(books, identity))["due"] == date(2026, 12, 2)


async def test_a_consumer_that_holds_a_noun_and_receives_a_change_doesnt_deadlock_with_the_recomputation(
    books: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change waits for the recomputation, which may wait for a noun: so a batch takes the change first, then the nouns."""
    monkeypatch.setitem(EVENTS, ThingCounted.type, ThingCounted)
    identity = await keep(books)
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    tasks: list[asyncio.Task[None]] = []

    async def hold(session: AsyncSession, event: Event, received: Received) -> None:
        await session.get(Dossier, identity, with_for_update=True)
        if not tasks:
            tasks.append(asyncio.create_task(recompute(books)))
            await books.until_blocked("")

    later = WorkdaysChanged(
        calendar=f"{ST}:2026", government=ST, version=2, year=closed(date(2026, 11, 26), date(2026, 11, 27)),
        why_en="typhoon", why_zh="台风停工",
    )  # fmt: skip
    inbox = Inbox("trial", {ThingCounted: hold, WorkdaysChanged: on_workdays_changed}, NO_RULEBOOKS)
    batch = [counted(identity, 1, government=ST), record(envelope(later, 1, government=ST))]
    await books.receive(*batch, inbox=inbox)
    await asyncio.gather(*tasks)
    rows = await books.ask("SELECT status, last_error FROM inbox WHERE consumer = 'trial'")
    assert [tuple(each) for each in rows] == [("applied", None)] * 2
    await recompute(books)
    assert (await row(books, identity))["due"] == date(2026, 12, 2)


async def test_two_workers_on_two_changes_move_each_deadline_once(books: Trial) -> None:
    kept = [await keep(books) for _ in range(30)]
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    await change(books, ST, 1, CalendarYear(year=2027, provisional=False, days={}))
    await asyncio.gather(*(recompute(books) for _ in range(4)))
    assert [len(await changes(books, identity)) for identity in kept] == [1] * 30
    assert sum(p["moved"] for _, p in await reports(books)) == 30


async def test_a_met_deadline_is_shown_as_it_was_when_met(books: Trial) -> None:
    identity = await keep(books)
    async with books.app.transaction(ST) as session:
        await due_dates.settle(session, "dossier", identity, "met")
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    async with books.app.transaction(ST) as session:
        (found,) = await due_dates.kept(session, "dossier", identity)
        assert (await due_dates.explained(session, BOOKS, [found]))[0].date == DUE


async def test_a_change_waits_for_transactions_that_use_the_previous_calendar(books: Trial) -> None:
    identity = str(uuid4())
    async with books.app.transaction(ST) as session:
        due = await due_dates.keep(session, "dossier", identity, Clock(RULE, START), book(ST))
        session.add(Dossier(identity, ST, due.date))
        coming = asyncio.create_task(change(books, ST, 1, closed(date(2026, 11, 26))))
        await books.until_blocked("pg_advisory_xact_lock")
        assert not coming.done()
    await coming
    await recompute(books)
    assert (await row(books, identity))["due"] == date(2026, 12, 1)


async def test_a_government_that_cannot_be_recomputed_holds_up_no_other_and_follows_once_it_can(books: Trial) -> None:
    stuck, follows = await keep(books), await keep(books, government="zhanqian")
    before = {each: (await row(books, each))["due"] for each in (stuck, follows)}
    stopped = Rulebooks.load([ROOT / "rulebooks"])
    stopped.stop(ST, "deadlines.yaml:1: wrong")  # the first of the two in the order of recomputation
    day = SpecialDay(kind=DayKind.local_closure, name="放假", notice="国办发明电〔2026〕9号")
    national = next(year for year in BASE if year.year == 2026)
    await change(books, NATIONAL, 2, national.model_copy(update={"days": national.days | {date(2026, 11, 24): day}}))

    async def work(rules: Rulebooks) -> None:
        async with asyncio.timeout(60):
            while True:
                async with books.worker.transaction(None) as session:
                    if not await recompute_some(session, "oversight", rules, OWNERS):
                        return

    await work(stopped)
    assert (await row(books, stuck))["due"] == before[stuck]
    assert (await row(books, follows))["due"] > before[follows]
    assert await books.ask("SELECT finished_at FROM recomputation") == [(None,)]
    await books.ask("UPDATE recomputation SET requested_at = now()")  # a minute later
    await work(BOOKS)
    assert (await row(books, stuck))["due"] > before[stuck]
    assert (await books.ask("SELECT finished_at FROM recomputation"))[0][0] is not None


async def test_a_deadline_written_while_the_calendar_changes_is_never_left_on_the_old_one(books: Trial) -> None:
    """Writers read the calendar, dawdle, and commit; changes and the worker's task go on between them."""
    version = 0
    stop = asyncio.Event()

    async def write(seed: int) -> int:
        chance, count = random.Random(seed), 0
        while not stop.is_set():
            async with books.app.transaction(ST) as session:
                for _ in range(5):
                    identity = str(uuid4())
                    due = await due_dates.keep(session, "dossier", identity, Clock(RULE, START), book(ST))
                    session.add(Dossier(identity, ST, due.date))
                    await asyncio.sleep(chance.random() / 100)
            count += 5
        return count

    async def work() -> None:
        while not stop.is_set():
            async with books.worker.transaction(None) as session:
                await recompute_some(session, "oversight", BOOKS, OWNERS)
            await asyncio.sleep(0)

    writers = [asyncio.create_task(write(n)) for n in range(6)]
    worker = asyncio.create_task(work())
    for _ in range(8):
        await asyncio.sleep(0.1)
        version += 1
        await change(books, ST, version, closed(*[date(2026, 11, 24)] * (version % 2)))
    await asyncio.sleep(0.1)
    stop.set()
    written = sum(await asyncio.gather(*writers))
    await worker
    await recompute(books)
    async with books.app.transaction(ST) as session:
        current = (await calendars.current(session)).version
    rows = await books.ask("SELECT due, calendar_version, count(*) FROM deadline GROUP BY 1, 2")
    assert [tuple(found) for found in rows] == [(DUE, current, written)]
    assert [tuple(f) for f in await books.ask("SELECT due, count(*) FROM dossier GROUP BY 1")] == [(DUE, written)]
    *_, (_, last) = await reports(books)
    assert last["version"] == version


async def test_more_than_one_batch_is_recomputed_and_counted(books: Trial) -> None:
    async with books.app.transaction(ST) as session:
        for n in range(2500):
            due = await due_dates.keep(session, "dossier", f"d{n}", Clock(RULE, START), book(ST))
            session.add(Dossier(f"d{n}", ST, due.date))
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    await recompute(books)
    assert [tuple(f) for f in await books.ask("SELECT due, count(*) FROM deadline GROUP BY 1")] == [
        (date(2026, 12, 1), 2500)
    ]
    assert [(p["examined"], p["moved"]) for _, p in await reports(books)] == [(2500, 2500)]


async def locked(session: AsyncSession, identity: str) -> due_dates.KeptDeadline:
    """The dossier's row of the rule, locked."""
    (row,) = [each for each in await due_dates.kept(session, "dossier", identity) if each.rule == RULE]
    return await due_dates.locked(session, ("dossier", identity), row.id)


# suspending, extending ----------------------------------------------------------------------------------------------
def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


async def moved_by(books: Trial, act: Callable[..., Awaitable[Moved]], identity: str, **given: object) -> Moved:
    async with books.app.transaction(ST) as session:
        return await act(session, BOOKS, await locked(session, identity), **given)


async def suspend(books: Trial, identity: str, since: date = START) -> Moved:
    return await moved_by(books, due_dates.suspend, identity, since=at(since), reason="补正材料", by="office")


async def resume(books: Trial, identity: str, until: date) -> Moved:
    return await moved_by(books, due_dates.resume, identity, until=at(until), reason="材料已补正")


async def extend(books: Trial, identity: str, **measure: object) -> Moved:
    given = {"at": at(START), "reason": "案情复杂", "approved_by": "区长"} | measure
    return await moved_by(books, due_dates.extend, identity, extension=Extension.model_validate(given))


async def test_a_resumed_deadline_runs_for_the_remaining_time(books: Trial) -> None:
    identity = await keep(books)
    await suspend(books, identity, date(2026, 11, 25))  # one day ran: four are left
    assert (await row(books, identity))["state"] == "suspended"
    moved = await resume(books, identity, date(2026, 12, 7))
    assert moved.after.due == date(2026, 12, 10)
    found = await row(books, identity)
    assert (found["due"], found["state"]) == (date(2026, 12, 10), "running")
    assert [kind for kind, *_ in await changes(books, identity)] == ["suspended", "resumed"]


async def test_a_suspended_deadline_uses_the_current_calendar_when_it_is_resumed(books: Trial) -> None:
    identity = await keep(books)
    await suspend(books, identity, date(2026, 11, 25))
    await change(books, ST, 1, closed(date(2026, 12, 8)))
    await recompute(books)
    assert (await row(books, identity))["due"] == DUE
    assert (await resume(books, identity, date(2026, 12, 7))).after.due == date(2026, 12, 11)


async def test_suspensions_and_extensions_hold_when_the_calendar_changes(books: Trial) -> None:
    identity = await keep(books)
    await suspend(books, identity, date(2026, 11, 25))
    await resume(books, identity, date(2026, 12, 7))
    await extend(books, identity, amount=2, unit=Unit.working_day)
    assert (await row(books, identity))["due"] == date(2026, 12, 14)
    await change(books, ST, 1, closed(date(2026, 12, 9)))
    await recompute(books)
    assert (await row(books, identity))["due"] == date(2026, 12, 15)
    async with books.app.transaction(ST) as session:
        (kept,) = await due_dates.kept(session, "dossier", identity)
        (shown,) = await due_dates.explained(session, BOOKS, [kept], "zh")
    assert shown.date == date(2026, 12, 15)
    assert shown.changes
    assert [one.kind for one in shown.changes] == ["suspended", "resumed", "extended", "recomputed"]
    assert shown.explanation
    for words in ("中止：补正材料", "经区长批准延长2个工作日", "2026年12月15日"):
        assert words in shown.explanation


async def test_an_extension_is_granted_before_the_time_runs_out(books: Trial) -> None:
    identity = await keep(books, date(2026, 9, 7))  # due on 14 September
    with pytest.raises(Problem, match="deadline_has_passed"):
        await extend(books, identity, amount=2, unit=Unit.working_day)
    with pytest.raises(Problem, match="deadline_has_passed"):
        await suspend(books, identity, date(2026, 9, 8))


@pytest.mark.parametrize("measure", [{"to": DUE}, {"to": date(2026, 11, 25)}], ids=str)
async def test_an_extension_is_later_than_what_it_extends(books: Trial, measure: dict[str, object]) -> None:
    identity = await keep(books)
    with pytest.raises(Problem, match="extension_not_later"):
        await extend(books, identity, **measure)
    assert (await row(books, identity))["due"] == DUE


async def test_only_a_running_deadline_is_suspended_or_extended_and_only_a_suspended_one_resumed(books: Trial) -> None:
    identity = await keep(books)
    with pytest.raises(Problem, match="deadline_not_suspended"):
        await resume(books, identity, date(2026, 11, 24))
    await suspend(books, identity, date(2026, 11, 25))
    with pytest.raises(Problem, match="resumed_before_suspended"):
        await resume(books, identity, date(2026, 11, 24))
    with pytest.raises(Problem, match="deadline_not_running"):
        await extend(books, identity, amount=2, unit=Unit.day)
    with pytest.raises(Problem, match="deadline_not_running"):
        await suspend(books, identity, date(2026, 11, 26))
    with pytest.raises(Problem, match="deadline_not_found"):
        async with books.app.transaction(ST) as session:
            await due_dates.locked(session, ("dossier", identity), uuid4())


async def test_only_a_void_deadline_is_reopened_by_the_current_calendar(books: Trial) -> None:
    identity = await keep(books)
    with pytest.raises(Problem, match="deadline_not_ended"):
        await moved_by(books, due_dates.revive, identity)
    async with books.app.transaction(ST) as session:
        await due_dates.settle(session, "dossier", identity, "cancelled")
    await change(books, ST, 1, closed(date(2026, 11, 26)))
    await recompute(books)
    assert (await row(books, identity))["due"] == DUE, "while it was void nothing moved it"
    await moved_by(books, due_dates.revive, identity)
    found = await row(books, identity)
    assert (found["state"], found["due"]) == ("running", date(2026, 12, 1))
    assert await changes(books, identity) == [("resumed", DUE, date(2026, 12, 1), "期限重新适用")]


async def test_moves_of_one_government_are_not_seen_by_another(books: Trial) -> None:
    identity = await keep(books)
    await extend(books, identity, to=date(2026, 12, 31))
    async with books.app.transaction(HC) as session:
        assert await due_dates.kept(session, "dossier", identity) == []
    async with books.app.transaction(ST) as session:
        assert [kept.due - timedelta(days=31) for kept in await due_dates.kept(session, "dossier", identity)] == [DUE]


# stated dates, rounds, several clocks -------------------------------------------------------------------------------
STATED = StatedClock(Setter.leader, date(2026, 12, 12), at(START), "ST-64")  # a Saturday


async def keep_clock(books: Trial, *clocks: AnyClock) -> str:
    identity = str(uuid4())
    async with books.app.transaction(ST) as session:
        dues = [await due_dates.keep(session, "dossier", identity, clock, FORTNIGHTLY) for clock in clocks]
        session.add(Dossier(identity, ST, dues[0].date))
        await due_dates.reschedule(session, ALARMED, BOOKS, identity)
    return identity


async def rows_of(books: Trial, identity: str) -> list[KeptDeadline]:
    async with books.app.transaction(ST) as session:
        return await due_dates.kept(session, "dossier", identity)


async def test_a_stated_date_is_explained_extended_suspended_and_not_moved_by_the_calendar(books: Trial) -> None:
    identity = await keep_clock(books, STATED)
    await change(books, ST, 1, closed(date(2026, 11, 26), date(2026, 12, 11)))
    await recompute(books)
    (kept,) = await rows_of(books, identity)
    assert (kept.due, kept.clause, kept.provisional, kept.state) == (STATED.day, "ST-64", False, "running")
    async with books.app.transaction(ST) as session:
        (shown,) = await due_dates.explained(session, BOOKS, [kept], "zh")
    assert shown.explanation == "领导明确于2026年12月12日星期六前办结；应于2026年12月12日星期六24:00前完成（ST-64）。"
    assert [(step.date, step.effect) for step in shown.trace or []] == [
        (START, "start"),
        (STATED.day, "ended"),
        (STATED.day, "due"),
        (None, "clause"),
    ]
    async with books.app.transaction(ST) as session:
        one = await due_dates.locked(session, ("dossier", identity), kept.id)
        await due_dates.suspend(session, BOOKS, one, since=at(date(2026, 11, 25)), reason="补正", by="office")
        one = await due_dates.locked(session, ("dossier", identity), kept.id)
        moved = await due_dates.resume(session, BOOKS, one, until=at(date(2026, 11, 28)), reason="已补正")
        assert moved.after.due == date(2026, 12, 15)
        extension = Extension(at=at(START), reason="案情复杂", approved_by="区长", amount=2, unit=Unit.working_day)
        moved = await due_dates.extend(session, BOOKS, moved.after, extension)
        assert moved.after.due == date(2026, 12, 17)
        (shown,) = await due_dates.explained(session, BOOKS, [moved.after], "en")
    assert shown.explanation and "The leader stated Sat 2026-12-12" in shown.explanation
    assert [one.kind for one in shown.changes or []] == ["suspended", "resumed", "extended"]


async def test_a_date_that_was_met_is_explained_by_its_days_as_long_as_the_calendar_gives_them(books: Trial) -> None:
    identity = await keep(books)
    (running,) = await rows_of(books, identity)
    moment = at(date(2026, 11, 27))

    async def shown() -> DeadlineView:
        async with books.app.transaction(ST) as session:
            rows = await due_dates.kept(session, "dossier", identity)
            (view,) = await due_dates.explained(session, BOOKS, rows, "zh")
            return view

    before = await shown()
    async with books.app.transaction(ST) as session:
        await due_dates.meet(session, "dossier", identity, running.met_by, moment)
    met = await shown()
    assert met.trace == before.trace
    assert met.explanation == f"已于2026年11月27日完成。{before.explanation}"
    await change(books, ST, 1, closed(date(2026, 11, 25)))
    await recompute(books)
    after = await shown()
    assert (after.date, after.trace) == (before.date, None)


async def test_an_extension_asked_for_in_time_is_granted_afterwards(books: Trial) -> None:
    identity = await keep(books, date(2026, 9, 7))  # due on 14 September
    moved = await extend(books, identity, at=at(date(2026, 9, 14)), to=date(2026, 12, 18))
    assert moved.after.due == date(2026, 12, 18)


async def test_another_round_voids_what_the_same_act_would_meet_and_runs_beside_the_others(books: Trial) -> None:
    identity = await keep_clock(books, Clock(RULE, START), Clock("report", START, met_by="report"))
    async with books.app.transaction(ST) as session:
        redo = StatedClock(Setter.office, date(2026, 12, 8), at(START), "ST-55")
        await due_dates.keep(session, "dossier", identity, replace(redo, met_by="report"), FORTNIGHTLY)
        for _ in range(2):
            await due_dates.start_round(session, "dossier", identity, redo, FORTNIGHTLY)
    found = [(row.basis, row.rule, row.round, row.state) for row in await rows_of(books, identity)]
    assert sorted(found) == [
        ("office", "office", 1, "cancelled"),
        ("office", "office", 1, "running"),
        ("office", "office", 2, "running"),
        ("rule", RULE, 1, "cancelled"),
        ("rule", "report", 1, "running"),
    ]


async def test_an_act_meets_the_clocks_that_it_reports_on_and_no_others(books: Trial) -> None:
    identity = await keep_clock(books, Clock(RULE, START), Clock("feedback", START, met_by="report"))
    async with books.app.transaction(ST) as session:
        (met,) = await due_dates.meet(session, "dossier", identity, "report", at(date(2026, 11, 25)))
    assert (met.rule, met.met_at, met.met_at and met.met_at < met.due_at) == ("feedback", at(date(2026, 11, 25)), True)
    assert {row.rule: row.state for row in await rows_of(books, identity)} == {RULE: "running", "feedback": "met"}


async def test_clocks_brought_under_others_keep_their_extensions_and_void_ones_apply_again(books: Trial) -> None:
    identity = await keep_clock(books, Clock(RULE, START))
    await extend(books, identity, to=date(2026, 12, 18))

    async def bring(*clocks: AnyClock) -> list[tuple[str, date, int]]:
        async with books.app.transaction(ST) as session:
            await due_dates.bring_under(session, BOOKS, ("dossier", identity), clocks, FORTNIGHTLY)
        return [(row.rule, row.due, row.round) for row in await rows_of(books, identity) if row.open]

    other = replace(STATED, day=date(2026, 12, 14))
    async with books.app.transaction(ST) as session:
        report, subject = Clock("report", START, met_by="report"), ("dossier", identity)
        await due_dates.bring_under(session, BOOKS_WITH_PERIOD, subject, [report], FORTNIGHTLY, "report")
        assert [row.rule for row in await due_dates.kept(session, *subject) if row.open] == ["report", RULE]
    assert await bring(Clock(RULE, START), STATED) == [("leader", STATED.day, 1), (RULE, date(2026, 12, 18), 1)]
    assert await bring(other) == [("leader", other.day, 2)]
    assert await bring(STATED) == [("leader", STATED.day, 1)]
    assert await bring() == []


# timers, occurrences ------------------------------------------------------------------------------------------------
async def pending(books: Trial, identity: str) -> list[datetime]:
    rows = await books.ask("SELECT due_at FROM timer WHERE subject_id = $1 AND state = 'pending'", identity)
    return [found["due_at"] for found in rows]


async def pass_until(books: Trial, moment: datetime) -> None:
    """Business time goes on, from one timer to the next."""
    handlers = due_dates.timer_handlers((ALARMED,), BOOKS_WITH_PERIOD)
    while True:
        coming = await books.ask("SELECT min(due_at) AS at FROM timer WHERE state = 'pending'")
        at_ = min(coming[0]["at"] or moment, moment)
        await books.ask("UPDATE business_clock SET shift = $1::timestamptz - now()", at_)
        async with books.worker.transaction(None) as session:
            if not await timers.fire_next(session, handlers) and at_ == moment:
                return


async def test_a_subject_has_one_timer_for_whatever_happens_next_on_any_of_its_clocks(books: Trial) -> None:
    PASSED.clear()
    identity = await keep_clock(books, Clock(RULE, START), STATED, Clock("feedback", START, met_by="report"))
    feedback, issue, said = (row.due_at for row in await rows_of(books, identity))
    assert await pending(books, identity) == [feedback]
    await pass_until(books, feedback)
    assert await pending(books, identity) == [issue]
    async with books.app.transaction(ST) as session:
        dossier = await session.get(Dossier, identity, with_for_update=True)
        kept = await locked(session, identity)
        moved = await due_dates.suspend(session, BOOKS, kept, since=feedback, reason="补正", by="office")
        await due_dates.follow(session, ALARMED, BOOKS, [(dossier, moved)])
    assert await pending(books, identity) == [said]
    await pass_until(books, said)
    assert await pending(books, identity) == []
    assert [(identity, ["feedback"]), (identity, ["leader"])] == PASSED
    assert [row.passed_at is not None for row in await rows_of(books, identity)] == [True, False, True]


async def test_a_progress_report_every_two_weeks_is_due_again_when_a_period_ends_and_a_late_one_meets_all(
    books: Trial,
) -> None:
    start = date(2026, 12, 18)  # periods end on 1, 15 and 29 January and 12 February 2027; the first is a holiday
    identity = await keep_clock(books, Clock("progress", start, met_by="progress"))
    (first,) = await rows_of(books, identity)
    assert (first.due, first.occurrence, first.recurs) == (date(2027, 1, 4), 1, True)
    async with books.app.transaction(ST) as session:
        await due_dates.meet(session, "dossier", identity, "progress", at(date(2026, 12, 30)))
        await due_dates.reschedule(session, ALARMED, BOOKS, identity)
    assert await pending(books, identity) == [first.due_at], "in time, but the next period begins when this one ends"
    await pass_until(books, at(date(2027, 2, 1)))
    rows = await rows_of(books, identity)
    assert [(row.occurrence, row.due, row.state, row.passed_at is not None) for row in rows] == [
        (1, date(2027, 1, 4), "met", False),
        (2, date(2027, 1, 15), "running", True),
        (3, date(2027, 1, 29), "running", True),
        (4, date(2027, 2, 12), "running", False),
    ]
    async with books.app.transaction(ST) as session:
        met = await due_dates.meet(session, "dossier", identity, "progress", at(date(2027, 2, 1)))
        assert sorted(row.occurrence for row in met if row.met_at and row.met_at >= row.due_at) == [2, 3]
        await due_dates.settle(session, "dossier", identity, "met")
        await due_dates.reschedule(session, ALARMED, BOOKS, identity)
    assert await pending(books, identity) == [], "the subject is done: no period follows"


def _periods(start: date, weeks: int) -> Iterator[datetime]:
    """When each period ends, by another library's working days: the end moved, the next counted from the unmoved one."""
    for number in count(1):
        end = start + timedelta(weeks=weeks * number)
        while not chinese_calendar.is_workday(end):
            end += timedelta(days=1)
        yield datetime.combine(end + timedelta(days=1), time(), SHANGHAI)


@pytest.mark.parametrize("seed", range(8))
async def test_occurrences_follow_one_another_as_counted_by_hand_whenever_reports_come(seed: int, books: Trial) -> None:
    chance = random.Random(seed)
    start, weeks = date(2024, 1, 1) + timedelta(days=chance.randrange(400)), chance.randint(1, 3)
    begin = datetime.combine(start, time(12), SHANGHAI)
    stop = begin + timedelta(weeks=weeks * chance.randint(3, 7), hours=chance.randrange(200))
    minutes = range(1, int((stop - begin).total_seconds() // 60))
    acts = sorted(begin + timedelta(minutes=m) for m in chance.sample(minutes, chance.randrange(6)))
    await books.ask("UPDATE business_clock SET shift = $1::timestamptz - now()", begin)
    identity = await keep_clock(books, Clock(f"every-{weeks}", start, met_by="progress"))
    for moment in acts:
        await pass_until(books, moment)
        async with books.app.transaction(ST) as session:
            await due_dates.meet(session, "dossier", identity, "progress", moment)
            await due_dates.reschedule(session, ALARMED, BOOKS, identity)
    await pass_until(books, stop)

    expected, opened = [], begin
    for end in _periods(start, weeks):
        met = next((moment for moment in acts if moment >= opened), None)
        expected.append((len(expected) + 1, end, met, end <= stop and (met is None or met >= end)))
        opened = end
        if opened > stop:
            break
    rows = await rows_of(books, identity)
    assert [(row.occurrence, row.due_at, row.met_at, row.passed_at is not None) for row in rows] == expected
    coming = rows[-1].due_at if expected[-1][1] > stop else None
    assert await pending(books, identity) == [coming]

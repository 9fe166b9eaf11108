"""The worker of a service: relay, consumer, retries, reconciliation, timers, recomputation of deadlines, audit sealing.

The tasks are independent: one that fails (broker or database unreachable) is restarted with a backoff while the others
run. On SIGTERM the worker isn't ready any more, running transactions finish, the consumer leaves its group, pools close.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import obstore.exceptions
from aiokafka.errors import KafkaError
from fastapi import FastAPI
from prometheus_client import Gauge

from zhengling.backbone import anchors, audit, idempotency, outbox, reconciliation, timers
from zhengling.backbone.consumer import EventConsumer
from zhengling.backbone.inbox import Discards, Handlers, Inbox
from zhengling.backbone.kafka import Producer, reachable
from zhengling.backbone.relay import Relay
from zhengling.database.session import FINISHING, Database, is_contention, is_outage, whole
from zhengling.events.catalogue import EVENTS
from zhengling.files import files
from zhengling.replicas import due_dates, editions, recomputation
from zhengling.replicas.due_dates import Owners
from zhengling.service.health import Checks, health_routes, state_of_rulebooks
from zhengling.service.service import Service

log = logging.getLogger(__name__)
OUTBOX = Gauge("zhengling_outbox_rows", "Unpublished rows of the outbox", ["state"])
OUTBOX_AGE = Gauge("zhengling_outbox_oldest_seconds", "Age of the oldest unpublished event")
INBOX = Gauge("zhengling_inbox_events", "Events not applied, missing, unreadable, or denied by their sender", ["state"])
TIMERS_LATE = Gauge("zhengling_timers_late", "Timers that are due for over a minute")
TIMERS_LATE_SECONDS = Gauge("zhengling_timers_late_seconds", "By how much the most overdue timer is late")
IDLE = 0.5  # seconds between polls for work without NOTIFY: timers, retries


class Ended(Exception):
    """A run that ended by a cancellation which nobody asked for."""


async def _in_own_task(run: Coroutine[Any, Any, None]) -> None:
    """Await the run in a task of its own, so that a cancellation of the caller is known from one inside the run. Cancelled, it
    cancels the run until that ends: Python 3.11's TaskGroup loses a cancellation that arrives while a child fails."""
    running = asyncio.create_task(run)
    try:
        await asyncio.wait([running])
    except asyncio.CancelledError:
        while not running.done():
            running.cancel()
            # Again sooner, it would cut off a unit of work that is about to end.
            await asyncio.wait([running], timeout=FINISHING + 1)
        raise
    if running.cancelled():
        raise Ended
    running.result()


class Worker:
    """All background work of one process of a service."""

    def __init__(
        self,
        service: Service,
        handlers: Handlers,
        owners: Owners = (),
        *,
        discards: Discards | None = None,
        seed: Seed | None = None,
        measure: Measure | None = None,
    ) -> None:
        settings = service.settings
        self.service = service
        self.inbox = Inbox(service.name, handlers, service.rulebooks, discards)
        self._seed = seed
        self._more = measure
        self._timers = due_dates.timer_handlers(owners, service.rulebooks)
        self._owners = owners
        self._producer = Producer(settings.kafka, service.name)
        self._relay = Relay(service.database, self._producer, service.name)
        self._topics = sorted({event_type.kafka_topic() for event_type in handlers})
        if unlisted := [t.type for t in EVENTS.values() if t.kafka_topic() in self._topics and t not in handlers]:
            raise ValueError(f"{service.name}'s HANDLERS lack {', '.join(unlisted)}: list ignored types with `ignored`")
        self._consumer = EventConsumer(
            service.database,
            self.inbox,
            settings.kafka,
            settings.instance,
            self._topics,
            patience=settings.consumer_patience,
        )
        self._failing: dict[str, str] = {}
        self._anchors: tuple[anchors.AnchorStore, anchors.SigningKey] | None = None
        if settings.audit_anchor_url and settings.audit_anchor_key_file:
            store = anchors.AnchorStore(settings.audit_anchor_url)
            self._anchors = store, anchors.SigningKey(settings.audit_anchor_key_file)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run all tasks inside the block; leaving it stops them within a time limit."""
        async with self.service.database.transaction(None) as session:
            await editions.remember_editions(session, self.service.rulebooks)
        work: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "relay": self._relay.run,
            "retries": self._every(IDLE, self._retry),
            "timers": self._every(IDLE, self._fire),
            "sealing": self._every(2.0, self._seal),
            "freed numbers": self._every(2.0, self._take_freed),
            "reconciliation": self._every(min(10.0, self.service.settings.gap_patience / 4), self._reconcile),
            "housekeeping": self._every(10.0, self._measure),
        }
        if self._anchors:
            work["anchoring"] = self._every(self.service.settings.audit_anchor_interval, self._anchor)
        if self._topics:
            work["consumer"] = self._consumer.run
        if self._owners:
            work["recomputation"] = self._every(IDLE, self._recompute)
        if self.service.settings.keeps_files:
            work["files"] = self._every(600.0, self._sweep)
        if self._seed:
            work["seed"] = self._every(3600.0, self._seed)
        if self._more:
            work["figures"] = self._every(60.0, self._more)
        tasks = [asyncio.create_task(self._supervise(name, run), name=name) for name, run in work.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            with suppress(TimeoutError):
                async with asyncio.timeout(12):
                    await asyncio.gather(*tasks, return_exceptions=True)
            await self._producer.close()
            await self.service.database.close()

    async def checks(self) -> dict[str, str]:
        """The worker needs its database, the broker and a rulebook; a task that keeps failing is listed with its error."""
        database, broker = await asyncio.gather(
            self.service.database.reachable(), reachable(self.service.settings.kafka)
        )
        found = {"database": "ok" if database else "can't be reached", "kafka": "ok" if broker else "can't be reached"}
        return found | {"rulebooks": state_of_rulebooks(self.service.rulebooks)} | self._failing

    async def _supervise(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run forever; after an error wait (0.2 s, doubling to 5 s while it keeps failing) and run again.

        A `CancelledError` of the run itself (aiokafka leaks some) is handled like any other error.
        """
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            settled = loop.call_later(3.0, self._failing.pop, name, None)
            try:
                await _in_own_task(run())
                failures = 0
            except Exception as error:
                failures = 1 if loop.time() - began > 10 else failures + 1
                root = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
                known = isinstance(root, KafkaError) or is_outage(root) or is_contention(root)
                log.log(logging.WARNING if known else logging.ERROR, "%s failed and is restarted: %r", name, root)
                self._failing[name] = f"failing: {root!r}"[:200]
                await asyncio.sleep(min(5.0, 0.2 * 2 ** min(failures, 6)) * random.uniform(0.5, 1.0))
            finally:
                settled.cancel()

    def _every(
        self, seconds: float, work: Callable[[Database], Coroutine[Any, Any, bool]]
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        """Repeat the work at once while it returns True, else after a pause."""

        async def loop() -> None:
            while True:
                if not await whole(work(self.service.database)):
                    await asyncio.sleep(seconds)

        return loop

    async def _retry(self, database: Database) -> bool:
        async with database.transaction(None) as session:
            return await self.inbox.drain_blocked(session)

    async def _take_freed(self, database: Database) -> bool:
        async with database.transaction(None) as session:
            return await self.inbox.take_freed(session)

    async def _reconcile(self, database: Database) -> bool:
        settings = self.service.settings
        async with database.transaction(None) as session:
            return await reconciliation.reconcile(
                session,
                self.service.name,
                patience=settings.gap_patience,
                interval=settings.report_interval,
                behind=self._consumer.behind,
            )

    async def _fire(self, database: Database) -> bool:
        async with database.transaction(None) as session:
            return await timers.fire_next(session, self._timers)

    async def _recompute(self, database: Database) -> bool:
        async with database.transaction(None) as session:
            service, rulebooks = self.service.name, self.service.rulebooks
            return await recomputation.recompute_some(session, service, rulebooks, self._owners)

    async def _seal(self, database: Database) -> bool:
        async with database.transaction(None) as session:
            return await audit.seal_once(session) > 0

    async def _anchor(self, database: Database) -> bool:
        """A store that is away is logged and doesn't hold up anything else: the next interval's anchor covers what this lacks."""
        assert self._anchors
        interval = self.service.settings.audit_anchor_interval
        try:
            async with database.transaction(None) as session:
                await anchors.take(session, self.service.name, *self._anchors, interval=interval)
        except obstore.exceptions.BaseError as error:
            log.error("the audit chains weren't anchored: %s", type(error).__name__)
        return False

    async def _sweep(self, database: Database) -> bool:
        await files.sweep_all(self.service)
        return False

    async def _measure(self, database: Database) -> bool:
        async with database.transaction(None) as session:
            await idempotency.forget_expired(session)
            timers_late, latest = await timers.late(session)
            unpublished, parked, age = await outbox.depth(await session.connection())
            waiting, dead, gaps = await self.inbox.counts(session)
            poison = await self.inbox.poisoned(session)
            denied = await self.inbox.denied(session)
            missing = await reconciliation.asked_for(session, self.service.name)
        for gauge, state, count in (
            (OUTBOX, "unpublished", unpublished), (OUTBOX, "parked", parked),
            (INBOX, "waiting", waiting), (INBOX, "dead", dead), (INBOX, "gap", gaps),
            (INBOX, "missing", missing), (INBOX, "poison", poison), (INBOX, "denied", denied),
        ):  # fmt: skip
            gauge.labels(state).set(count)
        OUTBOX_AGE.set(age)
        TIMERS_LATE.set(timers_late)
        TIMERS_LATE_SECONDS.set(latest)
        if gaps:
            log.error("%d events wait for a missing one, which is requested from its source", gaps)
        return False


#: A service's own work at start and then hourly; returns True to be called again at once.
Seed = Callable[[Database], Coroutine[Any, Any, bool]]
#: A service's own metrics, measured every minute; returns False.
Measure = Callable[[Database], Coroutine[Any, Any, bool]]


def create_worker_app(worker: Worker) -> FastAPI:
    """The worker's HTTP app: health."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with worker.running():
            yield

    checks: Checks = worker.checks
    app = FastAPI(title=f"{worker.service.name} worker", lifespan=lifespan, openapi_url=None)
    app.include_router(health_routes(checks))
    return app

"""Reconciliation: events lost by the log are detected, requested and published again without an operator."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import orjson
import pytest
from aiokafka import TopicPartition

from tests.trial import (
    GOVERNMENT,
    NO_RULEBOOKS,
    SOURCE,
    Log,
    LogProducer,
    StateChanged,
    ThingCounted,
    Trial,
    changed,
    counted,
    envelope,
    record,
    thing,
)
from zhengling.backbone import reconciliation
from zhengling.backbone.inbox import Inbox
from zhengling.backbone.outbox import emit
from zhengling.backbone.relay import Relay
from zhengling.events.backbone import Denial, Denials, EventsMissed, Missing, Receipts, SequencesReported
from zhengling.events.catalogue import EVENTS
from zhengling.events.cloudevents import Envelope
from zhengling.events.event import Event
from zhengling.kernel.errors import Problem, Text

PATIENCE, INTERVAL = 60.0, 600.0
REFUSED = Problem(409, "no_such_rule", Text("the rulebook has no such rule", "规则库没有该规则"))
_PAST = """
    WITH outbox AS (UPDATE outbox SET created_at = created_at - $1::interval),
         inbox AS (UPDATE inbox SET received_at = received_at - $1::interval),
         missing AS (UPDATE missing_event SET since = since - $1::interval)
    UPDATE reconciliation SET reported_until = reported_until - $1::interval, sent_at = sent_at - $1::interval,
        reported_at = reported_at - $1::interval, received_until = received_until - $1::interval
"""


class Service:
    """The trial service, which consumes its own events over a log that loses some."""

    def __init__(self, trial: Trial) -> None:
        self.trial, self.log = trial, Log()
        self.inbox = Inbox("trial", {**trial.handlers, **reconciliation.HANDLERS}, NO_RULEBOOKS)
        self.relay = Relay(trial.worker, LogProducer(self.log), "trial")  # type: ignore[arg-type]
        self.read: dict[TopicPartition, int] = {}

    async def emit(self, *events: Event, government: str = GOVERNMENT) -> None:
        async with self.trial.app.transaction(government) as session:
            await emit(session, *events)

    async def publish(
        self, lost: Callable[[Event | dict[str, object]], bool] = lambda _: False
    ) -> list[dict[str, object]]:
        """Have the relay publish what there is; the log loses some of it. Returns what it didn't lose."""
        found = []
        await self.relay.publish()
        for partition, records in self.log.records.items():
            new = records[self.read.get(partition, 0) :]
            del records[self.read.get(partition, 0) :]
            for each in new:
                event = orjson.loads(each.value)
                if not lost(event):
                    records.append(each)
                    found.append(event)
        return found

    async def consume(self) -> None:
        for partition, records in self.log.records.items():
            new = records[self.read.get(partition, 0) :]
            self.read[partition] = len(records)
            if new:
                await self.trial.receive(*new, inbox=self.inbox)

    async def deliver(self) -> list[dict[str, object]]:
        found = await self.publish()
        await self.consume()
        return found

    async def pass_time(self, seconds: float) -> None:
        await self.trial.ask(_PAST, timedelta(seconds=seconds))

    async def reconcile(self, *, behind: float = 0.0) -> bool:
        async with self.trial.worker.transaction(None) as session:
            return await reconciliation.reconcile(session, "trial", patience=PATIENCE, interval=INTERVAL, behind=behind)

    async def goes_on(self, minutes: int = 15) -> None:
        """What the worker does, for so many minutes."""
        for _ in range(minutes):
            await self.pass_time(60)
            while await self.reconcile():
                pass
            await self.deliver()

    async def emitted(self, event: type[Event]) -> list[dict[str, object]]:
        rows = await self.trial.ask("SELECT payload::text FROM outbox WHERE event_type = $1 ORDER BY pos", event.type)
        return [orjson.loads(row[0]) for row in rows]

    async def requests(self) -> list[list[tuple[object, ...]]]:
        """What was asked for, request by request."""
        names = ("aggregate_id", "first", "last")
        return [[tuple(each[name] for name in names) for each in request["missing"]]  # type: ignore[index,attr-defined]
                for request in await self.emitted(EventsMissed)]  # fmt: skip


@pytest.fixture
def service(trial: Trial) -> Service:
    return Service(trial)


def everything(event: object) -> bool:
    return True


def of(*identities: str) -> Callable[[object], bool]:
    return lambda event: event["subject"] in identities  # type: ignore[index]


# what was lost arrives ----------------------------------------------------------------------------------------------
async def test_an_aggregate_whose_only_event_the_log_lost_arrives_by_itself(service: Service) -> None:
    """No later event exists, so no gap reveals the loss."""
    lost = [thing() for _ in range(3)]
    for identity in lost:
        await service.emit(ThingCounted(thing_id=identity, n=1))
    await service.publish(everything)
    await service.goes_on()
    for identity in lost:
        assert await service.trial.effects(identity) == [1]
    assert await service.trial.ask("SELECT * FROM missing_event") == []


async def test_events_of_several_governments_arrive_by_themselves_and_for_their_own(service: Service) -> None:
    mine, theirs = thing(), thing()
    await service.emit(ThingCounted(thing_id=mine, n=1))
    await service.emit(ThingCounted(thing_id=theirs, n=1), government="xigang")
    await service.publish(everything)
    await service.goes_on()
    rows = await service.trial.ask("SELECT thing_id, government FROM effect")
    assert {tuple(row) for row in rows} == {(mine, GOVERNMENT), (theirs, "xigang")}


async def test_the_last_events_of_an_aggregate_and_those_in_its_middle_arrive_by_themselves(service: Service) -> None:
    tail, middle = thing(), thing()
    for n in range(1, 6):
        await service.emit(ThingCounted(thing_id=tail, n=n), ThingCounted(thing_id=middle, n=n))
    await service.publish(
        lambda event: (event["subject"], event["sequence"]) in {(tail, "4"), (tail, "5"), (middle, "2"), (middle, "4")}  # type: ignore[index]
    )
    await service.consume()
    assert await service.trial.effects(middle) == [1]
    await service.goes_on()
    for identity in (tail, middle):
        assert await service.trial.effects(identity) == [1, 2, 3, 4, 5]


async def test_an_event_lost_a_second_time_is_requested_again(service: Service) -> None:
    identity = thing()
    await service.emit(ThingCounted(thing_id=identity, n=1))
    for _ in range(12):
        await service.pass_time(60)
        await service.reconcile()
        await service.publish(of(identity))
        await service.consume()
    assert await service.trial.effects(identity) == []
    await service.goes_on()
    assert await service.trial.effects(identity) == [1]


async def test_lost_reports_and_lost_requests_are_made_good(service: Service) -> None:
    """For an hour and a half the log loses two records of three, whatever they are."""
    dice, lost = random.Random(4), [thing() for _ in range(5)]
    for identity in lost:
        await service.emit(ThingCounted(thing_id=identity, n=1), ThingCounted(thing_id=identity, n=2))
    for _ in range(90):
        await service.pass_time(60)
        while await service.reconcile():
            pass
        await service.publish(lambda _: dice.random() < 0.66)
        await service.consume()
    await service.emit(ThingCounted(thing_id=thing(), n=1))  # by whose report the loss of the last one shows
    await service.goes_on(90)
    for identity in lost:
        assert await service.trial.effects(identity) == [1, 2]


async def test_a_lost_report_is_detected_by_the_next_one_and_requested(service: Service) -> None:
    await service.emit(ThingCounted(thing_id=thing(), n=1))
    await service.deliver()
    await service.pass_time(PATIENCE + 1)
    await service.reconcile()
    await service.publish(everything)
    await service.pass_time(INTERVAL)
    await service.reconcile()
    await service.deliver()
    await service.goes_on(4)
    assert await service.requests() == [[(SOURCE, 1, 1)]]
    assert await service.trial.statuses(SOURCE) == [(1, "applied"), (2, "applied")]


async def test_a_lost_snapshot_arrives_and_only_the_latest(service: Service) -> None:
    identity = thing()
    for n in (1, 2, 3):
        await service.emit(StateChanged(thing_id=identity, n=n))
    await service.publish(everything)
    await service.goes_on()
    assert await service.trial.effects(identity) == [3]
    assert await service.requests() == [[(identity, 3, 3)]]


async def test_a_lost_snapshot_that_a_newer_one_replaced_is_not_requested(service: Service) -> None:
    identity = thing()
    await service.emit(StateChanged(thing_id=identity, n=1))
    await service.publish(everything)
    await service.emit(StateChanged(thing_id=identity, n=2))
    await service.deliver()
    await service.goes_on()
    assert await service.trial.effects(identity) == [2]
    assert await service.requests() == []


# what isn't lost isn't asked for ------------------------------------------------------------------------------------
async def test_without_a_loss_nothing_is_requested(service: Service) -> None:
    for n in (1, 2):
        await service.emit(*(ThingCounted(thing_id=f"{n}-{other}", n=1) for other in range(20)))
        await service.deliver()
        await service.goes_on()
    assert await service.requests() == []
    assert await service.trial.ask("SELECT * FROM missing_event") == []


async def test_unread_records_in_the_log_are_not_requested(service: Service) -> None:
    identity = thing()
    await service.emit(ThingCounted(thing_id=identity, n=1))
    await service.trial.receive(
        record(envelope(ThingCounted(thing_id=f"later-{identity}", n=2), 2)),
        record(_report({"zhengling.trial.v1": {"thing": {identity: 1}}})),
        inbox=service.inbox,
    )
    await service.pass_time(PATIENCE * 2)
    for behind in (float("inf"), PATIENCE * 3):
        await service.reconcile(behind=behind)
        assert not [each for request in await service.requests() for each in request if each[0] == identity]
    await service.reconcile(behind=1.0)
    assert (identity, 1, 1) in (await service.requests())[-1]


async def test_events_waiting_behind_a_failed_event_are_not_requested(service: Service) -> None:
    identity = thing()
    service.trial.errors[identity, 1] = REFUSED
    for n in (1, 2, 3):
        await service.emit(ThingCounted(thing_id=identity, n=n))
    await service.deliver()
    assert await service.trial.statuses(identity) == [(1, "dead"), (2, "waiting"), (3, "waiting")]
    await service.goes_on(30)
    assert await service.requests() == []


async def test_events_of_a_topic_not_consumed_are_not_missed(service: Service) -> None:
    await service.trial.receive(record(_report({"zhengling.other.v1": {"thing": {thing(): 3}}})), inbox=service.inbox)
    assert await service.trial.ask("SELECT * FROM missing_event") == []


# requests -----------------------------------------------------------------------------------------------------------
async def test_a_hundred_gaps_are_one_request_after_their_time(service: Service) -> None:
    gaps = sorted(thing() for _ in range(100))
    await service.trial.receive(*(counted(identity, 3) for identity in gaps), inbox=service.inbox)
    await service.reconcile()
    assert await service.requests() == []
    await service.pass_time(PATIENCE + 1)
    await service.reconcile()
    assert await service.requests() == [[(identity, 1, 2) for identity in gaps]]


async def test_only_one_of_several_workers_requests_events(service: Service) -> None:
    await service.trial.receive(counted(thing(), 2), inbox=service.inbox)
    await service.pass_time(PATIENCE + 1)
    await asyncio.gather(*(service.reconcile() for _ in range(6)))
    assert len(await service.requests()) == 1


async def test_requests_are_repeated_at_growing_intervals_up_to_an_hour(service: Service) -> None:
    await service.trial.receive(counted(thing(), 2), inbox=service.inbox)
    asked = []
    for minute in range(1, 130):
        await service.pass_time(60)
        before = len(await service.requests())
        await service.reconcile()
        if len(await service.requests()) > before:
            asked.append(minute)
    assert [later - earlier for earlier, later in pairwise(asked)] == [2, 4, 8, 16, 32, 60]


async def test_more_than_one_request_holds_is_asked_for_in_several(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "CHUNK", 4)
    gaps = [thing() for _ in range(10)]
    await service.trial.receive(*(counted(identity, 2) for identity in gaps), inbox=service.inbox)
    await service.pass_time(PATIENCE + 1)
    while await service.reconcile():
        pass
    assert [len(request) for request in await service.requests()] == [4, 4, 2]


async def test_a_request_is_served_by_its_source_only_and_leaves_parked_events_parked(service: Service) -> None:
    identity = thing()
    for n in (1, 2, 3):
        await service.emit(ThingCounted(thing_id=identity, n=n))
    await service.deliver()
    await service.trial.ask(
        "UPDATE outbox SET published_at = NULL, parked_at = now() WHERE aggregate_id = $1 AND aggregate_seq = 3",
        identity,
    )
    for number, source in enumerate(("/zhengling/other-svc", SOURCE), 1):
        missing = Missing(aggregate_type="thing", aggregate_id=identity, first=2, last=3)
        request = EventsMissed(request="o", reader="trial", source=source, missing=(missing,))
        await service.trial.receive(record(envelope(request, number, government="*")), inbox=service.inbox)
        rows = await service.trial.ask(
            "SELECT aggregate_seq FROM outbox WHERE published_at IS NULL AND parked_at IS NULL AND aggregate_id = $1",
            identity,
        )
        assert [row[0] for row in rows] == ([2] if source == SOURCE else [])


# reports ------------------------------------------------------------------------------------------------------------
def _report(moved: dict[str, dict[str, dict[str, int]]]) -> object:
    rows = [
        {"topic": topic, "aggregate_type": kind, "last_seq": last_seq}
        for topic, kinds in moved.items()
        for kind, last_seq in kinds.items()
    ]
    report = SequencesReported(source=SOURCE, moved=rows)  # type: ignore[arg-type]
    return envelope(report, 1, government="*")


async def reported(service: Service) -> list[dict[str, int]]:
    """What each report says of the things."""
    return [
        {identity: last for each in report["moved"] for identity, last in each["last_seq"].items()}  # type: ignore[attr-defined]
        for report in await service.emitted(SequencesReported)
    ]


async def test_a_report_says_how_far_each_aggregate_is_that_moved_and_nothing_is_sent_where_none_did(
    service: Service,
) -> None:
    one, two = thing(), thing()
    for n in (1, 2, 3):
        await service.emit(ThingCounted(thing_id=one, n=n))
    await service.emit(StateChanged(thing_id=two, n=1))
    await service.deliver()
    await service.reconcile()
    assert await reported(service) == [], "it is too early: the last of it may be under way"
    await service.pass_time(INTERVAL + PATIENCE)
    await service.reconcile()
    assert await reported(service) == [{one: 3, two: 1}]
    await service.deliver()
    await service.goes_on(45)
    assert len(await reported(service)) <= 2, "an event is reported at most twice"


async def test_an_empty_report_goes_out_once_a_day_so_that_the_loss_of_the_last_one_shows(service: Service) -> None:
    await service.goes_on(10)
    assert await reported(service) == []
    await service.pass_time(86_400)
    await service.reconcile()
    await service.deliver()
    await service.goes_on(15)
    assert await reported(service) == [{}]


async def test_events_committed_late_are_reported(service: Service) -> None:
    """Its event was written before the report, its transaction ended after it."""
    late, other = thing(), thing()
    async with service.trial.app.transaction(GOVERNMENT) as session:
        await emit(session, ThingCounted(thing_id=late, n=1))
        await service.emit(ThingCounted(thing_id=other, n=1))
        await service.deliver()
        await service.pass_time(PATIENCE + 1)
        await service.reconcile()
        await service.deliver()
        assert await reported(service) == [{other: 1}]
    await service.publish(everything)
    await service.goes_on(25)
    assert await service.trial.effects(late) == [1]


async def test_many_events_are_split_into_several_complete_reports(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "CHUNK", 10)
    identities = {thing() for _ in range(35)}
    for identity in identities:
        await service.emit(ThingCounted(thing_id=identity, n=1))
    await service.deliver()
    await service.pass_time(PATIENCE + 1)
    rounds = 1
    while await service.reconcile():
        rounds += 1
    reports = await reported(service)
    assert [len(each) for each in reports] == [10, 10, 10, 5]
    assert set().union(*reports) == identities
    assert rounds == 4


async def test_while_the_relay_is_behind_nothing_is_reported_and_afterwards_all_of_it(service: Service) -> None:
    identity = thing()
    await service.emit(ThingCounted(thing_id=identity, n=1))
    await service.pass_time(3 * INTERVAL)
    await service.reconcile()
    assert await reported(service) == []
    await service.publish(everything)
    await service.reconcile()
    assert await reported(service) == [{identity: 1}]


async def test_only_one_of_several_workers_reports(service: Service) -> None:
    await service.emit(ThingCounted(thing_id=thing(), n=1))
    await service.deliver()
    await service.pass_time(PATIENCE + 1)
    await asyncio.gather(*(service.reconcile() for _ in range(6)))
    assert len(await reported(service)) == 1


async def test_the_snapshot_of_a_waiting_reader_is_not_requested(service: Service) -> None:
    identity = thing()
    service.trial.errors[identity, 2] = REFUSED
    await service.trial.receive(changed(identity, 2), inbox=service.inbox)
    report = _report({"zhengling.trial.snapshot.v1": {"state": {identity: 2}}})
    await service.trial.receive(record(report), inbox=service.inbox)  # type: ignore[arg-type]
    await service.goes_on(5)
    assert await service.requests() == []


# what was never emitted ---------------------------------------------------------------------------------------------
async def denied(service: Service) -> list[tuple[str, str, str]]:
    """Event, government and reason of each denied event."""
    rows = await service.trial.ask(
        "SELECT event_id::text, government, reason FROM denied_event ORDER BY event_id::text"
    )
    return [tuple(row) for row in rows]


def forged(identity: str, n: int, **options: str) -> Envelope:
    return envelope(ThingCounted(thing_id=identity, n=n), n, **options)


async def test_events_that_were_never_emitted_are_denied_by_their_sender(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a new aggregate, as the next one of an existing one, far ahead of it, and as a snapshot; of two governments."""
    own = thing()
    await service.emit(ThingCounted(thing_id=own, n=1), StateChanged(thing_id=own, n=1))
    await service.deliver()
    strange = [
        forged(thing(), 1),
        forged(own, 2),
        forged(own, 7),
        forged(thing(), 1, government="xigang"),
        envelope(StateChanged(thing_id=own, n=2), 2),
    ]
    await service.trial.receive(*map(record, strange), inbox=service.inbox)
    await service.goes_on()
    assert await denied(service) == sorted((each.id, each.government, "never_emitted") for each in strange)
    assert "never emitted" in caplog.text
    async with service.trial.worker.transaction(None) as session:
        assert await service.inbox.denied(session) == len(strange)
    await service.goes_on(45)
    assert len(await denied(service)) == len(strange), "an event is denied once"


async def test_an_event_is_denied_that_has_the_id_of_another_one(service: Service) -> None:
    """As by somebody who read the topic and wrote to another partition, which the consumer reads first."""
    identity = thing()
    await service.emit(ThingCounted(thing_id=identity, n=1))
    (true,) = await service.publish()
    false = forged(identity, 1, id=true["id"]).model_copy(update={"data": {"thing_id": identity, "n": 99}})  # type: ignore[arg-type]
    await service.trial.receive(record(false), inbox=service.inbox)
    await service.goes_on()
    assert await service.trial.effects(identity) == [99]
    assert await denied(service) == [(true["id"], GOVERNMENT, "other_content")]


async def test_what_was_emitted_is_not_denied_whatever_its_content_and_however_often_it_is_published(
    service: Service,
) -> None:
    class Said(Event, type="zhengling.trial.thing.said.v1", aggregate="thing", key="thing_id"):
        thing_id: str
        content: object

    contents = [
        1.0,
        1e2,
        10**15,
        0.1,
        "\u2028",
        "é",
        "\U0001f600",
        None,
        True,
        {"b": 1, "a": [1, {"d": 2, "c": 3}]},
        -0.0,
    ]
    service.trial.handlers |= {Said: service.trial.on_counted}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EVENTS, Said.type, Said)
        await service.emit(*(Said(thing_id=thing(), content=each) for each in contents))
        await service.deliver()
    await service.emit(ThingCounted(thing_id=thing(), n=1), StateChanged(thing_id=thing(), n=1))
    await service.deliver()
    await service.goes_on()
    await service.trial.ask("UPDATE outbox SET published_at = NULL")
    await service.deliver()
    await service.goes_on(30)
    assert await denied(service) == []
    reported = [each for report in await service.emitted(SequencesReported) for each in report["received"]]  # type: ignore[attr-defined]
    assert sum(len(each["events"]) for each in reported) >= len(contents) + 2


async def test_events_received_before_digests_were_kept_are_confirmed_by_their_ids(service: Service) -> None:
    identity = thing()
    await service.emit(ThingCounted(thing_id=identity, n=1))
    await service.deliver()
    strange = forged(thing(), 1)
    await service.trial.receive(record(strange), inbox=service.inbox)
    await service.trial.ask("UPDATE inbox SET digest = NULL")
    await service.goes_on()
    assert [each for each, _, _ in await denied(service)] == [strange.id]


async def test_many_received_events_are_reported_in_several_reports(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation, "CHUNK", 10)
    strange = [forged(thing(), 1) for _ in range(35)]
    await service.trial.receive(*map(record, strange), inbox=service.inbox)
    await service.pass_time(PATIENCE + 1)
    rounds = 1
    while await service.reconcile():
        rounds += 1
    assert rounds == 4
    await service.goes_on()
    assert len(await denied(service)) == 35


async def test_only_the_sender_answers_what_was_received_in_its_name(service: Service) -> None:
    """A report about events of another service, and a denial for another reader, concern nobody here."""
    strange = forged(thing(), 1)
    await service.trial.receive(record(strange), inbox=service.inbox)
    other = "/zhengling/other-svc"
    for n, report in enumerate(
        (
            SequencesReported(source=SOURCE, moved=(), received=(Receipts(source=other, events={strange.id: ""}),)),
            SequencesReported(
                source=SOURCE, moved=(), denied=(Denials(reader=other, events={strange.id: Denial.never_emitted}),)
            ),
        ),
        1,
    ):
        await service.trial.receive(record(envelope(report, n, government="*")), inbox=service.inbox)
    assert await service.emitted(SequencesReported) == []
    assert await denied(service) == []

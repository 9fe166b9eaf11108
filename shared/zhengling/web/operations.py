"""Operations of every service over its API: failed events, poison records, replay, the audit chain, the test clock.

No postponed annotations here: FastAPI must resolve dependencies that close over the service's name.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from zhengling.backbone import audit, outbox
from zhengling.backbone.inbox import is_collision
from zhengling.database.session import NATIONAL, enter_government
from zhengling.events.backbone import Denial
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.kernel.instants import Instant, shanghai_day
from zhengling.kernel.payload import SAYING, Payload
from zhengling.replicas import calendar as calendars
from zhengling.rules.loading import Rulebooks
from zhengling.service.service import Service
from zhengling.web.call import Call
from zhengling.web.paging import Page, Paging
from zhengling.web.routing import command, commands, queries, query
from zhengling.web.set_aside import Kept, Kind
from zhengling.web.sight import Sees

_RETRY = sa.text("""
    UPDATE inbox SET status = 'waiting', attempts = 0, next_attempt_at = clock_timestamp(),
        discard_reason = NULL, discard_requested_by = NULL, discard_requested_for = NULL
    WHERE event_id = :event_id
""")
_SHIFT = sa.text("UPDATE business_clock SET shift = :shift RETURNING now() + shift")
_REAL_NOW = sa.text("SELECT now()")


class FailedEvent(BaseModel):
    """A waiting or dead event; later events of its aggregate wait for it."""

    model_config = ConfigDict(from_attributes=True)
    event_id: UUID
    consumer: str
    source: str
    event_type: str
    aggregate_type: str
    aggregate_id: str
    aggregate_seq: int
    status: str
    attempts: int
    next_attempt_at: datetime | None
    last_error: str | None
    collides_with: UUID | None
    received_at: datetime
    discard_reason: str | None
    discard_requested_by: str | None


class PoisonRecord(BaseModel):
    """A record that can't be parsed; no event waits for it. Its position and error, never its content, which may be another
    government's; operators of the broker find it in the topic at this offset."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    consumer: str
    topic: str
    partition: int
    offset: int
    digest: Annotated[str, Field(description="SHA-256 of the record's value, in hexadecimal digits")]
    size: Annotated[int, Field(description="of the record's value, in bytes")]
    error: str
    received_at: datetime
    status: Literal["open", "discarded"]
    discard_reason: str | None
    discard_requested_by: str | None


class DeniedEvent(BaseModel):
    """An event that was received and that its sender never emitted: somebody else wrote it to the sender's topic. An applied one
    had its effect, which stays until somebody undoes it; operators of the broker find the record in the topic at this offset."""

    model_config = ConfigDict(from_attributes=True)
    event_id: UUID
    consumer: str
    source: Annotated[str, Field(description="in whose name it was written")]
    event_type: str
    aggregate_type: str
    aggregate_id: str
    aggregate_seq: int
    event_status: Annotated[str, Field(description="what became of it: applied, ignored, waiting, dead or discarded")]
    topic: str
    partition: int
    offset: int
    reason: Annotated[
        Denial, Field(description="whether no event has its id, or the one that has it says something else")
    ]
    received_at: datetime
    denied_at: datetime
    status: Literal["open", "discarded"]
    discard_reason: str | None
    discard_requested_by: str | None


class DiscardRequest(Payload):
    reason: Annotated[
        str, Field(min_length=3, max_length=500, pattern=SAYING, examples=["the entry was opened by hand"])
    ]


class EventState(BaseModel):
    event_id: UUID
    status: str


class PoisonState(BaseModel):
    id: UUID
    status: str


class ReplayRequest(Payload):
    """All events of this government emitted since then, or one aggregate's; with the scope calendar:national also the
    national calendar's."""

    since: Instant
    aggregate_type: Annotated[str | None, Field(max_length=40)] = None
    aggregate_id: Annotated[str | None, Field(max_length=128)] = None


class ReplayAnswer(BaseModel):
    events: Annotated[int, Field(ge=0, description="number of events to be published again")]


class AuditVerdict(BaseModel):
    sound: bool
    seals: int
    rows: int
    unsealed: int
    findings: list[str]


class EditionState(BaseModel):
    edition: Annotated[date, Field(description="in force since")]
    revision: int
    digest: Annotated[str, Field(description="SHA-256 of the content, in hexadecimal digits")]


class RulebookState(BaseModel):
    """The rulebook as this process has loaded it. Only while it is `usable` are commands accepted that need its rules:
    otherwise they are answered 503 `rulebook_unusable`, 409 `rulebook_not_in_force` or 422 `unknown_government`, and events
    wait. Findings and warnings name file, line and key."""

    government: str
    state: Literal["usable", "unusable", "not_in_force", "unknown"]
    in_force: Annotated[date | None, Field(description="the edition in force now")]
    editions: list[EditionState]
    findings: list[str]
    warnings: list[str]

    @classmethod
    def of(cls, rulebooks: Rulebooks, government: str, now: datetime) -> Self:
        editions, findings = rulebooks.editions(government), rulebooks.faults.get(government, [])
        book = rulebooks.in_force(government, now)
        return cls(
            government=government,
            state="unusable" if findings else "usable" if book else "not_in_force" if editions else "unknown",
            in_force=book.government.in_force if book else None,
            editions=[
                EditionState(edition=each.government.in_force, revision=each.government.revision, digest=each.digest)
                for each in editions
            ],
            findings=findings,
            warnings=rulebooks.warnings.get(government, []),
        )


class ClockRequest(Payload):
    """Business time from now on: `at`, or real time if null."""

    at: Instant | None


class ClockAnswer(BaseModel):
    now: datetime


_OPEN_OR_DISCARDED = "CASE WHEN discarded_by IS NULL THEN 'open' ELSE 'discarded' END"
_OPEN, _TO_HANDLE = frozenset({"open"}), frozenset({"waiting", "dead"})
_NO_ACTION = Text("no action is needed", "无需处理")


def _event_is_done(event_id: UUID, status: str) -> Problem:
    return refusal(
        "event_is_done",
        None,
        f"event {event_id} is {status}",
        f"事件状态为 {status}，无需处理",
        Text("only waiting and dead events can be retried or discarded", "仅等待处理或处理失败的事件可以重试或放弃"),
    )


def _poison_is_discarded(poison_id: UUID, _: str) -> Problem:
    return refusal("poison_is_discarded", None, f"record {poison_id} is already discarded", "该记录已放弃", _NO_ACTION)


def _denied_event_is_discarded(event_id: UUID, _: str) -> Problem:
    return refusal(
        "denied_event_is_discarded",
        None,
        f"the alarm of event {event_id} is already closed",
        "该事件的告警已关闭",
        _NO_ACTION,
    )


FAILED_EVENTS = Kind(
    FailedEvent,
    Kept(
        table="inbox",
        key="event_id",
        at="received_at",
        rows="""
            SELECT event_id, consumer, source, event_type, aggregate_type, aggregate_id, aggregate_seq, status, attempts,
                   next_attempt_at, last_error, collides_with, received_at, discard_reason, discard_requested_by
            FROM inbox WHERE status IN ('waiting', 'dead')
        """,
        status="status",
        discarding="status = 'discarded', discarded_by = :person",
    ),
    Text("event", "事件"),
    "event",
    _TO_HANDLE,
    _event_is_done,
)
POISON_RECORDS = Kind(
    PoisonRecord,
    Kept(
        table="poison",
        key="id",
        at="received_at",
        rows=f"""
            SELECT id, consumer, topic, part AS partition, koffset AS "offset", encode(digest, 'hex') AS digest, size, error,
                   received_at, {_OPEN_OR_DISCARDED} AS status, discard_reason, discard_requested_by
            FROM poison
        """,
        status=_OPEN_OR_DISCARDED,
    ),
    Text("poison", "无法读取的记录"),
    "poison",
    _OPEN,
    _poison_is_discarded,
)
DENIED_EVENTS = Kind(
    DeniedEvent,
    Kept(
        table="denied_event",
        key="event_id",
        at="denied_at",
        rows=f"""
            SELECT event_id, consumer, i.source, i.event_type, i.aggregate_type, i.aggregate_id, i.aggregate_seq,
                   i.status AS event_status, i.topic, i.part AS partition, i.koffset AS "offset", d.reason, i.received_at,
                   d.denied_at, d.status, d.discard_reason, d.discard_requested_by
            FROM (SELECT *, {_OPEN_OR_DISCARDED} AS status FROM denied_event) d JOIN inbox i USING (consumer, event_id)
        """,
        status=_OPEN_OR_DISCARDED,
    ),
    Text("denied event", "被发送方否认的事件"),
    "event",
    _OPEN,
    _denied_event_is_discarded,
)


def routes(service: Service) -> APIRouter:
    """The operations of one service's API."""
    admin, read = f"{service.name}:admin", f"{service.name}:read"
    router = APIRouter()
    reads = queries("/v1", "operations")
    writes = commands("/v1", "operations")

    @reads.get("/events/failed", operation_id="list_failed_events")
    async def list_failed_events(
        call: Annotated[Call, query(admin, sees=Sees.administrators)],
        paging: Paging,
        status: Annotated[Literal["waiting", "dead"] | None, Query()] = None,
    ) -> Page[FailedEvent]:
        return await FAILED_EVENTS.page(call, paging, status)

    @reads.get(
        "/events/poison", operation_id="list_poison", summary="List records that can't be parsed, in order of arrival"
    )
    async def list_poison(
        call: Annotated[Call, query(admin, sees=Sees.administrators)],
        paging: Paging,
        status: Annotated[Literal["open", "discarded"], Query()] = "open",
    ) -> Page[PoisonRecord]:
        return await POISON_RECORDS.page(call, paging, status)

    @writes.post(
        "/events/poison/{poison_id}/discard",
        operation_id="discard_poison",
        status_code=202,
        summary="Discard an unreadable record: one person requests it with a reason, a second one confirms",
    )
    async def discard_poison(
        poison_id: UUID, body: DiscardRequest, call: Annotated[Call, command(admin)]
    ) -> PoisonState:
        return PoisonState(id=poison_id, status=await POISON_RECORDS.discard(call, poison_id, body.reason))

    @reads.get(
        "/events/denied",
        operation_id="list_denied_events",
        summary="List events that their sender never emitted, in the order in which that was found",
    )
    async def list_denied_events(
        call: Annotated[Call, query(admin, sees=Sees.administrators)],
        paging: Paging,
        status: Annotated[Literal["open", "discarded"], Query()] = "open",
    ) -> Page[DeniedEvent]:
        return await DENIED_EVENTS.page(call, paging, status)

    @writes.post(
        "/events/denied/{event_id}/discard",
        operation_id="discard_denied_event",
        status_code=202,
        summary="Close the alarm of a forged event: one person requests it with what was done, a second one confirms",
    )
    async def discard_denied_event(
        event_id: UUID, body: DiscardRequest, call: Annotated[Call, command(admin)]
    ) -> EventState:
        return EventState(event_id=event_id, status=await DENIED_EVENTS.discard(call, event_id, body.reason))

    @writes.post("/events/{event_id}/retry", operation_id="retry_event", status_code=202)
    async def retry_event(event_id: UUID, call: Annotated[Call, command(admin)]) -> EventState:
        row = await FAILED_EVENTS.find(call, event_id, "collides_with", "last_error")
        if is_collision(row.last_error):
            raise refusal(
                "event_collides",
                None,
                f"event {event_id} has the sequence number of {row.collides_with}, so a retry can't help",
                "该事件与另一事件序号冲突，重试无效",
                Text(
                    "if the other one's sender denied it, close that alarm; else check this one's content and discard it",
                    "如另一事件已被发送方否认，请先关闭其告警；否则请核对内容后放弃该事件",
                ),
            )
        await call.session.execute(_RETRY, {"event_id": event_id})
        return EventState(event_id=event_id, status="waiting")

    @writes.post(
        "/events/{event_id}/discard",
        operation_id="discard_event",
        status_code=202,
        summary="Discard an event: one person requests it with a reason, a second one confirms",
    )
    async def discard_event(event_id: UUID, body: DiscardRequest, call: Annotated[Call, command(admin)]) -> EventState:
        return EventState(event_id=event_id, status=await FAILED_EVENTS.discard(call, event_id, body.reason))

    @writes.post("/events/replay", operation_id="replay_events", status_code=202)
    async def replay_events(body: ReplayRequest, call: Annotated[Call, command("events:replay")]) -> ReplayAnswer:
        count = await outbox.replay(call.session, body.since, body.aggregate_type, body.aggregate_id)
        if call.principal.has("calendar:national"):
            await enter_government(call.session, NATIONAL)
            count += await outbox.replay(call.session, body.since, body.aggregate_type, body.aggregate_id)
            await enter_government(call.session, call.government)
        call.audit_details.update(subject="outbox", since=body.since.isoformat(), events=count)
        return ReplayAnswer(events=count)

    @reads.get("/rulebook", operation_id="get_rulebook_state", summary="Whether this government's rulebook is usable")
    async def get_rulebook_state(call: Annotated[Call, query(read, sees=Sees.everybody)]) -> RulebookState:
        return RulebookState.of(service.rulebooks, call.government, call.now)

    @reads.get("/audit/verify", operation_id="verify_audit")
    async def verify_audit(call: Annotated[Call, query(admin, sees=Sees.administrators)]) -> AuditVerdict:
        found = await audit.verify(call.session)
        return AuditVerdict(
            sound=found.sound, seals=found.seals, rows=found.rows, unsealed=found.unsealed, findings=found.findings
        )

    router.include_router(reads)
    router.include_router(writes)
    return router


def clock_routes(name: str) -> APIRouter:
    """The test clock; only if the settings allow it, which the production profile refuses."""
    writes = commands("/v1/testing", "testing")

    @writes.post("/clock", operation_id="set_test_clock", summary="Set this service's business time")
    async def set_test_clock(body: ClockRequest, call: Annotated[Call, command(f"{name}:admin")]) -> ClockAnswer:
        if body.at:  # a time outside the calendar would break every command, including the one that sets the clock back
            (await calendars.current(call.session)).require(shanghai_day(body.at))
        real = await call.session.scalar(_REAL_NOW)
        shift = body.at - real if body.at and real else timedelta(0)
        moment = await call.session.scalar(_SHIFT, {"shift": shift})
        call.audit_details["subject"] = "business_clock"
        assert moment is not None
        return ClockAnswer(now=moment)

    return writes

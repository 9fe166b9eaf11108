"""What ops do with every service over its API: events that failed, publishing again, the audit chain, the test clock.

No postponed annotations here: FastAPI has to see dependencies that close over the service's name.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from zhengling import audit, outbox, references
from zhengling.db import NATIONAL, enter_government
from zhengling.deadlines import shanghai_day
from zhengling.errors import Problem, Text, not_found, refusal
from zhengling.moments import Instant
from zhengling.payloads import SAYING, Payload
from zhengling.service import Call, Service, command, commands, queries, query

_FAILED = sa.text("""
    SELECT event_id, consumer, source, event_type, aggregate_type, aggregate_id, aggregate_seq, status, attempts,
           next_attempt_at, last_error, collides_with, received_at, discard_reason, discard_requested_by
    FROM inbox WHERE status IN ('waiting', 'dead') AND (CAST(:status AS text) IS NULL OR status = :status)
    ORDER BY received_at LIMIT :limit
""")
_FIND = sa.text("SELECT * FROM inbox WHERE event_id = :event_id FOR UPDATE")
_RETRY = sa.text("""
    UPDATE inbox SET status = 'waiting', attempts = 0, next_attempt_at = clock_timestamp(),
        discard_reason = NULL, discard_requested_by = NULL, discard_requested_for = NULL
    WHERE event_id = :event_id
""")
_ASK = sa.text("""
    UPDATE inbox SET discard_reason = :reason, discard_requested_by = :person, discard_requested_for = :official
    WHERE event_id = :event_id
""")
_DISCARD = sa.text("UPDATE inbox SET status = 'discarded', discarded_by = :person WHERE event_id = :event_id")
_SHIFT = sa.text("UPDATE business_clock SET shift = :shift RETURNING now() + shift")
_REAL_NOW = sa.text("SELECT now()")


class FailedEvent(BaseModel):
    """An event that waits for another try or is dead; later events of its aggregate wait behind it."""

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


class FailedEvents(BaseModel):
    items: list[FailedEvent]


class DiscardRequest(Payload):
    reason: Annotated[
        str, Field(min_length=3, max_length=500, pattern=SAYING, examples=["the entry was opened by hand"])
    ]


class EventState(BaseModel):
    event_id: UUID
    status: str


class ReplayRequest(Payload):
    """Everything this government emitted since then, or one aggregate's part of it; with the scope
    calendar:national the national calendar's too."""

    since: Instant
    aggregate_type: Annotated[str | None, Field(max_length=40)] = None
    aggregate_id: Annotated[str | None, Field(max_length=128)] = None


class ReplayAnswer(BaseModel):
    events: Annotated[int, Field(ge=0, description="how many the relay publishes again")]


class AuditVerdict(BaseModel):
    sound: bool
    seals: int
    rows: int
    unsealed: int
    findings: list[str]


class ClockRequest(Payload):
    """Business time from now on: `at`, or the real time again where it is null."""

    at: Instant | None


class ClockAnswer(BaseModel):
    now: datetime


async def _failed(call: Call, event_id: UUID) -> Any:
    row = (await call.session.execute(_FIND, {"event_id": event_id})).first()
    if row is None:
        raise not_found("event", "事件", event_id)
    if row.status not in ("waiting", "dead"):
        raise refusal(
            "event_is_done",
            None,
            f"event {event_id} is {row.status}",
            f"事件状态为 {row.status}，无需处理",
            Text("only waiting and dead events can be retried or discarded", "仅等待或失败的事件可以重试或放弃"),
        )
    return row


def routes(service: Service) -> APIRouter:
    """The operations of one service's API."""
    admin, read = f"{service.name}:admin", f"{service.name}:read"
    router = APIRouter()
    reads = queries("/v1", "operations")
    writes = commands("/v1", "operations")

    @reads.get("/events/failed", operation_id="list_failed_events")
    async def list_failed_events(
        call: Annotated[Call, query(read)],
        status: Annotated[Literal["waiting", "dead"] | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
    ) -> FailedEvents:
        rows = await call.session.execute(_FAILED, {"status": status, "limit": limit})
        return FailedEvents(items=[FailedEvent.model_validate(row) for row in rows])

    @writes.post("/events/{event_id}/retry", operation_id="retry_event", status_code=202)
    async def retry_event(event_id: UUID, call: Annotated[Call, command(admin)]) -> EventState:
        row = await _failed(call, event_id)
        if row.collides_with:
            raise refusal(
                "event_collides",
                None,
                f"event {event_id} carries the sequence number of {row.collides_with}",
                "该事件与另一事件序号冲突，重试无用",
                Text("discard it, once its content was looked at", "请核对内容后放弃该事件"),
            )
        await call.session.execute(_RETRY, {"event_id": event_id})
        call.audit_details["subject"] = f"event:{event_id}"
        return EventState(event_id=event_id, status="waiting")

    @writes.post(
        "/events/{event_id}/discard",
        operation_id="discard_event",
        status_code=202,
        summary="Give an event up: one person asks with a reason, a second one confirms",
    )
    async def discard_event(event_id: UUID, body: DiscardRequest, call: Annotated[Call, command(admin)]) -> EventState:
        row = await _failed(call, event_id)
        person, official = call.principal.subject, call.official
        call.audit_details.update(subject=f"event:{event_id}", reason=body.reason)
        if row.discard_requested_by is None:
            asked = {"event_id": event_id, "reason": body.reason, "person": person, "official": official}
            await call.session.execute(_ASK, asked)
            return EventState(event_id=event_id, status="awaiting_second_person")
        if person == row.discard_requested_by or (official and official == row.discard_requested_for):
            raise Problem(
                409,
                "second_person_needed",
                Text(f"{official or person} asked for it, another person has to confirm", "放弃事件须由另一人确认"),
                Text("have a colleague send the same request", "请由其他人员确认"),
            )
        await call.session.execute(_DISCARD, {"event_id": event_id, "person": person})
        return EventState(event_id=event_id, status="discarded")

    @writes.post("/events/replay", operation_id="replay_events", status_code=202)
    async def replay_events(body: ReplayRequest, call: Annotated[Call, command("events:replay")]) -> ReplayAnswer:
        count = await outbox.replay(call.session, body.since, body.aggregate_type, body.aggregate_id)
        if call.principal.has("calendar:national"):
            await enter_government(call.session, NATIONAL)
            count += await outbox.replay(call.session, body.since, body.aggregate_type, body.aggregate_id)
            await enter_government(call.session, call.government)
        call.audit_details.update(subject="outbox", since=body.since.isoformat(), events=count)
        return ReplayAnswer(events=count)

    @reads.get("/audit/verify", operation_id="verify_audit")
    async def verify_audit(call: Annotated[Call, query(admin)]) -> AuditVerdict:
        found = await audit.verify(call.session)
        return AuditVerdict(
            sound=found.sound, seals=found.seals, rows=found.rows, unsealed=found.unsealed, findings=found.findings
        )

    router.include_router(reads)
    router.include_router(writes)
    return router


def clock_routes(name: str) -> APIRouter:
    """The test clock; exists only where the settings allow it, which a production profile refuses."""
    writes = commands("/v1/testing", "testing")

    @writes.post("/clock", operation_id="set_test_clock", summary="Move this service's business time")
    async def set_test_clock(body: ClockRequest, call: Annotated[Call, command(f"{name}:admin")]) -> ClockAnswer:
        if body.at:  # a time without working days would stop everything, its own way back too
            (await references.calendar(call.session)).require(shanghai_day(body.at))
        real = await call.session.scalar(_REAL_NOW)
        shift = body.at - real if body.at and real else timedelta(0)
        moment = await call.session.scalar(_SHIFT, {"shift": shift})
        call.audit_details["subject"] = "business_clock"
        assert moment is not None
        return ClockAnswer(now=moment)

    return writes

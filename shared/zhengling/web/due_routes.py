"""Routes of stored due dates: each service mounts them for a noun, so that every due date is explained, extended, suspended
and resumed by the same words everywhere.

No postponed annotations here: FastAPI must resolve dependencies that close over the service's name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from zhengling.authority.approvals import Approval
from zhengling.authority.composition import Acting, Composition, Permission, require_known
from zhengling.database.session import lock
from zhengling.dates.adjustments import Extension
from zhengling.dates.deadlines import Amount, Unit
from zhengling.dates.schemas import DeadlineView
from zhengling.kernel.errors import Text, Unfit
from zhengling.kernel.instants import Day, shanghai_day
from zhengling.kernel.payload import OccurredAt, Payload, Reason
from zhengling.replicas import calendar as calendars
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.replicas.due_dates import KeptDeadline, Moved, Owner
from zhengling.web.call import Call, MoreKeys
from zhengling.web.etags import etag
from zhengling.web.routing import change, commands, queries, query
from zhengling.web.sight import Sees, seen

Clause = Annotated[str | None, Field(max_length=60, description="the clause under which it is done, if one is named")]


class ExtendDeadline(Payload):
    """An extension: to a day, or by an amount of a unit."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": "2026-12-18", "reason": "案情复杂，需补充鉴定"}]}
    )
    to: Annotated[Day | None, Field(description="the new last day")] = None
    amount: Amount | None = None
    unit: Unit | None = None
    reason: Reason
    clause: Clause = None
    asked_at: Annotated[OccurredAt, Field(description="when it was asked for, which is before the due moment")] = None
    approval: Annotated[
        Approval | None, Field(description="who approved it, if not who records it; where the rules ask for it")
    ] = None

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.to is None) == (self.amount is None) or (self.amount is None) != (self.unit is None):
            raise Unfit("give either `to`, or `amount` and `unit`", "请填写延长至何日，或延长的数量和单位，二者择一")
        return self


class SuspendDeadline(Payload):
    """A suspension: from then until it is resumed no time counts."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "等待申请人补正材料"}]})
    reason: Reason
    clause: Clause = None
    occurred_at: OccurredAt = None


class ResumeDeadline(Payload):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "材料已补正"}]})
    reason: Reason
    occurred_at: OccurredAt = None


class Deadlines(BaseModel):
    """The clocks on one subject, the earliest first, each explained day by day; `version` is the subject's."""

    version: int
    items: list[DeadlineView]


async def _itself(call: Call, key: str) -> str:
    return key


#: Refuses (409 `approval_needed`) to extend the noun's date without the approval that the rules ask for.
Approved = Callable[[Call, Any, Composition, Approval | None], None]


@dataclass(frozen=True)
class Subject:
    """A noun whose due dates are mounted: its name, as in texts and with `_` in operation ids; its path, which ends with
    `parameter`; who may suspend and resume, and extend unless `extends` says who; the noun's id by the parameter's value, if
    that is another one; the keys that the service adds for its readers; and what checks the approval of an extension."""

    owner: Owner
    name: Text
    path: str
    parameter: str
    permission: Callable[[Call, Any], Permission]
    identify: Callable[[Call, str], Awaitable[str]] = _itself
    more: MoreKeys | None = None
    extends: Callable[[Call, Any], Permission] | None = None
    approved: Approved | None = None


async def _list(call: Call, subject: Subject, noun: Any, identity: str) -> Deadlines:
    rows = await due_dates.kept(call.session, subject.owner.subject_type, identity)
    items = await due_dates.explained(call.session, call.service.rulebooks, rows, call.language)
    return Deadlines(version=noun.version, items=items)


#: Adjusts a locked row of the noun on behalf of whom may do so.
Adjust = Callable[[Any, KeptDeadline, Acting], Awaitable[Moved]]


async def _adjusted(
    call: Call,
    subject: Subject,
    key: str,
    deadline_id: UUID,
    adjust: Adjust,
    permission: Callable[[Call, Any], Permission],
) -> Deadlines:
    """Adjust one due date and have the noun follow. 403 as the service's permission says; 404; 412; 409 as in
    `due_dates`."""
    identity = await subject.identify(call, key)
    noun: Any = await lock(call.session, subject.owner.model, identity, subject.name.en, subject.name.zh)
    call.check_version(noun.version)
    composition = await compositions.current(call.session)
    acting = composition.require(call.official, shanghai_day(call.now), permission(call, noun))
    row = await due_dates.locked(call.session, (subject.owner.subject_type, identity), deadline_id)
    moved = await adjust(noun, row, acting)
    await due_dates.follow(call.session, subject.owner, call.service.rulebooks, [(noun, moved)])
    await call.session.flush()
    call.audit_details.update(
        acting.behalf | {"subject": f"{subject.owner.subject_type}:{identity}", "why": moved.why.en}
    )
    noun = await lock(call.session, subject.owner.model, identity, subject.name.en, subject.name.zh)  # as it is now
    return await _list(call, subject, noun, identity)


def routes(service: str, subject: Subject) -> list[APIRouter]:
    """The routes of a noun's due dates in the service."""
    reads, writes = queries("/v1", service), commands("/v1", service)
    one, name = f"{subject.path}/deadlines", subject.name.en.replace(" ", "_")
    Read = Annotated[Call, query(f"{service}:read", sees=Sees.rows, more=subject.more)]
    Change = Annotated[Call, change(f"{service}:write", more=subject.more)]
    Key = Annotated[str, Path(alias=subject.parameter, max_length=64)]

    def answered(response: Response, found: Deadlines) -> Deadlines:
        response.headers["ETag"] = etag(found.version)
        return found

    @reads.get(
        one,
        operation_id=f"list_{name}_deadlines",
        summary=f"The due dates of one {subject.name.en} ({subject.name.zh}), each explained day by day",
    )
    async def list_deadlines(key: Key, call: Read, response: Response) -> Deadlines:
        identity = await subject.identify(call, key)
        noun: Any = await seen(call, subject.owner.model, identity, subject.name.en, subject.name.zh)
        return answered(response, await _list(call, subject, noun, identity))

    @writes.post(
        f"{one}/{{deadline_id}}/extension",
        operation_id=f"extend_{name}_deadline",
        summary="Extend a due date, as asked for before its due moment (延期)",
    )
    async def extend_deadline(
        key: Key, deadline_id: UUID, body: ExtendDeadline, call: Change, response: Response
    ) -> Deadlines:
        async def adjust(noun: Any, row: KeptDeadline, acting: Acting) -> Moved:
            composition = await compositions.current(call.session)
            if subject.approved:
                subject.approved(call, noun, composition, body.approval)
            if approval := body.approval:
                require_known(composition, [approval.official], [])
            if body.to:
                (await calendars.current(call.session)).require(body.to)
            extension = Extension(
                at=call.occurred(body.asked_at),
                to=body.to,
                amount=body.amount,
                unit=body.unit,
                reason=body.reason,
                approved_by=composition.official_names[approval.official] if approval else await _name(call, acting),
                paper=approval.paper if approval else "",
                clause=body.clause,
            )
            return await due_dates.extend(call.session, call.service.rulebooks, row, extension)

        return answered(
            response, await _adjusted(call, subject, key, deadline_id, adjust, subject.extends or subject.permission)
        )

    @writes.post(
        f"{one}/{{deadline_id}}/suspension",
        operation_id=f"suspend_{name}_deadline",
        summary="Suspend a due date: no time counts until it is resumed (中止)",
    )
    async def suspend_deadline(
        key: Key, deadline_id: UUID, body: SuspendDeadline, call: Change, response: Response
    ) -> Deadlines:
        async def adjust(noun: Any, row: KeptDeadline, acting: Acting) -> Moved:
            return await due_dates.suspend(
                call.session,
                call.service.rulebooks,
                row,
                since=call.occurred(body.occurred_at),
                reason=body.reason,
                by=await _name(call, acting),
                clause=body.clause,
            )

        return answered(response, await _adjusted(call, subject, key, deadline_id, adjust, subject.permission))

    @writes.post(
        f"{one}/{{deadline_id}}/resumption",
        operation_id=f"resume_{name}_deadline",
        summary="Resume a suspended due date: the time that was left counts on (恢复计算)",
    )
    async def resume_deadline(
        key: Key, deadline_id: UUID, body: ResumeDeadline, call: Change, response: Response
    ) -> Deadlines:
        async def adjust(noun: Any, row: KeptDeadline, acting: Acting) -> Moved:
            until = call.occurred(body.occurred_at)
            return await due_dates.resume(call.session, call.service.rulebooks, row, until=until, reason=body.reason)

        return answered(response, await _adjusted(call, subject, key, deadline_id, adjust, subject.permission))

    return [reads, writes]


async def _name(call: Call, acting: Acting) -> str:
    """The name of whom the decision is: the official, or on whose behalf one acts."""
    official = acting.on_behalf_of or call.official or call.principal.subject
    return (await compositions.current(call.session)).official_names.get(official, official)

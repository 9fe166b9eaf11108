"""Payloads of the course of a matter."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from oversight_svc.course.course import DateAct
from oversight_svc.entry.entry import Quality
from zhengling.authority.composition import Key
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason
from zhengling.rules.supervision import CourseAct
from zhengling.rules.vocabulary import Role

Report = Annotated[str, Field(min_length=2, max_length=4000, pattern=SAYING), SeveralLines]
Document = Annotated[str, Field(max_length=100, description="number of the paper that it is in, if there is one")]
Official = Annotated[str, Field(max_length=64, description="id of an official of the lead unit")]


class MeasurePayload(Payload):
    """One line of the three lists: what is done, who is responsible, until when."""

    task: Annotated[str, Field(min_length=2, max_length=500, pattern=SAYING), SeveralLines]
    official: Official
    due: Day


class Asked(Payload):
    """A contribution that the lead asks of a co-unit, with its last day."""

    unit: Annotated[Key, Field(description="code of a co-unit of the matter")]
    due: Day


Measures = Annotated[
    list[MeasurePayload],
    Field(max_length=50, description="the three lists (任务清单、责任清单、时限清单), replacing those before"),
    Once(),
]
Contributions = Annotated[
    list[Asked], Field(max_length=50, description="what co-units are to return to the lead"), Once(by=("unit",))
]


class Accept(Payload):
    """The lead unit accepts the matter: who is responsible for it, and by which measures."""

    responsible: Annotated[Official | None, Field(description="default: the caller")] = None
    measures: Annotated[Measures, Field(default_factory=list)]
    contributions: Annotated[Contributions, Field(default_factory=list)]
    occurred_at: OccurredAt = None


class Refuse(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class Transfer(Payload):
    lead: Annotated[Key, Field(description="code of the unit that is to lead")]
    reason: Reason
    occurred_at: OccurredAt = None


class Succeed(Payload):
    """The successors that the composition names take the matter over."""

    reason: Reason
    occurred_at: OccurredAt = None


class Progress(Payload):
    """Progress of the matter. `result`: it is the result that the rules ask for of a complex matter."""

    text: Report
    result: bool = False
    measures: Annotated[list[MeasurePayload] | None, Field(max_length=50), Once()] = None
    contributions: Annotated[Contributions, Field(default_factory=list)]
    document: Document = ""
    occurred_at: OccurredAt = None


class Contribute(Payload):
    unit: Annotated[Key, Field(description="code of the co-unit")]
    text: Report
    occurred_at: OccurredAt = None


class Explain(Payload):
    """Why the matter can't be done in time. Its date stays."""

    reason: Report
    document: Document = ""
    occurred_at: OccurredAt = None


class ReportDone(Payload):
    """The report that the matter is done, signed by the unit's principal or who acts for the principal."""

    text: Report
    document: Document = ""
    occurred_at: OccurredAt = None


class Verify(Payload):
    text: Report
    occurred_at: OccurredAt = None


class SendBack(Payload):
    """The matter isn't done. Without `due` its clock never stopped; with it the redo has a limit of its own."""

    reason: Reason
    due: Day | None = None
    occurred_at: OccurredAt = None


class Close(Payload):
    quality: Quality
    text: Annotated[str, Field(max_length=1000), SeveralLines] = ""
    occurred_at: OccurredAt = None


class Acknowledge(Payload):
    """The leader has seen the result of the instruction."""

    text: Annotated[str, Field(max_length=1000), SeveralLines] = ""
    document: Document = ""
    occurred_at: OccurredAt = None


class LookBack(Payload):
    holds: Annotated[bool, Field(description="whether what was done is still done")]
    text: Report
    occurred_at: OccurredAt = None


class Reopen(Payload):
    reason: Reason
    due: Annotated[Day, Field(description="the new last day")]
    occurred_at: OccurredAt = None


Year = Annotated[int, Field(ge=1950, le=2500, description="default: the year that ends in December, else the last one")]


class CarryOver(Payload):
    """Why the matter isn't cleared by the end of the year, and goes on in the next."""

    year: Year | None = None
    reason: Reason
    occurred_at: OccurredAt = None


class CarryOvers(CarryOver):
    """Several matters that aren't cleared, for one reason: each is carried over or refused by itself."""

    entries: Annotated[list[Key], Field(min_length=1, max_length=200, description="ids of entries"), Once()]


class PossibleAct(BaseModel):
    """An act that is possible in the matter's state, and who may do it."""

    act: CourseAct | DateAct
    act_name: Annotated[str, Field(description="in Chinese")]
    path: Annotated[str, Field(description="where the act is posted, below /v1/entries/{entry_id}/")]
    awaited: Annotated[bool, Field(description="whether the matter waits for this act")]
    clause: str
    by: list[Role]
    officials: Annotated[list[str], Field(description="who may do it today; of contributions those of any co-unit")]
    until: Annotated[
        date | None, Field(description="the last day on which a matter may be refused, if there is one")
    ] = None


class PossibleActs(BaseModel):
    items: list[PossibleAct]

"""Payloads and views of the sources of matters, and of matters opened by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from oversight_svc.entry.entry import CO_UNITS
from oversight_svc.source.source import Standing
from zhengling.authority.approvals import Approval
from zhengling.authority.composition import Key
from zhengling.events.reference import Reference
from zhengling.kernel.characters import SeveralLines
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, OccurredAt, Once, Payload, Reason, Title, View
from zhengling.rules.vocabulary import Difficulty, EntrySource, InstructionKind

#: The sources that are recorded by hand: decisions and instructions come by their events.
ByHand = Literal[
    EntrySource.work_report,
    EntrySource.higher_deployment,
    EntrySource.campaign,
    EntrySource.public_promise,
    EntrySource.key_project,
    EntrySource.audit_finding,
    EntrySource.congress_suggestion,
    EntrySource.consultative_proposal,
    EntrySource.petition,
    EntrySource.inspection_finding,
    EntrySource.leaders_assignment,
]


class NewSource(Payload):
    """A source that isn't an event of another service."""

    kind: ByHand
    title: Title
    paper: Annotated[str, Field(max_length=100, description="number or name by which it is cited")] = ""
    dated: Annotated[
        Day | None, Field(description="its date; the day of deployment, where the rules count from it")
    ] = None


class OpenEntry(Payload):
    """A matter that is opened by hand."""

    source: NewSource
    task: Annotated[str, Field(min_length=2, max_length=2000, pattern=SAYING), SeveralLines]
    lead: Annotated[Key, Field(description="code of the unit that leads")]
    co_units: Annotated[list[Key], Field(default_factory=list, max_length=CO_UNITS.most), Once()]
    difficulty: Difficulty = Difficulty.general
    set_at_year_start: Annotated[bool, Field(description="set at the year's start (ST-55): cleared by its end")] = False
    due: Annotated[Day | None, Field(description="as stated; without it by the rulebook, or set later")] = None
    category: Annotated[
        Key | None, Field(description="code of the focus category; by itself, if the source has one")
    ] = None
    approval: Annotated[
        Approval | None, Field(description="that the matter is supervised, where the rules ask for it (ZQ-36)")
    ] = None
    assigned_at: Annotated[OccurredAt, Field(description="when it was assigned; default: now")] = None


class OpenEntries(Payload):
    """Several matters: each is opened or refused by itself."""

    entries: Annotated[list[OpenEntry], Field(min_length=1, max_length=200), Once()]


class AddSource(Payload):
    source: NewSource
    reason: Reason


class WithdrawSource(Payload):
    reason: Reason
    occurred_at: OccurredAt = None


class SourceView(View):
    id: str
    kind: EntrySource
    kind_name: Annotated[str, Field(description="in Chinese")] = ""
    reference: Annotated[Reference, Field(validation_alias="cited", description="what it is, where it is kept")]
    recorded_for: Annotated[
        str, Field(description="id of the entry that it opened or was added to, also after a merging")
    ]
    title: str
    paper: str
    dated: date | None
    added_by: str
    added_at: datetime
    approved_by: str | None
    approval: str
    standing: Standing
    ended_at: datetime | None
    ended_reason: str
    giver: Annotated[str, Field(description="the leader who gave the instruction")]
    handling: Annotated[InstructionKind | None, Field(description="how the leader wants it handled (ST-64)")]
    seen_at: Annotated[datetime | None, Field(description="when that leader saw the result")]

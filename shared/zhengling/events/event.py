"""Every event of the system, once: its CloudEvents type, its version, its payload.

Two kinds: *ordered* events (a gapless sequence per aggregate) and *snapshots* (the whole state; the latest wins, the
topic is compacted). A payload carries state enough that a consumer needn't call back. The type says who owns it:
`zhengling.<service>.<noun>.<past_tense>.v<n>`. A change that an older reader or writer couldn't live with is a new type.
What the services' backbones tell one another is owned by all of them: `zhengling.backbone.…`.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from zhengling.authority.absence import Absent
from zhengling.authority.composition import Composition
from zhengling.dates.workdays import CalendarYear
from zhengling.rules.vocabulary import Difficulty, FollowingDocument, Outcome


class EventKind(StrEnum):
    ordered = "ordered"
    snapshot = "snapshot"


#: CloudEvents type → event class; filled as the classes below are defined.
EVENTS: dict[str, type[Event]] = {}


class Event(BaseModel):
    """A fact that happened, in the past tense. `key` names the payload field that is the aggregate's id."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)  # their text is kept
    type: ClassVar[str]
    aggregate: ClassVar[str]
    key: ClassVar[str]
    kind: ClassVar[EventKind]

    def __init_subclass__(cls, *, type: str, aggregate: str, key: str, kind: EventKind = EventKind.ordered) -> None:
        super().__init_subclass__()
        cls.type, cls.aggregate, cls.key, cls.kind = type, aggregate, key, kind
        EVENTS[type] = cls

    @classmethod
    def service(cls) -> str:
        """The service that owns the type: meeting, docflow, oversight or calendar; or `BACKBONE`, which all send."""
        return cls.type.split(".")[1]

    @classmethod
    def topic(cls) -> str:
        return topic_of(cls.service(), cls.kind)

    @property
    def aggregate_id(self) -> str:
        return str(getattr(self, self.key))


BACKBONE = "backbone"


def topic_of(service: str, kind: EventKind) -> str:
    """`zhengling.<service>.v1`, or the compacted `zhengling.<service>.snapshot.v1`."""
    return f"zhengling.{service}.snapshot.v1" if kind == EventKind.snapshot else f"zhengling.{service}.v1"


def kind_of(topic: str) -> EventKind:
    """Of which kind the events of a topic are."""
    return EventKind.snapshot if ".snapshot." in topic else EventKind.ordered


class Moved(BaseModel):
    """How far the aggregates of one type are: by their id the number of the last event that went to this topic."""

    model_config = ConfigDict(frozen=True)
    topic: str
    aggregate_type: str
    last_seq: dict[str, int]


class SequencesReported(Event, type="zhengling.backbone.sequences.reported.v1", aggregate="report", key="source"):
    """What a service emitted lately, of all governments, so that who hears it can tell whether something was lost."""

    source: str
    moved: tuple[Moved, ...]


class Missing(BaseModel):
    """The events of one aggregate from `first` to `last`, some of which somebody hasn't got."""

    model_config = ConfigDict(frozen=True)
    aggregate_type: str
    aggregate_id: str
    first: int
    last: int


class EventsMissed(
    Event,
    type="zhengling.backbone.events.missed.v1",
    aggregate="request",
    key="request",
    kind=EventKind.snapshot,
):
    """A service asks another one, `source`, to publish again what it lacks of its events. What doesn't come then it asks
    for again, so that a request may be lost or superseded."""

    request: str
    reader: str
    source: str
    missing: tuple[Missing, ...]


class Unit(BaseModel):
    """An organisation as an event names it: its code and its name at that time."""

    model_config = ConfigDict(frozen=True)
    code: str
    name: str


class Resolution(BaseModel):
    """What a meeting decided on one topic, as minutes carry it. What was adopted has a task and a lead unit."""

    model_config = ConfigDict(frozen=True)
    decision_id: str
    topic_id: str
    number: int
    title: str
    sponsor: Unit
    outcome: Outcome
    task: str = ""
    lead: Unit | None = None
    co_units: tuple[Unit, ...] = ()
    due: date | None = None
    difficulty: Difficulty = Difficulty.general
    document: FollowingDocument = FollowingDocument.none
    may_be_published: bool = True


class ResolutionChange(BaseModel):
    """One field of a decision that a correction changed, in words; None for what wasn't or isn't set."""

    model_config = ConfigDict(frozen=True)
    field: str
    before: str | None
    after: str | None


class CompositionChanged(
    Event,
    type="zhengling.meeting.composition.changed.v1",
    aggregate="government",
    key="government",
    kind=EventKind.snapshot,
):
    """The whole composition of a government as of `version`."""

    government: str
    version: int
    composition: Composition


class MeetingClosed(Event, type="zhengling.meeting.session.closed.v1", aggregate="meeting", key="meeting_id"):
    """The session is over. Carries what is to be issued, since the time to issue it counts from here."""

    meeting_id: str
    kind_name: str
    meeting_kind: str
    title: str
    edition: str
    closed_at: datetime
    recorded_at: datetime
    resolutions: tuple[Resolution, ...]


class MinutesSigned(Event, type="zhengling.meeting.minutes.signed.v1", aggregate="meeting", key="meeting_id"):
    """The minutes are signed and immutable from here on; `digest` is the SHA-256 of their text, `issue` their number.
    A correction is a later version of the same number, and names the one that it `corrects`."""

    meeting_id: str
    minutes_id: str
    version: int
    digest: str
    issue: str = ""
    corrects: int | None = None
    signed_by: str
    on_behalf_of: str | None = None
    under: str | None = None
    signed_at: datetime
    recorded_at: datetime


class DecisionAdopted(Event, type="zhengling.meeting.decision.adopted.v1", aggregate="decision", key="decision_id"):
    """A decision of signed minutes (passed, or passed in principle). It opens a ledger entry. `by_correction` where the
    minutes had first said otherwise; what is to be issued then wasn't known at the close, `closed_at`."""

    decision_id: str
    meeting_id: str
    meeting_kind: str
    meeting_title: str
    meeting_clause: str
    edition: str
    resolution: Resolution
    signed_at: datetime
    recorded_at: datetime
    by_correction: bool = False
    closed_at: datetime | None = None


class DecisionReplaced(Event, type="zhengling.meeting.decision.replaced.v1", aggregate="decision", key="decision_id"):
    """What the close told of a decision was recorded wrongly: the whole resolution as it is recorded now, before any
    minutes are signed. It concerns who acts from the close on; nothing is adopted by it."""

    decision_id: str
    meeting_id: str
    meeting_kind: str
    meeting_title: str
    edition: str
    resolution: Resolution
    revision: int
    reason: str
    closed_at: datetime
    recorded_at: datetime


class DecisionAmended(Event, type="zhengling.meeting.decision.amended.v1", aggregate="decision", key="decision_id"):
    """A correction of the minutes changed an adopted decision: the whole resolution as it is now, and what changed."""

    decision_id: str
    meeting_id: str
    meeting_kind: str
    meeting_title: str
    edition: str
    resolution: Resolution
    revision: int
    minutes_version: int
    reason: str
    changes: tuple[ResolutionChange, ...]
    closed_at: datetime
    signed_at: datetime
    recorded_at: datetime


class DecisionRevoked(Event, type="zhengling.meeting.decision.revoked.v1", aggregate="decision", key="decision_id"):
    """A correction of the minutes took an adopted decision back: nothing is to be done by it any more."""

    decision_id: str
    meeting_id: str
    meeting_title: str
    resolution: Resolution
    revision: int
    minutes_version: int
    reason: str
    signed_at: datetime
    recorded_at: datetime


class DocumentDrafted(Event, type="zhengling.docflow.document.drafted.v1", aggregate="document", key="document_id"):
    """A document that a decision asks for stands in docflow's list, with the deadlines it is under."""

    document_id: str
    decision_id: str
    title: str
    sponsor: Unit
    due: date | None
    clause: str


class DocumentDueMoved(Event, type="zhengling.docflow.document.due_moved.v1", aggregate="document", key="document_id"):
    """A document is due on another day, as the calendar changed or its time was extended."""

    document_id: str
    decision_id: str
    old_due: date
    due: date
    why_en: str
    why_zh: str
    moved_at: datetime


class DocumentAmended(Event, type="zhengling.docflow.document.amended.v1", aggregate="document", key="document_id"):
    """A draft follows its decision, which was corrected: its deadlines are others, or it is drafted after all."""

    document_id: str
    decision_id: str
    old_due: date | None
    due: date | None
    clause: str
    reason: str


class DocumentWithdrawn(Event, type="zhengling.docflow.document.withdrawn.v1", aggregate="document", key="document_id"):
    """A draft is given up, as its decision was revoked or asks for no document any more."""

    document_id: str
    decision_id: str
    reason: str
    withdrawn_at: datetime


class EntryOpened(Event, type="zhengling.oversight.entry.opened.v1", aggregate="entry", key="entry_id"):
    """A matter stands in the supervision ledger. No `due` means: to be set by the office."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    title: str
    lead: Unit
    clause: str
    due: date | None
    due_rule: str | None
    opened_at: datetime


class EntryDueSet(Event, type="zhengling.oversight.entry.due_set.v1", aggregate="entry", key="entry_id"):
    """The office set the due date of an entry that had none."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    due: date
    set_by: str
    set_at: datetime


class EntryDueMoved(Event, type="zhengling.oversight.entry.due_moved.v1", aggregate="entry", key="entry_id"):
    """An open entry is due on another day: the calendar changed, or its time was extended. `overdue` where it had fallen
    overdue and still is."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    old_due: date
    due: date
    provisional: bool
    overdue: bool
    why_en: str
    why_zh: str
    moved_at: datetime


class EntryOverdue(Event, type="zhengling.oversight.entry.overdue.v1", aggregate="entry", key="entry_id"):
    """The due date passed and the entry is still open."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    due: date
    overdue_at: datetime


class EntryAmended(Event, type="zhengling.oversight.entry.amended.v1", aggregate="entry", key="entry_id"):
    """An entry follows its decision, which was corrected: as it is now. No `due` means: to be set by the office."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    task: str
    lead: Unit
    co_units: tuple[Unit, ...]
    old_due: date | None
    due: date | None
    overdue: bool
    reason: str
    amended_at: datetime


class EntryRevoked(Event, type="zhengling.oversight.entry.revoked.v1", aggregate="entry", key="entry_id"):
    """An entry ends without being done, as its decision was revoked."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    reason: str
    revoked_at: datetime


class WorkdaysChanged(
    Event,
    type="zhengling.calendar.workdays.changed.v1",
    aggregate="calendar_year",
    key="calendar",
    kind=EventKind.snapshot,
):
    """One year of working days and its version: of the country (government `*`), or what one government adds to it.
    `why_en` and `why_zh` say what changed it: a notice, a closure, one lifted."""

    calendar: str
    government: str
    version: int
    year: CalendarYear
    why_en: str = ""
    why_zh: str = ""


class Recomputed(BaseModel):
    """How far a service got with a change of the calendar: its open deadlines rest on this version or a newer one."""

    calendar: str
    version: int
    examined: int
    moved: int
    finished_at: datetime


class MeetingDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.meeting.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of meeting-svc rest on this version of the calendar."""


class DocflowDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.docflow.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of docflow-svc rest on this version of the calendar."""


class OversightDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.oversight.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of oversight-svc rest on this version of the calendar."""


#: The services that own deadlines → the event by which each tells that it has computed them again.
RECOMPUTED: dict[str, type[MeetingDeadlinesRecomputed | DocflowDeadlinesRecomputed | OversightDeadlinesRecomputed]] = {
    "meeting": MeetingDeadlinesRecomputed,
    "docflow": DocflowDeadlinesRecomputed,
    "oversight": OversightDeadlinesRecomputed,
}


class AbsenceApproved(
    Absent, Event, type="zhengling.calendar.absence.approved.v1", aggregate="absence", key="absence_id"
):
    """Somebody may go away: every step of the chain was taken. Carries who stands in, and what may still be recorded."""

    approved_at: datetime
    recorded_at: datetime


class AbsenceRefused(
    Absent, Event, type="zhengling.calendar.absence.refused.v1", aggregate="absence", key="absence_id"
):
    """A request was refused; with `extension`, only that of staying longer, and the absence itself holds as it was."""

    extension: bool
    refused_by: str
    reason: str
    refused_at: datetime
    recorded_at: datetime


class AbsenceEntrusted(
    Absent, Event, type="zhengling.calendar.absence.entrusted.v1", aggregate="absence", key="absence_id"
):
    """Who stands in was decided anew: `stand_ins` say who, by whose decision and why."""

    entrusted_at: datetime
    recorded_at: datetime


class AbsenceExtended(
    Absent, Event, type="zhengling.calendar.absence.extended.v1", aggregate="absence", key="absence_id"
):
    """The absence lasts longer than was approved at first: `until` is the new last day."""

    extended_at: datetime
    recorded_at: datetime


class AbsenceReturned(
    Absent, Event, type="zhengling.calendar.absence.returned.v1", aggregate="absence", key="absence_id"
):
    """Somebody is back: from `returned_on` on they are there; `until` is the last day away."""

    returned_on: date
    planned_until: date
    returned_at: datetime
    recorded_at: datetime


class AbsenceCancelled(
    Absent, Event, type="zhengling.calendar.absence.cancelled.v1", aggregate="absence", key="absence_id"
):
    """An approved absence doesn't take place."""

    reason: str
    cancelled_at: datetime
    recorded_at: datetime

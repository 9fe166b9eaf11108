"""Events of meeting-svc: composition, sessions, minutes, decisions."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from zhengling.authority.composition import Composition
from zhengling.events.event import Event, EventKind, Recomputed
from zhengling.events.reference import Reference, by_id
from zhengling.rules.vocabulary import Difficulty, DocumentKind, FollowingDocument, InNameOf, Outcome


class Unit(BaseModel):
    """An organisation in an event: its code, and its name at that time."""

    model_config = ConfigDict(frozen=True)
    code: str
    name: str


class PassedGate(BaseModel):
    """A gate that the topic had passed: who carried it out, the number or title of the document that proves it, and when.
    Of a consultation, which is passed once all have answered, only the gate and its clause."""

    model_config = ConfigDict(frozen=True)
    gate: str
    clause: str
    carried_out_by: str = ""
    reference: str = ""
    occurred_at: datetime | None = None


class Resolution(BaseModel):
    """A meeting's decision on one topic, as in the minutes. An adopted one has a task and a lead unit. `set_at_year_start`
    if the task was set at the year's start (年初确定: the work report, the yearly plan). `document_kind` and `in_name_of`
    describe the document to be issued, where the meeting decided on them. `aspects` and `gates` are what the
    topic had declared and passed when it was recorded, or adopted: words of `Aspect` and `Gate`, as text, so that an
    older reader can keep words that it doesn't know."""

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
    set_at_year_start: bool = False
    document_kind: DocumentKind | None = None
    in_name_of: InNameOf | None = None
    aspects: tuple[str, ...] = ()
    gates: tuple[PassedGate, ...] = ()
    topic: Reference = Field(default_factory=by_id("meeting", "topic", "topic_id"))

    @property
    def decision(self) -> Reference:
        return Reference(service="meeting", noun="decision", id=self.decision_id, number=str(self.number))


class ResolutionChange(BaseModel):
    """One field of a decision changed by a correction, as text; None if it wasn't or isn't set."""

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
    """The whole composition of a government at `version`."""

    government: str
    version: int
    composition: Composition


#: The most resolutions in one event: the greatest has some 75 kB, and the broker takes a record of a mebibyte.
RESOLUTIONS_IN_AN_EVENT = 12


class MeetingClosed(Event, type="zhengling.meeting.session.closed.v1", aggregate="meeting", key="meeting_id"):
    """The session is closed. Carries the resolutions, since the time to issue documents counts from here; those of a long
    agenda are split over `parts` events, of which this is number `part`."""

    meeting_id: str
    kind_name: str
    meeting_kind: str
    title: str
    edition: str
    closed_at: datetime
    recorded_at: datetime
    resolutions: tuple[Resolution, ...]
    part: int = 1
    parts: int = 1

    def split(self) -> list[MeetingClosed]:
        """The events to be sent: this one, or as many as its resolutions need."""
        firsts = range(0, len(self.resolutions), RESOLUTIONS_IN_AN_EVENT) or range(1)
        return [
            self.model_copy(
                update={
                    "resolutions": self.resolutions[first : first + RESOLUTIONS_IN_AN_EVENT],
                    "part": part,
                    "parts": len(firsts),
                }
            )
            for part, first in enumerate(firsts, 1)
        ]


class MinutesSigned(Event, type="zhengling.meeting.minutes.signed.v1", aggregate="meeting", key="meeting_id"):
    """The minutes are signed and immutable; `digest` is the SHA-256 of their text, `issue` their number. A correction is a
    later version with the same number; `corrects` is the version it corrects. `decisions` are those that the signature
    adopted, amended or revoked."""

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
    minutes: Reference = Field(default_factory=by_id("meeting", "minutes", "minutes_id"))
    meeting: Reference = Field(default_factory=by_id("meeting", "meeting", "meeting_id"))
    decisions: tuple[Reference, ...] = ()


class DecisionAdopted(Event, type="zhengling.meeting.decision.adopted.v1", aggregate="decision", key="decision_id"):
    """A decision (passed, or passed in principle) is in force: its minutes are signed, or the chair waived them. It opens a
    ledger entry. `held_on` is the meeting's day. `by_correction` if only a correction of the minutes adopted it; then its
    document wasn't known at the close, `closed_at`. `adopted_in_order` are the decisions that these minutes have adopted in the
    year of the signature, this one included: those of one signature by the agenda, those of corrections after them. The
    ledger numbers them in this order; older events don't carry it. `minutes` is the signed version, or the chair's record
    that there are none."""

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
    held_on: date | None = None
    adopted_in_order: tuple[str, ...] = ()
    revision: int = 1
    meeting: Reference = Field(default_factory=by_id("meeting", "meeting", "meeting_id"))
    minutes: Reference | None = None


class DecisionReplaced(Event, type="zhengling.meeting.decision.replaced.v1", aggregate="decision", key="decision_id"):
    """A resolution in `MeetingClosed` was recorded wrongly: the whole corrected resolution, before any minutes are signed.
    For consumers that act from the close on; nothing is adopted by it."""

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
    meeting: Reference = Field(default_factory=by_id("meeting", "meeting", "meeting_id"))


class DecisionAmended(Event, type="zhengling.meeting.decision.amended.v1", aggregate="decision", key="decision_id"):
    """A correction of the minutes changed an adopted decision: the whole current resolution, and the changes."""

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
    meeting: Reference = Field(default_factory=by_id("meeting", "meeting", "meeting_id"))
    minutes: Reference | None = None


class DecisionRevoked(Event, type="zhengling.meeting.decision.revoked.v1", aggregate="decision", key="decision_id"):
    """A correction of the minutes revoked an adopted decision: it is no longer to be executed."""

    decision_id: str
    meeting_id: str
    meeting_title: str
    resolution: Resolution
    revision: int
    minutes_version: int
    reason: str
    signed_at: datetime
    recorded_at: datetime
    meeting_kind: str | None = None
    edition: str | None = None
    meeting: Reference = Field(default_factory=by_id("meeting", "meeting", "meeting_id"))
    minutes: Reference | None = None


class MeetingDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.meeting.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of meeting-svc are computed with this version of the calendar."""

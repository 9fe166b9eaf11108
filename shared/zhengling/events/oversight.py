"""Events of oversight-svc: entries of the supervision ledger. `source` of an entry is what opened it, `sources` are all that
stand, also those of matters merged into it; empty in events from before it was carried."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from zhengling.events.event import Event, EventKind, Recomputed
from zhengling.events.meeting import Unit
from zhengling.events.reference import Reference, by_id


class EntryOpened(Event, type="zhengling.oversight.entry.opened.v1", aggregate="entry", key="entry_id"):
    """An entry was opened in the supervision ledger. Without `due` the office sets the due date."""

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
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    topic: Reference | None = None
    meeting: Reference | None = None
    minutes: Reference | None = None


class EntryDueSet(Event, type="zhengling.oversight.entry.due_set.v1", aggregate="entry", key="entry_id"):
    """The office set the due date of an entry that had none."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    due: date
    set_by: str
    set_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    sources: tuple[Reference, ...] = ()


class EntryDueMoved(Event, type="zhengling.oversight.entry.due_moved.v1", aggregate="entry", key="entry_id"):
    """An open entry's due date moved: the calendar changed, or it was extended. `overdue` if it was overdue and still
    is."""

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
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    sources: tuple[Reference, ...] = ()


class EntryOverdue(Event, type="zhengling.oversight.entry.overdue.v1", aggregate="entry", key="entry_id"):
    """The due date passed and the entry is still open."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    due: date
    overdue_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    sources: tuple[Reference, ...] = ()


class EntryAmended(Event, type="zhengling.oversight.entry.amended.v1", aggregate="entry", key="entry_id"):
    """An entry follows its corrected decision; carries its current state. Without `due` the office sets the due date."""

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
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    sources: tuple[Reference, ...] = ()


class EntryRevoked(Event, type="zhengling.oversight.entry.revoked.v1", aggregate="entry", key="entry_id"):
    """An entry is closed without being completed, as its decision was revoked."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    reason: str
    revoked_at: datetime
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))


class CourseTurn(BaseModel):
    """What was done with an entry, by whom, and where it stands since: `state`, `lead` and `sources` (those that
    stand, also of matters merged into it) are those after the act, `text` is
    what was reported, found or given as the reason. `late`: the governing due date was met late, None while it isn't met."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    sources: tuple[Reference, ...] = ()
    state: str
    lead: Unit
    official: str
    on_behalf_of: str | None = None
    text: str = ""
    due: date | None = None
    late: bool | None = None
    occurred_at: datetime
    recorded_at: datetime


class EntryAccepted(CourseTurn, Event, type="zhengling.oversight.entry.accepted.v1", aggregate="entry", key="entry_id"):
    """The lead unit accepted the matter and named the person responsible."""

    responsible: str


class EntryRefused(CourseTurn, Event, type="zhengling.oversight.entry.refused.v1", aggregate="entry", key="entry_id"):
    """The lead unit refused the matter, with its reason; the office transfers it, to the same unit or another."""


class EntryTransferred(
    CourseTurn, Event, type="zhengling.oversight.entry.transferred.v1", aggregate="entry", key="entry_id"
):
    """The office gave the matter to another lead unit, or back to the one that refused it. Its due date stays."""

    old_lead: Unit


class EntryProgressed(
    CourseTurn, Event, type="zhengling.oversight.entry.progressed.v1", aggregate="entry", key="entry_id"
):
    """Progress was reported: by the lead, or by a co-unit to the lead (`unit`). `result`: it is the result that was due; then
    `due` is unset until the office sets the date by which the matter is done."""

    unit: Unit
    result: bool = False


class EntryExplained(
    CourseTurn, Event, type="zhengling.oversight.entry.explained.v1", aggregate="entry", key="entry_id"
):
    """The lead explained why the matter isn't done in time: the date stays, and progress is reported regularly."""


class EntryReported(CourseTurn, Event, type="zhengling.oversight.entry.reported.v1", aggregate="entry", key="entry_id"):
    """The lead unit's principal reported the matter as done. It isn't closed by that."""


class EntryVerified(CourseTurn, Event, type="zhengling.oversight.entry.verified.v1", aggregate="entry", key="entry_id"):
    """What was reported as done was verified."""


class EntryReturned(CourseTurn, Event, type="zhengling.oversight.entry.returned.v1", aggregate="entry", key="entry_id"):
    """What was reported as done was returned for redo, with the reason. Its clock never stopped, or runs to the redo's limit."""


class EntryClosed(CourseTurn, Event, type="zhengling.oversight.entry.closed.v1", aggregate="entry", key="entry_id"):
    """The matter was closed (销号), with a mark of its quality."""

    quality: str


class EntryLookedBack(
    CourseTurn, Event, type="zhengling.oversight.entry.looked_back.v1", aggregate="entry", key="entry_id"
):
    """A closed matter was looked back at (回头看); `holds`: it is still done."""

    holds: bool


class EntryReopened(CourseTurn, Event, type="zhengling.oversight.entry.reopened.v1", aggregate="entry", key="entry_id"):
    """A closed matter was reopened under its number, with a new due date."""


class EntryMerged(CourseTurn, Event, type="zhengling.oversight.entry.merged.v1", aggregate="entry", key="entry_id"):
    """The matter was merged into another one, which goes on with its sources; it counts no more by itself."""

    into: Reference


class EntrySeparated(
    CourseTurn, Event, type="zhengling.oversight.entry.separated.v1", aggregate="entry", key="entry_id"
):
    """A merging was undone: the matter goes on by itself again."""


class EntryAcknowledged(
    CourseTurn, Event, type="zhengling.oversight.entry.acknowledged.v1", aggregate="entry", key="entry_id"
):
    """The leader who gave the matter's instruction saw its result."""


class EntryFollowedUp(
    CourseTurn, Event, type="zhengling.oversight.entry.followed_up.v1", aggregate="entry", key="entry_id"
):
    """A leader gave a new instruction on the report: the matter goes on under its number. `reopened`: it was closed."""

    instruction: Reference
    reopened: bool


class EntryDivided(CourseTurn, Event, type="zhengling.oversight.entry.divided.v1", aggregate="entry", key="entry_id"):
    """The matter was divided: each of these parts is a matter of one unit, which entry.opened tells of as well."""

    parts: tuple[Reference, ...]


class EntrySucceeded(
    CourseTurn, Event, type="zhengling.oversight.entry.succeeded.v1", aggregate="entry", key="entry_id"
):
    """Units of the matter were abolished, and their successors took it over, in the state and with the clocks that it had. `lead`
    and `co_units` are those since; `old_lead` is the same as `lead` where only co-units were abolished."""

    old_lead: Unit
    co_units: tuple[Unit, ...]


class EntryCarriedOver(
    CourseTurn, Event, type="zhengling.oversight.entry.carried_over.v1", aggregate="entry", key="entry_id"
):
    """A matter that wasn't cleared by the year's end goes on in this `year` under its old number, as it stood."""

    year: int


class Recipient(BaseModel):
    """Whom it went to; `on_behalf_of` is the absent official for whom the recipient stands in."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    official: str
    on_behalf_of: str | None = None


class EntryUrged(Event, type="zhengling.oversight.entry.urged.v1", aggregate="entry", key="entry_id"):
    """A matter was urged, or pressed otherwise (`way`): by the `rung` of its ladder, or by an official."""

    entry_id: str
    number: str
    source_kind: str
    source_id: str
    source: Reference = Field(default_factory=by_id("meeting", "decision", "source_id"))
    lead: Unit
    way: str
    rung: int | None
    recipients: tuple[Recipient, ...]
    reason_en: str
    reason_zh: str
    channel: str
    official: str | None
    on_behalf_of: str | None = None
    due: date | None
    occurred_at: datetime
    recorded_at: datetime


class ProposalMade(Event, type="zhengling.oversight.proposal.made.v1", aggregate="proposal", key="proposal_id"):
    """One of these measures is proposed against the unit that handles a matter. A person decides."""

    proposal_id: str
    entry_id: str
    number: str
    unit: Unit
    among: tuple[str, ...]
    reason_en: str
    reason_zh: str
    clause: str
    made_at: datetime


class ProposalDecided(Event, type="zhengling.oversight.proposal.decided.v1", aggregate="proposal", key="proposal_id"):
    """A proposal was accepted with this `censure`, or declined if there is none."""

    proposal_id: str
    entry_id: str
    number: str
    unit: Unit
    censure: str | None
    reason: str
    decided_by: str
    on_behalf_of: str | None = None
    decided_at: datetime


class NoticeRequested(Event, type="zhengling.oversight.notice.requested.v1", aggregate="notice", key="notice_id"):
    """A notice of supervision was signed: docflow issues it. `due` is the last day of the unit's return slip."""

    notice_id: str
    number: str
    entry: Reference
    unit: Unit
    title: str
    text: str
    signed_by: str
    on_behalf_of: str | None = None
    signed_at: datetime
    due: date


class NoticeAnswered(Event, type="zhengling.oversight.notice.answered.v1", aggregate="notice", key="notice_id"):
    """The unit filled in the return slip of a notice of supervision."""

    notice_id: str
    number: str
    unit: Unit
    text: str
    answered_by: str
    answered_at: datetime
    late: bool


class NoticeOverdue(Event, type="zhengling.oversight.notice.overdue.v1", aggregate="notice", key="notice_id"):
    """The return slip's limit passed, and the unit hasn't answered."""

    notice_id: str
    number: str
    unit: Unit
    due: date
    overdue_at: datetime


class OversightDeadlinesRecomputed(
    Recomputed,
    Event,
    type="zhengling.oversight.deadlines.recomputed.v1",
    aggregate="recomputation",
    key="calendar",
    kind=EventKind.snapshot,
):
    """All open deadlines of oversight-svc are computed with this version of the calendar."""

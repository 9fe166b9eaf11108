"""A matter in the supervision ledger (督查台账): numbered, with one lead unit, its clause, and a due date that is
explained, or has to be set.

Invariant: one source opens one entry. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from zhengling.authority.composition import Composition, Permission
from zhengling.dates.deadlines import Anchor, DeadlineRule, Setter
from zhengling.events.meeting import DecisionAdopted, ResolutionChange, Unit
from zhengling.events.reference import Reference
from zhengling.kernel.bounds import Bound, appended
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.kernel.states import States
from zhengling.rules.chains import actors_of
from zhengling.rules.conditions import Facts
from zhengling.rules.supervision import CourseAct, DueByRule, Ledger, Supervision
from zhengling.rules.vocabulary import Difficulty, EntrySource, Role


class EntryState(StrEnum):
    """Where a matter stands between its opening and its end. What is reported as done isn't closed: it is verified first."""

    open = "open"
    accepted = "accepted"
    refused = "refused"
    reported = "reported"
    verified = "verified"
    closed = "closed"
    revoked = "revoked"
    merged = "merged"


#: The states in which nothing more is expected of anybody.
ENDED = frozenset({EntryState.closed, EntryState.revoked, EntryState.merged})
STATES = States(
    {
        EntryState.open: "待签收",
        EntryState.accepted: "办理中",
        EntryState.refused: "待改派",
        EntryState.reported: "已报办结",
        EntryState.verified: "已核查",
        EntryState.closed: "已销号",
        EntryState.revoked: "已撤销",
        EntryState.merged: "已并入其他事项",
    }
)


RUNNING = tuple(state for state in EntryState if state not in ENDED)


def require_running(entry: Entry, called: Text, clause: str) -> None:
    """409 `illegal_state` where nothing more is expected of anybody; `called` is what the matter is called in the refusal."""
    STATES.require(entry.state, RUNNING, called, clause)


#: What meets the clocks beside the governing one: the unit's answer whether it accepts, that it fetched an instruction, its
#: feedback on it, its regular progress, and that somebody looked back at the closed matter.
ACCEPTANCE, FETCHING, FEEDBACK, PROGRESS = "acceptance", "fetching", "feedback", "progress"
LOOK_BACK = "look_back"


#: The acts in which a unit says how a matter stands.
TOLD = (CourseAct.progress, CourseAct.explain, CourseAct.report)


class Quality(StrEnum):
    """The mark of quality with which a matter is closed."""

    excellent = "excellent"
    good = "good"
    fair = "fair"


class Light(StrEnum):
    """How a matter stands against its governing due date, computed when asked: by the thresholds of the rulebook."""

    in_time = "in_time"
    due_soon = "due_soon"
    overdue = "overdue"
    long_overdue = "long_overdue"
    suspended = "suspended"
    undated = "undated"
    ended = "ended"


class DueBasis(StrEnum):
    """The basis of a due date."""

    decision = "decision"
    leader = "leader"
    rule = "rule"
    office = "office"
    to_be_set = "to_be_set"


@dataclass(frozen=True)
class Amendment:
    """The change to the entry's decision by a signed correction of the minutes, or its revocation."""

    revision: int
    reason: str
    changes: tuple[ResolutionChange, ...]
    old_due: date | None
    due: date | None
    signed_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Turn:
    """One act of the course: who did it, by which clause, for whom, what was said, and where the matter stood `before` and after
    it. `role` is None of a leader whose act came by an event. `unit` is who reported or got the matter, `person` who became
    responsible for it, `due` the limit that was set with it; `result` says that the progress was the result that the rules ask
    for, `quality` is the mark given, `holds` what was found later, `carried_into` the year in which the matter goes on."""

    act: CourseAct
    state: EntryState
    official: str
    role: Role | None
    text: str
    occurred_at: datetime
    recorded_at: datetime
    clause: str | None = None  # unknown of acts from before it was kept
    on_behalf_of: str | None = None
    under: str | None = None
    unit: Unit | None = None
    person: str | None = None
    due: date | None = None
    document: str = ""
    late: bool | None = None
    before: EntryState | None = None
    result: bool = False
    quality: Quality | None = None
    holds: bool | None = None
    carried_into: int | None = None


@dataclass(frozen=True)
class Measure:
    """One line of the three lists (任务清单、责任清单、时限清单): what is done, who is responsible, until when."""

    task: str
    official: str
    due: date


@dataclass(frozen=True)
class Contribution:
    """What a co-unit owes the lead (协办): until when, and what it returned. Its lateness is its own, not the lead's."""

    unit: Unit
    due: date
    asked_at: datetime
    text: str = ""
    official: str = ""
    returned_at: datetime | None = None

    @property
    def late(self) -> bool | None:
        """Whether it came after its day; None while it is owed."""
        return shanghai_day(self.returned_at) > self.due if self.returned_at else None


class Likeness(StrEnum):
    """Why two matters are alike: they come from the same topic, or their texts are similar."""

    same_topic = "same_topic"
    similar = "similar"


@dataclass(frozen=True)
class Overlap:
    """An open matter that this one was like when it was opened: why, and how similar their texts are, in percent."""

    entry: Reference
    why: Likeness
    score: int


#: The service and noun of sources that aren't recorded by hand: a part comes from the matter that was divided.
OPENED_BY = {
    EntrySource.meeting_decision: ("meeting", "decision"),
    EntrySource.instruction: ("docflow", "instruction"),
    EntrySource.part: ("oversight", "entry"),
}


@dataclass
class Entry:
    """`source_number`, `topic` and `minutes` are unknown of entries opened before events carried them.

    `leader` is the deputy in charge of the lead unit when it got the matter, `responsible` the person that the unit named.
    `met_at` is when the governing due date was met, `late` whether after it; `suspended` if its clock stands. `part_of` is the id
    of the matter that it is a part of. `carried_into` is the last year into which it was carried over, `look_back_since` when the
    time passed in which the closed matter was to be looked back at."""

    id: str
    government: str
    edition: str
    number: str
    source_kind: EntrySource
    source_id: str
    title: str
    task: str
    lead: Unit
    co_units: list[Unit]
    difficulty: Difficulty
    clause: str
    assigned_at: datetime
    deployed_on: date | None
    opened_at: datetime
    due: date | None = None
    due_at: datetime | None = None
    due_basis: DueBasis = DueBasis.to_be_set
    due_rule: str | None = None
    due_clause: str | None = None
    provisional: bool = False
    state: EntryState = EntryState.open
    overdue_at: datetime | None = None
    origin: dict[str, str] = field(default_factory=dict)
    amendments: list[Amendment] = field(default_factory=list)
    closed_at: datetime | None = None
    closed_reason: str = ""
    source_number: str | None = None
    topic: Reference | None = None
    minutes: Reference | None = None
    category: str | None = None
    leader: str | None = None
    responsible: str | None = None
    measures: list[Measure] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    course: list[Turn] = field(default_factory=list)
    suspended: bool = False
    met_at: datetime | None = None
    late: bool | None = None
    quality: Quality | None = None
    merged_into: str | None = None
    overlapping: list[Overlap] = field(default_factory=list)
    part_of: str | None = None
    weight: int = 1
    carried_into: int | None = None
    look_back_since: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None

    @property
    def source(self) -> Reference:
        """What opened it: a decision of a meeting, or what was recorded by hand."""
        service, noun = OPENED_BY.get(EntrySource(self.source_kind), ("oversight", "source"))
        return Reference(service=service, noun=noun, id=self.source_id, number=self.source_number)

    @property
    def meeting(self) -> Reference | None:
        if meeting := self.origin.get("meeting_id"):
            return Reference(service="meeting", noun="meeting", id=meeting)
        return None


def named(entry: Entry) -> dict[str, Any]:
    """How events on an entry name it, and what opened it."""
    return {
        "entry_id": entry.id,
        "number": entry.number,
        "source_kind": entry.source_kind,
        "source_id": entry.source_id,
        "source": entry.source,
    }


class Dated(Protocol):
    """What says by when a matter is due: a meeting's resolution, or what a clerk opens by hand."""

    @property
    def due(self) -> date | None: ...
    @property
    def difficulty(self) -> Difficulty: ...
    @property
    def set_at_year_start(self) -> bool: ...


class Said(Dated, Protocol):
    """What a source says is to be done: a meeting's resolution, or a leader's instruction."""

    @property
    def task(self) -> str: ...
    @property
    def lead(self) -> Unit | None: ...
    @property
    def co_units(self) -> tuple[Unit, ...]: ...


def facts_of(entry: Entry, said: Dated) -> Facts:
    """What the rulebook's tables of due dates and of weights ask of a matter."""
    return {
        "source": entry.source_kind,
        "difficulty": said.difficulty,
        "set_at_year_start": said.set_at_year_start,
    }


def row_for(ledger: Ledger, entry: Entry, said: Dated) -> DueByRule | None:
    """The row of the rulebook's table of due dates by which the matter is due; None where a date was stated, or none matches."""
    return None if said.due else ledger.due_row(facts_of(entry, said))


def weigh(entry: Entry, rules: Supervision | None, said: Dated) -> None:
    """Give the matter the weight that the rulebook's table has for it."""
    entry.weight = rules.weight_of(facts_of(entry, said)) if rules else 1


def deployed_on(ledger: Ledger, event: DecisionAdopted) -> date | None:
    """The day on which a meeting's decision counts as deployed, by the rulebook; None where it doesn't say. An event that
    doesn't carry the meeting's day gives the day of its close."""
    if ledger.deployment is None:
        return None
    if ledger.deployment.meeting_decision == Anchor.meeting_day:
        return event.held_on or shanghai_day(event.closed_at or event.signed_at)
    return shanghai_day(event.signed_at)


def start_of(entry: Entry, rule: DeadlineRule) -> date | datetime:
    """The start of a due date by this rule: the day of deployment, or the instant of the assignment. An entry opened before
    the day of deployment was recorded counts from its assignment."""
    return entry.deployed_on or entry.assigned_at if rule.of == Anchor.deployment else entry.assigned_at


def who_sets(ledger: Ledger, act: Text) -> Permission:
    """Who sets due dates, and adjusts them."""
    clause = ledger.set_by_clause or ledger.clause
    return Permission(actors_of(ledger.set_by), act, code="not_the_setter", clause=clause)


def require_settable(
    entry: Entry, ledger: Ledger, composition: Composition, official: str | None, due: date, on: date
) -> None:
    """Whether the official may set this due date of an entry without one. 403 `not_the_setter`; 409 `entry_ended`, `due_is_set`,
    `due_in_the_past`."""
    composition.require(official, on, who_sets(ledger, Text("set the due date", "确定办结时限")))
    if entry.state in ENDED:
        why = f": {entry.closed_reason}" if entry.closed_reason else ""
        raise refusal(
            "entry_ended",
            entry.clause,
            f"the entry has ended, in state {entry.state}{why}",
            f"该事项{STATES.chinese[entry.state]}{why.replace(': ', '：')}",
            Text("a due date can be set for an open entry only", "仅在办事项可确定时限"),
        )
    if entry.due_basis != DueBasis.to_be_set:
        raise refusal(
            "due_is_set",
            entry.due_clause or entry.clause,
            f"the entry is already due on {entry.due}, on the basis {entry.due_basis}",
            f"该事项已确定办结时限：{entry.due}",
            Text("an existing due date can only be extended", "已有时限只能按程序延期"),
        )
    require_not_past(due, on, ledger.clause)


def require_not_past(due: date, on: date, clause: str) -> None:
    """409 `due_in_the_past`."""
    if due < on:
        raise refusal(
            "due_in_the_past",
            clause,
            f"{due} is before {on}",
            f"时限{due}早于{on}",
            Text(f"state {on} or a later day", f"请选择{on}或之后的日期"),
        )


def require_paper(entry: Entry, reported_at: datetime, moment: datetime, paper: str, clause: str) -> None:
    """409 `paper_needed` where a report that is recorded after the due date says that the matter was done in time, and names no
    paper by which the office could see it."""
    if entry.due_at and reported_at < entry.due_at <= moment and not paper:
        raise refusal(
            "paper_needed",
            clause,
            f"it was due by the end of {entry.due}, and the report that is recorded now says that it was done in time",
            f"该事项办结时限为{entry.due}，现补报称已按时办结",
            Text("name the paper of the report (document)", "请填写按时办结报告的文号"),
        )


def move_due(entry: Entry, due: date, due_at: datetime, provisional: bool, moment: datetime) -> None:
    """Move the due date to the one recomputed by its rule. An overdue mark is removed if the new date isn't past."""
    entry.due, entry.due_at, entry.provisional = due, due_at, provisional
    if moment < due_at:
        entry.overdue_at = None


def fall_overdue(entry: Entry, moment: datetime) -> bool:
    """Mark an entry past its due date as overdue, as long as nobody met it; True if it was marked now."""
    passed = entry.due_at is not None and entry.due_at <= moment
    if entry.state in ENDED or entry.met_at or entry.overdue_at or not passed:
        return False
    entry.overdue_at = moment
    return True


def meet_due(entry: Entry, at: datetime, moment: datetime) -> bool:
    """The governing due date was met at that moment, which decides whether it is late, however late it was recorded. True if
    it was late and hadn't been marked as overdue."""
    entry.met_at = at
    if entry.due_at is None:
        entry.late = None
        return False
    entry.late = entry.due_at <= at
    marked, entry.overdue_at = entry.overdue_at, (entry.overdue_at or moment) if entry.late else None
    return entry.late and marked is None


def await_date(entry: Entry) -> bool | None:
    """The result that was due is there; until when the matter is done has to be set. Whether the result was late."""
    late = entry.late
    give_due(entry, TO_BE_SET)
    entry.met_at = entry.late = entry.overdue_at = None
    return late


def unmeet_due(entry: Entry) -> None:
    """What met the due date doesn't count: the clock never stopped."""
    entry.met_at = entry.late = None


@dataclass(frozen=True)
class Thresholds:
    """The days by which a light changes: due until `soon` counts as due soon, due before `long` as long overdue."""

    soon: date
    long: date


def light_of(entry: Entry, moment: datetime, thresholds: Thresholds | None) -> Light:
    """Without thresholds a matter is never due soon nor long overdue."""
    if entry.state in ENDED:
        return Light.ended
    if entry.due is None or entry.due_at is None:
        return Light.undated
    if entry.met_at:
        return Light.overdue if entry.late else Light.in_time
    if entry.suspended:
        return Light.suspended
    if entry.due_at <= moment:
        return Light.long_overdue if thresholds and entry.due < thresholds.long else Light.overdue
    return Light.due_soon if thresholds and entry.due <= thresholds.soon else Light.in_time


@dataclass(frozen=True)
class NewDue:
    """The new due date of an entry, and its basis."""

    due: date | None
    due_at: datetime | None
    basis: DueBasis
    rule: str | None = None
    clause: str | None = None
    provisional: bool = False


TO_BE_SET = NewDue(None, None, DueBasis.to_be_set)


def give_due(entry: Entry, new: NewDue) -> None:
    entry.due, entry.due_at, entry.due_basis, entry.provisional = new.due, new.due_at, new.basis, new.provisional
    entry.due_rule, entry.due_clause = new.rule, new.clause


def due_after(entry: Entry, ledger: Ledger, said: Dated, setter: Setter = Setter.decision) -> DueBasis:
    """The basis of the due date after a correction of the source, whose own dates are stated by `setter`: its own date; else
    the rulebook's table; else the date that somebody else stated (the office, a leader); else it has to be set."""
    if said.due:
        return DueBasis(setter)
    if row_for(ledger, entry, said):
        return DueBasis.rule
    others = {DueBasis.office, DueBasis.leader} - {DueBasis(setter)}
    return entry.due_basis if entry.due_basis in others else DueBasis.to_be_set


def amend(entry: Entry, said: Said, new: NewDue, amendment: Amendment, moment: datetime) -> None:
    """Apply the corrected source to the entry: task, units, difficulty and due date. An overdue mark is removed if
    the new date isn't past. A transfer or a succession stays unless the correction names another lead, who has to accept the
    matter; so do co-units that succeeded others, or came with a matter that was merged."""
    assert said.lead, "what is supervised has a lead unit"
    changed, done = {change.field for change in amendment.changes}, {turn.act for turn in entry.course}
    entry.task, entry.difficulty = said.task, said.difficulty
    if not done & {CourseAct.succeed, CourseAct.merge} or "co_units" in changed:
        entry.co_units = list(said.co_units)
    leave_out_the_lead(entry)
    if not done & {CourseAct.transfer, CourseAct.succeed} or "lead" in changed:
        assign(entry, said.lead)
    give_due(entry, new)
    entry.amendments = [*entry.amendments, amendment]
    if new.due_at is None or moment < new.due_at:
        entry.overdue_at = None


def assign(entry: Entry, lead: Unit) -> None:
    """Give the matter to this lead unit. Another one has to accept it."""
    if lead.code != entry.lead.code:
        entry.responsible = entry.leader = None
        if entry.state in (EntryState.accepted, EntryState.refused):
            entry.state = EntryState.open
    entry.lead = lead
    leave_out_the_lead(entry)


def leave_out_the_lead(entry: Entry) -> None:
    """A unit that leads the matter isn't a co-unit as well, and owes itself nothing."""
    entry.co_units = [unit for unit in entry.co_units if unit.code != entry.lead.code]
    entry.contributions = [
        each for each in entry.contributions if each.returned_at or each.unit.code != entry.lead.code
    ]


#: How many co-units a matter has at most, as decisions and matters opened by hand have.
CO_UNITS = Bound(50, Text("a matter", "一项督查事项"), Text("keep the matters apart", "请分别督办"))


def join(entry: Entry, merged: Entry) -> None:
    """The units of a matter that is merged into this one have a part in it: its lead and co-units are co-units."""
    known = {unit.code for unit in (entry.lead, *entry.co_units)}
    more = (unit for unit in (merged.lead, *merged.co_units) if unit.code not in known)
    entry.co_units = appended(entry.co_units, *more, bound=CO_UNITS)


def revoke(entry: Entry, amendment: Amendment, moment: datetime) -> None:
    """End the entry of a revoked decision: it isn't done, and is never overdue."""
    entry.state, entry.closed_at, entry.closed_reason = EntryState.revoked, moment, amendment.reason
    entry.amendments = [*entry.amendments, amendment]
    entry.overdue_at = None

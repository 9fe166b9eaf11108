"""An absence (请销假) from request to return, and its chain of approval.

Invariants: an absence is approved only once every step of its row's chain is taken; nobody takes a step on their own
absence; an extension takes the same chain again; an official counts as present from the day of the return. Pure: no
I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from zhengling.authority.absence import Absent, StandIn, Vacancy
from zhengling.authority.chain import Course, NextStep, StepTaken
from zhengling.authority.composition import Composition, Permission, PostRole, RoleContext
from zhengling.authority.waivers import Waiver
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.kernel.states import States
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import (
    AbsenceKind,
    Duty,
    RequestRow,
)
from zhengling.rules.chains import actors_of
from zhengling.rules.vocabulary import Role, in_chinese

LONGEST = 366  # days; an absence beyond a year is a change of posts


class AbsenceState(StrEnum):
    requested = "requested"
    approved = "approved"
    refused = "refused"
    cancelled = "cancelled"
    returned = "returned"


class Action(StrEnum):
    """What can be done with an absence, as the table of transitions and refusals name it."""

    approve = "approve"
    refuse = "refuse"
    lift = "lift"
    entrust = "entrust"
    extend = "extend"
    record_return = "record_return"
    cancel = "cancel"
    record_duty = "record_duty"


_REQUESTED, _APPROVED = AbsenceState.requested, AbsenceState.approved
#: The states in which an action is possible. Approval, refusal and waiver concern the extension if one is pending.
TRANSITIONS: dict[Action, tuple[AbsenceState, ...]] = {
    Action.approve: (_REQUESTED, _APPROVED),
    Action.refuse: (_REQUESTED, _APPROVED),
    Action.lift: (_REQUESTED, _APPROVED),
    Action.entrust: (_APPROVED,),
    Action.extend: (_APPROVED,),
    Action.record_return: (_APPROVED,),
    Action.cancel: (_REQUESTED, _APPROVED),
    Action.record_duty: (_REQUESTED, _APPROVED, AbsenceState.returned),
}
STATES = States(
    {
        AbsenceState.requested: "待批",
        AbsenceState.approved: "已批准",
        AbsenceState.refused: "未批准",
        AbsenceState.cancelled: "已取消",
        AbsenceState.returned: "已销假",
    }
)


@dataclass(frozen=True)
class DutyDone:
    duty: Duty
    when: str
    official: str
    occurred_at: datetime
    note: str = ""


@dataclass(frozen=True)
class Extension:
    """A request to stay away longer; it takes the same chain and the same limits as the absence itself."""

    until: date
    reason: str
    requested_by: str
    requested_at: datetime
    steps: tuple[StepTaken, ...] = ()
    exception: str = ""
    outcome: AbsenceState = AbsenceState.requested
    closed_reason: str = ""


@dataclass
class Absence:
    """`asks_as` is the role that selected the rulebook's row; `away_until` the current last day of the absence."""

    id: str
    government: str
    edition: str
    official: str
    asks_as: Role
    organisation: str | None
    clause: str
    kind: AbsenceKind
    since: date
    until: date
    away_until: date
    reason: str
    destination: str
    contact: str
    requested_by: str
    requested_at: datetime
    recorded_at: datetime
    notice_due: date | None = None
    exception: str = ""
    state: AbsenceState = AbsenceState.requested
    steps: list[StepTaken] = field(default_factory=list)
    lifts: list[Waiver] = field(default_factory=list)
    stand_ins: list[StandIn] = field(default_factory=list)
    vacancies: list[Vacancy] = field(default_factory=list)
    duties_done: list[DutyDone] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    approved_at: datetime | None = None
    returned_on: date | None = None
    closed_reason: str = ""
    version: int = 1
    modified_at: datetime | None = None

    @property
    def extension(self) -> Extension | None:
        """The pending extension; None if there is none."""
        last = self.extensions[-1] if self.extensions else None
        return last if last and last.outcome == AbsenceState.requested else None

    @property
    def asked_until(self) -> date:
        """The last day of what is requested now: the absence, or its pending extension."""
        return self.extension.until if self.extension else self.until

    @property
    def taken(self) -> Sequence[StepTaken]:
        """The steps taken on what is requested now."""
        return self.extension.steps if self.extension else self.steps


# rules and period ------------------------------------------------------------------------------------------------------
def rules_of(rules: Rules | None, government: str, name: str) -> Rules:
    if rules:
        return rules
    raise Problem(
        409,
        "no_absence_rules",
        Text(f"{government} has no absence.yaml", f"{name}没有请销假规则"),
        Text("add the section absence to its rulebook", "请在规则库中补充请销假章节"),
    )


def row_for(rules: Rules, composition: Composition, official: str, on: date) -> tuple[Role, RequestRow]:
    """The first row for a role that the official has on that day. 409 `not_regulated` where there is none."""
    for row in rules.requests:
        for role in row.who:
            if official in composition.holders(role, on):
                return role, row
    name = composition.official_names.get(official, official)
    known = [role for row in rules.requests for role in row.who]
    raise refusal(
        "not_regulated",
        rules.requests[0].clause,
        f"the rules of absence don't cover the post of {name}",
        f"请销假规则未涉及{name}的职务",
        Text(f"they cover {', '.join(known)}", f"规则涉及：{in_chinese(*known)}"),
    )


def row_of(rules: Rules, absence: Absence) -> RequestRow:
    row = rules.row_of(absence.asks_as)
    assert row, f"an edition's rows don't change: {absence.asks_as}"
    return row


def organisation_of(composition: Composition, official: str, on: date) -> str | None:
    """The organisation whose principal the official is; its leader in charge is asked. None for others."""
    posts = (p for p in composition.posts if p.official == official and p.role == PostRole.principal and p.holds(on))
    return next((post.organisation for post in posts), None)


def require_period(since: date, until: date) -> None:
    """422 `until_before_since`, `too_long`."""
    if until < since:
        raise invalid(
            "until_before_since", f"until {until} is before since {since}", f"返回日{until}不得早于出发日{since}"
        )
    if (until - since).days >= LONGEST:
        raise invalid("too_long", f"an absence lasts at most {LONGEST} days", f"一次请假不超过{LONGEST}天")


def require_beforehand(row: RequestRow, since: date, requested_on: date) -> None:
    """409 `not_beforehand` where somebody has to agree: that is asked before the departure. What nobody agrees to is put on
    record, if need be later; a period of notice is a limit of its own, which may be waived."""
    if row.ask and row.notice is None and requested_on > since:
        raise refusal(
            "not_beforehand",
            row.clause,
            f"requested on {requested_on} for a departure on {since}",
            f"拟于{since}外出，请假日期为{requested_on}，未事先请假",
            Text(
                "request it before the departure; state the time of the request in occurred_at",
                "须事先请假；请如实填写请假时间",
            ),
        )


def require_may_ask(
    composition: Composition, asker: str | None, official: str, organisation: str | None, on: date, clause: str
) -> None:
    """403 `not_the_asker` unless the caller is the official, of the office, or of the official's own department."""
    if asker is not None and asker == official:
        return
    roles = (Role.office, Role.sponsor) if organisation else (Role.office,)
    composition.require(
        asker,
        on,
        Permission(
            actors_of(roles),
            Text("see to this absence", "代办该请假事项"),
            code="not_the_asker",
            clause=clause,
            context=RoleContext(sponsor=organisation),
        ),
    )


# the chain ----------------------------------------------------------------------------------------------------------
def course_of(absence: Absence, row: RequestRow) -> Course:
    """The chain of what is requested now, as far as it is taken."""
    context = RoleContext(sponsor=absence.organisation)
    return Course(row.chain, absence.taken, context=context, code="not_the_approver")


def require_part(absence: Absence, row: RequestRow, composition: Composition, official: str | None, on: date) -> None:
    """403 `not_the_approver` for who takes no step of the chain of what is requested; the absent official has another
    refusal (`require_answerer`)."""
    if official is None or official != absence.official:
        course_of(absence, row).require_part(official, on, composition)


def require_act(absence: Absence, act: Action) -> None:
    """409 `illegal_state` unless the action is possible in the absence's state."""
    STATES.require(absence.state, TRANSITIONS[act], Text("the absence", "该请假"), absence.clause)


def require_asked(absence: Absence) -> None:
    """409 `nothing_is_asked` if an approved absence has no pending extension."""
    if absence.state == AbsenceState.approved and absence.extension is None:
        raise refusal(
            "nothing_is_asked",
            absence.clause,
            "the absence is already approved, and no extension is pending",
            "该请假已批准，且无待批的续假",
            Text("request an extension first", "如需续假，请先提出"),
        )


def require_not_before(absence: Absence, occurred_at: datetime) -> None:
    """409 `before_the_request` if the action is dated before the request."""
    asked_at = absence.extension.requested_at if absence.extension else absence.requested_at
    if occurred_at < asked_at:
        raise refusal(
            "before_the_request",
            absence.clause,
            f"the action can't be earlier than the request, {asked_at.isoformat()}",
            "办理时间不得早于提出请假的时间",
            Text("state a time after the request", "请填写提出请假之后的时间"),
        )


def own_absence(absence: Absence) -> Problem:
    return Problem(
        403,
        "own_absence",
        Text(
            "an official can't answer their own request, nor as a stand-in for the absent official",
            "不得审批本人的请假，也不得代请假人审批",
        ),
        Text("have the holder of that post answer it in person", "请由该职务的任职人员本人审批"),
        absence.clause,
    )


def require_answerer(absence: Absence, row: RequestRow, official: str | None) -> NextStep:
    """The next step, if the official isn't the absent one. 403 `own_absence`; 409 `nothing_is_asked`."""
    require_asked(absence)
    if official is not None and official == absence.official:
        raise own_absence(absence)
    if due := course_of(absence, row).next():
        return due
    raise refusal(
        "nothing_is_asked",
        row.clause,
        "every step is taken; only a limit that isn't waived remains",
        "各环节均已办结，尚有限制事项未准予例外",
        Text("have the limit waived", "请先准予例外"),
    )


def take_step(absence: Absence, taken: StepTaken) -> None:
    """Add a taken step to what is requested now."""
    if asked := absence.extension:
        _replace_extension(absence, steps=(*asked.steps, taken))
    else:
        absence.steps = [*absence.steps, taken]


def complete(absence: Absence, row: RequestRow, occurred_at: datetime) -> bool:
    """Approve what is requested if every step is taken; True if so. The caller has checked the limits."""
    if course_of(absence, row).next():
        return False
    if extension := absence.extension:
        _replace_extension(absence, outcome=AbsenceState.approved)
        absence.until = absence.away_until = extension.until
    else:
        absence.state = AbsenceState.approved
        absence.approved_at = occurred_at
    return True


def refuse(absence: Absence, reason: str) -> bool:
    """Refuse what is requested; True if it was an extension."""
    if absence.extension:
        _replace_extension(absence, outcome=AbsenceState.refused, closed_reason=reason)
        return True
    absence.state, absence.closed_reason = AbsenceState.refused, reason
    return False


def _replace_extension(absence: Absence, **changes: object) -> None:
    last = absence.extensions[-1]
    values = {name: getattr(last, name) for name in last.__dataclass_fields__} | changes
    absence.extensions = [*absence.extensions[:-1], Extension(**values)]


def ask_extension(absence: Absence, extension: Extension) -> None:
    """Request an extension, before or during the absence. 409 `extension_under_way`, `over_already`; 422
    `until_not_later`, `too_long`."""
    require_act(absence, Action.extend)
    if absence.extension:
        raise refusal(
            "extension_under_way",
            absence.clause,
            f"an extension until {absence.extension.until} is already pending",
            f"已有至{absence.extension.until}的续假待批",
            Text("have that one answered first", "请先办结该续假"),
        )
    if shanghai_day(extension.requested_at) > absence.until:
        raise refusal(
            "over_already",
            absence.clause,
            f"the absence ended on {absence.until}",
            f"该请假已于{absence.until}届满",
            Text("record the return; request another absence for further days", "请先登记销假，需再次外出的另行请假"),
        )
    if extension.until <= absence.until:
        raise invalid(
            "until_not_later",
            f"the absence already lasts until {absence.until}",
            f"续假截止日须晚于原请假截止日{absence.until}",
        )
    require_period(absence.since, extension.until)
    absence.extensions = [*absence.extensions, extension]


# the return ---------------------------------------------------------------------------------------------------------
def come_back(absence: Absence, returned_on: date) -> None:
    """Record the return; the days from then on aren't part of the absence. 409 `not_away_yet`."""
    require_act(absence, Action.record_return)
    if returned_on < absence.since:
        raise refusal(
            "not_away_yet",
            absence.clause,
            f"the absence begins on {absence.since}",
            f"该请假自{absence.since}起，尚未外出",
            Text("cancel it instead", "请改为取消请假"),
        )
    if absence.extension:
        _replace_extension(absence, outcome=AbsenceState.cancelled)
    absence.state, absence.returned_on = AbsenceState.returned, returned_on
    absence.away_until = min(absence.until, returned_on - timedelta(days=1))


def cancel(absence: Absence, reason: str, on: date) -> bool:
    """Cancel before it begins; True if it had been approved. 409 `has_begun`."""
    require_act(absence, Action.cancel)
    was_approved = absence.state == AbsenceState.approved
    if was_approved and on >= absence.since:
        raise refusal(
            "has_begun",
            absence.clause,
            f"the absence has begun on {absence.since}",
            f"该请假已于{absence.since}开始",
            Text("record the return instead", "请改为登记销假"),
        )
    absence.state, absence.closed_reason = AbsenceState.cancelled, reason
    return was_approved


def absent_of(absence: Absence) -> Absent:
    """The absence in the form of events and replicas."""
    return Absent(
        absence_id=absence.id,
        official=absence.official,
        absence_kind=absence.kind,
        since=absence.since,
        until=absence.away_until,
        clause=absence.clause,
        stand_ins=tuple(absence.stand_ins),
        vacancies=tuple(absence.vacancies),
    )

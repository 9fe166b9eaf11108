"""An absence (请销假) from its request to the return: the chain that is asked, the limits, who stands in.

Invariants: an absence is approved only once every step of its row's chain was taken and every limit it breaches was
lifted by who may; nobody takes a step on an absence of their own; days are counted only for what was approved. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from zhengling.absence_rules import (
    Absence as Rules,
)
from zhengling.absence_rules import (
    AbsenceKind,
    Ask,
    AskStep,
    Basis,
    Duty,
    LimitName,
    RequestRow,
    Substitution,
)
from zhengling.authority import Absent, Acting, Composition, PostRole, StandIn, Vacancy
from zhengling.deadlines import shanghai_day
from zhengling.errors import Problem, Text, invalid, refusal
from zhengling.rulebook import Actor, Role, in_chinese

LONGEST = 366  # days; an absence beyond a year is a change of posts


class AbsenceState(StrEnum):
    requested = "requested"
    approved = "approved"
    refused = "refused"
    cancelled = "cancelled"
    returned = "returned"


class Act(StrEnum):
    """What can be done with an absence, as transitions and refusals name it."""

    approve = "approve"
    refuse = "refuse"
    lift = "lift"
    entrust = "entrust"
    extend = "extend"
    record_return = "record_return"
    cancel = "cancel"
    record_duty = "record_duty"


_REQUESTED, _APPROVED = AbsenceState.requested, AbsenceState.approved
#: In which states an act is possible. Approving, refusing and lifting mean the extension where one is asked for.
TRANSITIONS: dict[Act, tuple[AbsenceState, ...]] = {
    Act.approve: (_REQUESTED, _APPROVED),
    Act.refuse: (_REQUESTED, _APPROVED),
    Act.lift: (_REQUESTED, _APPROVED),
    Act.entrust: (_APPROVED,),
    Act.extend: (_APPROVED,),
    Act.record_return: (_APPROVED,),
    Act.cancel: (_REQUESTED, _APPROVED),
    Act.record_duty: (_REQUESTED, _APPROVED, AbsenceState.returned),
}
_STATES_ZH = {
    AbsenceState.requested: "待批",
    AbsenceState.approved: "已批准",
    AbsenceState.refused: "未批准",
    AbsenceState.cancelled: "已取消",
    AbsenceState.returned: "已销假",
}


@dataclass(frozen=True)
class Approval:
    """A step of the chain that was taken; for whoever is away, on whose behalf and by which clause."""

    step: AskStep
    role: Role
    official: str
    occurred_at: datetime
    recorded_at: datetime
    opinion: str = ""
    on_behalf_of: str | None = None
    under: str | None = None


@dataclass(frozen=True)
class Lift:
    """A limit that somebody let be for these days, with a reason."""

    limit: LimitName
    since: date
    until: date
    clause: str
    official: str
    reason: str
    occurred_at: datetime
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class DutyDone:
    duty: Duty
    when: str
    official: str
    occurred_at: datetime
    note: str = ""


@dataclass(frozen=True)
class Extension:
    """Staying longer, as asked for; it takes the same chain and the same limits as the absence itself."""

    until: date
    reason: str
    requested_by: str
    requested_at: datetime
    steps: tuple[Approval, ...] = ()
    exception: str = ""
    outcome: AbsenceState = AbsenceState.requested
    closed_reason: str = ""


@dataclass
class Absence:
    """`asks_as` is the role by which the rulebook's row was found; `away_until` the last day away as it stands."""

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
    steps: list[Approval] = field(default_factory=list)
    lifts: list[Lift] = field(default_factory=list)
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
        """The extension that is asked for and not decided yet."""
        last = self.extensions[-1] if self.extensions else None
        return last if last and last.outcome == AbsenceState.requested else None

    @property
    def asked_until(self) -> date:
        """The last day of what is being asked for."""
        return self.extension.until if self.extension else self.until

    @property
    def taken(self) -> Sequence[Approval]:
        """The steps taken of what is being asked for."""
        return self.extension.steps if self.extension else self.steps


@dataclass(frozen=True)
class Away:
    """An approved absence of somebody, as the limits count it."""

    official: str
    since: date
    until: date


@dataclass(frozen=True)
class Breach:
    """A limit that an absence doesn't keep: on which days, because of whom, and who may let it be."""

    limit: LimitName
    clause: str
    first: date
    last: date
    lift: tuple[Role, ...]
    because_of: tuple[Away, ...] = ()
    at_most: int | None = None
    due: date | None = None


# what is asked ------------------------------------------------------------------------------------------------------
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
    """The first row that speaks of a role of the official's on that day. 409 `not_regulated` where none does."""
    for row in rules.requests:
        for role in row.who:
            if official in composition.holders(role, on):
                return role, row
    name = composition.official_names.get(official, official)
    known = [role for row in rules.requests for role in row.who]
    raise refusal(
        "not_regulated",
        rules.requests[0].clause,
        f"the rules of absence don't speak of {name}'s post",
        f"请销假规则未涉及{name}的职务",
        Text(f"they speak of {', '.join(known)}", f"规则涉及：{in_chinese(*known)}"),
    )


def row_of(rules: Rules, absence: Absence) -> RequestRow:
    row = rules.row_of(absence.asks_as)
    assert row, f"an edition's rows don't change: {absence.asks_as}"
    return row


def organisation_of(composition: Composition, official: str, on: date) -> str | None:
    """The organisation whose principal the official is: whose leader in charge is asked."""
    posts = (p for p in composition.posts if p.official == official and p.role == PostRole.principal and p.holds(on))
    return next((post.organisation for post in posts), None)


def require_period(since: date, until: date, requested_on: date, clause: str) -> None:
    """422 `until_before_since`, `too_long`; 409 `not_beforehand`: whoever goes away asks before."""
    if until < since:
        raise invalid(
            "until_before_since", f"until {until} lies before since {since}", f"返回日{until}早于出发日{since}"
        )
    if (until - since).days >= LONGEST:
        raise invalid("too_long", f"an absence lasts at most {LONGEST} days", f"一次请假不超过{LONGEST}天")
    if requested_on > since:
        raise refusal(
            "not_beforehand",
            clause,
            f"asked on {requested_on} for a departure on {since}",
            f"{since}外出，{requested_on}才请假",
            Text("ask before the departure; state in occurred_at when it was asked", "须事先请假；请如实填写请假时间"),
        )


def require_no_overlap(composition: Composition, absence: Absence, own: Sequence[Away]) -> None:
    """409 `overlaps` where the same official has asked for, or has, one of these days already."""
    if clash := next((other for other in own if other.official == absence.official), None):
        name = composition.official_names.get(absence.official, absence.official)
        raise refusal(
            "overlaps",
            absence.clause,
            f"{name} has an absence from {clash.since} to {clash.until}",
            f"{name}已有{clash.since}至{clash.until}的请假",
            Text("extend or cancel that one, or choose other days", "请对原请假办理续假或取消，或另选日期"),
            away=_told(composition, [clash]),
        )


def require_may_ask(
    composition: Composition, asker: str | None, official: str, organisation: str | None, on: date, clause: str
) -> None:
    """403 `not_the_asker` unless one asks for oneself, or is of the office or of that one's own department."""
    if asker is not None and asker == official:
        return
    composition.require(
        asker,
        (Actor(role=Role.office), Actor(role=Role.sponsor)),
        on,
        {},
        Text("see to this absence", "代办该请假事项"),
        code="not_the_asker",
        clause=clause,
        sponsor=organisation,
    )


# limits -------------------------------------------------------------------------------------------------------------
def breaches_of(
    rules: Rules, composition: Composition, official: str, since: date, until: date, others: Sequence[Away]
) -> list[Breach]:
    """The limits that the official's being away on these days breaks, given who else is away by then; per limit once,
    with its first and last day."""
    others = [o for o in others if o.official != official and o.since <= until and since <= o.until]
    if not others:
        return []
    found = []
    for limit in rules.limits:
        days: list[date] = []
        because_of: dict[Away, None] = {}
        day = since
        while day <= until:
            away = [other for other in others if other.since <= day <= other.until]
            against = _against(limit.limit, limit.at_most, limit.of, composition, official, day, away) if away else []
            if against:
                days.append(day)
                because_of |= dict.fromkeys(against)
            day += timedelta(days=1)
        if days:
            found.append(
                Breach(limit.limit, limit.clause, days[0], days[-1], limit.lift, tuple(because_of), limit.at_most)
            )
    return found


def _against(
    limit: LimitName,
    at_most: int | None,
    of: tuple[Role, ...],
    composition: Composition,
    official: str,
    day: date,
    away: list[Away],
) -> list[Away]:
    """Those whose being away on that day forbids the official's."""
    group = composition.members(of, day)
    if official not in group:
        return []
    if limit == LimitName.pair:
        partner = composition.partner(official, day)
        return [other for other in away if other.official == partner and partner in group]
    of_group = [other for other in away if other.official in group]
    return of_group if at_most is not None and len({other.official for other in of_group}) >= at_most else []


def notice_breach(row: RequestRow, absence: Absence) -> list[Breach]:
    """The breach of the period of notice, where one is asked for and wasn't kept. It counts from the departure: an
    extension has none."""
    due = absence.notice_due
    if row.notice is None or due is None or absence.extension or shanghai_day(absence.requested_at) <= due:
        return []
    return [Breach(LimitName.notice, absence.clause, absence.since, absence.until, row.notice.admit, due=due)]


def standing(absence: Absence, found: Sequence[Breach]) -> list[Breach]:
    """Those breaches that nobody has lifted for all their days."""
    return [
        breach
        for breach in found
        if not any(
            lift.limit == breach.limit and lift.since <= breach.first and breach.last <= lift.until
            for lift in absence.lifts
        )
    ]


_CODES = {
    LimitName.notice: "notice_too_short",
    LimitName.pair: "pair_away_together",
    LimitName.at_once: "too_many_away",
}


def refuse_breaches(composition: Composition, absence: Absence, found: Sequence[Breach], *, asked: bool) -> None:
    """Refuse for the first of the breaches: 409 `notice_too_short`, `pair_away_together`, `too_many_away`, naming who is
    away when and who may let it be. `asked`: the request is there; else it may ask for the exception."""
    if not found:
        return
    breach = found[0]
    en, zh = _says(composition, absence, breach)
    lifters = " or ".join(breach.lift)
    if not breach.lift:
        satisfy = Text("choose other days: nobody may let it be", "请另选日期：无人可准予例外")
    elif asked:
        satisfy = Text(
            f"choose other days, or have {lifters} lift the limit with a reason",
            f"请另选日期，或由{in_chinese(*breach.lift)}说明理由后准予例外",
        )
    else:
        satisfy = Text(
            f"choose other days, or state in `exception` why {lifters} should let it be",
            f"请另选日期，或说明例外理由，报{in_chinese(*breach.lift)}准予",
        )
    extra: dict[str, object] = {"limit": breach.limit, "days": [str(breach.first), str(breach.last)]}
    if breach.due:
        extra["due"] = str(breach.due)
    raise refusal(
        _CODES[breach.limit],
        breach.clause,
        en,
        zh,
        satisfy,
        **extra,
        away=_told(composition, breach.because_of),
        also=[other.limit for other in found[1:]],
    )


def _says(composition: Composition, absence: Absence, breach: Breach) -> Text:
    name = composition.official_names.get(absence.official, absence.official)
    who = composition.names(other.official for other in breach.because_of)
    spans = [f"{n} ({o.since} to {o.until})" for n, o in zip(who, breach.because_of, strict=True)]
    spans_zh = [f"{n}（{o.since}至{o.until}）" for n, o in zip(who, breach.because_of, strict=True)]
    days = f"from {breach.first} to {breach.last}" if breach.first != breach.last else f"on {breach.first}"
    days_zh = f"{breach.first}至{breach.last}" if breach.first != breach.last else f"{breach.first}"
    if breach.limit == LimitName.notice:
        return Text(
            f"{name} leaves on {absence.since}: the request was due on {breach.due}",
            f"{name}拟于{absence.since}外出，应于{breach.due}前请假",
        )
    if breach.limit == LimitName.pair:
        return Text(
            f"{name} and {', '.join(spans)} are an A/B pair: {days} both would be away",
            f"{name}与{'、'.join(spans_zh)}互为AB角，{days_zh}将同时外出",
        )
    return Text(
        f"{days} {len(set(who))} are away already, at most {breach.at_most} may be: {', '.join(spans)}",
        f"{days_zh}已有{len(set(who))}人外出，同时外出不得超过{breach.at_most}人：{'、'.join(spans_zh)}",
    )


def _told(composition: Composition, away: Sequence[Away]) -> list[dict[str, str]]:
    return [
        {
            "official": other.official,
            "name": composition.official_names.get(other.official, other.official),
            "since": other.since.isoformat(),
            "until": other.until.isoformat(),
        }
        for other in away
    ]


def lift(
    absence: Absence,
    composition: Composition,
    found: Sequence[Breach],
    limit: LimitName,
    official: str | None,
    reason: str,
    occurred_at: datetime,
    on: date,
) -> Acting:
    """Let a limit be for the days asked for. 403 `not_the_lifter`; 409 `nothing_to_lift`."""
    require_act(absence, Act.lift)
    require_asked(absence)
    breach = next((b for b in standing(absence, found) if b.limit == limit), None)
    if breach is None:
        raise refusal(
            "nothing_to_lift",
            absence.clause,
            f"the limit {limit} doesn't stand against this absence",
            "该请假未触及此项限制",
            Text("approve it, or lift what stands against it", "可直接审批，或对确有触及的限制准予例外"),
        )
    acting = composition.require(
        official,
        tuple(Actor(role=role) for role in breach.lift),
        on,
        {},
        Text(f"lift the limit {limit}", "准予例外"),
        code="not_the_lifter",
        clause=breach.clause,
    )
    if acting.on_behalf_of and official == absence.official:
        raise own_absence(absence)
    absence.lifts = [
        *absence.lifts,
        Lift(
            limit,
            absence.since,
            absence.asked_until,
            breach.clause,
            official or "",
            reason,
            occurred_at,
            acting.on_behalf_of,
        ),
    ]
    return acting


# the chain ----------------------------------------------------------------------------------------------------------
def next_ask(asks: Sequence[Ask], taken: Sequence[Approval]) -> tuple[Ask, tuple[Role, ...]] | None:
    """The first step that isn't done, with the roles that it still needs (any of them, or all); None where all is."""
    left = [approval.role for approval in taken]
    for ask in asks:
        open_roles = list(ask.by)
        while left and open_roles and left[0] in open_roles:
            open_roles.remove(left.pop(0))
            if ask.need == "any":
                open_roles = []
        if open_roles:
            return ask, tuple(open_roles)
    return None


def require_act(absence: Absence, act: Act) -> None:
    """409 `illegal_state` unless the act is possible in the state that the absence is in."""
    allowed = TRANSITIONS[act]
    if absence.state not in allowed:
        raise refusal(
            "illegal_state",
            absence.clause,
            f"the absence is {absence.state}",
            f"该请假当前为“{_STATES_ZH[absence.state]}”",
            Text(f"it has to be {' or '.join(allowed)}", f"须处于“{'”或“'.join(_STATES_ZH[s] for s in allowed)}”"),
            state=str(absence.state),
        )


def require_asked(absence: Absence) -> None:
    """409 `nothing_is_asked` where an approved absence has no extension under way."""
    if absence.state == AbsenceState.approved and absence.extension is None:
        raise refusal(
            "nothing_is_asked",
            absence.clause,
            "the absence is approved and no extension is asked for",
            "该请假已批准，且无待批的续假",
            Text("ask for an extension first", "如需续假，请先提出"),
        )


def require_not_before(absence: Absence, occurred_at: datetime) -> None:
    """409 `before_the_request`: what is done about a request comes after it."""
    asked_at = absence.extension.requested_at if absence.extension else absence.requested_at
    if occurred_at < asked_at:
        raise refusal(
            "before_the_request",
            absence.clause,
            f"that can't have occurred before the request, {asked_at.isoformat()}",
            "时间不能早于提出请假的时间",
            Text("state when it occurred, after the request", "请填写提出请假之后的时间"),
        )


def own_absence(absence: Absence) -> Problem:
    return Problem(
        403,
        "own_absence",
        Text("nobody answers a request of their own, nor for somebody they stand in for", "不能审批本人的请假"),
        Text("have the one whose post it is answer it, away or not", "请由该职务的任职人员本人审批"),
        absence.clause,
    )


def answerer(
    absence: Absence, row: RequestRow, composition: Composition, official: str | None, on: date
) -> tuple[Ask, Acting]:
    """By what the official may answer what is asked now. 403 `not_the_approver`, `own_absence`; 409
    `nothing_is_asked`."""
    require_asked(absence)
    if official is not None and official == absence.official:
        raise own_absence(absence)
    due = next_ask(row.ask, absence.taken)
    if due is None:
        raise refusal(
            "nothing_is_asked",
            row.clause,
            "every step was taken; a limit stands against it",
            "各环节均已办结，仅受限制未准予例外",
            Text("have the limit lifted", "请先准予例外"),
        )
    ask, roles = due
    acting = composition.require(
        official,
        tuple(Actor(role=role) for role in roles),
        on,
        {},
        Text(f"answer this request ({ask.step})", f"办理该请假的“{in_chinese(ask.step)}”"),
        code="not_the_approver",
        clause=ask.clause or row.clause,
        sponsor=absence.organisation,
    )
    return ask, acting


def take_step(absence: Absence, approval: Approval) -> None:
    """Add a step that was taken to what is being asked for."""
    if asked := absence.extension:
        _replace_extension(absence, steps=(*asked.steps, approval))
    else:
        absence.steps = [*absence.steps, approval]


def complete(absence: Absence, row: RequestRow, found: Sequence[Breach], occurred_at: datetime) -> bool:
    """Approve what is asked for once nothing is open any more; True where that was so."""
    if next_ask(row.ask, absence.taken) or standing(absence, found):
        return False
    if extension := absence.extension:
        _replace_extension(absence, outcome=AbsenceState.approved)
        absence.until = absence.away_until = extension.until
    else:
        absence.state = AbsenceState.approved
        absence.approved_at = occurred_at
    return True


def refuse(absence: Absence, reason: str) -> bool:
    """Refuse what is asked for; True where it was an extension."""
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
    """Ask for staying longer. 409 `extension_under_way`; 422 `until_not_later`, `too_long`."""
    require_act(absence, Act.extend)
    if absence.extension:
        raise refusal(
            "extension_under_way",
            absence.clause,
            f"an extension until {absence.extension.until} waits for its answer",
            f"已有至{absence.extension.until}的续假待批",
            Text("have that one answered first", "请先办结该续假"),
        )
    if extension.until <= absence.until:
        raise invalid(
            "until_not_later", f"the absence lasts until {absence.until} already", f"原请假已至{absence.until}"
        )
    require_period(absence.since, extension.until, absence.since, absence.clause)
    absence.extensions = [*absence.extensions, extension]


# standing in --------------------------------------------------------------------------------------------------------
def _rows_for(rules: Rules, composition: Composition, absence: Absence, on: date) -> list[Substitution]:
    return [
        row
        for row in rules.substitution
        if absence.kind in row.kinds and absence.official in composition.members(row.of, on)
    ]


def _candidates(row: Substitution, composition: Composition, official: str, on: date) -> tuple[str, ...]:
    if row.partner:
        partner = composition.partner(official, on)
        return (partner,) if partner else ()
    return tuple(other for other in composition.members(row.by, on) if other != official)


def settle_stand_ins(absence: Absence, rules: Rules, composition: Composition) -> None:
    """Who stands in by the rule itself, and who might once it is recorded; as of the day of departure."""
    stand_ins, vacancies = [], []
    for row in _rows_for(rules, composition, absence, absence.since):
        candidates = _candidates(row, composition, absence.official, absence.since)
        if row.basis != Basis.rule:
            vacancies.append(Vacancy(candidates=candidates, acts=row.acts, clause=row.clause, basis=row.basis))
            continue
        stand_ins += [
            StandIn(official=other, acts=row.acts, clause=row.clause, basis=row.basis) for other in candidates
        ]
    absence.stand_ins, absence.vacancies = stand_ins, vacancies


def entrust(
    absence: Absence,
    rules: Rules,
    composition: Composition,
    official: str | None,
    to: str,
    reason: str,
    on: date,
) -> None:
    """Record that somebody stands in, in every power that the rules let this one be entrusted with; whoever stood in
    there before no longer does. 403 `not_the_one_to_decide`; 409 `cannot_stand_in`."""
    require_act(absence, Act.entrust)
    recordable = [
        (row, _candidates(row, composition, absence.official, absence.since))
        for row in _rows_for(rules, composition, absence, absence.since)
        if row.basis != Basis.rule
    ]
    name = composition.official_names.get(to, to)
    who = composition.names(dict.fromkeys(other for _, candidates in recordable for other in candidates))
    rows = [row for row, candidates in recordable if to in candidates]
    if not rows:
        raise refusal(
            "cannot_stand_in",
            recordable[0][0].clause if recordable else absence.clause,
            f"{name} can't be recorded as standing in for {composition.official_names[absence.official]}",
            f"{name}不能登记为{composition.official_names[absence.official]}的代行人",
            Text(
                f"one of: {', '.join(who) or 'nobody, the rule itself says who'}",
                f"可登记：{'、'.join(who) or '无，由规则直接确定'}",
            ),
        )
    for row in rows:
        act = Text(f"decide who stands in ({row.basis})", f"确定代行人（{in_chinese(row.basis)}）")
        actors = tuple(Actor(role=role) for role in row.recorded_by)
        composition.require(official, actors, on, {}, act, code="not_the_one_to_decide", clause=row.clause)
        kept = []
        for other in absence.stand_ins:
            acts = tuple(power for power in other.acts if power not in row.acts)
            kept += [other.model_copy(update={"acts": acts})] if acts else []
        new = StandIn(
            official=to, acts=row.acts, clause=row.clause, basis=row.basis, decided_by=official, reason=reason
        )
        absence.stand_ins = [*kept, new]


# the return ---------------------------------------------------------------------------------------------------------
def come_back(absence: Absence, returned_on: date) -> None:
    """Record the return: the days from it on are free again. 409 `not_away_yet`."""
    require_act(absence, Act.record_return)
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
    """Cancel before it begins; True where it had been approved. 409 `has_begun`."""
    require_act(absence, Act.cancel)
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
    """The absence as events and replicas carry it."""
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


# what goes with it --------------------------------------------------------------------------------------------------
class DutyState(StrEnum):
    open = "open"
    done = "done"
    late = "late"


@dataclass(frozen=True)
class DutyStanding:
    """How a duty stands: done in time, done or still open late, or open."""

    duty: Duty
    when: str
    clause: str
    state: DutyState
    done: DutyDone | None


def duties_of(row: RequestRow, absence: Absence, on: date) -> list[DutyStanding]:
    """The duties of the row; one that comes before the departure is late once that has passed without it."""
    found = []
    for wanted in row.duties:
        done = next((d for d in absence.duties_done if (d.duty, d.when) == (wanted.duty, wanted.when)), None)
        state = DutyState.done if done else DutyState.open
        day = shanghai_day(done.occurred_at) if done else on
        if wanted.when == "before" and day > absence.since:
            state = DutyState.late
        found.append(DutyStanding(wanted.duty, wanted.when, wanted.clause or row.clause, state, done))
    return found


def record_duty(
    absence: Absence, row: RequestRow, composition: Composition, official: str | None, done: DutyDone, on: date
) -> None:
    """Record that a duty was done. 409 `no_such_duty`, `done_already`; 403 `not_the_recorder`."""
    require_act(absence, Act.record_duty)
    wanted = next((d for d in row.duties if (d.duty, d.when) == (done.duty, done.when)), None)
    if wanted is None:
        known = [f"{d.duty} {d.when}" for d in row.duties]
        raise refusal(
            "no_such_duty",
            row.clause,
            f"{done.duty} {done.when} isn't asked for here",
            "规则未要求此事项",
            Text(f"asked for: {', '.join(known) or 'nothing'}", f"要求的事项：{'、'.join(known) or '无'}"),
        )
    if any((d.duty, d.when) == (done.duty, done.when) for d in absence.duties_done):
        raise refusal(
            "done_already",
            row.clause,
            "that is recorded as done",
            "该事项已登记",
            Text("nothing more is asked for", "无需重复登记"),
        )
    if official is None or official != absence.official:
        composition.require(
            official,
            tuple(Actor(role=role) for role in wanted.by),
            on,
            {},
            Text("record this", "登记该事项"),
            code="not_the_recorder",
            clause=wanted.clause or row.clause,
        )
    absence.duties_done = [*absence.duties_done, done]

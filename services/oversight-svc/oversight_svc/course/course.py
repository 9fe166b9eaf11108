"""The course of a matter: who may do what with it, in which state, and what follows.

Invariants: one table of transitions; each act is kept with who did it, on whose behalf and when; what is reported as done is
closed only after it was verified; an act of the past is never before the one that it follows. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from oversight_svc.entry.entry import (
    ENDED,
    RUNNING,
    STATES,
    Contribution,
    Entry,
    EntryState,
    Quality,
    Turn,
    assign,
    leave_out_the_lead,
    unmeet_due,
)
from oversight_svc.part.part import DONE, not_yet
from oversight_svc.source.source import Source
from zhengling.authority.approvals import Approval
from zhengling.authority.composition import Acting, Among, Composition, OrganisationKind, Permission, RoleContext
from zhengling.events.meeting import Unit
from zhengling.kernel.bounds import Bound, appended
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.kernel.instants import require_not_before, shanghai_day
from zhengling.rules.absences import Power
from zhengling.rules.chains import actors_of
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import CourseAct, FeedbackRow, Right
from zhengling.rules.vocabulary import CHINESE, InstructionKind, Role, glossary, in_chinese

_OPEN, _ACCEPTED, _REFUSED = EntryState.open, EntryState.accepted, EntryState.refused
_REPORTED, _VERIFIED, _CLOSED = EntryState.reported, EntryState.verified, EntryState.closed


class Transition(NamedTuple):
    """In which states an act is possible, and the state that follows; None where it stays."""

    among: tuple[EntryState, ...]
    to: EntryState | None


TRANSITIONS: dict[CourseAct, Transition] = {
    CourseAct.accept: Transition((_OPEN,), _ACCEPTED),
    CourseAct.refuse: Transition((_OPEN,), _REFUSED),
    CourseAct.transfer: Transition((_OPEN, _ACCEPTED, _REFUSED), _OPEN),
    CourseAct.progress: Transition((_ACCEPTED,), None),
    CourseAct.contribute: Transition((_ACCEPTED, _REPORTED), None),
    CourseAct.explain: Transition((_ACCEPTED,), None),
    CourseAct.report: Transition((_ACCEPTED,), _REPORTED),
    CourseAct.verify: Transition((_REPORTED,), _VERIFIED),
    CourseAct.send_back: Transition((_REPORTED, _VERIFIED), _ACCEPTED),
    CourseAct.close: Transition((_VERIFIED,), _CLOSED),
    CourseAct.look_back: Transition((_CLOSED,), None),
    CourseAct.reopen: Transition((_CLOSED,), _ACCEPTED),
    CourseAct.merge: Transition((_OPEN, _ACCEPTED, _REFUSED, _REPORTED, _VERIFIED), EntryState.merged),
    CourseAct.separate: Transition((EntryState.merged,), None),
    CourseAct.divide: Transition((_OPEN, _ACCEPTED, _REFUSED), None),
    CourseAct.acknowledge: Transition((_REPORTED, _VERIFIED), None),
    CourseAct.succeed: Transition(RUNNING, None),
    CourseAct.carry_over: Transition(RUNNING, None),
}
#: The acts with rights of their own that aren't transitions: a matter is opened once, and its date is a clock's.
BESIDE = (CourseAct.open, CourseAct.extend, CourseAct.suspend)
#: The act that a matter in each state waits for.
AWAITED: Mapping[EntryState, CourseAct] = {
    _OPEN: CourseAct.accept,
    _REFUSED: CourseAct.transfer,
    _ACCEPTED: CourseAct.report,
    _REPORTED: CourseAct.verify,
    _VERIFIED: CourseAct.close,
}
#: The acts on a matter as a whole, which its parts don't have.
OF_THE_WHOLE = frozenset({CourseAct.merge, CourseAct.separate, CourseAct.divide})


class DateAct(StrEnum):
    """What is done about a matter's date beside its course, while it has none: by whom the ledger says."""

    set_due = "set_due"


CHINESE |= glossary((DateAct.set_due, "确定办结时限"))
TURNS = Bound(
    500,
    Text("a matter of the ledger", "一项督查事项"),
    Text("report what is left in one record", "请将其余情况合并记录"),
)


def right_of(book: Rulebook, act: CourseAct) -> Right | None:
    """Who may do the act by this rulebook; None where it has no course."""
    known = book.supervision.course if book.supervision else None
    return known[act] if known else None


def right_to(book: Rulebook, act: CourseAct) -> Right:
    """Who may do the act by this rulebook. 409 `no_course_rules` where it has no course."""
    if right := right_of(book, act):
        return right
    raise Problem(
        409,
        "no_course_rules",
        Text(
            f"{book.code} has no course of a matter in supervision.yaml", f"{book.government.name}没有督查事项办理规则"
        ),
        Text("add course to the section supervision of its rulebook", "请在规则库的督查章节中补充办理规则"),
    )


def refusal_rule(book: Rulebook) -> str | None:
    """The deadline within which a unit may refuse a matter; None where the rulebook has none."""
    right = right_of(book, CourseAct.refuse)
    return right.rule if right else None


def feedback_row(book: Rulebook, kind: InstructionKind) -> FeedbackRow | None:
    """The row by which feedback on such an instruction is due; None where the rulebook asks for none."""
    rules = book.supervision.instructions if book.supervision else None
    return rules.feedback_row(kind) if rules else None


def leader_of(composition: Composition, lead: Unit, on: date) -> str | None:
    """The leader responsible for a matter of this unit: the deputy in charge of it."""
    return next(iter(composition.holders(Role.deputy_in_charge, on, RoleContext(sponsor=lead.code))), None)


def among(right: Right, given: Sequence[Source]) -> Among:
    """Who counts among those who may acknowledge a result: the leaders who gave these instructions; the office for one from
    outside the government."""
    givers = tuple(each.given_by for each in given if each.given_by)
    office = {} if any(each.given_by is None for each in given) else {Role.office: ()}
    return {role: givers for role in right.by if role != Role.office} | office


def permission_for(
    entry: Entry, act: CourseAct, right: Right, unit: str | None = None, given: Sequence[Source] = ()
) -> Permission:
    """The permission of the act on this matter; of the lead unit, or of `unit`. `given` are its instructions, whose leaders may
    acknowledge."""
    return Permission(
        actors_of(right.by),
        Text(f"{act.value.replace('_', ' ')} this matter", in_chinese(act)),
        code="not_the_actor",
        clause=right.clause,
        power=Power.sign if act == CourseAct.report else Power.preside,
        context=RoleContext(sponsor=unit or entry.lead.code),
        among=among(right, given) if act == CourseAct.acknowledge else {},
    )


def opening(right: Right) -> Permission:
    """The permission to open a matter by hand, and to add sources to one."""
    act = Text("open a matter of supervision", "立项督查")
    return Permission(actors_of(right.by), act, code="not_the_opener", clause=right.clause)


def require_approval(
    act: CourseAct, right: Right, approval: Approval | None, composition: Composition, on: date, lead: str | None = None
) -> None:
    """409 `approval_needed` unless an official of the roles that the rulebook names, for a matter of this lead, approved it, or
    who stands in for one."""
    if not right.approval:
        return
    context = RoleContext(sponsor=lead)
    if approval and composition.may_act(approval.official, actors_of(right.approval), on, {}, context=context):
        return
    found = (official for role in right.approval for official in composition.who_may(role, on, context=context))
    names, roles = composition.names(dict.fromkeys(found)), in_chinese(*right.approval)
    what = _APPROVED[act]
    raise refusal(
        "approval_needed",
        right.clause,
        f"{what.en} only with the approval of {' or '.join(right.approval)}",
        f"未经{roles}批准，不得{what.zh}",
        Text(
            f"state the approval of {' or '.join(names) or 'whoever is appointed to it'}, and its paper",
            f"请填写{'、'.join(names) or roles}的批准及其文号",
        ),
        required_roles=list(right.approval),
    )


#: What needs an approval, where the rules ask for it.
_APPROVED = {
    CourseAct.open: Text("a matter is opened by hand", "立项督查"),
    CourseAct.extend: Text("the date of a matter is extended", "延期"),
}


def officials_for(
    entry: Entry,
    act: CourseAct,
    right: Right,
    composition: Composition,
    on: date,
    unit: str | None = None,
    unseen: Sequence[Source] = (),
) -> list[str]:
    """The officials who may do the act on this matter that day; for the lead unit, or for `unit`."""
    of = permission_for(entry, act, right, unit, unseen)
    found = (composition.who_may(role, on, power=of.power, context=of.context, among=of.among) for role in right.by)
    return list(dict.fromkeys(official for each in found for official in each))


def awaited(entry: Entry, unseen: Sequence[Source] = (), parts: Collection[Entry] = ()) -> CourseAct | None:
    """The act that the matter waits for; a verified one waits for the leaders whose instructions it fulfils, a closed one to
    be looked back at, once the time for it has passed. While it waits for its parts it waits for nobody itself."""
    if entry.look_back_since:
        return CourseAct.look_back
    if entry.state == _VERIFIED and unseen:
        return CourseAct.acknowledge
    act = AWAITED.get(EntryState(entry.state))
    return None if act in held_up(parts) else act


def held_up(parts: Collection[Entry]) -> frozenset[CourseAct]:
    """The acts on a whole matter that wait for its parts."""
    acts = frozenset[CourseAct]()
    if not_yet(parts, DONE):
        acts |= {CourseAct.report, CourseAct.verify}
    return acts | {CourseAct.close} if not_yet(parts, ENDED) else acts


def possible(
    entry: Entry,
    composition: Composition,
    on: date,
    unseen: Sequence[Source] = (),
    parts: Collection[Entry] = (),
) -> list[CourseAct]:
    """The acts that are possible in the matter's state; the awaited one comes first. Only co-units contribute, a unit is
    succeeded once it is abolished, a part isn't divided nor merged, only results of instructions are acknowledged, and a matter
    is carried over only where a year of its ends, or has ended, without that."""
    acts = [act for act, transition in TRANSITIONS.items() if entry.state in transition.among]
    left_out = held_up(parts) | (OF_THE_WHOLE if entry.part_of else frozenset[CourseAct]())
    if not entry.co_units:
        left_out |= {CourseAct.contribute}
    if not unseen:
        left_out |= {CourseAct.acknowledge}
    if successors(entry, composition, on) is None:
        left_out |= {CourseAct.succeed}
    if ending_year(on) < max(shanghai_day(entry.assigned_at).year, entry.carried_into or 0):
        left_out |= {CourseAct.carry_over}
    acts = [act for act in acts if act not in left_out]
    return sorted(acts, key=lambda act: act != awaited(entry, unseen, parts))


def require_possible(entry: Entry, act: CourseAct, clause: str) -> None:
    """409 `illegal_state` unless the act is possible in the matter's state, `part_of_a_matter` for an act on a whole one."""
    if act in OF_THE_WHOLE:
        require_whole(entry, clause)
    STATES.require(entry.state, TRANSITIONS[act].among, Text("the matter", "该事项"), clause)


def require_whole(entry: Entry, clause: str) -> None:
    """409 `part_of_a_matter`: sources, merging and division are the whole matter's."""
    if entry.part_of:
        raise refusal(
            "part_of_a_matter",
            clause,
            f"{entry.number} is a part of the matter {entry.source_number}",
            f"{entry.number}是督查事项{entry.source_number}的分解任务",
            Text(f"do it with the matter {entry.source_number}", f"请对督查事项{entry.source_number}办理"),
            matter=entry.part_of,
        )


def require_after(entry: Entry, act: CourseAct, occurred_at: datetime, clause: str) -> None:
    """409 `before_the_last_act` for a time before the act that it follows, or before the matter was assigned. Contributions are
    made beside the lead's acts: they follow the acceptance, and nothing follows them."""
    if act == CourseAct.contribute:
        before = [turn for turn in entry.course if turn.act == CourseAct.accept]
    else:
        before = [turn for turn in entry.course if turn.act != CourseAct.contribute]
    since = max([entry.assigned_at, *(turn.occurred_at for turn in before[-1:])])
    require_not_before(occurred_at, since, clause)


def of_the_unit(composition: Composition, official: str, unit: Unit, on: date) -> str:
    """The official, who holds a post in the unit on that day. 422 `not_of_the_unit`."""
    if official in composition.of_organisation(composition.succeeding(unit.code, on) or unit.code, on):
        return official
    name = composition.official_names.get(official, official)
    staff = composition.names(composition.of_organisation(composition.succeeding(unit.code, on) or unit.code, on))
    raise invalid(
        "not_of_the_unit",
        f"{name} holds no post in {unit.name}",
        f"{name}未在{unit.name}任职",
        Text(f"name one of {', '.join(staff)}", f"请填写该单位人员：{'、'.join(staff)}")
        if staff
        else Text("record who holds a post there first", "该单位暂无人任职，请先登记任职情况"),
    )


#: Where the codes of units stand.
CODES = Text(
    "give the code of a unit that exists (meeting-svc: GET /v1/composition)",
    "请填写现有单位的代码（见机构信息）",
)


def unit_of(composition: Composition, code: str, on: date) -> Unit:
    """The organisation that exists on that day. 422 `unknown_unit`; `unit_is_the_government`, which handles no matter itself."""
    found = next((o for o in composition.organisations if o.code == code and o.holds(on)), None)
    if found is None:
        there = composition.succeeding(code, on)
        named = f"{composition.organisation_names[there]}（{there}）" if there and there != code else ""
        raise invalid(
            "unknown_unit",
            f"no organisation {code} on {on}",
            f"{on}没有代码为{code}的单位",
            Text(f"name its successor: {named}", f"请改填承接单位：{named}") if named else CODES,
        )
    if found.kind == OrganisationKind.government:
        raise invalid(
            "unit_is_the_government",
            f"{found.name} is the government itself: a unit of it handles a matter",
            f"{found.name}是本级政府，不能作为承办单位",
            Text("name the office, a department or another unit", "请填写办公室、部门或者其他单位"),
        )
    return Unit(code=found.code, name=found.name)


def add(entry: Entry, act: CourseAct, turn: Turn) -> None:
    """Keep the act, and have the matter be in the state that follows."""
    before, entry.state = EntryState(entry.state), TRANSITIONS[act].to or entry.state
    add_turn(entry, before, turn)


def add_turn(entry: Entry, before: EntryState, turn: Turn) -> None:
    """Keep the act that led from this state to the present one."""
    entry.course = appended(entry.course, replace(turn, before=before, state=EntryState(entry.state)), bound=TURNS)


def turn_by(acting: Acting, official: str, act: CourseAct, entry: Entry, at: tuple[datetime, datetime]) -> Turn:
    """The record of an act: by whom, when it occurred and was recorded."""
    occurred_at, recorded_at = at
    return Turn(
        act,
        EntryState(entry.state),
        official,
        acting.role,
        "",
        occurred_at,
        recorded_at,
        on_behalf_of=acting.on_behalf_of,
        under=acting.clause,
    )


def name_responsible(entry: Entry, person: str) -> None:
    entry.responsible = person


def transfer(entry: Entry, lead: Unit, leader: str | None) -> None:
    """Give the matter to a lead unit, which has to accept it. What other units owe the lead stays."""
    assign(entry, lead)
    entry.responsible, entry.leader = None, leader


class Units(NamedTuple):
    """The units of a matter."""

    lead: Unit
    co_units: list[Unit]


def successors(entry: Entry, composition: Composition, on: date) -> Units | None:
    """The matter's units with whoever succeeds those that are abolished by that day; None where nobody succeeds any."""
    followed = {unit.code: _successor(unit, composition, on) for unit in (entry.lead, *entry.co_units)}
    if all(code == unit.code for code, unit in followed.items()):
        return None
    others = {followed[unit.code].code: followed[unit.code] for unit in entry.co_units}
    return Units(followed[entry.lead.code], list(others.values()))


def _successor(unit: Unit, composition: Composition, on: date) -> Unit:
    code = composition.succeeding(unit.code, on)
    return unit if code in (None, unit.code) else Unit(code=code, name=composition.organisation_names[code])


def require_successors(entry: Entry, composition: Composition, on: date, clause: str) -> Units:
    """The matter's units with the successors. 409 `unit_still_exists`, or `no_successor` where the composition names none."""
    if found := successors(entry, composition, on):
        return found
    there = {each.code for each in composition.organisations if each.holds(on)}
    units = (entry.lead, *entry.co_units)
    if gone := [unit.name for unit in units if unit.code not in there]:
        raise refusal(
            "no_successor",
            clause,
            f"the composition names no successor of {', '.join(gone)}",
            f"{'、'.join(gone)}没有登记承接单位",
            Text(
                "record the successor in the composition, or transfer the matter",
                "请在机构信息中登记承接单位，或改派该事项",
            ),
        )
    names = [unit.name for unit in units]
    raise refusal(
        "unit_still_exists",
        clause,
        f"on {on} these still exist: {', '.join(names)}",
        f"{on}下列单位仍然存续：{'、'.join(names)}",
        Text("transfer the matter, if another unit is to lead it", "如须由其他单位牵头，请改派"),
    )


def succeed(entry: Entry, units: Units, composition: Composition, on: date) -> None:
    """Have the successors take the matter over as it stands, with what the abolished units owed. The person responsible stays
    who has a post in the unit that leads now."""
    entry.contributions = [
        each if each.returned_at else replace(each, unit=_successor(each.unit, composition, on))
        for each in entry.contributions
    ]
    if units.lead.code != entry.lead.code:
        entry.leader = leader_of(composition, units.lead, on)
        if entry.responsible not in composition.of_organisation(units.lead.code, on):
            entry.responsible = None
    entry.lead, entry.co_units = units
    leave_out_the_lead(entry)


def ask_for(entry: Entry, asked: list[Contribution]) -> None:
    """Have co-units owe the lead a contribution. Another request of one that still owes it replaces the one before."""
    units = {each.unit.code for each in asked}
    kept = [each for each in entry.contributions if each.returned_at or each.unit.code not in units]
    entry.contributions = [*kept, *asked]


def co_unit(entry: Entry, code: str) -> Unit:
    """The co-unit with this code. 422 `not_a_co_unit`."""
    for unit in entry.co_units:
        if unit.code == code:
            return unit
    names, codes = (", ".join(each) for each in ([u.name for u in entry.co_units], [u.code for u in entry.co_units]))
    raise invalid(
        "not_a_co_unit",
        f"{code} is no co-unit of this matter; it has {names or 'none'}",
        f"{code}不是本事项的配合单位；配合单位：{names or '无'}",
        Text(f"name one of {codes}", f"请填写配合单位代码：{codes}") if codes else None,
    )


def contribute(entry: Entry, unit: Unit, text: str, official: str, at: datetime) -> bool | None:
    """The co-unit returned what it owes. Whether it was late; None if nothing was asked for."""
    owed = [each for each in entry.contributions if each.unit.code == unit.code and each.returned_at is None]
    if not owed:
        done = Contribution(unit, shanghai_day(at), at, text, official, at)
        entry.contributions = [*entry.contributions, done]
        return None
    returned = replace(owed[0], text=text, official=official, returned_at=at)
    entry.contributions = [returned if each is owed[0] else each for each in entry.contributions]
    return returned.late


def close(entry: Entry, quality: Quality, reason: str, at: datetime) -> None:
    entry.quality, entry.closed_reason, entry.closed_at = quality, reason, at


def ending_year(on: date) -> int:
    """The year that ends on a day of December, else the last one that has ended."""
    return on.year if on.month == 12 else on.year - 1


def carry_over(entry: Entry, year: int, on: date, clause: str) -> None:
    """The matter goes on in the next year. 409 `year_not_over` before December of the year, `opened_after_the_year`,
    `already_carried_over`."""
    if on < date(year, 12, 1):
        raise refusal(
            "year_not_over",
            clause,
            f"matters of {year} are carried over from {year}-12-01, and it is {on}",
            f"{year}年度的事项自{year}年12月1日起方可结转（发生日期为{on}）",
            Text(f"carry it over from {year}-12-01", f"请自{year}年12月1日起结转"),
        )
    if year < (opened := shanghai_day(entry.assigned_at).year):
        raise refusal(
            "opened_after_the_year",
            clause,
            f"the matter was numbered in {opened}",
            f"该事项于{opened}年立项编号",
            Text(f"state {opened} or a later year", f"请填写{opened}年或之后的年度"),
        )
    if entry.carried_into is not None and entry.carried_into > year:
        raise refusal(
            "already_carried_over",
            clause,
            f"the matter was carried over into {entry.carried_into}",
            f"该事项已结转至{entry.carried_into}年",
            Text("a matter is carried over once at a year's end", "每年度只结转一次"),
        )
    entry.carried_into = year + 1


def begin_again(entry: Entry) -> None:
    """The matter isn't done: what was reported and marked stays in its course alone."""
    unmeet_due(entry)
    entry.quality, entry.closed_reason, entry.closed_at = None, "", None
    entry.look_back_since = None

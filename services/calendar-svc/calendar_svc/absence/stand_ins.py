"""Stand-ins for an absent official: by the rule itself, or once an entrustment, a naming or a decision is recorded.
Pure."""

from __future__ import annotations

from datetime import date

from calendar_svc.absence.absence import Absence, Action, require_act
from zhengling.authority.absence import StandIn, Vacancy
from zhengling.authority.composition import Composition, Permission
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import Basis, Substitution
from zhengling.rules.chains import actors_of
from zhengling.rules.vocabulary import in_chinese


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
    """Set who stands in by the rule itself, and who may once recorded; as of the day of departure."""
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
    """Record a stand-in, for every power that the rules allow to be entrusted to them; replaces the earlier stand-in
    there. 403 `not_the_one_to_decide`; 409 `cannot_stand_in`."""
    require_act(absence, Action.entrust)
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
            f"{name} can't be recorded as the stand-in for {composition.official_names[absence.official]}",
            f"{name}不得登记为{composition.official_names[absence.official]}的代行人",
            Text(
                f"one of: {', '.join(who) or 'nobody: the rules let no stand-in be recorded for this absence'}",
                f"可登记：{'、'.join(who) or '无，规则未规定可登记的代行人'}",
            ),
        )
    for row in rows:
        act = Text(f"decide who stands in ({row.basis})", f"确定代行人（{in_chinese(row.basis)}）")
        actors = actors_of(row.recorded_by)
        # a stand-in can't widen their own powers by deciding for the absent official
        own = absence.official in composition.members(row.recorded_by, on)
        deciders = composition.with_absences(()) if own else composition
        deciders.require(official, on, Permission(actors, act, code="not_the_one_to_decide", clause=row.clause))
        kept = []
        for other in absence.stand_ins:
            acts = tuple(power for power in other.acts if power not in row.acts)
            kept += [other.model_copy(update={"acts": acts})] if acts else []
        new = StandIn(
            official=to, acts=row.acts, clause=row.clause, basis=row.basis, decided_by=official, reason=reason
        )
        absence.stand_ins = [*kept, new]

"""Who stands in for whoever is away: by the rule itself, or once an entrustment, a name or a decision is recorded. Pure."""

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
            f"{name} can't be recorded as standing in for {composition.official_names[absence.official]}",
            f"{name}不能登记为{composition.official_names[absence.official]}的代行人",
            Text(
                f"one of: {', '.join(who) or 'nobody, the rule itself says who'}",
                f"可登记：{'、'.join(who) or '无，由规则直接确定'}",
            ),
        )
    for row in rows:
        act = Text(f"decide who stands in ({row.basis})", f"确定代行人（{in_chinese(row.basis)}）")
        actors = actors_of(row.recorded_by)
        # whoever acts for the one away doesn't widen that by deciding in that one's place
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

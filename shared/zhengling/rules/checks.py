"""What the schema of a rulebook can't express: rules that would be loaded and explained, but never asked. Pure.

A finding is the file of a section, the path of a key in it, and what was expected there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from zhengling.dates.deadlines import Anchor
from zhengling.rules.chains import Chain, Step, StepName
from zhengling.rules.conditions import BOOLEAN, When
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.places import (
    ABSENCE,
    AGENDA,
    DOCUMENT,
    ENTRY,
    MINUTES,
    TOPIC,
    Path,
    Place,
    limited,
    misplaced,
)
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.tables import Domain, coverage, in_words, values
from zhengling.rules.vocabulary import Gate, Role


class Finding(NamedTuple):
    file: str
    path: Path
    said: str


def never_asked(rulebook: Rulebook) -> Iterator[Finding]:
    """Every finding of one edition, section by section."""
    rules = rulebook.deadlines
    for name, kind in rulebook.meetings.items():
        found = [*misplaced(kind, (name,), rules, entrusted=entrusted(kind)), *_of_kind(kind, (name,))]
        yield from (Finding("meetings.yaml", *each) for each in found)
    yield from _undefined(rulebook)
    yield from (Finding("topics.yaml", *each) for each in [*misplaced(rulebook.topics, (), rules), *_topics(rulebook)])
    if rulebook.supervision:
        ledger = [*misplaced(rulebook.supervision, (), rules), *_ledger(rulebook)]
        yield from (Finding("supervision.yaml", *each) for each in ledger)
    if rulebook.absence:
        absence = [*misplaced(rulebook.absence, (), rules), *_absences(rulebook)]
        yield from (Finding("absence.yaml", *each) for each in absence)
    if rulebook.planning:
        yield from (Finding("planning.yaml", *each) for each in misplaced(rulebook.planning, (), rules))


def entrusted(kind: MeetingKind) -> tuple[bool, ...]:
    """Whether the chair of this kind may be entrusted, or must be, or can't be."""
    needs = {True in values(actor.when.get("entrusted")) for actor in kind.chair}
    return tuple(case for case in BOOLEAN if case in needs)


def _undefined(rulebook: Rulebook) -> Iterator[Finding]:
    """Kinds of meetings and types of requests that no file defines."""
    named: list[tuple[str, Path, Iterable[str]]] = []
    requests = rulebook.planning.requests if rulebook.planning else {}
    for name, kind in rulebook.meetings.items():
        if kind.prior_meeting:
            named.append(("meetings.yaml", (name, "prior_meeting", "kind"), [kind.prior_meeting.kind]))
        if kind.request and kind.request not in requests:
            said = f"no type of request {kind.request!r} in planning.yaml"
            yield Finding("meetings.yaml", (name, "request"), said)
    for section in ("gates", "reserved"):
        for i, rule in enumerate(getattr(rulebook.topics, section)):
            named.append(("topics.yaml", (section, i, "kinds"), rule.kinds))
    for name, request in requests.items():
        for i, ask in enumerate(request.ask):
            named.append(("planning.yaml", ("requests", name, "ask", i, "meeting"), ask.meeting))
    if rulebook.planning and (plan := rulebook.planning.yearly_plan):
        for i, ask in enumerate(plan.ask):
            named.append(("planning.yaml", ("yearly_plan", "ask", i, "meeting"), ask.meeting))
    for file, path, kinds in named:
        for unknown in sorted(set(kinds) - set(rulebook.meetings)):
            yield Finding(file, path, f"no meeting kind {unknown!r} in meetings.yaml")


# meetings.yaml --------------------------------------------------------------------------------------------------------
def _of_kind(kind: MeetingKind, path: Path) -> Iterator[tuple[Path, str]]:
    if kind.quorum and not kind.members:
        yield (*path, "quorum"), "a kind without members has no quorum"
    if True not in entrusted(kind) and "entrusted_by" in kind.model_fields_set:
        yield (*path, "entrusted_by"), "nobody chairs this kind by entrustment; see chair"
    for key in ("publication", "follow_up"):
        if not kind.decides and getattr(kind, key):
            yield (*path, key), "a kind that doesn't decide has nothing to publish or to follow up"
    chains = [("topic", kind.topic, TOPIC), ("agenda", kind.agenda, AGENDA), ("minutes", kind.minutes, MINUTES)]
    if kind.invitees:
        chains.append(("invitees", kind.invitees.steps, AGENDA))
    for key, chain, place in chains:
        if chain:
            below = (*path, key) if key != "invitees" else (*path, key, "steps")
            yield from _of_chain(kind, chain, limited(place, entrusted(kind)), below)
    yield from _table([row.when for row in kind.follow_up], DOCUMENT.facts, (*path, "follow_up"))


def _of_chain(kind: MeetingKind, chain: Chain, place: Place, path: Path) -> Iterator[tuple[Path, str]]:
    """A topic may need no step; an agenda and a list of invitees need one, and minutes a signature, in every case."""
    domain, steps = place.facts, chain.steps
    required = [step for step in steps if step.step == StepName.sign] if place.name == MINUTES.name else list(steps)
    if place.name != TOPIC.name and _known([step.when for step in required], domain):
        for case in coverage([step.when for step in required], domain).uncovered:
            what = "signs" if place.name == MINUTES.name else "takes a step"
            yield (*path, "steps"), f"nobody {what} if {in_words(case)}"
    for i, step in enumerate(steps):
        yield from _of_step(kind, step, domain, (*path, "steps", i))


def _of_step(kind: MeetingKind, step: Step, domain: Domain, path: Path) -> Iterator[tuple[Path, str]]:
    """Who takes the step in each of its cases; who chaired is asked of each official, so it isn't a case of the step."""
    if not _known([step.when, *(actor.when for actor in step.by)], domain):
        return
    cases = dict(domain) | {fact: tuple(values(wanted)) for fact, wanted in step.when.items()}
    may: list[When] = []
    for i, actor in enumerate(step.by):
        if True in values(actor.when.get("chaired")) and not _chairs(kind, actor.role, actor.when.get("entrusted")):
            yield (*path, "by", i), f"the condition never holds: {actor.role} doesn't chair this kind so"
            continue
        condition = {fact: wanted for fact, wanted in actor.when.items() if fact != "chaired"}
        if never := [fact for fact, wanted in condition.items() if not set(values(wanted)) & set(cases[fact])]:
            said = f"the condition never holds: in this step {never[0]} is {' or '.join(map(str, cases[never[0]]))}"
            yield (*path, "by", i), said
            continue
        may.append(condition)
    for case in coverage(may, cases).uncovered if may else ():
        yield (*path, "by"), f"nobody takes this step if {in_words(case)}"


#: Roles of officials who are never the same person, by rank; a role without a rank may be anybody's.
_RANK = {
    Role.head: 0,
    Role.executive_deputy: 1,
    Role.deputies: 1,
    Role.deputy_in_charge: 1,
    Role.secretary_general: 2,
    Role.deputy_secretary_general: 2,
    Role.office_director: 2,
    Role.office_deputy_director: 2,
}


def _chairs(kind: MeetingKind, role: Role, by_entrustment: object) -> bool:
    """Whether a holder of the role may chair the kind, in the given way if one is given."""
    ways = [each for each in kind.chair if by_entrustment in (None, each.when.get("entrusted") is True)]
    ranks = [(_RANK.get(role), _RANK.get(each.role)) for each in ways if each.role != role]
    return any(each.role == role for each in ways) or any(None in pair or pair[0] == pair[1] for pair in ranks)


# the other sections ---------------------------------------------------------------------------------------------------
def _topics(rulebook: Rulebook) -> Iterator[tuple[Path, str]]:
    for i, gate in enumerate(rulebook.topics.gates):
        if gate.gate == Gate.departments_consulted and rulebook.topics.consultation is None:
            yield ("gates", i, "gate"), "departments are consulted only under a rule of consultation; add consultation"
    for i, reserved in enumerate(rulebook.topics.reserved):
        known = [rulebook.meetings[name] for name in reserved.kinds if name in rulebook.meetings]
        if known and not any(kind.decides for kind in known):
            yield ("reserved", i, "kinds"), "none of these kinds decides"


def _ledger(rulebook: Rulebook) -> Iterator[tuple[Path, str]]:
    assert rulebook.supervision
    if weights := rulebook.supervision.weights:
        rows = [row.when for row in weights.rows]
        for i in coverage(rows, ENTRY.facts).unreached if _known(rows, ENTRY.facts) else ():
            yield ("weights", "rows", i), "no case reaches this row"
    ledger = rulebook.supervision.ledger
    yield from _table([row.when for row in ledger.due], ENTRY.facts, ("ledger", "due"))
    for i, row in enumerate(ledger.due):
        rule = rulebook.deadlines.get(row.rule) if row.rule else None
        if rule and rule.of == Anchor.deployment and ledger.deployment is None:
            yield ("ledger", "due", i, "rule"), f"{row.rule} counts from the deployment; state ledger.deployment"
    if ledger.deployment and not any(
        rulebook.deadlines[row.rule].of == Anchor.deployment for row in ledger.due if row.rule in rulebook.deadlines
    ):
        yield ("ledger", "deployment"), "no row of due counts from the deployment"


_PRINCIPALS = {
    Role.department_principals,
    Role.constituent_department_principals,
    Role.unit_principals,
    Role.town_and_street_principals,
}


def _absences(rulebook: Rulebook) -> Iterator[tuple[Path, str]]:
    """Only a principal's absence is one of a unit, which has a principal and a deputy in charge."""
    assert rulebook.absence
    for i, row in enumerate(rulebook.absence.requests):
        if not _PRINCIPALS & set(row.who):
            yield from misplaced(row.ask, ("requests", i, "ask"), {}, ABSENCE)


# tables ---------------------------------------------------------------------------------------------------------------
def _table(rows: Sequence[When], domain: Domain, path: Path) -> Iterator[tuple[Path, str]]:
    """Rows that no case reaches, and cases that no row matches. A section without rows is no table."""
    if not rows or not _known(rows, domain):
        return
    unreached, uncovered = coverage(rows, domain)
    for i in unreached:
        yield (*path, i), "no case reaches this row"
    for case in uncovered:
        yield path, f"no row for the case that {in_words(case)}"


def _known(rows: Sequence[When], domain: Domain) -> bool:
    """Whether the place knows all facts and values of the rows; what it doesn't is a finding of its own."""
    return all(
        fact in domain and set(values(wanted)) <= set(domain[fact]) for when in rows for fact, wanted in when.items()
    )

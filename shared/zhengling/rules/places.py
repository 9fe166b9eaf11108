"""The places of a rulebook where a condition, a role or a deadline rule may stand: what is known there.

Each place is declared on its field of the schema (`Annotated[…, TOPIC]`) and holds for everything below it. `misplaced`
finds what a place never gives: a fact, a value of a fact, a role that nobody can hold there, a deadline rule of another form
or counted from another event. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zhengling.dates.deadlines import Anchor, DeadlineRule, Unit
from zhengling.rules.conditions import BOOLEAN, FACTS, WHEN, When
from zhengling.rules.tables import Domain, values
from zhengling.rules.vocabulary import Aspect, EntrySource, FollowingDocument, Outcome, Role

#: A place in the file of a section: keys and indexes.
Path = tuple[int | str, ...]

#: Roles that need a unit (its own principal, the deputy in charge of it), or a meeting.
OF_A_UNIT = frozenset({
    Role.sponsor, Role.principal, Role.deputy_in_charge, Role.deputies_concerned, Role.unit_office,
})  # fmt: skip
OF_A_CHAIR = frozenset({Role.chair})
OF_AN_ENTRUSTMENT = frozenset({Role.entrusting_leader})
BY_POST = frozenset(Role) - OF_A_UNIT - OF_A_CHAIR - OF_AN_ENTRUSTMENT


@dataclass(frozen=True)
class Place:
    """What is known at a place: the facts with their values, and the roles that somebody can hold."""

    name: str
    facts: Domain = field(default_factory=dict)
    roles: frozenset[Role] = BY_POST


@dataclass(frozen=True)
class Counted:
    """The deadline rules that a place can use: of one of these forms, counted from one of these events. Rules in hours need
    an event with an instant."""

    forms: tuple[str, ...]
    anchors: tuple[Anchor, ...]

    def fits(self, rule: DeadlineRule) -> bool:
        """Whether the place can use the rule."""
        of_an_instant = rule.unit != Unit.hour or rule.of not in _DAYS
        return rule.of in self.anchors and of_an_instant and any(getattr(rule, form) for form in self.forms)


#: Events that are known by their day alone.
_DAYS = frozenset({Anchor.meeting_day, Anchor.decision_needed, Anchor.deployment, Anchor.departure})


def _facts(*names: str) -> dict[str, tuple[object, ...]]:
    return {name: FACTS[name] for name in names}


_ENTRUSTED = _facts("entrusted")
OF_A_TOPIC = _facts("raised_by", "nature", "specially_urgent", "major", *Aspect)

MEMBERS = Place("the members of a meeting")
CHAIR = Place("the chair of a meeting", _ENTRUSTED, BY_POST | OF_A_UNIT)
ORGANISER = Place("the organiser of a meeting", {}, BY_POST | OF_A_UNIT)
CONSENT = Place("a consent about a meeting")
LEAVE = Place("leave from a meeting", {}, BY_POST | OF_A_CHAIR)
TOPIC = Place("a topic", OF_A_TOPIC, BY_POST | OF_A_UNIT | OF_A_CHAIR)
GATE = Place("a gate", OF_A_TOPIC, BY_POST | OF_A_UNIT)
AGENDA = Place("the agenda", _facts("major"), frozenset(Role))
MINUTES = Place("the minutes", _facts("chaired", "entrusted", "major"), frozenset(Role))
DOCUMENT = Place(
    "a document that a decision asks for",
    {
        "outcome": tuple(outcome for outcome in Outcome if outcome.adopts),
        "document": (FollowingDocument.to_issue,),
        **_facts("difficulty"),
    },
)
ENTRY = Place(
    "an entry of the ledger", {"source": tuple(EntrySource), **_facts("difficulty", "set_at_year_start")}, BY_POST
)
INSTRUCTION = Place("an instruction", _facts("instruction"))
COURSE = Place("the course of a matter", {}, BY_POST | OF_A_UNIT)
REQUEST = Place("a request for a meeting", {}, BY_POST | OF_A_UNIT)
PLAN = Place("the yearly plan")
ABSENCE = Place("an absence")
ABSENCE_OF_A_PRINCIPAL = Place("the absence of a unit's principal", {}, BY_POST | OF_A_UNIT)


def limited(place: Place, entrusted: tuple[bool, ...]) -> Place:
    """The place in a kind of meeting whose chair is entrusted in these cases only."""
    facts = {name: entrusted if name == "entrusted" else known for name, known in place.facts.items()}
    return replace(place, facts=facts, roles=place.roles if True in entrusted else place.roles - OF_AN_ENTRUSTMENT)


def misplaced(
    section: object,
    path: Path,
    rules: Mapping[str, DeadlineRule],
    place: Place | None = None,
    entrusted: tuple[bool, ...] = BOOLEAN,
) -> Iterator[tuple[Path, str]]:
    """Path and finding for everything in a part of a rulebook that its place doesn't know. `rules` are the deadline rules of
    the edition."""
    if isinstance(section, BaseModel):
        for name, info in type(section).model_fields.items():
            here = next((limited(each, entrusted) for each in info.metadata if isinstance(each, Place)), place)
            yield from _of_field(getattr(section, name), info, (*path, name), rules, here)
            yield from misplaced(getattr(section, name), (*path, name), rules, here, entrusted)
    elif isinstance(section, Mapping):
        for key, inner in section.items():
            yield from misplaced(inner, (*path, key), rules, place, entrusted)
    elif isinstance(section, tuple):
        for i, inner in enumerate(section):
            yield from misplaced(inner, (*path, i), rules, place, entrusted)
    elif isinstance(section, Role) and place and section not in place.roles:
        known = ", ".join(role for role in Role if role in place.roles)
        yield path, f"nobody is {section} for {place.name}; known there: {known}"


def _of_field(
    value: object, info: FieldInfo, path: Path, rules: Mapping[str, DeadlineRule], place: Place | None
) -> Iterator[tuple[Path, str]]:
    if WHEN in info.metadata and place and isinstance(value, dict):
        yield from _unknown(value, path, place)
    for counted in info.metadata:
        if isinstance(counted, Counted) and value:
            named = value if isinstance(value, tuple) else (value,)
            for i, name in enumerate(named):
                where = (*path, i) if isinstance(value, tuple) else path
                yield from _unfit(str(name), counted, where, rules)


def _unknown(when: When, path: Path, place: Place) -> Iterator[tuple[Path, str]]:
    for fact, wanted in when.items():
        if fact not in place.facts:
            yield path, f"{fact} isn't known for {place.name}; known there: {', '.join(place.facts) or 'no fact'}"
            continue
        for value in values(wanted):
            if value not in place.facts[fact]:
                can_be = ", ".join(map(str, place.facts[fact]))
                yield path, f"{fact} is never {value} for {place.name}; it can be {can_be}"


def _unfit(name: str, counted: Counted, path: Path, rules: Mapping[str, DeadlineRule]) -> Iterator[tuple[Path, str]]:
    rule = rules.get(name)
    if rule is None:
        yield path, f"no deadline rule {name!r} in deadlines.yaml"
    elif not counted.fits(rule):
        forms, anchors = " or ".join(counted.forms), " or ".join(counted.anchors)
        yield path, f"{name} must be a rule with {forms}, of {anchors}; in hours only if that is an instant"

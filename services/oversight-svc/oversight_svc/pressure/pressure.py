"""What was done to have a matter move: a rung of its ladder, an urging by hand, another way of supervision.

Invariants: a rung is taken once on one clock of the matter, and in order; what was done is kept and never changed. Pure: no
I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from oversight_svc.entry.entry import Entry, EntryState
from zhengling.authority.composition import (
    Acting,
    Among,
    Composition,
    OrganisationFunction,
    Permission,
    RoleContext,
)
from zhengling.events.meeting import Unit
from zhengling.events.oversight import Recipient
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.rules.chains import actors_of
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Pressure as PressureRules
from zhengling.rules.supervision import Way
from zhengling.rules.vocabulary import CHINESE, Role, glossary, in_chinese

#: The states in which a unit, or the office, has something to do with the matter.
AT_WORK = (EntryState.open, EntryState.accepted, EntryState.refused)


class Channel(StrEnum):
    """How a recipient is reached. What the ladder does by itself is in the system."""

    system = "system"
    phone = "phone"
    message = "message"
    written = "written"
    in_person = "in_person"


CHINESE |= glossary(
    (Channel.system, "系统"), (Channel.phone, "电话"), (Channel.message, "短信"), (Channel.written, "书面"),
    (Channel.in_person, "当面"),
)  # fmt: skip


@dataclass
class Pressure:
    """One act of pressure. `deadline_id` is the clock that it was about, `rung` its place on the ladder, both None if there
    is none; `official` who did it, None of what is done by itself: the ladder, and the reminder to look back.
    `unit` is the code of the lead unit at that time, `supervisor` the organisation for which the official acted."""

    id: str
    government: str
    entry_id: str
    deadline_id: UUID | None
    rung: int | None
    way: Way
    recipients: list[Recipient]
    reason_en: str
    reason_zh: str
    channel: Channel
    official: str | None
    on_behalf_of: str | None
    unit: str
    supervisor: Unit | None
    due: date | None
    occurred_at: datetime
    recorded_at: datetime
    version: int = 1
    modified_at: datetime | None = None


def rules_of(book: Rulebook) -> PressureRules:
    """The rulebook's pressure. 409 `no_pressure_rules`."""
    if book.supervision and book.supervision.pressure:
        return book.supervision.pressure
    raise Problem(
        409,
        "no_pressure_rules",
        Text(f"{book.code} has no pressure in supervision.yaml", f"{book.government.name}没有督办措施规则"),
        Text("add pressure to the section supervision of its rulebook", "请在规则库的督查章节中补充督办措施"),
    )


def permission_for(rules: PressureRules, way: Way) -> Permission:
    """The permission to take this way of supervision."""
    act = Text(f"take the way {way.value} of supervision", f"采取“{in_chinese(way)}”的督办方式")
    return Permission(actors_of(rules.ways.by), act, code="not_the_supervisor", clause=rules.ways.clause)


def require_way(rules: PressureRules, way: Way) -> None:
    """409 `not_a_way_here` for a way that the rulebook doesn't name."""
    if way not in rules.ways.among:
        known = rules.ways.among
        raise refusal(
            "not_a_way_here",
            rules.ways.clause,
            f"{way.value} isn't a way of supervision of this government",
            f"本级规则没有“{in_chinese(way)}”的督办方式",
            Text(f"take one of {', '.join(known)}", f"可采取：{in_chinese(*known)}"),
        )


def supervisor_of(composition: Composition, acting: Acting, official: str | None, on: date) -> Unit | None:
    """The organisation of the post through which the official acts, or through which the one acts for whom the official stands
    in; the government's office where the post is in none. None where there is no office either."""
    by, office = acting.on_behalf_of or official, composition.office(on)
    held = [post.organisation for post in composition.posts if post.official == by and post.holds(on)]
    among = {
        Role.supervision_office: composition.with_function(OrganisationFunction.supervision, on),
        Role.office: (office.code,) if office else (),
    }.get(acting.role) or held
    code = next((each for each in held if each in among), office.code if office else None)
    return Unit(code=code, name=composition.organisation_names[code]) if code else None


#: Of a greater unit only so many are told: they are in one event.
MOST_RECIPIENTS = 200


def recipients(entry: Entry, composition: Composition, roles: Sequence[Role], on: date) -> list[Recipient]:
    """The present holders of these roles, or who stands in for absent ones. Without roles whoever handles the matter: the
    person responsible, else the lead unit; the office for a matter that waits to be transferred. The office where nobody is."""
    context = RoleContext(sponsor=entry.lead.code)
    if roles:
        found = _holders(composition, roles, on, context)
    elif entry.state == EntryState.refused:
        found = []
    else:
        among = {Role.sponsor: (entry.responsible,)} if entry.responsible else {}
        found = _holders(composition, (Role.sponsor,), on, context, among) or _holders(
            composition, (Role.sponsor,), on, context
        )
    return (found or _holders(composition, (Role.office,), on, context))[:MOST_RECIPIENTS]


def _holders(
    composition: Composition, roles: Sequence[Role], on: date, context: RoleContext, among: Among | None = None
) -> list[Recipient]:
    found: dict[str, Recipient] = {}
    for role in roles:
        for official in composition.who_may(role, on, context=context, among=among or {}):
            acting = composition.may_act(official, actors_of((role,)), on, {}, context=context, among=among or {})
            found.setdefault(official, Recipient(official=official, on_behalf_of=acting and acting.on_behalf_of))
    return list(found.values())

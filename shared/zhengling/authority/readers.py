"""Who may see what (知悉范围): the keys that a caller holds. A row shows itself to whoever holds one of its own keys.

The keys of a row are a column that PostgreSQL generates from the row itself (`readers`), so that no write can leave it behind.
Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from zhengling.authority.composition import Composition, OrganisationFunction
from zhengling.rules.vocabulary import Role

#: Everybody with a token of the government: what is public.
EVERYBODY = "*"
#: Whoever holds a post in the government on that day.
IN_OFFICE = "+"
#: The government's office, its leaders and the supervision office: what the government has.
GOVERNMENT = "@"
#: The government's office and its leaders: working secrets (工作秘密).
RESTRICTED = "#"

#: The government's leaders, beside whom the deputy secretaries-general stand.
LEADERS = (
    Role.head, Role.deputies, Role.party_group, Role.secretary_general, Role.deputy_secretary_general,
)  # fmt: skip
#: Roles that are held whatever the matter is, as keys.
_STANDING = tuple(
    role
    for role in Role
    if role
    not in (
        Role.sponsor, Role.principal, Role.unit_office, Role.chair, Role.entrusting_leader, Role.deputy_in_charge,
        Role.deputies_concerned,
    )
)  # fmt: skip


def of_person(official: str) -> str:
    return f"p:{official}"


def of_unit(organisation: str) -> str:
    return f"u:{organisation}"


def of_role(role: Role) -> str:
    return f"r:{role.value}"


def of_official(composition: Composition, official: str, on: date) -> frozenset[str]:
    """The keys of an official on that day: of the posts held, and of those for whom the official stands in. Without a post
    only what is public is seen."""
    if not composition.serves(official, on):
        return frozenset({EVERYBODY})
    keys = {EVERYBODY, IN_OFFICE}
    for each in (official, *composition.stood_in_for(official, on)):
        keys.add(of_person(each))
        keys.update(map(of_unit, _units(composition, each, on)))
        keys.update(of_role(role) for role in _STANDING if each in composition.holders(role, on))
    if keys & {of_role(role) for role in (Role.office, *LEADERS)}:
        keys |= {GOVERNMENT, RESTRICTED}
    elif of_role(Role.supervision_office) in keys:
        keys.add(GOVERNMENT)
    return frozenset(keys)


def of_system(client: str, *, restricted: bool) -> frozenset[str]:
    """The keys of another government system: the government's registers, and with `restricted` also what is narrower."""
    keys = {EVERYBODY, IN_OFFICE, GOVERNMENT, of_person(client)}
    return frozenset(keys | {RESTRICTED, of_role(Role.office)} if restricted else keys)


def _units(composition: Composition, official: str, on: date) -> Iterator[str]:
    """The organisations of the official's posts, those that they succeeded, and the unit whose own office one of them is."""
    own = {post.organisation for post in composition.posts if post.official == official and post.holds(on)}
    for organisation in composition.organisations:
        code = organisation.code
        if code in own or (organisation.successor and composition.succeeding(code, on) in own):
            yield code
            if organisation.parent and OrganisationFunction.unit_office in organisation.functions:
                yield organisation.parent

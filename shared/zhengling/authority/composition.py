"""Who holds which post on which day, who stands in for whom, and so who may do what.

Pure: a `Composition` is the dated state of one government as the event `meeting.composition.changed` carries it;
meeting-svc owns it, the others keep a replica. What a person may do follows from the posts held on that day, never
from a role string in a token. Whoever is away (`Absent`, as calendar-svc's events carry it) may be acted for by those
whom the rules or a recorded decision let stand in; who stands in for somebody acts in the roles of that one's own
posts, never in those that one stands in for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from zhengling.authority.absence import Absent, StandIn, Vacancy
from zhengling.kernel.errors import Text, Unfit, invalid, not_permitted
from zhengling.kernel.instants import Day
from zhengling.rules.absences import Basis, Power
from zhengling.rules.chains import Actor
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.vocabulary import Role, in_chinese

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class OrganisationKind(StrEnum):
    """What an organisation is to its government; the rules tell them apart (XG-31, HC-89, ST-70, DL-65)."""

    government = "government"
    office = "office"
    constituent_department = "constituent_department"
    dispatched_organ = "dispatched_organ"
    dispatched_agency = "dispatched_agency"
    affiliated_unit = "affiliated_unit"
    institution = "institution"
    town = "town"
    street = "street"
    coordination_body = "coordination_body"


class PostRole(StrEnum):
    """Posts that rules speak of; an official may hold several."""

    head = "head"
    executive_deputy = "executive_deputy"
    deputy = "deputy"
    party_secretary = "party_secretary"
    party_group_member = "party_group_member"
    secretary_general = "secretary_general"
    deputy_secretary_general = "deputy_secretary_general"
    office_director = "office_director"
    office_deputy_director = "office_deputy_director"
    principal = "principal"
    deputy_principal = "deputy_principal"
    staff = "staff"


class Dated(BaseModel):
    """Something that holds from `since` to `until`, both days included; no `until` means still."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    since: Day
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until and self.until < self.since:
            raise Unfit("until lies before since", "截止日期早于起始日期")
        return self

    def holds(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on <= self.until)


class Organisation(BaseModel):
    """`since` is left out where it always was there as far as the records go."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: Key
    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: OrganisationKind
    parent: Key | None = None
    since: Day | None = None
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise Unfit("until lies before since", "截止日期早于起始日期")
        return self

    def holds(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


class Official(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Key
    name: Annotated[str, Field(min_length=1, max_length=60)]


class Post(Dated):
    official: Key
    role: PostRole
    organisation: Key
    title: Annotated[str, Field(max_length=60)] = ""


class Portfolio(Dated):
    """The organisations that a deputy is in charge of (分管)."""

    official: Key
    organisations: tuple[Key, ...]


class Pair(Dated):
    """An A/B pair: each stands in for the other."""

    a: Key
    b: Key


@dataclass(frozen=True)
class Acting:
    """In which role somebody may act; for a stand-in also on whose behalf and by which clause."""

    role: Role
    on_behalf_of: str | None = None
    clause: str | None = None
    basis: Basis | None = None

    @property
    def behalf(self) -> dict[str, object]:
        """What a record keeps of acting for somebody else; nothing for who acts by a post."""
        if self.on_behalf_of is None:
            return {}
        return {"on_behalf_of": self.on_behalf_of, "under": self.clause, "basis": self.basis}


_ROLE_POSTS: dict[Role, tuple[PostRole, ...]] = {
    Role.head: (PostRole.head,),
    Role.executive_deputy: (PostRole.executive_deputy,),
    Role.deputies: (PostRole.executive_deputy, PostRole.deputy),
    Role.party_group: (PostRole.party_secretary, PostRole.party_group_member),
    Role.party_secretary: (PostRole.party_secretary,),
    Role.secretary_general: (PostRole.secretary_general,),
    Role.deputy_secretary_general: (PostRole.deputy_secretary_general,),
    Role.office_director: (PostRole.office_director,),
    Role.office_deputy_director: (PostRole.office_deputy_director,),
}
_K = OrganisationKind
_DEPARTMENTS = frozenset({_K.office, _K.constituent_department})
_TOWNS_AND_STREETS = frozenset({_K.town, _K.street})
_UNITS = frozenset(_K) - {_K.government, _K.office, _K.town, _K.coordination_body}
#: Who heads (or is a deputy head of) organisations of these kinds. A street's office is a dispatched organ, and the
#: office isn't one of the units: its director is named where he is meant (XG-5, XG-31). An institution counts only
#: where no department runs it (HC-58, HC-89).
_ROLE_UNITS: dict[Role, tuple[PostRole, frozenset[OrganisationKind]]] = {
    Role.department_principals: (PostRole.principal, _DEPARTMENTS),
    Role.constituent_department_principals: (PostRole.principal, frozenset({_K.constituent_department})),
    Role.unit_principals: (PostRole.principal, _UNITS),
    Role.town_and_street_principals: (PostRole.principal, _TOWNS_AND_STREETS),
    Role.deputy_principals: (PostRole.deputy_principal, _DEPARTMENTS | _TOWNS_AND_STREETS),
}


@dataclass(frozen=True)
class RoleContext:
    """What some roles depend on: `sponsor` is the organisation that brings the matter (sponsor, principal,
    deputy_in_charge), `chair` the official who chairs the meeting, `entrusting` who entrusted that one."""

    sponsor: str | None = None
    chair: str | None = None
    entrusting: str | None = None


NO_CONTEXT = RoleContext()


@dataclass(frozen=True)
class Permission:
    """Who may do something: any of `actors` under the facts, by the clause. `act` completes "may not …" (无权…) in the
    refusal with this `code`; `besides` is what else would help."""

    actors: tuple[Actor, ...]
    act: Text
    code: str
    clause: str | None
    facts: Facts = field(default_factory=dict)
    power: Power = Power.preside
    context: RoleContext = NO_CONTEXT
    besides: Text | None = None


class Composition(BaseModel):
    """Organisations, officials, posts, portfolios and A/B pairs of one government, with their dates."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))
    organisations: tuple[Organisation, ...]
    officials: tuple[Official, ...]
    posts: tuple[Post, ...]
    portfolios: tuple[Portfolio, ...] = ()
    pairs: tuple[Pair, ...] = ()
    _absences: tuple[Absent, ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _names_point_somewhere(self) -> Self:
        for what, what_zh, keys in (
            ("organisation", "机构", [o.code for o in self.organisations]),
            ("official", "人员", [o.id for o in self.officials]),
        ):
            if twice := {key for key, count in Counter(keys).items() if count > 1}:
                raise Unfit(
                    f"{what} stands twice: {', '.join(sorted(twice))}", f"{what_zh}重复：{'、'.join(sorted(twice))}"
                )
        organisations, officials = set(self.organisation_names), set(self.official_names)
        named_officials = (
            [p.official for p in self.posts]
            + [p.official for p in self.portfolios]
            + [official for p in self.pairs for official in (p.a, p.b)]
        )
        named_organisations = (
            [p.organisation for p in self.posts]
            + [code for p in self.portfolios for code in p.organisations]
            + [o.parent for o in self.organisations if o.parent]
        )
        if unknown := sorted(set(named_officials) - officials):
            raise Unfit(f"no such official: {', '.join(unknown)}", f"没有该人员：{'、'.join(unknown)}")
        if unknown := sorted(set(named_organisations) - organisations):
            raise Unfit(f"no such organisation: {', '.join(unknown)}", f"没有该机构：{'、'.join(unknown)}")
        return self

    @cached_property
    def official_names(self) -> dict[str, str]:
        return {official.id: official.name for official in self.officials}

    @cached_property
    def organisation_names(self) -> dict[str, str]:
        return {organisation.code: organisation.name for organisation in self.organisations}

    @cached_property
    def organisation_kinds(self) -> dict[str, OrganisationKind]:
        return {organisation.code: organisation.kind for organisation in self.organisations}

    @cached_property
    def _unit_kinds(self) -> dict[str, OrganisationKind]:
        """Kinds without the institutions that a department runs (部门所属事业单位)."""
        runs = {code for code, kind in self.organisation_kinds.items() if kind != OrganisationKind.government}
        return {o.code: o.kind for o in self.organisations if o.kind != _K.institution or o.parent not in runs}

    @cached_property
    def _offices(self) -> frozenset[str]:
        return frozenset(o.code for o in self.organisations if o.kind == OrganisationKind.office)

    def serves(self, official: str, on: date) -> bool:
        """Whether the official holds any post on that day."""
        return any(p.official == official and p.holds(on) for p in self.posts)

    def with_absences(self, absences: Iterable[Absent]) -> Composition:
        """The same composition, knowing who is away: not part of what it says, or of what an event of it carries."""
        known = self.model_copy()
        known._absences = tuple(absences)
        return known

    def absent(self, official: str, on: date) -> Absent | None:
        """The absence that the official is on that day, if any."""
        return next((a for a in self._absences if a.official == official and a.covers(on)), None)

    def partner(self, official: str, on: date) -> str | None:
        """The other one of the official's A/B pair on that day."""
        for pair in self.pairs:
            if pair.holds(on) and official in (pair.a, pair.b):
                return pair.b if pair.a == official else pair.a
        return None

    def with_post(self, roles: Iterable[PostRole], on: date) -> tuple[str, ...]:
        """Officials who hold one of these posts on that day, each once, in the composition's order."""
        wanted = frozenset(roles)
        return tuple(dict.fromkeys(p.official for p in self.posts if p.role in wanted and p.holds(on)))

    def of_organisation(self, organisation: str, on: date, *, principal: bool = False) -> tuple[str, ...]:
        """Officials with a post in the organisation on that day; with `principal` only who heads it (主要负责人)."""
        return tuple(
            dict.fromkeys(
                p.official
                for p in self.posts
                if p.organisation == organisation and p.holds(on) and (not principal or p.role == PostRole.principal)
            )
        )

    def holders(self, role: Role, on: date, context: RoleContext = NO_CONTEXT) -> tuple[str, ...]:
        """The officials whom a rule means by `role` on that day. Whoever holds no post any more holds no role, whatever a
        portfolio or a chaired meeting still says."""
        sponsor, chair, entrusting = context.sponsor, context.chair, context.entrusting
        match role:
            case Role.chair:
                return (chair,) if chair and self.serves(chair, on) else ()
            case Role.entrusting_leader:
                return (entrusting,) if entrusting and self.serves(entrusting, on) else ()
            case Role.office:
                return tuple(
                    dict.fromkeys(p.official for p in self.posts if p.organisation in self._offices and p.holds(on))
                )
            case Role.sponsor:
                return self.of_organisation(sponsor, on) if sponsor else ()
            case Role.principal:
                return self.of_organisation(sponsor, on, principal=True) if sponsor else ()
            case Role.deputy_in_charge:
                return tuple(
                    p.official
                    for p in self.portfolios
                    if sponsor in p.organisations and p.holds(on) and self.serves(p.official, on)
                )
            case _ if role in _ROLE_UNITS:
                return self._of_units(*_ROLE_UNITS[role], on)
            case _:
                return self.with_post(_ROLE_POSTS[role], on)

    def _of_units(self, post: PostRole, kinds: frozenset[OrganisationKind], on: date) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(
                p.official
                for p in self.posts
                if p.role == post and p.holds(on) and self._unit_kinds.get(p.organisation) in kinds
            )
        )

    def members(self, roles: Iterable[Role], on: date) -> tuple[str, ...]:
        """Everyone whom these roles name on that day, each once."""
        return tuple(dict.fromkeys(official for role in roles for official in self.holders(role, on)))

    def names(self, officials: Iterable[str]) -> list[str]:
        return [self.official_names.get(official, official) for official in officials]

    def _stands_in(self, official: str | None, holder: str, on: date, power: Power) -> StandIn | None:
        """What lets the official act for the holder on that day: only while in post and not away as well."""
        if official is None or official == holder or self.absent(official, on) or not self.serves(official, on):
            return None
        return next(
            (
                stand_in
                for absence in self._absences
                if absence.official == holder and absence.covers(on)
                for stand_in in absence.stand_ins
                if stand_in.official == official and power in stand_in.acts
            ),
            None,
        )

    def who_may(
        self, role: Role, on: date, *, power: Power = Power.preside, context: RoleContext = NO_CONTEXT
    ) -> tuple[str, ...]:
        """Whom to turn to for an act in this role on that day: the holders who are there, and who stands in for the
        others; the holders themselves where nobody does. A holder who is away may still act, but isn't waited for."""
        holders = self.holders(role, on, context)
        away = [holder for holder in holders if self.absent(holder, on)]
        if not away:
            return holders
        there = [holder for holder in holders if holder not in away]
        stand_ins = [
            stand_in.official
            for holder in away
            for absence in self._absences
            if absence.official == holder and absence.covers(on)
            for stand_in in absence.stand_ins
            if self._stands_in(stand_in.official, holder, on, power)
        ]
        return tuple(dict.fromkeys([*there, *stand_ins])) or holders

    def may_act(
        self,
        official: str | None,
        actors: Iterable[Actor],
        on: date,
        facts: Facts,
        *,
        power: Power = Power.preside,
        context: RoleContext = NO_CONTEXT,
    ) -> Acting | None:
        """By what the official may act under these facts on that day, or None: first by a post, else for somebody who is
        away. `power` says what kind of act it is, as not every stand-in may sign."""
        lawful = [(actor.role, self.holders(actor.role, on, context)) for actor in actors if matches(actor.when, facts)]
        for role, holders in lawful:
            if official in holders:
                return Acting(role)
        for role, holders in lawful:
            for holder in holders:
                if found := self._stands_in(official, holder, on, power):
                    return Acting(role, holder, found.clause, found.basis)
        return None

    def require(self, official: str | None, on: date, permission: Permission) -> Acting:
        """As `may_act`, or a 403 problem that names the clause and who may do it, and what helps `besides`; where the
        official could stand in for somebody who is away, the clause of that and what has to be recorded first."""
        actors, facts, power, context = permission.actors, permission.facts, permission.power, permission.context
        if acting := self.may_act(official, actors, on, facts, power=power, context=context):
            return acting
        lawful = [actor for actor in actors if matches(actor.when, facts)] or list(actors)
        asked = [h for actor in lawful for h in self.who_may(actor.role, on, power=power, context=context)]
        who = self.names(dict.fromkeys(asked))
        roles = [actor.role for actor in lawful]
        said = [self._in_words(actor.role, context.sponsor) for actor in lawful]
        name = self.official_names.get(official or "", official or "")
        extra: dict[str, object] = {"required_roles": roles}
        satisfy = Text(
            f"{' or '.join(each.en for each in said)}: {', '.join(who) or 'nobody holds it'}",
            f"应由{'、'.join(each.zh for each in said)}办理：{'、'.join(who) or '暂无人任职'}",
        )
        if besides := permission.besides:
            satisfy = Text(f"{satisfy.en}; {besides.en}", f"{satisfy.zh}；{besides.zh}")
        clause, act = permission.clause, permission.act
        holders = [h for actor in lawful for h in self.holders(actor.role, on, context)]
        if found := self._vacancy(official, holders, on, power):
            absence, vacancy = found
            away = self.official_names.get(absence.official, absence.official)
            clause = vacancy.clause
            extra["away"] = {"official": absence.official, "until": absence.until.isoformat(), "basis": vacancy.basis}
            satisfy = Text(
                f"{satisfy.en}; {away} is away until {absence.until}, and {name} may act for them once that is recorded "
                f"on absence {absence.absence_id} as {vacancy.basis}",
                f"{satisfy.zh}；{away}外出至{absence.until}，须先登记{name}代行的依据（{in_chinese(vacancy.basis)}）",
            )
        raise not_permitted(
            permission.code,
            clause,
            f"{name or 'a token for no official'} may not {act.en}",
            f"{name or '未指明官员的令牌'}无权{act.zh}",
            satisfy,
            **extra,
        )

    def _in_words(self, role: Role, unit: str | None) -> Text:
        """A role as a refusal names it; who is of a unit, or heads it, with the unit's name: it needn't be a sponsor."""
        name = self.organisation_names.get(unit or "")
        if name and role is Role.sponsor:
            return Text(f"somebody of {name}", name)
        if name and role is Role.principal:
            return Text(f"the principal of {name}", f"{name}主要负责人")
        return Text(role.value, in_chinese(role))

    def _vacancy(
        self, official: str | None, holders: list[str], on: date, power: Power
    ) -> tuple[Absent, Vacancy] | None:
        """What would let the official act for one of the holders, were it recorded."""
        for holder in holders:
            if absence := self.absent(holder, on):
                for vacancy in absence.vacancies:
                    if official in vacancy.candidates and power in vacancy.acts:
                        return absence, vacancy
        return None


def names_of(composition: Composition) -> dict[str, str]:
    return composition.organisation_names | composition.official_names


def require_known(composition: Composition, officials: list[str], organisations: list[str]) -> None:
    """Problem 422 `unknown_official` or `unknown_organisation` for keys that the composition doesn't have."""
    if unknown := sorted(set(officials) - set(composition.official_names)):
        raise invalid("unknown_official", f"no such official: {', '.join(unknown)}", f"查无此人：{'、'.join(unknown)}")
    if unknown := sorted(set(organisations) - set(composition.organisation_names)):
        raise invalid(
            "unknown_organisation", f"no such organisation: {', '.join(unknown)}", f"没有该单位：{'、'.join(unknown)}"
        )


def require_organisations(composition: Composition, codes: list[str], on: date | None = None) -> None:
    """Problem 422 `unknown_organisation` for codes that the composition doesn't have, `organisation_abolished` for units
    that aren't there on that day, where one is named."""
    require_known(composition, [], codes)
    there = {each.code for each in composition.organisations if on is None or each.holds(on)}
    if gone := [composition.organisation_names[code] for code in codes if code not in there]:
        raise invalid(
            "organisation_abolished",
            f"not there on {on}: {', '.join(gone)}",
            f"{on}时该单位不存在：{'、'.join(gone)}",
        )


# who organises --------------------------------------------------------------------------------------------------------
def require_office(composition: Composition, official: str | None, on: date, act: Text, clause: str | None) -> None:
    """Problem 403 `not_the_office` unless the official belongs to the government's office, which organises meetings."""
    composition.require(official, on, Permission((Actor(role=Role.office),), act, "not_the_office", clause))

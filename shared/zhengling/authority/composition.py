"""A government's composition: posts and stand-ins on a day, and the permissions that follow.

A `Composition` is the dated state of one government, as carried by the event `meeting.composition.changed`; meeting-svc
owns it, the other services keep a replica. Permissions follow from the posts held on a day, never from a role in a token.
For an absent official (`Absent`, from calendar-svc's events) those may act who stand in by a rule or a recorded decision;
a stand-in acts in the roles of the absent official's own posts, never in those that the official stands in for. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from zhengling.authority.absence import Absent, StandIn, Vacancy
from zhengling.kernel.errors import Problem, Text, Unfit, invalid, not_permitted
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import UNPADDED
from zhengling.rules.absences import Basis, Power
from zhengling.rules.chains import Actor
from zhengling.rules.conditions import Facts, matches
from zhengling.rules.vocabulary import Role, in_chinese

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class OrganisationKind(StrEnum):
    """The kind of an organisation, as the rules distinguish them (XG-31, HC-89, ST-70, DL-65)."""

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


class OrganisationFunction(StrEnum):
    """A function that rules give to an organisation, whichever one has it in this government: legality review by the justice
    organ (HC-19, ST-17, ZQ-30), supervision by the supervision office (ST-62), papers through a unit's own office (XG-41)."""

    justice = "justice"
    supervision = "supervision"
    unit_office = "unit_office"


class PostRole(StrEnum):
    """A post in the rules; an official may hold several."""

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
    """Valid from `since` to `until`, both days included; without `until` still valid."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    since: Day
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until and self.until < self.since:
            raise Unfit("until is before since", "截止日期早于起始日期")
        return self

    def holds(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on <= self.until)


class Organisation(BaseModel):
    """An organisation; without `since` it existed before the records begin. `successor` takes over from one that is
    abolished, after its last day."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    code: Key
    name: Annotated[str, Field(min_length=1, max_length=120), UNPADDED]
    kind: OrganisationKind
    parent: Key | None = None
    since: Day | None = None
    until: Day | None = None
    functions: Annotated[tuple[OrganisationFunction, ...], Field(max_length=10)] = ()
    successor: Key | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise Unfit("until is before since", "截止日期早于起始日期")
        return self

    def holds(self, on: date) -> bool:
        return (self.since is None or self.since <= on) and (self.until is None or on <= self.until)


class Official(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Key
    name: Annotated[str, Field(min_length=1, max_length=60), UNPADDED]


class Post(Dated):
    official: Key
    role: PostRole
    organisation: Key
    title: Annotated[str, Field(max_length=60), UNPADDED] = ""


class Portfolio(Dated):
    """A deputy's portfolio: the organisations that the deputy is in charge of (分管)."""

    official: Key
    organisations: tuple[Key, ...]


class Pair(Dated):
    """An A/B pair (AB角): each stands in for the other."""

    a: Key
    b: Key


@dataclass(frozen=True)
class Acting:
    """The role in which an official may act; for a stand-in also on whose behalf and by which clause."""

    role: Role
    on_behalf_of: str | None = None
    clause: str | None = None
    basis: Basis | None = None

    @property
    def behalf(self) -> dict[str, object]:
        """The recorded fields of acting for somebody else; empty for acting by a post."""
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
#: Role → post and kinds of the organisations headed. A street's office is a dispatched organ; the government's office isn't
#: one of the units, as rules name its director separately (XG-5, XG-31). An institution counts only if no department runs
#: it (HC-58, HC-89).
_ROLE_UNITS: dict[Role, tuple[PostRole, frozenset[OrganisationKind]]] = {
    Role.department_principals: (PostRole.principal, _DEPARTMENTS),
    Role.constituent_department_principals: (PostRole.principal, frozenset({_K.constituent_department})),
    Role.unit_principals: (PostRole.principal, _UNITS),
    Role.town_and_street_principals: (PostRole.principal, _TOWNS_AND_STREETS),
    Role.deputy_principals: (PostRole.deputy_principal, _DEPARTMENTS | _TOWNS_AND_STREETS),
}


@dataclass(frozen=True)
class RoleContext:
    """The context of some roles: `sponsor` is the organisation that brings the matter (for sponsor, principal,
    deputy_in_charge), `concerned` other organisations that it touches (with the sponsor for deputies_concerned), `chair` the
    official who chairs the meeting, `entrusting` the official who entrusted the chair."""

    sponsor: str | None = None
    chair: str | None = None
    entrusting: str | None = None
    concerned: tuple[str, ...] = ()


NO_CONTEXT = RoleContext()


#: Role → the only holders of it who count.
Among = Mapping[Role, tuple[str, ...]]


@dataclass(frozen=True)
class Permission:
    """A permission: any of `actors` under the facts, by the clause. `act` completes "may not …" (无权…) in the refusal with
    this `code`; `besides` is an alternative way to satisfy it; of the roles in `among` only these holders count."""

    actors: tuple[Actor, ...]
    act: Text
    code: str
    clause: str | None
    facts: Facts = field(default_factory=dict)
    power: Power = Power.preside
    context: RoleContext = NO_CONTEXT
    besides: Text | None = None
    among: Among = field(default_factory=dict)


def circles(next_of: Mapping[str, str | None]) -> Iterator[list[str]]:
    """The circles of these links. Each link is followed once."""
    done: set[str] = set()
    for start in next_of:
        path: dict[str, None] = {}
        at: str | None = start
        while at is not None and at in next_of and at not in done and at not in path:
            path[at] = None
            at = next_of[at]
        if at is not None and at in path:
            yield list(path)[list(path).index(at) :]
        done.update(path)


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
                    f"duplicate {what}: {', '.join(sorted(twice))}", f"{what_zh}重复：{'、'.join(sorted(twice))}"
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
            + [o.successor for o in self.organisations if o.successor]
        )
        if unknown := sorted(set(named_officials) - officials):
            raise Unfit(f"no such official: {', '.join(unknown)}", f"没有该人员：{'、'.join(unknown)}")
        if unknown := sorted(set(named_organisations) - organisations):
            raise Unfit(f"no such organisation: {', '.join(unknown)}", f"没有该机构：{'、'.join(unknown)}")
        if circle := next(circles({o.code: o.successor for o in self.organisations}), None):
            raise Unfit(f"successors in a circle: {' → '.join(circle)}", f"承接机构循环：{' → '.join(circle)}")
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
        """Organisation → kind, without institutions run by a department (部门所属事业单位)."""
        runs = {code for code, kind in self.organisation_kinds.items() if kind != OrganisationKind.government}
        return {o.code: o.kind for o in self.organisations if o.kind != _K.institution or o.parent not in runs}

    @cached_property
    def _by_code(self) -> dict[str, Organisation]:
        return {organisation.code: organisation for organisation in self.organisations}

    def succeeding(self, organisation: str, on: date) -> str | None:
        """The organisation that has this one's tasks on that day: itself as long as it isn't abolished, else the one that
        succeeds it, through any number of successors. None if it is unknown, or abolished without a successor."""
        found = self._by_code.get(organisation)
        while found and found.until and found.until < on:
            found = self._by_code.get(found.successor or "")
        return found.code if found else None

    def with_function(self, function: OrganisationFunction, on: date, *, of: str | None = None) -> tuple[str, ...]:
        """The organisations that have this function on that day, those that succeed one of them included; with `of` only
        those of this parent organisation."""
        named = (o for o in self.organisations if function in o.functions and (of is None or o.parent == of))
        found = (self.succeeding(o.code, on) for o in named if o.since is None or o.since <= on)
        return tuple(dict.fromkeys(code for code in found if code))

    def office(self, on: date) -> Organisation | None:
        """The government's office on that day."""
        offices = [o for o in self.organisations if o.kind == OrganisationKind.office]
        return next((o for o in offices if o.holds(on)), None)

    @cached_property
    def _offices(self) -> frozenset[str]:
        return frozenset(o.code for o in self.organisations if o.kind == OrganisationKind.office)

    def serves(self, official: str, on: date) -> bool:
        """Whether the official holds any post on that day."""
        return any(p.official == official and p.holds(on) for p in self.posts)

    def with_absences(self, absences: Iterable[Absent]) -> Composition:
        """The same composition with absences, which are neither part of its content nor of its event."""
        known = self.model_copy()
        known._absences = tuple(absences)
        return known

    def absent(self, official: str, on: date) -> Absent | None:
        """The official's absence on that day, if any."""
        return next((a for a in self._absences if a.official == official and a.covers(on)), None)

    def stood_in_for(self, official: str, on: date) -> tuple[str, ...]:
        """The absent officials for whom the official stands in on that day, with whatever power."""
        return tuple(
            dict.fromkeys(
                absence.official
                for absence in self._absences
                if absence.covers(on) and any(each.official == official for each in absence.stand_ins)
            )
        )

    def partner(self, official: str, on: date) -> str | None:
        """The other official of the A/B pair on that day."""
        for pair in self.pairs:
            if pair.holds(on) and official in (pair.a, pair.b):
                return pair.b if pair.a == official else pair.a
        return None

    def with_post(self, roles: Iterable[PostRole], on: date) -> tuple[str, ...]:
        """The officials who hold one of these posts on that day, without duplicates, in the composition's order."""
        wanted = frozenset(roles)
        return tuple(dict.fromkeys(p.official for p in self.posts if p.role in wanted and p.holds(on)))

    def of_organisation(self, organisation: str, on: date, *, principal: bool = False) -> tuple[str, ...]:
        """The officials with a post in the organisation on that day; with `principal` only its heads (主要负责人)."""
        return tuple(
            dict.fromkeys(
                p.official
                for p in self.posts
                if p.organisation == organisation and p.holds(on) and (not principal or p.role == PostRole.principal)
            )
        )

    def holders(self, role: Role, on: date, context: RoleContext = NO_CONTEXT) -> tuple[str, ...]:
        """The holders of `role` on that day. An official without a post holds no role, even if a portfolio or a chaired
        meeting still names them."""
        chair, entrusting = context.chair, context.entrusting
        sponsor = self._now(context.sponsor, on)
        match role:
            case Role.chair:
                return (chair,) if chair and self.serves(chair, on) else ()
            case Role.entrusting_leader:
                return (entrusting,) if entrusting and self.serves(entrusting, on) else ()
            case Role.office:
                return tuple(
                    dict.fromkeys(p.official for p in self.posts if p.organisation in self._offices and p.holds(on))
                )
            case Role.justice_organ:
                return self._members_of(self.with_function(OrganisationFunction.justice, on), on)
            case Role.supervision_office:  # a government without one has its office do it
                units = self.with_function(OrganisationFunction.supervision, on)
                return self._members_of(units, on) if units else self.holders(Role.office, on)
            case Role.unit_office:  # a unit without an office does it itself
                units = self.with_function(OrganisationFunction.unit_office, on, of=sponsor) if sponsor else ()
                return self._members_of(units, on) if units else self.holders(Role.sponsor, on, context)
            case Role.sponsor:
                return self.of_organisation(sponsor, on) if sponsor else ()
            case Role.principal:
                return self.of_organisation(sponsor, on, principal=True) if sponsor else ()
            case Role.deputy_in_charge:
                return self._in_charge([sponsor], on)
            case Role.deputies_concerned:
                return self._in_charge([sponsor, *(self._now(each, on) for each in context.concerned)], on)
            case _ if role in _ROLE_UNITS:
                return self._of_units(*_ROLE_UNITS[role], on)
            case _:
                return self.with_post(_ROLE_POSTS[role], on)

    def _now(self, organisation: str | None, on: date) -> str | None:
        """Who has the organisation's tasks on that day; the organisation itself where nobody does."""
        return (self.succeeding(organisation, on) or organisation) if organisation else None

    def _in_charge(self, organisations: Iterable[str | None], on: date) -> tuple[str, ...]:
        """The officials in whose portfolio one of the organisations is."""
        wanted = set(organisations)
        return tuple(
            dict.fromkeys(
                p.official
                for p in self.portfolios
                if wanted & set(p.organisations) and p.holds(on) and self.serves(p.official, on)
            )
        )

    def _members_of(self, organisations: Iterable[str], on: date) -> tuple[str, ...]:
        """The officials with a post in one of these organisations on that day, without duplicates."""
        return tuple(dict.fromkeys(who for code in organisations for who in self.of_organisation(code, on)))

    def _of_units(self, post: PostRole, kinds: frozenset[OrganisationKind], on: date) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(
                p.official
                for p in self.posts
                if p.role == post and p.holds(on) and self._unit_kinds.get(p.organisation) in kinds
            )
        )

    def members(self, roles: Iterable[Role], on: date) -> tuple[str, ...]:
        """All holders of these roles on that day, without duplicates."""
        return tuple(dict.fromkeys(official for role in roles for official in self.holders(role, on)))

    def names(self, officials: Iterable[str]) -> list[str]:
        return [self.official_names.get(official, official) for official in officials]

    def _stands_in(self, official: str | None, holder: str, on: date, power: Power) -> StandIn | None:
        """The stand-in record by which the official may act for the holder on that day; None unless the official holds a
        post and isn't away."""
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
        self,
        role: Role,
        on: date,
        *,
        power: Power = Power.preside,
        context: RoleContext = NO_CONTEXT,
        among: Among = MappingProxyType({}),
    ) -> tuple[str, ...]:
        """The officials responsible for an act in this role on that day: the present holders (only those of `among`, if the role
        is in it) and the stand-ins of absent ones; if there are none, the holders themselves. An absent holder may still
        act, but nobody waits for them."""
        holders = _only(role, self.holders(role, on, context), among)
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
        among: Among = MappingProxyType({}),
    ) -> Acting | None:
        """The role in which the official may act under these facts on that day, or None: by a post first, else as a
        stand-in. `power` is the power the act needs, as not every stand-in may sign; `among` are the holders who count."""
        lawful = [
            (actor.role, _only(actor.role, self.holders(actor.role, on, context), among))
            for actor in actors
            if matches(actor.when, facts)
        ]
        for role, holders in lawful:
            if official in holders:
                return Acting(role)
        for role, holders in lawful:
            for holder in holders:
                if found := self._stands_in(official, holder, on, power):
                    return Acting(role, holder, found.clause, found.basis)
        return None

    def require(self, official: str | None, on: date, permission: Permission) -> Acting:
        """As `may_act`, else a 403 problem with the clause, the officials who may act and the permission's `besides`; if the
        official could stand in for an absent holder, also that rule's clause and the basis to be recorded first."""
        actors, facts, power, context = permission.actors, permission.facts, permission.power, permission.context
        among = permission.among
        if acting := self.may_act(official, actors, on, facts, power=power, context=context, among=among):
            return acting
        lawful = [actor for actor in actors if self._lawful_for_any(actor, on, facts, context)] or list(actors)
        asked = [h for actor in lawful for h in self.who_may(actor.role, on, power=power, context=context, among=among)]
        who = self.names(dict.fromkeys(asked))
        roles = [actor.role for actor in lawful]
        said = [self._in_words(actor.role, self._now(context.sponsor, on)) for actor in lawful]
        name = self.official_names.get(official or "", official or "")
        extra: dict[str, object] = {"required_roles": roles}
        satisfy = Text(
            f"{' or '.join(each.en for each in said)}: {', '.join(who) or 'no holder'}",
            f"应由{'、'.join(each.zh for each in said)}办理：{'、'.join(who) or '暂无人任职'}",
        )
        if besides := permission.besides:
            satisfy = Text(f"{satisfy.en}; {besides.en}", f"{satisfy.zh}；{besides.zh}")
        clause, act = permission.clause, permission.act
        holders = [h for actor in lawful for h in _only(actor.role, self.holders(actor.role, on, context), among)]
        if found := self._vacancy(official, holders, on, power):
            absence, vacancy = found
            away = self.official_names.get(absence.official, absence.official)
            clause = vacancy.clause
            extra["away"] = {"official": absence.official, "until": absence.until.isoformat(), "basis": vacancy.basis}
            satisfy = Text(
                f"{satisfy.en}; {away} is away until {absence.until}, and {name} may act for them once {vacancy.basis} is "
                f"recorded on absence {absence.absence_id}",
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

    def _lawful_for_any(self, actor: Actor, on: date, facts: Facts, context: RoleContext) -> bool:
        """Whether the actor's condition holds for the caller or for a holder of the role: whether somebody chaired is a
        fact of each official."""
        if matches(actor.when, facts):
            return True
        holders = self.holders(actor.role, on, context) if "chaired" in facts else ()
        return any(matches(actor.when, facts | {"chaired": holder == context.chair}) for holder in holders)

    def _in_words(self, role: Role, unit: str | None) -> Text:
        """A role as text for a refusal; sponsor and principal with the unit's name, as the unit needn't be a sponsor."""
        name = self.organisation_names.get(unit or "")
        if name and role is Role.sponsor:
            return Text(f"an official of {name}", name)
        if name and role is Role.principal:
            return Text(f"the principal of {name}", f"{name}主要负责人")
        return Text(role.value, in_chinese(role))

    def _vacancy(
        self, official: str | None, holders: list[str], on: date, power: Power
    ) -> tuple[Absent, Vacancy] | None:
        """The rule by which the official could act for one of the holders once its basis is recorded."""
        for holder in holders:
            if absence := self.absent(holder, on):
                for vacancy in absence.vacancies:
                    if official in vacancy.candidates and power in vacancy.acts:
                        return absence, vacancy
        return None


def _only(role: Role, holders: tuple[str, ...], among: Among) -> tuple[str, ...]:
    return tuple(holder for holder in holders if holder in among[role]) if role in among else holders


def names_of(composition: Composition) -> dict[str, str]:
    return composition.organisation_names | composition.official_names


def require_known(composition: Composition, officials: list[str], organisations: list[str]) -> None:
    """Problem 422 `unknown_official` or `unknown_organisation` for keys missing in the composition."""
    if unknown := sorted(set(officials) - set(composition.official_names)):
        raise invalid("unknown_official", f"no such official: {', '.join(unknown)}", f"查无此人：{'、'.join(unknown)}")
    if unknown := sorted(set(organisations) - set(composition.organisation_names)):
        raise invalid(
            "unknown_organisation", f"no such organisation: {', '.join(unknown)}", f"没有该单位：{'、'.join(unknown)}"
        )


def require_organisations(composition: Composition, codes: list[str], on: date | None = None) -> None:
    """Problem 422 `unknown_organisation` for codes missing in the composition; `organisation_abolished` for organisations
    that don't exist on the day `on`, if given."""
    require_known(composition, [], codes)
    there = {each.code for each in composition.organisations if on is None or each.holds(on)}
    if gone := [code for code in codes if code not in there]:
        assert on
        names = composition.organisation_names
        successors = {code: composition.succeeding(code, on) for code in gone}
        follow = [f"{names[code]} → {names[to]}" for code, to in successors.items() if to and to != code]
        raise Problem(
            422,
            "organisation_abolished",
            Text(
                f"doesn't exist on {on}: {', '.join(names[code] for code in gone)}",
                f"{on}时该单位不存在：{'、'.join(names[code] for code in gone)}",
            ),
            Text(f"name its successor: {', '.join(follow)}", f"请改填承接单位：{'、'.join(follow)}")
            if follow
            else None,
        )


# who organises --------------------------------------------------------------------------------------------------------
def holds_no_post(official: str | None, satisfy: Text) -> Problem:
    """403 for an official who holds no post on the day, or a token that names none."""
    who, who_zh = official or "a token for no official", official or "未指明官员的令牌"
    text = Text(f"{who} holds no post today", f"{who_zh}目前没有任职")
    return Problem(403, "holds_no_post", text, satisfy)


def require_office(composition: Composition, official: str | None, on: date, act: Text, clause: str | None) -> None:
    """Problem 403 `not_the_office` unless the official belongs to the government's office, which organises meetings."""
    composition.require(official, on, Permission((Actor(role=Role.office),), act, "not_the_office", clause))

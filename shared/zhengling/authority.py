"""Who holds which post on which day, and so who may do what.

Pure: a `Composition` is the dated state of one government as the event `meeting.composition.changed` carries it;
meeting-svc owns it, the others keep a replica. What a person may do follows from the posts held on that day, never
from a role string in a token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zhengling.errors import Text, not_permitted
from zhengling.moments import Day
from zhengling.rulebook import Actor, Facts, Role, in_chinese, matches

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class OrganisationKind(StrEnum):
    government = "government"
    office = "office"
    constituent_department = "constituent_department"
    dispatched_organ = "dispatched_organ"
    institution = "institution"
    town = "town"
    street = "street"
    coordination_body = "coordination_body"


class PostRole(StrEnum):
    """Posts that rules speak of; an official may hold several."""

    head = "head"
    executive_deputy = "executive_deputy"
    deputy = "deputy"
    party_group_member = "party_group_member"
    secretary_general = "secretary_general"
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
            raise ValueError("until lies before since")
        return self

    def holds(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on <= self.until)


class Organisation(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    code: Key
    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: OrganisationKind
    parent: Key | None = None


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


_ROLE_POSTS: dict[Role, tuple[PostRole, ...]] = {
    Role.head: (PostRole.head,),
    Role.executive_deputy: (PostRole.executive_deputy,),
    Role.deputies: (PostRole.executive_deputy, PostRole.deputy),
    Role.party_group: (PostRole.party_group_member,),
    Role.secretary_general: (PostRole.secretary_general,),
    Role.office_director: (PostRole.office_director,),
    Role.office_deputy_director: (PostRole.office_deputy_director,),
    Role.department_principals: (PostRole.principal,),
}


class Composition(BaseModel):
    """Organisations, officials, posts, portfolios and A/B pairs of one government, with their dates."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))
    organisations: tuple[Organisation, ...]
    officials: tuple[Official, ...]
    posts: tuple[Post, ...]
    portfolios: tuple[Portfolio, ...] = ()
    pairs: tuple[Pair, ...] = ()

    @model_validator(mode="after")
    def _names_point_somewhere(self) -> Self:
        for what, keys in (
            ("organisation", [o.code for o in self.organisations]),
            ("official", [o.id for o in self.officials]),
        ):
            if twice := {key for key, count in Counter(keys).items() if count > 1}:
                raise ValueError(f"{what} stands twice: {', '.join(sorted(twice))}")
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
            raise ValueError(f"no such official: {', '.join(unknown)}")
        if unknown := sorted(set(named_organisations) - organisations):
            raise ValueError(f"no such organisation: {', '.join(unknown)}")
        return self

    @cached_property
    def official_names(self) -> dict[str, str]:
        return {official.id: official.name for official in self.officials}

    @cached_property
    def organisation_names(self) -> dict[str, str]:
        return {organisation.code: organisation.name for organisation in self.organisations}

    @cached_property
    def _offices(self) -> frozenset[str]:
        return frozenset(o.code for o in self.organisations if o.kind == OrganisationKind.office)

    def _serves(self, official: str, on: date) -> bool:
        return any(p.official == official and p.holds(on) for p in self.posts)

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

    def holders(self, role: Role, on: date, *, sponsor: str | None = None, chair: str | None = None) -> tuple[str, ...]:
        """The officials whom a rule means by `role` on that day.

        `sponsor` is the organisation that brings the matter (needed for sponsor, principal, deputy_in_charge),
        `chair` the official who chairs the meeting (needed for chair). Whoever holds no post any more holds no role,
        whatever a portfolio or a chaired meeting still says.
        """
        match role:
            case Role.chair:
                return (chair,) if chair and self._serves(chair, on) else ()
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
                    if sponsor in p.organisations and p.holds(on) and self._serves(p.official, on)
                )
            case _:
                return self.with_post(_ROLE_POSTS[role], on)

    def members(self, roles: Iterable[Role], on: date) -> tuple[str, ...]:
        """Everyone whom these roles name on that day, each once."""
        return tuple(dict.fromkeys(official for role in roles for official in self.holders(role, on)))

    def names(self, officials: Iterable[str]) -> list[str]:
        return [self.official_names.get(official, official) for official in officials]

    def may_act(
        self,
        official: str | None,
        actors: Iterable[Actor],
        on: date,
        facts: Facts,
        *,
        sponsor: str | None = None,
        chair: str | None = None,
    ) -> Role | None:
        """The role by which the official may act under these facts on that day, or None."""
        return next(
            (
                actor.role
                for actor in actors
                if matches(actor.when, facts) and official in self.holders(actor.role, on, sponsor=sponsor, chair=chair)
            ),
            None,
        )

    def require(
        self,
        official: str | None,
        actors: tuple[Actor, ...],
        on: date,
        facts: Facts,
        act: Text,
        *,
        code: str,
        clause: str | None,
        sponsor: str | None = None,
        chair: str | None = None,
    ) -> Role:
        """As `may_act`, or a 403 problem that names the clause and who may do it."""
        if role := self.may_act(official, actors, on, facts, sponsor=sponsor, chair=chair):
            return role
        lawful = [actor for actor in actors if matches(actor.when, facts)] or list(actors)
        who = self.names(
            dict.fromkeys(h for actor in lawful for h in self.holders(actor.role, on, sponsor=sponsor, chair=chair))
        )
        roles = [actor.role.value for actor in lawful]
        name = self.official_names.get(official or "", official or "")
        raise not_permitted(
            code,
            clause,
            f"{name or 'a token for no official'} may not {act.en}",
            f"{name or '未指明官员的令牌'}无权{act.zh}",
            Text(
                f"{' or '.join(roles)}: {', '.join(who) or 'nobody holds it'}",
                f"应由{in_chinese(*roles)}办理：{'、'.join(who) or '暂无人任职'}",
            ),
            required_roles=roles,
        )

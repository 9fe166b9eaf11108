"""Stand-ins for absent officials: by whose posts, with which powers, on which days, by which clause."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import composition_of
from zhengling.authority.absence import Absent, StandIn, Vacancy
from zhengling.authority.composition import (
    Acting,
    Composition,
    Organisation,
    OrganisationFunction,
    OrganisationKind,
    Permission,
    RoleContext,
    require_organisations,
)
from zhengling.events.meeting import CompositionChanged
from zhengling.kernel.errors import Problem, Text
from zhengling.rules.absences import AbsenceKind, Basis, Power
from zhengling.rules.chains import Actor
from zhengling.rules.vocabulary import Role, in_chinese

DAY = date(2028, 3, 6)
PEOPLE = composition_of("huancui")
HEAD = (Actor(role=Role.head),)
BOTH = (Power.preside, Power.sign)


def days(n: int) -> timedelta:
    return timedelta(days=n)


def stand_in(official: str, *acts: Power, clause: str = "HC-5", basis: Basis = Basis.rule) -> StandIn:
    return StandIn(official=f"hc-{official}", acts=acts or BOTH, clause=clause, basis=basis)


def absent(official: str, *stand_ins: StandIn, since: date = DAY, until: date = DAY, **more: Any) -> Absent:
    return Absent(
        absence_id=f"absence of {official}", official=f"hc-{official}", absence_kind=AbsenceKind.official_trip,
        since=since, until=until, clause="HC-5", stand_ins=stand_ins, **more,
    )  # fmt: skip


def may(
    people: Composition, official: str, role: Role, on: date = DAY, power: Power = Power.preside, **context: str
) -> Acting | None:
    return people.may_act(f"hc-{official}", (Actor(role=role),), on, {}, power=power, context=RoleContext(**context))


AWAY = PEOPLE.with_absences([absent("head", stand_in("exec", Power.preside))])


# by the rule --------------------------------------------------------------------------------------------------------
def test_a_stand_in_acts_for_the_head_and_the_answer_says_on_whose_behalf_and_why() -> None:
    assert may(AWAY, "exec", Role.head) == Acting(Role.head, "hc-head", "HC-5", Basis.rule)
    assert may(PEOPLE, "exec", Role.head) is None
    assert may(AWAY, "dep1", Role.head) is None
    acting = may(AWAY, "exec", Role.head)
    assert acting and acting.behalf == {"on_behalf_of": "hc-head", "under": "HC-5", "basis": Basis.rule}


def test_a_stand_in_acts_only_in_the_powers_given() -> None:
    assert may(AWAY, "exec", Role.head, power=Power.preside)
    assert may(AWAY, "exec", Role.head, power=Power.sign) is None


def test_a_stand_in_acts_only_on_the_days_of_the_absence() -> None:
    people = PEOPLE.with_absences([absent("head", stand_in("exec"), since=DAY, until=DAY + days(2))])
    found = {n: may(people, "exec", Role.head, DAY + days(n)) is not None for n in range(-1, 4)}
    assert found == {-1: False, 0: True, 1: True, 2: True, 3: False}


def test_an_official_acting_by_a_post_acts_on_nobodys_behalf() -> None:
    actors = (Actor(role=Role.head), Actor(role=Role.executive_deputy))
    assert AWAY.may_act("hc-exec", actors, DAY, {}) == Acting(Role.executive_deputy)


def test_a_stand_in_who_is_away_or_out_of_post_stands_in_for_nobody() -> None:
    both = PEOPLE.with_absences([absent("head", stand_in("exec")), absent("exec", stand_in("dep1"))])
    assert may(both, "exec", Role.head) is None
    gone = tuple(p.model_copy(update={"until": DAY - days(1)}) if p.official == "hc-exec" else p for p in PEOPLE.posts)
    left = PEOPLE.model_copy(update={"posts": gone}).with_absences([absent("head", stand_in("exec"))])
    assert may(left, "exec", Role.head) is None


def test_standing_in_isnt_transitive() -> None:
    """Who stands in for the executive deputy doesn't stand in for the head for whom that one stood in."""
    both = PEOPLE.with_absences([absent("head", stand_in("exec")), absent("exec", stand_in("dep1"))])
    assert may(both, "dep1", Role.executive_deputy)
    assert may(both, "dep1", Role.head) is None


def test_a_partner_acts_in_the_portfolio_and_for_the_chair_that_the_other_was() -> None:
    people = PEOPLE.with_absences([absent("dep3", stand_in("dep2", clause="HC-7"))])
    assert may(people, "dep2", Role.deputy_in_charge, sponsor="hc-zjj") == Acting(
        Role.deputy_in_charge, "hc-dep3", "HC-7", Basis.rule
    )
    assert may(people, "dep2", Role.deputy_in_charge, sponsor="hc-yjj") is None
    assert may(people, "dep2", Role.chair, chair="hc-dep3")
    assert may(people, "dep2", Role.chair, chair="hc-dep4") is None


# whom to turn to ----------------------------------------------------------------------------------------------------
def test_a_holder_who_is_away_isnt_waited_for_where_somebody_stands_in_but_may_still_act() -> None:
    assert PEOPLE.who_may(Role.head, DAY) == ("hc-head",)
    assert AWAY.who_may(Role.head, DAY) == ("hc-exec",)
    assert AWAY.who_may(Role.head, DAY, power=Power.sign) == ("hc-head",)
    assert may(AWAY, "head", Role.head) == Acting(Role.head)
    assert PEOPLE.with_absences([absent("head")]).who_may(Role.head, DAY) == ("hc-head",)
    deputies = PEOPLE.with_absences([absent("dep2", stand_in("dep3"))]).who_may(Role.deputies, DAY)
    assert deputies == ("hc-exec", "hc-dep1", "hc-dep3", "hc-dep4", "hc-dep5")


def test_members_stay_who_they_are_whoever_is_away() -> None:
    roles = (Role.head, Role.deputies)
    assert AWAY.members(roles, DAY) == PEOPLE.members(roles, DAY)
    assert AWAY.holders(Role.head, DAY) == ("hc-head",)


# refusals -----------------------------------------------------------------------------------------------------------
def refused(people: Composition, official: str, power: Power = Power.preside) -> Problem:
    act = Text("sign", "签发")
    with pytest.raises(Problem) as caught:
        people.require(f"hc-{official}", DAY, Permission(HEAD, act, "not_the_actor", "HC-53", power=power))
    return caught.value


def test_a_possible_stand_in_is_refused_with_the_clause_and_the_basis_to_record_first() -> None:
    wanting = Vacancy(candidates=("hc-exec",), acts=(Power.sign,), clause="HC-62", basis=Basis.entrusted)
    people = PEOPLE.with_absences([absent("head", stand_in("exec", Power.preside), vacancies=(wanting,))])
    problem = refused(people, "exec", power=Power.sign)
    assert (problem.status, problem.code, problem.clause) == (403, "not_the_actor", "HC-62")
    assert problem.extra["away"] == {"official": "hc-head", "until": "2028-03-06", "basis": Basis.entrusted}
    assert problem.satisfy and "受委托" in problem.satisfy.zh and "entrusted" in problem.satisfy.en
    other = refused(people, "dep1", power=Power.sign)
    assert (other.clause, "away" in other.extra) == ("HC-53", False)


def test_a_refusal_names_who_may_act_on_that_day() -> None:
    problem = refused(AWAY, "dep1")
    assert problem.satisfy
    assert PEOPLE.official_names["hc-exec"] in problem.satisfy.zh
    assert PEOPLE.official_names["hc-head"] not in problem.satisfy.zh


# as data ------------------------------------------------------------------------------------------------------------
def test_a_refusal_names_everybody_who_may_act_by_a_fact_of_their_own() -> None:
    signers = (
        Actor(role=Role.head),
        Actor(role=Role.executive_deputy, when={"entrusted": True, "chaired": True}),
    )
    facts = {"entrusted": True, "chaired": False, "major": False}  # of the caller, who didn't chair
    chaired_by = {
        "hc-exec": "应由政府主要负责人、负责常务工作的副职办理：陆竹棠、秦砚桐",
        "hc-head": "应由政府主要负责人办理：陆竹棠",
    }
    for chair, who in chaired_by.items():
        permission = Permission(
            signers, Text("sign", "签发"), "not_the_actor", "XG-32", facts, Power.sign, RoleContext(chair=chair)
        )
        with pytest.raises(Problem) as refused:
            PEOPLE.require("hc-dep1", DAY, permission)
        assert refused.value.satisfy
        assert refused.value.satisfy.zh == who


def test_absences_are_no_part_of_the_compositions_content() -> None:
    assert AWAY.model_dump() == PEOPLE.model_dump()
    event = CompositionChanged(government="huancui", version=1, composition=AWAY)
    assert "absence" not in event.model_dump_json()
    assert PEOPLE.absent("hc-head", DAY) is None, "the one that is kept for others knows of nobody's absence"


def test_the_partner_is_the_other_of_the_pair_that_holds_on_the_day() -> None:
    assert (PEOPLE.partner("hc-dep2", DAY), PEOPLE.partner("hc-dep3", DAY)) == ("hc-dep3", "hc-dep2")
    assert PEOPLE.partner("hc-head", DAY) is None
    assert PEOPLE.partner("hc-dep2", date(2021, 12, 31)) is None


# whatever the absences ----------------------------------------------------------------------------------------------
LEADERS = ["head", "exec", "dep1", "dep2", "dep3", "dep4", "dep5", "party1"]
ABSENCES = st.lists(
    st.builds(
        lambda who, by, acts, first, length: absent(
            who, *(stand_in(other, *acts) for other in by), since=DAY + days(first), until=DAY + days(first + length)
        ),
        st.sampled_from(LEADERS),
        st.lists(st.sampled_from(LEADERS), max_size=2, unique=True),
        st.sampled_from([(Power.preside,), (Power.sign,), BOTH]),
        st.integers(-3, 3),
        st.integers(-1, 4),
    ),
    max_size=5,
)


@given(ABSENCES, st.sampled_from(LEADERS), st.sampled_from(list(Role)), st.sampled_from(list(Power)))
def test_nobody_acts_but_by_a_post_or_for_a_holder_whose_absence_of_that_day_says_so(
    absences: list[Absent], who: str, role: Role, power: Power
) -> None:
    people, official = PEOPLE.with_absences(absences), f"hc-{who}"
    context = RoleContext(sponsor="hc-zjj", chair="hc-dep4")
    holders = PEOPLE.holders(role, DAY, context=context)
    acting = people.may_act(official, (Actor(role=role),), DAY, {}, power=power, context=context)
    away_today = [a for a in absences if a.since <= DAY <= a.until]
    lawful = {
        (a.official, s.clause)
        for a in away_today
        for s in a.stand_ins
        if a.official in holders and s.official == official != a.official and power in s.acts
        and official not in {other.official for other in away_today}
    }  # fmt: skip
    if official in holders:
        assert acting == Acting(role)
    elif acting is None:
        assert not lawful
    else:
        assert (acting.on_behalf_of, acting.clause) in lawful


@given(ABSENCES, st.sampled_from(list(Role)), st.sampled_from(list(Power)))
def test_everybody_named_in_a_refusal_may_act(absences: list[Absent], role: Role, power: Power) -> None:
    people, context = PEOPLE.with_absences(absences), RoleContext(sponsor="hc-zjj", chair="hc-dep4")
    found = people.who_may(role, DAY, power=power, context=context)
    assert bool(found) == bool(PEOPLE.holders(role, DAY, context=context))
    for official in found:
        assert people.may_act(official, (Actor(role=role),), DAY, {}, power=power, context=context)


def test_principals_of_towns_and_streets_are_distinguished_from_others() -> None:
    towns = set(PEOPLE.holders(Role.town_and_street_principals, DAY))
    assert towns == {"hc-hwjd-principal", "hc-sqjd-principal", "hc-qsz-principal"}
    assert not towns & set(PEOPLE.holders(Role.department_principals, DAY))


# which principals a rule means --------------------------------------------------------------------------------------
KINDS = {
    "gov": OrganisationKind.government, "office": OrganisationKind.office, "dept": OrganisationKind.constituent_department,
    "organ": OrganisationKind.dispatched_organ, "agency": OrganisationKind.dispatched_agency,
    "affiliated": OrganisationKind.affiliated_unit, "centre": OrganisationKind.institution,
    "town": OrganisationKind.town, "street": OrganisationKind.street, "group": OrganisationKind.coordination_body,
}  # fmt: skip


def every_kind() -> Composition:
    """A government with one organisation of each kind, each with a principal and a deputy principal."""
    return Composition.model_validate(
        {
            "organisations": [{"code": code, "name": code, "kind": kind} for code, kind in KINDS.items()],
            "officials": [{"id": f"{who}-{code}", "name": code} for code in KINDS for who in ("p", "d")],
            "posts": [
                {"official": f"{who}-{code}", "role": role, "organisation": code, "since": "2028-01-01"}
                for code in KINDS
                for who, role in (("p", "principal"), ("d", "deputy_principal"))
            ],
        }
    )


@pytest.mark.parametrize(
    ("role", "of"),
    [
        (Role.department_principals, {"p-office", "p-dept"}),
        (Role.constituent_department_principals, {"p-dept"}),
        (Role.unit_principals, {"p-dept", "p-organ", "p-agency", "p-affiliated", "p-centre", "p-street"}),
        (Role.town_and_street_principals, {"p-town", "p-street"}),
        (Role.deputy_principals, {"d-office", "d-dept", "d-town", "d-street"}),
    ],
)
def test_a_rule_means_the_principals_of_its_kinds_of_organisation(role: Role, of: set[str]) -> None:
    people = every_kind()
    assert set(people.holders(role, DAY)) == of
    assert people.holders(role, date(2027, 12, 31)) == ()


def test_an_institution_that_a_department_runs_is_none_of_the_governments_units() -> None:
    people = every_kind()
    moved = [o.model_copy(update={"parent": "dept"}) if o.code == "centre" else o for o in people.organisations]
    under = people.model_copy(update={"organisations": tuple(moved)})
    under = Composition.model_validate(under.model_dump())
    assert set(people.holders(Role.unit_principals, DAY)) - set(under.holders(Role.unit_principals, DAY)) == {
        "p-centre"
    }


def test_the_party_secretary_belongs_to_the_party_group_and_a_deputy_secretary_general_is_not_the_secretary() -> None:
    posts = [
        {"official": who, "role": role, "organisation": "gov", "since": "2028-01-01"}
        for who, role in (
            ("p-gov", "party_secretary"), ("d-gov", "party_group_member"),
            ("p-dept", "secretary_general"), ("d-dept", "deputy_secretary_general"),
        )
    ]  # fmt: skip
    people = Composition.model_validate(every_kind().model_dump() | {"posts": posts})
    assert people.holders(Role.party_secretary, DAY) == ("p-gov",)
    assert people.holders(Role.party_group, DAY) == ("p-gov", "d-gov")
    assert people.holders(Role.secretary_general, DAY) == ("p-dept",)
    assert people.holders(Role.deputy_secretary_general, DAY) == ("d-dept",)


def test_every_role_is_answered_and_has_chinese_words() -> None:
    people = every_kind()
    for role in Role:
        assert isinstance(people.holders(role, DAY, context=RoleContext(sponsor="dept", chair="p-gov")), tuple), role
        assert in_chinese(role) != role.value


def test_an_organisation_has_its_dates() -> None:
    ended = Organisation(code="a", name="甲", kind=OrganisationKind.institution, until=date(2028, 3, 5))
    assert ended.holds(date(2028, 3, 5))
    assert not ended.holds(date(2028, 3, 6))
    begun = Organisation(code="a", name="甲", kind=OrganisationKind.institution, since=date(2028, 3, 5))
    assert begun.holds(DAY)
    assert not begun.holds(date(2028, 3, 4))
    with pytest.raises(ValueError, match="until is before since"):
        Organisation.model_validate(begun.model_dump() | {"until": date(2028, 3, 4)})


# functions and successors -------------------------------------------------------------------------------------------
def with_organisations(*more: Organisation, **changed: dict[str, Any]) -> Composition:
    """The same people with further organisations, and some changed by their code (with _ for -)."""
    given = {code.replace("_", "-"): fields for code, fields in changed.items()}
    kept = [each.model_dump() | given.get(each.code, {}) for each in PEOPLE.organisations]
    organisations = [*kept, *(each.model_dump() for each in more)]
    return Composition.model_validate(PEOPLE.model_dump() | {"organisations": organisations})


def unit(code: str, **fields: Any) -> Organisation:
    return Organisation(code=code, name=code, kind=OrganisationKind.constituent_department, **fields)


JUSTICE = PEOPLE.of_organisation("hc-sfj", DAY)


def test_the_justice_organ_is_whichever_organisation_has_that_function() -> None:
    assert JUSTICE
    assert PEOPLE.holders(Role.justice_organ, DAY) == JUSTICE
    moved = with_organisations(hc_sfj={"functions": ()}, hc_zjj={"functions": ("justice",)})
    assert moved.holders(Role.justice_organ, DAY) == PEOPLE.of_organisation("hc-zjj", DAY)
    assert with_organisations(hc_sfj={"functions": ()}).holders(Role.justice_organ, DAY) == ()


def test_a_government_without_a_supervision_office_has_its_office_supervise() -> None:
    assert PEOPLE.holders(Role.supervision_office, DAY) == PEOPLE.holders(Role.office, DAY)
    named = with_organisations(hc_zjj={"functions": ("supervision",)})
    assert named.holders(Role.supervision_office, DAY) == PEOPLE.of_organisation("hc-zjj", DAY)


def test_a_units_own_office_acts_for_it_and_without_one_the_unit_itself() -> None:
    context = RoleContext(sponsor="hc-sfj")
    assert PEOPLE.holders(Role.unit_office, DAY, context) == JUSTICE
    named = with_organisations(hc_zjj={"functions": ("unit_office",), "parent": "hc-sfj"})
    assert named.holders(Role.unit_office, DAY, context) == PEOPLE.of_organisation("hc-zjj", DAY)
    assert named.holders(Role.unit_office, DAY, RoleContext(sponsor="hc-zjj")) == PEOPLE.of_organisation("hc-zjj", DAY)
    assert PEOPLE.holders(Role.unit_office, DAY) == ()


ABOLISHED = with_organisations(
    unit("first", since=date(2020, 1, 1), until=DAY + days(9), successor="hc-zjj"),
    hc_sfj={"until": DAY - days(1), "successor": "first"},
)


@pytest.mark.parametrize(
    ("after", "found"), [(-1, "hc-sfj"), (0, "first"), (9, "first"), (10, "hc-zjj"), (10_000, "hc-zjj")]
)
def test_who_succeeds_an_abolished_organisation_is_found_through_any_number_of_successors(
    after: int, found: str
) -> None:
    on = DAY + days(after)
    assert ABOLISHED.succeeding("hc-sfj", on) == found
    assert ABOLISHED.with_function(OrganisationFunction.justice, on) == (found,)


def test_the_successor_acts_for_an_abolished_sponsor() -> None:
    context, on = RoleContext(sponsor="hc-sfj"), DAY + days(10)
    heirs = PEOPLE.of_organisation("hc-zjj", on)
    assert ABOLISHED.holders(Role.sponsor, on, context) == heirs
    assert ABOLISHED.holders(Role.justice_organ, on) == heirs


def test_without_a_successor_nobody_follows_and_an_unknown_organisation_has_none() -> None:
    gone = with_organisations(hc_sfj={"until": DAY - days(1)})
    assert gone.succeeding("hc-sfj", DAY) is None
    assert gone.holders(Role.justice_organ, DAY) == ()
    assert gone.succeeding("nowhere", DAY) is None


@given(st.lists(st.integers(0, 5), min_size=6, max_size=6))
def test_successors_in_a_circle_are_refused_and_any_others_end(links: list[int]) -> None:
    following = {f"u{n}": f"u{to}" if to > n else None for n, to in enumerate(links)}
    made = with_organisations(
        *(unit(code, until=DAY - days(1) if to else None, successor=to) for code, to in following.items())
    )
    for code in following:
        found = made.succeeding(code, DAY)
        assert found is not None and following[found] is None
    circle = {f"u{n}": f"u{(n + 1) % (links[0] + 1)}" for n in range(links[0] + 1)}
    with pytest.raises(ValueError, match="successors in a circle"):
        with_organisations(*(unit(code, until=DAY, successor=to) for code, to in circle.items()))


def test_an_abolished_unit_is_refused_with_the_one_that_succeeds_it() -> None:
    with pytest.raises(Problem, match="organisation_abolished") as refused:
        require_organisations(ABOLISHED, ["hc-sfj"], on=DAY + days(10))
    assert refused.value.satisfy
    assert ABOLISHED.organisation_names["hc-zjj"] in refused.value.satisfy.en


def test_a_composition_of_before_is_read_and_one_of_now_without_functions_is_stored_as_before() -> None:
    before = PEOPLE.model_dump(mode="json")
    for each in before["organisations"]:
        del each["functions"], each["successor"]
    read = Composition.model_validate(before)
    assert read.holders(Role.office, DAY) == PEOPLE.holders(Role.office, DAY)
    stored = read.model_dump_json(exclude_defaults=True)
    assert "functions" not in stored
    assert "successor" not in stored
    assert Composition.model_validate_json(stored) == read

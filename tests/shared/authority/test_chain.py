"""The steps of any chain: the next one, by one or by all of several, by a meeting's decision, in order and in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.conftest import composition_of
from zhengling.authority.absence import Absent, StandIn
from zhengling.authority.chain import Attempt, Course, StepTaken, sets_of
from zhengling.authority.composition import RoleContext
from zhengling.kernel.errors import Problem
from zhengling.rules.absences import Absence as AbsenceRules
from zhengling.rules.absences import AbsenceKind, Basis, Power
from zhengling.rules.chains import Chain, Step, StepName
from zhengling.rules.planning import RequestType
from zhengling.rules.vocabulary import Role

PEOPLE = composition_of("dalian")
DAY = date(2028, 3, 6)
NOW = datetime(2028, 3, 6, 2, tzinfo=UTC)
#: Departments in the portfolios of three deputies.
CONTEXT = RoleContext(sponsor="dl-jyj", concerned=("dl-zjj", "dl-wjw", "dl-yjj"))


def step(name: str, by: Any = (), **more: Any) -> Step:
    return Step.model_validate({"step": name, "by": by} | more)


def taken(name: str, role: Role, official: str = "somebody", hours: int = 0, **more: Any) -> StepTaken:
    moment = NOW + timedelta(hours=hours)
    return StepTaken(StepName(name), role, official, moment, moment, **more)


def course(*steps: Step, done: tuple[StepTaken, ...] = (), **more: Any) -> Course:
    return Course(Chain.of("DL-48", steps), done, **more)


def open_roles(*steps: Step, done: tuple[StepTaken, ...] = ()) -> tuple[str, list[Role]] | None:
    due = course(*steps, done=done).next()
    return (due.step.step, [actor.role for actor in due.actors]) if due else None


def problem(call: Any, *args: Any, **more: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*args, **more)
    return caught.value


# one of several, all of several -------------------------------------------------------------------------------------
BOTH = step("read", ["secretary_general", "deputy_in_charge"], need="all")
EITHER = step("decide", "head", meeting="executive")
MEETING = step("decide", meeting="executive")


def test_any_one_of_several_suffices_where_any_is_needed() -> None:
    one = step("consent", ["deputy_in_charge", "head"])
    assert open_roles(one) == ("consent", [Role.deputy_in_charge, Role.head])
    for role in (Role.deputy_in_charge, Role.head):
        assert open_roles(one, done=(taken("consent", role),)) is None


def test_all_of_several_take_a_step_in_any_order_and_the_next_one_comes_after_the_last() -> None:
    roles = [Role.secretary_general, Role.deputy_in_charge]
    sign = step("sign", "head")
    for first, second in (roles, reversed(roles)):
        one, both = (taken("read", first),), (taken("read", first), taken("read", second))
        assert open_roles(BOTH, sign, done=one) == ("read", [second])
        assert open_roles(BOTH, sign, done=both) == ("sign", [Role.head])
        assert open_roles(BOTH, sign, done=(*both, taken("sign", Role.head))) is None


def test_a_meetings_decision_takes_a_step_beside_an_official_or_alone() -> None:
    decided = taken("decide", Role.office, decision_id="d")
    assert open_roles(EITHER) == ("decide", [Role.head])
    assert open_roles(EITHER, done=(taken("decide", Role.head),)) is None
    assert open_roles(EITHER, done=(decided,)) is None
    assert open_roles(MEETING) == ("decide", [])
    assert open_roles(MEETING, done=(decided,)) is None
    assert open_roles(MEETING, BOTH, done=(decided,)) == ("read", [Role.secretary_general, Role.deputy_in_charge])


def test_two_steps_of_one_name_by_different_people_are_two_steps() -> None:
    office, deputy = step("review", "office"), step("review", "deputy_in_charge")
    assert open_roles(office, deputy, done=(taken("review", Role.office),)) == ("review", [Role.deputy_in_charge])


def test_a_step_is_needed_only_under_its_facts() -> None:
    steps = step("review", "office", when={"major": True}), step("sign", "head")
    assert course(*steps, facts={"major": True}).next() != course(*steps, facts={"major": False}).next()
    due = course(*steps, facts={"major": False}).next()
    assert due and due.step.step == "sign"


CHAINS = st.lists(
    st.builds(
        lambda by, need: step("consent", by, need=need if len(by) > 1 else "any"),
        by=st.lists(st.sampled_from([Role.head, Role.deputy_in_charge, Role.office]), min_size=1, unique=True),
        need=st.sampled_from(["any", "all"]),
    ),
    max_size=4,
)


@given(CHAINS, st.randoms())
def test_whatever_the_chain_it_ends_after_one_step_for_each_any_and_each_of_all(steps: list[Step], random: Any) -> None:
    done: tuple[StepTaken, ...] = ()
    while due := course(*steps, done=done).next():
        done = (*done, taken("consent", random.choice(due.actors).role))
        assert len(done) <= 12
    assert len(done) == sum(len(each.by) if each.need == "all" else 1 for each in steps)


# each of a set found on the day -------------------------------------------------------------------------------------
EACH = step("endorse", "deputies_concerned", need="all")
SG_AND_EACH = step("review", ["secretary_general", "deputies_concerned"], need="all")
SIGN = step("sign", "head")


def signing(*done: StepTaken, first: Step = EACH, people: Any = PEOPLE) -> Course:
    chain = Chain.of("DL-48", (first, SIGN))
    return Course(chain, done, context=CONTEXT, sets=sets_of(chain, people, DAY, CONTEXT))


def deputies() -> list[str]:
    found = PEOPLE.holders(Role.deputies_concerned, DAY, CONTEXT)
    assert len(found) > 1
    return list(found)


def attempt(name: str, official: str, hours: int = 0) -> Attempt:
    moment = NOW + timedelta(hours=hours)
    return Attempt(StepName(name), official, moment, moment)


def test_each_deputy_concerned_takes_the_step_and_the_head_comes_after_all_of_them() -> None:
    first, *others = deputies()
    refused = problem(signing().take, attempt("sign", "dl-head"), PEOPLE)
    assert (refused.code, refused.clause) == ("step_out_of_order", "DL-48")
    assert refused.extra["missing"] == [first, *others]
    done = [signing().take(attempt("endorse", first), PEOPLE)]
    again = problem(signing(*done).take, attempt("endorse", first, 1), PEOPLE)
    assert again.code == "not_the_actor"
    assert all(PEOPLE.official_names[other] in again.satisfy.zh for other in others)
    assert PEOPLE.official_names[first] not in again.satisfy.zh
    for hours, other in enumerate(others, 1):
        done.append(signing(*done).take(attempt("endorse", other, hours), PEOPLE))
    assert signing(*done).take(attempt("sign", "dl-head", 9), PEOPLE).role == Role.head


def test_an_organ_counts_once_beside_each_of_a_set() -> None:
    done: list[StepTaken] = []
    for official in [*deputies(), "dl-sg"]:
        due = signing(*done, first=SG_AND_EACH).next()
        assert due and due.step is SG_AND_EACH
        done.append(signing(*done, first=SG_AND_EACH).take(attempt("review", official), PEOPLE))
    due = signing(*done, first=SG_AND_EACH).next()
    assert due and due.step is SIGN


def test_opinions_of_several_need_no_order_in_time_among_them_but_the_next_step_is_later() -> None:
    later, *others = deputies()
    done = [signing().take(attempt("endorse", later, 5), PEOPLE)]
    for other in others:
        done.append(signing(*done).take(attempt("endorse", other, 1), PEOPLE))
    assert problem(signing(*done).take, attempt("sign", "dl-head", 4), PEOPLE).code == "step_before_the_one_before"
    assert signing(*done).take(attempt("sign", "dl-head", 5), PEOPLE)


def test_a_stand_in_takes_it_for_the_one_who_is_away_and_has_yet_to() -> None:
    first, second, *rest = deputies()
    acts = (Power.preside, Power.sign)
    stand_in = StandIn(official="dl-exec", acts=acts, clause="DL-9", basis=Basis.rule)
    away = [
        Absent(
            absence_id=official, official=official, absence_kind=AbsenceKind.official_trip, since=DAY, until=DAY,
            clause="DL-9", stand_ins=(stand_in,),
        )
        for official in (first, second)
    ]  # fmt: skip
    people = PEOPLE.with_absences(away)
    done = [signing(people=people).take(attempt("endorse", first), people)]
    for_second = signing(*done, people=people).take(attempt("endorse", "dl-exec"), people)
    assert (for_second.official, for_second.on_behalf_of, for_second.under) == ("dl-exec", second, "DL-9")
    due = signing(*done, for_second, people=people).next()
    assert (due and list(due.missing.values())) == ([tuple(rest)] if rest else [])


def test_who_left_the_set_is_no_longer_waited_for_and_what_they_took_counts_for_no_other_step() -> None:
    first, second, *rest = deputies()
    done = [signing().take(attempt("endorse", first), PEOPLE)]
    chain = Chain.of("DL-48", (EACH, SIGN))

    def among(*officials: str, done: Sequence[StepTaken]) -> Course:
        return Course(chain, tuple(done), context=CONTEXT, sets={Role.deputies_concerned: officials})

    due = among(second, done=done).next()
    assert due and (due.step, due.missing) == (EACH, {Role.deputies_concerned: (second,)})
    both = [*done, taken("endorse", Role.deputies_concerned, second)]
    for course_ in (among(second, done=both), among(done=done)):
        due = course_.next()
        assert due and due.step is SIGN, "it isn't signed yet"
    assert rest


def test_a_step_taken_counts_for_the_step_that_it_is_though_others_were_asked_for_before_it() -> None:
    review, sign = step("review", "office", when={"major": True}), step("sign", "head")
    done = (taken("sign", Role.head),)
    due = course(review, sign, done=done, facts={"major": True}).next()
    assert due and due.step is review
    assert (
        course(review, sign, done=(*done, taken("review", Role.office, hours=1)), facts={"major": True}).next() is None
    )


def test_a_set_of_nobody_holds_nobody_up() -> None:
    context = replace(CONTEXT, sponsor=None, concerned=())
    chain = Chain.of("DL-48", (EACH, SIGN))
    due = Course(chain, (), context=context, sets=sets_of(chain, PEOPLE, DAY, context)).next()
    assert due and due.step is SIGN


# what a rulebook may say --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"step": "sign"}, "expected by, meeting, or both"),
        ({"step": "decide", "by": ["head", "office"], "meeting": "executive", "need": "all"}, "one act"),
        ({"step": "sign", "by": "head", "need": "all"}, "need: all of one role is only for"),
    ],
)
def test_a_step_that_nobody_could_take_as_it_says_is_refused(row: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Step.model_validate(row)


@pytest.mark.parametrize("role", ["deputies", "deputies_concerned", "party_group"])
def test_places_that_dont_look_up_who_is_in_a_set_refuse_steps_of_each_of_them(role: str) -> None:
    row = {"step": "review", "by": role, "need": "all"}
    with pytest.raises(ValidationError, match="isn't known here"):
        Chain.model_validate({"clause": "DL-38", "steps": [row]})
    with pytest.raises(ValidationError, match="isn't known here"):
        RequestType.model_validate({"name": "展会", "clause": "TV-1", "ask": [row]})
    with pytest.raises(ValidationError, match="isn't known here"):
        AbsenceRules.model_validate(
            {"requests": [{"clause": "TV-1", "who": ["deputies"], "ask": [row | {"step": "consent"}]}]}
        )


def test_only_planning_has_steps_that_a_meetings_decision_takes() -> None:
    with pytest.raises(ValidationError, match="a meeting's decision takes no step"):
        Chain.model_validate({"clause": "DL-38", "steps": [{"step": "decide", "meeting": "executive"}]})


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        ([{"step": "propose", "by": "head"}], "no step of planning: propose"),
        ([{"step": "approve", "by": "head", "when": {"major": True}}], "no fact is known here"),
        ([{"step": "approve", "by": {"role": "head", "when": {"major": True}}}], "no fact is known here"),
    ],
)
def test_planning_knows_its_own_steps_and_no_facts(ask: list[object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        RequestType.model_validate({"name": "展会", "clause": "TV-1", "ask": ask})


@pytest.mark.parametrize("ask", [[{"step": "endorse", "by": "head"}], [{"meeting": "executive"}]])
def test_an_absence_knows_its_own_steps(ask: list[object]) -> None:
    with pytest.raises(ValidationError):
        AbsenceRules.model_validate({"requests": [{"clause": "TV-1", "who": ["deputies"], "ask": ask}]})


def test_a_bare_role_in_an_absences_chain_means_its_consent() -> None:
    rows = AbsenceRules.model_validate(
        {"requests": [{"clause": "TV-1", "who": ["deputies"], "ask": ["head", {"by": "office"}]}]}
    )
    assert [(each.step, each.by[0].role) for each in rows.requests[0].ask] == [
        (StepName.consent, Role.head),
        (StepName.consent, Role.office),
    ]

"""The rules of absence by themselves: chain, limits, notice, standing in, return."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from calendar_svc.absence import absence as absences
from calendar_svc.absence import breaches as breaches_
from calendar_svc.absence import stand_ins
from calendar_svc.absence.absence import TRANSITIONS, Absence, AbsenceState, Action, Extension
from calendar_svc.absence.breaches import Away, LimitBreach
from calendar_svc.absence.obligations import DutyState, duties_of
from calendar_svc.field_research.field_research import FieldDay, expected_by, standings
from tests.conftest import ROOT, composition_of
from zhengling.authority import waivers
from zhengling.authority.composition import Pair
from zhengling.authority.waivers import Waiving, not_waived
from zhengling.kernel.errors import Problem
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import (
    AbsenceKind,
    Basis,
    Duty,
    LimitName,
    Power,
    Research,
)
from zhengling.rules.chains import Actor
from zhengling.rules.loading import RulebookError, Rulebooks, load_edition
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Role

NOW = datetime(2028, 3, 1, 2, tzinfo=UTC)
MONDAY = date(2028, 3, 6)
BOOKS = Rulebooks.load([ROOT / "rulebooks"])
PEOPLE = composition_of("huancui")
PREFIXES = {"dalian": "dl", "huancui": "hc", "shuangtaizi": "st", "xigang": "xg", "zhanqian": "zq"}


def book(government: str) -> Rulebook:
    return BOOKS.current(government, NOW)


def rules(government: str = "huancui") -> Rules:
    found = book(government).absence
    assert found
    return found


def days(n: int) -> timedelta:
    return timedelta(days=n)


def absence(official: str = "hc-dep2", *, since: date = MONDAY, length: int = 3, **changes: Any) -> Absence:
    until = since + days(length - 1)
    values: dict[str, Any] = {
        "id": "a1", "government": "huancui", "edition": "2022-03-02", "official": official, "asks_as": Role.deputies,
        "organisation": None, "clause": "HC-75", "kind": AbsenceKind.official_trip, "since": since, "until": until,
        "away_until": until, "reason": "出差", "destination": "", "contact": "", "requested_by": official,
        "requested_at": NOW, "recorded_at": NOW,
    }  # fmt: skip
    return Absence(**values | changes)


def problem(call: Any, *args: Any, **more: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        call(*args, **more)
    return caught.value


# transitions --------------------------------------------------------------------------------------------------------
def test_every_act_says_in_which_states_it_is_possible_and_every_other_state_refuses_it() -> None:
    assert set(TRANSITIONS) == set(Action)
    for act, allowed in TRANSITIONS.items():
        for state in AbsenceState:
            found = absence(state=state)
            if state in allowed:
                absences.require_act(found, act)
            else:
                refusal = problem(absences.require_act, found, act)
                assert (refusal.status, refusal.code, refusal.clause) == (409, "illegal_state", "HC-75")


def test_nothing_happens_any_more_once_it_is_refused_or_cancelled() -> None:
    ended = {AbsenceState.refused, AbsenceState.cancelled}
    assert not [act for act, allowed in TRANSITIONS.items() if ended & set(allowed)]


# who asks, who answers ----------------------------------------------------------------------------------------------
def test_each_post_asks_by_the_first_row_that_speaks_of_it() -> None:
    found = {official: absences.row_for(rules(), PEOPLE, official, MONDAY)[0] for official in (
        "hc-head", "hc-exec", "hc-dep5", "hc-office-director", "hc-party1", "hc-qsz-principal", "hc-zjj-principal",
    )}  # fmt: skip
    assert found == {
        "hc-head": Role.head, "hc-exec": Role.deputies, "hc-dep5": Role.deputies,
        "hc-office-director": Role.office_director, "hc-party1": Role.party_group,
        "hc-qsz-principal": Role.town_and_street_principals, "hc-zjj-principal": Role.department_principals,
    }  # fmt: skip
    assert problem(absences.row_for, rules(), PEOPLE, "hc-zjj-clerk", MONDAY).code == "not_regulated"


def test_nobody_answers_a_request_of_their_own() -> None:
    asked = absence("hc-head", asks_as=Role.department_principals)
    row = absences.row_of(rules(), asked)
    refusal = problem(absences.require_answerer, asked, row, "hc-head")
    assert (refusal.status, refusal.code) == (403, "own_absence")


# limits -------------------------------------------------------------------------------------------------------------
def away(official: str, first: int, last: int) -> Away:
    """Away from the first to the last of these days, counted from Monday."""
    return Away(f"hc-{official}", MONDAY + days(first), MONDAY + days(last))


def breaches(official: str, *others: Away, length: int = 3) -> list[LimitBreach]:
    return breaches_.breaches_of(rules(), PEOPLE, f"hc-{official}", MONDAY, MONDAY + days(length - 1), others)


def test_a_pair_is_refused_on_the_days_that_both_would_be_away_and_on_no_others() -> None:
    (breach,) = breaches("dep2", away("dep3", 2, 9))
    assert (breach.rule, breach.first, breach.last) == (LimitName.pair, MONDAY + days(2), MONDAY + days(2))
    assert breaches("dep2", away("dep3", 3, 9)) == []
    assert breaches("dep2", away("dep3", -4, -1)) == []
    assert breaches("dep2", away("dep4", 0, 9)) == []


def test_a_pair_dissolved_or_not_formed_yet_blocks_nobody() -> None:
    later = PEOPLE.model_copy(update={"pairs": (Pair(a="hc-dep2", b="hc-dep3", since=MONDAY + days(1)),)})
    found = breaches_.breaches_of(rules(), later, "hc-dep2", MONDAY, MONDAY + days(2), [away("dep3", 0, 9)])
    assert [(breach.first, breach.last) for breach in found] == [(MONDAY + days(1), MONDAY + days(2))]


def test_the_fourth_leader_is_counted_per_day() -> None:
    others = [away("head", 0, 1), away("dep1", 1, 2), away("party1", 1, 1)]
    (breach,) = breaches("dep2", *others)
    assert (breach.rule, breach.at_most) == (LimitName.at_once, 3)
    assert (breach.first, breach.last) == (MONDAY + days(1), MONDAY + days(1))
    assert {other.official for other in breach.because_of} == {"hc-head", "hc-dep1", "hc-party1"}
    assert breaches("dep2", *others[:2]) == []
    # the same leader twice counts once; who is no leader doesn't count, and isn't counted against
    assert breaches("dep2", others[0], others[1], away("dep1", 1, 1)) == []
    assert breaches("dep2", others[0], others[1], away("office-director", 0, 9)) == []
    assert breaches("office-director", *others, away("dep4", 0, 9)) == []


SPANS = st.builds(
    lambda who, first, length: away(who, first, first + length),
    st.sampled_from(["head", "exec", "dep1", "dep3", "dep4", "dep5", "party1", "party2", "office-director"]),
    st.integers(-5, 8),
    st.integers(0, 6),
)


@given(st.lists(SPANS, max_size=7), st.integers(1, 7))
def test_the_limits_agree_with_a_count_of_each_day(others: list[Away], length: int) -> None:
    leaders = set(PEOPLE.members([Role.head, Role.deputies, Role.party_group], MONDAY))
    expected: dict[LimitName, list[date]] = {}
    for day in (MONDAY + days(n) for n in range(length)):
        there = {other.official for other in others if other.since <= day <= other.until}
        if "hc-dep3" in there:
            expected.setdefault(LimitName.pair, []).append(day)
        if len(there & leaders) + 1 > 3:
            expected.setdefault(LimitName.at_once, []).append(day)
    found = breaches("dep2", *others, length=length)
    assert {b.rule: (b.first, b.last) for b in found} == {name: (d[0], d[-1]) for name, d in expected.items()}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["exec", "dep1", "dep2", "dep3", "dep4", "party1"]), st.integers(0, 4), st.integers(0, 3)
        ),
        max_size=12,
    )
)
def test_approvals_in_any_order_leave_no_day_with_a_pair_or_a_fourth(asked: list[tuple[str, int, int]]) -> None:
    gone: list[Away] = []
    for who, first, length in asked:
        span = away(who, first, first + length)
        if not breaches_.breaches_of(rules(), PEOPLE, span.official, span.since, span.until, gone):
            gone.append(span)
    for day in (MONDAY + days(n) for n in range(9)):
        there = {span.official for span in gone if span.since <= day <= span.until}
        assert len(there) <= 3
        assert not [who for who in there if PEOPLE.partner(who, day) in there]


def waiving(limit: LimitName, official: str) -> Waiving:
    moment = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 4, tzinfo=UTC)
    return Waiving(limit, official, "准予", moment, moment)


def test_a_limit_is_waived_by_the_head_only_and_for_the_requested_days_only() -> None:
    asked = absence("hc-dep2", exception="必须参加")
    found = breaches("dep2", away("dep3", 0, 9))
    refusal = problem(breaches_.waive, asked, PEOPLE, found, waiving(LimitName.pair, "hc-exec"))
    assert (refusal.status, refusal.code, refusal.clause) == (403, "not_the_lifter", "HC-75")
    refusal = problem(breaches_.waive, asked, PEOPLE, found, waiving(LimitName.at_once, "hc-head"))
    assert refusal.code == "nothing_to_lift"
    breaches_.waive(asked, PEOPLE, found, waiving(LimitName.pair, "hc-head"))
    assert not_waived(found, asked.lifts) == []
    assert not_waived(breaches("dep2", away("dep3", 0, 9), length=5), asked.lifts) != []


def test_a_refusal_names_who_is_away_when_in_both_languages() -> None:
    found = breaches("dep2", away("dep3", 0, 9))
    refusal = problem(waivers.refuse, found)
    for text in (refusal.detail.en, refusal.detail.zh):
        assert "尚思屿" in text and "2028-03-06" in text and "2028-03-15" in text
    assert refusal.satisfy and "exception" in refusal.satisfy.en
    waivers.refuse([])


def test_the_refusal_of_a_limit_that_cant_be_waived_says_so() -> None:
    (breach,) = breaches("dep2", away("dep3", 0, 9))
    firm = dataclasses.replace(breach, waivable_by=())
    for asked in (True, False):
        refusal = problem(waivers.refuse, [firm], excepted=True, requested=asked)
        assert refusal.satisfy and "this rule can't be waived" in refusal.satisfy.en


@pytest.mark.parametrize(
    ("asked_on", "late"), [(date(2028, 3, 2), False), (date(2028, 3, 3), False), (date(2028, 3, 4), True)]
)
def test_three_days_ahead_is_asked_by_the_third_day_before_the_departure(asked_on: date, late: bool) -> None:
    at = datetime(asked_on.year, asked_on.month, asked_on.day, 4, tzinfo=UTC)
    asked = absence(asks_as=Role.department_principals, notice_due=date(2028, 3, 3), requested_at=at)
    row = absences.row_of(rules("shuangtaizi"), asked)
    assert bool(breaches_.notice_breach(row, asked, PEOPLE)) == late
    asked.extensions = [Extension(MONDAY + days(9), "会期延长", "x", at)]
    assert breaches_.notice_breach(row, asked, PEOPLE) == []


# standing in --------------------------------------------------------------------------------------------------------
def test_by_the_rule_it_is_settled_and_what_has_to_be_recorded_stays_open() -> None:
    trip = absence("hc-head", asks_as=Role.head)
    stand_ins.settle_stand_ins(trip, rules(), PEOPLE)
    assert [(s.official, s.acts, s.basis) for s in trip.stand_ins] == [("hc-exec", (Power.preside,), Basis.rule)]
    assert [(v.candidates, v.acts, v.clause) for v in trip.vacancies] == [(("hc-exec",), (Power.sign,), "HC-62")]
    leave = absence("hc-head", asks_as=Role.head, kind=AbsenceKind.leave)
    stand_ins.settle_stand_ins(leave, rules(), PEOPLE)
    assert leave.stand_ins == []
    assert [v.clause for v in leave.vacancies] == ["HC-5", "HC-62"]


def test_whoever_is_named_takes_over_from_the_partner_and_the_one_away_isnt_a_candidate() -> None:
    people = composition_of("zhanqian")
    gone = absence("zq-dep2", government="zhanqian", clause="ZQ-41", state=AbsenceState.approved)
    stand_ins.settle_stand_ins(gone, rules("zhanqian"), people)
    assert [(s.official, s.clause) for s in gone.stand_ins] == [("zq-dep3", "ZQ-5")]
    assert "zq-dep2" not in gone.vacancies[0].candidates
    refusal = problem(stand_ins.entrust, gone, rules("zhanqian"), people, "zq-exec", "zq-dep1", "另有安排", MONDAY)
    assert (refusal.status, refusal.code, refusal.clause) == (403, "not_the_one_to_decide", "ZQ-5")
    stand_ins.entrust(gone, rules("zhanqian"), people, "zq-head", "zq-dep1", "另有安排", MONDAY)
    assert [(s.official, s.basis, s.decided_by) for s in gone.stand_ins] == [("zq-dep1", Basis.named, "zq-head")]


def test_entrusting_the_signature_leaves_presiding_with_whom_the_rule_gives_it() -> None:
    trip = absence("hc-head", asks_as=Role.head, state=AbsenceState.approved)
    stand_ins.settle_stand_ins(trip, rules(), PEOPLE)
    stand_ins.entrust(trip, rules(), PEOPLE, "hc-head", "hc-exec", "代签", MONDAY)
    assert {(s.acts, s.clause, s.basis) for s in trip.stand_ins} == {
        ((Power.preside,), "HC-5", Basis.rule), ((Power.sign,), "HC-62", Basis.entrusted),
    }  # fmt: skip
    assert (
        problem(stand_ins.entrust, trip, rules(), PEOPLE, "hc-head", "hc-dep1", "代签", MONDAY).code
        == "cannot_stand_in"
    )


def test_who_presides_for_the_head_cant_entrust_themselves_with_the_signature_in_the_heads_place() -> None:
    trip = absence("hc-head", asks_as=Role.head, state=AbsenceState.approved)
    stand_ins.settle_stand_ins(trip, rules(), PEOPLE)
    people = PEOPLE.with_absences([absences.absent_of(trip)])
    assert people.may_act("hc-exec", (Actor(role=Role.head),), MONDAY, {})
    refusal = problem(stand_ins.entrust, trip, rules(), people, "hc-exec", "hc-exec", "代签", MONDAY)
    assert (refusal.status, refusal.code, refusal.clause) == (403, "not_the_one_to_decide", "HC-62")
    stand_ins.entrust(trip, rules(), people, "hc-head", "hc-exec", "代签", MONDAY)


# the return ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("back", "last"), [(0, -1), (1, 0), (2, 1), (3, 2), (9, 2)])
def test_from_the_return_on_nobody_is_away(back: int, last: int) -> None:
    gone = absence(state=AbsenceState.approved)
    absences.come_back(gone, MONDAY + days(back))
    assert (gone.state, gone.away_until) == (AbsenceState.returned, MONDAY + days(last))
    assert absences.absent_of(gone).covers(MONDAY + days(back)) is False


def test_a_return_before_the_departure_and_a_cancellation_after_it_are_refused() -> None:
    assert problem(absences.come_back, absence(state=AbsenceState.approved), MONDAY - days(1)).code == "not_away_yet"
    assert problem(absences.cancel, absence(state=AbsenceState.approved), "不去了", MONDAY).code == "has_begun"
    assert absences.cancel(absence(state=AbsenceState.approved), "不去了", MONDAY - days(1)) is True
    assert absences.cancel(absence(), "不去了", MONDAY + days(1)) is False


def test_an_extension_that_is_under_way_falls_with_the_return() -> None:
    gone = absence(state=AbsenceState.approved)
    absences.ask_extension(gone, Extension(MONDAY + days(9), "会期延长", "x", NOW))
    absences.come_back(gone, MONDAY + days(1))
    assert gone.extension is None
    assert gone.extensions[-1].outcome == AbsenceState.cancelled


def test_an_ended_absence_is_not_extended() -> None:
    late = datetime(2028, 3, 9, 4, tzinfo=UTC)
    refusal = problem(
        absences.ask_extension, absence(state=AbsenceState.approved), Extension(MONDAY + days(9), "会期", "x", late)
    )
    assert refusal.code == "over_already"


# what goes with it --------------------------------------------------------------------------------------------------
def test_what_comes_before_the_departure_is_late_once_that_has_passed_and_what_comes_after_stays_open() -> None:
    asked = absence("hc-zjj-principal", asks_as=Role.department_principals)
    row = absences.row_of(rules(), asked)

    def states(on: date) -> dict[Duty, DutyState]:
        return {standing.duty: standing.state for standing in duties_of(row, asked, on)}

    assert set(states(MONDAY).values()) == {DutyState.open}
    after = states(MONDAY + days(1))
    assert (after[Duty.formal_procedure], after[Duty.report_back]) == (DutyState.late, DutyState.open)


# field research -----------------------------------------------------------------------------------------------------
RESEARCH = Research(clause="HC-86", who=(Role.head, Role.deputies), days=60)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2028, 12, 31), 0), (date(2029, 1, 1), 0), (date(2029, 1, 7), 1), (date(2029, 7, 2), 30),
        (date(2029, 12, 30), 59), (date(2029, 12, 31), 60), (date(2031, 5, 5), 60),
    ],
)  # fmt: skip
def test_the_days_expected_grow_with_the_year_up_to_its_minimum(today: date, expected: int) -> None:
    assert expected_by(RESEARCH, 2029, today) == expected


def test_a_leader_with_fewer_days_than_expected_is_behind() -> None:
    held = [FieldDay(str(n), "huancui", "hc-dep1", date(2029, 1, n), "镇", "村", "x", NOW) for n in (4, 5)]
    found = standings(RESEARCH, PEOPLE, 2029, date(2029, 1, 13), held)
    assert {s.official: s.behind for s in found} == {
        "hc-head": True, "hc-exec": True, "hc-dep1": False, **{f"hc-dep{n}": True for n in (2, 3, 4, 5)},
    }  # fmt: skip


# rulebooks ----------------------------------------------------------------------------------------------------------
HEAD: dict[str, Any] = {"clause": "LH-1", "who": "head"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"requests": []}, "at least 1"),
        ({"requests": [HEAD, {"clause": "LH-2", "who": ["deputies", "head"]}]}, "no case reaches a second row for head"),
        (
            {"requests": [{"clause": "LH-1", "who": ["unit_principals", "constituent_department_principals"]}]},
            "no case reaches constituent_department_principals",
        ),
        ({"requests": [{"clause": "7", "who": "head"}]}, "expected a clause such as"),
        ({"requests": [HEAD | {"ask": ["emperor"]}]}, "Input should be"),
        ({"requests": [HEAD | {"duties": [{"duty": "sing"}]}]}, "Input should be"),
        ({"requests": [HEAD], "limits": [{"clause": "LH-1", "limit": "at_once", "of": "head"}]}, "at_most is required for"),
        (
            {"requests": [HEAD], "limits": [{"clause": "LH-1", "limit": "pair", "of": "head", "at_most": 2}]},
            "at_most is required for",
        ),
        ({"requests": [HEAD], "substitution": [{"clause": "LH-1", "of": "head"}]}, "exactly one of by and partner"),
        (
            {"requests": [HEAD], "substitution": [{"clause": "LH-1", "of": "head", "partner": True, "basis": "named"}]},
            "recorded_by is required for",
        ),
        ({"requests": [HEAD], "research": {"clause": "LH-1", "who": "head", "days": 0}}, "greater than"),
        ({"requests": [HEAD], "colour": "red"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_inconsistent_rules_are_refused_by_the_loader(content: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Rules.model_validate(content)


def test_each_government_rules_as_its_clauses_say() -> None:
    asked_of = {
        government: {
            (row.clause, role): [tuple(actor.role for actor in a.by) for a in row.ask]
            for row in rules(government).requests
            for role in row.who
        }
        for government in BOOKS.governments
    }
    head, in_charge = (Role.head,), (Role.deputy_in_charge,)
    assert asked_of["dalian"][("DL-54", Role.secretary_general)] == [head]
    assert asked_of["dalian"][("DL-54", Role.department_principals)] == [in_charge]
    assert asked_of["xigang"][("XG-60", Role.department_principals)] == [in_charge, head]
    assert asked_of["xigang"][("XG-60", Role.office_director)] == [head]
    assert asked_of["shuangtaizi"][("ST-65", Role.department_principals)] == [(Role.head, Role.deputy_in_charge), head]
    assert asked_of["shuangtaizi"][("ST-49", Role.town_and_street_principals)] == [head]
    assert asked_of["huancui"][("HC-75", Role.department_principals)] == [(Role.deputy_in_charge, Role.head)]
    assert asked_of["zhanqian"][("ZQ-41", Role.department_principals)] == [
        (Role.office,),
        (Role.head, Role.deputy_in_charge),
    ]
    assert {code for code in BOOKS.governments if rules(code).limits} == {"huancui"}
    assert {code for code in BOOKS.governments if rules(code).research} == {"huancui", "shuangtaizi"}
    notices = {code for code in BOOKS.governments if any(row.notice for row in rules(code).requests)}
    assert notices == {"shuangtaizi"}


@pytest.mark.parametrize("government", sorted(BOOKS.governments))
def test_what_nobody_agrees_to_is_put_on_record_the_day_after_and_what_somebody_does_is_asked_before(
    government: str,
) -> None:
    after = MONDAY + days(1)
    for row in rules(government).requests:
        if row.ask and row.notice is None:
            refusal = problem(absences.require_beforehand, row, MONDAY, after)
            assert (refusal.code, refusal.clause) == ("not_beforehand", row.clause)
        else:
            absences.require_beforehand(row, MONDAY, after)
        absences.require_beforehand(row, MONDAY, MONDAY)
    _, row = absences.row_for(rules(government), composition_of(government), f"{PREFIXES[government]}-head", MONDAY)
    assert not row.ask


def test_a_record_after_the_departure_or_after_the_last_day_of_notice_is_late() -> None:
    asked = datetime(2028, 3, 7, 2, tzinfo=UTC)
    assert breaches_.is_late(absence(requested_at=asked))
    assert not breaches_.is_late(absence(requested_at=asked, since=MONDAY + days(1)))
    assert breaches_.is_late(absence(requested_at=asked, since=MONDAY + days(2), notice_due=MONDAY))


def test_a_notice_that_names_no_deadline_rule_is_found_with_its_line(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "rulebooks" / "dalian" / "2014-06-28", tmp_path / "dalian" / "2014-06-28")
    file = folder / "absence.yaml"
    said = "    ask: [head]\n    notice: {rule: unheard-of, admit: head}\n"
    file.write_text(file.read_text(encoding="utf-8").replace("    ask: [head]\n", said), encoding="utf-8")
    with pytest.raises(RulebookError) as caught:
        load_edition(folder)
    (finding,) = caught.value.findings
    line = file.read_text(encoding="utf-8").splitlines().index(said.splitlines()[1]) + 1
    assert finding == (f"{file}:{line}: requests.1.notice.rule: no deadline rule 'unheard-of' in deadlines.yaml")

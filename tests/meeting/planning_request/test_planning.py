"""Requests, breaches, permitted invitees, the yearly plan: the pure rules, beyond the five governments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from meeting_svc.decision.decision import Decision, Standing
from meeting_svc.meeting.meeting import Meeting, MeetingState
from meeting_svc.meeting_plan import meeting_plan as meeting_plans
from meeting_svc.meeting_plan import steps as plan_steps
from meeting_svc.meeting_plan.meeting_plan import Declaration, MeetingPlan, PlanItem, PlanState, allows
from meeting_svc.planning_request import breaches
from meeting_svc.planning_request import commands as planning_commands
from meeting_svc.planning_request import planning_request as planning_requests
from meeting_svc.planning_request.breaches import (
    Context,
    breaches_of,
    days_late,
    quota_key,
)
from meeting_svc.planning_request.invitees import invited_by
from meeting_svc.planning_request.planning_request import Guest, PlanningRequest, RequestState
from tests.conftest import composition_of
from tests.sixth import write_sixth_government
from zhengling.authority import waivers
from zhengling.authority.chain import StepTaken
from zhengling.authority.composition import Composition, Post, PostRole
from zhengling.authority.waivers import Waiver, Waiving, not_waived
from zhengling.dates.deadlines import Anchor, DeadlineRule, compute
from zhengling.dates.deadlines import Unit as TimeUnit
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.events.meeting import Resolution, Unit
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import SHANGHAI
from zhengling.rules.chains import StepName
from zhengling.rules.loading import RulebookError, load_edition
from zhengling.rules.planning import (
    Group,
    Hindrance,
    InviteeRule,
    NameOf,
    Planning,
    RequestType,
    Span,
    YearlyPlan,
)
from zhengling.rules.vocabulary import Outcome, Role

CALENDAR = WorkdayCalendar(base_years(date(2026, 1, 1)), "base")
PEOPLE = composition_of("xigang")
DAY = date(2026, 3, 16)
NOW = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)


def a_request(**changes: Any) -> PlanningRequest:
    content: dict[str, Any] = {
        "id": "r", "government": "xigang", "edition": "2023-08-21", "type": "fair", "clause": "TV-1", "title": "展会",
        "sponsor": "xg-jyj", "led_by": None, "in_name_of": NameOf.department, "day": DAY, "participants": None,
        "invitees": [], "guests": [], "plan_item": None, "document": "", "reason": "", "exception": "",
        "requested_by": "xg-jyj-clerk", "requested_at": NOW, "recorded_at": NOW,
    }  # fmt: skip
    return PlanningRequest(**content | changes)


def a_type(**changes: Any) -> RequestType:
    return RequestType.model_validate({"name": "展会", "clause": "TV-1"} | changes)


def around(**changes: Any) -> Context:
    known = Context(PEOPLE, CALENDAR, as_of=NOW.date(), due=None, others=(), in_plan=False)
    return replace(known, **changes)


def found(kind: RequestType, request: PlanningRequest, **changes: Any) -> list[tuple[object, tuple[str, ...]]]:
    return [(b.rule, b.covers) for b in breaches_of(kind, request, around(**changes))]


def step(name: StepName, role: Role, **changes: Any) -> StepTaken:
    return StepTaken(name, role, "somebody", NOW, NOW, **changes)


# the lead time ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("unit", "on", "late"),
    [
        (TimeUnit.working_day, date(2026, 2, 13), 0),
        (TimeUnit.working_day, date(2026, 2, 14), 1),  # a Saturday worked for the Spring Festival
        (TimeUnit.working_day, date(2026, 2, 24), 2),  # after nine days off
        (TimeUnit.day, date(2026, 2, 24), 5),
        (TimeUnit.month, date(2026, 2, 17), 1),
    ],
)
def test_how_late_a_request_is_counts_the_days_that_its_rule_counts(unit: TimeUnit, on: date, late: int) -> None:
    amounts = {TimeUnit.working_day: 3, TimeUnit.day: 8, TimeUnit.month: 1}
    rule = DeadlineRule(clause="TV-1", before=amounts[unit], unit=unit, of=Anchor.meeting_day)
    day = {TimeUnit.working_day: date(2026, 2, 25), TimeUnit.day: date(2026, 2, 27), TimeUnit.month: date(2026, 3, 16)}[
        unit
    ]
    assert days_late(compute("lead", rule, day, CALENDAR), on, CALENDAR) == late


# breaches -----------------------------------------------------------------------------------------------------------
SIZED = a_type(participants={"clause": "TV-2", "at_most": 100, "lift": "head"})


def a_lift(**changes: Any) -> Waiver:
    content: dict[str, Any] = {
        "rule": Hindrance.participants, "clause": "TV-2", "covers": ("200",), "detail": "", "official": "xg-head",
        "reason": "同意", "occurred_at": NOW,
    }  # fmt: skip
    return Waiver(**content | changes)


@pytest.mark.parametrize(
    ("lift", "covered"),
    [
        (a_lift(), True),
        (a_lift(covers=("300",)), False),
        (a_lift(clause="TV-9"), False),
        (a_lift(rule=Hindrance.quota), False),
    ],
)
def test_a_lift_covers_what_it_was_given_for_and_no_more(lift: Waiver, covered: bool) -> None:
    request = a_request(participants=200, lifts=[lift])
    assert (not_waived(breaches_of(SIZED, request, around()), request.lifts) == []) is covered


def test_a_breach_of_a_firm_rule_is_neither_excepted_nor_waived() -> None:
    request = a_request(participants=200, exception="规模大")
    found = breaches_of(SIZED, request, around())
    waivers.refuse(found, excepted=True)
    with pytest.raises(Problem) as refused:
        waivers.refuse(found)
    assert (refused.value.code, refused.value.clause) == ("too_many_participants", "TV-2")
    firm = breaches_of(a_type(participants={"clause": "TV-2", "at_most": 100}), request, around())
    with pytest.raises(Problem) as refused:
        waivers.refuse(firm, excepted=True)
    assert refused.value.extra["lift"] == []
    assert refused.value.satisfy
    assert "can't be waived" in refused.value.satisfy.en
    waiving = Waiving(Hindrance.participants, "xg-head", "同意", NOW, NOW)
    with pytest.raises(Problem) as refused:
        breaches.waive(request, firm, PEOPLE, waiving)
    assert refused.value.code == "firm"


def test_several_things_may_stand_against_a_request_each_with_its_own_door() -> None:
    kind = a_type(
        participants={"clause": "TV-2", "at_most": 100, "lift": "head"},
        quotas=[{"clause": "TV-3", "at_most": 1, "per": "month"}, {"clause": "TV-4", "at_most": 9, "of": "government"}],
        in_name_of={"clause": "TV-5", "allowed": ["department"], "lift": "executive_deputy"},
        invitees={"clause": "TV-6", "groups": "leaders", "lift": "head"},
    )
    request = a_request(participants=101, in_name_of=NameOf.government, invitees=["xg-dep1", "xg-jyj-principal"])
    assert found(kind, request, others=(1, 8)) == [
        (Hindrance.quota, ("month:2026/3",)),
        (Hindrance.participants, ("101",)),
        (Hindrance.name, ("government",)),
        (Hindrance.invitees, ("xg-dep1",)),
    ]
    assert found(kind, a_request(participants=100), others=(0, 8)) == []


@pytest.mark.parametrize(
    ("day", "per", "key"),
    [
        (date(2026, 12, 31), Span.year, "2026/1"),
        (date(2026, 6, 30), Span.half_year, "2026/1"),
        (date(2026, 7, 1), Span.half_year, "2026/2"),
        (date(2026, 9, 30), Span.quarter, "2026/3"),
        (date(2026, 9, 30), Span.month, "2026/9"),
    ],
)
def test_a_quota_counts_in_the_calendars_periods(day: date, per: Span, key: str) -> None:
    assert quota_key(day, per) == key


# who may be invited -------------------------------------------------------------------------------------------------
def with_post(official: str, role: PostRole, organisation: str) -> Composition:
    post = Post(official=official, role=role, organisation=organisation, since=date(2022, 1, 1))
    return PEOPLE.model_copy(update={"posts": (*PEOPLE.posts, post)})


def invited(group: Group, people: Composition = PEOPLE, *, except_own: bool = False, **changes: Any) -> list[str]:
    rule = InviteeRule(clause="TV-6", groups=(group,), lift=(Role.head,), except_own=except_own)
    everybody = [official.id for official in people.officials]
    return invited_by(rule, a_request(**changes), everybody, [], people)[0]


def test_leaders_are_the_head_the_deputies_and_the_party_group() -> None:
    assert invited(Group.leaders) == ["xg-head", "xg-exec", "xg-dep1", "xg-dep2", "xg-dep3"]


def test_a_leader_who_heads_the_sponsor_attends_its_meeting_where_the_rules_say_so() -> None:
    people = with_post("xg-dep1", PostRole.principal, "xg-jyj")
    assert "xg-dep1" in invited(Group.leaders, people)
    assert "xg-dep1" not in invited(Group.leaders, people, except_own=True)
    assert "xg-dep1" in invited(Group.leaders, people, except_own=True, sponsor="xg-wjj")


def test_beyond_the_portfolio_is_whoever_heads_an_organisation_that_the_leading_deputy_hasnt() -> None:
    outside = invited(Group.outside_portfolio, led_by="xg-dep1", sponsor="xg-office")
    assert "xg-wjj-principal" not in outside
    assert {"xg-zjj-principal", "xg-bhjd-principal", "xg-czj-principal"} <= set(outside)
    assert "xg-office-director" not in outside  # the sponsor's own
    by_the_sponsors_deputy = invited(Group.outside_portfolio, sponsor="xg-zjj")
    assert "xg-stj-principal" not in by_the_sponsors_deputy
    assert "xg-wjj-principal" in by_the_sponsors_deputy


def test_a_guest_counts_by_what_the_request_calls_them() -> None:
    rule = InviteeRule(clause="TV-6", groups=(Group.regional_heads,), lift=(Role.head,))
    guests = [Guest("某区区长", Group.regional_heads), Guest("某大学教授")]
    assert invited_by(rule, a_request(), [], guests, PEOPLE) == ([], ["某区区长"])


def test_posts_count_on_the_planned_day() -> None:
    gone = PEOPLE.model_copy(
        update={
            "posts": tuple(
                p.model_copy(update={"until": DAY - timedelta(days=1)}) if p.official == "xg-dep1" else p
                for p in PEOPLE.posts
            )
        }
    )
    assert "xg-dep1" not in invited(Group.leaders, gone)


# decisions ----------------------------------------------------------------------------------------------------------
def a_decision(outcome: Outcome = Outcome.passed, standing: Standing = Standing.adopted) -> Decision:
    unit = Unit(code="xg-jyj", name="区教育局")
    resolution = Resolution(
        decision_id="d", topic_id="t", number=1, title="会议", sponsor=unit, outcome=outcome, task="筹备", lead=unit
    )
    return Decision(id="d", government="xigang", meeting_id="m", topic_id="t", resolution=resolution, standing=standing)


@pytest.mark.parametrize(
    ("kind", "state", "decision", "code"),
    [
        ("executive", MeetingState.closed, a_decision(), None),
        ("executive", MeetingState.unminuted, a_decision(Outcome.passed_in_principle), None),
        ("executive", MeetingState.signed, a_decision(standing=Standing.in_ledger), None),
        ("plenary", MeetingState.signed, a_decision(), "wrong_meeting_kind"),
        ("executive", MeetingState.open, a_decision(), "meeting_not_over"),
        ("executive", MeetingState.cancelled, a_decision(), "meeting_not_over"),
        ("executive", MeetingState.signed, a_decision(Outcome.deferred), "decision_not_adopted"),
        ("executive", MeetingState.signed, a_decision(standing=Standing.revoked), "decision_revoked"),
    ],
)
def test_a_step_is_taken_by_what_a_meeting_of_the_kind_adopted_as_long_as_it_holds(
    kind: str, state: MeetingState, decision: Decision, code: str | None
) -> None:
    meeting = Meeting(
        id="m", government="xigang", edition="2023-08-21", kind=kind, title="会议", day=DAY, called_by="x", state=state
    )
    if code is None:
        plan_steps.require_decides(("executive",), "TV-1", decision, meeting)
        return
    with pytest.raises(Problem) as refused:
        plan_steps.require_decides(("executive",), "TV-1", decision, meeting)
    assert (refused.value.code, refused.value.clause) == (code, "TV-1")


# the yearly plan ----------------------------------------------------------------------------------------------------
PLAN_RULES = YearlyPlan.model_validate(
    {
        "name": "年度计划", "clause": "TV-7", "of": "fair", "deadline": "plan",
        "ask": [{"step": "review", "by": "office"}, {"step": "decide", "by": "head"}],
    }
)  # fmt: skip


def an_item(identity: str = "i", **changes: Any) -> PlanItem:
    content: dict[str, Any] = {
        "id": identity, "sponsor": "xg-jyj", "title": "会议", "month": 3, "joint": False, "note": "",
        "submitted_by": "xg-jyj-clerk", "submitted_at": NOW,
    }  # fmt: skip
    return PlanItem(**content | changes)


def a_plan(*items: PlanItem, **changes: Any) -> MeetingPlan:
    content: dict[str, Any] = {
        "id": "p", "government": "xigang", "edition": "2023-08-21", "year": 2026, "clause": "TV-7",
        "due": date(2025, 11, 28), "due_at": datetime(2025, 11, 28, 16, tzinfo=UTC), "items": list(items),
    }  # fmt: skip
    return MeetingPlan(**content | changes)


def test_an_item_counts_once_its_plan_is_adopted_for_its_sponsor_and_its_year() -> None:
    plan = a_plan(an_item())
    assert not allows(plan, "i", "xg-jyj", DAY)
    meeting_plans.take(plan, PLAN_RULES, step(StepName.review, Role.office))
    assert plan.state == PlanState.in_review
    assert not allows(plan, "i", "xg-jyj", DAY)
    meeting_plans.take(plan, PLAN_RULES, step(StepName.decide, Role.head))
    assert allows(plan, "i", "xg-jyj", DAY)
    assert not allows(plan, "i", "xg-wjj", DAY)
    assert not allows(plan, "i", "xg-jyj", date(2027, 3, 16))
    assert not allows(plan, "another", "xg-jyj", DAY)
    assert not allows(plan, None, "xg-jyj", DAY)
    assert not allows(None, "i", "xg-jyj", DAY)


def test_a_joint_item_counts_only_once_the_committee_passed_that_one() -> None:
    plan = a_plan(an_item("a", joint=True), an_item("b", joint=True), state=PlanState.adopted, adopted_at=NOW)
    meeting_plans.declare(plan, Declaration("xg-office-clerk", NOW, NOW, "常委会", ("a",)))
    assert (allows(plan, "a", "xg-jyj", DAY), allows(plan, "b", "xg-jyj", DAY)) == (True, False)
    with pytest.raises(Problem) as refused:
        meeting_plans.declare(plan, Declaration("xg-office-clerk", NOW - timedelta(days=1), NOW, "常委会", ("b",)))
    assert refused.value.code == "before_the_adoption"


def test_a_plan_without_additions_cant_be_waived_and_an_empty_one_isnt_adopted() -> None:
    with pytest.raises(Problem) as refused:
        meeting_plans.require_waiver(PLAN_RULES, PEOPLE, "xg-head", NOW.date())
    assert (refused.value.code, refused.value.clause) == ("plan_is_firm", "TV-7")
    with pytest.raises(Problem) as refused:
        meeting_plans.take(a_plan(), PLAN_RULES, step(StepName.review, Role.office))
    assert refused.value.code == "plan_empty"


def test_a_plan_is_overdue_only_while_it_is_collected_and_not_by_a_later_date() -> None:
    plan = a_plan(an_item())
    assert meeting_plans.fall_overdue(plan, plan.due_at - timedelta(seconds=1)) is False
    assert meeting_plans.fall_overdue(plan, plan.due_at) is True
    meeting_plans.move_due(plan, date(2025, 12, 1), plan.due_at + timedelta(days=3), plan.due_at + timedelta(hours=1))
    assert plan.overdue_at is None
    plan = a_plan(an_item(), state=PlanState.in_review)
    assert meeting_plans.fall_overdue(plan, plan.due_at + timedelta(days=9)) is False


# the states ---------------------------------------------------------------------------------------------------------
def test_every_act_says_in_which_states_it_is_possible_and_every_state_has_its_word() -> None:
    assert set(planning_requests.TRANSITIONS) == set(planning_requests.Action)
    assert set(planning_requests.STATES.chinese) == set(planning_requests.RequestState)
    assert set(breaches._CODES) == set(Hindrance)
    over = {planning_requests.RequestState.refused, planning_requests.RequestState.withdrawn}
    assert not over & {state for states in planning_requests.TRANSITIONS.values() for state in states}


# the rules as data --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wrong",
    [
        {"ask": [{"step": "approve"}]},
        {"ask": [{"step": "read", "by": "head", "meeting": "executive", "need": "all"}]},
        {"ask": [{"step": "submit", "by": "sponsor"}, {"step": "submit", "by": "principal"}]},
        {"invitees": {"clause": "TV-1", "groups": "leaders", "needs": "approval", "lift": "head"}},
        {"quotas": {"clause": "TV-1", "at_most": 0}},
        {"colour": "red"},
    ],
)
def test_a_type_that_means_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_type(**wrong)


def test_what_has_to_be_planned_needs_a_plan_of_it() -> None:
    kind = {"name": "会议", "clause": "TV-1", "planned": {"clause": "TV-1"}}
    with pytest.raises(ValidationError, match="is of another type"):
        Planning.model_validate({"requests": {"fair": kind}})


MISNAMED = {
    "a deadline rule that isn't there": ("rule: fair-request", "rule: no-such", "no deadline rule 'no-such'"),
    "a deadline counted forward": ("rule: fair-request", "rule: paper-out", "must be a rule with before"),
    "a kind of meeting that isn't there": ("by: head}", "meeting: assembly}", "no meeting kind 'assembly'"),
}


@pytest.mark.parametrize("case", MISNAMED, ids=str)
def test_the_loader_names_what_planning_points_at_and_isnt_there(case: str, tmp_path: Path) -> None:
    old, new, said = MISNAMED[case]
    folder = write_sixth_government(tmp_path)
    path = folder / "planning.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RulebookError) as refused:
        load_edition(folder)
    (finding,) = refused.value.findings
    assert "planning.yaml:" in finding
    assert said in finding


def test_a_kind_of_meeting_asks_for_a_request_that_planning_knows(tmp_path: Path) -> None:
    folder = write_sixth_government(tmp_path)
    path = folder / "meetings.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  clause: LH-5\n", "  clause: LH-5\n  request: ball\n"))
    with pytest.raises(RulebookError, match=r"weekly\.request: no type of request 'ball' in planning\.yaml"):
        load_edition(folder)


@pytest.mark.parametrize(
    ("sponsor", "offices", "used_by", "code"),
    [
        ("xg-jyj", {"xg-office"}, None, None),
        ("xg-zjj", {"xg-jyj"}, None, None),  # the office brings what a leader asks for
        ("xg-zjj", {"xg-office"}, None, "decision_about_another"),
        ("xg-jyj", {"xg-office"}, "另一会议", "decision_used"),
    ],
)
def test_a_decision_approves_one_request_and_only_of_who_brought_its_topic(
    sponsor: str, offices: set[str], used_by: str | None, code: str | None
) -> None:
    attempt = partial(
        planning_requests.require_about, a_request(sponsor=sponsor), a_decision(), offices, used_by, "TV-1"
    )
    if code is None:
        attempt()
        return
    with pytest.raises(Problem) as refused:
        attempt()
    assert (refused.value.status, refused.value.code, refused.value.clause) == (409, code, "TV-1")


@pytest.mark.parametrize("now", [Standing.adopted, Standing.revoked])
async def test_no_meeting_is_called_on_a_request_whose_approval_was_revoked_since(
    now: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = replace(step(StepName.decide, Role.office), decision_id="d")
    request = a_request(state=RequestState.approved, steps=[taken])

    async def found(_: object, noun: type, *__: object) -> object:
        return request if noun is PlanningRequest else a_decision(standing=now)

    monkeypatch.setattr(planning_commands, "lock", found)
    monkeypatch.setattr(planning_commands, "load", found)
    session: Any = None
    if now != Standing.revoked:
        assert await planning_commands.require_approved(session, "r", "fair", DAY) is request
        return
    with pytest.raises(Problem) as refused:
        await planning_commands.require_approved(session, "r", "fair", DAY)
    assert (refused.value.code, refused.value.clause) == ("decision_revoked", "TV-1")

"""Who signs minutes once the chair has left office (decision 0013)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from docx import Document

from meeting_svc.meeting.meeting import AgendaItem, Attendance, Entrustment, Meeting, MeetingState
from meeting_svc.minutes.commands import draft_minutes, take_minutes_step, waive_minutes
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.minutes.schemas import DraftMinutes, WaiveMinutes
from tests.conftest import composition_of
from tests.meeting.council import DAY, Hold, refused
from tests.meeting.examples import CALENDAR, book
from tests.meeting.in_memory import Rows, commands_in_memory, versions
from tests.meeting.lawful import SHANGHAI
from zhengling.authority.chain import Succession
from zhengling.authority.composition import Composition, Portfolio, Post, PostRole
from zhengling.authority.schemas import TakeStep
from zhengling.kernel.errors import Problem
from zhengling.local.client import at, load_composition
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import Role, TopicNature

CLOSED_AT = datetime(2026, 3, 6, 11, tzinfo=SHANGHAI)
LAST_DAY, NEXT_DAY = CLOSED_AT.date(), CLOSED_AT.date() + timedelta(days=1)


def without(people: Composition, official: str, last_day: date = LAST_DAY) -> Composition:
    """The same people after one of them has left office: their posts and portfolios end on that day."""

    def ended(row: Any) -> Any:
        return row.model_copy(update={"until": last_day}) if row.official == official else row

    update = {"posts": tuple(map(ended, people.posts)), "portfolios": tuple(map(ended, people.portfolios))}
    return people.model_copy(update=update)


def joined(
    people: Composition, official: str, role: PostRole, organisation: str, *units: str, on: date = NEXT_DAY
) -> Composition:
    """The same people, and one of them with a further post, and in charge of these units."""
    post = Post(official=official, role=role, organisation=organisation, since=on)
    charge = Portfolio(official=official, organisations=units, since=on)
    portfolios = (*people.portfolios, charge) if units else people.portfolios
    return people.model_copy(update={"posts": (*people.posts, post), "portfolios": portfolios})


class Closed:
    """A meeting that has closed, and its people on the days after."""

    def __init__(self, government: str, kind: str, chair: str, sponsor: str, **fields: Any) -> None:
        people = composition_of(government)
        self.rows = Rows(book(government), people, CALENDAR, CLOSED_AT + timedelta(hours=1))
        item = AgendaItem("t1", "事项", TopicNature.deliberation, sponsor)
        self.meeting = Meeting(
            "m1", government, book(government).edition, kind, "会议", LAST_DAY, "clerk", state=MeetingState.closed,
            agenda=[item], chair=chair, attendance=[Attendance(chair, True)],
            opened_at=CLOSED_AT - timedelta(hours=1), closed_at=CLOSED_AT, **fields,
        )  # fmt: skip
        self.rows.add(self.meeting)

    def draft(self, by: str) -> None:
        self.rows.run(draft_minutes, by, "m1", DraftMinutes())

    def next_day(self, people: Composition) -> None:
        self.rows.people, self.rows.now = people, CLOSED_AT + timedelta(days=1)

    def step(self, by: str, name: StepName = StepName.sign) -> None:
        self.rows.run(take_minutes_step, by, "m1", TakeStep(step=name))

    def refused(self, by: str, name: StepName = StepName.sign) -> Problem:
        with pytest.raises(Problem) as caught:
            self.step(by, name)
        assert caught.value.code == "not_the_actor"
        assert caught.value.satisfy
        return caught.value

    @property
    def signed(self) -> Minutes:
        assert self.meeting.state == MeetingState.signed
        return versions(self.rows, "m1")[-1]


@pytest.fixture(autouse=True)
def in_memory(request: pytest.FixtureRequest) -> Iterator[None]:
    if "council" in request.fixturenames:
        yield
        return
    with commands_in_memory():
        yield


def special() -> Closed:
    """A deputy's special meeting by portfolio."""
    closed = Closed("xigang", "special", "xg-dep2", "xg-zjj", organised_by="xg-zjj")
    closed.draft("xg-zjj-clerk")
    return closed


def test_who_is_in_charge_of_the_matter_now_signs_for_a_deputy_who_left_office_and_nobody_else() -> None:
    closed = special()
    people = without(closed.rows.people, "xg-dep2")
    closed.next_day(joined(people, "xg-dep3", PostRole.deputy, "xg", "xg-zjj"))
    name = people.official_names
    for other in ("xg-dep2", "xg-head", "xg-exec", "xg-zjj-principal"):
        problem = closed.refused(other)
        assert name["xg-dep3"] in problem.satisfy.en  # type: ignore[union-attr]
        assert f"{name['xg-dep2']}, who left office" in problem.detail.en
        assert problem.clause == "XG-33"
    closed.step("xg-dep3")
    signed = closed.signed
    assert (signed.signed_by, signed.steps[-1].role) == ("xg-dep3", Role.chair)
    assert signed.steps[-1].succeeds == Succession("xg-dep2", Role.deputy_in_charge, LAST_DAY)
    assert signed.signature == f"{name['xg-dep3']}（{name['xg-dep2']}已于2026年3月6日离任，由现任分管领导办理）"


def test_as_long_as_the_chair_holds_any_post_nobody_else_signs() -> None:
    closed = special()
    people = joined(without(closed.rows.people, "xg-dep2"), "xg-dep2", PostRole.principal, "xg-jyj")
    closed.next_day(joined(people, "xg-dep3", PostRole.deputy, "xg", "xg-zjj"))
    for other in ("xg-dep3", "xg-head"):
        assert people.official_names["xg-dep2"] in closed.refused(other).satisfy.zh  # type: ignore[union-attr]
    closed.step("xg-dep2")
    assert (closed.signed.signature, closed.signed.steps[-1].succeeds) == (people.official_names["xg-dep2"], None)


def test_on_their_last_day_in_office_the_chair_still_signs() -> None:
    closed = special()
    closed.rows.people = without(closed.rows.people, "xg-dep2")
    closed.refused("xg-head")
    closed.step("xg-dep2")
    assert closed.signed.steps[-1].succeeds is None


def test_where_nobody_took_the_matter_over_the_head_signs() -> None:
    closed = special()
    closed.next_day(without(closed.rows.people, "xg-dep2"))
    closed.refused("xg-exec")
    closed.step("xg-head")
    assert closed.signed.steps[-1].succeeds == Succession("xg-dep2", Role.head, LAST_DAY)
    assert closed.signed.signature.endswith("离任，由现任区长办理）")


@pytest.mark.parametrize(("in_charge", "signs"), [(("st-zjj",), "st-dep1"), ((), "st-head")])
def test_of_several_deputies_the_one_in_charge_of_the_matter_signs_for_one_who_chaired_by_entrustment(
    in_charge: tuple[str, ...], signs: str
) -> None:
    given = Entrustment("st-dep2", "st-head", "出差", CLOSED_AT - timedelta(days=1), CLOSED_AT - timedelta(days=1))
    closed = Closed("shuangtaizi", "head-office", "st-dep2", "st-zjj", entrustment=given)
    closed.draft("st-office-clerk")
    closed.next_day(joined(without(closed.rows.people, "st-dep2"), "st-dep1", PostRole.deputy, "st", *in_charge))
    closed.refused("st-exec")
    closed.step(signs)
    assert closed.signed.signed_by == signs
    assert "受委托" not in closed.signed.signature, "the entrustment was the former chair's own"


def test_the_leader_who_entrusted_the_chair_is_succeeded_as_well() -> None:
    given = Entrustment(
        "hc-office-director", "hc-head", "出差", CLOSED_AT - timedelta(days=1), CLOSED_AT - timedelta(days=1)
    )
    closed = Closed("huancui", "special", "hc-office-director", "hc-zjj", entrustment=given)
    closed.draft("hc-office-clerk")
    closed.next_day(joined(without(closed.rows.people, "hc-head"), "hc-exec", PostRole.head, "hc"))
    closed.refused("hc-head", StepName.approve)
    closed.refused("hc-dep1", StepName.approve)
    closed.step("hc-exec", StepName.approve)
    closed.step("hc-office-director")
    approved, signed = closed.signed.steps[-2:]
    assert approved.succeeds == Succession("hc-head", Role.head, LAST_DAY)
    assert signed.succeeds is None


def test_where_the_post_of_the_head_is_vacant_nobody_signs() -> None:
    closed = special()
    closed.next_day(without(without(closed.rows.people, "xg-dep2"), "xg-head"))
    for other in ("xg-dep2", "xg-head", "xg-exec", "xg-dep1"):
        assert "no holder" in closed.refused(other).satisfy.en  # type: ignore[union-attr]


def test_the_successor_decides_whether_there_are_minutes_and_the_record_says_after_whom() -> None:
    closed = Closed("huancui", "plenary", "hc-head", "hc-zjj")
    closed.next_day(joined(without(closed.rows.people, "hc-head"), "hc-exec", PostRole.head, "hc"))
    waiver = WaiveMinutes(reason="以部署为主")
    with pytest.raises(Problem, match="not_the_chair"):
        closed.rows.run(waive_minutes, "hc-head", "m1", waiver)
    closed.rows.run(waive_minutes, "hc-exec", "m1", waiver)
    (record,) = versions(closed.rows, "m1")
    gone = closed.rows.people.official_names["hc-head"]
    assert f"会议主持人（{gone}已于2026年3月6日离任，由现任区长办理）决定" in record.text


async def test_the_new_head_signs_what_the_former_one_chaired_and_the_document_says_so(council: Hold) -> None:
    hc = await council("huancui").hold()
    await hc.draft(by=hc.job.office)
    while (await hc.latest())["next_step"]["step"] != "sign":
        step = (await hc.latest())["next_step"]
        await hc.step(step["step"], step["officials"][0])
    assert (await hc.latest())["next_step"]["officials"] == ["hc-head"]
    last_day, next_day = DAY, DAY + timedelta(days=1)
    after = joined(without(hc.job.composition, "hc-head", last_day), "hc-dep5", PostRole.head, "hc", on=next_day)
    await load_composition(hc.api, after)
    try:
        await hc.api.set_clock(at(next_day))
        assert (await hc.latest())["next_step"]["officials"] == ["hc-dep5"]
        meeting = await hc.api.get("meeting", hc.path)
        assert meeting["next_step"]["officials"] == ["hc-dep5"]
        problem = await refused(hc.step("sign", "hc-head"))
        assert (problem["status"], problem["code"]) == (404, "meeting_not_found"), "who left office sees it no more"
        signed = await hc.do("minutes/steps", "hc-dep5", step="sign")
        assert signed["steps"][-1]["succeeds"] == {
            "official": "hc-head", "role": "head", "left_on": str(last_day),
        }  # fmt: skip
        text = [p.text for p in Document(io.BytesIO((await hc.file()).content)).paragraphs]
        (signature,) = [line for line in text if line.startswith("签发：")]
        name = after.official_names
        reason = f"{name['hc-head']}已于2027年3月10日离任，由现任区长办理"
        assert signature == f"签发：{name['hc-dep5']}（{reason}）"
    finally:
        await load_composition(hc.api, hc.job.composition)

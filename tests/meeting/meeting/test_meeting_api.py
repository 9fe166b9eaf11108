"""Meetings over HTTP, from the call to the close, as the offices of the five governments run them."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.conftest import composition_of
from tests.meeting.offices import DAY, SUBMITTED, Office, refused
from zhengling.local.client import Json, Refused, at


def codes(meeting: Json) -> list[str]:
    return [remark["code"] for remark in meeting["next"]]


async def test_in_huancui_a_session_is_prepared_opened_left_by_too_many_and_closed(offices: dict[str, Office]) -> None:
    office, day = offices["huancui"], DAY + timedelta(days=7)  # on which no other test holds one
    study, matter = await office.topic("office", "study"), await office.topic("zjj")
    meeting = await office.call(day=str(day), starts_at=at(day, 9).isoformat(), place="一楼会议室", convener="hc-head")
    meeting = await office.add(meeting, matter, study)
    assert codes(meeting) == ["first_topic_missing", "agenda_not_approved", "devices_not_declared"]
    assert ("rhythm_topic_missing", "HC-47") in [(w["code"], w["clause"]) for w in meeting["warnings"]]
    assert (meeting["quorum"]["expected"], meeting["quorum"]["needed"], meeting["quorum"]["present"]) == (9, 5, None)
    meeting = await office.do(meeting, "agenda/order", {"by": "rule"}, method="PUT")
    assert [item["topic_id"] for item in meeting["agenda"]] == [study["id"], matter["id"]]
    meeting = await office.approve(meeting)
    assert [(v["number"], v["cause"]) for v in meeting["agenda_versions"]] == [(1, "approval")]
    locked = office.do(meeting, "agenda", {"topic_id": matter["id"]})
    assert await refused(locked) == (409, "agenda_locked", "HC-50")
    later = await office.topic("yjj", "safety")
    addition = {"topic_id": later["id"], "reason": "汛期将至"}
    assert await refused(office.do(meeting, "agenda/additions", addition)) == (403, "not_the_agenda_approver", "HC-50")
    first = office.do(meeting, "agenda/additions", addition | {"position": 1}, "head")
    assert await refused(first) == (409, "first_topic_missing", "HC-47")
    meeting = await office.do(meeting, "agenda/additions", addition, "head")
    assert [(v["number"], v["cause"], v["reason"]) for v in meeting["agenda_versions"]][1:] == [
        (2, "addition", "汛期将至")
    ]
    assert meeting["warnings"] == []
    gone = {"topic_id": later["id"], "reason": "另行研究"}
    meeting = await office.do(meeting, "agenda/removals", gone, "head")
    assert (await office.api.get("meeting", f"/v1/topics/{later['id']}"))["state"] == "ready"
    meeting = await office.do(meeting, "papers", {"holders": ["hc-dep1", "hc-dep2"], "title": "送审稿"})

    await office.api.set_clock(at(day, 9))
    assert await refused(office.open(meeting)) == (409, "devices_not_declared", "HC-52")
    by_others = office.do(meeting, "devices", {}, "zjj-clerk")
    assert await refused(by_others) == (403, "not_the_office", "HC-52")
    assert await refused(office.do(meeting, "recording", {"by": "宣传科"}, "zjj-clerk")) == (
        403,
        "not_the_office",
        "HC-52",
    )
    meeting = await office.do(meeting, "devices", {})
    short = office.do(meeting, "opening", {"chair": "hc-head", "attendance": office.listed(meeting)[:5]})
    assert await refused(short) == (409, "roll_call_incomplete", "HC-43")
    few = office.open(meeting, "dep1", "dep2", "dep3", "dep4", "dep5")
    assert await refused(few) == (409, "quorum_not_met", "HC-43")
    meeting = await office.open(meeting, "dep1", "dep2", "dep3", "dep4", also=("zjj-principal", "zjj-clerk"))
    assert meeting["quorum"] == {
        "members": 9, "needed": 5, "expected": None, "present": 5, "at_opening": 5, "lowest": 5, "met": True,
        "clause": "HC-43",
    }  # fmt: skip
    kinds = {entry["official"]: (entry["capacity"], entry["status"]) for entry in meeting["attendance"]}
    assert kinds["hc-office-deputy"] == ("attendee", "present")
    assert kinds["hc-dep1"] == ("member", "absent")
    assert (kinds["hc-zjj-principal"][0], kinds["hc-zjj-clerk"][0]) == ("topic", "staff")

    def move(who: str, what: str) -> Any:
        return office.do(meeting, "attendance", {"official": f"hc-{who}", "move": what})

    assert await refused(move("czj-clerk", "arrived")) == (403, "staff_of_others", "HC-51")
    assert await refused(move("head", "left")) == (409, "chair_must_hand_over", "HC-43")
    meeting = await move("exec", "left")
    assert meeting["quorum"]["met"] is False
    assert await refused(office.decide(meeting, study)) == (409, "quorum_lost", "HC-43")
    meeting = await move("dep1", "arrived")
    meeting = await office.decide(meeting, matter)
    wrong = meeting["resolutions"][0]["decision_id"]
    assert await refused(office.decide(meeting, matter)) == (409, "decided_already", None)
    path, body = f"/v1/decisions/{wrong}/withdrawal", {"reason": "记错了议题"}
    gone = await office.api.command("meeting", path, body, "hc-office-clerk", 1)
    assert gone["standing"] == "withdrawn"
    again = office.api.command("meeting", path, body, "hc-office-clerk", gone["version"])
    assert await refused(again) == (409, "decision_withdrawn", None)
    meeting = await office.get(meeting)
    assert meeting["resolutions"] == []
    for topic in (matter, study):
        meeting = await office.decide(meeting, topic)
    listed = (await office.api.get("meeting", "/v1/decisions", meeting_id=meeting["id"], standing="recorded"))["items"]
    assert [each["topic_id"] for each in listed] == [study["id"], matter["id"]], "as the agenda has them"
    await office.api.set_clock(at(day, 11))
    meeting = await office.do(meeting, "closing", {})
    assert (meeting["state"], meeting["outstanding_copies"]) == ("closed", [1, 2])
    assert (meeting["quorum"]["at_opening"], meeting["quorum"]["lowest"]) == (5, 4), "kept after the close"
    meeting = await office.do(meeting, "papers/returned", {"copies": [2]})
    assert meeting["outstanding_copies"] == [1]
    assert await refused(office.do(meeting, "papers/returned", {"copies": [2]})) == (
        409,
        "copy_not_outstanding",
        "HC-52",
    )

    period = {"from": str(day), "to": str(day)}
    figures = await office.api.get("meeting", "/v1/attendance", **period)
    tallies = {row["key"]: row["tally"] for row in figures["officials"]}
    assert figures["meetings"] == 1
    assert (tallies["hc-exec"]["left_early"], tallies["hc-dep1"]["present"], tallies["hc-dep2"]["absent"]) == (1, 1, 1)
    answer = await office.api._client.get(
        f"{office.api._addresses['meeting']}/v1/attendance.xlsx",
        params=period,
        headers={"Authorization": f"Bearer {office.api.token(None)}", "Accept-Language": "zh"},
    )
    sheet = load_workbook(io.BytesIO(answer.content))["人员"]
    names = {row[0]: row for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert [cell.value for cell in sheet[1]][:3] == ["姓名/单位", "应到", "实到"]
    assert names[composition_of("huancui").official_names["hc-dep2"]][1:7] == (1, 0, 0, 0, 0, 1)
    body = {"since": str(day), "until": str(day), "recipients": "区政府各部门"}
    circulate = partial(office.api.command, "meeting", "/v1/attendance/circulars", body)
    assert (await refused(circulate("hc-zjj-clerk")))[1] == "not_the_office"
    sent = await circulate("hc-office-clerk")
    listed = await office.api.get("meeting", "/v1/attendance/circulars")
    assert sent["id"] in [each["id"] for each in listed["items"]]
    assert (await office.api.get("meeting", "/v1/attendance", **period))["last_circular"] == sent["sent_at"]
    (rhythm,) = (await office.api.get("meeting", "/v1/agenda-rhythm"))["items"]
    assert (rhythm["kind"], rhythm["nature"], rhythm["clause"]) == ("executive", "safety", "HC-47")
    assert rhythm["sessions_since"] >= 1


async def test_which_session_took_up_the_periodic_topic_is_for_those_who_see_it(offices: dict[str, Office]) -> None:
    office, day = offices["huancui"], DAY + timedelta(days=21)
    topics = [await office.topic("office", "study"), await office.topic("yjj", "safety")]
    meeting = await office.approve(await office.add(await office.call(day=str(day)), *topics))
    await office.api.set_clock(at(day, 9))
    meeting = await office.open(await office.do(meeting, "devices", {}))
    for official, meeting_id, title in (
        ("hc-head", meeting["id"], meeting["title"]), ("hc-yjj-clerk", meeting["id"], meeting["title"]),
        ("hc-stj-clerk", None, None),
    ):  # fmt: skip
        (rhythm,) = (await office.api.get("meeting", "/v1/agenda-rhythm", official))["items"]
        assert (rhythm["last_held"], rhythm["sessions_since"]) == (str(day), 0)
        assert (rhythm["meeting_id"], rhythm["title"]) == (meeting_id, title), official
    await office.api.set_clock(at(SUBMITTED))


async def test_two_at_one_agenda_at_once_lose_nothing(offices: dict[str, Office]) -> None:
    office = offices["shuangtaizi"]
    topics = [await office.topic("zjj"), await office.topic("jyj")]
    meeting = await office.call()

    async def add(topic: Json) -> Json | Refused:
        try:
            return await office.do(meeting, "agenda", {"topic_id": topic["id"]})
        except Refused as refusal:
            return refusal

    answers = await asyncio.gather(*map(add, topics))
    stale = [at for at, answer in enumerate(answers) if isinstance(answer, Refused)]
    assert len(stale) == 1
    lost = answers[stale[0]]
    assert isinstance(lost, Refused)
    assert (lost.problem["status"], lost.code) == (412, "stale_etag")
    again = await office.add(await office.get(meeting), topics[stale[0]])
    assert {item["topic_id"] for item in again["agenda"]} == {topic["id"] for topic in topics}


async def test_in_dalian_the_list_of_invitees_the_notice_leave_and_a_delegate_come_before_the_plenary(
    offices: dict[str, Office],
) -> None:
    office = offices["dalian"]
    topic = await office.topic("jyj", kind="plenary")
    meeting = await office.approve(await office.add(await office.call("plenary"), topic))
    invite = {"invitees": [{"official": "dl-jyj-clerk"}, {"name": "市人大代表"}, {"organisation": "dl-ggzx"}]}
    meeting = await office.do(meeting, "invitees", invite)
    assert codes(meeting) == ["invitees_not_approved", "not_notified"]
    assert await refused(office.do(meeting, "invitees", invite)) == (409, "invited_already", "DL-37")
    both = {"invitees": [{"official": "dl-jyj-clerk", "name": "市政协委员"}]}
    assert await refused(office.do(meeting, "invitees", both)) == (422, "not_one_invitee", None)
    recipients = {"recipients": ["市人大代表"]}
    assert await refused(office.do(meeting, "notice", recipients)) == (409, "invitee_not_approved", "DL-37")
    early = office.do(meeting, "invitees/steps", {"step": "approve"}, "head")
    assert await refused(early) == (409, "step_out_of_order", "DL-37")
    meeting = await office.approve(meeting, "invitees/steps", "next_invitee_step")
    assert [invitee["approved"] for invitee in meeting["invitees"]] == [True, True, True]
    come = office.do(meeting, "acknowledgements", {"coming": True}, "dep1")
    assert await refused(come) == (409, "not_told_yet", "DL-41")
    meeting = await office.do(meeting, "notice", {})
    assert codes(meeting) == []
    meeting = await office.do(meeting, "acknowledgements", {"coming": True}, "dep1")
    expected = {e["official"]: e for e in meeting["expected"]}
    assert (expected["dl-dep1"]["coming"], expected["dl-dep2"]["coming"]) == (True, None)
    assert expected["dl-dep2"]["told_at"]

    meeting = await office.do(meeting, "leave", {"reason": "出差"}, "dep2")
    meeting = await office.do(meeting, "leave", {"reason": "因病", "official": "dl-czj-principal"})
    assert [(r["code"], r["clause"], r["officials"]) for r in meeting["next"]] == [
        ("leave_pending", "DL-42", ["dl-head"]),
        ("leave_pending", "DL-42", ["dl-sg"]),
    ]
    for_another = office.do(meeting, "leave", {"reason": "出差", "official": "dl-dep3"}, "dep1")
    assert await refused(for_another) == (403, "not_the_participant", "DL-42")
    grant = {"official": "dl-dep2", "approve": True}
    assert await refused(office.do(meeting, "leave/answers", grant, "sg")) == (403, "not_the_leave_approver", "DL-42")
    meeting = await office.do(meeting, "leave/answers", grant, "head")
    refuse = {"official": "dl-czj-principal", "approve": False, "opinion": "须到会"}
    meeting = await office.do(meeting, "leave/answers", refuse, "sg")
    assert [leave["state"] for leave in meeting["leaves"]] == ["approved", "refused"]
    send = {"delegate": "dl-mzj-clerk", "reason": "出国"}
    assert await refused(office.do(meeting, "delegates", send, "dep3")) == (409, "leader_cannot_be_replaced", "DL-42")
    meeting = await office.do(meeting, "delegates", send, "mzj-principal")
    meeting = await office.do(meeting, "delegates/answers", {"official": "dl-mzj-principal", "approve": True}, "sg")

    meeting = await office.do(meeting, "leave", {"reason": "出访"}, "dep3")
    meeting = await office.do(meeting, "leave/answers", {"official": "dl-dep3", "approve": True}, "head")
    back = {"reason": "出访取消"}
    for_others = office.do(meeting, "leave/withdrawals", back | {"official": "dl-dep3"}, "dep1")
    assert await refused(for_others) == (403, "not_the_participant", "DL-42")
    meeting = await office.do(meeting, "leave/withdrawals", back, "dep3")
    assert (meeting["leaves"][-1]["state"], meeting["leaves"][-1]["withdrawal"]["reason"]) == ("withdrawn", "出访取消")
    assert await refused(office.do(meeting, "leave/withdrawals", back, "dep3")) == (409, "nothing_asked", None)

    await office.api.set_clock(at(DAY, 9))
    gone = ("dep2", "czj-principal", "mzj-principal")
    unasked = {"chair": "dl-head", "attendance": office.listed(meeting), "guests": [{"name": "路人", "present": True}]}
    assert await refused(office.do(meeting, "opening", unasked)) == (403, "not_invited", "DL-37")
    stranger = office.open(meeting, *gone, also=("fgw-clerk",))
    assert await refused(stranger) == (403, "not_invited", "DL-37")
    guests = [{"name": "市人大代表", "present": True}]
    meeting = await office.open(meeting, *gone, also=("mzj-clerk", "jyj-clerk"), guests=guests)
    assert [(guest["name"], guest["left_at"]) for guest in meeting["guests"]] == [("市人大代表", None)]
    both = office.do(meeting, "attendance", {"guest": "市人大代表", "official": "dl-dep1", "move": "left"})
    assert await refused(both) == (422, "not_one_person", None)
    meeting = await office.do(meeting, "attendance", {"guest": "市人大代表", "move": "left"})
    assert meeting["guests"][0]["left_at"]
    assert meeting["movements"][0]["guest"] == "市人大代表"
    found = {e["official"]: (e["status"], e["capacity"]) for e in meeting["attendance"]}
    assert found["dl-dep2"] == ("on_leave", "member")
    assert found["dl-czj-principal"] == ("absent", "member")
    assert found["dl-mzj-principal"] == ("represented", "member")
    assert (found["dl-mzj-clerk"][1], found["dl-jyj-clerk"][1]) == ("delegate", "invitee")
    late = office.do(meeting, "leave", {"reason": "有事"}, "dep1")
    assert await refused(late) == (409, "leave_too_late", "DL-42")

    meeting = await office.decide(meeting, topic)
    await office.api.set_clock(at(DAY, 11))
    meeting = await office.do(meeting, "closing", {})
    draft = await office.do(meeting, "minutes", {})
    (sitting_in,) = [line for line in draft["text"].splitlines() if line.startswith("列席：")]
    assert sitting_in.endswith("、市人大代表")
    figures = await office.api.get("meeting", "/v1/attendance", **{"from": str(DAY), "to": str(DAY)})
    assert [(row["name"], row["tally"]["present"], row["tally"]["left_early"]) for row in figures["guests"]] == [
        ("市人大代表", 1, 1)
    ]


async def test_in_shuangtaizi_a_deputys_meeting_asks_outsiders_only_with_the_heads_consent(
    offices: dict[str, Office],
) -> None:
    office = offices["shuangtaizi"]
    assert await refused(office.call("business")) == (409, "convener_missing", "ST-41")
    unlawful = office.call("business", convener="st-jyj-principal")
    assert await refused(unlawful) == (409, "convener_cannot_chair", "ST-41")
    office.job.chair = "st-dep2"
    topic = await office.topic("zjj", kind="business")
    units = {"organisations": ["st-zjj", "st-jyj"]}
    meeting = await office.call("business", convener="st-dep2", participants=units)
    meeting = await office.approve(await office.add(meeting, topic))
    assert [(r["code"], r["clause"], r["officials"]) for r in meeting["next"]] == [
        ("outside_portfolio", "ST-43", ["st-jyj-principal"])
    ]
    await office.api.set_clock(at(DAY, 9))
    assert await refused(office.open(meeting, chair="dep2", also=("dep2",))) == (409, "outside_portfolio", "ST-43")
    consent = {"reason": "统筹学校周边改造"}
    assert await refused(office.do(meeting, "invitees/consent", consent, "dep2")) == (403, "not_the_consenter", "ST-43")
    meeting = await office.do(meeting, "invitees/consent", consent, "head")
    assert meeting["outside_consents"][0]["officials"] == ["st-jyj-principal"]
    meeting = await office.open(meeting, chair="dep2", also=("dep2",))
    assert meeting["members"] == ["st-zjj-principal", "st-jyj-principal"]


async def test_in_zhanqian_a_meeting_is_postponed_notified_again_and_then_cancelled(offices: dict[str, Office]) -> None:
    office = offices["zhanqian"]
    topic = await office.topic("fgj")
    meeting = await office.approve(await office.add(await office.call(place="三楼会议室"), topic))
    meeting = await office.do(meeting, "notice", {})
    asked = office.do(meeting, "leave", {"reason": "有事"}, "dep1")
    assert await refused(asked) == (409, "leave_reason_not_listed", "ZQ-24")
    meeting = await office.do(meeting, "leave", {"reason": "赴省城", "reason_kind": "higher_meeting"}, "dep1")
    later = DAY + timedelta(days=3)
    new = {"day": str(later), "starts_at": at(later, 14).isoformat(), "reason": "区长参加市里会议"}
    assert await refused(office.do(meeting, "postponement", new, "fgj-clerk")) == (403, "not_the_office", "ZQ-20")
    meeting = await office.do(meeting, "postponement", new)
    assert (meeting["day"], meeting["postponements"][0]["day"]) == (str(later), str(DAY))
    assert (codes(meeting), meeting["leaves"][0]["state"]) == (["not_notified"], "lapsed")
    await office.api.set_clock(at(later, 14))
    assert await refused(office.open(meeting)) == (409, "not_notified", "ZQ-21")
    meeting = await office.do(meeting, "cancellation", {"reason": "议题需再协调"})
    assert (meeting["state"], meeting["cancellation"]["reason"]) == ("cancelled", "议题需再协调")
    assert (await office.api.get("meeting", f"/v1/topics/{topic['id']}"))["state"] == "ready"
    link = await office.api.command("meeting", "/v1/feeds", {"language": "zh"}, "zq-office-clerk")
    feed = (await office.api._client.get(link["url"])).text.replace("\r\n ", "")
    event = next(part for part in feed.split("BEGIN:VEVENT") if meeting["id"] in part)
    assert "STATUS:CANCELLED" in event
    assert "LOCATION:三楼会议室" in event
    assert "DTSTART:20310317T060000Z" in event


async def test_in_xigang_papers_hold_for_the_new_day_and_a_special_meeting_is_organised_by_the_proposing_unit(
    offices: dict[str, Office],
) -> None:
    office = offices["xigang"]
    topic = await office.topic("zjj", "transmission")
    meeting = await office.add(await office.call(), topic)
    sooner = {"day": str(SUBMITTED + timedelta(days=1)), "reason": "提前"}
    assert await refused(office.do(meeting, "postponement", sooner)) == (409, "papers_late", "XG-35")
    unit = {"organised_by": "xg-zjj", "convener": "xg-dep2"}
    assert await refused(office.call("special", **unit)) == (403, "not_the_organiser", "XG-33")
    other = office.call("special", "zjj-clerk", organised_by="xg-zjj", convener="xg-dep1", recording={"by": "zjj"})
    assert (await refused(other))[1] == "not_the_office"  # nobody records but whom the office lets
    special = await office.call("special", "zjj-clerk", **unit)
    assert special["organised_by"] == "xg-zjj"
    named = office.call(participants={"officials": ["xg-dep1"]})
    assert await refused(named) == (409, "members_by_rule", "XG-32")


async def test_a_kind_says_what_the_rules_ask_of_it_in_both_languages(offices: dict[str, Office]) -> None:
    api = offices["huancui"].api
    kinds = (await api.get("meeting", "/v1/meeting-kinds"))["items"]
    assert {"plenary", "executive", "head-office", "special", "work-1", "work-2"} == {kind["kind"] for kind in kinds}
    kind = await api.get("meeting", "/v1/meeting-kinds/executive")
    assert kind["rules"]["quorum"]["more_than"] == "1/2"
    assert ("HC-43", "出席人数须超过1/2") in [(rule["clause"], rule["zh"]) for rule in kind["told"]]
    with pytest.raises(Refused, match="unknown_meeting_kind"):
        await api.get("meeting", "/v1/meeting-kinds/none")
    with pytest.raises(Refused) as caught:
        await offices["huancui"].call("work-1")
    assert (caught.value.code, caught.value.problem["clause"]) == ("request_missing", "HC-46")

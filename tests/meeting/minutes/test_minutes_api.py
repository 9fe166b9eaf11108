"""Minutes over HTTP: drafts and their versions, the signature, corrections and who follows them, publication."""

from __future__ import annotations

import asyncio
import hashlib
import io
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import asyncpg
import httpx
import pytest
from docx import Document

from tests.conftest import scenario_of
from tests.meeting.council import DAY, DIRECTOR, HEAD, OFFICE, SECRETARY, SUBMITTED, Hold, first, refused
from zhengling.local.client import Json, at
from zhengling.local.stack import EmbeddedStack
from zhengling.rules.vocabulary import Difficulty


def content_of(view: Json) -> Json:
    """The content of a version of minutes, without the meeting's version and next step."""
    return {name: value for name, value in view.items() if name not in ("version", "next_step")}


# drafts -------------------------------------------------------------------------------------------------------------
async def test_a_draft_written_anew_is_a_version_of_its_own_and_its_reviews_begin_again(council: Hold) -> None:
    lh = await council().hold()
    one = await lh.draft()
    assert (one["number"], one["cause"], one["state"], one["drafted_by"]) == (1, "draft", "draft", OFFICE)
    assert one["next_step"]["officials"] == [DIRECTOR]
    await lh.step("review", DIRECTOR)
    written = f"{one['text']}\n改写的结语。"
    problem = await refused(lh.draft(text=written))
    assert (problem["status"], problem["code"]) == (422, "reason_missing")
    two = await lh.draft(text=written, reason="领导要求精简")
    assert (two["number"], two["cause"], two["reason"]) == (2, "redraft", "领导要求精简")
    assert [step["step"] for step in two["steps"]] == ["draft"]
    assert two["next_step"]["officials"] == [DIRECTOR]
    old = await lh.version(1)
    assert (old["state"], old["text"]) == ("superseded", one["text"])
    assert [step["step"] for step in old["steps"]] == ["draft", "review"]
    assert (await lh.sign())["number"] == 2


async def test_nobody_but_the_office_drafts(council: Hold) -> None:
    lh = await council().hold()
    problem = await refused(lh.draft(by="lh-water-clerk"))
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_the_actor", "LH-9")


async def test_whoever_is_next_returns_a_draft_with_a_reason_and_then_it_waits_no_more(council: Hold) -> None:
    lh = await council().hold()
    await lh.draft()
    problem = await refused(lh.do("minutes/return", SECRETARY, reason="尚未轮到"))
    assert (problem["status"], problem["code"]) == (403, "not_the_actor")
    await lh.do("minutes/return", DIRECTOR, reason="第一项表述不准确")
    returned = await lh.latest()
    assert (returned["state"], returned["next_step"]) == ("returned", None)
    assert (returned["returned"]["official"], returned["returned"]["reason"]) == (DIRECTOR, "第一项表述不准确")
    problem = await refused(lh.step("review", DIRECTOR))
    assert problem["code"] == "minutes_returned"
    assert "第一项表述不准确" in problem["detail"] or "returned" in problem["detail"]
    meeting = await lh.api.get("meeting", lh.path)
    assert meeting["next_step"]["step"] == "draft"
    assert (await lh.draft(reason="按退回意见修改"))["number"] == 2
    assert (await lh.version(1))["state"] == "returned"


# the signature ------------------------------------------------------------------------------------------------------
async def test_what_is_signed_has_a_number_and_can_be_neither_drafted_nor_returned_nor_signed_again(
    council: Hold,
) -> None:
    lh = await council().signed()
    signed = await lh.latest()
    assert signed["state"] == "signed"
    assert signed["issue"].startswith("〔2027〕") and signed["issue"].endswith("号")
    for attempt in (
        lh.draft(reason="再次起草"),
        lh.do("minutes/return", HEAD, reason="退回修改"),
        lh.step("sign", HEAD),
        lh.do("minutes/waiver", HEAD, reason="不形成纪要"),
    ):
        problem = await refused(attempt)
        assert problem["status"] == 409
    assert await lh.latest() == signed


async def test_two_that_are_signed_at_once_get_two_numbers_without_a_gap(council: Hold) -> None:
    meetings = [await council(**first()).hold() for _ in range(4)]
    await meetings[0].api.set_clock(at(DAY, 15))
    for each in meetings:
        await each.draft()
        for by in (DIRECTOR, SECRETARY):
            await each.step("review", by)
    await asyncio.gather(*(each.step("sign", HEAD) for each in meetings))
    numbers = sorted([int((await each.latest())["issue"][6:-1]) for each in meetings])
    assert numbers == list(range(numbers[0], numbers[0] + 4))


async def test_each_version_is_an_official_document_and_the_same_file_every_time(council: Hold) -> None:
    lh = await council().signed()
    await lh.correct(text=f"{(await lh.latest())['text']}\n更正后的正文若干。")
    one, again, newest = await lh.file(1), await lh.file(1), await lh.file()
    assert one.headers["content-type"].startswith("application/vnd.openxmlformats")
    assert (one.content, one.headers["etag"]) == (again.content, again.headers["etag"])
    assert newest.headers["etag"] != one.headers["etag"]
    text = [p.text for p in Document(io.BytesIO(one.content)).paragraphs]
    issue = (await lh.version(1))["issue"]
    assert text[0] == "临海县人民政府县政府周例会纪要" and issue in text
    assert "一、关于水库除险加固的请示" in text
    assert "签发：甲一" in text
    tag = one.headers["etag"]
    for known in (tag, f'"another", W/{tag}', "*"):
        unchanged = await lh.file(1, **{"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag)
    changed = await lh.file(**{"If-None-Match": tag})
    assert (changed.status_code, changed.content) == (200, newest.content)
    assert tag == f'"{hashlib.sha256(one.content).hexdigest()}"', "strong: by the bytes"
    draft = [p.text for p in Document(io.BytesIO(newest.content)).paragraphs]
    assert "（未签发稿）（更正）" in draft and "更正后的正文若干。" in draft


async def test_who_signs_as_entrusted_by_the_head_is_printed_so(council: Hold) -> None:
    hc = council("huancui", chair="hc-exec")
    await hc.api.set_clock(at(SUBMITTED))
    topics = [await hc.job.walk_topic(await hc.job.submit(each)) for each in hc.job.scenario.decisions]
    meeting = await hc.job.call_meeting()
    body = {"to": "hc-exec", "reason": "区长出差"}
    path = f"/v1/meetings/{meeting['id']}/entrustment"
    meeting = await hc.api.command("meeting", path, body, "hc-head", meeting["version"])
    meeting = await hc.job.agenda(meeting, topics)
    await hc.api.set_clock(at(DAY))
    hc.meeting = await hc.job.hold(meeting, topics)
    draft = await hc.draft(by=hc.job.office)
    assert "（受委托）主持召开" in draft["text"]
    assert (await hc.sign())["signed_by"] == "hc-exec"
    name = hc.job.composition.official_names["hc-exec"]
    text = [p.text for p in Document(io.BytesIO((await hc.file()).content)).paragraphs]
    assert f"签发：{name}（受委托）" in text


# no minutes ---------------------------------------------------------------------------------------------------------
async def test_where_the_chair_decides_on_no_minutes_every_decision_is_supervised_all_the_same(council: Hold) -> None:
    study, coast, _ = scenario_of("huancui").decisions
    planned = (study, coast.model_copy(update={"matter": "deployment", "due": None}))
    hc = await council("huancui", kind="plenary", title="区政府全体会议", decisions=planned).hold()
    path = "minutes/waiver"
    problem = await refused(hc.do(path, hc.job.office, reason="无需印发"))
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_the_chair", "HC-53")
    meeting = await hc.do(path, "hc-head", reason="会议以部署为主，不印发纪要")
    assert (meeting["state"], meeting["meeting_state"]) == ("waived", "unminuted")
    record = await hc.latest()
    assert (record["state"], record["cause"], record["issue"]) == ("waived", "waiver", None)
    assert "会议以部署为主" in record["text"]
    adopted = [each for each in await hc.decisions() if each["resolution"]["outcome"] == "passed"]
    assert adopted
    entry = await hc.entry(adopted[0])
    assert entry["clause"] == "HC-54"
    assert adopted[0]["signed_at"] == record["signed_at"]


async def test_a_kind_that_needs_minutes_has_them_whatever_the_chair_says(council: Hold) -> None:
    lh = await council(**first()).hold()
    problem = await refused(lh.do("minutes/waiver", HEAD, reason="不形成纪要"))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "minutes_required", "LH-9")


# corrections --------------------------------------------------------------------------------------------------------
async def test_a_correction_changes_nothing_before_it_is_signed_and_then_the_ledger_follows(council: Hold) -> None:
    lh = await council().signed()
    water, fishing, harbour = await lh.decisions()
    entry, draft = await lh.entry(water), await lh.document(fishing)
    before = await lh.latest()
    correction = await lh.correct(
        {"decision_id": water["id"], "changes": {"task": "分两期完成除险加固", "lead": "lh-fish", "due": "2027-12-31"}},
        {"decision_id": fishing["id"], "revoked": True},
        {
            "decision_id": harbour["id"],
            "changes": {
                "outcome": "passed",
                "task": "启动扩建",
                "document": "to_issue",
                "document_kind": "notice",
                "in_name_of": "office",
            },
        },
        reason="原纪要漏记",
    )
    assert (correction["number"], correction["corrects"], correction["cause"]) == (2, 1, "correction")
    assert [each["effect"] for each in correction["amendments"]] == ["amended", "revoked", "adopted"]
    assert "分两期完成除险加固" in correction["text"] and "已撤销" in correction["text"]
    assert (await lh.decision(water))["revision"] == 1
    assert (await lh.api.get("oversight", f"/v1/entries/{entry['id']}")) == entry
    problem = await refused(lh.step("sign", HEAD))
    assert problem["code"] == "step_out_of_order", "the same chain as the first time"
    signed = await lh.sign()
    assert (signed["state"], signed["issue"]) == ("signed", before["issue"])
    assert content_of(await lh.version(1)) == content_of(before), "the old version is what it was"
    assert (await lh.api.get("meeting", f"{lh.path}/minutes/versions"))["in_force"] == 2

    amended = await lh.entry(water, lambda e: e["version"] > entry["version"])
    assert (amended["task"], amended["lead"]["code"]) == ("分两期完成除险加固", "lh-fish")
    assert (amended["due"], amended["due_basis"], amended["number"]) == ("2027-12-31", "decision", entry["number"])
    (why,) = amended["amendments"]
    assert (why["reason"], why["old_due"], why["due"]) == ("原纪要漏记", entry["due"], "2027-12-31")
    assert {change["field"] for change in why["changes"]} == {"task", "lead", "due"}
    ended = await lh.entry(fishing, lambda e: e["state"] == "revoked")
    assert (ended["closed_reason"], ended["overdue_at"]) == ("原纪要漏记", None)
    gone = await lh.document(fishing, lambda d: d["state"] == "withdrawn")
    assert (gone["id"], gone["due"], gone["withdrawn_reason"]) == (draft["id"], None, "原纪要漏记")
    assert (await lh.entry(harbour))["task"] == "启动扩建"
    assert (await lh.document(harbour))["due"] == draft["due"], "counted from the same close"
    known = await lh.landed("docflow", "/v1/decisions", lambda d: d["state"] == "adopted", topic_id=harbour["topic_id"])
    assert (known["resolution"]["document_kind"], known["resolution"]["in_name_of"]) == ("notice", "office")
    assert (known["revision"], known["minutes"]["number"]) == (2, signed["issue"])
    ended_too = await lh.landed(
        "docflow", "/v1/decisions", lambda d: d["state"] == "revoked", topic_id=fishing["topic_id"]
    )
    assert (ended_too["reason"], ended_too["document"]["id"]) == ("原纪要漏记", draft["id"])

    standing = await lh.standing(water, lambda d: d["ledger_due"] == "2027-12-31")
    assert (standing["standing"], standing["revision"]) == ("in_ledger", 2)
    assert standing["revisions"][0]["reason"] == "原纪要漏记"
    assert (await lh.standing(fishing, lambda d: d["standing"] == "revoked"))["revision"] == 2
    assert (await lh.standing(harbour, lambda d: d["standing"] == "in_ledger"))["resolution"]["outcome"] == "passed"
    assert harbour["resolution"]["outcome"] == "deferred"
    topic = await lh.api.get("meeting", f"/v1/topics/{harbour['topic_id']}")
    assert (topic["state"], topic["meeting_id"]) == ("concluded", lh.meeting["id"])
    assert [entry["turn"] for entry in topic["history"]] == ["deferred", "corrected"]


async def test_an_explicit_date_wins_and_without_it_the_rule_counts_again_from_the_first_signature(
    council: Hold,
) -> None:
    lh = await council(**first()).signed()
    (water,) = await lh.decisions()
    by_rule = await lh.entry(water)
    assert (by_rule["due_basis"], by_rule["due_rule"]) == ("rule", "task-general")
    for changes, basis, rule in (
        ({"due": "2027-11-30"}, "decision", None),
        ({"due": None}, "rule", "task-general"),
        ({"difficulty": Difficulty.complex}, "rule", "task-hard"),
        ({"difficulty": Difficulty.general}, "rule", "task-general"),
    ):
        seen = (await lh.entry(water))["version"]
        await lh.correct({"decision_id": water["id"], "changes": changes})
        await lh.sign()
        entry = await lh.entry(water, lambda e, seen=seen: e["version"] > seen)
        assert (entry["due_basis"], entry["due_rule"]) == (basis, rule)
        why = await lh.api.get("oversight", f"/v1/entries/{entry['id']}/due")
        assert (why["date"], why["basis"]) == (entry["due"], basis)
        if rule == "task-general":
            assert (entry["due"], entry["due_at"]) == (by_rule["due"], by_rule["due_at"])
            assert why["trace"]


async def test_what_is_overdue_no_longer_is_by_a_later_date_and_falls_overdue_by_that_one(council: Hold) -> None:
    lh = await council(**first(due=DAY + timedelta(days=5))).signed()
    (water,) = await lh.decisions()
    await lh.entry(water)
    await lh.api.set_clock(at(DAY + timedelta(days=7)))
    await lh.entry(water, lambda e: bool(e["overdue_at"]))
    await lh.standing(water, lambda d: d["standing"] == "overdue")
    await lh.correct({"decision_id": water["id"], "changes": {"due": str(DAY + timedelta(days=20))}})
    await lh.sign()
    assert (await lh.entry(water, lambda e: len(e["amendments"]) == 1))["overdue_at"] is None
    await lh.standing(water, lambda d: d["standing"] == "in_ledger")
    await lh.api.set_clock(at(DAY + timedelta(days=21)))
    await lh.entry(water, lambda e: bool(e["overdue_at"]))
    await lh.standing(water, lambda d: d["standing"] == "overdue")


async def test_what_is_revoked_is_never_overdue_and_its_due_date_is_not_set(council: Hold) -> None:
    zq = await council("zhanqian").signed()
    decision = next(each for each in await zq.decisions() if each["resolution"]["outcome"] == "passed")
    entry = await zq.entry(decision)
    assert entry["due_basis"] == "to_be_set"
    await zq.correct({"decision_id": decision["id"], "revoked": True})
    await zq.sign()
    entry = await zq.entry(decision, lambda e: e["state"] == "revoked")
    body, path = {"due": "2027-06-30"}, f"/v1/entries/{entry['id']}/due"
    problem = await refused(zq.api.command("oversight", path, body, "zq-office-clerk", entry["version"]))
    assert (problem["code"], problem["clause"]) == ("entry_ended", "ZQ-35")


async def test_events_published_again_change_nothing(council: Hold) -> None:
    lh = await council().signed()
    water, fishing, _ = await lh.decisions()
    await lh.correct(
        {"decision_id": water["id"], "changes": {"due": "2027-12-31"}}, {"decision_id": fishing["id"], "revoked": True}
    )
    await lh.sign()
    entry = await lh.entry(water, lambda e: e["due"] == "2027-12-31")
    ended = await lh.entry(fishing, lambda e: e["state"] == "revoked")
    gone = await lh.document(fishing, lambda d: d["state"] == "withdrawn")
    for decision in (water, fishing):
        body = {"since": "2020-01-01T00:00:00Z", "aggregate_type": "decision", "aggregate_id": decision["id"]}
        assert (await lh.api.command("meeting", "/v1/events/replay", body))["events"] == 2
    later = await council(**first()).signed()  # what comes after on the same topics has passed by what was sent again
    await later.entry((await later.decisions())[0])
    assert await lh.entry(water) == entry
    assert await lh.entry(fishing) == ended
    assert await lh.document(fishing) == gone


async def test_a_correction_may_be_returned_and_another_takes_its_place(council: Hold) -> None:
    lh = await council(**first()).signed()
    (water,) = await lh.decisions()
    await lh.correct({"decision_id": water["id"], "revoked": True})
    await lh.do("minutes/return", DIRECTOR, reason="不应撤销")
    assert (await lh.api.get("meeting", f"{lh.path}/minutes/versions"))["in_force"] == 1
    two = await lh.correct({"decision_id": water["id"], "changes": {"task": "完成除险加固一期"}})
    three = await lh.correct({"decision_id": water["id"], "changes": {"task": "完成除险加固二期"}})
    assert (two["number"], three["number"], three["corrects"]) == (3, 4, 1)
    await lh.sign()
    assert [v["state"] for v in (await lh.api.get("meeting", f"{lh.path}/minutes/versions"))["items"]] == [
        "signed", "superseded", "returned", "signed",
    ]  # fmt: skip
    assert (await lh.entry(water, lambda e: bool(e["amendments"])))["task"] == "完成除险加固二期"


UNLAWFUL = [
    ({"changes": {}}, 409, "nothing_changes"),
    ({"changes": {"lead": "nobody"}}, 422, "unknown_organisation"),
    ({"changes": {"co_units": ["lh-water"]}}, 409, "lead_twice"),
    ({"changes": {"due": "2027-03-09"}}, 422, "due_before_the_meeting"),
    ({"changes": {"task": None}}, 422, "invalid_payload"),
    ({}, 422, "invalid_payload"),
    ({"decision_id": "x", "revoked": True}, 404, "decision_not_found"),
]


async def test_a_correction_that_says_nothing_or_nothing_lawful_is_refused(council: Hold) -> None:
    lh = await council(**first()).signed()
    (water,) = await lh.decisions()
    for amendment, status, code in UNLAWFUL:
        problem = await refused(lh.correct({"decision_id": water["id"]} | amendment))
        assert (problem["status"], problem["code"]) == (status, code), amendment
    revoked = {"decision_id": water["id"], "revoked": True}
    assert (await refused(lh.correct(revoked, revoked)))["code"] == "invalid_payload"
    assert (await refused(lh.correct()))["code"] == "nothing_corrected"
    assert (await lh.latest())["number"] == 1


async def test_nothing_is_corrected_before_it_is_signed(council: Hold) -> None:
    lh = await council(**first()).hold()
    (water,) = await lh.decisions()
    assert (await refused(lh.correct({"decision_id": water["id"], "revoked": True})))["code"] == "illegal_state"


async def test_while_a_correction_waits_the_meeting_says_who_is_next(council: Hold) -> None:
    lh = await council(**first()).signed()
    (water,) = await lh.decisions()
    assert (await lh.api.get("meeting", lh.path))["next_step"] is None
    await lh.correct({"decision_id": water["id"], "changes": {"task": "完成除险加固一期"}})
    step = (await lh.api.get("meeting", lh.path))["next_step"]
    assert (step["step"], step["officials"]) == ("review", [DIRECTOR])
    query = {"state": "signed", "limit": "200"}
    listed = (await lh.api.get("meeting", "/v1/meetings", **query))["items"]
    assert [each["next_step"] for each in listed if each["id"] == lh.meeting["id"]] == [step]
    await lh.do("minutes/return", DIRECTOR, reason="不必更正")
    assert (await lh.api.get("meeting", lh.path))["next_step"] is None
    await lh.correct({"decision_id": water["id"], "changes": {"task": "完成除险加固二期"}})
    await lh.sign()
    assert (await lh.api.get("meeting", lh.path))["next_step"] is None


# what is recorded, before the signature -------------------------------------------------------------------------------
def recorded(decision: Json, **changes: Any) -> Json:
    """The whole decision as it is recorded, changed, with the reason."""
    said = decision["resolution"]
    names = ("outcome", "task", "due", "difficulty", "document", "may_be_published")
    units = {"lead": said["lead"]["code"], "co_units": [unit["code"] for unit in said["co_units"]]}
    return {name: said[name] for name in names} | units | {"reason": "记录有误"} | changes


async def test_a_decision_recorded_wrongly_is_replaced_and_text_ledger_and_drafts_say_the_same(council: Hold) -> None:
    lh = await council().hold()
    water, fishing, harbour = await lh.decisions()
    fishing = await lh.standing(fishing, lambda d: d["document"])

    async def replace(decision: Json, by: str = OFFICE, **changes: Any) -> Json:
        path, body = f"/v1/decisions/{decision['id']}", recorded(decision, **changes)
        answer = await lh.api.command("meeting", path, body, by, decision["version"], "PUT")
        lh.meeting["version"] = (await lh.api.get("meeting", lh.path))["version"]
        return answer

    old = (await lh.draft())["text"]
    await lh.step("review", DIRECTOR)
    assert (await refused(replace(water, by="lh-water-clerk", task="别的任务")))["code"] == "not_the_office"
    assert (await refused(replace(water)))["code"] == "nothing_changes"
    assert (await refused(replace(water, task="")))["code"] == "decision_incomplete"
    now = await replace(water, task="分两期完成除险加固", lead="lh-fish", reason="会议记录誊录有误")
    assert (now["resolution"]["task"], now["resolution"]["lead"]["code"]) == ("分两期完成除险加固", "lh-fish")
    assert (await refused(replace(water, task="又一任务")))["code"] == "stale_etag"
    await replace(fishing, outcome="not_passed", task="", lead=None, co_units=[], document="none")
    await replace(harbour, outcome="passed", task="启动扩建", document="to_issue")

    kept = (await lh.api.get("meeting", lh.path))["decided"]
    assert [(each["resolution"]["task"], each["reason"]) for each in kept if each["decision_id"] == water["id"]] == [
        ("完成除险加固", ""), ("分两期完成除险加固", "会议记录誊录有误"),
    ]  # fmt: skip
    assert ((await lh.latest())["state"], (await lh.latest())["next_step"]) == ("stale", None)
    problem = await refused(lh.step("review", SECRETARY))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "minutes_stale", "LH-9")
    problem = await refused(lh.draft(text=old, reason="沿用旧稿"))
    assert (problem["status"], problem["code"], problem["clause"]) == (409, "decision_not_in_the_text", "LH-9")
    assert "分两期完成除险加固" in problem["missing"] and problem["topic"] == "关于水库除险加固的请示"
    two = await lh.draft(reason="决定记录已更正")
    assert [step["step"] for step in two["steps"]] == ["draft"], "the review of the stale draft doesn't count"
    signed = await lh.sign()

    entry = await lh.entry(water)
    assert (entry["task"], entry["lead"]["code"]) == ("分两期完成除险加固", "lh-fish")
    assert entry["task"] in signed["text"] and f"由{entry['lead']['name']}牵头" in signed["text"]
    assert (await lh.entry(harbour))["task"] == "启动扩建"
    assert (await lh.document(fishing, lambda d: d["state"] == "withdrawn"))["withdrawn_reason"] == "记录有误"
    assert (await lh.document(harbour))["state"] == "drafting"
    topic = await lh.api.get("meeting", f"/v1/topics/{harbour['topic_id']}")
    assert (topic["state"], topic["meeting_id"]) == ("concluded", lh.meeting["id"])
    entries = (await lh.api.get("oversight", "/v1/entries", source_id=fishing["id"]))["items"]
    assert entries == [], "what wasn't passed opens no entry"
    water = await lh.standing(water, lambda d: d["standing"] == "in_ledger")
    assert (await refused(replace(water, task="签发后再改")))["code"] == "signed_already"


async def test_the_version_that_reading_the_minutes_gives_is_what_their_commands_take(council: Hold) -> None:
    lh = await council(**first()).hold()
    caller = {"Authorization": f"Bearer {lh.api.token(OFFICE)}"}
    url = f"{lh.api._addresses['meeting']}{lh.path}/minutes"

    async def send(path: str, body: Json, by: str, tag: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {lh.api.token(by)}", "Idempotency-Key": str(uuid4()), "If-Match": tag}
        return await lh.api._client.post(f"{url}{path}", json=body, headers=headers)

    drafted = await send("", {}, OFFICE, f'"{lh.meeting["version"]}"')
    assert drafted.status_code == 201, drafted.text
    read = await lh.api._client.get(url, headers=caller)
    assert read.headers["etag"] == drafted.headers["etag"] == f'"{read.json()["version"]}"'
    reviewed = await send("/steps", {"step": "review"}, DIRECTOR, read.headers["etag"])
    assert reviewed.status_code == 200, reviewed.text
    assert [step["step"] for step in reviewed.json()["steps"]] == ["draft", "review"]
    back = await send("/return", {"reason": "表述不准确"}, SECRETARY, reviewed.headers["etag"])
    assert (back.status_code, back.json()["state"]) == (200, "returned")
    again = await send("", {"reason": "按退回意见修改"}, OFFICE, back.headers["etag"])
    assert (again.status_code, again.json()["number"]) == (201, 2)


async def test_the_file_is_saved_under_the_meetings_title_and_number(council: Hold) -> None:
    lh = await council(**first()).hold()
    await lh.draft()
    assert saved_as(await lh.file()) == "县政府第5次周例会纪要（第1稿）.docx"
    issue = (await lh.sign())["issue"]
    assert saved_as(await lh.file()) == f"县政府第5次周例会纪要{issue}.docx"


def saved_as(answer: httpx.Response) -> str:
    """The name in `filename*` (RFC 6266)."""
    return unquote(answer.headers["content-disposition"].partition("filename*=UTF-8''")[2])


@pytest.mark.parametrize(
    ("title", "code"),
    [("甲\n二、关于任命乙的请示", "several_lines"), ("甲\u202e乙", "character_not_allowed"),
     ("甲\u2028乙", "character_not_allowed"), ("甲\u2067乙", "character_not_allowed"), ("甲\t乙", "several_lines")],
)  # fmt: skip
async def test_a_title_of_several_lines_or_turned_about_begins_no_item_of_the_minutes(
    council: Hold, title: str, code: str
) -> None:
    lh = council()
    body = {"kind": "weekly", "title": title, "day": str(date.today())}
    problem = await refused(lh.api.command("meeting", "/v1/meetings", body, OFFICE))
    assert (problem["status"], problem["code"]) == (422, code)


# publication and execution ------------------------------------------------------------------------------------------
async def test_publication_is_outstanding_until_published_or_withheld_with_the_reason(council: Hold) -> None:
    zq = await council("zhanqian").signed()
    decision = next(each for each in await zq.decisions() if each["resolution"]["outcome"] == "passed")
    decision = await zq.standing(
        decision, lambda d: d["standing"] == "in_ledger"
    )  # the ledger's answer is a version too
    assert (decision["publication"], decision["publication_clause"]) == ("outstanding", "ZQ-22")
    path = f"/v1/decisions/{decision['id']}/publication"

    async def publish(by: str, **body: Any) -> Json:
        version = (await zq.decision(decision))["version"]
        return await zq.api.command("meeting", path, body, by, version)

    async def outstanding() -> bool:
        query = {"publication": "outstanding", "meeting_id": zq.meeting["id"]}
        found = await zq.api.get("meeting", "/v1/decisions", **query)
        return decision["id"] in [each["id"] for each in found["items"]]

    await zq.api.set_clock(at(DAY, 15))
    now: datetime = at(DAY, 14)
    assert await outstanding()
    web = {"published_at": now.isoformat(), "channel": "区政府门户网站", "url": "https://example.gov.cn/a"}
    problem = await refused(publish("zq-dep3", **web))
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_concerned", "ZQ-22")
    assert (await refused(publish("zq-office-clerk", withheld=True)))["code"] == "publication_incomplete"
    withheld = await publish("zq-office-clerk", withheld=True, reason="涉及商业秘密")
    assert (withheld["publication"], withheld["publication_record"]["reason"]) == ("withheld", "涉及商业秘密")
    assert not await outstanding()
    published = await publish("zq-office-clerk", **web)
    assert (published["publication"], published["publication_record"]["channel"]) == ("published", "区政府门户网站")
    assert (await refused(publish("zq-office-clerk", **web)))["code"] == "published_already"
    right = web | {"url": "https://example.gov.cn/b"}
    righted = await publish("zq-office-clerk", **right, correction="网址登记有误")
    assert righted["publication_record"]["url"] == right["url"]
    assert [each["state"] for each in righted["earlier_publications"]] == ["withheld", "published"]

    await zq.correct({"decision_id": decision["id"], "changes": {"task": "更正后的任务"}})
    await zq.api.set_clock(at(DAY, 16))
    await zq.sign()
    assert await outstanding(), "the text that holds isn't public yet"
    await zq.standing(decision, lambda d: d["standing"] == "in_ledger")
    assert (await refused(publish("zq-office-clerk", **web)))["code"] == "published_before_signature"
    await zq.api.set_clock(at(DAY, 17))
    anew = await publish("zq-office-clerk", **web | {"published_at": at(DAY, 16, 30).isoformat()})
    assert (anew["publication"], len(anew["earlier_publications"])) == ("published", 3)


async def test_a_kind_whose_rules_say_nothing_of_publication_asks_for_none(council: Hold) -> None:
    lh = await council(**first()).signed()
    (water,) = await lh.decisions()
    water = await lh.standing(water, lambda d: d["standing"] == "in_ledger")  # the ledger's answer is a version too
    assert water["publication"] == "not_asked"
    body = {"withheld": True, "reason": "不宜公开"}
    problem = await refused(
        lh.api.command("meeting", f"/v1/decisions/{water['id']}/publication", body, OFFICE, water["version"])
    )
    assert problem["code"] == "publication_not_asked"


async def test_feedback_evaluation_and_adjustment_stand_on_the_decision(council: Hold) -> None:
    lh = await council(**first()).signed()
    (water,) = await lh.decisions()
    await lh.entry(water)
    water = await lh.standing(water, lambda d: d["standing"] == "in_ledger")
    assert water["executions"] == []
    path = f"/v1/decisions/{water['id']}/executions"
    for kind in ("feedback", "evaluation", "adjustment"):
        body = {"kind": kind, "text": "工期偏紧，拟调整", "source": "项目法人"}
        water = await lh.api.command("meeting", path, body, "lh-water-clerk", water["version"])
    assert [each["kind"] for each in water["executions"]] == ["feedback", "evaluation", "adjustment"]
    assert {each["by"] for each in water["executions"]} == {"lh-water-clerk"}
    problem = await refused(lh.api.command("meeting", path, body, "lh-fish-clerk", water["version"]))
    assert (problem["status"], problem["code"]) == (403, "not_concerned")


async def test_a_signed_document_stays_as_it_was_whatever_becomes_of_its_layout(
    council: Hold, stack: EmbeddedStack
) -> None:
    """A changed mark in the row simulates a changed layout in the code: only a new rendering shows it."""
    lh = await council(**first()).hold()
    await lh.draft()
    draft = (await lh.file()).content
    await lh.sign()
    signed = await lh.file()
    assert signed.content != draft
    await lh.correct(text=f"{(await lh.latest())['text']}\n更正后的正文。")
    correction = (await lh.file(2)).content
    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    try:
        await connection.execute("UPDATE minutes SET mark = '别的纪要' WHERE meeting_id = $1", lh.meeting["id"])
    finally:
        await connection.close()
    again = await lh.file(1)
    assert (again.content, again.headers["etag"]) == (signed.content, signed.headers["etag"])
    assert (await lh.file(2)).content != correction, "what isn't signed is laid out anew"
    app = await asyncpg.connect(stack.database_url("meeting", "app"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("UPDATE minutes_document SET content = ''")
    finally:
        await app.close()

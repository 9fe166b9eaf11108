"""Stored due dates over the API: the same routes for entries, documents and plans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from demo.main_job import MainJob
from tests import sixth
from tests.conftest import composition_of, scenario_of
from tests.e2e.test_main_job import drafts_of, run
from tests.meeting.offices import refused
from zhengling.local.client import Api

Json = dict[str, Any]
CLERK = "xg-office-clerk"


async def until(read: Callable[[], Any], wanted: object) -> None:
    async with asyncio.timeout(30):
        while await read() != wanted:
            await asyncio.sleep(0.05)


def governing(found: Json) -> list[Json]:
    """The due dates without the one for accepting a matter."""
    return [row for row in found["items"] if row["met_by"] != "acceptance"]


async def adjust(people: Api, service: str, place: str, found: Json, act: str, by: str, **body: Any) -> Json:
    """Extend, suspend or resume the earliest of the due dates that govern the noun."""
    path = f"{place}/deadlines/{governing(found)[0]['id']}/{act}"
    return await people.command(service, path, body, by, found["version"])


async def test_an_entrys_stated_date_is_extended_suspended_and_resumed_and_everybody_hears_of_it(
    api: Callable[[str], Api],
) -> None:
    people = api("xigang")
    report = await run(people, composition_of("xigang"), scenario_of("xigang"))
    entry = next(landed.entry for landed in report.landed if landed.entry["due_basis"] == "to_be_set")
    place = f"/v1/entries/{entry['id']}"
    assert governing(await people.get("oversight", f"{place}/deadlines")) == []
    await people.command("oversight", f"{place}/due", {"due": "2026-05-15"}, CLERK, entry["version"])
    found = await people.get("oversight", f"{place}/deadlines")
    (kept,) = governing(found)
    assert (kept["basis"], kept["rule"], kept["date"], kept["state"]) == ("office", "office", "2026-05-15", "running")
    assert kept["explanation"].startswith("The office stated Fri 2026-05-15")

    ask = {"to": "2026-06-30", "reason": "案情复杂"}
    assert await refused(adjust(people, "oversight", place, found, "extension", "xg-fgj-principal", **ask)) == (
        403,
        "not_the_actor",
        "XG-52",
    )
    assert await refused(adjust(people, "oversight", place, found, "extension", CLERK, **ask)) == (
        409,
        "approval_needed",
        "XG-52",
    )
    ask["approval"] = {"official": "xg-head", "paper": "区长批示〔2026〕3号"}
    by_the_office = ask | {"approval": {"official": CLERK, "paper": "办公室意见"}}
    attempt = adjust(people, "oversight", place, found, "extension", CLERK, **by_the_office)
    assert (await refused(attempt))[1] == "approval_needed"
    longer = await adjust(people, "oversight", place, found, "extension", CLERK, **ask)
    assert (governing(longer)[0]["date"], governing(longer)[0]["changes"][0]["kind"]) == ("2026-06-30", "extended")
    shown = await people.get("oversight", place)
    assert (shown["due"], shown["due_basis"], shown["version"]) == ("2026-06-30", "office", longer["version"])
    explained = await people.get("oversight", f"{place}/due")
    assert (explained["date"], explained["changes"][0]["from_date"]) == ("2026-06-30", "2026-05-15")
    head = composition_of("xigang").official_names["xg-head"]
    assert f"approved by {head} (区长批示〔2026〕3号)" in explained["explanation"]

    async def ledger_due() -> object:
        return (await people.get("meeting", f"/v1/decisions/{entry['source_id']}"))["ledger_due"]

    await until(ledger_due, "2026-06-30")
    assert await refused(adjust(people, "oversight", place, found, "suspension", CLERK, reason="补正")) == (
        412,
        "stale_etag",
        None,
    )

    suspended = await adjust(people, "oversight", place, longer, "suspension", CLERK, reason="等待补正材料")
    assert governing(suspended)[0]["state"] == "suspended"
    again = adjust(
        people,
        "oversight",
        place,
        suspended,
        "extension",
        CLERK,
        to="2026-12-18",
        reason="再延期",
        approval=ask["approval"],
    )
    assert (await refused(again))[:2] == (409, "deadline_not_running")
    await people.set_clock(datetime(2026, 7, 2, 2, tzinfo=UTC))  # past the date that it had
    await asyncio.sleep(1.5)
    assert (await people.get("oversight", place))["overdue_at"] is None
    resumed = await adjust(people, "oversight", place, suspended, "resumption", CLERK, reason="材料已补正")
    assert governing(resumed)[0]["state"] == "running"
    assert governing(resumed)[0]["date"] > "2026-07-02"

    async def overdue() -> object:
        return (await people.get("oversight", place))["overdue_at"] is not None

    await people.set_clock(datetime(2027, 1, 4, 2, tzinfo=UTC))
    await until(overdue, True)
    late = await people.get("oversight", f"{place}/deadlines")
    assert governing(late)[0]["passed_at"]
    asked = {
        "to": "2027-03-31",
        "reason": "届满前已报请",
        "asked_at": "2026-07-02T10:00:00+08:00",
        "approval": ask["approval"],
    }
    in_time = await adjust(people, "oversight", place, late, "extension", CLERK, **asked)
    assert (governing(in_time)[0]["date"], governing(in_time)[0]["passed_at"]) == ("2027-03-31", None)
    assert (await people.get("oversight", place))["overdue_at"] is None


async def test_the_earlier_of_a_documents_dates_moves_and_the_document_has_a_new_version(
    api: Callable[[str], Api],
) -> None:
    people = api("zhanqian")
    report = await run(people, composition_of("zhanqian"), scenario_of("zhanqian"))
    (draft,) = await drafts_of(people, report.landed)
    place = f"/v1/documents/{draft['id']}"
    found = await people.get("docflow", f"{place}/deadlines")
    assert [(due["rule"], due["met_by"]) for due in found["items"]] == [
        ("document-filing", "document-filing"),
        ("document-issue", "document-issue"),
    ]
    office = "zq-office-clerk"
    body = {"amount": 1, "unit": "working_day", "reason": "附件待补"}
    assert (await refused(adjust(people, "docflow", place, found, "extension", "zq-fgj-principal", **body)))[:2] == (
        403,
        "not_the_office",
    )
    moved = await adjust(people, "docflow", place, found, "extension", office, **body)
    assert moved["items"][0]["date"] > draft["deadlines"][0]["date"]
    now = await people.get("docflow", place)
    assert (now["due"], now["version"] > draft["version"]) == (draft["due"], True)
    assert [due["date"] for due in now["deadlines"]] == [due["date"] for due in moved["items"]]


async def test_where_no_approval_is_asked_for_who_approved_may_be_stated_and_another_right_is_needed_to_suspend(
    api: Callable[[str], Api],
) -> None:
    people = api(sixth.CODE)
    report = await MainJob(people, sixth.COMPOSITION, sixth.SCENARIO).run()
    place = f"/v1/entries/{report.landed[0].entry['id']}"
    found = await people.get("oversight", f"{place}/deadlines")
    ask = {"to": "2026-12-18", "reason": "案情复杂", "approval": {"official": "nobody", "paper": "口头"}}
    unknown = adjust(people, "oversight", place, found, "extension", "lh-clerk", **ask)
    assert (await refused(unknown))[:2] == (422, "unknown_official")
    ask["approval"] = {"official": "lh-head", "paper": "批示3号"}
    longer = await adjust(people, "oversight", place, found, "extension", "lh-clerk", **ask)
    assert "approved by 甲一 (批示3号)" in governing(longer)[0]["explanation"]
    attempt = adjust(people, "oversight", place, longer, "suspension", "lh-clerk", reason="等待补正材料")
    assert (await refused(attempt))[:2] == (403, "not_the_actor")
    suspended = await adjust(people, "oversight", place, longer, "suspension", "lh-director", reason="等待补正材料")
    assert governing(suspended)[0]["state"] == "suspended"


async def test_an_extension_gives_one_measure_within_the_calendar(api: Callable[[str], Api]) -> None:
    people = api(sixth.CODE)
    report = await MainJob(people, sixth.COMPOSITION, sixth.SCENARIO).run()
    place = f"/v1/entries/{report.landed[0].entry['id']}"
    found = await people.get("oversight", f"{place}/deadlines")
    cases: list[tuple[Json, str]] = [
        ({"reason": "无期限"}, "invalid_payload"),
        ({"to": "2026-06-30", "amount": 3, "unit": "day", "reason": "两种"}, "invalid_payload"),
        ({"to": "2199-12-31", "reason": "笔误"}, "date_out_of_range"),
        ({"to": found["items"][0]["date"], "reason": "未延长"}, "extension_not_later"),
        ({"amount": 3, "unit": "hour", "reason": "按小时"}, "extension_unit"),
    ]
    for body, code in cases:
        assert (await refused(adjust(people, "oversight", place, found, "extension", "lh-clerk", **body)))[1] == code

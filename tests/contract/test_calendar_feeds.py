"""Calendar feeds over HTTP: contents, conditional requests, and links with a secret instead of a token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from icalendar import Calendar

from demo.main_job import MainJob
from tests import sixth
from tests.caller import HEAD, OFFICE, Caller, Json, code_of
from tests.conftest import composition_of, scenario_of
from zhengling.events.event import SERVICES
from zhengling.local.client import Api
from zhengling.local.stack import EmbeddedStack

FEED = "/v1/calendar.ics"
ZH = {"Accept-Language": "zh-CN"}


@pytest.fixture(scope="module")
async def job(caller: Caller) -> AsyncIterator[MainJob]:
    """The main job of the sixth government, with business time left where it ended; and its document in docflow."""
    people = Api(caller.addresses, caller.stack.issuer, sixth.CODE, caller.client)
    made = MainJob(people, sixth.COMPOSITION, sixth.SCENARIO)
    await made.run()
    to_issue = next(x for x in made.report.landed if x.decision["resolution"]["document"] == "to_issue")
    while not (await people.get("docflow", "/v1/documents", decision_id=to_issue.decision["id"]))["items"]:
        await asyncio.sleep(0.05)
    yield made
    await people.set_clock(None)


@pytest.fixture
def person(stack: EmbeddedStack, client: httpx.AsyncClient) -> Caller:
    """A new client without links, for the sixth government."""
    made = Caller(stack, client)
    subject = f"system-{uuid4().hex[:8]}"
    made.token = lambda official=None, scopes=None: stack.issuer.token(  # type: ignore[method-assign]
        official or subject, sixth.CODE, official=official, scopes=scopes or [f"{name}:read" for name in SERVICES]
    )
    return made


def events(answer: httpx.Response) -> dict[str, Any]:
    """The events of a feed by uid."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    calendar: Any = Calendar.from_ical(answer.content)
    found = {str(event["UID"]): event for event in calendar.walk("VEVENT")}
    assert len(found) == len(calendar.walk("VEVENT"))
    assert not calendar.errors and not [event for event in found.values() if event.errors]
    return found


def days_of(event: Any) -> list[date]:
    first, after = event.decoded("DTSTART"), event.decoded("DTEND")
    return [first + timedelta(days=n) for n in range((after - first).days)]


async def link_of(person: Caller, service: str = "calendar", **rest: Any) -> Json:
    answer = await person.post(service, "/v1/feeds", json={}, **rest)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def rows(stack: EmbeddedStack, service: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.database_admin_url, database=service)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


# contents -----------------------------------------------------------------------------------------------------------
async def test_the_calendars_feed_holds_every_special_day_of_the_years_since_the_last_one(
    caller: Caller, job: MainJob
) -> None:
    found = events(await caller.get("calendar", FEED, headers=ZH))
    by_date: dict[date, Any] = {}
    for event in found.values():
        for day in days_of(event):
            assert day not in by_date
            by_date[day] = event
    listed: dict[str, Json] = {}
    year = sixth.SCENARIO.day.year - 1
    while (answer := await caller.get("calendar", f"/v1/years/{year}")).status_code == 200:
        content = answer.json()["year"]
        listed |= content["days"]
        for day, event in by_date.items():
            if day.year == year:
                assert event["STATUS"] == ("TENTATIVE" if content["provisional"] else "CONFIRMED")
                assert ("（暂定）" in event["SUMMARY"]) == content["provisional"]
        year += 1
    assert {str(day) for day in by_date} == set(listed)
    for day, event in by_date.items():
        other = listed[str(day)]["swapped_with"]
        if other:
            month, number = int(other[5:7]), int(other[8:])
            assert f"{month}月{number}日" in event["SUMMARY"]
            assert f"{month}月{number}日" in event["DESCRIPTION"]
    by_day = {str(day): event for day, event in by_date.items()}
    assert by_day["2025-10-07"]["SUMMARY"] == "调休放假（9月28日周日、10月11日周六上班）"
    assert days_of(by_day["2025-10-07"]) == [date(2025, 10, 7), date(2025, 10, 8)]
    assert by_day["2025-10-11"]["SUMMARY"] == "调休上班（补10月8日周三）"
    assert by_day["2025-10-11"].categories == ["调休上班"]
    assert by_day["2025-10-02"]["SUMMARY"] == "国庆节"


async def test_the_calendars_feed_is_told_in_english_too(caller: Caller) -> None:
    found = {str(days_of(event)[0]): event for event in events(await caller.get("calendar", FEED)).values()}
    assert found["2025-10-07"]["SUMMARY"] == "Day off by swap, worked on Sun 2025-09-28 and Sat 2025-10-11"
    assert found["2025-10-11"]["SUMMARY"] == "Make-up working day, for Wed 2025-10-08"
    assert found["2025-10-01"]["SUMMARY"] == "Statutory holiday (国庆节)"


async def test_the_meetings_feed_shows_a_meeting_on_its_day_and_once_it_was_held_from_opening_to_close(
    caller: Caller, job: MainJob
) -> None:
    meeting = await job.api.get("meeting", f"/v1/meetings/{job.report.landed[0].decision['meeting_id']}")
    called = await job.call_meeting(sixth.SCENARIO.day + timedelta(days=7))
    found = events(await caller.get("meeting", FEED, headers=ZH))
    event = found[f"meeting-{meeting['id']}@meeting.linhai.zhengling"]
    assert event["SUMMARY"] == sixth.SCENARIO.title
    assert event["STATUS"] == "CONFIRMED"
    assert [event.decoded(name).isoformat() for name in ("DTSTART", "DTEND")] == [
        "2026-02-12T01:00:00+00:00",
        "2026-02-12T03:30:00+00:00",
    ]
    assert event["DESCRIPTION"].splitlines() == [
        "会议类别：县政府周例会（LH-5）",
        "状态：已召开，纪要已签发",
        "主持：甲一",
        "议程：",
        "1. 关于水库除险加固的请示",
        "2. 关于休渔管理办法的请示",
        "3. 关于渔港扩建的请示",
    ]
    assert event["SEQUENCE"] == meeting["version"] - 1
    planned = found[f"meeting-{called['id']}@meeting.linhai.zhengling"]
    assert planned["STATUS"] == "TENTATIVE"
    assert days_of(planned) == [sixth.SCENARIO.day + timedelta(days=7)]


async def test_oversights_feed_shows_each_open_matter_on_its_due_date(caller: Caller, job: MainJob) -> None:
    found = events(await caller.get("oversight", FEED, headers=ZH))
    for landed in job.report.landed:
        entry, event = landed.entry, found[f"entry-{landed.entry['id']}@oversight.linhai.zhengling"]
        assert [str(day) for day in days_of(event)] == [entry["due"]]
        assert event["SUMMARY"] == f"{entry['number']} {entry['title']}（{entry['lead']['name']}）"
        assert f"任务：{entry['task']}" in event["DESCRIPTION"]
        assert event["URL"] == f"{caller.addresses['oversight']}/v1/entries/{entry['id']}"


async def test_docflows_feed_shows_each_running_deadline_of_a_document(caller: Caller, job: MainJob) -> None:
    document = (await caller.get("docflow", "/v1/documents")).json()["items"][-1]
    detail = (await caller.get("docflow", f"/v1/documents/{document['id']}")).json()
    found = events(await caller.get("docflow", FEED, headers=ZH))
    assert detail["deadlines"]
    for deadline in detail["deadlines"]:
        event = found[f"document-{document['id']}-{deadline['rule']}@docflow.linhai.zhengling"]
        assert [str(day) for day in days_of(event)] == [deadline["date"]]
        assert event["SUMMARY"] == f"公文到期：{document['title']}"
        assert deadline["clause"] in event["DESCRIPTION"]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_calendar_is_named_after_its_government(service: str, caller: Caller, job: MainJob) -> None:
    calendar = Calendar.from_ical((await caller.get(service, FEED, headers=ZH)).content)
    assert str(calendar["X-WR-CALNAME"]).startswith("临海县人民政府 ")


# conditional requests -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by_link", [False, True])
async def test_an_unchanged_feed_is_answered_with_304(by_link: bool, person: Caller, job: MainJob) -> None:
    url = (await link_of(person, "meeting"))["url"] if by_link else f"{person.addresses['meeting']}{FEED}"
    token = {} if by_link else {"Authorization": f"Bearer {person.token()}"}

    async def get(tag: str | None = None) -> httpx.Response:
        return await person.client.get(url, headers=token | ({"If-None-Match": tag} if tag else {}))

    first = await get()
    tag = first.headers["etag"]
    assert tag.startswith('"')
    assert first.headers["cache-control"].startswith("private")
    assert (await get()).content == first.content
    for same in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await get(same)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await get('"other"')).content == first.content
    await job.call_meeting(sixth.SCENARIO.day + timedelta(days=14))
    changed = await get(tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


# links --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("service", SERVICES)
async def test_a_link_shows_without_a_token_what_a_reader_sees(service: str, person: Caller, job: MainJob) -> None:
    link = await link_of(person, service, headers=ZH)
    assert link["language"] == "zh"
    by_link = await person.client.get(link["url"])
    by_token = await person.get(service, FEED, headers=ZH)
    assert events(by_link)
    assert by_link.content == by_token.content
    assert by_link.headers["etag"] == by_token.headers["etag"]


async def test_a_link_speaks_the_language_it_was_made_in_whatever_the_program_asks_for(person: Caller) -> None:
    answer = await person.post("calendar", "/v1/feeds", json={"language": "en"}, headers=ZH)
    found = events(await person.client.get(answer.json()["url"], headers=ZH))
    assert {event["SUMMARY"].split(" (")[0] for event in found.values()} >= {"Statutory holiday"}


async def test_a_wrong_a_revoked_and_a_malformed_secret_get_the_same_answer(person: Caller) -> None:
    link = await link_of(person)
    assert (await person.client.get(link["url"])).status_code == 200
    revoked = await person.post("calendar", f"/v1/feeds/{link['id']}/revoke")
    assert revoked.status_code == 200
    assert revoked.json()["revoked_at"]
    base = f"{person.addresses['calendar']}/v1/feeds"
    wrong = [link["url"], f"{base}/{'x' * 43}.ics", f"{base}/x.ics", f"{base}/%00.ics", f"{base}/{'长' * 300}.ics"]
    problems = []
    for url in wrong:
        answer = await person.client.get(url)
        assert code_of(answer) == (404, "feed_not_found")
        problems.append({name: value for name, value in answer.json().items() if name != "request_id"})
        assert "etag" not in answer.headers and answer.headers["cache-control"] == "no-store"
    assert problems == [problems[0]] * len(wrong)
    assert problems[0]["instance"] == "/v1/feeds/{secret}.ics"


async def test_a_revoked_link_is_revoked_for_good_and_the_others_go_on(person: Caller) -> None:
    first, second = await link_of(person), await link_of(person)
    path = f"/v1/feeds/{first['id']}/revoke"
    assert (await person.post("calendar", path)).status_code == 200
    assert code_of(await person.post("calendar", path)) == (409, "feed_is_revoked")
    assert (await person.client.get(first["url"])).status_code == 404
    assert (await person.client.get(second["url"])).status_code == 200


async def test_a_link_is_revoked_by_its_maker_or_an_administrator_alone(person: Caller, caller: Caller) -> None:
    link = await link_of(person)
    path = f"/v1/feeds/{link['id']}/revoke"
    stranger = await caller.post("calendar", path, scopes=["calendar:read", "calendar:write"])
    assert code_of(stranger) == (404, "feed_not_found")
    assert (await caller.post("calendar", path, scopes=["calendar:read", "calendar:admin"])).status_code == 200
    assert (await person.client.get(link["url"])).status_code == 404


async def test_a_link_belongs_to_the_official_whichever_program_asks(person: Caller, job: MainJob) -> None:
    link = await link_of(person, "meeting", by=OFFICE)
    other = person.stack.issuer.token(
        "portal", sixth.CODE, official=OFFICE, scopes=["meeting:read", "act"], azp="portal"
    )
    for token, there in ((other, True), (person.token(HEAD), False), (person.token(), False)):
        answer = await person.client.get(
            f"{person.addresses['meeting']}/v1/feeds", headers={"Authorization": f"Bearer {token}"}
        )
        assert (link["id"] in [item["id"] for item in answer.json()["items"]]) is there
    await person.post("meeting", f"/v1/feeds/{link['id']}/revoke", by=OFFICE)


async def test_ones_own_links_are_listed_without_their_secrets(person: Caller) -> None:
    made = [await link_of(person) for _ in range(3)]
    await person.post("calendar", f"/v1/feeds/{made[0]['id']}/revoke")
    answer = await person.get("calendar", "/v1/feeds")
    items = answer.json()["items"]
    assert [item["id"] for item in items] == [made[2]["id"], made[1]["id"], made[0]["id"]]
    assert [item["revoked_at"] is None for item in items] == [True, True, False]
    assert set(items[0]) == {"id", "language", "created_at", "revoked_at"}
    assert not [link for link in made if secret_of(link) in answer.text]


async def test_a_person_has_a_limited_number_of_links(person: Caller) -> None:
    made = [await link_of(person) for _ in range(20)]
    assert code_of(await person.post("calendar", "/v1/feeds", json={})) == (409, "too_many_feeds")
    await person.post("calendar", f"/v1/feeds/{made[0]['id']}/revoke")
    await link_of(person)


async def test_requests_at_once_dont_exceed_a_persons_number_of_links(person: Caller, stack: EmbeddedStack) -> None:
    """All of them have looked how many there are before any of them adds one, unless they look one after another."""
    for _ in range(19):
        await link_of(person)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'calendar' AND wait_event_type = 'Lock'"
    holder, watcher = [await asyncpg.connect(stack.database_admin_url, database="calendar") for _ in range(2)]
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE feed IN SHARE MODE")  # reading goes on, adding waits
            asked = [asyncio.create_task(person.post("calendar", "/v1/feeds", json={})) for _ in range(3)]
            async with asyncio.timeout(20):
                while await watcher.fetchval(waiting) < len(asked):
                    await asyncio.sleep(0.05)
        answers = await asyncio.gather(*asked)
    finally:
        await holder.close()
        await watcher.close()
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_a_link_ends_with_its_makers_post(person: Caller, caller: Caller, job: MainJob) -> None:
    official = "lh-fish-clerk"
    link = await link_of(person, "meeting", by=official)
    system = await link_of(person, "meeting")
    people = sixth.COMPOSITION.model_dump(mode="json")
    gone = people | {"posts": [post for post in people["posts"] if post["official"] != official]}
    for composition, status in ((gone, 404), (people, 200)):
        tag = (await caller.get("meeting", "/v1/composition")).headers["etag"]
        loaded = await caller.ask("PUT", "meeting", "/v1/composition", version=tag, json=composition)
        assert loaded.status_code == 200, loaded.text
        assert (await person.client.get(link["url"])).status_code == status
        assert (await person.client.get(system["url"])).status_code == 200
        if status == 404:
            refused = await person.post("meeting", "/v1/feeds", json={}, by=official)
            assert code_of(refused) == (403, "holds_no_post")


async def test_another_governments_link_shows_nothing_of_ours(
    person: Caller, job: MainJob, stack: EmbeddedStack, client: httpx.AsyncClient
) -> None:
    api = Api(stack.addresses(), stack.issuer, "shuangtaizi", client)
    theirs = MainJob(api, composition_of("shuangtaizi"), scenario_of("shuangtaizi"))
    await theirs.run()
    for service in SERVICES:
        ours = events(await person.get(service, FEED))
        answer = await client.get((await api.command(service, "/v1/feeds", {}))["url"])
        shown = events(answer)
        assert shown
        assert not set(ours) & set(shown)
        assert not [uid for uid in shown if "linhai" in uid]
        if service != "calendar":
            assert not {str(event["SUMMARY"]) for event in ours.values()} & {str(e["SUMMARY"]) for e in shown.values()}


# secrets ------------------------------------------------------------------------------------------------------------
def secret_of(link: Json) -> str:
    return str(link["url"]).rsplit("/", 1)[1].removesuffix(".ics")


async def test_a_secret_is_long_and_never_the_same(person: Caller) -> None:
    found = {secret_of(await link_of(person)) for _ in range(5)}
    assert len(found) == 5
    assert {len(secret) for secret in found} == {43}  # 256 bits


async def test_a_repeated_command_gives_the_same_link_without_its_secret(person: Caller, stack: EmbeddedStack) -> None:
    key = str(uuid4())
    first = await person.post("calendar", "/v1/feeds", key=key, json={})
    again = await person.post("calendar", "/v1/feeds", key=key, json={})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert first.headers["cache-control"] == "no-store"
    assert again.json() == first.json() | {"url": None}
    assert len((await person.get("calendar", "/v1/feeds")).json()["items"]) == 1
    assert (await person.client.get(first.json()["url"])).status_code == 200


async def test_a_secret_stands_in_no_table_no_log_and_no_metric(
    person: Caller, stack: EmbeddedStack, job: MainJob
) -> None:
    found = [(service, await link_of(person, service)) for service in SERVICES]
    for service, link in found:
        secret = secret_of(link)
        assert (await person.client.get(link["url"])).status_code == 200
        assert (await person.client.post(link["url"])).status_code == 405
        assert (await person.client.get(f"{link['url']}/")).status_code == 404
        await person.post(service, f"/v1/feeds/{link['id']}/revoke")
        assert (await person.client.get(link["url"])).status_code == 404
        tables = await rows(stack, service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert "feed" in [row[0] for row in tables]
        for (table,) in tables:
            for form in (secret, secret.encode().hex()):  # as text, and inside a bytea
                statement = f'SELECT count(*) FROM "{table}" t WHERE strpos(t::text, $1) > 0'
                assert (await rows(stack, service, statement, form))[0][0] == 0, (service, table)
        statement = "SELECT count(*) FROM idempotency_key WHERE strpos(convert_from(body, 'UTF8'), $1) > 0"
        kept = await rows(stack, service, statement, link["id"])
        assert kept[0][0] == 2  # made and revoked, so there was something to look through
        audited = await rows(
            stack,
            service,
            "SELECT action, details::text FROM audit WHERE subject = $1 ORDER BY pos",
            f"feed:{link['id']}",
        )
        assert [row["action"] for row in audited] == ["make_feed", "revoke_feed"]
        metrics = (await person.client.get(person.metrics_url(service))).text
        assert "get_feed_by_link" in metrics
        assert secret not in metrics
        for log in (stack.folder / "logs").glob("*"):
            assert secret not in log.read_text(errors="replace"), log.name

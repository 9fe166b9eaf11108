"""iCalendar streams conform to RFC 5545 and 7986 and can be parsed back; no log contains a link's secret."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import httpx
import orjson
import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from zhengling.documents.icalendar import FeedEvent, Status, render
from zhengling.kernel.errors import Problem, Text
from zhengling.service.rates import Limits, Rates
from zhengling.service.settings import ServiceSettings
from zhengling.web import feeds, problems

CHANGED = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))
LONG = "关于全面推进城市更新行动加快建设宜居韧性智慧城市若干措施的通知" * 20
DAYS = FeedEvent(
    uid="closure-1",
    summary=Text("Closed; for flood, storm", "停工，因汛情；台风"),
    start=date(2026, 7, 30),
    end=date(2026, 8, 1),
    modified=CHANGED,
    sequence=4,
    description=Text("one\ntwo\\n", "第一行\n第二行"),
    status=Status.tentative,
    categories=(Text("Local, closure", "本地放假"), Text("x", "其他")),
    path="/v1/years/2026",
)
SESSION = FeedEvent(
    uid="meeting-1",
    summary=Text("Meeting", "会议"),
    start=datetime(2026, 2, 12, 9, tzinfo=SHANGHAI),
    end=datetime(2026, 2, 12, 11, 30, tzinfo=SHANGHAI),
    modified=CHANGED,
)


def stream(*events: FeedEvent, language: Any = "zh", name: str = "某县 工作日历") -> bytes:
    return render(name, "calendar.linhai.zhengling", events, language, "https://cal.example")


def read(*events: FeedEvent, language: Any = "zh") -> list[Any]:
    """The events as the parser finds them."""
    return list(Calendar.from_ical(stream(*events, language=language)).walk("VEVENT"))


def test_a_feed_has_its_name_and_refresh_interval() -> None:
    content = stream(DAYS)
    calendar: Any = Calendar.from_ical(content)
    assert calendar["VERSION"] == "2.0"
    assert "Zhengling" in calendar["PRODID"]
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "某县 工作日历"
    assert calendar["X-WR-TIMEZONE"] == "Asia/Shanghai"
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in content
    assert b"X-PUBLISHED-TTL:PT1H\r\n" in content
    assert content.count(b"X-WR-CALNAME") == 1
    assert not calendar.errors


def test_whole_days_make_the_round_trip() -> None:
    (event,) = read(DAYS)
    assert event["UID"] == "closure-1@calendar.linhai.zhengling"
    assert event["SUMMARY"] == "停工，因汛情；台风"
    assert event["DESCRIPTION"] == "第一行\n第二行"
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (date(2026, 7, 30), date(2026, 8, 2))
    assert event.decoded("DTSTAMP") == event.decoded("LAST-MODIFIED") == CHANGED.replace(microsecond=0)
    assert (event["SEQUENCE"], event["STATUS"], event["TRANSP"]) == (4, "TENTATIVE", "TRANSPARENT")
    assert event.categories == ["本地放假", "其他"]
    assert event["URL"] == "https://cal.example/v1/years/2026"
    assert not event.errors


def test_instants_are_in_utc_and_opaque() -> None:
    (event,) = read(SESSION)
    assert event.decoded("DTSTART") == SESSION.start
    assert event.decoded("DTEND") == SESSION.end
    assert b"DTSTART:20260212T010000Z\r\n" in stream(SESSION)
    assert event["TRANSP"] == "OPAQUE"
    assert "URL" not in event
    assert "CATEGORIES" not in event


def test_each_language_gets_its_words() -> None:
    (english,) = read(DAYS, language="en")
    assert english["SUMMARY"] == "Closed; for flood, storm"
    assert english["DESCRIPTION"] == "one\ntwo\\n"
    assert english.categories == ["Local, closure", "x"]


def test_a_cancelled_event_has_the_status_cancelled() -> None:
    (event,) = read(replace(SESSION, status=Status.cancelled))
    assert event["STATUS"] == "CANCELLED"


def test_long_chinese_lines_are_folded_at_75_octets_between_characters() -> None:
    content = stream(replace(DAYS, summary=Text(LONG, LONG), description=Text(LONG, LONG)), name=LONG)
    lines = content.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character was cut in two
        assert b"\n" not in line and b"\r" not in line
    unfolded = content.replace(b"\r\n ", b"").decode()
    assert f"\r\nSUMMARY:{LONG}\r\n" in unfolded
    assert f"\r\nNAME:{LONG}\r\n" in unfolded


def test_the_same_events_give_the_same_bytes_in_whatever_order() -> None:
    assert stream(DAYS, SESSION) == stream(SESSION, DAYS) == stream(replace(DAYS), replace(SESSION))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(9999, 12, 31), date(9999, 12, 31)),
        (datetime(9999, 12, 31, 20, tzinfo=UTC), datetime(9999, 12, 31, 21, tzinfo=UTC)),
    ],
)
def test_an_event_at_the_end_of_time_takes_no_other_one_with_it(start: Any, end: Any, caplog: Any) -> None:
    found = read(replace(DAYS, uid="last", start=start, end=end), SESSION, DAYS)
    assert [str(event["UID"]).partition("@")[0] for event in found] == ["meeting-1", "closure-1"]
    assert "last is left out" in caplog.text


def test_a_changed_event_keeps_its_uid_and_increments_its_sequence() -> None:
    (before,) = read(DAYS)
    (after,) = read(replace(DAYS, start=date(2026, 7, 29), summary=Text("x", "改期"), sequence=5))
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    assert stream(DAYS) != stream(replace(DAYS, sequence=5))


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_no_text_becomes_a_property_of_its_own_whatever_a_reader_takes_for_a_lines_end(end: str) -> None:
    text = f"会议{end}STATUS:CANCELLED{end}BEGIN:VALARM"
    content = stream(replace(DAYS, summary=Text(text, text)))
    assert not [line for line in content.decode().splitlines() if line.startswith(("STATUS:CANC", "BEGIN:VALARM"))]
    (event,) = read(replace(DAYS, summary=Text(text, text)))
    assert event["SUMMARY"] == "会议\nSTATUS:CANCELLED\nBEGIN:VALARM"


@given(st.text().filter(lambda text: "\\N" not in text))  # which the reader takes for a line's end, escaped or not
def test_any_text_makes_the_round_trip_but_for_controls(text: str) -> None:
    (event,) = read(replace(DAYS, summary=Text(text, text), description=None, categories=()))
    expected = re.sub("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    expected = re.sub("[\x00-\x08\x0e-\x1f\x7f]", "", expected)
    assert event["SUMMARY"] == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"start": datetime(2026, 7, 30, tzinfo=UTC)}, "both be days or both instants"),
        ({"end": datetime(2026, 7, 30, tzinfo=UTC)}, "both be days or both instants"),
        ({"end": date(2026, 7, 29)}, "ends before it starts"),
        ({"modified": datetime(2026, 7, 30)}, "offset"),
        ({"start": datetime(2026, 7, 30), "end": datetime(2026, 7, 31)}, "offset"),
    ],
)
def test_an_inconsistent_event_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(DAYS, **change)


async def test_a_failure_on_a_link_reveals_its_secret_neither_in_the_log_nor_to_the_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "q7Jx-secret"
    scope = {
        "type": "http", "method": "GET", "path": f"/v1/feeds/{secret}.ics", "headers": [], "query_string": b"",
        "path_params": {"secret": secret},
    }  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        answer = await problems.on_failure(Request(scope), ValueError("something broke"))
    assert "/v1/feeds/{secret}.ics" in caplog.text
    assert secret not in caplog.text
    assert orjson.loads(bytes(answer.body))["instance"] == "/v1/feeds/{secret}.ics"


# where links begin --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("host", ["meetings.example", "evil.example", "evil.example:8000/x?"])
def test_links_begin_with_the_services_address_whatever_host_the_caller_names(host: str) -> None:
    settings = SimpleNamespace(public_url="https://meetings.example/zhengling/")
    app = SimpleNamespace(state=SimpleNamespace(service=SimpleNamespace(settings=settings)))
    scope = {"type": "http", "scheme": "http", "path": "/v1/feeds", "headers": [(b"host", host.encode())], "app": app}
    assert feeds._address(Request(scope)) == "https://meetings.example/zhengling"


def test_production_names_its_address_as_a_caller_chooses_the_host() -> None:
    needed = {"database_url": "postgresql://x", "rulebooks": "", "auth_issuer": "x", "auth_jwks": "x"}
    with pytest.raises(ValueError, match=r"(?i)public_url"):
        ServiceSettings.model_validate(needed | {"profile": "production", "kafka_bootstrap_servers": "x"})


# how often links are used -------------------------------------------------------------------------------------------
class Links:
    """An app with the feed of a service whose one valid link has the secret `valid`; counts what reaches its database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limits: Limits) -> None:
        self.transactions = self.at_a_time = self.most_at_a_time = 0
        self.open = asyncio.Event()
        self.open.set()

        @asynccontextmanager
        async def transaction(government: str | None) -> AsyncIterator[None]:
            self.transactions += 1
            self.at_a_time += 1
            self.most_at_a_time = max(self.at_a_time, self.most_at_a_time)
            await self.open.wait()
            yield
            self.at_a_time -= 1

        async def follow(_: object, __: object, secret_hash: str, *___: object) -> None:
            if secret_hash != hashlib.sha256(b"valid").hexdigest():
                raise Problem(404, "feed_not_found", Text("no such feed", "没有该日历订阅"))

        async def answer(*_: object) -> Response:
            return Response(b"BEGIN:VCALENDAR")

        monkeypatch.setattr(feeds, "_follow", follow)
        monkeypatch.setattr(feeds, "_answer", answer)
        app = FastAPI()
        app.state.service = SimpleNamespace(
            rates=Rates(limits), database=SimpleNamespace(transaction=transaction), name="calendar"
        )
        app.include_router(feeds.routes("calendar", Text("Working days", "工作日历"), cast("Any", None)))
        app.add_exception_handler(Problem, problems.on_problem)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x")

    async def statuses(self, *secrets: str) -> list[int]:
        return [(await self.client.get(f"/v1/feeds/{secret}.ics")).status_code for secret in secrets]


async def test_a_link_that_is_used_too_often_is_refused_before_the_database_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    links = Links(monkeypatch, Limits(link=3, unknown=10))
    assert await links.statuses(*["valid"] * 6) == [200] * 4 + [429] * 2, "the first as one that isn't known"
    assert links.transactions == 4
    refused = await links.client.get("/v1/feeds/valid.ics")
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_requests", "20")
    assert "valid" not in refused.json()["instance"]


async def test_secrets_that_are_tried_are_refused_and_a_link_in_use_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    links = Links(monkeypatch, Limits(link=60, unknown=10))
    assert await links.statuses("valid") == [200]
    assert await links.statuses(*(f"tried-{n}" for n in range(20))) == [404] * 9 + [429] * 11
    assert await links.statuses(*["valid"] * 10) == [200] * 10


async def test_links_hold_few_connections_of_the_database_at_a_time_and_a_bounded_number_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "LINKS_WAITING", 6)
    links = Links(monkeypatch, Limits())
    links.open.clear()
    asked = [asyncio.create_task(links.client.get("/v1/feeds/valid.ics")) for _ in range(12)]
    while sum(each.done() for each in asked) < 3:
        await asyncio.sleep(0.01)
    links.open.set()
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [503] * 3
    assert {answer.headers.get("retry-after") for answer in answers} == {None, "10"}
    assert links.most_at_a_time == 3

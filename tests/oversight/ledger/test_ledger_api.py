"""The ledger as a whole over HTTP: its numbers beside a count over the entries that are listed, and its workbook read back."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import product
from typing import Any

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy.ext.compiler import compiles

from oversight_svc.entry.queries import Wanted, conditions, lit
from oversight_svc.ledger.period import Period
from oversight_svc.ledger.queries import _alike, _matters, _rolled_up
from oversight_svc.ledger.schemas import Tally
from tests.oversight.course.test_course_api import another_unit, office_of
from tests.oversight.matter import Matter, instant, matters_of
from zhengling.database.session import Database
from zhengling.kernel.instants import shanghai_day
from zhengling.local.client import Api, Json, Refused
from zhengling.local.stack import EmbeddedStack

GOVERNMENT, TODAY = "xigang", "2026-04-13"
ENDED = ("closed", "revoked")
#: State, day of the closing, whether the due date was met late (None: it isn't met).
STANDINGS = [
    ("open", None, None), ("accepted", None, None), ("refused", None, None), ("reported", None, False),
    ("verified", None, True), ("closed", "2026-03-31", False), ("closed", "2026-04-01", True), ("closed", "2025-12-31", None),
    ("revoked", "2026-03-05", None),
]  # fmt: skip
OPENED = ("2025-12-31", "2026-01-01", "2026-03-31", "2026-12-31", "2027-01-01")
DUE = (None, "2025-12-30", "2026-01-31", "2026-04-10", "2026-04-12", "2026-04-14", "2027-01-01")
#: Leader, category, source, whether the clock is suspended.
MARKS = [
    (None, None, "meeting_decision", False), ("xg-dep1", "meeting-decisions", "instruction", True),
    ("xg-dep2", "promises", "public_promise", False), ("xg-gone", "of-an-older-edition", "key_project", False),
]  # fmt: skip
NUMBERS, WORKBOOK = "/v1/entries/numbers", "/v1/entries.xlsx"


@pytest.fixture(scope="module")
async def matters(stack_of_its_own: EmbeddedStack) -> AsyncIterator[list[Matter]]:
    """A government's matters and several hundred copies of them, in all states, with days around the ends of periods."""
    async with httpx.AsyncClient(timeout=30) as client:
        api = Api(stack_of_its_own.addresses(), stack_of_its_own.issuer, GOVERNMENT, client)
        matters = await matters_of(api, GOVERNMENT)
        first = matters[0]
        await first.shown()  # a stack that has just started recomputes it once
        await first.do("acceptance", first.of_lead()[0], responsible=first.of_lead()[0])
        await first.do("progress", first.of_lead()[0], text="=已完成招标")
        units = [matters[0].entry["lead"]["code"], another_unit(matters[0])]
        await _copy(stack_of_its_own.database_admin_url.rsplit("/", 1)[0] + "/oversight", first.entry["id"], units)
        await api.set_clock(instant(f"{TODAY} 10:00"))
        yield matters
        await api.set_clock(None)


async def _copy(url: str, entry_id: str, units: list[str]) -> None:
    connection = await asyncpg.connect(url)
    found = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'ledger_entry' AND is_generated = 'NEVER'"
    )
    rows = [
        (
            f"copy-{n}",
            units[n % 2],
            *_standing(*standing),
            instant(f"{opened} 00:00"),
            *_due(due),
            *MARKS[n % len(MARKS)],
            1 + n % 5,
        )
        for n, (standing, opened, due) in enumerate(product(STANDINGS, OPENED, DUE))
    ]
    given = {
        "id": "$2", "number": "$2", "source_id": "$2", "lead": "jsonb_build_object('code', $3::text, 'name', $3::text)",
        "state": "$4", "closed_at": "$5::timestamptz", "met_at": "$6::timestamptz", "late": "$7::boolean",
        "opened_at": "$8::timestamptz", "due": "$9::date", "due_at": "$10::timestamptz", "leader": "$11::text",
        "category": "$12::text", "source_kind": "$13", "suspended": "$14", "weight": "$15",
    }  # fmt: skip
    values = {row[0]: given.get(row[0], f"ledger_entry.{row[0]}") for row in found}
    copied = f"SELECT {', '.join(values.values())} FROM ledger_entry WHERE id = $1"
    statement = f"INSERT INTO ledger_entry ({', '.join(values)}) {copied}"
    await connection.executemany(statement, [(entry_id, *row) for row in rows])
    await connection.close()


def _standing(state: str, closed: str | None, late: bool | None) -> tuple[object, ...]:
    return state, closed and instant(f"{closed} 23:59"), None if late is None else instant("2026-01-05 10:00"), late


def _due(day: str | None) -> tuple[object, ...]:
    return day and date.fromisoformat(day), day and instant(f"{day} 00:00") + timedelta(days=1)


async def listed(api: Api, official: str | None, **filters: str) -> list[Json]:
    found, page = list[Json](), {"next_cursor": ""}
    while (cursor := page["next_cursor"]) is not None:
        more = {"cursor": cursor} if cursor else {}
        page = await api.get("oversight", "/v1/entries", official, limit="200", **filters, **more)
        found += page["items"]
    return found


# the model: counts over what is listed ---------------------------------------------------------------------------------
def day_of(moment: str | None) -> date | None:
    return shanghai_day(datetime.fromisoformat(moment)) if moment else None


def happened(entry: Json, since: date, until: date) -> Counter[str]:
    """1 for each of the numbers of the period that count the entry."""
    closed = day_of(entry["closed_at"]) if entry["state"] == "closed" else None
    due = entry["due"] and date.fromisoformat(entry["due"])
    found = Counter(
        name
        for name, day in (("opened", day_of(entry["opened_at"])), ("due", due), ("closed", closed))
        if day and since <= day <= until
    )
    if found["closed"] and entry["late"] is not None:
        found["closed_late" if entry["late"] else "closed_in_time"] += 1
    return found


def counted(entry: Json, since: date, until: date) -> Counter[str]:
    found = happened(entry, since, until)
    found["closed_weight"] += entry["weight"] * found["closed"]
    if entry["state"] not in ENDED:
        found["running"] += 1
        found["running_weight"] += entry["weight"]
        found["done"] += entry["state"] in ("reported", "verified")
        found[entry["light"]] += entry["light"] != "in_time"
    return found


def tally(entries: list[Json], since: date, until: date) -> dict[str, int]:
    every = sum((counted(entry, since, until) for entry in entries), Counter[str]())
    return {name: every[name] for name in Tally.model_fields}


def numbers_of(entries: list[Json], since: date, until: date) -> dict[str, object]:
    """What the numbers are: the total, and by each attribute its values, without those of which nothing is counted."""

    def by(value: str) -> dict[str | None, dict[str, int]]:
        def of(entry: Json) -> str | None:
            found: str | None = entry["lead"]["code"] if value == "lead" else entry[value]
            return found

        every = {code: tally([e for e in entries if of(e) == code], since, until) for code in {of(e) for e in entries}}
        return {code: numbers for code, numbers in every.items() if any(numbers.values())}

    attributes = {
        "leads": "lead", "leaders": "leader", "categories": "category", "sources": "source_kind", "states": "state",
        "lights": "light",
    }  # fmt: skip
    return {"total": tally(entries, since, until), **{name: by(value) for name, value in attributes.items()}}


def told(answer: Json) -> dict[str, object]:
    """The same shape from an answer."""

    def plain(group: Json) -> dict[str, int]:
        return {name: group[name] for name in Tally.model_fields}

    groups = ("leads", "leaders", "categories", "sources", "states", "lights")
    return {"total": answer["total"], **{name: {each["code"]: plain(each) for each in answer[name]} for name in groups}}


PERIODS = [
    {}, {"from": "2026-01-01", "to": "2026-03-31"}, {"from": "2025-12-31", "to": "2025-12-31"},
    {"from": "2026-03-31", "to": "2026-04-13"}, {"from": "2019-01-01", "to": "2019-02-01"},
]  # fmt: skip
FILTERS = [
    {}, {"state": "closed"}, {"ended": "false"}, {"light": "overdue"}, {"light": "due_soon"}, {"light": "long_overdue"},
    {"light": "ended"}, {"light": "in_time"}, {"category": "promises"}, {"leader": "xg-dep1"}, {"text": "没有这样的事项"},
    {"opened_from": "2026-01-01", "opened_until": "2026-03-31"}, {"closed_from": "2026-03-31"},
    {"clearing": "2026"}, {"clearing": "2026", "light": "overdue"},
    {"closed_until": "2026-03-31"}, {"opened_from": "0001-01-01", "opened_until": "9999-12-31"},
]  # fmt: skip


@pytest.mark.parametrize("period", PERIODS, ids=str)
async def test_numbers_equal_a_count_over_the_entries_that_are_listed(
    period: dict[str, str], matters: list[Matter]
) -> None:
    api, entries = matters[0].api, await listed(matters[0].api, None)
    assert len(entries) > len(STANDINGS) * len(OPENED) * len(DUE)
    since, until = (
        date.fromisoformat(period.get(name, day)) for name, day in (("from", "2026-01-01"), ("to", "2026-12-31"))
    )
    answer = await api.get("oversight", NUMBERS, **period)
    assert (answer["since"], answer["until"]) == (str(since), str(until))
    assert told(answer) == numbers_of(entries, since, until)
    assert answer["total"]["running"] > answer["total"]["done"] > 0
    names = {(group, each["code"]): each["name"] for group in ("leads", "sources") for each in answer[group]}
    assert all(names.values())


async def test_months_are_those_of_the_opening_of_the_due_date_and_of_the_closing(matters: list[Matter]) -> None:
    api, entries = matters[0].api, await listed(matters[0].api, None)
    answer = await api.get("oversight", NUMBERS, **{"from": "2025-12-31", "to": "2026-04-14"})
    assert [each["month"] for each in answer["months"]] == ["2025-12", "2026-01", "2026-02", "2026-03", "2026-04"]
    starts = [date(2025, 12, 31), *(date(2026, month, 1) for month in (1, 2, 3, 4)), date(2026, 4, 15)]
    for month, first, following in zip(answer["months"], starts, starts[1:], strict=False):
        every = sum((happened(entry, first, following - timedelta(days=1)) for entry in entries), Counter[str]())
        assert {name: number for name, number in month.items() if name != "month" and number} == dict(every)
    for name in ("opened", "due", "closed", "closed_in_time", "closed_late"):
        assert sum(month[name] for month in answer["months"]) == answer["total"][name]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
async def test_numbers_and_lists_take_the_same_filters(filters: dict[str, str], matters: list[Matter]) -> None:
    api, entries = matters[0].api, await listed(matters[0].api, None, **filters)
    answer = await api.get("oversight", NUMBERS, **filters)
    assert told(answer) == numbers_of(entries, date(2026, 1, 1), date(2026, 12, 31))
    assert bool(entries) == (filters.get("text") is None)


async def test_a_unit_gets_the_numbers_of_what_it_sees(matters: list[Matter]) -> None:
    first = matters[0]
    official = first.of_lead()[0]
    own, all_of_them = await listed(first.api, official), await listed(first.api, None)
    assert 0 < len(own) < len(all_of_them)
    answer = await first.api.get("oversight", NUMBERS, official)
    assert told(answer) == numbers_of(own, date(2026, 1, 1), date(2026, 12, 31))
    of_unit = [each for each in all_of_them if first.entry["lead"]["code"] in units_of(each)]
    found = await listed(first.api, None, unit=first.entry["lead"]["code"])
    assert {each["id"] for each in found} == {each["id"] for each in of_unit}


def units_of(entry: Json) -> list[str]:
    return [unit["code"] for unit in (entry["lead"], *entry["co_units"])]


@pytest.mark.parametrize(
    ("period", "code"),
    [
        ({"from": "2026-02-01", "to": "2026-01-31"}, "period_reversed"),
        ({"from": "0001-01-01", "to": "0001-01-31"}, "period_out_of_range"),
        ({"from": "9999-12-01"}, "period_out_of_range"),
        ({"from": "2016-01-01", "to": "2026-01-01"}, "period_too_long"),
    ],
)
async def test_a_period_that_cant_be_counted_is_refused(
    period: dict[str, str], code: str, matters: list[Matter]
) -> None:
    with pytest.raises(Refused) as caught:
        await matters[0].api.get("oversight", NUMBERS, **period)
    assert (caught.value.problem["status"], caught.value.code) == (422, code)


async def test_a_matter_of_very_many_units_can_be_kept(stack_of_its_own: EmbeddedStack, matters: list[Matter]) -> None:
    """Whatever the indexes hold of a row, it fits a page."""
    units = [{"code": sha256(str(number).encode()).hexdigest(), "name": "某单位"} for number in range(300)]
    connection = await asyncpg.connect(stack_of_its_own.database_admin_url.rsplit("/", 1)[0] + "/oversight")
    transaction = connection.transaction()
    await transaction.start()
    statement = "UPDATE ledger_entry SET co_units = $2 WHERE id = $1 RETURNING cardinality(readers)"
    assert await connection.fetchval(statement, matters[0].entry["id"], json.dumps(units)) == 302
    await transaction.rollback()
    await connection.close()


# the workbook ----------------------------------------------------------------------------------------------------------
class Explain(sa.sql.expression.Executable, sa.sql.expression.ClauseElement):
    """EXPLAIN of a statement."""

    inherit_cache = False

    def __init__(self, statement: sa.Select[Any]) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **how: Any) -> str:
    return f"EXPLAIN {compiler.process(element.statement, **how)}"


async def test_the_numbers_are_read_from_an_index_alone(stack: EmbeddedStack) -> None:
    database = Database(stack.database_url("oversight", "app"), application="test")
    moment = instant(f"{TODAY} 10:00")
    filters = [sa.literal_column("ledger_entry.readers && ARRAY['@']"), *conditions(Wanted(parts=False), moment, None)]
    matters = _matters(Period(date(2026, 1, 1), date(2026, 12, 31)), lit(moment, None), filters)
    async with database.transaction(GOVERNMENT) as session:
        for way in ("seqscan", "bitmapscan"):
            await session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
        plan = [line for (line,) in await session.execute(Explain(_rolled_up(_alike(matters))))]
    await database.close()
    assert any("Index Only Scan using ledger_entry_numbers" in line for line in plan), plan


async def sheet_of(api: Api, official: str | None, language: str = "zh", **filters: str) -> Worksheet:
    headers = {"Authorization": f"Bearer {api.token(official)}", "Accept-Language": language}
    url = f"{api._addresses['oversight']}{WORKBOOK}"
    answer = await api._client.get(url, headers=headers, params=filters)
    assert answer.status_code == 200, answer.text
    (sheet,) = load_workbook(io.BytesIO(answer.content)).worksheets
    return sheet


async def test_the_workbook_is_the_ledger_as_clerks_know_it(matters: list[Matter]) -> None:
    first, official = matters[0], office_of(matters[0])
    sheet = await sheet_of(first.api, official)
    (title, *_), (as_of, *_), headings, *rows = sheet.iter_rows(values_only=True)
    assert (title, as_of) == ("大连市西岗区人民政府督查台账", "截至2026年4月13日10:00")
    assert headings == (
        "序号", "编号", "事项", "工作任务", "来源", "督查重点", "牵头单位", "配合单位", "责任领导", "责任人", "交办日期",
        "办结时限", "办理状态", "亮灯", "进展情况", "办结日期", "销号日期", "办理质量", "权重", "结转年度",
    )  # fmt: skip
    entries = {entry["number"]: entry for entry in await listed(first.api, official)}
    assert [row[0] for row in rows] == list(range(1, len(entries) + 1))
    assert {row[1] for row in rows} == entries.keys()
    opened = [(entries[row[1]]["opened_at"], row[1]) for row in rows]
    assert opened == sorted(opened)
    lights = {"in_time": "绿灯", "due_soon": "黄灯（临期）", "overdue": "红灯（逾期）", "ended": "已终结"}
    for row in rows:
        entry = entries[row[1]]
        assert (row[2], row[3], row[6]) == (entry["title"], entry["task"], entry["lead"]["name"])
        assert (row[11] or None, row[12], row[13]) == (
            entry["due"], entry["state_name"], lights.get(entry["light"], row[13]),
        )  # fmt: skip
        assert bool(row[16]) == (entry["state"] == "closed")
    (own,) = (row for row in rows if row[1] == first.entry["number"])
    names = first.people.official_names
    assert (own[8], own[9]) == (names[first.entry["leader"]], names[first.entry["responsible"]])
    assert own[14].endswith("：=已完成招标")
    cells = {cell.value: cell for cell in sheet["O"]}
    assert cells[own[14]].data_type == "s"
    assert sheet.print_title_rows == "$3:$3" and sheet.freeze_panes == "C4"


async def test_the_workbook_has_what_is_filtered_and_seen_in_the_readers_language(matters: list[Matter]) -> None:
    first = matters[0]
    official = first.of_lead()[0]
    filters = {"state": "closed", "closed_from": "2026-04-01"}
    sheet = await sheet_of(first.api, official, "en", **filters)
    _, _, headings, *rows = sheet.iter_rows(values_only=True)
    assert headings[:3] == ("No.", "Number", "Title")
    assert {row[1] for row in rows} == {each["number"] for each in await listed(first.api, official, **filters)}
    assert {(row[12], row[16]) for row in rows} == {("closed", "2026-04-01")}

"""The composition over HTTP: previewed, loaded from JSON and from Excel, kept by version, read by day, post and role."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import typer.testing
from openpyxl import load_workbook

from tests import sixth
from tests.caller import ALL_SCOPES, CLERK, HEAD, OFFICE, Caller, code_of
from tests.conftest import ROOT, composition_of
from zhengling.cli.main import app
from zhengling.documents.xlsx import MEDIA_TYPE
from zhengling.local.stack import EmbeddedStack

PATH = "/v1/composition"
XLSX = {"Content-Type": MEDIA_TYPE}
Json = dict[str, Any]


def content(**changed: Any) -> Json:
    return sixth.COMPOSITION.model_dump(mode="json") | changed


def with_post(**changed: Any) -> Json:
    """The sixth government's people; the deputy's post is changed."""
    posts = content()["posts"]
    posts[2] |= changed
    return content(posts=posts)


class People(Caller):
    """Who keeps the composition of a government."""

    async def tag(self) -> str | None:
        return (await self.get("meeting", PATH)).headers.get("etag")

    async def load(self, body: Json | bytes, *, reason: str = "", by: str | None = None) -> httpx.Response:
        sent: dict[str, Any] = {"content": body, "headers": XLSX} if isinstance(body, bytes) else {"json": body}
        params = {"reason": reason} if reason else {}
        return await self.ask("PUT", "meeting", PATH, version=await self.tag(), by=by, params=params, **sent)

    async def preview(self, body: Json | bytes) -> httpx.Response:
        sent: dict[str, Any] = {"content": body, "headers": XLSX} if isinstance(body, bytes) else {"json": body}
        return await self.post("meeting", f"{PATH}/preview", key=None, **sent)

    async def workbook(self) -> Any:
        answer = await self.get("meeting", PATH, headers={"Accept": MEDIA_TYPE})
        assert answer.headers["content-type"] == MEDIA_TYPE
        return load_workbook(io.BytesIO(answer.content))


def packed(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
async def people(stack: EmbeddedStack, client: httpx.AsyncClient) -> AsyncIterator[People]:
    """The sixth government with its people; and with them again once the test is over."""
    made = People(stack, client)
    assert (await made.load(content())).status_code == 200
    yield made
    restored = await made.load(content())
    assert restored.status_code == 200, restored.text


@pytest.fixture
def founding(stack: EmbeddedStack, client: httpx.AsyncClient) -> People:
    """A government without any data."""
    return People(stack, client, f"founding_{uuid4().hex[:8]}")


# before the first ---------------------------------------------------------------------------------------------------
async def test_before_the_first_load_there_is_a_template_and_no_composition(founding: People) -> None:
    for path in (PATH, f"{PATH}.xlsx", f"{PATH}/changes", "/v1/officials", "/v1/officials/x", "/v1/posts"):
        assert code_of(await founding.get("meeting", path)) == (404, "no_composition"), path
    assert (await founding.get("meeting", f"{PATH}/versions")).json() == {"items": [], "next_cursor": None}
    assert code_of(await founding.post("meeting", "/v1/feeds", by="somebody", json={})) == (409, "no_composition")
    template = (await founding.get("meeting", f"{PATH}/template.xlsx")).content
    book = load_workbook(io.BytesIO(template))
    book["机构"].append(["gov", "某县人民政府", "政府"])
    book["人员"].append(["h", "甲一"])
    book["职务"].append(["h", "政府主要负责人", "某县人民政府", "县长", "2026年1月1日"])
    report = (await founding.preview(packed(book))).json()
    assert (report["version"], report["loadable"]) == (None, True)
    assert [(row["sheet"], row["row"], row["status"]) for row in report["rows"]] == [
        ("机构", 2, "new"), ("人员", 2, "new"), ("职务", 2, "new"),
    ]  # fmt: skip
    assert code_of(await founding.get("meeting", PATH)) == (404, "no_composition"), "a preview changes nothing"
    loaded = await founding.load(packed(book), reason="首次导入")
    assert loaded.json() == {"version": 1, "organisations": 1, "officials": 1, "posts": 1}
    changes = (await founding.get("meeting", f"{PATH}/changes")).json()
    assert (changes["before"], changes["after"]["reason"], len(changes["rows"])) == (None, "首次导入", 3)


# preview and load ---------------------------------------------------------------------------------------------------
async def test_a_preview_lists_every_row_and_changes_nothing(people: People) -> None:
    before = (await people.get("meeting", PATH)).json()
    body = with_post(until="2026-12-31")
    body["officials"].append({"id": "lh-new", "name": "子一"})
    del body["portfolios"][0]
    report = (await people.preview(body)).json()
    assert report["version"] == before["version"]
    assert report["loadable"] is True
    assert report["counts"]["posts"] == {"new": 0, "changed": 1, "removed": 0, "unchanged": 9, "wrong": 0}
    assert len(report["rows"]) == 4 + 11 + 10 + 1
    shown = [row for row in report["rows"] if row["status"] != "unchanged"]
    assert [(row["sheet"], row["row"], row["key"], row["status"]) for row in shown] == [
        ("人员", 11, "lh-new", "new"),
        ("职务", 3, "lh-dep deputy lh 2025-01-01", "changed"),
        ("分管", None, "lh-dep 2025-01-01", "removed"),
    ]
    assert shown[1]["changes"] == [{"field": "until", "header": "免职日期", "before": None, "after": "2026-12-31"}]
    assert [found["code"] for found in shown[2]["warnings"]] == ["history_lost"]
    assert (await people.get("meeting", PATH)).json() == before


async def test_a_load_with_wrong_rows_changes_nothing_and_answers_with_the_previews_report(people: People) -> None:
    before = (await people.get("meeting", PATH)).json()
    posts = [*content()["posts"], {"official": "nobody", "role": "emperor", "organisation": "lh", "since": "soon"}]
    body = content(posts=posts, pairs=[{"a": "lh-dep", "b": "lh-dep", "since": "2025-01-01"}])
    report = (await people.preview(body)).json()
    answer = await people.load(body)
    assert code_of(answer) == (422, "wrong_rows")
    assert answer.json()["report"] == report
    assert report["loadable"] is False
    wrong = {(row["listing"], row["row"]): row["wrong"] for row in report["rows"] if row["status"] == "wrong"}
    assert {place: [found["code"] for found in shown] for place, shown in wrong.items()} == {
        ("posts", 11): ["not_a_day", "unknown_word", "no_such_official"],
        ("pairs", 1): ["pair_with_oneself"],
    }
    assert all(found["en"] and found["zh"] and found["header"] for shown in wrong.values() for found in shown)
    assert answer.json()["satisfy"]
    assert (await people.get("meeting", PATH)).json() == before


async def test_a_load_needs_the_version_it_was_decided_on(people: People) -> None:
    assert code_of(await people.ask("PUT", "meeting", PATH, json=content())) == (428, "if_match_missing")
    stale = await people.ask("PUT", "meeting", PATH, version=10**8, json=content(posts=[{}]))
    assert code_of(stale) == (412, "stale_etag")


async def test_a_preview_and_a_load_need_the_scope_of_who_keeps_the_composition(people: People) -> None:
    scopes = [scope for scope in ALL_SCOPES if scope != "meeting:admin"]
    for method, path in (("PUT", PATH), ("POST", f"{PATH}/preview")):
        answer = await people.ask(method, "meeting", path, scopes=scopes, json=content())
        assert code_of(answer) == (403, "insufficient_scope")


async def test_once_there_is_one_nobody_but_the_office_loads_another_for_themselves(people: People) -> None:
    before = await people.tag()
    for official in (CLERK, HEAD, "nobody-here"):
        answer = await people.load(content(), by=official)
        assert code_of(answer) == (403, "not_the_office")
        assert sixth.COMPOSITION.official_names[OFFICE] in answer.json()["satisfy"]
    assert await people.tag() == before
    assert (await people.load(content(), by=OFFICE)).status_code == 200


async def test_another_governments_composition_is_no_new_version_of_this_ones(people: People) -> None:
    before = await people.tag()
    answer = await people.load(json.loads(composition_of("xigang").model_dump_json()))
    assert code_of(answer) == (422, "nothing_in_common")
    assert await people.tag() == before


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"json": []}, 422, "invalid_payload"),
        ({"json": {"organisations": [], "officials": []}}, 422, "invalid_payload"),
        ({"json": {"organisations": [], "officials": [], "posts": [], "ranks": []}}, 422, "invalid_payload"),
        ({"json": {"organisations": [7], "officials": [], "posts": []}}, 422, "invalid_payload"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "invalid_json"),
        ({"content": b"", "headers": XLSX}, 422, "workbook_unreadable"),
        ({"content": b"", "headers": {"Content-Type": "application/json"}}, 422, "invalid_payload"),
        ({"content": b"PK", "headers": XLSX}, 422, "workbook_unreadable"),
        ({"content": b"a,b", "headers": {"Content-Type": "text/csv"}}, 415, "unsupported_media_type"),
        ({"content": b" " * 9_000_000, "headers": XLSX}, 413, "body_too_large"),
    ],
)
async def test_a_body_of_another_form_is_refused_by_both(sent: Json, status: int, code: str, people: People) -> None:
    assert code_of(await people.post("meeting", f"{PATH}/preview", key=None, **sent)) == (status, code)
    assert code_of(await people.ask("PUT", "meeting", PATH, version=await people.tag(), **sent)) == (status, code)


async def test_what_no_event_could_carry_is_refused_before_it_is_loaded(people: People) -> None:
    officials = [{"id": f"lh-{n:05}", "name": "某" * 30} for n in range(9000)]
    body = content(officials=[*content()["officials"], *officials])
    for answer in (await people.preview(body), await people.load(body)):
        assert code_of(answer) == (422, "composition_too_large")
    many = content(officials=[{"id": f"lh-{n}", "name": "某"} for n in range(20_001)])
    assert code_of(await people.preview(many)) == (422, "too_many_rows")


# the clerk's loop ---------------------------------------------------------------------------------------------------
async def test_a_clerk_exports_edits_previews_and_loads(people: People) -> None:
    exported = await people.get("meeting", f"{PATH}.xlsx")
    assert exported.headers["etag"] == await people.tag()
    assert "attachment" in exported.headers["content-disposition"]
    unchanged = (await people.preview(exported.content)).json()
    assert {row["status"] for row in unchanged["rows"]} == {"unchanged"}
    book = await people.workbook()
    assert book["职务"]["B2"].value == "县长", "as this government calls it"
    book["职务"]["F4"] = "2026年12月31日"
    book["人员"].append(["lh-new", "子一"])
    book["职务"].append(["子一", "副县长", "lh", "副县长", "2027/1/1"])
    book["分管"]["D2"] = "2026-12-31"
    book["分管"].append(["lh-new", "县水务局、县渔业局", "2027-01-01"])
    report = (await people.preview(packed(book))).json()
    assert [(row["sheet"], row["row"], row["status"]) for row in report["rows"] if row["status"] != "unchanged"] == [
        ("人员", 12, "new"), ("职务", 4, "changed"), ("职务", 12, "new"), ("分管", 2, "changed"), ("分管", 3, "new"),
    ]  # fmt: skip
    loaded = await people.load(packed(book), reason="换届", by=OFFICE)
    assert loaded.status_code == 200, loaded.text
    for on, who in (("2026-12-31", "lh-dep"), ("2027-01-01", "lh-new")):
        query = {"on": on, "role": "deputy_in_charge", "sponsor": "lh-water"}
        assert (await people.get("meeting", "/v1/posts", params=query)).json()["officials"] == [who]
    (version, *_) = (await people.get("meeting", f"{PATH}/versions")).json()["items"]
    assert (version["version"], version["source"], version["reason"], version["loaded_by"]) == (
        loaded.json()["version"], "xlsx", "换届", OFFICE,
    )  # fmt: skip


async def test_wrong_cells_of_a_workbook_are_reported_by_sheet_and_row_in_both_languages(people: People) -> None:
    book = await people.workbook()
    book["职务"]["E2"] = "明年"
    book["机构"]["B2"] = "=1+1"
    answer = await people.load(packed(book))
    assert code_of(answer) == (422, "wrong_rows")
    wrong = [row for row in answer.json()["report"]["rows"] if row["status"] == "wrong"]
    assert [(row["sheet"], row["row"], [(f["header"], f["code"]) for f in row["wrong"]]) for row in wrong] == [
        ("机构", 2, [("名称", "formula")]), ("职务", 2, [("任职日期", "not_a_day")]),
    ]  # fmt: skip
    chinese = await people.post(
        "meeting", f"{PATH}/preview", key=None, content=packed(book), headers=XLSX | {"Accept-Language": "zh"}
    )
    assert chinese.status_code == 200


async def test_what_is_loaded_from_excel_reaches_the_other_services(people: People, stack: EmbeddedStack) -> None:
    book = await people.workbook()
    book["人员"]["B2"] = "甲一一"
    version = (await people.load(packed(book))).json()["version"]
    for service in ("docflow", "oversight", "calendar"):
        connection = await asyncpg.connect(stack.database_admin_url, database=service)
        query = "SELECT content #>> '{officials,0,name}' FROM composition WHERE government = $1 AND version >= $2"
        while (name := await connection.fetchval(query, sixth.CODE, version)) is None:
            pass
        assert name == "甲一一"
        await connection.close()


# versions -----------------------------------------------------------------------------------------------------------
async def test_versions_are_kept_with_who_when_and_why_and_read_as_they_were(people: People) -> None:
    first = (await people.get("meeting", PATH)).json()
    second = (await people.load(with_post(until="2026-12-31"), reason="免职", by=OFFICE)).json()["version"]
    page = (await people.get("meeting", f"{PATH}/versions", params={"limit": 2})).json()
    newest, before = page["items"]
    assert (newest["version"], newest["loaded_by"], newest["reason"], newest["source"]) == (
        second,
        OFFICE,
        "免职",
        "json",
    )
    assert (before["version"], before["loaded_by"], before["reason"]) == (second - 1, "linhai-system", "")
    assert (newest["organisations"], newest["officials"], newest["posts"]) == (4, 10, 10)
    assert newest["loaded_at"] > before["loaded_at"]
    old = await people.get("meeting", PATH, params={"version": second - 1})
    assert old.json() == first
    assert "etag" not in old.headers, "what isn't current can't be changed on"
    book = (await people.get("meeting", f"{PATH}.xlsx", params={"version": second - 1})).content
    assert {row["status"] for row in (await people.preview(book)).json()["rows"]} == {"unchanged", "changed"}
    gone = await people.get("meeting", PATH, params={"version": 10**9})
    assert code_of(gone) == (404, "composition_version_not_found")
    seen = [newest["version"], before["version"]]
    while page["next_cursor"]:
        query = {"limit": 2, "cursor": page["next_cursor"]}
        page = (await people.get("meeting", f"{PATH}/versions", params=query)).json()
        seen += [item["version"] for item in page["items"]]
    assert seen == list(range(second, 0, -1))


async def test_changes_between_two_versions_are_listed_row_by_row(people: People) -> None:
    start = (await people.get("meeting", PATH)).json()["version"]
    await people.load(with_post(until="2026-12-31"), reason="免职")
    await people.load(with_post(until="2026-12-31", title="副县长"))
    path = f"{PATH}/changes"
    latest = (await people.get("meeting", path)).json()
    assert (latest["before"]["version"], latest["before"]["reason"], latest["after"]["version"]) == (
        start + 1, "免职", start + 2,
    )  # fmt: skip
    (row,) = latest["rows"]
    assert [change["field"] for change in row["changes"]] == ["title"]
    (row,) = (await people.get("meeting", path, params={"from": start, "to": start + 2})).json()["rows"]
    assert {change["field"] for change in row["changes"]} == {"title", "until"}
    assert (await people.get("meeting", path, params={"from": 0, "to": 1})).json()["before"] is None
    backwards = await people.get("meeting", path, params={"from": start, "to": start})
    assert code_of(backwards) == (422, "not_before")
    missing = await people.get("meeting", path, params={"from": start, "to": 10**9})
    assert code_of(missing) == (404, "composition_version_not_found")


async def test_what_was_loaded_cannot_be_altered_by_the_services_own_roles(
    people: People, stack: EmbeddedStack
) -> None:
    for role in ("app", "worker"):
        connection = await asyncpg.connect(stack.database_url("meeting", role))
        await connection.execute("SELECT set_config('app.government', $1, false)", sixth.CODE)
        assert await connection.fetchval("SELECT count(*) FROM composition_version")
        for statement in ("UPDATE composition_version SET reason = 'x'", "DELETE FROM composition_version"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        await connection.execute("SELECT set_config('app.government', 'nobody', false)")
        assert await connection.fetchval("SELECT count(*) FROM composition_version") == 0
        await connection.close()


async def test_a_repeated_load_is_one_version(people: People) -> None:
    key, tag = str(uuid4()), await people.tag()
    body = with_post(title="副县长")
    answers = [await people.ask("PUT", "meeting", PATH, key=key, version=tag, json=body) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert (await people.get("meeting", PATH)).json()["version"] == answers[0].json()["version"]


# by day -------------------------------------------------------------------------------------------------------------
async def test_a_composition_on_a_day_shows_what_holds_then(people: People) -> None:
    body = with_post(until="2026-06-30")
    body["organisations"][3] |= {"since": "2026-07-01"}
    body["posts"][8]["since"] = body["posts"][9]["since"] = "2026-07-01"
    body["portfolios"][0]["organisations"] = ["lh-water"]
    body["portfolios"][0]["until"] = "2026-06-30"
    body["pairs"] = [{"a": "lh-exec", "b": "lh-sg", "since": "2026-07-01"}]
    assert (await people.load(body)).status_code == 200

    async def on(day: str) -> Json:
        answer = await people.get("meeting", PATH, params={"on": day})
        assert "etag" not in answer.headers
        return answer.json()["composition"]

    june, july = await on("2026-06-30"), await on("2026-07-01")
    assert [o["code"] for o in june["organisations"]] == ["lh", "lh-office", "lh-water"]
    assert [o["code"] for o in july["organisations"]] == ["lh", "lh-office", "lh-water", "lh-fish"]
    assert "lh-dep" in {o["id"] for o in june["officials"]}
    assert "lh-dep" not in {o["id"] for o in july["officials"]}
    assert (june["pairs"], len(july["pairs"])) == ([], 1)
    assert (await on("2020-01-01"))["posts"] == []
    assert code_of(await people.get("meeting", PATH, params={"on": "gestern"})) == (422, "invalid_payload")


async def test_an_official_is_shown_with_posts_portfolios_and_partners_over_time(people: People) -> None:
    body = with_post(until="2026-06-30")
    body["posts"].append(
        {
            "official": "lh-dep",
            "role": "executive_deputy",
            "organisation": "lh",
            "since": "2026-07-01",
            "title": "常务副县长",
        }
    )
    body["posts"][1]["until"] = "2026-06-30"
    body["pairs"] = [{"a": "lh-sg", "b": "lh-dep", "since": "2025-01-01", "until": "2025-12-31"}]
    assert (await people.load(body)).status_code == 200
    found = (await people.get("meeting", "/v1/officials/lh-dep")).json()
    assert [(post["role"], post["since"], post["until"]) for post in found["posts"]] == [
        ("deputy", "2025-01-01", "2026-06-30"), ("executive_deputy", "2026-07-01", None),
    ]  # fmt: skip
    assert found["posts"][0]["organisation_name"] == "临海县人民政府"
    assert found["portfolios"][0]["organisation_names"] == ["县水务局", "县渔业局"]
    assert found["pairs"] == [{"official": "lh-sg", "name": "丁四", "since": "2025-01-01", "until": "2025-12-31"}]
    later = (await people.get("meeting", "/v1/officials/lh-dep", params={"on": "2026-07-01"})).json()
    assert [post["role"] for post in later["posts"]] == ["executive_deputy"]
    assert later["pairs"] == []
    assert code_of(await people.get("meeting", "/v1/officials/st-head")) == (404, "official_not_found")


async def test_officials_are_listed_by_page_by_day_and_by_organisation(people: People) -> None:
    seen: list[str] = []
    query: Json = {"limit": 3}
    while True:
        page = (await people.get("meeting", "/v1/officials", params=query)).json()
        assert len(page["items"]) <= 3
        seen += [official["id"] for official in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == sorted(official.id for official in sixth.COMPOSITION.officials)

    async def ids(**query: str) -> list[str]:
        return [o["id"] for o in (await people.get("meeting", "/v1/officials", params=query)).json()["items"]]

    assert await ids(on="2024-12-31") == []
    assert len(await ids(on="2025-01-01")) == 10
    assert await ids(organisation="lh-fish") == ["lh-fish", "lh-fish-clerk"]
    wrong = await people.get("meeting", "/v1/officials", params={"organisation": "nowhere"})
    assert code_of(wrong) == (422, "unknown_organisation")


async def test_posts_list_who_held_what_on_any_day_by_post_and_by_a_rules_role(people: People) -> None:
    body = with_post(until="2026-06-30")
    body["portfolios"][0]["until"] = "2026-06-30"
    body["portfolios"].append({"official": "lh-exec", "organisations": ["lh-water"], "since": "2026-07-01"})
    assert (await people.load(body)).status_code == 200

    async def officials(**query: str) -> list[str]:
        return (await people.get("meeting", "/v1/posts", params=query)).json()["officials"]

    assert await officials(role="deputy", on="2026-06-30") == ["lh-dep"]
    assert await officials(role="deputy", on="2026-07-01") == []
    assert await officials(role="deputies", on="2026-07-01") == ["lh-exec"]
    assert await officials(role="principal", on="2026-07-01") == ["lh-water", "lh-fish"]
    assert await officials(role="principal", sponsor="lh-fish") == ["lh-fish"]
    assert await officials(role="constituent_department_principals") == ["lh-water", "lh-fish"]
    for on, who in (("2026-06-30", ["lh-dep"]), ("2026-07-01", ["lh-exec"])):
        assert await officials(role="deputy_in_charge", sponsor="lh-water", on=on) == who
    assert await officials(role="deputy_in_charge", sponsor="lh-fish", on="2026-07-01") == []
    found = (await people.get("meeting", "/v1/posts", params={"organisation": "lh-office", "on": "2026-07-01"})).json()
    assert (found["role"], found["officials"], found["next_cursor"]) == (None, None, None)
    assert [(item["official"], item["role"]) for item in found["items"]] == [
        ("lh-clerk", "staff"), ("lh-director", "office_director"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"role": "deputy_in_charge"}, "sponsor_needed"),
        ({"role": "sponsor"}, "sponsor_needed"),
        ({"role": "chair"}, "role_of_a_meeting"),
        ({"role": "emperor"}, "unknown_role"),
        ({"sponsor": "nowhere"}, "unknown_organisation"),
        ({"cursor": "?"}, "invalid_cursor"),
        ({"official": "lh-dep"}, "unknown_parameter"),
    ],
)
async def test_an_invalid_query_is_refused(query: Json, code: str, people: People) -> None:
    assert code_of(await people.get("meeting", "/v1/posts", params=query)) == (422, code)


# the command line ---------------------------------------------------------------------------------------------------
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(people: People, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ZHENGLING_TOKEN", people.token())
    address = people.addresses["meeting"]

    def run(*arguments: str) -> tuple[int, str]:
        found = typer.testing.CliRunner().invoke(app, ["composition", "import", "--url", address, *arguments])
        return found.exit_code, found.output

    return run


async def test_the_command_line_previews_and_loads_excel_yaml_and_json(
    people: People, run: Run, tmp_path: Path
) -> None:
    version = (await people.get("meeting", PATH)).json()["version"]
    book = await people.workbook()
    book["职务"]["F4"] = "2026-12-31"
    book.save(tmp_path / "people.xlsx")
    code, output = run(str(tmp_path / "people.xlsx"), "--preview")
    assert (code, "until None → 2026-12-31" in output, "nothing was changed" in output) == (0, True, True)
    assert (await people.get("meeting", PATH)).json()["version"] == version
    code, output = run(str(tmp_path / "people.xlsx"), "--reason", "免职")
    assert (code, f"version {version + 1} is loaded" in output) == (0, True)
    (tmp_path / "people.json").write_text(json.dumps(content(), ensure_ascii=False), encoding="utf-8")
    assert run(str(tmp_path / "people.json"))[0] == 0
    people.government = f"founding_{uuid4().hex[:8]}"
    run_there = ["--token", people.token()]
    code, output = run(str(ROOT / "demo" / "compositions" / "xigang.yaml"), *run_there)
    assert (code, "version 1 is loaded" in output) == (0, True)
    people.government = sixth.CODE
    (item, _) = (await people.get("meeting", f"{PATH}/versions", params={"limit": 2})).json()["items"]
    assert (item["version"], item["source"]) == (version + 2, "json")


async def test_the_command_line_reports_wrong_rows_and_loads_nothing(people: People, run: Run, tmp_path: Path) -> None:
    tag = await people.tag()
    (tmp_path / "people.json").write_text(json.dumps(with_post(role="emperor")), encoding="utf-8")
    code, output = run(str(tmp_path / "people.json"))
    assert code == 1
    assert "职务 3  lh-dep emperor lh 2025-01-01  wrong" in output
    assert "nothing was changed" in output
    assert await people.tag() == tag
    (tmp_path / "broken.xlsx").write_bytes(b"PK")
    assert run(str(tmp_path / "broken.xlsx"))[0] == 2
    assert run(str(tmp_path / "nowhere.xlsx"))[0] == 2

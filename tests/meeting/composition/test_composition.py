"""Rows of a composition: findings by row, changes, and the round trip of the workbook."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from datetime import date, datetime, time
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from meeting_svc.composition import workbook
from meeting_svc.composition.changes import Report, RowReport, changes, examine, holding
from meeting_svc.composition.rows import (
    FIELDS,
    KIND_WORDS,
    MAX_ROWS,
    ROLE_WORDS,
    TITLES,
    Kind,
    Listing,
    Row,
    Status,
    rows_of,
    words_of,
)
from tests import sixth
from tests.conftest import composition_of
from zhengling.authority.composition import Composition, OrganisationFunction, OrganisationKind, PostRole
from zhengling.kernel.errors import Problem
from zhengling.rules.rulebook import Titles

TODAY = date(2026, 11, 22)
GOVERNMENTS = ("dalian", "xigang", "shuangtaizi", "huancui", "zhanqian")
TOWN = Titles(
    head="县长", executive_deputy="常务副县长", deputies="副县长", office="县府办", office_director="县府办主任"
)
Json = dict[str, Any]


def content(**changed: Any) -> Json:
    """The sixth government's composition as JSON, with some lists replaced."""
    return sixth.COMPOSITION.model_dump(mode="json") | changed


def post(official: str, role: str, organisation: str = "lh", since: str = "2025-01-01", **more: Any) -> Json:
    return {"official": official, "role": role, "organisation": organisation, "since": since} | more


def examined(body: Json, standing: Composition | None = sixth.COMPOSITION, titles: Titles | None = None) -> Report:
    return examine(rows_of(body), standing, TODAY, titles)


def with_more(listing: str, *rows: Json) -> Report:
    return examined(content(**{listing: [*content()[listing], *rows]}))


def row_of(report: Report, listing: str, number: int | None = None) -> RowReport:
    """That row, or the list's last written one."""
    rows = [row for row in report.rows if row.listing == listing and row.row is not None]
    return rows[-1] if number is None else next(row for row in rows if row.row == number)


def codes(row: RowReport) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.field) for finding in row.findings if not finding.warning]


def warnings(row: RowReport) -> list[str]:
    return [finding.code for finding in row.findings if finding.warning]


# what becomes of each row -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("government", GOVERNMENTS)
def test_the_current_composition_loaded_again_changes_nothing(government: str) -> None:
    people = composition_of(government)
    report = examined(people.model_dump(mode="json"), people)
    assert {row.status for row in report.rows} == {Status.unchanged}
    assert report.composition == people
    assert report.warnings == 0


def test_a_first_composition_is_all_new() -> None:
    report = examined(content(), None)
    assert {row.status for row in report.rows} == {Status.new}
    assert report.counts()[Listing.posts] == {
        Status.new: 10, Status.changed: 0, Status.removed: 0, Status.unchanged: 0, Status.wrong: 0,
    }  # fmt: skip


def test_a_changed_field_is_shown_before_and_after() -> None:
    body = content()
    body["posts"][2] |= {"until": "2026-12-31", "title": "副县长"}
    body["organisations"][3]["name"] = "县海洋渔业局"
    report = examined(body)
    reported = {(d.field, d.before, d.after) for d in row_of(report, "posts", 3).differences}
    assert reported == {("until", None, "2026-12-31"), ("title", "", "副县长")}
    assert [(d.field, d.before, d.after) for d in row_of(report, "organisations", 4).differences] == [
        ("name", "县渔业局", "县海洋渔业局")
    ]
    assert {row.status for row in report.rows} == {Status.unchanged, Status.changed}


def test_another_first_day_changes_the_post_where_no_other_post_begins_then() -> None:
    body = content()
    body["posts"][0]["since"] = "2025-02-01"
    report = examined(body)
    assert row_of(report, "posts", 1).status == Status.changed
    assert [d.field for d in row_of(report, "posts", 1).differences] == ["since"]
    assert report.counts()[Listing.posts][Status.removed] == 0


def test_a_second_term_is_new_and_the_first_stays_the_first() -> None:
    body = content()
    body["posts"][0]["until"] = "2026-06-30"
    body["posts"].insert(0, post("lh-head", "head", since="2026-07-01"))
    report = examined(body)
    assert row_of(report, "posts", 1).status == Status.new
    assert [d.field for d in row_of(report, "posts", 2).differences] == ["until"]


def test_a_pair_written_the_other_way_round_is_the_same_pair() -> None:
    pair = {"a": "lh-exec", "b": "lh-dep", "since": "2025-01-01"}
    standing = Composition.model_validate(content(pairs=[pair]))
    report = examined(content(pairs=[pair | {"a": "lh-dep", "b": "lh-exec"}]), standing)
    assert row_of(report, "pairs").status == Status.changed
    assert report.counts()[Listing.pairs][Status.removed] == 0


def test_a_row_left_out_is_removed_and_what_held_till_now_is_warned_of() -> None:
    body = content()
    del body["posts"][9], body["officials"][9]
    report = examined(body)
    gone = [row for row in report.rows if row.status == Status.removed]
    assert [(row.listing, row.key, row.row) for row in gone] == [
        ("officials", "lh-fish-clerk", None),
        ("posts", "lh-fish-clerk staff lh-fish 2025-01-01", None),
    ]
    assert [warnings(row) for row in gone] == [[], ["history_lost"]]
    assert report.composition


def test_what_has_not_begun_is_removed_without_a_warning() -> None:
    later = Composition.model_validate(
        content(posts=[*content()["posts"], post("lh-dep", "staff", since="2026-11-23")])
    )
    gone = [row for row in examined(content(), later).rows if row.status == Status.removed]
    assert [(row.key, warnings(row)) for row in gone] == [("lh-dep staff lh 2026-11-23", [])]


def test_a_wrong_row_is_not_also_reported_as_removed() -> None:
    body = content()
    body["posts"][0]["role"] = "emperor"
    body["organisations"][1]["kind"] = "palace"
    report = examined(body)
    assert row_of(report, "organisations", 2).status == Status.wrong
    assert [row.key for row in report.rows if row.status == Status.removed] == ["lh-head head lh 2025-01-01"]


def test_changes_between_two_versions_leave_out_what_is_the_same() -> None:
    body = content()
    body["officials"][0]["name"] = "甲二"
    found = changes(sixth.COMPOSITION, Composition.model_validate(body))
    assert [(row.listing, row.key, row.status) for row in found] == [("officials", "lh-head", Status.changed)]
    assert len(changes(None, sixth.COMPOSITION)) == 4 + 10 + 10 + 1


def test_what_holds_on_a_day_names_nothing_that_is_left_out() -> None:
    body = content(pairs=[{"a": "lh-sg", "b": "lh-exec", "since": "2025-01-01"}])
    parents = {"lh-fish": "lh-water", "lh-water": "lh", "lh-office": None, "lh": None}
    body["organisations"] = [
        row | {"parent": parents[row["code"]], "until": None if row["code"] == "lh-office" else "2026-06-30"}
        for row in body["organisations"]
    ]
    body["posts"] = [row | {"until": "2026-06-30"} for row in body["posts"] if row["official"] != "lh-fish"]
    body["posts"].append(post("lh-fish", "principal", "lh-fish"))
    body["portfolios"] = []
    people = Composition.model_validate(body)
    assert holding(people, date(2026, 6, 30)).posts == people.posts
    found = holding(people, date(2026, 7, 1))
    assert [post.official for post in found.posts] == ["lh-fish"]
    assert set(found.official_names) == {"lh-fish", "lh-sg", "lh-exec"}
    assert set(found.organisation_names) == {"lh-office", "lh-fish", "lh-water", "lh"}
    assert holding(people, date(2024, 1, 1)).officials == ()


# cells --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("listing", "row", "found"),
    [
        ("organisations", {"code": "lh-x", "name": "某局", "kind": "palace"}, ("unknown_word", "kind")),
        ("organisations", {"code": "lh-x", "name": "", "kind": "office"}, ("missing", "name")),
        ("organisations", {"code": "lh-x", "kind": "office"}, ("missing", "name")),
        ("organisations", {"code": "lh x", "name": "某局", "kind": "office"}, ("not_a_key", "code")),
        ("organisations", {"code": "lh-x", "name": "某" * 121, "kind": "office"}, ("too_long", "name")),
        ("organisations", {"code": "lh-x", "name": "某\x07局", "kind": "office"}, ("character_not_allowed", "name")),
        ("organisations", {"code": "lh-x", "name": 7, "kind": "office"}, ("wrong_type", "name")),
        (
            "organisations",
            {"code": "lh-x", "name": "某局", "kind": "office", "since": "2026-02-01", "until": "2026-01-31"},
            ("until_before_since", "until"),
        ),
        ("officials", {"id": "lh-x", "name": "某", "rank": 1}, ("unknown_field", "rank")),
        ("officials", {"id": "lh-head", "name": "甲一"}, ("stands_twice", "id")),
        ("posts", post("lh-dep", "emperor"), ("unknown_word", "role")),
        ("posts", post("lh-dep", "staff", since="2026-02-30"), ("not_a_day", "since")),
        ("posts", post("lh-dep", "staff", since="2026/1/1"), ("not_a_day", "since")),
        ("posts", post("lh-dep", "staff", until="2024-12-31"), ("until_before_since", "until")),
        ("posts", post("nobody", "staff"), ("no_such_official", "official")),
        ("posts", post("lh-dep", "staff", "nowhere"), ("no_such_organisation", "organisation")),
        ("portfolios", {"official": "lh-dep", "organisations": [], "since": "2025-01-01"}, ("missing", "organisations")),
        (
            "portfolios",
            {"official": "lh-exec", "organisations": ["lh-office", "nowhere"], "since": "2025-01-01"},
            ("no_such_organisation", "organisations"),
        ),
        ("pairs", {"a": "lh-dep", "b": "lh-dep", "since": "2025-01-01"}, ("pair_with_oneself", "b")),
        ("pairs", {"a": "lh-dep", "b": "nobody", "since": "2025-01-01"}, ("no_such_official", "b")),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_reported_by_its_field_and_in_both_languages(
    listing: str, row: Json, found: tuple[str, str]
) -> None:
    report = with_more(listing, row)
    reported = row_of(report, listing)
    assert codes(reported) == [found]
    assert reported.status == Status.wrong
    assert [r for r in report.rows if r.status == Status.wrong] == [reported]
    assert report.composition is None
    (finding,) = reported.findings
    assert any("\u4e00" <= char <= "\u9fff" for char in finding.text.zh)
    assert not any("\u4e00" <= char <= "\u9fff" for char in finding.text.en.replace("某", ""))


def test_all_errors_are_reported_at_once() -> None:
    body = content()
    body["organisations"][1] |= {"kind": "palace", "name": ""}
    body["posts"][0] |= {"role": "emperor", "since": "soon", "official": "nobody", "organisation": "nowhere"}
    body["portfolios"][0]["organisations"] = ["nowhere", "elsewhere"]
    report = examined(body)
    assert codes(row_of(report, "organisations", 2)) == [("missing", "name"), ("unknown_word", "kind")]
    assert codes(row_of(report, "posts", 1)) == [
        ("not_a_day", "since"), ("unknown_word", "role"),
        ("no_such_official", "official"), ("no_such_organisation", "organisation"),
    ]  # fmt: skip
    assert codes(row_of(report, "portfolios", 1)) == [("no_such_organisation", "organisations")] * 2
    assert sum(counts[Status.wrong] for counts in report.counts().values()) == 3


def test_what_refers_to_a_wrong_row_is_not_wrong_itself() -> None:
    body = content()
    body["organisations"][2]["kind"] = "palace"
    body["officials"][0]["name"] = ""
    assert [row.key for row in examined(body).rows if row.status == Status.wrong] == ["lh-water", "lh-head"]


def test_posts_and_kinds_are_understood_in_chinese_and_as_the_government_calls_them() -> None:
    body = content()
    for row in body["posts"]:
        row["role"] = ROLE_WORDS[row["role"]]
    for row in body["organisations"]:
        row["kind"] = f" {KIND_WORDS[row['kind']]} "
    assert examined(body).composition == sixth.COMPOSITION
    body["posts"][0]["role"], body["posts"][2]["role"] = "县长", "副县长"
    assert examined(body, titles=TOWN).composition == sixth.COMPOSITION
    assert examined(body).composition is None


def test_every_post_and_kind_has_a_word_of_its_own() -> None:
    assert set(ROLE_WORDS) == set(PostRole)
    assert set(KIND_WORDS) == set(OrganisationKind)
    assert len(set(ROLE_WORDS.values())) == len(PostRole)
    assert len(set(KIND_WORDS.values())) == len(OrganisationKind)


def test_a_title_that_means_another_post_already_goes_on_meaning_it() -> None:
    odd = TOWN.model_copy(update={"deputies": "党组书记", "head": "县长"})
    assert words_of(odd)["党组书记"] == PostRole.party_secretary
    assert words_of(odd)["县长"] == PostRole.head


# among rows ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["head", "party_secretary", "secretary_general"])
def test_two_holders_of_a_single_post_are_wrong_and_each_names_the_others_row(role: str) -> None:
    first = post("lh-exec", role, since="2025-03-01", until="2026-03-31")
    others = [row for row in content()["posts"] if row["role"] != role]
    clash = examined(content(posts=[*others, first, post("lh-dep", role, since="2026-03-31")]))
    assert codes(row_of(clash, "posts")) == [("held_by_two", "since")]
    assert f"row {len(others) + 1}" in row_of(clash, "posts").findings[0].text.en
    handover = examined(content(posts=[*others, first, post("lh-dep", role, since="2026-04-01")]))
    assert handover.composition


def test_two_principals_of_one_organisation_are_a_warning_and_of_two_are_none() -> None:
    report = with_more("posts", post("lh-fish-clerk", "principal", "lh-water"))
    assert warnings(row_of(report, "posts")) == ["held_by_two"]
    assert report.composition
    assert report.warnings == 1


def test_the_same_post_held_twice_on_one_day_stands_twice() -> None:
    report = with_more("posts", post("lh-dep", "deputy", since="2026-01-01"))
    assert codes(row_of(report, "posts")) == [("stands_twice", "official")]
    again = with_more("posts", post("lh-dep", "staff", until="2025-06-30"), post("lh-dep", "staff", since="2025-07-01"))
    assert again.composition


def test_two_deputies_in_charge_of_one_organisation_are_a_warning_that_names_it() -> None:
    report = with_more("portfolios", {"official": "lh-exec", "organisations": ["lh-fish"], "since": "2026-01-01"})
    assert warnings(row_of(report, "portfolios")) == ["two_in_charge"]
    assert "lh-fish" in row_of(report, "portfolios").findings[0].text.zh
    assert report.composition
    same = with_more("portfolios", {"official": "lh-dep", "organisations": ["lh-fish"], "since": "2026-01-01"})
    assert codes(row_of(same, "portfolios")) == [("stands_twice", "official")]
    both = with_more(
        "portfolios", {"official": "lh-exec", "organisations": ["lh-water", "lh-fish"], "since": "2026-01-01"}
    )
    assert warnings(row_of(both, "portfolios")) == ["two_in_charge"], "once, however many they share"


def test_nobody_stands_in_two_pairs_on_one_day() -> None:
    first = {"a": "lh-exec", "b": "lh-dep", "since": "2025-01-01", "until": "2026-01-31"}
    clash = examined(content(pairs=[first, {"a": "lh-sg", "b": "lh-exec", "since": "2026-01-31"}]))
    assert codes(row_of(clash, "pairs")) == [("two_pairs_at_once", "a")]
    assert examined(content(pairs=[first, {"a": "lh-sg", "b": "lh-exec", "since": "2026-02-01"}])).composition
    twice = examined(content(pairs=[first, first | {"a": "lh-dep", "b": "lh-exec"}]))
    assert codes(row_of(twice, "pairs")) == [("two_pairs_at_once", "a")]


def test_a_cycle_of_parents_is_reported_at_each_of_its_rows_and_at_no_other() -> None:
    body = content()
    parents = {"lh-office": "lh-water", "lh-water": "lh-fish", "lh-fish": "lh-water", "lh": None}
    for row in body["organisations"]:
        row["parent"] = parents[row["code"]]
    report = examined(body)
    wrong = {row.key for row in report.rows if row.status == Status.wrong}
    assert wrong == {"lh-water", "lh-fish"}
    body["organisations"][0]["parent"] = "lh"
    assert codes(row_of(examined(body), "organisations", 1)) == [("parent_cycle", "parent")]


def test_a_post_in_an_organisation_that_is_not_there_any_more_is_warned_of() -> None:
    body = content()
    body["organisations"][3]["until"] = "2026-06-30"
    report = examined(body)
    reported = {(row.listing.value, row.row) for row in report.rows if "organisation_not_there" in warnings(row)}
    assert reported == {("posts", 9), ("posts", 10), ("portfolios", 1)}
    for listing, place in (("posts", 8), ("posts", 9), ("portfolios", 0)):
        body[listing][place]["until"] = "2026-06-30"
    assert not [row for row in examined(body).rows if "organisation_not_there" in warnings(row)]


def test_a_portfolio_of_somebody_without_a_post_is_warned_of_with_the_day() -> None:
    body = content()
    body["posts"][2]["until"] = "2026-06-30"
    reported = row_of(examined(body), "portfolios")
    assert warnings(reported) == ["no_post"]
    assert "2026-07-01" in reported.findings[0].text.en
    body["posts"].append(post("lh-dep", "staff", since="2026-07-01"))
    assert warnings(row_of(examined(body), "portfolios")) == []
    body["posts"][-1]["until"] = "9999-12-31"
    assert warnings(row_of(examined(body), "portfolios")) == []


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_the_checks_let_through_the_model_takes_and_each_wrong_row_is_explained(data: st.DataObject) -> None:
    """Generated rows: every one becomes part of the composition or has a finding."""
    keys = st.sampled_from(["lh", "lh-office", "lh-head", "lh-dep", "lh-exec", "x y", "", "nobody"])
    days = st.sampled_from(["2025-01-01", "2026-01-01", "9999-12-31", "0001-01-01", "soon", None])
    row = {
        "organisations": st.fixed_dictionaries(
            {"code": keys, "name": st.text(max_size=3), "kind": st.sampled_from(["office", "镇", "?"])},
            optional={"parent": keys, "since": days, "until": days},
        ),
        "officials": st.fixed_dictionaries({"id": keys}, optional={"name": st.text(max_size=3), "x": st.none()}),
        "posts": st.fixed_dictionaries(
            {"official": keys, "role": st.sampled_from(["head", "党组书记", "staff", 5]), "organisation": keys},
            optional={"since": days, "until": days, "title": st.text(max_size=3)},
        ),
        "portfolios": st.fixed_dictionaries(
            {"official": keys, "organisations": st.one_of(st.lists(keys, max_size=3), keys)}, optional={"since": days}
        ),
        "pairs": st.fixed_dictionaries({"a": keys, "b": keys}, optional={"since": days, "until": days}),
    }
    body = {name: data.draw(st.lists(rows, max_size=4), label=name) for name, rows in row.items()}
    report = examined(body)
    assert (report.composition is None) == any(r.status == Status.wrong for r in report.rows)
    assert all((r.status == Status.wrong) == bool(codes(r)) for r in report.rows)
    assert len([r for r in report.rows if r.row is not None]) == sum(map(len, body.values()))


# the workbook -------------------------------------------------------------------------------------------------------
def sheets(packed: bytes) -> Any:
    return load_workbook(io.BytesIO(packed))


def packed(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def edited(edit: Any, people: Composition = sixth.COMPOSITION, titles: Titles | None = None) -> Report:
    """The report on the workbook of the composition, once `edit` was done to it."""
    book = sheets(workbook.write(people, titles))
    edit(book)
    return examine(workbook.read(packed(book)), people, TODAY, titles)


@pytest.mark.parametrize("government", GOVERNMENTS)
def test_a_workbook_makes_the_round_trip_unchanged(government: str) -> None:
    people = composition_of(government)
    report = examine(workbook.read(workbook.write(people)), people, TODAY)
    assert report.composition == people
    assert {row.status for row in report.rows} == {Status.unchanged}


def test_odd_names_codes_and_days_make_the_round_trip_and_no_name_is_a_formula() -> None:
    body = content(pairs=[{"a": "lh-exec", "b": "lh-dep", "since": "1899-12-31", "until": "9999-12-31"}])
    body["organisations"] += [
        {"code": "001", "name": "=1+1", "kind": "town", "since": "1900-02-28"},
        {"code": "1.50", "name": "交通、城管局", "kind": "street"},
    ]
    body["portfolios"][0]["organisations"] = ["1.50"]
    body["posts"].append(post("lh-head", "staff", "001", title="=SUM(A1)"))
    people = Composition.model_validate(body)
    book = workbook.write(people, TOWN)
    assert examine(workbook.read(book), people, TODAY, TOWN).composition == people
    cells = [cell for row in sheets(book)["机构"].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}


def test_the_workbook_speaks_chinese_and_offers_the_words_to_choose_from() -> None:
    book = sheets(workbook.write(sixth.COMPOSITION, TOWN))
    assert book.sheetnames == ["说明", *TITLES.values()]
    assert [cell.value for cell in book["职务"][1]] == ["人员", "职务类别", "机构", "职务名称", "任职日期", "免职日期"]
    assert [cell.value for cell in book["职务"][2]][:3] == ["lh-head 甲一", "县长", "lh 临海县人民政府"]
    (offered,) = book["职务"].data_validations.dataValidation
    assert set(offered.formula1.strip('"').split(",")) == {
        {role: word for word, role in words_of(TOWN).items()}[role] for role in PostRole
    }
    assert len(offered.formula1) <= 255, "Excel takes no longer list"


def test_the_template_is_an_empty_composition_with_headers() -> None:
    written = workbook.read(workbook.write(None))
    assert written == {listing: [] for listing in Listing}
    for listing, fields in FIELDS.items():
        titles = [cell.value for cell in sheets(workbook.write(None))[TITLES[listing]][1]]
        assert titles == [field.header for field in fields]


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        (datetime(2026, 12, 31), "2026-12-31"), (date(2026, 12, 31), "2026-12-31"), ("2026-12-31", "2026-12-31"),
        ("2026/12/1", "2026-12-01"), ("2026.1.5", "2026-01-05"), (" 2026年1月5日 ", "2026-01-05"), (20261231, "2026-12-31"),
        ("二〇二六年", None), (46387, None), ("2026-13-01", None), (datetime(2026, 12, 31, 9), None), (True, None),
    ],
)  # fmt: skip
def test_a_day_is_read_as_people_type_it(typed: Any, day: str | None) -> None:
    def edit(book: Any) -> None:
        book["职务"]["F2"] = typed

    row = row_of(edited(edit), "posts", 2)
    if day:
        assert [(d.field, d.after) for d in row.differences] == [("until", day)]
    else:
        assert codes(row) == [("not_a_day", "until")]


def test_wrong_cells_are_reported_by_sheet_row_and_field() -> None:
    def edit(book: Any) -> None:
        book["机构"]["B3"] = "=A1"
        book["机构"]["C4"] = "衙门"
        book["人员"]["B2"] = date(2026, 1, 1)
        book["人员"]["C3"] = "备注"
        book["职务"]["A2"] = "查无此人"
        book["职务"]["B3"] = None
        book["分管"]["B2"] = "lh-water、lh-nowhere"

    report = edited(edit)
    found = {(row.listing.value, row.row, *codes(row)[0]) for row in report.rows if row.status == Status.wrong}
    assert found == {
        ("organisations", 3, "formula", "name"), ("organisations", 4, "unknown_word", "kind"),
        ("officials", 2, "wrong_type", "name"), ("officials", 3, "cell_without_header", None),
        ("posts", 2, "no_such_official", "official"), ("posts", 3, "missing", "role"),
        ("portfolios", 2, "no_such_organisation", "organisations"),
    }  # fmt: skip
    assert all(len(codes(row)) == 1 for row in report.rows if row.status == Status.wrong)


@pytest.mark.parametrize(
    ("value", "shown_as", "code"),
    [
        (210203199001011234, "General", "number_too_long"),
        (123456789012345678, "@", "number_too_long"),
        (7, "00000", "zeros_in_front"),
        (10007, "00000", None),
        (7, "General", None),
    ],
)
def test_a_key_that_excel_changed_is_a_finding_at_its_cell(value: int, shown_as: str, code: str | None) -> None:
    def edit(book: Any) -> None:
        book["人员"].append([value, "某人"])
        cell = book["人员"].cell(book["人员"].max_row, 1)
        cell.number_format = shown_as

    report = edited(edit)
    row = max((row for row in report.rows if row.listing.value == "officials"), key=lambda row: row.row)
    assert [found for found, field in codes(row) if field == "id"] == ([code] if code else [])


def test_a_reference_may_be_a_key_a_key_with_the_name_or_a_name_of_one_only() -> None:
    def refer(text: str, more: str | None = None) -> RowReport:
        def edit(book: Any) -> None:
            book["职务"]["A4"] = text
            if more:
                book["人员"].append(["lh-other", more])

        return row_of(edited(edit), "posts", 4)

    for text in ("lh-dep", "lh-dep 丙三", "丙三", "lh-dep　丙三"):
        assert refer(text).status == Status.unchanged, text
    assert warnings(refer("lh-dep 丁四")) == ["name_differs"]
    assert codes(refer("丙三", more="丙三")) == [("ambiguous_name", "official")]
    assert codes(refer("丙四")) == [("no_such_official", "official")]


@pytest.mark.parametrize("padded", ["丙　三", "丙 三", " 丙\u00a0\u3000三　", "丙三　"])
def test_a_name_padded_to_a_width_is_no_other_name_in_a_workbook_or_in_json(padded: str) -> None:
    def edit(book: Any) -> None:
        book["人员"]["B4"] = padded  # 丙三
        book["职务"]["A4"] = padded
        book["分管"]["A2"] = f"lh-dep {padded}"

    assert {row.status for row in edited(edit).rows} == {Status.unchanged}
    assert not [row for row in edited(edit).rows if warnings(row)]
    officials = [each | ({"name": padded} if each["name"] == "丙三" else {}) for each in content()["officials"]]
    assert {row.status for row in examined(content(officials=officials)).rows} == {Status.unchanged}


def test_padded_titles_words_headers_and_sheets_are_read_as_without_padding() -> None:
    def edit(book: Any) -> None:
        book["职务"].title = "职　务"
        book["职　务"]["B1"] = "职务 类别"
        book["职　务"]["B2"] = "政府主要　负责人"
        book["职　务"]["D2"] = "县　长"

    assert row_of(edited(edit), "posts", 2).status in (Status.unchanged, Status.changed)
    assert not [row for row in edited(edit).rows if row.status in (Status.wrong, Status.removed)]


# functions and successors --------------------------------------------------------------------------------------------
def organisations(**changed: Json) -> list[Json]:
    """The sixth government's organisations, some changed by their code (with _ for -)."""
    given = {code.replace("_", "-"): more for code, more in changed.items()}
    return [each | given.get(each["code"], {}) for each in content()["organisations"]]


def test_functions_are_read_in_chinese_and_english_and_an_unknown_one_is_a_finding() -> None:
    for written in (["司法行政", "督查"], ["justice", "supervision"], ["司法　行政", "supervision"]):
        report = examined(content(organisations=organisations(lh_water={"functions": written})))
        assert report.composition
        (water,) = (o for o in report.composition.organisations if o.code == "lh-water")
        assert water.functions == (OrganisationFunction.justice, OrganisationFunction.supervision)
    report = examined(content(organisations=organisations(lh_water={"functions": ["兼职"]})))
    assert [codes(row) for row in report.rows if codes(row)] == [[("unknown_word", "functions")]]


def test_functions_and_successors_make_the_round_trip_of_a_workbook() -> None:
    changed = organisations(
        lh_water={"functions": ["justice", "unit_office"], "until": "2026-06-30", "successor": "lh-fish"}
    )
    made = examined(content(organisations=changed)).composition
    assert made
    again = examine(workbook.read(workbook.write(made)), made, TODAY)
    assert (again.composition, {row.status for row in again.rows}) == (made, {Status.unchanged})


def test_a_workbook_written_before_there_were_functions_is_read() -> None:
    def edit(book: Any) -> None:
        sheet = book["机构"]
        names = [cell.value for cell in sheet[1]]
        for name in ("承接机构", "职能"):
            sheet.delete_cols(names.index(name) + 1)

    assert {row.status for row in edited(edit).rows} == {Status.unchanged}


def test_successors_in_a_circle_are_reported_at_each_of_its_rows() -> None:
    changed = organisations(
        lh_water={"until": "2026-06-30", "successor": "lh-fish"},
        lh_fish={"until": "2026-06-30", "successor": "lh-water"},
    )
    report = examined(content(organisations=changed))
    found = {row.key: codes(row) for row in report.rows if codes(row)}
    assert found == {"lh-water": [("successor_cycle", "successor")], "lh-fish": [("successor_cycle", "successor")]}
    itself = examined(content(organisations=organisations(lh_water={"until": "2026-06-30", "successor": "lh-water"})))
    assert [codes(row) for row in itself.rows if codes(row)] == [[("successor_cycle", "successor")]]


def test_a_successor_that_is_unknown_is_wrong_and_one_without_a_last_day_is_warned_of() -> None:
    report = examined(content(organisations=organisations(lh_water={"until": "2026-06-30", "successor": "nowhere"})))
    assert [codes(row) for row in report.rows if codes(row)] == [[("no_such_organisation", "successor")]]
    report = examined(content(organisations=organisations(lh_water={"successor": "lh-fish"})))
    assert [warnings(row) for row in report.rows if warnings(row)] == [["successor_without_end"]]


def test_what_holds_on_a_day_keeps_the_successors_that_it_names() -> None:
    more = {"code": "lh-new", "name": "县水利局", "kind": "constituent_department", "since": "2026-07-01"}
    changed = [*organisations(lh_water={"until": "2026-06-30", "successor": "lh-new"}), more]
    made = examined(content(organisations=changed)).composition
    assert made
    assert "lh-new" in holding(made, date(2026, 1, 1)).organisation_names


def test_portfolios_in_one_cell_are_taken_apart() -> None:
    for text in ("lh-water\nlh-fish", "lh-water、lh-fish", "县水务局，县渔业局", "lh-water 县水务局; lh-fish 县渔业局"):

        def edit(book: Any, text: str = text) -> None:
            book["分管"]["B2"] = text

        assert row_of(edited(edit), "portfolios").status == Status.unchanged, text


def test_english_sheets_and_headers_columns_in_any_order_and_blank_rows_are_taken() -> None:
    book = Workbook()
    book.remove(book.active)
    for listing, fields in FIELDS.items():
        sheet = book.create_sheet(f" {listing.value} ")
        sheet.append([field.name for field in reversed(fields)])
        sheet.append([])
        for entry in content()[listing]:
            values = [entry[field.name] for field in reversed(fields)]
            sheet.append(["、".join(v) if isinstance(v, list) else v for v in values])
    report = examine(workbook.read(packed(book)), sixth.COMPOSITION, TODAY)
    assert report.composition == sixth.COMPOSITION
    assert row_of(report, "organisations", 3).key == "lh"


def test_a_missing_sheet_and_a_misspelt_column_are_reported_and_nothing_is_removed_by_mistake() -> None:
    def edit(book: Any) -> None:
        del book["分管"]
        book["职务"]["F1"] = "免职日"
        book["人员"]["B1"] = "编号"

    report = edited(edit)
    assert codes(row_of(report, "portfolios")) == [("sheet_missing", None)]
    assert codes(row_of(report, "posts")) == [("unknown_column", None), ("column_missing", "until")]
    assert codes(row_of(report, "officials")) == [("column_twice", "id"), ("column_missing", "name")]
    assert report.composition is None
    assert not [row for row in report.rows if row.listing == Listing.portfolios and row.status == Status.removed]


def test_a_time_an_error_and_a_number_are_no_names() -> None:
    def edit(book: Any) -> None:
        book["人员"]["B2"] = time(9)
        book["人员"]["B3"] = "#N/A"
        book["人员"]["B4"] = 1001

    report = edited(edit)
    assert codes(row_of(report, "officials", 2)) == [("wrong_type", "name")]
    assert codes(row_of(report, "officials", 3)) == [("error_cell", "name")]
    assert [d.after for d in row_of(report, "officials", 4).differences] == ["1001"]


# files that nobody edits --------------------------------------------------------------------------------------------
def refused(body: bytes) -> str:
    with pytest.raises(Problem) as caught:
        workbook.read(body)
    assert caught.value.status == 422
    return caught.value.code


def repacked(change: dict[str, bytes], more: dict[str, bytes] | None = None) -> bytes:
    """The sixth government's workbook with parts of the archive replaced or added."""
    out = io.BytesIO()
    old = zipfile.ZipFile(io.BytesIO(workbook.write(sixth.COMPOSITION)))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
        for name, part in (more or {}).items():
            new.writestr(name, part)
    return out.getvalue()


def test_a_number_beyond_a_double_is_a_finding_at_its_cell() -> None:
    archive = zipfile.ZipFile(io.BytesIO(workbook.write(sixth.COMPOSITION)))
    sheet = next(name for name in archive.namelist() if name.endswith("sheet2.xml"))
    text = archive.read(sheet).decode()
    first = re.search(r'<c r="A2"[^>]*>.*?</c>', text)
    assert first
    body = repacked({sheet: text.replace(first[0], '<c r="A2"><v>1E400</v></c>').encode()})
    report = examine(workbook.read(body), sixth.COMPOSITION, TODAY)
    assert any("number_too_long" in [code for code, _ in codes(row)] for row in report.rows)


@pytest.mark.parametrize("body", [b"x", b"PK\x03\x04" + b"x" * 100, repacked({"xl/workbook.xml": b"<no"})])
def test_what_is_no_workbook_is_refused(body: bytes) -> None:
    assert refused(body) == "workbook_unreadable"


def test_a_strict_workbook_is_said_to_be_one() -> None:
    old = zipfile.ZipFile(io.BytesIO(workbook.write(sixth.COMPOSITION)))
    strict = {
        name: old.read(name)
        .replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        )
        .replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        )
        for name in old.namelist()
    }
    assert refused(repacked(strict)) == "workbook_strict"


def test_an_old_or_encrypted_workbook_is_said_to_be_one() -> None:
    with pytest.raises(Problem, match=r"Excel 97-2003 workbook \(\.xls\) or has a password"):
        workbook.read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500)


def test_a_cut_off_workbook_is_refused() -> None:
    whole = workbook.write(sixth.COMPOSITION)
    for size in (10, len(whole) // 2, len(whole) - 1):
        assert refused(whole[:size]) == "workbook_unreadable"


def test_a_zip_bomb_is_refused_by_what_it_would_unpack_to() -> None:
    bomb = repacked({}, {"xl/media/bomb": b"\0" * (workbook.MAX_UNPACKED + 1)})
    assert len(bomb) < 100_000
    assert refused(bomb) == "workbook_too_large"
    assert refused(repacked({}, {f"xl/{n}": b"" for n in range(workbook.MAX_PARTS)})) == "workbook_too_large"


def test_entities_in_a_sheet_are_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
    assert refused(repacked({"xl/worksheets/sheet2.xml": bomb})) == "workbook_unreadable"


def test_entities_in_the_list_of_sheets_are_not_followed() -> None:
    """Which parser reads this part depends on what else is installed: one refuses them, another leaves them out."""
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><workbook>&a;</workbook>'
    rows: list[Row] = []
    with contextlib.suppress(Problem):
        rows = [row for rows in workbook.read(repacked({"xl/workbook.xml": bomb})).values() for row in rows]
    assert all(row.unread for row in rows)


def test_a_sheet_that_claims_a_million_rows_or_columns_is_neither_walked_nor_taken() -> None:
    names = zipfile.ZipFile(io.BytesIO(workbook.write(sixth.COMPOSITION))).namelist()
    sheet = next(name for name in names if name.endswith("sheet2.xml"))

    def claiming(row: int, place: str) -> bytes:
        head = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        cell = f'<row r="{row}"><c r="{place}" t="inlineStr"><is><t>x</t></is></c></row>'
        return repacked({sheet: f"{head}{cell}</sheetData></worksheet>".encode()})

    for number, place in ((1_048_576, "A1048576"), (1, "XFD1")):
        (row,) = workbook.read(claiming(number, place))[Listing.organisations]
        assert row.unread
        assert {finding.code for finding in row.findings} == {"column_missing"}
    far = sheets(workbook.write(sixth.COMPOSITION))
    far["机构"].cell(1_048_576, 1, "x")
    assert refused(packed(far)) == "too_many_rows"


def test_many_people_are_examined_in_seconds() -> None:
    """The checks don't take quadratic time in any of their groupings."""
    third = MAX_ROWS // 3
    units = [{"code": f"u{n}", "name": "某局", "kind": "town", "parent": f"u{n + 1}"} for n in range(third)]
    units[-1]["parent"] = "lh"
    people = [{"id": f"o{n}", "name": "某某"} for n in range(third)]
    posts = [post(f"o{n}", "principal") for n in range(third)]
    began = process_time()
    body = content(organisations=[*content()["organisations"], *units], officials=people, posts=posts, portfolios=[])
    report = examined(body)
    assert process_time() - began < 10
    assert report.counts()[Listing.posts][Status.new] == third
    assert Kind.references in {field.kind for field in FIELDS[Listing.portfolios]}

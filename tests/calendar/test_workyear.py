"""Which years of working days changed against the base data."""

from __future__ import annotations

from datetime import date

from calendar_svc.workyear import changed_years
from zhengling.workdays import base_years

BASE = base_years(date(2026, 11, 22))


def test_everything_is_new_to_an_empty_service() -> None:
    assert [(version, year.year) for version, year in changed_years({}, BASE)] == [(1, y) for y in range(2010, 2032)]


def test_what_is_known_is_not_published_again() -> None:
    assert changed_years({year.year: (4, year) for year in BASE}, BASE) == []


def test_a_year_whose_notice_came_out_gets_the_next_version() -> None:
    known = {year.year: (4, year) for year in BASE}
    known[2026] = (4, known[2026][1].model_copy(update={"provisional": True}))
    assert [(version, year.year) for version, year in changed_years(known, BASE)] == [(5, 2026)]

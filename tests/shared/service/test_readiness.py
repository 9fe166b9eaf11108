"""Readiness and the calendar: not ready without one; ready with a note with an old one."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from zhengling.service.health import state_of_calendar

NEWEST: dict[str, Any] = {
    "last": 2031,
    "changed_at": datetime(2026, 11, 22, tzinfo=UTC),
    "this_year": 2026,
    "provisional": False,
}


def state(**changes: object) -> str:
    return state_of_calendar(SimpleNamespace(**(NEWEST | changes)))


def test_a_calendar_of_today_is_in_order() -> None:
    assert state() == "ok"


def test_without_a_snapshot_a_service_is_not_ready() -> None:
    assert not state(last=None).startswith("ok")


@pytest.mark.parametrize("changes", [{"last": 2030}, {"provisional": True}, {"provisional": None}])
def test_with_an_old_snapshot_it_is_ready_and_says_so(changes: dict[str, object]) -> None:
    reported = state(**changes)
    assert reported.startswith("ok, but old")
    assert "2026-11-22" in reported

"""A topic, a resolution and the rulebooks that ship, as the tests of several nouns use them."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

from meeting_svc.topic.topic import Topic
from tests.conftest import ROOT
from zhengling.authority.act import Act
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.events.meeting import Resolution, Unit
from zhengling.local.client import at
from zhengling.rules.loading import load_edition
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Outcome, RaisedBy, TopicNature

DAY = date(2026, 2, 12)
CALENDAR = WorkdayCalendar(base_years(DAY), "test")
DECLARED = Act("hc-office-clerk", at(DAY, 8), at(DAY, 8))


@cache
def book(government: str) -> Rulebook:
    (folder,) = (ROOT / "rulebooks" / government).iterdir()
    assert isinstance(folder, Path)
    return load_edition(folder)


def a_topic(government: str, sponsor: str, raised_by: RaisedBy = RaisedBy.department, **fields: object) -> Topic:
    return Topic(
        id="t1",
        government=government,
        edition=book(government).edition,
        meeting_kind="executive",
        title="关于某事项的请示",
        sponsor=sponsor,
        raised_by=raised_by,
        nature=TopicNature.deliberation,
        submitted_by="x",
        submitted_at=at(DAY - timedelta(days=9)),
        recorded_at=at(DAY - timedelta(days=9)),
        papers=[],
        **fields,  # type: ignore[arg-type]  # a test's own fields
    )


def resolution(topic: str, **fields: object) -> Resolution:
    unit = Unit(code="hc-zjj", name="区住房和城乡建设局")
    given = {
        "decision_id": f"d-{topic}",
        "topic_id": topic,
        "number": 1,
        "title": "议题",
        "sponsor": unit,
        "outcome": Outcome.passed,
        "task": "组织实施",
        "lead": unit,
    }
    return Resolution.model_validate(given | fields)

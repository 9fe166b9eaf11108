"""Field research (调研): the days that leaders spend at the grassroots, compared with the year's minimum.

Invariant: a day counts once for each leader, until it is withdrawn. It is tracked, and blocks nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from zhengling.authority.composition import Composition
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import Research
from zhengling.rules.vocabulary import in_chinese


@dataclass
class FieldDay:
    """One leader's day of field research; a wrong record is withdrawn with a reason, never edited."""

    id: str
    government: str
    official: str
    day: date
    place: str
    subject: str
    recorded_by: str
    recorded_at: datetime
    withdrawn: bool = False
    withdrawn_reason: str = ""
    version: int = 1
    modified_at: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """A leader's year: days held, days expected for the elapsed part of the year, and the year's minimum."""

    official: str
    name: str
    held: int
    expected: int
    minimum: int
    days: tuple[FieldDay, ...]

    @property
    def behind(self) -> bool:
        return self.held < self.expected


def research_of(rules: Rules | None, government: str, name: str) -> Research:
    if rules and rules.research:
        return rules.research
    raise Problem(
        409,
        "no_research_rules",
        Text(f"the rules of {government} require no field research", f"{name}没有调研天数要求"),
        Text("add research to its absence.yaml", "请在规则库中补充调研要求"),
    )


def require_countable(research: Research, composition: Composition, official: str, day: date, today: date) -> None:
    """422 `day_in_the_future`; 409 `not_a_leader` unless the rule covers the official on that day."""
    if day > today:
        raise invalid("day_in_the_future", f"{day} is after today, {today}", f"{day}尚未到来")
    if official not in composition.members(research.who, day):
        name = composition.official_names.get(official, official)
        raise refusal(
            "not_a_leader",
            research.clause,
            f"on {day} the rule on field research doesn't cover {name}",
            f"{name}在{day}不属于调研天数要求的人员",
            Text(f"one of: {', '.join(research.who)}", f"适用于：{in_chinese(*research.who)}"),
        )


def withdraw(day: FieldDay, clause: str, reason: str) -> None:
    """Withdraw a wrong record. 409 `withdrawn_already`."""
    if day.withdrawn:
        raise refusal(
            "withdrawn_already",
            clause,
            "this record is already withdrawn",
            "该条调研记录已撤回",
            Text("record the correct day", "请登记正确的日期"),
        )
    day.withdrawn, day.withdrawn_reason = True, reason


def expected_by(research: Research, year: int, today: date) -> int:
    """The days expected for the elapsed part of the year: in proportion, rounded down; all of them once it is over."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    elapsed = (min(today, last) - first).days + 1
    return research.days * max(elapsed, 0) // ((last - first).days + 1)


def standings(
    research: Research, composition: Composition, year: int, today: date, held: Iterable[FieldDay]
) -> list[Standing]:
    """The year of each leader who holds office today or, for a past year, held it at the year's end."""
    of: dict[str, list[FieldDay]] = {}
    for each in held:
        of.setdefault(each.official, []).append(each)
    on = min(max(today, date(year, 1, 1)), date(year, 12, 31))
    expected = expected_by(research, year, today)
    return [
        Standing(official, composition.official_names[official], len(days), expected, research.days, tuple(days))
        for official in composition.members(research.who, on)
        for days in [of.get(official, [])]
    ]

"""What clerks call what the ledger counts and lists: lights, marks of quality, units, officials, categories. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oversight_svc.entry.entry import Light, Quality
from zhengling.authority.composition import Composition
from zhengling.kernel.errors import Text
from zhengling.rules.rulebook import Rulebook

LIGHTS = {
    Light.in_time: Text("green", "绿灯"),
    Light.due_soon: Text("yellow (due soon)", "黄灯（临期）"),
    Light.overdue: Text("red (overdue)", "红灯（逾期）"),
    Light.long_overdue: Text("red (long overdue)", "红灯（久拖不决）"),
    Light.suspended: Text("suspended", "中止"),
    Light.undated: Text("no due date yet", "时限待定"),
    Light.ended: Text("ended", "已终结"),
}
QUALITIES = {
    Quality.excellent: Text("excellent", "优秀"),
    Quality.good: Text("good", "良好"),
    Quality.fair: Text("fair", "一般"),
}


@dataclass(frozen=True)
class Names:
    """Codes and the names by which a government's clerks know them."""

    government: str
    units: Mapping[str, str]
    officials: Mapping[str, str]
    categories: Mapping[str, str]


def names_of(composition: Composition | None, current: Rulebook, editions: Iterable[Rulebook]) -> Names:
    """The names of the composition, and of the categories in every edition, those of the current one first."""
    books = [*editions, current]
    focus = [book.supervision.focus for book in books if book.supervision and book.supervision.focus]
    return Names(
        current.government.name,
        composition.organisation_names if composition else {},
        composition.official_names if composition else {},
        {category.code: category.name for each in focus for category in each.categories},
    )

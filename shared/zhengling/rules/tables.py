"""Decision tables: rows with `when`, of which the first that matches applies (DMN hit policy FIRST).

Which rows no case reaches, and which cases no row matches. The cases of a table are kept as a list of regions (each fact
with the values that are left of it), from which every row cuts its own: cases aren't listed one by one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from zhengling.rules.conditions import When

#: The facts that a place gives, each with the values that it can take there.
Domain = Mapping[str, tuple[object, ...]]
Region = dict[str, frozenset[object]]


class Coverage(NamedTuple):
    """`unreached`: the indexes of rows that no case reaches; `uncovered`: for each region that no row matches, its facts
    that are narrower than the domain."""

    unreached: list[int]
    uncovered: list[dict[str, list[object]]]


def coverage(rows: Sequence[When], domain: Domain) -> Coverage:
    """What the rows reach of the domain. Every fact of the rows is one of the domain's."""
    named = sorted({fact for when in rows for fact in when})
    whole: Region = {fact: frozenset(domain[fact]) for fact in named}
    left, unreached = [whole], []
    for i, when in enumerate(rows):
        reached = [region for region in left if _meets(region, when)]
        if not reached:
            unreached.append(i)
        left = [rest for region in left for rest in _cut(region, when)]
    return Coverage(unreached, [_narrower(region, domain) for region in left])


def values(wanted: object) -> list[object]:
    """The values that a `when` names for a fact."""
    return wanted if isinstance(wanted, list) else [wanted]


def _meets(region: Region, when: When) -> bool:
    return all(region[fact] & frozenset(values(wanted)) for fact, wanted in when.items())


def _cut(region: Region, when: When) -> Iterator[Region]:
    """What is left of the region beside the row: for each fact the part outside, the facts before it being inside."""
    if not _meets(region, when):
        yield region
        return
    for fact, wanted in when.items():
        inside = region[fact] & frozenset(values(wanted))
        if outside := region[fact] - inside:
            yield {**region, fact: outside}
        region = {**region, fact: inside}


def _narrower(region: Region, domain: Domain) -> dict[str, list[object]]:
    return {
        fact: [value for value in domain[fact] if value in left]
        for fact, left in region.items()
        if len(left) < len(domain[fact])
    }


def in_words(case: Mapping[str, Iterable[object]]) -> str:
    """A case as text: `difficulty is complex or long_term and source is …`."""
    return " and ".join(f"{fact} is {' or '.join(map(_word, left))}" for fact, left in case.items())


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

"""The effect of loading a composition on the current one, and the differences between two versions: row by row.

Pure: no I/O.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from meeting_svc.composition import checks
from meeting_svc.composition.rows import (
    DATED,
    KEYS,
    Finding,
    Listing,
    Row,
    Status,
    Values,
    Written,
    composed,
    enter,
    key_of,
    require_few_findings,
    rows_written,
    unread,
)
from zhengling.authority.composition import Composition
from zhengling.kernel.errors import Text
from zhengling.rules.rulebook import Titles


@dataclass(frozen=True)
class Difference:
    """A field whose value differs."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class RowReport:
    """The effect of loading one row, or the removal of a current row that isn't in the new rows (then `row` is
    None)."""

    listing: Listing
    row: int | None
    key: str
    status: Status
    differences: tuple[Difference, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Report:
    """The report on every row, and the new composition if no row is wrong."""

    rows: tuple[RowReport, ...]
    composition: Composition | None

    def counts(self) -> dict[Listing, dict[Status, int]]:
        found = Counter((row.listing, row.status) for row in self.rows)
        return {listing: {status: found[listing, status] for status in Status} for listing in Listing}

    @property
    def warnings(self) -> int:
        return sum(finding.warning for row in self.rows for finding in row.findings)


def examine(written: Written, standing: Composition | None, today: date, titles: Titles | None = None) -> Report:
    """All findings of all rows, and the change that each row makes to the current composition."""
    enter(written, titles)
    require_few_findings(written)
    checks.check(written)
    require_few_findings(written)
    return Report(tuple(_compared(written, standing, today)), composed(written))


def changes(before: Composition | None, after: Composition) -> list[RowReport]:
    """The differences between two versions, list by list."""
    found = _compared(rows_written(after), before, None)
    return [row for row in found if row.status != Status.unchanged]


def holding(composition: Composition, on: date) -> Composition:
    """The part of a composition valid on a day: the organisations that exist, the valid posts, portfolios and pairs,
    and the officials and organisations that these reference, with their parent organisations and successors."""
    posts = tuple(post for post in composition.posts if post.holds(on))
    portfolios = tuple(portfolio for portfolio in composition.portfolios if portfolio.holds(on))
    pairs = tuple(pair for pair in composition.pairs if pair.holds(on))
    officials = {post.official for post in posts} | {portfolio.official for portfolio in portfolios}
    officials |= {official for pair in pairs for official in (pair.a, pair.b)}
    links = {
        organisation.code: (organisation.parent, organisation.successor) for organisation in composition.organisations
    }
    there: set[str] = {organisation.code for organisation in composition.organisations if organisation.holds(on)}
    there |= {post.organisation for post in posts} | {code for p in portfolios for code in p.organisations}
    waiting = list(there)
    while waiting:
        linked = {code for code in links[waiting.pop()] if code} - there
        there |= linked
        waiting += linked
    return Composition(
        organisations=tuple(o for o in composition.organisations if o.code in there),
        officials=tuple(o for o in composition.officials if o.id in officials),
        posts=posts,
        portfolios=portfolios,
        pairs=pairs,
    )


def _compared(written: Written, standing: Composition | None, today: date | None) -> Iterator[RowReport]:
    old = rows_written(standing) if standing else {listing: [] for listing in Listing}
    for listing in Listing:
        matched, gone = _matched(listing, [row.values for row in old[listing]], written[listing])
        for row, before in zip(written[listing], matched, strict=True):
            differences = _differences(before, row.values) if before is not None else ()
            if row.wrong:
                status = Status.wrong
            elif before is None:
                status = Status.new
            else:
                status = Status.changed if differences else Status.unchanged
            number, findings = row.number, tuple(row.findings)
            yield RowReport(listing, number, key_of(listing, row.values), status, differences, findings)
        for values in () if unread(written[listing]) else gone:
            lost = _loses_history(listing, values, today)
            yield RowReport(listing, None, key_of(listing, values), Status.removed, findings=lost)


def _loses_history(listing: Listing, values: Values, today: date | None) -> tuple[Finding, ...]:
    """A warning for a removed row: a post that ended stays known by its last day, but a removed row is lost for past
    days too."""
    if today is None or listing not in DATED or date.fromisoformat(values["since"]) > today:
        return ()
    text = Text(
        "only earlier versions would still show this history: keep the row, and set until",
        "删除后，当前版本不再记载此前任职情况；应保留该行并填写截止日期",
    )
    return (Finding("history_lost", text, "until", warning=True),)


def _differences(before: Values, after: Values) -> tuple[Difference, ...]:
    return tuple(
        Difference(name, before.get(name), after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    )


def _matched(listing: Listing, old: Sequence[Values], new: Sequence[Row]) -> tuple[list[Values | None], list[Values]]:
    """For each new row the old row that it continues: the same key from the same day, else the same key from another
    day. Also the old rows that no new row continues."""
    found: list[Values | None] = [None] * len(new)
    left = dict(enumerate(old))
    for exactly in (True, False) if listing in DATED else (True,):
        waiting: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, values in reversed(left.items()):
            waiting[_identity(listing, values, exactly)].append(index)
        for place, row in enumerate(new):
            if found[place] is None and (same := waiting.get(_identity(listing, row.values, exactly))):
                found[place] = left.pop(same.pop())
    return found, list(left.values())


def _identity(listing: Listing, values: Values, exactly: bool) -> tuple[str, ...]:
    parts = [str(values.get(name)) for name in KEYS[listing]]
    if listing == Listing.pairs:
        parts.sort()
    return (*parts, str(values.get("since"))) if exactly and listing in DATED else tuple(parts)

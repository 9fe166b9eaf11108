"""Checks across the rows of a composition: duplicates, dangling references, posts held by two at once.

Invariant: every finding of every row is reported, not only the first; each check costs no more than sorting its rows.
Pure: no I/O.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

from meeting_svc.composition.rows import (
    FIELDS,
    Kind,
    Listing,
    Row,
    Written,
    entries,
    unread,
)
from zhengling.authority.composition import Organisation, Pair, Portfolio, PostRole, circles

#: Posts of which a government has one at a time; with two on one day it is undefined who decides.
ONE_IN_THE_GOVERNMENT = frozenset({PostRole.head, PostRole.party_secretary, PostRole.secretary_general})
#: Posts that usually have one holder (the principal: one in each organisation); two are a warning only.
USUALLY_ONE = frozenset({PostRole.executive_deputy, PostRole.office_director, PostRole.principal})
#: Dangling references reported of one field.
MAX_OF_ONE_FIELD = 20
_IDS = {Listing.organisations: "code", Listing.officials: "id"}


def check(written: Written) -> None:
    """Add to the rows the errors and warnings that depend on other rows."""
    _stand_twice(written)
    _point_nowhere(written)
    for name in _LINKS:
        _in_a_circle(written[Listing.organisations], name)
    _succeeded_but_not_abolished(written[Listing.organisations])
    _held_by_two(written[Listing.posts])
    _two_in_charge(written[Listing.portfolios])
    _pairs(written[Listing.pairs])
    _outlive_their_organisation(written)
    _without_post(written)


def _stand_twice(written: Written) -> None:
    for listing, name in _IDS.items():
        first: dict[str, Row] = {}
        for row in written[listing]:
            if row.values.get(name) and (other := first.setdefault(str(row.values[name]), row)) is not row:
                _twice(row, other, name)
    posts = [((p.official, p.role, p.organisation), row, p) for row, p in entries(written[Listing.posts])]
    for other, row in _overlapping(posts):
        _twice(row, other, "official")
    for other, row in _overlapping(
        ((p.official, code), row, p) for row, p, code in _charges(written[Listing.portfolios])
    ):
        _twice(row, other, "official")


def _charges(rows: list[Row]) -> Iterator[tuple[Row, Portfolio, str]]:
    """Each organisation of each portfolio."""
    for row, portfolio in entries(rows):
        for code in dict.fromkeys(portfolio.organisations):
            yield row, portfolio, code


def _twice(row: Row, other: Row, name: str) -> None:
    key = row.values.get(name)
    row.find(
        "stands_twice", f"{key} is listed twice: also in row {other.number}", f"{key}与第{other.number}行重复", name
    )


def _point_nowhere(written: Written) -> None:
    known = {
        listing: {row.values[name] for row in written[listing] if isinstance(row.values.get(name), str)}
        for listing, name in _IDS.items()
    }
    for listing, rows in written.items():
        for field in FIELDS[listing]:
            if field.to is None or unread(written[field.to]):
                continue
            for row in rows:
                value = row.values.get(field.name)
                named = value if field.kind == Kind.references and isinstance(value, (list, tuple)) else [value]
                unknown = dict.fromkeys(k for k in named if isinstance(k, str) and k and k not in known[field.to])
                for key in islice(unknown, MAX_OF_ONE_FIELD):
                    what, zh = ("official", "人员") if field.to == Listing.officials else ("organisation", "机构")
                    row.find(f"no_such_{what}", f"no such {what}: {key[:60]}", f"没有该{zh}：{key[:60]}", field.name)


#: Fields that link an organisation to another one and may not lead back to it: the finding's code and texts.
_LINKS = {
    "parent": ("parent_cycle", "its chain of parents leads back to itself", "上级机构循环引用"),
    "successor": ("successor_cycle", "its chain of successors leads back to itself", "承接机构循环引用"),
}


def _in_a_circle(rows: list[Row], name: str) -> None:
    """Each organisation that this field links back to itself."""
    of = {row.values["code"]: row for row in rows if isinstance(row.values.get("code"), str)}
    code, en, zh = _LINKS[name]
    links = {key: to if isinstance(to := row.values.get(name), str) else None for key, row in of.items()}
    for circle in circles(links):
        loop = " → ".join([*circle[:5], *(["…"] if len(circle) > 5 else []), circle[0]])
        for member in circle:
            of[member].find(code, f"{en}: {loop}", f"{zh}：{loop}", name)


def _succeeded_but_not_abolished(rows: list[Row]) -> None:
    for row, organisation in entries(rows):
        if organisation.successor and organisation.until is None:
            row.find(
                "successor_without_end",
                f"{organisation.code} has a successor but no last day, so nothing passes to it yet",
                f"{organisation.code}已填写承接机构但未填写撤销日期，暂不生效",
                "until",
                warning=True,
            )


def _overlapping(held: Iterable[tuple[Hashable, Row, Any]]) -> Iterator[tuple[Row, Row]]:
    """Pairs of rows that overlap in time under the same key: for each row the earlier row with the latest end, and the
    row itself; each pair once, however many keys they share."""
    groups: dict[Hashable, list[tuple[Row, Any]]] = defaultdict(list)
    for key, row, entry in held:
        groups[key].append((row, entry))
    reported: set[tuple[int, int]] = set()
    for group in groups.values():
        group.sort(key=lambda pair: (pair[1].since, pair[0].number))
        reaching: tuple[Row, date] | None = None
        for row, entry in group:
            if reaching and entry.since <= reaching[1] and (reaching[0].number, row.number) not in reported:
                reported.add((reaching[0].number, row.number))
                yield reaching[0], row
            until = entry.until or date.max
            if not reaching or until > reaching[1]:
                reaching = row, until


def _held_by_two(rows: list[Row]) -> None:
    firm = ONE_IN_THE_GOVERNMENT
    held = [
        ((post.role, None if post.role in firm else post.organisation), row, post)
        for row, post in entries(rows)
        if post.role in firm | USUALLY_ONE
    ]
    for other, row in _overlapping(held):
        if row.values["official"] != other.values["official"]:
            role = row.values["role"]
            row.find(
                "held_by_two",
                f"{other.values['official']} (row {other.number}) holds {role} on the same days",
                f"与第{other.number}行的{other.values['official']}任期重叠，同一职务同期由两人担任",
                "since",
                warning=role not in firm,
            )


def _two_in_charge(rows: list[Row]) -> None:
    for other, row in _overlapping((code, row, portfolio) for row, portfolio, code in _charges(rows)):
        if row.values["official"] != other.values["official"]:
            shared = sorted(set(row.values["organisations"]) & set(other.values["organisations"]))
            row.find(
                "two_in_charge",
                f"{other.values['official']} (row {other.number}) is in charge of {', '.join(shared)} on the same days",
                f"第{other.number}行的{other.values['official']}同期也分管{'、'.join(shared)}",
                "organisations",
                warning=True,
            )


def _pairs(rows: list[Row]) -> None:
    for row in rows:
        if row.values.get("a") and row.values.get("a") == row.values.get("b"):
            row.find("pair_with_oneself", "an official can't be paired with themselves", "本人不能与本人互为AB角", "b")
    for other, row in _overlapping((who, row, pair) for row, pair in entries(rows) for who in {pair.a, pair.b}):
        both = sorted({row.values["a"], row.values["b"]} & {other.values["a"], other.values["b"]})
        row.find(
            "two_pairs_at_once",
            f"{', '.join(both)} is in the pair of row {other.number} on the same days",
            f"{'、'.join(both)}同期已在第{other.number}行的AB角中",
            "a",
        )


def _outlive_their_organisation(written: Written) -> None:
    there: dict[str, Organisation] = {o.code: o for _, o in entries(written[Listing.organisations])}
    for row, entry in entries(written[Listing.posts]) + entries(written[Listing.portfolios]):
        for code in getattr(entry, "organisations", None) or (entry.organisation,):
            if (organisation := there.get(code)) and not _covers(organisation, entry.since, entry.until):
                period = f"{organisation.since or '…'} – {organisation.until or '…'}"
                row.find(
                    "organisation_not_there",
                    f"{code} doesn't exist on all of these days, only {period}",
                    f"{code}仅存续于{period}，与本行起止日期不符",
                    "since",
                    warning=True,
                )


def _covers(organisation: Organisation, since: date, until: date | None) -> bool:
    return (organisation.since or date.min) <= since and (until or date.max) <= (organisation.until or date.max)


def _without_post(written: Written) -> None:
    """Warn of portfolios and pairs of officials without a post: they have no effect."""
    serving: dict[str, list[Any]] = defaultdict(list)
    for _, post in sorted(entries(written[Listing.posts]), key=lambda pair: pair[1].since):
        serving[post.official].append(post)
    known = {str(row.values.get("id")) for row in written[Listing.officials]}
    dated = entries(written[Listing.portfolios]) + entries(written[Listing.pairs])
    for row, entry in dated:
        who = (entry.a, entry.b) if isinstance(entry, Pair) else (entry.official,)
        for official in known.intersection(who):
            if first := _first_day_without(serving[official], entry.since, entry.until):
                row.find(
                    "no_post",
                    f"{official} holds no post on {first}; this row has no effect then",
                    f"{official}在{first}没有任职，届时本行不生效",
                    "until",
                    warning=True,
                )


def _first_day_without(posts: list[Any], since: date, until: date | None) -> date | None:
    """The first day of the period on which none of these posts (sorted by first day) is held."""
    day = since
    for post in posts:
        if post.since <= day and (post.until is None or post.until >= day):
            if post.until is None or post.until >= (until or date.max):
                return None
            day = post.until + timedelta(days=1)
    return day

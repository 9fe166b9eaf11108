"""Breaches by an absence: notice too short, an A/B pair away together, too many leaders away at once.

Invariant: limits are checked for each day, over approved absences; a waivable limit is waived only by a role of the
rule, with a reason, and only for the days requested then. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from calendar_svc.absence.absence import Absence, Action, own_absence, require_act, require_asked
from zhengling.authority import waivers
from zhengling.authority.composition import Acting, Composition
from zhengling.authority.waivers import Breach, Waiving, not_waived
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import Limit, LimitName, RequestRow
from zhengling.rules.vocabulary import Role, in_chinese


@dataclass(frozen=True)
class Away:
    """Somebody's approved absence, as counted by the limits."""

    official: str
    since: date
    until: date


@dataclass(frozen=True, kw_only=True)
class LimitBreach(Breach):
    """A limit that an absence breaks: on which days, because of whom."""

    rule: LimitName
    first: date
    last: date
    because_of: tuple[Away, ...] = ()
    at_most: int | None = None
    due: date | None = None


def require_no_overlap(composition: Composition, absence: Absence, own: Sequence[Away]) -> None:
    """409 `overlaps` if the official has already requested, or has, an absence on one of these days."""
    if clash := next((other for other in own if other.official == absence.official), None):
        name = composition.official_names.get(absence.official, absence.official)
        raise refusal(
            "overlaps",
            absence.clause,
            f"{name} already has an absence from {clash.since} to {clash.until}",
            f"{name}已有{clash.since}至{clash.until}的请假",
            Text("extend or cancel that one, or choose other days", "请对原请假办理续假或取消，或另选日期"),
            away=_shown(composition, [clash]),
        )


def open_breaches(
    absence: Absence, rules: Rules, row: RequestRow, composition: Composition, away: Sequence[Away]
) -> list[LimitBreach]:
    """The breaches by what is requested: notice too short, and limits on the days not approved yet. `away` are the
    approved absences, of any days."""
    since = absence.until + timedelta(days=1) if absence.extension else absence.since
    broken = breaches_of(rules, composition, absence.official, since, absence.asked_until, away)
    return notice_breach(row, absence, composition) + broken


def breaches_of(
    rules: Rules, composition: Composition, official: str, since: date, until: date, others: Sequence[Away]
) -> list[LimitBreach]:
    """The limits broken if the official is away on these days, given the other absences; one breach for each limit,
    with its first and last day."""
    others = [o for o in others if o.official != official and o.since <= until and since <= o.until]
    if not others:
        return []
    found = []
    for limit in rules.limits:
        days: list[date] = []
        because_of: dict[Away, None] = {}
        day = since
        while day <= until:
            away = [other for other in others if other.since <= day <= other.until]
            against = _against(limit.limit, limit.at_most, limit.of, composition, official, day, away) if away else []
            if against:
                days.append(day)
                because_of |= dict.fromkeys(against)
            day += timedelta(days=1)
        if days:
            found.append(_of_limit(limit, composition, official, days, tuple(because_of)))
    return found


def _against(
    limit: LimitName,
    at_most: int | None,
    of: tuple[Role, ...],
    composition: Composition,
    official: str,
    day: date,
    away: list[Away],
) -> list[Away]:
    """The officials whose absence on that day excludes this official's."""
    group = composition.members(of, day)
    if official not in group:
        return []
    if limit == LimitName.pair:
        partner = composition.partner(official, day)
        return [other for other in away if other.official == partner and partner in group]
    of_group = [other for other in away if other.official in group]
    return of_group if at_most is not None and len({other.official for other in of_group}) >= at_most else []


def is_late(absence: Absence) -> bool:
    """Whether it was put on record after the departure, or after the last day of a period of notice."""
    return shanghai_day(absence.requested_at) > (absence.notice_due or absence.since)


def notice_breach(row: RequestRow, absence: Absence, composition: Composition) -> list[LimitBreach]:
    """The breach of the period of notice, if one is required. Notice counts from the departure, so an extension needs
    none."""
    due = absence.notice_due
    if row.notice is None or due is None or absence.extension or shanghai_day(absence.requested_at) <= due:
        return []
    name = composition.official_names.get(absence.official, absence.official)
    return [
        LimitBreach(
            rule=LimitName.notice,
            code="notice_too_short",
            clause=absence.clause,
            waivable_by=row.notice.admit,
            covers=(absence.since.isoformat(),),
            detail=Text(
                f"for a departure of {name} on {absence.since} the request was due on {due}",
                f"{name}拟于{absence.since}外出，应于{due}前请假",
            ),
            satisfy=_OTHER_DAYS,
            extra=_extra(LimitName.notice, absence.since, absence.until) | {"due": str(due), "away": []},
            first=absence.since,
            last=absence.until,
            due=due,
        )
    ]


_OTHER_DAYS = Text("choose other days", "请另选日期")


def _extra(limit: LimitName, first: date, last: date) -> dict[str, object]:
    return {"limit": limit, "days": [str(first), str(last)]}


def _of_limit(
    limit: Limit, composition: Composition, official: str, days: list[date], because_of: tuple[Away, ...]
) -> LimitBreach:
    first, last = days[0], days[-1]
    pair = limit.limit == LimitName.pair
    return LimitBreach(
        rule=limit.limit,
        code="pair_away_together" if pair else "too_many_away",
        clause=limit.clause,
        waivable_by=limit.lift,
        covers=tuple(day.isoformat() for day in days),
        detail=(_says_pair if pair else _says_at_once)(limit, composition, official, (first, last), because_of),
        satisfy=_OTHER_DAYS,
        extra=_extra(limit.limit, first, last) | {"away": _shown(composition, because_of)},
        first=first,
        last=last,
        because_of=because_of,
        at_most=limit.at_most,
    )


def _says_pair(
    limit: Limit, composition: Composition, official: str, days: tuple[date, date], because_of: tuple[Away, ...]
) -> Text:
    name = composition.official_names.get(official, official)
    who, on = _spans(composition, because_of), _days(*days)
    return Text(
        f"{name} and {', '.join(who.en)} are an A/B pair; {on.en} both would be away",
        f"{name}与{'、'.join(who.zh)}互为AB角，{on.zh}将同时外出",
    )


def _says_at_once(
    limit: Limit, composition: Composition, official: str, days: tuple[date, date], because_of: tuple[Away, ...]
) -> Text:
    who, on = _spans(composition, because_of), _days(*days)
    count = len({other.official for other in because_of})
    return Text(
        f"{on.en} {count} officials are already away; at most {limit.at_most} may be: {', '.join(who.en)}",
        f"{on.zh}已有{count}人外出，同时外出不得超过{limit.at_most}人：{'、'.join(who.zh)}",
    )


def _days(first: date, last: date) -> Text:
    if first == last:
        return Text(f"on {first}", f"{first}")
    return Text(f"from {first} to {last}", f"{first}至{last}")


@dataclass(frozen=True)
class _Spans:
    en: list[str]
    zh: list[str]


def _spans(composition: Composition, because_of: tuple[Away, ...]) -> _Spans:
    """Who is away, with the days, in both languages."""
    named = list(zip(composition.names(other.official for other in because_of), because_of, strict=True))
    return _Spans(
        [f"{name} ({other.since} to {other.until})" for name, other in named],
        [f"{name}（{other.since}至{other.until}）" for name, other in named],
    )


def _shown(composition: Composition, away: Sequence[Away]) -> list[dict[str, str]]:
    return [
        {
            "official": other.official,
            "name": composition.official_names.get(other.official, other.official),
            "since": other.since.isoformat(),
            "until": other.until.isoformat(),
        }
        for other in away
    ]


def waive(absence: Absence, composition: Composition, found: Sequence[LimitBreach], waiving: Waiving) -> Acting:
    """Waive a limit for the days on which it is broken. 403 `not_the_lifter`, `own_absence`; 409 `nothing_to_lift`,
    `firm`."""
    require_act(absence, Action.lift)
    require_asked(absence)
    given, acting = waivers.waive(
        not_waived(found, absence.lifts), waiving, composition, name=in_chinese(waiving.rule), clause=absence.clause
    )
    if acting.on_behalf_of and waiving.official == absence.official:
        raise own_absence(absence)
    absence.lifts = [*absence.lifts, *given]
    return acting

"""Breaches by an absence: notice too short, an A/B pair away together, too many leaders away at once.

Invariant: limits are checked for each day, over approved absences; a waivable limit is waived only by a role of the
rule, with a reason, and only for the days requested then. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from calendar_svc.absence.absence import Absence, Action, Waiver, own_absence, require_act, require_asked
from zhengling.authority.composition import Acting, Composition, Permission
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.absences import Absence as Rules
from zhengling.rules.absences import LimitName, RequestRow
from zhengling.rules.chains import actors_of
from zhengling.rules.vocabulary import Role, in_chinese


@dataclass(frozen=True)
class Away:
    """Somebody's approved absence, as counted by the limits."""

    official: str
    since: date
    until: date


@dataclass(frozen=True)
class Breach:
    """A limit that an absence breaks: on which days, because of whom, and who may waive it."""

    limit: LimitName
    clause: str
    first: date
    last: date
    waivable_by: tuple[Role, ...]
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
) -> list[Breach]:
    """The breaches by what is requested: notice too short, and limits on the days not approved yet. `away` are the
    approved absences, of any days."""
    since = absence.until + timedelta(days=1) if absence.extension else absence.since
    broken = breaches_of(rules, composition, absence.official, since, absence.asked_until, away)
    return notice_breach(row, absence) + broken


def breaches_of(
    rules: Rules, composition: Composition, official: str, since: date, until: date, others: Sequence[Away]
) -> list[Breach]:
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
            found.append(
                Breach(limit.limit, limit.clause, days[0], days[-1], limit.lift, tuple(because_of), limit.at_most)
            )
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


def notice_breach(row: RequestRow, absence: Absence) -> list[Breach]:
    """The breach of the period of notice, if one is required. Notice counts from the departure, so an extension needs
    none."""
    due = absence.notice_due
    if row.notice is None or due is None or absence.extension or shanghai_day(absence.requested_at) <= due:
        return []
    return [Breach(LimitName.notice, absence.clause, absence.since, absence.until, row.notice.admit, due=due)]


def standing(absence: Absence, found: Sequence[Breach]) -> list[Breach]:
    """The breaches that aren't waived for all their days."""
    return [
        breach
        for breach in found
        if not any(
            waiver.limit == breach.limit and waiver.since <= breach.first and breach.last <= waiver.until
            for waiver in absence.lifts
        )
    ]


_CODES = {
    LimitName.notice: "notice_too_short",
    LimitName.pair: "pair_away_together",
    LimitName.at_once: "too_many_away",
}


def refuse_breaches(composition: Composition, absence: Absence, found: Sequence[Breach], *, asked: bool) -> None:
    """Refuse for the first breach: 409 `notice_too_short`, `pair_away_together`, `too_many_away`, naming who is away
    when and who may waive the limit. `asked`: the request already exists; otherwise the answer mentions `exception`."""
    if not found:
        return
    breach = found[0]
    en, zh = _says(composition, absence, breach)
    who_waives = " or ".join(breach.waivable_by)
    if not breach.waivable_by:
        satisfy = Text("choose other days; this limit can't be waived", "请另选日期；该规定无例外")
    elif asked:
        satisfy = Text(
            f"choose other days, or have {who_waives} waive the limit with a reason",
            f"请另选日期，或由{in_chinese(*breach.waivable_by)}说明理由后准予例外",
        )
    else:
        satisfy = Text(
            f"choose other days, or state in `exception` why {who_waives} should waive the limit",
            f"请另选日期，或说明例外理由，报{in_chinese(*breach.waivable_by)}批准",
        )
    extra: dict[str, object] = {"limit": breach.limit, "days": [str(breach.first), str(breach.last)]}
    if breach.due:
        extra["due"] = str(breach.due)
    raise refusal(
        _CODES[breach.limit],
        breach.clause,
        en,
        zh,
        satisfy,
        **extra,
        away=_shown(composition, breach.because_of),
        also=[other.limit for other in found[1:]],
    )


def _says(composition: Composition, absence: Absence, breach: Breach) -> Text:
    name = composition.official_names.get(absence.official, absence.official)
    who = composition.names(other.official for other in breach.because_of)
    spans = [f"{n} ({o.since} to {o.until})" for n, o in zip(who, breach.because_of, strict=True)]
    spans_zh = [f"{n}（{o.since}至{o.until}）" for n, o in zip(who, breach.because_of, strict=True)]
    days = f"from {breach.first} to {breach.last}" if breach.first != breach.last else f"on {breach.first}"
    days_zh = f"{breach.first}至{breach.last}" if breach.first != breach.last else f"{breach.first}"
    if breach.limit == LimitName.notice:
        return Text(
            f"for a departure of {name} on {absence.since} the request was due on {breach.due}",
            f"{name}拟于{absence.since}外出，应于{breach.due}前请假",
        )
    if breach.limit == LimitName.pair:
        return Text(
            f"{name} and {', '.join(spans)} are an A/B pair; {days} both would be away",
            f"{name}与{'、'.join(spans_zh)}互为AB角，{days_zh}将同时外出",
        )
    return Text(
        f"{days} {len(set(who))} officials are already away; at most {breach.at_most} may be: {', '.join(spans)}",
        f"{days_zh}已有{len(set(who))}人外出，同时外出不得超过{breach.at_most}人：{'、'.join(spans_zh)}",
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


def waive(
    absence: Absence,
    composition: Composition,
    found: Sequence[Breach],
    limit: LimitName,
    official: str | None,
    reason: str,
    occurred_at: datetime,
    on: date,
) -> Acting:
    """Waive a limit for the days requested. 403 `not_the_lifter`; 409 `nothing_to_lift`."""
    require_act(absence, Action.lift)
    require_asked(absence)
    breach = next((b for b in standing(absence, found) if b.limit == limit), None)
    if breach is None:
        raise refusal(
            "nothing_to_lift",
            absence.clause,
            f"this absence doesn't break the limit {limit}",
            "该请假未触及此项限制",
            Text("approve the absence, or waive a limit that it breaks", "可直接审批，或对确有触及的限制准予例外"),
        )
    acting = composition.require(
        official,
        on,
        Permission(
            actors_of(breach.waivable_by),
            Text(f"waive the limit {limit}", "准予例外"),
            code="not_the_lifter",
            clause=breach.clause,
        ),
    )
    if acting.on_behalf_of and official == absence.official:
        raise own_absence(absence)
    absence.lifts = [
        *absence.lifts,
        Waiver(
            limit,
            absence.since,
            absence.asked_until,
            breach.clause,
            official or "",
            reason,
            occurred_at,
            acting.on_behalf_of,
        ),
    ]
    return acting

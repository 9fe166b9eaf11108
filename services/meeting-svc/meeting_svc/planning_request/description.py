"""The rules of a request to hold a meeting, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from meeting_svc.meeting_kind.description import Described, words
from zhengling.dates.deadlines import Unit
from zhengling.kernel.errors import Text
from zhengling.rules.planning import CHINESE, RequestType, Span
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.vocabulary import Role

_SPANS_ZH = {Span.month: "每月", Span.quarter: "每季度", Span.half_year: "每半年", Span.year: "每年"}
_UNITS_ZH = {Unit.working_day: "个工作日", Unit.day: "天", Unit.week: "周", Unit.month: "个月"}


def describe_request(book: Rulebook, kind: RequestType) -> list[Described]:
    """Each rule of a type of request with its clause: lead time, quota, size, name, invitees, plan."""
    return [*_lead(book, kind), *_limits(kind)]


def _waiver(lift: tuple[Role, ...]) -> tuple[str, str]:
    en, zh = words(lift)
    return (f", unless waived by {en}", f"（{zh}可准予例外）") if lift else ("; firm", "")


def _lead(book: Rulebook, kind: RequestType) -> Iterator[Described]:
    if kind.lead is None:
        return
    rule, (en, zh) = book.deadline(kind.lead.rule), _waiver(kind.lead.admit)
    what, what_zh = ("Asked for", "提出申请") if kind.lead.met_by == "request" else ("Approved", "批准")
    if rule.before and rule.unit:
        yield (
            rule.clause,
            Text(
                f"{what} at least {rule.before} {rule.unit} before the day{en}",
                f"应提前{rule.before}{_UNITS_ZH.get(rule.unit, rule.unit)}{what_zh}{zh}",
            ),
        )


def _limits(kind: RequestType) -> Iterator[Described]:
    for quota in kind.quotas:
        en, zh = _waiver(quota.lift)
        whose, whose_zh = ("sponsor", "每个部门") if quota.of == "sponsor" else ("government", "本级政府")
        yield (
            quota.clause,
            Text(
                f"At most {quota.at_most} a {quota.per} for each {whose}{en}",
                f"{whose_zh}{_SPANS_ZH[quota.per]}不超过{quota.at_most}次{zh}",
            ),
        )
    if kind.participants:
        en, zh = _waiver(kind.participants.lift)
        most = kind.participants.at_most
        yield kind.participants.clause, Text(f"At most {most} take part{en}", f"参会不超过{most}人{zh}")
    if kind.in_name_of:
        en, zh = _waiver(kind.in_name_of.lift)
        names, names_zh = " or ".join(kind.in_name_of.allowed), "、".join(CHINESE[n] for n in kind.in_name_of.allowed)
        yield kind.in_name_of.clause, Text(f"In the name of the {names}{en}", f"以{names_zh}名义召开{zh}")
    for rule in kind.invitees:
        en, zh = _waiver(rule.lift)
        groups, groups_zh = ", ".join(rule.groups), "、".join(CHINESE[group] for group in rule.groups)
        if rule.needs == "approval":
            yield rule.clause, Text(f"Invited only after approval: {groups}", f"经批准后方可邀请{groups_zh}")
        else:
            yield rule.clause, Text(f"Not invited: {groups}{en}", f"一般不邀请{groups_zh}{zh}")
    if kind.planned:
        en, zh = _waiver(kind.planned.lift)
        yield kind.planned.clause, Text(f"Listed in the adopted yearly plan{en}", f"须列入已审定的年度计划{zh}")

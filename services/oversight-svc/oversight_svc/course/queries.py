"""Queries of the course of a matter."""

from __future__ import annotations

from datetime import date

from oversight_svc.course import course
from oversight_svc.course.course import DateAct
from oversight_svc.course.schemas import PossibleAct, PossibleActs
from oversight_svc.entry.commands import SUBJECT, ledger_of
from oversight_svc.entry.entry import ACCEPTANCE, ENDED, DueBasis, Entry
from oversight_svc.part.queries import parts_of
from oversight_svc.source import source as sources
from oversight_svc.source.queries import sources_of
from zhengling.authority.composition import Composition
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.rules.supervision import CourseAct, Ledger
from zhengling.rules.vocabulary import in_chinese
from zhengling.web.call import Call
from zhengling.web.sight import seen

#: Act → where it is posted, below the matter.
PATHS = {
    CourseAct.accept: "acceptance",
    CourseAct.refuse: "refusal",
    CourseAct.transfer: "transfer",
    CourseAct.progress: "progress",
    CourseAct.contribute: "contributions",
    CourseAct.explain: "explanation",
    CourseAct.report: "report",
    CourseAct.verify: "verification",
    CourseAct.send_back: "return",
    CourseAct.close: "closing",
    CourseAct.look_back: "look-back",
    CourseAct.reopen: "reopening",
    CourseAct.merge: "merging",
    CourseAct.separate: "separation",
    CourseAct.divide: "parts",
    CourseAct.acknowledge: "acknowledgement",
    CourseAct.succeed: "succession",
    CourseAct.carry_over: "carry-over",
}


async def list_acts(call: Call, entry_id: str) -> PossibleActs:
    """The acts that are possible in the matter's state, the awaited one first, and who sets its date while it has none. 409
    `no_course_rules`, `no_composition`."""
    entry = await seen(call, Entry, entry_id, "entry", "督查事项")
    book = call.service.rulebooks.edition(call.government, entry.edition)
    composition, today = await compositions.current(call.session), shanghai_day(call.now)
    unseen = sources.unseen(await sources_of(call.session, entry.id))
    parts = await parts_of(call.session, entry.id)
    until, items = await _refused_until(call, entry), []
    for act in course.possible(entry, composition, today, unseen, parts):
        if act == CourseAct.refuse and until and until < today:
            continue
        right = course.right_to(book, act)
        units = [unit.code for unit in entry.co_units] if act == CourseAct.contribute else [None]
        found = (course.officials_for(entry, act, right, composition, today, unit, unseen) for unit in units)
        items.append(
            PossibleAct(
                act=act,
                act_name=in_chinese(act),
                path=PATHS[act],
                awaited=act == course.awaited(entry, unseen, parts),
                clause=right.clause,
                by=list(right.by),
                officials=list(dict.fromkeys(official for each in found for official in each)),
                until=until if act == CourseAct.refuse else None,
            )
        )
    if entry.state not in ENDED and entry.due_basis == DueBasis.to_be_set:
        items.append(_setting(ledger_of(book), composition, today))
    return PossibleActs(items=items)


async def _refused_until(call: Call, entry: Entry) -> date | None:
    """The last day on which the lead unit may refuse the matter; None where the rules set none."""
    rows = await due_dates.kept(call.session, SUBJECT, entry.id)
    return next((row.due for row in rows if row.met_by == ACCEPTANCE and row.open), None)


def _setting(ledger: Ledger, composition: Composition, on: date) -> PossibleAct:
    """Who sets the date of a matter that has none."""
    found = (official for role in ledger.set_by for official in composition.who_may(role, on))
    return PossibleAct(
        act=DateAct.set_due,
        act_name=in_chinese(DateAct.set_due),
        path="due",
        awaited=False,
        clause=ledger.set_by_clause or ledger.clause,
        by=list(ledger.set_by),
        officials=list(dict.fromkeys(found)),
    )

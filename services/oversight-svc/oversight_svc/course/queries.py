"""Queries of the course of a matter."""

from __future__ import annotations

from oversight_svc.course import course
from oversight_svc.course.schemas import PossibleAct, PossibleActs
from oversight_svc.entry.entry import Entry
from oversight_svc.source import source as sources
from oversight_svc.source.queries import sources_of
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.supervision import CourseAct
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
}


async def list_acts(call: Call, entry_id: str) -> PossibleActs:
    """The acts that are possible in the matter's state, the awaited one first. 409 `no_course_rules`, `no_composition`."""
    entry = await seen(call, Entry, entry_id, "entry", "督查事项")
    book = call.service.rulebooks.edition(call.government, entry.edition)
    composition, today = await compositions.current(call.session), shanghai_day(call.now)
    unseen = sources.unseen((await sources_of(call.session, entry.id))[entry.id])
    items = []
    for act in course.possible(entry, unseen):
        right = course.right_to(book, act)
        units = [unit.code for unit in entry.co_units] if act == CourseAct.contribute else [None]
        found = (course.officials_for(entry, act, right, composition, today, unit, unseen) for unit in units)
        items.append(
            PossibleAct(
                act=act,
                act_name=in_chinese(act),
                path=PATHS[act],
                awaited=act == course.awaited(entry, unseen),
                clause=right.clause,
                by=list(right.by),
                officials=list(dict.fromkeys(official for each in found for official in each)),
            )
        )
    return PossibleActs(items=items)

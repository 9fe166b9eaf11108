"""A meeting's agenda (议程): its items in order, the chain that approves it, the versions that were approved.

Invariants: an approved agenda is locked, and only who approves it adds, removes or reorders afterwards, with a reason;
each such change is a version of its own, and every version has its first topic first. Pure: no I/O.
"""

from __future__ import annotations

from datetime import date, datetime

from meeting_svc.meeting.chairing import require_entrusted_chair
from meeting_svc.meeting.meeting import PREPARED, Meeting, MeetingState, minutes_facts, require_state
from meeting_svc.meeting.record import (
    OF_A_MEETING,
    AgendaCause,
    AgendaItem,
    AgendaRemoval,
    AgendaVersion,
    Remark,
)
from meeting_svc.topic.topic import Topic
from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken, next_step
from zhengling.authority.composition import Composition, Permission, RoleContext
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import TopicNature, in_chinese


def item_of(meeting: Meeting, topic_id: str) -> AgendaItem:
    """Refusal `not_on_the_agenda` where the topic doesn't stand on it."""
    if item := next((item for item in meeting.agenda if item.topic_id == topic_id), None):
        return item
    raise refusal(
        "not_on_the_agenda",
        None,
        f"topic {topic_id} isn't on this agenda",
        "该议题不在本次会议议程中",
        Text("name a topic of its agenda", "请选择议程中的议题"),
    )


def insert(meeting: Meeting, topic: Topic, position: int | None) -> list[AgendaItem]:
    """The items with a topic (scheduled by `readiness.schedule`) at a 1-based position, or at the end. Refusal
    `topic_of_another_kind`."""
    if topic.meeting_kind != meeting.kind:
        raise refusal(
            "topic_of_another_kind",
            None,
            f"the topic is for {topic.meeting_kind}, the meeting is {meeting.kind}",
            "议题的会议类别与本次会议不符",
            Text("choose a meeting of the topic's kind", "请选择相应类别的会议"),
        )
    item = AgendaItem(
        topic.id, topic.title, topic.nature, topic.sponsor, topic.submitted_at, topic.major, topic.convener
    )
    at = len(meeting.agenda) if position is None else min(position - 1, len(meeting.agenda))
    full = appended(meeting.agenda, item, bound=OF_A_MEETING)
    return [*full[:at], item, *full[at:-1]]


def require_unapproved(meeting: Meeting, kind: MeetingKind, composition: Composition, chair: str | None) -> None:
    """Refusal `agenda_locked` once the agenda is approved: who approves it adds what comes later, as its next version;
    `illegal_state` in any later state."""
    try:
        require_state(meeting, MeetingState.called)
    except Problem:
        if meeting.state != MeetingState.agenda_approved:
            raise
    else:
        return
    last = kind.agenda.asked(minutes_facts(meeting, None))[-1]
    sponsor = meeting.organised_by or meeting.agenda[0].sponsor
    may = {
        o
        for actor in last.by
        for o in composition.who_may(actor.role, meeting.day, context=RoleContext(sponsor=sponsor, chair=chair))
    }
    who = sorted(composition.names(may))
    raise refusal(
        "agenda_locked",
        last.clause or kind.agenda.clause,
        "the agenda is approved, and so locked",
        "议程已批准，不能直接列入",
        Text(
            f"have {' or '.join(who) or 'who approves it'} add it with a reason (agenda/additions)",
            f"请由{'或'.join(who) or '议程批准人'}说明理由后增列（agenda/additions）",
        ),
    )


def add(meeting: Meeting, topic: Topic, position: int | None) -> None:
    """Put a topic on an agenda that isn't approved yet: who approved a shorter one has to see the longer one."""
    require_state(meeting, MeetingState.called)
    meeting.agenda = insert(meeting, topic, position)
    meeting.agenda_steps = []


def without(meeting: Meeting, topic_id: str) -> list[AgendaItem]:
    """The items without this topic. Refusal `not_on_the_agenda`."""
    gone = item_of(meeting, topic_id)
    return [item for item in meeting.agenda if item is not gone]


def remove(meeting: Meeting, topic_id: str, reason: str, act: Act) -> None:
    """Take a topic off an agenda that isn't approved yet, with a reason."""
    require_state(meeting, MeetingState.called)
    left = without(meeting, topic_id)
    gone = AgendaRemoval(item_of(meeting, topic_id), reason, act)
    meeting.agenda_removals = appended(meeting.agenda_removals, gone, bound=OF_A_MEETING)
    meeting.agenda = left
    meeting.agenda_steps = []


def by_rule(items: list[AgendaItem], kind: MeetingKind) -> list[AgendaItem]:
    """The items as the rules order them: what has to stand first, then what is taken up from time to time, transmission,
    study, deliberation; among these as they were submitted."""
    natures = [rule.nature for rule in (kind.first_topic, kind.rhythm) if rule]
    order = list(dict.fromkeys([*natures, TopicNature.transmission, TopicNature.study, *TopicNature]))
    order.remove(TopicNature.deliberation)
    order.append(TopicNature.deliberation)

    def place(item: AgendaItem) -> tuple[int, float, str]:
        submitted = item.submitted_at.timestamp() if item.submitted_at else 0.0
        return order.index(item.nature), submitted, item.topic_id

    return sorted(items, key=place)


def by_hand(items: list[AgendaItem], topics: list[str]) -> list[AgendaItem]:
    """The items in the order of these topics. 422 `order_incomplete` unless each stands in it once."""
    if sorted(topics) != sorted(item.topic_id for item in items):
        raise invalid(
            "order_incomplete",
            "the order has to name every topic of the agenda once",
            "排序须逐一列出议程中的全部议题",
        )
    place = {topic: at for at, topic in enumerate(topics)}
    return sorted(items, key=lambda item: place[item.topic_id])


def reorder(meeting: Meeting, items: list[AgendaItem]) -> None:
    """Another order for an agenda that isn't approved yet."""
    require_state(meeting, MeetingState.called)
    if items != meeting.agenda:
        meeting.agenda = items
        meeting.agenda_steps = []


# approval -----------------------------------------------------------------------------------------------------------
def require_approvable(kind: MeetingKind, items: list[AgendaItem]) -> None:
    """Refusals of an agenda that can't be approved: `agenda_empty`, `first_topic_missing` (HC-47)."""
    if not items:
        raise _empty(kind)
    if kind.first_topic and items[0].nature != kind.first_topic.nature:
        raise refusal(
            "first_topic_missing",
            kind.first_topic.clause,
            f"the first topic has to be of the nature {kind.first_topic.nature}; it is {items[0].nature}",
            f"第一议题须为{in_chinese(kind.first_topic.nature)}类，当前为{in_chinese(items[0].nature)}类",
            Text(
                f"put a topic of the nature {kind.first_topic.nature} at position 1",
                f"请将{in_chinese(kind.first_topic.nature)}类议题列为第一项",
            ),
        )


def _empty(kind: MeetingKind) -> Problem:
    return refusal(
        "agenda_empty",
        kind.agenda.clause,
        "the agenda has no topic",
        "议程中没有议题",
        Text("add a topic that is ready", "请先列入议题"),
    )


def take_step(meeting: Meeting, kind: MeetingKind, taken: StepTaken) -> None:
    """Add a taken step of the agenda's chain; the last one approves and locks it, as its first version. Refusals
    before that: `agenda_empty`, `first_topic_missing`."""
    if not meeting.agenda:
        raise _empty(kind)
    steps = [*meeting.agenda_steps, taken]
    done = next_step(kind.agenda, steps, minutes_facts(meeting, taken.official)) is None
    if done:
        require_approvable(kind, meeting.agenda)
    meeting.agenda_steps = steps
    if done:
        _keep(meeting, meeting.agenda, AgendaCause.approval, taken.opinion, taken)
        meeting.state = MeetingState.agenda_approved


def require_approver(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    official: str | None,
    occurred_at: datetime,
    recorded_at: datetime,
    on: date,
    *,
    chair: str | None,
) -> StepTaken:
    """The approval of a change of an approved agenda: by who takes the last step of its chain. Problem 403
    `not_the_agenda_approver`; refusal `before_the_approval`."""
    require_state(meeting, MeetingState.agenda_approved)
    facts = minutes_facts(meeting, official)
    last = kind.agenda.asked(facts)[-1]
    clause = last.clause or kind.agenda.clause
    sponsor = meeting.organised_by or meeting.agenda[0].sponsor
    act = Text("change an approved agenda", "调整已批准的议程")
    acting = composition.require(
        official,
        on,
        Permission(
            last.by,
            act,
            code="not_the_agenda_approver",
            clause=clause,
            facts=facts,
            context=RoleContext(sponsor=sponsor, chair=chair),
        ),
    )
    require_entrusted_chair(meeting, kind, composition, acting, official or "")
    if occurred_at < meeting.agenda_versions[-1].approved.occurred_at:
        raise refusal(
            "before_the_approval",
            clause,
            "the agenda was approved later than that",
            "调整时间不能早于上一版议程的批准时间",
            Text("state when it was changed, after the approval", "请填写批准之后的时间"),
        )
    return StepTaken(
        last.step, acting.role, official or "", occurred_at, recorded_at, "", acting.on_behalf_of, acting.clause
    )


def change(
    meeting: Meeting,
    kind: MeetingKind,
    items: list[AgendaItem],
    cause: AgendaCause,
    reason: str,
    approved: StepTaken,
) -> None:
    """Make a new version of an approved agenda. Refusals as for the first approval, `reason_missing`,
    `agenda_unchanged`."""
    if not reason:
        raise refusal(
            "reason_missing",
            kind.agenda.clause,
            "a change of an approved agenda needs a reason",
            "调整已批准的议程须说明理由",
            Text("give the reason", "请填写理由"),
        )
    if items == meeting.agenda:
        raise refusal(
            "agenda_unchanged",
            kind.agenda.clause,
            "the agenda stays as it is",
            "议程没有变化",
            Text("nothing is asked for", "无需办理"),
        )
    require_approvable(kind, items)
    _keep(meeting, items, cause, reason, approved)
    meeting.agenda = items


def _keep(meeting: Meeting, items: list[AgendaItem], cause: AgendaCause, reason: str, approved: StepTaken) -> None:
    version = AgendaVersion(len(meeting.agenda_versions) + 1, list(items), cause, reason, approved)
    meeting.agenda_versions = appended(meeting.agenda_versions, version, bound=OF_A_MEETING)


def warnings(meeting: Meeting, kind: MeetingKind) -> list[Remark]:
    """What an agenda lacks without being refused for it: the topic taken up from time to time (HC-47)."""
    if meeting.state not in PREPARED or not meeting.agenda or kind.rhythm is None:
        return []
    if any(item.nature == kind.rhythm.nature for item in meeting.agenda):
        return []
    nature = kind.rhythm.nature
    return [
        Remark(
            "rhythm_topic_missing",
            kind.rhythm.clause,
            Text(
                f"the agenda has no topic of the nature {nature}, which {kind.name} takes up regularly",
                f"议程中没有{in_chinese(nature)}议题，{kind.name}应定期安排",
            ),
        )
    ]

"""A meeting's agenda (议程): its items in order, the chain that approves it, the versions that were approved.

Invariants: an approved agenda is locked; only its approver adds, removes or reorders items afterwards, with a reason,
and each such change is a new version; in every version the first topic comes first. Pure: no I/O.
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
from zhengling.authority.chain import Course, StepTaken
from zhengling.authority.composition import Composition, Permission, RoleContext
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import TopicNature, in_chinese


def item_of(meeting: Meeting, topic_id: str) -> AgendaItem:
    """The topic's item. Refusal `not_on_the_agenda` if there is none."""
    if item := next((item for item in meeting.agenda if item.topic_id == topic_id), None):
        return item
    raise refusal(
        "not_on_the_agenda",
        None,
        f"topic {topic_id} isn't on this meeting's agenda",
        "该议题不在本次会议议程中",
        Text("name a topic of this agenda", "请选择议程中的议题"),
    )


def insert(meeting: Meeting, topic: Topic, position: int | None) -> list[AgendaItem]:
    """The items with the topic (scheduled by `readiness.schedule`) added at a 1-based position, or at the end. Refusal
    `topic_of_another_kind`."""
    if topic.meeting_kind != meeting.kind:
        raise refusal(
            "topic_of_another_kind",
            None,
            f"the topic is for a meeting of the kind {topic.meeting_kind}, not {meeting.kind}",
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
    """Refusal `agenda_locked` once the agenda is approved: later topics are added by its approver, as its next version;
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
        "the agenda is already approved and locked",
        "议程已批准锁定，不得直接列入议题",
        Text(
            f"have {' or '.join(who) or 'its approver'} add it with a reason (agenda/additions)",
            f"请由{'或'.join(who) or '议程批准人'}说明理由后增列",
        ),
    )


def add(meeting: Meeting, topic: Topic, position: int | None) -> None:
    """Put a topic on an agenda that isn't approved yet. Steps that approved the shorter agenda are taken again."""
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
    """The items in the order of the rules: the first topic, then the topic taken up periodically, transmission, study,
    deliberation; within each group in the order of submission."""
    natures = [rule.nature for rule in (kind.first_topic, kind.rhythm) if rule]
    order = list(dict.fromkeys([*natures, TopicNature.transmission, TopicNature.study, *TopicNature]))
    order.remove(TopicNature.deliberation)
    order.append(TopicNature.deliberation)

    def place(item: AgendaItem) -> tuple[int, float, str]:
        submitted = item.submitted_at.timestamp() if item.submitted_at else 0.0
        return order.index(item.nature), submitted, item.topic_id

    return sorted(items, key=place)


def by_hand(items: list[AgendaItem], topics: list[str]) -> list[AgendaItem]:
    """The items in the order of these topics. 422 `order_incomplete` unless each topic is named exactly once."""
    if sorted(topics) != sorted(item.topic_id for item in items):
        raise invalid(
            "order_incomplete",
            "the order has to name each topic of the agenda exactly once",
            "排序须列出议程中的全部议题，且每个议题只列一次",
        )
    place = {topic: at for at, topic in enumerate(topics)}
    return sorted(items, key=lambda item: place[item.topic_id])


def reorder(meeting: Meeting, items: list[AgendaItem]) -> None:
    """Reorder an agenda that isn't approved yet."""
    require_state(meeting, MeetingState.called)
    if items != meeting.agenda:
        meeting.agenda = items
        meeting.agenda_steps = []


# approval -----------------------------------------------------------------------------------------------------------
def require_approvable(kind: MeetingKind, items: list[AgendaItem]) -> None:
    """Refusals if the agenda can't be approved: `agenda_empty`, `first_topic_missing` (HC-47)."""
    if not items:
        raise _empty(kind)
    if kind.first_topic and items[0].nature != kind.first_topic.nature:
        raise refusal(
            "first_topic_missing",
            kind.first_topic.clause,
            f"the first topic has to be of the nature {kind.first_topic.nature}, not {items[0].nature}",
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
    """Add a taken step of the agenda's chain; the last step approves and locks the agenda, as its first version.
    Refusals before that: `agenda_empty`, `first_topic_missing`."""
    if not meeting.agenda:
        raise _empty(kind)
    steps = [*meeting.agenda_steps, taken]
    done = Course(kind.agenda, steps, minutes_facts(meeting, taken.official)).next() is None
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
    """The approval of a change to an approved agenda, by the actor of its chain's last step. Problem 403
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
            "the change can't be earlier than the approval of the agenda",
            "调整时间不得早于上一版议程的批准时间",
            Text("state a time after the approval", "请填写批准之后的时间"),
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
    """Make a new version of an approved agenda. Refusals: those of the first approval, `reason_missing`,
    `agenda_unchanged`."""
    if not reason:
        raise refusal(
            "reason_missing",
            kind.agenda.clause,
            "a change to an approved agenda requires a reason",
            "调整已批准的议程须说明理由",
            Text("give the reason", "请填写理由"),
        )
    if items == meeting.agenda:
        raise refusal(
            "agenda_unchanged",
            kind.agenda.clause,
            "the change leaves the agenda as it was",
            "议程没有变化",
            Text("no change is necessary", "无需办理"),
        )
    require_approvable(kind, items)
    _keep(meeting, items, cause, reason, approved)
    meeting.agenda = items


def _keep(meeting: Meeting, items: list[AgendaItem], cause: AgendaCause, reason: str, approved: StepTaken) -> None:
    version = AgendaVersion(len(meeting.agenda_versions) + 1, list(items), cause, reason, approved)
    meeting.agenda_versions = appended(meeting.agenda_versions, version, bound=OF_A_MEETING)


def warnings(meeting: Meeting, kind: MeetingKind) -> list[Remark]:
    """Warnings on an agenda, which aren't refusals: the topic taken up periodically is missing (HC-47)."""
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

"""The records of a session's decisions (决定事项的记录): the current record, the chair at the time, earlier records.

Invariants: every record is kept, with who made it, when and why; a record may be replaced until the minutes are signed;
a decision that lacked the quorum can't be made up after the session. Pure: no I/O.
"""

from __future__ import annotations

from meeting_svc.attendance.quorum import no_quorum, quorum_lost
from meeting_svc.decision.decision import require_complete, require_one_lead, require_quorum
from meeting_svc.meeting import timeline
from meeting_svc.meeting.meeting import Meeting, MeetingState, require_state
from meeting_svc.meeting.record import OF_THE_PEOPLE_IN_A_MEETING, Recorded
from zhengling.authority.act import Act
from zhengling.events.meeting import Resolution
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Outcome


def number_of(meeting: Meeting, topic_id: str) -> int:
    """The number of the decision on a topic: its position on the agenda, which is locked while the session is open."""
    places = {item.topic_id: place for place, item in enumerate(meeting.agenda, 1)}
    return places.get(topic_id, len(places) + 1)


def replace(meeting: Meeting, kind: MeetingKind, resolution: Resolution, reason: str, act: Act) -> None:
    """Replace the record of a decision. In an open session another outcome is decided then, under who chairs then; any other
    change leaves when and under whom it was decided. Refusals: `signed_already`,
    `illegal_state`, `lead_twice`, `decision_incomplete`, `before_the_last_record`, `nothing_changes`, `quorum_lost`."""
    _require_unsigned(meeting, kind)
    require_state(meeting, MeetingState.open, MeetingState.closed, MeetingState.minuted)
    require_one_lead(resolution)
    require_complete(resolution)
    before = last_of(meeting, resolution.decision_id)
    assert before.resolution
    _require_after(before, act)
    if resolution == before.resolution:
        raise refusal(
            "nothing_changes",
            None,
            f"the replacement leaves decision {resolution.number} unchanged",
            f"第{resolution.number}项决定没有变化",
            Text("state what was recorded wrongly", "请填写须更正的内容"),
        )
    lost, taken, chair = before.quorum_clause, before.taken, before.chair
    if meeting.state == MeetingState.open and resolution.outcome != before.resolution.outcome:
        taken, chair = act, timeline.chair_at(meeting, act.moment)
        lost = quorum_lost(meeting, act.moment)
        if lost and resolution.outcome != Outcome.deferred:
            raise no_quorum(meeting, act.moment)
    require_quorum(resolution, lost)
    _keep(meeting, Recorded(resolution.decision_id, resolution, chair, lost, reason, act, taken))
    meeting.resolutions = [
        resolution if each.decision_id == resolution.decision_id else each for each in meeting.resolutions
    ]


def withdraw(meeting: Meeting, kind: MeetingKind, decision_id: str, reason: str, act: Act) -> None:
    """Withdraw a record while the session is open; its topic then has no decision. Refusals: `signed_already`,
    `session_is_over`, `before_the_last_record`."""
    _require_unsigned(meeting, kind)
    if meeting.state != MeetingState.open:
        raise refusal(
            "session_is_over",
            None,
            "the session is over; every topic must keep a decision",
            "会议已结束，每项议题均须有结果，不得撤回",
            Text("replace it with the actual outcome, for instance deferred", "请按实际结果重新记录，例如暂缓"),
        )
    before = last_of(meeting, decision_id)
    _require_after(before, act)
    _keep(meeting, Recorded(decision_id, None, before.chair, before.quorum_clause, reason, act, before.taken))
    meeting.resolutions = [each for each in meeting.resolutions if each.decision_id != decision_id]


def last_of(meeting: Meeting, decision_id: str) -> Recorded:
    """The current record of a decision."""
    return next(each for each in reversed(meeting.decided) if each.decision_id == decision_id)


def _require_after(before: Recorded, act: Act) -> None:
    if act.moment < before.act.moment:
        raise refusal(
            "before_the_last_record",
            None,
            f"the time is before the record that it corrects, {before.act.occurred_at.isoformat()}",
            "更正、撤回的时间不得早于原记录时间",
            Text("state a time after that record", "请填写原记录之后的时间"),
        )


def _require_unsigned(meeting: Meeting, kind: MeetingKind) -> None:
    if meeting.state in (MeetingState.signed, MeetingState.unminuted):
        raise refusal(
            "signed_already",
            kind.minutes_chain.clause,
            "the minutes are already signed or waived",
            "纪要已签发，或已决定不形成纪要",
            Text("correct the minutes", "请对会议纪要提出更正"),
        )


def _keep(meeting: Meeting, recorded: Recorded) -> None:
    meeting.decided = appended(meeting.decided, recorded, bound=OF_THE_PEOPLE_IN_A_MEETING)


def require_deciding(kind: MeetingKind) -> None:
    """Refusal `takes_no_decisions` for a kind that decides nothing."""
    if not kind.decides:
        raise refusal(
            "takes_no_decisions",
            kind.clause,
            f"{kind.name} takes no decisions",
            f"{kind.name}不作决定",
            Text(
                "close the session, or submit the matter to a meeting that decides",
                "可直接散会；需决定的事项另行提交会议",
            ),
        )


def decide(meeting: Meeting, resolution: Resolution, act: Act) -> Recorded:
    """Record the meeting's decision on one topic, in the agenda's order, with who chaired and whether there was a quorum
    when it was taken. Refusals: `before_the_opening`, `quorum_lost`, `not_on_the_agenda`, `decided_already`,
    `lead_twice`, `decision_incomplete`. A deferral decides nothing and needs no quorum (HC-43), so that a session
    without a quorum can still end."""
    require_state(meeting, MeetingState.open)
    timeline.require_after_opening(meeting, act.occurred_at)
    lost = quorum_lost(meeting, act.moment)
    if lost and resolution.outcome != Outcome.deferred:
        raise no_quorum(meeting, act.moment)
    if resolution.topic_id not in {item.topic_id for item in meeting.agenda}:
        raise refusal(
            "not_on_the_agenda",
            None,
            f"topic {resolution.topic_id} isn't on this agenda",
            "该议题不在本次会议议程中",
            Text("decide only topics of the approved agenda", "只能对已批准议程中的议题作出决定"),
        )
    if any(other.topic_id == resolution.topic_id for other in meeting.resolutions):
        raise refusal(
            "decided_already",
            None,
            "the topic already has a decision",
            "该议题已有决定",
            Text(
                "a topic gets one decision; replace a wrong record, or withdraw it while the session is open",
                "一个议题只作一个决定；记录有误的，请更正该决定，会议进行中也可撤回",
            ),
        )
    require_one_lead(resolution)
    require_complete(resolution)
    made = Recorded(resolution.decision_id, resolution, timeline.chair_at(meeting, act.moment), lost, "", act)
    _keep(meeting, made)
    meeting.resolutions = sorted([*meeting.resolutions, resolution], key=lambda each: each.number)
    return made

"""What a meeting requires before it can be opened, in the order of preparation. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator

from meeting_svc.attendance import quorum
from meeting_svc.invitation import invitation
from meeting_svc.leave import leave
from meeting_svc.meeting import participants
from meeting_svc.meeting.chairing import (
    chair_facts,
    entrustable,
    entrusters,
    may_chair,
    planned_chair,
    who_else_chairs,
)
from meeting_svc.meeting.meeting import PREPARED, Meeting, MeetingState, sponsors_of
from meeting_svc.meeting.record import Remark
from meeting_svc.session.session import devices_declared
from zhengling.authority.composition import Composition, RoleContext
from zhengling.kernel.errors import Text
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import in_chinese


def asked_for(meeting: Meeting, kind: MeetingKind, composition: Composition) -> list[Remark]:
    """The open requirements of a meeting in preparation; empty once it is open."""
    if meeting.state not in PREPARED:
        return []
    return [
        *_agenda(meeting, kind),
        *_chair(meeting, kind, composition),
        *_invitees(meeting, kind, composition),
        *_answers(meeting, kind, composition),
        *_notice(meeting, kind, composition),
        *_quorum(meeting, kind, composition),
        *_devices(meeting, kind),
    ]


def _agenda(meeting: Meeting, kind: MeetingKind) -> Iterator[Remark]:
    clause = kind.agenda.clause
    if not meeting.agenda:
        yield Remark("agenda_empty", clause, Text("the agenda has no topic yet", "议程中尚无议题"))
        return
    first = kind.first_topic
    if first and meeting.agenda[0].nature != first.nature:
        zh = in_chinese(first.nature)
        text = Text(f"the first topic has to be of the nature {first.nature}", f"第一议题须为{zh}类")
        yield Remark("first_topic_missing", first.clause, text)
    if meeting.state == MeetingState.called:
        yield Remark("agenda_not_approved", clause, Text("the agenda isn't approved yet", "议程尚未批准"))


def _chair(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Iterator[Remark]:
    chair = planned_chair(meeting, kind, composition)
    if chair is None:
        text = Text("the chair isn't determined yet", "主持人尚未确定")
        yield Remark("chair_open", kind.clause, text)
        return
    name, day = composition.official_names.get(chair, chair), meeting.day
    other = who_else_chairs(meeting, kind, composition) or Text("another day may be chosen", "可改期")
    asked = entrusters(kind, composition, day) if entrustable(kind) else [chair]
    if may_chair(kind, composition, chair, day, chair_facts(meeting, chair), sponsors_of(meeting)) is None:
        text = Text(
            f"{name} may chair only once entrusted, or with other topics; {other.en}",
            f"{name}须经委托或调整议题后方可主持；{other.zh}",
        )
        yield Remark("chair_not_lawful", kind.clause, text, asked)
    if away := composition.absent(chair, day):
        text = Text(
            f"{name}, the planned chair, is absent until {away.until}; {other.en}",
            f"拟主持的{name}外出至{away.until}；{other.zh}",
        )
        yield Remark("chair_away", kind.clause, text, asked)
    elif leave := participants.granted_leave(meeting, chair):
        text = Text(
            f"{name}, the planned chair, has leave from this meeting; {other.en}",
            f"拟主持会议的{name}已请假；{other.zh}",
        )
        yield Remark("chair_on_leave", leave.clause, text, asked)


def _invitees(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Iterator[Remark]:
    waiting = invitation.pending(meeting)
    if waiting and kind.invitees:
        text = Text("the list of invitees isn't approved yet", "邀请名单尚未审定")
        yield Remark("invitees_not_approved", kind.invitees.clause, text, [i.key for i in waiting])
    outside = invitation.outsiders(meeting, kind, composition)
    if outside and kind.outside_portfolio:
        text = Text("principals outside the chair's portfolio require consent", "分管范围以外的主要负责人参会须经同意")
        yield Remark("outside_portfolio", kind.outside_portfolio.clause, text, outside)


def _answers(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Iterator[Remark]:
    chair = planned_chair(meeting, kind, composition)
    for code, en, zh, asked in (
        ("leave_pending", "has asked for leave; the answer is pending", "请假待答复", leave.pending(meeting.leaves)),
        (
            "delegate_pending",
            "has named a delegate; the consent is pending",
            "替会待答复",
            leave.pending(meeting.delegations),
        ),
    ):
        for each in asked:
            name = composition.official_names.get(each.official, each.official)
            who = [
                o
                for role in each.asked
                for o in composition.who_may(role, meeting.day, context=RoleContext(chair=chair))
            ]
            yield Remark(code, each.clause, Text(f"{name} {en}", f"{name}{zh}"), list(dict.fromkeys(who)))


def _notice(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Iterator[Remark]:
    missing = invitation.not_notified(meeting, kind, composition)
    if kind.notice and missing and meeting.state == MeetingState.agenda_approved:
        text = Text("the latest agenda hasn't reached everybody", "最新议程尚未送达全体参会人员")
        yield Remark("not_notified", kind.notice.clause, text, missing)


def _quorum(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Iterator[Remark]:
    if kind.quorum is None:
        return
    members = participants.members_of(meeting, kind, composition)
    coming = quorum.expected_to_come(meeting, kind, composition)
    if len(coming) < (needed := kind.quorum.needed(len(members))):
        text = Text(
            f"only {len(coming)} of {len(members)} members are expected; at least {needed} are required",
            f"按现有外出、请假和回执情况，{len(members)}名组成人员中仅{len(coming)}人可到会，法定人数为{needed}人",
        )
        yield Remark("quorum_in_doubt", kind.quorum.clause, text, [m for m in members if m not in coming])


def _devices(meeting: Meeting, kind: MeetingKind) -> Iterator[Remark]:
    if kind.confidential and not devices_declared(meeting):
        text = Text(
            f"declare on {meeting.day} that phones and recorders were handed in",
            f"请于{meeting.day}当天确认手机、录音、录像设备未带入会场",
        )
        yield Remark("devices_not_declared", kind.confidential.clause, text)

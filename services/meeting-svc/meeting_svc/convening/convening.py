"""What convening a meeting asks for: who may call it, entrust its chair, postpone or cancel it, have it recorded. Pure."""

from __future__ import annotations

from datetime import date

from meeting_svc.meeting.chairing import may_chair, planned_chair
from meeting_svc.meeting.meeting import NOT_REFUSED, PREPARED, Meeting, MeetingState, lapsed, require_state
from meeting_svc.meeting.record import OF_A_MEETING, Cancellation, Participants, Postponement, Recording
from zhengling.authority.composition import Composition, OrganisationKind, RoleContext
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Role


def require_convener(
    kind: MeetingKind, composition: Composition, convener: str, on: date, organised_by: str | None
) -> None:
    """Refusal `convener_cannot_chair` where the planned chair could chair this kind neither by post nor entrusted."""
    sponsors = [organised_by] if organised_by else []
    if may_chair(kind, composition, convener, on, {"entrusted": True}, sponsors):
        return
    who = composition.names(
        dict.fromkeys(
            o
            for actor in kind.chair
            for o in composition.who_may(actor.role, on, context=RoleContext(sponsor=organised_by))
        )
    )
    name = composition.official_names.get(convener, convener)
    raise refusal(
        "convener_cannot_chair",
        kind.clause,
        f"{name} can't chair {kind.name}",
        f"{name}不能主持{kind.name}",
        Text(f"plan it with {', '.join(who) or 'whom the rules name'}", f"可主持：{'、'.join(who) or '按规则确定'}"),
    )


def require_planned_chair(meeting: Meeting, kind: MeetingKind, composition: Composition) -> None:
    """Refusal `convener_missing` where neither the rule nor the call settles who is to chair: they decide on the way."""
    if planned_chair(meeting, kind, composition) is None:
        raise refusal(
            "convener_missing",
            kind.clause,
            f"who chairs {kind.name} isn't settled by the rule alone",
            f"{kind.name}的主持人须在召集时确定",
            Text("name who is to chair as convener", "请填写拟主持会议的领导（convener）"),
        )


# another time, or none ------------------------------------------------------------------------------------------------
def require_named_by_rule(kind: MeetingKind, participants: Participants) -> None:
    """Refusal `members_by_rule` where the call names participants of a kind whose rule says who belongs to it."""
    if kind.members and (participants.officials or participants.organisations):
        raise refusal(
            "members_by_rule",
            kind.clause,
            f"who belongs to {kind.name} is said by the rule",
            f"{kind.name}的组成人员由规则确定，召集时不另行指定",
            Text("propose further participants as invitees", "其他人员请列入邀请名单"),
        )


def require_its_organiser(kind: MeetingKind, composition: Composition, organised_by: str | None) -> None:
    """Refusal `organised_by_the_office` where the call names another unit for a kind that the office organises (DL-41,
    ST-42, XG-34)."""
    if organised_by is None or kind.organiser != (Role.office,):
        return
    if composition.organisation_kinds[organised_by] != OrganisationKind.office:
        raise refusal(
            "organised_by_the_office",
            kind.clause,
            f"{kind.name} is organised by the office, not by {composition.organisation_names[organised_by]}",
            f"{kind.name}由政府办公室组织，不由{composition.organisation_names[organised_by]}组织",
            Text("leave organised_by out", "请勿填写组织单位（organised_by）"),
        )


def require_request(kind: MeetingKind, request_id: str | None) -> None:
    """Refusal `request_missing` where the kind is held on a request and the call names none."""
    if kind.request and not request_id:
        raise refusal(
            "request_missing",
            kind.clause,
            f"{kind.name} is held on an approved request ({kind.request})",
            f"{kind.name}须先经申请批准（{kind.request}）",
            Text("name the approved request as request_id", "请填写已批准的申请（request_id）"),
        )


def postpone(meeting: Meeting, change: Postponement) -> None:
    """Another day, time or place. What was told, acknowledged, granted or declared for the old one holds no more.
    Refusal `nothing_changed`. `change` holds the new values; the old ones go into the record."""
    require_state(meeting, *PREPARED)
    if (change.day, change.starts_at, change.place) == (meeting.day, meeting.starts_at, meeting.place):
        raise refusal(
            "nothing_changed",
            None,
            "day, time and place are as before",
            "时间和地点均未变更",
            Text("name another day, time or place", "请填写新的时间或地点"),
        )
    old = Postponement(meeting.day, meeting.starts_at, meeting.place, change.reason, change.act)
    meeting.postponements = appended(meeting.postponements, old, bound=OF_A_MEETING)
    if change.day != meeting.day:
        meeting.leaves = [lapsed(leave) if leave.state in NOT_REFUSED else leave for leave in meeting.leaves]
        meeting.delegations = [lapsed(sent) if sent.state in NOT_REFUSED else sent for sent in meeting.delegations]
    meeting.devices = None
    meeting.day, meeting.starts_at, meeting.place = change.day, change.starts_at, change.place


def cancel(meeting: Meeting, cancellation: Cancellation) -> None:
    """The meeting isn't held; its topics are free for another one."""
    require_state(meeting, *PREPARED)
    meeting.cancellation = cancellation
    meeting.state = MeetingState.cancelled


def record_sound(meeting: Meeting, arranged: Recording) -> None:
    """The office arranges a recording of the session: without that there is none (HC-52)."""
    require_state(meeting, *PREPARED, MeetingState.open)
    meeting.recording = arranged

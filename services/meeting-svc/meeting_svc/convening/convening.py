"""Rules of convening a meeting: call, entrustment of the chair, postponement, cancellation, recording. Pure."""

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
    """Refusal `convener_cannot_chair` if the planned chair may chair this kind neither by post nor by entrustment."""
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
        f"{name} may not chair {kind.name}",
        f"{name}不具备主持{kind.name}的资格",
        Text(f"choose {', '.join(who) or 'a chair whom the rules name'}", f"可主持：{'、'.join(who) or '按规则确定'}"),
    )


def require_planned_chair(meeting: Meeting, kind: MeetingKind, composition: Composition) -> None:
    """Refusal `convener_missing` if neither the rule nor the call determines the chair, who takes steps before the
    session."""
    if planned_chair(meeting, kind, composition) is None:
        raise refusal(
            "convener_missing",
            kind.clause,
            f"the rule alone doesn't determine the chair of {kind.name}",
            f"{kind.name}的主持人须在召集时确定",
            Text("state the intended chair as convener", "请填写拟主持会议的领导"),
        )


# participants, organiser, request; postponement and cancellation ------------------------------------------------------
def require_named_by_rule(kind: MeetingKind, participants: Participants) -> None:
    """Refusal `members_by_rule` if the call names participants of a kind whose rule determines its members."""
    if kind.members and (participants.officials or participants.organisations):
        raise refusal(
            "members_by_rule",
            kind.clause,
            f"the rule determines the members of {kind.name}",
            f"{kind.name}的组成人员由规则确定，召集时不另行指定",
            Text("propose further participants as invitees", "其他人员请列入邀请名单"),
        )


def require_its_organiser(kind: MeetingKind, composition: Composition, organised_by: str | None) -> None:
    """Refusal `organised_by_the_office` if the call names another unit for a kind that the office organises (DL-41,
    ST-42, XG-34)."""
    if organised_by is None or kind.organiser != (Role.office,):
        return
    if composition.organisation_kinds[organised_by] != OrganisationKind.office:
        raise refusal(
            "organised_by_the_office",
            kind.clause,
            f"{kind.name} is organised by the office, not by {composition.organisation_names[organised_by]}",
            f"{kind.name}由政府办公室组织，不由{composition.organisation_names[organised_by]}组织",
            Text("omit organised_by", "请勿填写组织单位"),
        )


def require_request(kind: MeetingKind, request_id: str | None) -> None:
    """Refusal `request_missing` if the kind requires an approved request and the call names none."""
    if kind.request and not request_id:
        raise refusal(
            "request_missing",
            kind.clause,
            f"{kind.name} requires an approved request ({kind.request})",
            f"{kind.name}须先履行申请审批程序（{kind.request}）",
            Text("name the approved request as request_id", "请填写已批准的申请"),
        )


def postpone(meeting: Meeting, change: Postponement) -> None:
    """Change the day, time or place. Notices, acknowledgements, leave and declarations for the old ones no longer
    count. Refusal `nothing_changed`. `change` has the new values; the old ones go to the record."""
    require_state(meeting, *PREPARED)
    if (change.day, change.starts_at, change.place) == (meeting.day, meeting.starts_at, meeting.place):
        raise refusal(
            "nothing_changed",
            None,
            "day, time and place are unchanged",
            "时间和地点均未变更",
            Text("state another day, time or place", "请填写新的时间或地点"),
        )
    old = Postponement(meeting.day, meeting.starts_at, meeting.place, change.reason, change.act)
    meeting.postponements = appended(meeting.postponements, old, bound=OF_A_MEETING)
    if change.day != meeting.day:
        meeting.leaves = [lapsed(leave) if leave.state in NOT_REFUSED else leave for leave in meeting.leaves]
        meeting.delegations = [lapsed(sent) if sent.state in NOT_REFUSED else sent for sent in meeting.delegations]
    meeting.devices = None
    meeting.day, meeting.starts_at, meeting.place = change.day, change.starts_at, change.place


def cancel(meeting: Meeting, cancellation: Cancellation) -> None:
    """Cancel the meeting; its topics are free for another one."""
    require_state(meeting, *PREPARED)
    meeting.cancellation = cancellation
    meeting.state = MeetingState.cancelled


def record_sound(meeting: Meeting, arranged: Recording) -> None:
    """Record that the office arranged a recording of the session; otherwise none is allowed (HC-52)."""
    require_state(meeting, *PREPARED, MeetingState.open)
    meeting.recording = arranged

"""Invitations (邀请) and notices (通知): further invitees, the notice of agenda and papers, acknowledgements.

Invariants: where a list of invitees needs approval, nobody on it is notified before; where the rules require a notice,
no session opens until the latest agenda was sent to everybody, for the current time. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from meeting_svc.meeting.chairing import planned_chair
from meeting_svc.meeting.meeting import PREPARED, Meeting, MeetingState, minutes_facts, require_state
from meeting_svc.meeting.participants import expected, named
from meeting_svc.meeting.record import (
    OF_A_MEETING,
    OF_THE_PEOPLE_IN_A_MEETING,
    Acknowledgement,
    Invitee,
    InviteeRemoval,
    NoticeSent,
    OutsideConsent,
)
from zhengling.authority.act import Act
from zhengling.authority.chain import Course, StepTaken
from zhengling.authority.composition import Composition, OrganisationKind, Permission, PostRole, names_of
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Problem, Text, invalid, refusal
from zhengling.rules.chains import actors_of
from zhengling.rules.meetings import Invitees, MeetingKind
from zhengling.rules.vocabulary import Role

_LED_BY = (OrganisationKind.town, OrganisationKind.street)


# invitees -----------------------------------------------------------------------------------------------------------
def propose(meeting: Meeting, kind: MeetingKind, invitees: list[Invitee]) -> None:
    """Add invitees to the list; a chain under way starts again, since its steps approved a shorter list. Without a
    chain no approval is required. Refusal `invited_already`."""
    require_state(meeting, *PREPARED)
    known = {(invitee.key, invitee.topic_id) for invitee in meeting.invitees}
    if twice := [invitee.key for invitee in invitees if (invitee.key, invitee.topic_id) in known]:
        raise refusal(
            "invited_already",
            kind.invitees.clause if kind.invitees else None,
            f"already on the list: {', '.join(twice)}",
            f"已在邀请名单中：{'、'.join(twice)}",
            Text("remove the duplicates", "请去掉重复的人员或单位"),
        )
    listed = [replace(each, approved=kind.invitees is None) for each in invitees]
    meeting.invitees = appended(meeting.invitees, *listed, bound=OF_THE_PEOPLE_IN_A_MEETING)
    meeting.invitee_steps = []


def require_one_each(invitees: list[Invitee]) -> None:
    """Problem 422 `not_one_invitee` unless each is exactly one of an official, a unit and an outside guest."""
    if any(sum(map(bool, (each.official, each.organisation, each.name))) != 1 for each in invitees):
        raise invalid(
            "not_one_invitee",
            "each invitee has to be exactly one of official, organisation and name",
            "每个受邀对象须且只能填写人员、单位、姓名之一",
        )


def next_number(meeting: Meeting) -> int:
    used = [invitee.number for invitee in meeting.invitees] + [gone.invitee.number for gone in meeting.invitee_removals]
    return max(used, default=0) + 1


def withdraw(meeting: Meeting, number: int, reason: str, act: Act) -> None:
    """Remove somebody from the list, with a reason. Refusal `no_such_invitee`."""
    require_state(meeting, *PREPARED)
    gone = next((invitee for invitee in meeting.invitees if invitee.number == number), None)
    if gone is None:
        raise refusal(
            "no_such_invitee",
            None,
            f"the list of invitees has no number {number}",
            f"邀请名单中没有编号{number}",
            Text("name a number of the list", "请填写名单中的编号"),
        )
    removal = InviteeRemoval(gone, reason, act)
    meeting.invitee_removals = appended(meeting.invitee_removals, removal, bound=OF_THE_PEOPLE_IN_A_MEETING)
    meeting.invitees = [invitee for invitee in meeting.invitees if invitee is not gone]


def rule_of(kind: MeetingKind) -> Invitees:
    """The rule that approves the list of invitees. Refusal `invitees_not_approved_here` where there is none."""
    if kind.invitees is None:
        raise refusal(
            "invitees_not_approved_here",
            kind.clause,
            f"the rules require no approval of invitees at {kind.name}",
            f"{kind.name}的邀请名单无需审批",
            Text("no approval is necessary", "无需办理"),
        )
    return kind.invitees


def pending(meeting: Meeting) -> list[Invitee]:
    return [invitee for invitee in meeting.invitees if not invitee.approved]


def take_step(meeting: Meeting, kind: MeetingKind, taken: StepTaken) -> None:
    """Add a taken step of the chain; the last step approves the pending invitees. Refusal `no_invitees_pending`."""
    rule = rule_of(kind)
    if not pending(meeting):
        raise refusal(
            "no_invitees_pending",
            rule.clause,
            "no invitee on the list is pending approval",
            "邀请名单中没有待审批的人员",
            Text("propose invitees first", "请先提出邀请名单"),
        )
    steps = [*meeting.invitee_steps, taken]
    if Course(rule.steps, steps, minutes_facts(meeting, taken.official)).next():
        meeting.invitee_steps = steps
        return
    meeting.invitees = [i if i.approved else replace(i, approved=True, approval=steps) for i in meeting.invitees]
    meeting.invitee_steps = []


# principals outside the chair's portfolio -----------------------------------------------------------------------------
def outsiders(
    meeting: Meeting, kind: MeetingKind, composition: Composition, chair: str | None = None, there: Sequence[str] = ()
) -> list[str]:
    """Principals who are invited, or `there`, without a consent so far, although their unit is outside the portfolio of
    the deputy in the chair, or is a town or street (ST-43)."""
    chair = chair or planned_chair(meeting, kind, composition)
    if kind.outside_portfolio is None or chair is None or chair in composition.holders(Role.head, meeting.day):
        return []
    units = {
        unit for p in composition.portfolios if p.official == chair and p.holds(meeting.day) for unit in p.organisations
    }
    invited = [official for invitee in meeting.invitees for official in _officials(composition, invitee, meeting.day)]
    consented = {official for consent in meeting.outside_consents for official in consent.officials}
    found: dict[str, None] = {}
    for official in [*named(meeting, composition), *invited, *there]:
        for post in composition.posts:
            if post.official != official or post.role != PostRole.principal or not post.holds(meeting.day):
                continue
            if post.organisation not in units or composition.organisation_kinds[post.organisation] in _LED_BY:
                found[official] = None
    return [official for official in found if official not in consented]


def _officials(composition: Composition, invitee: Invitee, on: date) -> tuple[str, ...]:
    if invitee.official:
        return (invitee.official,)
    return composition.of_organisation(invitee.organisation, on, principal=True) if invitee.organisation else ()


def consent(
    meeting: Meeting, kind: MeetingKind, composition: Composition, reason: str, act: Act, on: date
) -> OutsideConsent:
    """Consent to the invited principals outside the chair's portfolio, with a reason. Problem 403 `not_the_consenter`;
    refusal `nobody_outside`."""
    rule = kind.outside_portfolio
    if rule is None:
        raise _nobody_outside(kind.clause)
    acting = composition.require(
        act.official,
        on,
        Permission(
            actors_of(rule.consent),
            Text("agree to principals outside the portfolio", "同意分管以外主要负责人参会"),
            code="not_the_consenter",
            clause=rule.clause,
        ),
    )
    require_state(meeting, *PREPARED)
    found = outsiders(meeting, kind, composition)
    if not found:
        raise _nobody_outside(rule.clause)
    act = replace(act, role=acting.role, on_behalf_of=acting.on_behalf_of, under=acting.clause)
    given = OutsideConsent(found, reason, act)
    meeting.outside_consents = appended(meeting.outside_consents, given, bound=OF_A_MEETING)
    return given


def _nobody_outside(clause: str) -> Problem:
    return refusal(
        "nobody_outside",
        clause,
        "no principal outside the chair's portfolio is invited",
        "没有分管范围以外的主要负责人参会",
        Text("no consent is necessary", "无需办理"),
    )


def require_consent(
    meeting: Meeting, kind: MeetingKind, composition: Composition, chair: str | None = None, there: Sequence[str] = ()
) -> None:
    """Refusal `outside_portfolio` names the principals who need a consent, and who gives it."""
    found = outsiders(meeting, kind, composition, chair, there)
    if not found or kind.outside_portfolio is None:
        return
    names = composition.names(found)
    who = composition.names(composition.members(kind.outside_portfolio.consent, meeting.day))
    raise refusal(
        "outside_portfolio",
        kind.outside_portfolio.clause,
        f"principals outside the chair's portfolio, or of towns and streets: {', '.join(names)}",
        f"分管范围以外或镇街的主要负责人：{'、'.join(names)}",
        Text(f"have {', '.join(who)} consent, with a reason", f"请报{'、'.join(who)}同意并说明理由"),
        officials=found,
    )


# the notice ---------------------------------------------------------------------------------------------------------
def to_be_notified(meeting: Meeting, kind: MeetingKind, composition: Composition) -> list[str]:
    """The recipients of agenda and papers: members, standing attendees, approved invitees, sponsors of topics; keys of
    officials and units, names of outside guests."""
    people = [*expected(meeting, kind, composition), *(i.key for i in meeting.invitees if i.approved)]
    units = [*meeting.participants.organisations, *(item.sponsor for item in meeting.agenda)]
    return list(dict.fromkeys([*people, *units]))


def notified(meeting: Meeting) -> set[str]:
    """The recipients of the latest agenda, for the current time and place."""
    latest = len(meeting.agenda_versions)
    notices = [n for n in meeting.notices if n.agenda_version == latest and n.round == meeting.round and latest]
    return {recipient for notice in notices for recipient in notice.recipients}


def not_notified(meeting: Meeting, kind: MeetingKind, composition: Composition) -> list[str]:
    """The recipients still to be notified before the session opens; empty where the rules require no notice."""
    if kind.notice is None:
        return []
    reached = notified(meeting)
    return [key for key in to_be_notified(meeting, kind, composition) if key not in reached]


def notify(
    meeting: Meeting, kind: MeetingKind, composition: Composition, recipients: list[str], papers: bool, act: Act
) -> None:
    """Record that agenda and papers were sent to these recipients, or to everybody who takes part. Refusals:
    `agenda_not_approved`, `outside_portfolio`, `notice_before_the_approval`; `invitee_not_approved` and
    `not_taking_part` for recipients who may not be notified."""
    require_state(meeting, *PREPARED)
    clause = kind.notice.clause if kind.notice else kind.clause
    if meeting.state != MeetingState.agenda_approved:
        raise refusal(
            "agenda_not_approved",
            clause,
            "the agenda isn't approved yet",
            "议程尚未批准",
            Text("have the agenda approved first", "请先完成议程审批"),
        )
    if act.occurred_at < meeting.agenda_versions[-1].approved.occurred_at:
        raise refusal(
            "notice_before_the_approval",
            clause,
            "the notice can't be earlier than the approval of this agenda",
            "送达时间不得早于该版议程的批准时间",
            Text("state a time after the approval", "请填写批准之后的时间"),
        )
    require_consent(meeting, kind, composition)
    everybody = to_be_notified(meeting, kind, composition)
    if waiting := [i.key for i in pending(meeting) if i.key in recipients and i.key not in everybody]:
        raise refusal(
            "invitee_not_approved",
            kind.invitees.clause if kind.invitees else clause,
            f"the list with {', '.join(waiting)} isn't approved yet",
            f"含{'、'.join(waiting)}的邀请名单尚未审定",
            Text("have the list of invitees approved first", "请先完成邀请名单审批"),
        )
    if strangers := [recipient for recipient in recipients if recipient not in everybody]:
        raise refusal(
            "not_taking_part",
            clause,
            f"not participants: {', '.join(strangers)}",
            f"不在参会范围：{'、'.join(strangers)}",
            Text(
                "notify participants, sponsors and approved invitees", "请选择参会人员、议题主办部门或已审定的受邀人员"
            ),
        )
    sent = NoticeSent(len(meeting.agenda_versions), meeting.round, recipients or everybody, papers, act)
    meeting.notices = appended(meeting.notices, sent, bound=OF_A_MEETING)


def require_notified(meeting: Meeting, kind: MeetingKind, composition: Composition) -> None:
    """Refusal `not_notified` names those to whom the latest agenda wasn't sent."""
    if kind.notice is None or not (missing := not_notified(meeting, kind, composition)):
        return
    names = [names_of(composition).get(key, key) for key in missing]
    raise refusal(
        "not_notified",
        kind.notice.clause,
        f"the latest agenda and its papers haven't been sent to {', '.join(names)}",
        f"最新议程和材料尚未送达：{'、'.join(names)}",
        Text("record that they were sent", "请送达并登记"),
        missing=missing,
    )


def acknowledge(meeting: Meeting, kind: MeetingKind, composition: Composition, answer: Acknowledgement) -> None:
    """Record whether a notified participant will attend. Refusal `not_told_yet`; the last answer counts."""
    require_state(meeting, *PREPARED)
    reached = {key for notice in meeting.notices if notice.round == meeting.round for key in notice.recipients}
    units = {p.organisation for p in composition.posts if p.official == answer.official and p.holds(meeting.day)}
    if answer.official not in reached and not units & reached:
        raise refusal(
            "not_told_yet",
            kind.notice.clause if kind.notice else None,
            "no notice of this meeting, for its current time, was sent to them",
            "尚未向其发送本次会议通知",
            Text("send the notice first", "请先送达会议通知"),
        )
    meeting.acknowledgements = appended(meeting.acknowledgements, answer, bound=OF_THE_PEOPLE_IN_A_MEETING)

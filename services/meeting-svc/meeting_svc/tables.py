"""Tables of meeting-svc; its nouns are mapped onto them as they are."""

import sqlalchemy as sa
from sqlalchemy.orm import registry

from meeting_svc import record
from meeting_svc.circular import Circular, Row
from meeting_svc.consultation import Coordination, CoordinationNote, Position, Signature
from meeting_svc.decision import Decision
from meeting_svc.gate import GateRecord
from meeting_svc.meeting import AgendaItem, Attendance, Entrustment, Meeting
from meeting_svc.minutes import Minutes
from meeting_svc.planning import Guest, Invitation, Lift, PlanningRequest, Reply, Return, Taken
from meeting_svc.topic import HistoryEntry, LateAdmission, Paper, PriorMeeting, StepTaken, Topic
from meeting_svc.yearly_plan import Declaration, MeetingPlan, PlanItem, PlanVersion
from zhengling.columns import Json, map_noun, noun_columns
from zhengling.events import Resolution
from zhengling.vocabulary import Aspect

metadata = sa.MetaData()
mapper = registry(metadata=metadata)
Instant = sa.DateTime(timezone=True)

topic = sa.Table(
    "topic",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("meeting_kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sponsor", sa.Text, nullable=False),
    sa.Column("raised_by", sa.Text, nullable=False),
    sa.Column("nature", sa.Text, nullable=False),
    sa.Column("submitted_by", sa.Text, nullable=False),
    sa.Column("submitted_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("papers", Json(list[Paper]), nullable=False),
    sa.Column("matter", sa.Text),
    sa.Column("aspects", Json(list[Aspect]), nullable=False),
    sa.Column("concerned", Json(list[str]), nullable=False),
    sa.Column("convener", sa.Text),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("prepares_for", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("steps", Json(list[StepTaken]), nullable=False),
    sa.Column("gates", Json(list[GateRecord]), nullable=False),
    sa.Column("positions", Json(list[Position]), nullable=False),
    sa.Column("coordination_note", Json(CoordinationNote | None)),
    sa.Column("coordinations", Json(list[Coordination]), nullable=False),
    sa.Column("signatures", Json(list[Signature]), nullable=False),
    sa.Column("prior_meeting", Json(PriorMeeting | None)),
    sa.Column("history", Json(list[HistoryEntry]), nullable=False),
    sa.Column("late_admission", Json(LateAdmission | None)),
    sa.Column("meeting_id", sa.Text),
)
meeting = sa.Table(
    "meeting",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("called_by", sa.Text, nullable=False),
    sa.Column("starts_at", Instant),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("organised_by", sa.Text),
    sa.Column("convener", sa.Text),
    sa.Column("participants", Json(record.Participants), nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Column("recording", Json(record.Recording | None)),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("postponements", Json(list[record.Postponement]), nullable=False),
    sa.Column("cancellation", Json(record.Cancellation | None)),
    sa.Column("agenda", Json(list[AgendaItem]), nullable=False),
    sa.Column("agenda_steps", Json(list[StepTaken]), nullable=False),
    sa.Column("agenda_versions", Json(list[record.AgendaVersion]), nullable=False),
    sa.Column("agenda_removals", Json(list[record.AgendaRemoval]), nullable=False),
    sa.Column("invitees", Json(list[record.Invitee]), nullable=False),
    sa.Column("invitee_steps", Json(list[StepTaken]), nullable=False),
    sa.Column("invitee_removals", Json(list[record.InviteeRemoval]), nullable=False),
    sa.Column("outside_consents", Json(list[record.OutsideConsent]), nullable=False),
    sa.Column("notices", Json(list[record.NoticeSent]), nullable=False),
    sa.Column("acknowledgements", Json(list[record.Acknowledgement]), nullable=False),
    sa.Column("leaves", Json(list[record.LeaveRequest]), nullable=False),
    sa.Column("delegations", Json(list[record.Delegation]), nullable=False),
    sa.Column("devices", Json(record.Act | None)),
    sa.Column("staff", Json(list[record.StaffApproval]), nullable=False),
    sa.Column("entrustment", Json(Entrustment | None)),
    sa.Column("chair", sa.Text),
    sa.Column("members", Json(list[str]), nullable=False),
    sa.Column("quorum_needed", Json(record.QuorumNeeded | None)),
    sa.Column("attendance", Json(list[Attendance]), nullable=False),
    sa.Column("movements", Json(list[record.Movement]), nullable=False),
    sa.Column("handovers", Json(list[record.Handover]), nullable=False),
    sa.Column("copies", Json(list[record.Copy]), nullable=False),
    sa.Column("resolutions", Json(list[Resolution]), nullable=False),
    sa.Column("opened_at", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("minutes_steps", Json(list[StepTaken]), nullable=False),
)
circular = sa.Table(
    "circular",
    metadata,
    *noun_columns(),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("kind", sa.Text),
    sa.Column("recipients", sa.Text, nullable=False),
    sa.Column("officials", Json(list[Row]), nullable=False),
    sa.Column("organisations", Json(list[Row]), nullable=False),
    sa.Column("sent_by", sa.Text, nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)
minutes = sa.Table(
    "minutes",
    metadata,
    *noun_columns(),
    sa.Column("meeting_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("drafted_by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("digest", sa.Text),
    sa.Column("signed_by", sa.Text),
    sa.Column("signed_at", Instant),
)
decision = sa.Table(
    "decision",
    metadata,
    *noun_columns(),
    sa.Column("meeting_id", sa.Text, nullable=False),
    sa.Column("topic_id", sa.Text, nullable=False),
    sa.Column("resolution", Json(Resolution), nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("signed_at", Instant),
    sa.Column("ledger_number", sa.Text),
    sa.Column("ledger_due", sa.Date),
)

planning_request = sa.Table(
    "planning_request",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sponsor", sa.Text, nullable=False),
    sa.Column("led_by", sa.Text),
    sa.Column("in_name_of", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("participants", sa.Integer),
    sa.Column("invitees", Json(list[str]), nullable=False),
    sa.Column("guests", Json(list[Guest]), nullable=False),
    sa.Column("plan_item", sa.Text),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("exception", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("submitted_at", Instant),
    sa.Column("due", sa.Date),
    sa.Column("late_by", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("steps", Json(list[Taken]), nullable=False),
    sa.Column("lifts", Json(list[Lift]), nullable=False),
    sa.Column("returns", Json(list[Return]), nullable=False),
    sa.Column("reply", Json(Reply | None)),
    sa.Column("invitations", Json(list[Invitation]), nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("held_at", Instant),
    sa.Column("meeting_id", sa.Text),
    sa.Column("closed_reason", sa.Text, nullable=False),
)
meeting_plan = sa.Table(
    "meeting_plan",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("due", sa.Date, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("items", Json(list[PlanItem]), nullable=False),
    sa.Column("steps", Json(list[Taken]), nullable=False),
    sa.Column("committee", Json(list[Declaration]), nullable=False),
    sa.Column("versions", Json(list[PlanVersion]), nullable=False),
    sa.Column("reviewed_at", Instant),
    sa.Column("adopted_at", Instant),
    sa.Column("overdue_at", Instant),
)

for noun, table in (
    (Topic, topic),
    (Meeting, meeting),
    (Circular, circular),
    (Minutes, minutes),
    (Decision, decision),
    (PlanningRequest, planning_request),
    (MeetingPlan, meeting_plan),
):
    map_noun(mapper, noun, table)

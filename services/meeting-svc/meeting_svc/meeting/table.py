"""The table of meetings."""

import sqlalchemy as sa

from meeting_svc.meeting import record
from meeting_svc.meeting.meeting import AgendaItem, Attendance, Entrustment, Meeting
from meeting_svc.registry import Instant, mapper, metadata
from zhengling.authority import act
from zhengling.authority.chain import StepTaken
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns
from zhengling.events.meeting import Resolution
from zhengling.rules.vocabulary import Role

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
    sa.Column("devices", Json(act.Act | None)),
    sa.Column("staff", Json(list[record.StaffApproval]), nullable=False),
    sa.Column("entrustment", Json(Entrustment | None)),
    sa.Column("earlier_entrustments", Json(list[Entrustment]), nullable=False),
    sa.Column("chair", sa.Text),
    sa.Column("open_to", Json(list[Role]), nullable=False),
    sa.Column("members", Json(list[str]), nullable=False),
    sa.Column("quorum_needed", Json(record.QuorumNeeded | None)),
    sa.Column("attendance", Json(list[Attendance]), nullable=False),
    sa.Column("guests", Json(list[record.GuestAttendance]), nullable=False),
    sa.Column("movements", Json(list[record.Movement]), nullable=False),
    sa.Column("handovers", Json(list[record.Handover]), nullable=False),
    sa.Column("copies", Json(list[record.Copy]), nullable=False),
    sa.Column("resolutions", Json(list[Resolution]), nullable=False),
    sa.Column("decided", Json(list[record.Recorded]), nullable=False),
    sa.Column("opened_at", Instant),
    sa.Column("closed_at", Instant),
    sa.Column("minutes_steps", Json(list[StepTaken]), nullable=False),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Meeting, meeting)

"""The table of planning requests."""

import sqlalchemy as sa

from meeting_svc.planning_request.planning_request import Guest, Invitation, PlanningRequest, Reply
from meeting_svc.registry import Instant, mapper, metadata
from zhengling.authority.chain import Returned, StepTaken
from zhengling.authority.waivers import Waiver
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns

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
    sa.Column("steps", Json(list[StepTaken]), nullable=False),
    sa.Column("lifts", Json(list[Waiver]), nullable=False),
    sa.Column("returns", Json(list[Returned]), nullable=False),
    sa.Column("reply", Json(Reply | None)),
    sa.Column("invitations", Json(list[Invitation]), nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("held_at", Instant),
    sa.Column("meeting_id", sa.Text),
    sa.Column("closed_reason", sa.Text, nullable=False),
    info=SEEN_BY_ROW,
)
map_noun(mapper, PlanningRequest, planning_request)

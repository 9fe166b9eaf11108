"""The table of meeting plans."""

import sqlalchemy as sa

from meeting_svc.meeting_plan.meeting_plan import Declaration, MeetingPlan, PlanItem, PlanVersion
from meeting_svc.registry import Instant, mapper, metadata
from zhengling.authority.chain import StepTaken
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns

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
    sa.Column("steps", Json(list[StepTaken]), nullable=False),
    sa.Column("committee", Json(list[Declaration]), nullable=False),
    sa.Column("versions", Json(list[PlanVersion]), nullable=False),
    sa.Column("reviewed_at", Instant),
    sa.Column("adopted_at", Instant),
    sa.Column("overdue_at", Instant),
    info=SEEN_BY_ROW,
)
map_noun(mapper, MeetingPlan, meeting_plan)

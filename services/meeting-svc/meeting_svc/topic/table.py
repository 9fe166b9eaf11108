"""The table of topics."""

import sqlalchemy as sa

from meeting_svc.registry import Instant, mapper, metadata
from meeting_svc.topic.form import Signature
from meeting_svc.topic.topic import HistoryEntry, Paper, PriorMeeting, Topic
from zhengling.authority.chain import StepTaken
from zhengling.authority.consultation import Coordination, CoordinationNote, Position
from zhengling.authority.waivers import Waiver
from zhengling.database.mapping import SEEN_BY_ROW, Json, Word, map_noun, noun_columns
from zhengling.events.reference import Reference
from zhengling.rules.gates import GateRecord
from zhengling.rules.vocabulary import Aspect, RaisedBy, TopicNature

topic = sa.Table(
    "topic",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("meeting_kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sponsor", sa.Text, nullable=False),
    sa.Column("raised_by", Word(RaisedBy), nullable=False),
    sa.Column("nature", Word(TopicNature), nullable=False),
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
    sa.Column("text_since", Instant),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("steps", Json(list[StepTaken]), nullable=False),
    sa.Column("gates", Json(list[GateRecord]), nullable=False),
    sa.Column("positions", Json(list[Position]), nullable=False),
    sa.Column("coordination_note", Json(CoordinationNote | None)),
    sa.Column("earlier_notes", Json(list[CoordinationNote]), nullable=False),
    sa.Column("coordinations", Json(list[Coordination]), nullable=False),
    sa.Column("signatures", Json(list[Signature]), nullable=False),
    sa.Column("prior_meeting", Json(PriorMeeting | None)),
    sa.Column("history", Json(list[HistoryEntry]), nullable=False),
    sa.Column("late_admission", Json(Waiver | None)),
    sa.Column("meeting_id", sa.Text),
    sa.Column("gates_open", sa.Boolean, nullable=False),
    sa.Column("decisions", Json(list[Reference]), nullable=False),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Topic, topic)

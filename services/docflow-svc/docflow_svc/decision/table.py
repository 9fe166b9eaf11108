"""The table of the replica of decisions."""

import sqlalchemy as sa

from docflow_svc.decision.decision import Decision
from docflow_svc.registry import mapper, metadata
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns
from zhengling.events.meeting import Resolution
from zhengling.events.reference import Reference

decision = sa.Table(
    "decision",
    metadata,
    *noun_columns(),
    sa.Column("meeting_id", sa.Text, nullable=False),
    sa.Column("topic_id", sa.Text, nullable=False),
    sa.Column("meeting_kind", sa.Text),
    sa.Column("edition", sa.Text),
    sa.Column("resolution", Json(Resolution), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("closed_at", sa.DateTime(timezone=True)),
    sa.Column("signed_at", sa.DateTime(timezone=True)),
    sa.Column("minutes", Json(Reference | None)),
    sa.Column("document", Json(Reference | None)),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Decision, decision)

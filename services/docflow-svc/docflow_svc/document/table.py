"""The tables of documents and of corrected decisions."""

import sqlalchemy as sa

from docflow_svc.document.document import CorrectedDecision, Document
from docflow_svc.registry import mapper, metadata
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns
from zhengling.events.meeting import Unit
from zhengling.events.reference import Reference

document = sa.Table(
    "document",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sponsor", Json(Unit), nullable=False),
    sa.Column("decision_id", sa.Text, nullable=False),
    sa.Column("meeting_id", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("counted_from", sa.DateTime(timezone=True), nullable=False),
    sa.Column("due", sa.Date),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("withdrawn_reason", sa.Text, nullable=False),
    sa.Column("decision_number", sa.Text),
    sa.Column("topic", Json(Reference | None)),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Document, document)
corrected_decision = sa.Table(
    "corrected_decision", metadata, *noun_columns(), sa.Column("revision", sa.Integer, nullable=False)
)
map_noun(mapper, CorrectedDecision, corrected_decision)

"""The table of decisions."""

import sqlalchemy as sa

from meeting_svc.decision.decision import Decision, Execution, PublicationRecord, Revision
from meeting_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns
from zhengling.events.meeting import Resolution, Unit
from zhengling.events.reference import Reference

decision = sa.Table(
    "decision",
    metadata,
    *noun_columns(),
    sa.Column("meeting_id", sa.Text, nullable=False),
    sa.Column("topic_id", sa.Text, nullable=False),
    sa.Column("resolution", Json(Resolution), nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("signed_at", Instant),
    sa.Column("quorum_clause", sa.Text),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("revisions", Json(list[Revision]), nullable=False),
    sa.Column("publication", sa.Text, nullable=False),
    sa.Column("publication_clause", sa.Text),
    sa.Column("publication_record", Json(PublicationRecord | None)),
    sa.Column("earlier_publications", Json(list[PublicationRecord]), nullable=False),
    sa.Column("followed_clause", sa.Text),
    sa.Column("executions", Json(list[Execution]), nullable=False),
    sa.Column("ledger_number", sa.Text),
    sa.Column("ledger_due", sa.Date),
    sa.Column("ledger_state", sa.Text),
    sa.Column("ledger_lead", Json(Unit | None)),
    sa.Column("entry", Json(Reference | None)),
    sa.Column("document", Json(Reference | None)),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Decision, decision)

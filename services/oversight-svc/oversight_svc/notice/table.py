"""The table of notices of supervision."""

import sqlalchemy as sa

from oversight_svc.notice.notice import Notice, NoticeState
from oversight_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import SEEN_BY_ROW, Json, Word, map_noun, noun_columns
from zhengling.events.meeting import Unit

notice_table = sa.Table(
    "supervision_notice",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("entry_number", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("unit", Json(Unit), nullable=False),
    sa.Column("requirements", sa.Text, nullable=False),
    sa.Column("drafted_by", sa.Text, nullable=False),
    sa.Column("drafted_at", Instant, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("state", Word(NoticeState), nullable=False),
    sa.Column("number", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("signed_by", sa.Text),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("signed_at", Instant),
    sa.Column("due", sa.Date),
    sa.Column("due_at", Instant),
    sa.Column("overdue_at", Instant),
    sa.Column("slip", sa.Text, nullable=False),
    sa.Column("answered_by", sa.Text),
    sa.Column("answered_at", Instant),
    sa.Column("late", sa.Boolean),
    sa.Column("withdrawn_reason", sa.Text, nullable=False),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Notice, notice_table)

"""The table of days of field research."""

import sqlalchemy as sa

from calendar_svc.field_research.field_research import FieldDay
from calendar_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import map_noun, noun_columns

field_day = sa.Table(
    "field_day",
    metadata,
    *noun_columns(),
    sa.Column("official", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    sa.Column("withdrawn_reason", sa.Text, nullable=False),
)
map_noun(mapper, FieldDay, field_day)

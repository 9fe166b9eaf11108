"""The table of closures."""

import sqlalchemy as sa

from calendar_svc.closure.closure import Closure
from calendar_svc.registry import mapper, metadata
from zhengling.database.mapping import map_noun, noun_columns

closure = sa.Table(
    "closure",
    metadata,
    *noun_columns(),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ordered_by", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("entered_on", sa.Date, nullable=False),
    sa.Column("entered_by", sa.Text, nullable=False),
    sa.Column("lifted_from", sa.Date),
    sa.Column("lift_reason", sa.Text),
)
map_noun(mapper, Closure, closure)

"""Tables of calendar-svc; its nouns are mapped onto them as they are."""

import sqlalchemy as sa
from sqlalchemy.orm import registry

from calendar_svc.closure import Closure
from zhengling.columns import map_noun, noun_columns

metadata = sa.MetaData()
mapper = registry(metadata=metadata)

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

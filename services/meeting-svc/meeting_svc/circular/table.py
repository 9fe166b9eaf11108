"""The table of circulars."""

import sqlalchemy as sa

from meeting_svc.circular.circular import Circular, Row
from meeting_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import Json, map_noun, noun_columns

circular = sa.Table(
    "circular",
    metadata,
    *noun_columns(),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("kind", sa.Text),
    sa.Column("recipients", sa.Text, nullable=False),
    sa.Column("officials", Json(list[Row]), nullable=False),
    sa.Column("organisations", Json(list[Row]), nullable=False),
    sa.Column("guests", Json(list[Row]), nullable=False),
    sa.Column("sent_by", sa.Text, nullable=False),
    sa.Column("sent_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)
map_noun(mapper, Circular, circular)

"""The table of the pressure on matters."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from oversight_svc.pressure.pressure import Channel, Pressure
from oversight_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import Json, Word, map_noun, noun_columns
from zhengling.events.meeting import Unit
from zhengling.events.oversight import Recipient
from zhengling.rules.supervision import Way

pressure_table = sa.Table(
    "pressure",
    metadata,
    *noun_columns(),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("deadline_id", UUID(as_uuid=True)),
    sa.Column("rung", sa.SmallInteger),
    sa.Column("way", Word(Way), nullable=False),
    sa.Column("recipients", Json(list[Recipient]), nullable=False),
    sa.Column("reason_en", sa.Text, nullable=False),
    sa.Column("reason_zh", sa.Text, nullable=False),
    sa.Column("channel", Word(Channel), nullable=False),
    sa.Column("official", sa.Text),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("supervisor", Json(Unit | None)),
    sa.Column("due", sa.Date),
    sa.Column("occurred_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)
map_noun(mapper, Pressure, pressure_table)

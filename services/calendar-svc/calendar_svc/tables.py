"""Tables of calendar-svc; its nouns are mapped onto them as they are."""

import sqlalchemy as sa
from sqlalchemy.orm import registry

from calendar_svc.absence.absence import Absence, Approval, DutyDone, Extension, Lift
from calendar_svc.closure.closure import Closure
from calendar_svc.field_research.field_research import FieldDay
from zhengling.authority.composition import StandIn, Vacancy
from zhengling.database.mapping import Json, map_noun, noun_columns

metadata = sa.MetaData()
mapper = registry(metadata=metadata)
Instant = sa.DateTime(timezone=True)

absence = sa.Table(
    "absence",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("official", sa.Text, nullable=False),
    sa.Column("asks_as", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("away_until", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("contact", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("notice_due", sa.Date),
    sa.Column("exception", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("steps", Json(list[Approval]), nullable=False),
    sa.Column("lifts", Json(list[Lift]), nullable=False),
    sa.Column("stand_ins", Json(list[StandIn]), nullable=False),
    sa.Column("vacancies", Json(list[Vacancy]), nullable=False),
    sa.Column("duties_done", Json(list[DutyDone]), nullable=False),
    sa.Column("extensions", Json(list[Extension]), nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("returned_on", sa.Date),
    sa.Column("closed_reason", sa.Text, nullable=False),
)
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

for noun, table in ((Absence, absence), (Closure, closure), (FieldDay, field_day)):
    map_noun(mapper, noun, table)

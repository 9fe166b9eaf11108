"""The table of absences."""

import sqlalchemy as sa

from calendar_svc.absence.absence import Absence, DutyDone, Extension
from calendar_svc.registry import Instant, mapper, metadata
from zhengling.authority.absence import StandIn, Vacancy
from zhengling.authority.chain import StepTaken
from zhengling.authority.waivers import Waiver
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns

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
    sa.Column("steps", Json(list[StepTaken]), nullable=False),
    sa.Column("lifts", Json(list[Waiver]), nullable=False),
    sa.Column("stand_ins", Json(list[StandIn]), nullable=False),
    sa.Column("vacancies", Json(list[Vacancy]), nullable=False),
    sa.Column("duties_done", Json(list[DutyDone]), nullable=False),
    sa.Column("extensions", Json(list[Extension]), nullable=False),
    sa.Column("approved_at", Instant),
    sa.Column("returned_on", sa.Date),
    sa.Column("closed_reason", sa.Text, nullable=False),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Absence, absence)

"""The tables of minutes and of their documents."""

import sqlalchemy as sa

from meeting_svc.decision.decision import Amendment
from meeting_svc.minutes.minutes import Minutes
from meeting_svc.registry import Instant, mapper, metadata
from zhengling.authority.chain import Returned, StepTaken
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns

minutes = sa.Table(
    "minutes",
    metadata,
    *noun_columns(),
    sa.Column("meeting_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("drafted_by", sa.Text, nullable=False),
    sa.Column("drafted_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("major", sa.Boolean, nullable=False),
    sa.Column("corrects", sa.Integer),
    sa.Column("amendments", Json(list[Amendment]), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("steps", Json(list[StepTaken]), nullable=False),
    sa.Column("returned", Json(Returned | None)),
    sa.Column("issue", sa.Text),
    sa.Column("digest", sa.Text),
    sa.Column("signed_by", sa.Text),
    sa.Column("signed_at", Instant),
    sa.Column("signature", sa.Text, nullable=False),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Minutes, minutes)
#: The signed document of a version; `id` is the version's.
minutes_document = sa.Table(
    "minutes_document",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("government", sa.Text, nullable=False),
    sa.Column("modified_at", Instant, server_default=sa.func.now()),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

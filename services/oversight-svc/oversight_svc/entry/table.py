"""The table of the ledger's entries."""

import sqlalchemy as sa

from oversight_svc.entry.entry import Amendment, Contribution, Entry, Measure, Overlap, Turn
from oversight_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import SEEN_BY_ROW, Json, map_noun, noun_columns
from zhengling.events.meeting import Unit
from zhengling.events.reference import Reference

ledger_entry = sa.Table(
    "ledger_entry",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("source_kind", sa.Text, nullable=False),
    sa.Column("source_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("lead", Json(Unit), nullable=False),
    sa.Column("co_units", Json(list[Unit]), nullable=False),
    sa.Column("difficulty", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("assigned_at", Instant, nullable=False),
    sa.Column("deployed_on", sa.Date),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("due", sa.Date),
    sa.Column("due_at", Instant),
    sa.Column("due_basis", sa.Text, nullable=False),
    sa.Column("due_rule", sa.Text),
    sa.Column("due_clause", sa.Text),
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("overdue_at", Instant),
    sa.Column("origin", Json(dict[str, str]), nullable=False),
    sa.Column("amendments", Json(list[Amendment]), nullable=False),
    sa.Column("closed_at", Instant),
    sa.Column("closed_reason", sa.Text, nullable=False),
    sa.Column("source_number", sa.Text),
    sa.Column("topic", Json(Reference | None)),
    sa.Column("minutes", Json(Reference | None)),
    sa.Column("category", sa.Text),
    sa.Column("leader", sa.Text),
    sa.Column("responsible", sa.Text),
    sa.Column("measures", Json(list[Measure]), nullable=False),
    sa.Column("contributions", Json(list[Contribution]), nullable=False),
    sa.Column("course", Json(list[Turn]), nullable=False),
    sa.Column("suspended", sa.Boolean, nullable=False),
    sa.Column("met_at", Instant),
    sa.Column("late", sa.Boolean),
    sa.Column("quality", sa.Text),
    sa.Column("merged_into", sa.Text),
    sa.Column("overlapping", Json(list[Overlap]), nullable=False),
    sa.Column("part_of", sa.Text),
    sa.Column("weight", sa.SmallInteger, nullable=False),
    sa.Column("carried_into", sa.SmallInteger),
    sa.Column("look_back_since", Instant),
    sa.Column("lead_code", sa.Text, sa.Computed("lead->>'code'")),
    sa.Column("matter", sa.Text, sa.Computed("topic->>'id'")),
    info=SEEN_BY_ROW,
)
map_noun(mapper, Entry, ledger_entry, without=("lead_code", "matter"))

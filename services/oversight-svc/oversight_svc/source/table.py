"""The table of sources."""

import sqlalchemy as sa

from oversight_svc.entry.table import ledger_entry
from oversight_svc.registry import Instant, mapper, metadata
from oversight_svc.source.source import Source
from zhengling.database.mapping import Json, Word, map_noun, noun_columns
from zhengling.events.reference import Reference
from zhengling.rules.vocabulary import EntrySource, InstructionKind

entry_source = sa.Table(
    "entry_source",
    metadata,
    *noun_columns(),
    sa.Column("entry_id", sa.Text, sa.ForeignKey(ledger_entry.c.id), nullable=False),
    sa.Column("recorded_for", sa.Text, sa.ForeignKey(ledger_entry.c.id), nullable=False),
    sa.Column("kind", Word(EntrySource), nullable=False),
    sa.Column("reference", Json(Reference | None)),
    sa.Column("ref_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("paper", sa.Text, nullable=False),
    sa.Column("dated", sa.Date),
    sa.Column("added_by", sa.Text, nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("approved_by", sa.Text),
    sa.Column("approval", sa.Text, nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("ended_reason", sa.Text, nullable=False),
    sa.Column("given_by", sa.Text),
    sa.Column("giver", sa.Text, nullable=False),
    sa.Column("seen_at", Instant),
    sa.Column("handling", Word(InstructionKind)),
)
map_noun(mapper, Source, entry_source)

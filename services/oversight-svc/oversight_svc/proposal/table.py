"""The table of proposals."""

import sqlalchemy as sa

from oversight_svc.proposal.proposal import Proposal, ProposalState
from oversight_svc.registry import Instant, mapper, metadata
from zhengling.database.mapping import Json, Word, map_noun, noun_columns
from zhengling.events.meeting import Unit
from zhengling.rules.supervision import Censure

proposal_table = sa.Table(
    "proposal",
    metadata,
    *noun_columns(),
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("unit", Json(Unit), nullable=False),
    sa.Column("among", Json(list[Censure]), nullable=False),
    sa.Column("reason_en", sa.Text, nullable=False),
    sa.Column("reason_zh", sa.Text, nullable=False),
    sa.Column("clause", sa.Text, nullable=False),
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("state", Word(ProposalState), nullable=False),
    sa.Column("censure", Word(Censure)),
    sa.Column("decision", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("on_behalf_of", sa.Text),
    sa.Column("decided_at", Instant),
)
map_noun(mapper, Proposal, proposal_table)

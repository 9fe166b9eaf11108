"""What the ledger's filters and numbers ask, as columns and indexes that row-level security lets PostgreSQL use: equality and
comparison of texts, days and instants, as operators on jsonb aren't leakproof."""

from zhengling.migrations import execute

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UP = """
CREATE INDEX ledger_entry_by_lead ON ledger_entry (government, lead_code, modified_at, id);
CREATE INDEX ledger_entry_by_leader ON ledger_entry (government, leader, modified_at, id);
CREATE INDEX ledger_entry_by_category ON ledger_entry (government, category, modified_at, id);
CREATE INDEX ledger_entry_by_source_kind ON ledger_entry (government, source_kind, modified_at, id);
CREATE INDEX ledger_entry_by_due ON ledger_entry (government, state, due);
CREATE INDEX ledger_entry_by_closing ON ledger_entry (government, closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX ledger_entry_numbers ON ledger_entry (government, opened_at)
    INCLUDE (lead_code, leader, category, source_kind, state, due, due_at, met_at, late, suspended, closed_at)
    WHERE readers && ARRAY['@'];
"""
DOWN = """
DROP INDEX ledger_entry_by_lead, ledger_entry_by_leader, ledger_entry_by_category, ledger_entry_by_source_kind,
    ledger_entry_by_due, ledger_entry_by_closing, ledger_entry_numbers;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)

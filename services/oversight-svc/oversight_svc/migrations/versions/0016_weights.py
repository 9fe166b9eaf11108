"""The weight of a matter, and an index of what the ledger's numbers are computed from that has it as well."""

from zhengling.migrations import execute

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NUMBERED = """
DROP INDEX ledger_entry_numbers;
CREATE INDEX ledger_entry_numbers ON ledger_entry (government, opened_at)
    INCLUDE (lead_code, leader, category, source_kind, state, due, due_at, met_at, late, suspended, closed_at, part_of{more})
    WHERE readers && ARRAY['@'];
"""


def upgrade() -> None:
    execute("ALTER TABLE ledger_entry ADD COLUMN weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 100);")
    execute(_NUMBERED.format(more=", weight"))


def downgrade() -> None:
    execute(_NUMBERED.format(more=""))
    execute("ALTER TABLE ledger_entry DROP COLUMN weight;")

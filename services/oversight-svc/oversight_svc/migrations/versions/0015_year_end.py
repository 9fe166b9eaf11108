"""Matters that are carried over into the next year; closed ones that wait to be looked back at; who supervises which unit."""

from zhengling.migrations import execute

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE ledger_entry ADD COLUMN carried_into smallint, ADD COLUMN look_back_since timestamptz;
CREATE INDEX ledger_entry_carried ON ledger_entry (government, carried_into, modified_at, id) WHERE carried_into IS NOT NULL;
ALTER TABLE pressure ADD COLUMN unit text, ADD COLUMN supervisor jsonb;
ALTER TABLE pressure NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
UPDATE pressure p SET unit = e.lead_code FROM ledger_entry e WHERE e.id = p.entry_id;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
ALTER TABLE pressure FORCE ROW LEVEL SECURITY;
ALTER TABLE pressure ALTER COLUMN unit SET NOT NULL;
CREATE INDEX pressure_by_hand ON pressure (government, occurred_at) WHERE official IS NOT NULL;
"""
DOWN = """
ALTER TABLE pressure DROP COLUMN unit, DROP COLUMN supervisor;
ALTER TABLE ledger_entry DROP COLUMN carried_into, DROP COLUMN look_back_since;
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)

"""Entries follow the corrections of the minutes that they come from."""

from zhengling.migrations import execute

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE ledger_entry
    ADD COLUMN amendments jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN closed_reason text NOT NULL DEFAULT '',
    DROP CONSTRAINT ledger_entry_state_check,
    ADD CONSTRAINT ledger_entry_state_check CHECK (state IN ('open', 'revoked'));
"""
DOWN = """
ALTER TABLE ledger_entry
    DROP COLUMN amendments, DROP COLUMN closed_at, DROP COLUMN closed_reason,
    DROP CONSTRAINT ledger_entry_state_check,
    ADD CONSTRAINT ledger_entry_state_check CHECK (state IN ('open'));
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)

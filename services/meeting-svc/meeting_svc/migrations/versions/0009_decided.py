"""Decisions that are recorded anew before the signature: each recording, drafts that went stale, records of publication."""

from zhengling.migrations import execute

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("""
        ALTER TABLE meeting ADD COLUMN decided jsonb NOT NULL DEFAULT '[]';
        ALTER TABLE minutes
            DROP CONSTRAINT minutes_state_check,
            ADD CHECK (state IN ('draft', 'stale', 'returned', 'superseded', 'signed', 'waived'));
        ALTER TABLE decision
            ADD COLUMN earlier_publications jsonb NOT NULL DEFAULT '[]',
            DROP CONSTRAINT decision_standing_check,
            ADD CHECK (standing IN ('recorded', 'withdrawn', 'adopted', 'in_ledger', 'overdue', 'amended', 'revoked'));
    """)


def downgrade() -> None:
    execute("""
        ALTER TABLE meeting DROP COLUMN decided;
        ALTER TABLE minutes
            DROP CONSTRAINT minutes_state_check,
            ADD CHECK (state IN ('draft', 'returned', 'superseded', 'signed', 'waived'));
        ALTER TABLE decision
            DROP COLUMN earlier_publications,
            DROP CONSTRAINT decision_standing_check,
            ADD CHECK (standing IN ('recorded', 'adopted', 'in_ledger', 'overdue', 'amended', 'revoked'));
    """)

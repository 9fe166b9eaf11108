"""How the ledger entry of a decision stands, to its closing."""

from zhengling.migrations import execute

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_STANDINGS = "'recorded', 'withdrawn', 'adopted', 'in_ledger', 'overdue', 'amended', 'revoked'"


def upgrade() -> None:
    execute(f"""
        ALTER TABLE decision
            ADD COLUMN ledger_state text,
            ADD COLUMN ledger_lead jsonb,
            DROP CONSTRAINT decision_standing_check,
            ADD CHECK (standing IN ({_STANDINGS}, 'closed'));
    """)


def downgrade() -> None:
    execute(f"""
        ALTER TABLE decision NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE decision_reader NO FORCE ROW LEVEL SECURITY;
        UPDATE decision SET standing = 'in_ledger' WHERE standing = 'closed';
        ALTER TABLE decision FORCE ROW LEVEL SECURITY;
        ALTER TABLE decision_reader FORCE ROW LEVEL SECURITY;
        ALTER TABLE decision
            DROP COLUMN ledger_state,
            DROP COLUMN ledger_lead,
            DROP CONSTRAINT decision_standing_check,
            ADD CHECK (standing IN ({_STANDINGS}));
    """)

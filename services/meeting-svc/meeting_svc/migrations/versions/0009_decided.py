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
            DROP CONSTRAINT decision_meeting_id_topic_id_key,
            ADD CHECK (standing IN ('recorded', 'withdrawn', 'adopted', 'in_ledger', 'overdue', 'amended', 'revoked'));
        CREATE UNIQUE INDEX one_decision_on_a_topic ON decision (meeting_id, topic_id) WHERE standing <> 'withdrawn';
    """)


def downgrade() -> None:
    execute("""
        ALTER TABLE meeting DROP COLUMN decided;
        ALTER TABLE minutes
            DROP CONSTRAINT minutes_state_check,
            ADD CHECK (state IN ('draft', 'returned', 'superseded', 'signed', 'waived'));
        DROP INDEX one_decision_on_a_topic;
        ALTER TABLE decision
            DROP COLUMN earlier_publications,
            ADD UNIQUE (meeting_id, topic_id),
            DROP CONSTRAINT decision_standing_check,
            ADD CHECK (standing IN ('recorded', 'adopted', 'in_ledger', 'overdue', 'amended', 'revoked'));
    """)

"""Guests from outside in the roll call and in the attendance circular; what was deferred for want of a quorum; the
topics on which gates are open."""

from zhengling.migrations import execute

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # What was there before may have gates open: it is found, and shown only if it has.
    execute("""
        ALTER TABLE meeting ADD COLUMN guests jsonb NOT NULL DEFAULT '[]';
        ALTER TABLE circular ADD COLUMN guests jsonb NOT NULL DEFAULT '[]';
        ALTER TABLE decision ADD COLUMN quorum_clause text;
        ALTER TABLE topic ADD COLUMN gates_open boolean NOT NULL DEFAULT true;
        ALTER TABLE topic ALTER COLUMN gates_open DROP DEFAULT;
        CREATE INDEX topic_gates_open ON topic (government, modified_at, id) WHERE gates_open;
    """)


def downgrade() -> None:
    execute("""
        ALTER TABLE meeting DROP COLUMN guests;
        ALTER TABLE circular DROP COLUMN guests;
        ALTER TABLE decision DROP COLUMN quorum_clause;
        ALTER TABLE topic DROP COLUMN gates_open;
    """)

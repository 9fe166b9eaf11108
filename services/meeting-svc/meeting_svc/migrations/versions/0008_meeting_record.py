"""Guests from outside in the roll call and in the attendance circular."""

from zhengling.migrations import execute

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("""
        ALTER TABLE meeting ADD COLUMN guests jsonb NOT NULL DEFAULT '[]';
        ALTER TABLE circular ADD COLUMN guests jsonb NOT NULL DEFAULT '[]';
    """)


def downgrade() -> None:
    execute("""
        ALTER TABLE meeting DROP COLUMN guests;
        ALTER TABLE circular DROP COLUMN guests;
    """)

"""The day of deployment, from which the due dates of entries are counted."""

from zhengling.migrations import execute

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("ALTER TABLE ledger_entry ADD COLUMN deployed_on date;")


def downgrade() -> None:
    execute("ALTER TABLE ledger_entry DROP COLUMN deployed_on;")

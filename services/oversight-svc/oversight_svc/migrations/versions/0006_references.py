"""What an entry's source is cited by, and the topic and the minutes that it comes from."""

from zhengling.migrations import execute

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute("ALTER TABLE ledger_entry ADD COLUMN source_number text, ADD COLUMN topic jsonb, ADD COLUMN minutes jsonb;")


def downgrade() -> None:
    execute("ALTER TABLE ledger_entry DROP COLUMN source_number, DROP COLUMN topic, DROP COLUMN minutes;")

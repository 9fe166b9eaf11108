"""Pages of those who see little are read from tables of readers, in the order of the last change."""

from zhengling.migrations import listed_by_readers, not_listed_by_readers

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = ("document", "decision")


def upgrade() -> None:
    listed_by_readers(*TABLES)


def downgrade() -> None:
    not_listed_by_readers(*TABLES)

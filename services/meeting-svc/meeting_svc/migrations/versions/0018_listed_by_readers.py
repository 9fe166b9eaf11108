"""Pages of those who see little are read from tables of readers, in the order of the last change."""

from zhengling.migrations import execute, listed_by_readers, not_listed_by_readers

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES = ("topic", "meeting", "decision", "planning_request", "meeting_plan", "file")


def upgrade() -> None:
    listed_by_readers(*TABLES)
    execute("DROP INDEX minutes_readers;")


def downgrade() -> None:
    execute("CREATE INDEX minutes_readers ON minutes USING gin (readers);")
    not_listed_by_readers(*TABLES)

"""Due dates: stated as well as computed, in rounds and occurrences, several on one subject."""

from zhengling.migrations import apply

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0003_due_dates.up")


def downgrade() -> None:
    apply("0003_due_dates.down")

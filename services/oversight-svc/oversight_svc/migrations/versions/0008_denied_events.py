"""Events that their sender never emitted."""

from zhengling.migrations import apply

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0006_denied_events.up")


def downgrade() -> None:
    apply("0006_denied_events.down")

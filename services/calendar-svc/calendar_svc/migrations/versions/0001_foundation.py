"""Nothing beyond the backbone: the calendar's years stand in its `calendar_year`."""

from zhengling.migrations import apply

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0001_backbone.up")


def downgrade() -> None:
    apply("0001_backbone.down")

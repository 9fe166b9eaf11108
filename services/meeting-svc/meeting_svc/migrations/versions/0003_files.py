"""Files: papers are uploaded and kept."""

from zhengling.migrations import apply

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0002_files.up")


def downgrade() -> None:
    apply("0002_files.down")

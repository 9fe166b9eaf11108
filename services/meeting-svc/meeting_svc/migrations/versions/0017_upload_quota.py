"""Uploads have a quota a day, of a person and of a government."""

from zhengling.migrations import apply

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0007_upload_quota.up")


def downgrade() -> None:
    apply("0007_upload_quota.down")

"""The register of numbers."""

from zhengling.migrations import apply

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0004_numbers.up")


def downgrade() -> None:
    apply("0004_numbers.down")

"""Who sees which absences: keys of each row, by which lists are indexed. Reason, destination and contact are narrower
still (absence/queries.py)."""

from zhengling.migrations import apply, seen_by, seen_by_government

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0005_readers.up")
    seen_by(
        "absence",
        "ARRAY['@', 'p:' || official, 'p:' || requested_by, 'u:' || organisation]",
        "CASE WHEN state IN ('approved', 'returned') THEN ARRAY['+'] END",
    )


def downgrade() -> None:
    for table in ("absence",):
        seen_by_government(table)
    apply("0005_readers.down")

"""Who sees which entries of the ledger: keys of each row, by which lists are indexed."""

from zhengling.migrations import apply, seen_by, seen_by_government

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0005_readers.up")
    seen_by(
        "ledger_entry",
        "ARRAY['@', 'u:' || (lead->>'code')]",
        "reader_keys('u:', jsonb_path_query_array(co_units, '$[*].code'))",
    )


def downgrade() -> None:
    for table in ("ledger_entry",):
        seen_by_government(table)
    apply("0005_readers.down")

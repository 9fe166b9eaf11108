"""Who sees which documents and decisions: keys of each row, by which lists are indexed."""

from zhengling.migrations import apply, seen_by, seen_by_government

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0005_readers.up")
    seen_by(
        "document",
        "ARRAY['@', 'u:' || (sponsor->>'code')]",
    )
    seen_by(
        "decision",
        "ARRAY['@']",
        "CASE WHEN state <> 'recorded' THEN ARRAY['u:' || (resolution->'lead'->>'code')]"
        " || reader_keys('u:', jsonb_path_query_array(resolution, '$.co_units[*].code')) END",
        "CASE WHEN state IN ('adopted', 'amended') AND (resolution->>'may_be_published')::boolean THEN ARRAY['+'] END",
    )


def downgrade() -> None:
    for table in ("decision", "document"):
        seen_by_government(table)
    apply("0005_readers.down")

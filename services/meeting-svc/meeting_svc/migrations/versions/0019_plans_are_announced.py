"""A yearly plan shows itself to everybody in office from its collection on: whoever is to hand in items has to find it. Before
the adoption its items are narrower still (meeting_plan/queries.py)."""

from zhengling.migrations import now_seen_by

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now_seen_by("meeting_plan", "ARRAY['@', '+']")


def downgrade() -> None:
    now_seen_by(
        "meeting_plan",
        "ARRAY['@', CASE WHEN state = 'adopted' THEN '+' END]",
        "reader_keys('u:', jsonb_path_query_array(items, '$[*].sponsor'))",
    )

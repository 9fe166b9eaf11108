"""Waivers of planning requests in the library's shape: the breached rule is `rule`, which was `hindrance`. What the version
before reads stays."""

from zhengling.migrations import execute

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _rewrite(lift: str) -> None:
    execute(f"""
        ALTER TABLE planning_request NO FORCE ROW LEVEL SECURITY;
        UPDATE planning_request SET lifts = (
            SELECT jsonb_agg({lift} ORDER BY place)
            FROM jsonb_array_elements(lifts) WITH ORDINALITY AS each (lift, place)) WHERE lifts <> '[]';
        ALTER TABLE planning_request FORCE ROW LEVEL SECURITY;
    """)


def upgrade() -> None:
    _rewrite("lift || jsonb_build_object('rule', lift->'hindrance')")


def downgrade() -> None:
    _rewrite("(lift - 'rule') || jsonb_build_object('hindrance', lift->'rule')")

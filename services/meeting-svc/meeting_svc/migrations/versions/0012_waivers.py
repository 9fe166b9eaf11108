"""Waivers of planning requests in the library's shape: the breached rule is `rule`."""

from zhengling.migrations import execute

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _rename(old: str, new: str) -> None:
    execute(f"""
        ALTER TABLE planning_request NO FORCE ROW LEVEL SECURITY;
        UPDATE planning_request SET lifts = (
            SELECT jsonb_agg((lift - '{old}') || jsonb_build_object('{new}', lift->'{old}') ORDER BY place)
            FROM jsonb_array_elements(lifts) WITH ORDINALITY AS each (lift, place)) WHERE lifts <> '[]';
        ALTER TABLE planning_request FORCE ROW LEVEL SECURITY;
    """)


def upgrade() -> None:
    _rename("hindrance", "rule")


def downgrade() -> None:
    _rename("rule", "hindrance")

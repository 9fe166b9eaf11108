"""Waivers of absences in the library's shape: `rule`, as `limit` was called, and the days that it covers one by one. What the
version before reads stays."""

from zhengling.migrations import execute

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _rewrite(lift: str) -> None:
    execute(f"""
        ALTER TABLE absence NO FORCE ROW LEVEL SECURITY;
        UPDATE absence SET lifts = (
            SELECT jsonb_agg({lift} ORDER BY place)
            FROM jsonb_array_elements(lifts) WITH ORDINALITY AS each (lift, place)) WHERE lifts <> '[]';
        ALTER TABLE absence FORCE ROW LEVEL SECURITY;
    """)


def upgrade() -> None:
    _rewrite("""lift || jsonb_build_object('rule', lift->'limit', 'detail', '', 'covers', (
        SELECT jsonb_agg(day::date::text ORDER BY day) FROM generate_series(
            (lift->>'since')::date, (lift->>'until')::date, interval '1 day') AS days (day)))""")


def downgrade() -> None:
    _rewrite("""(lift - '{rule,detail,covers}'::text[]) || jsonb_build_object('limit', lift->'rule',
        'since', (SELECT min(day) FROM jsonb_array_elements_text(lift->'covers') AS days (day)),
        'until', (SELECT max(day) FROM jsonb_array_elements_text(lift->'covers') AS days (day)))""")

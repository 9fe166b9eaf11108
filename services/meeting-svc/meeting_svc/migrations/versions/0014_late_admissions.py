"""Late papers' admissions in the shape of waivers, which cover the meeting and each working day. What the version before reads
stays."""

from zhengling.migrations import execute

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _rewrite(admission: str) -> None:
    execute(f"""
        ALTER TABLE topic NO FORCE ROW LEVEL SECURITY;
        UPDATE topic SET late_admission = {admission} WHERE jsonb_typeof(late_admission) = 'object';
        ALTER TABLE topic FORCE ROW LEVEL SECURITY;
    """)


def upgrade() -> None:
    _rewrite("""
        late_admission || jsonb_build_object(
            'rule', 'papers_in_time', 'clause', '', 'detail', '', 'official', late_admission->'admitted_by',
            'covers', jsonb_build_array(late_admission->'meeting_id') || (
                SELECT coalesce(jsonb_agg(CAST(n AS text) ORDER BY n), '[]')
                FROM generate_series(1, CAST(late_admission->>'working_days_late' AS integer)) AS n))
    """)


def downgrade() -> None:
    _rewrite("""
        late_admission - ARRAY['rule', 'clause', 'detail', 'official', 'covers', 'on_behalf_of'] || jsonb_build_object(
            'meeting_id', late_admission->'covers'->0, 'admitted_by', late_admission->'official',
            'working_days_late', jsonb_array_length(late_admission->'covers') - 1)
    """)

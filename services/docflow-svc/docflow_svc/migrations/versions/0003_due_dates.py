"""Due dates: several clocks on a document, each with the act that meets it."""

from zhengling.migrations import apply, execute

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply("0003_due_dates.up")
    execute("""
        ALTER TABLE deadline NO FORCE ROW LEVEL SECURITY;
        UPDATE deadline SET met_by = rule WHERE subject_type = 'document';
        ALTER TABLE deadline FORCE ROW LEVEL SECURITY;
    """)


def downgrade() -> None:
    apply("0003_due_dates.down")

"""Documents that decisions ask for."""

from zhengling.migrations import apply, execute, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
CREATE TABLE document (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    title text NOT NULL,
    sponsor jsonb NOT NULL,
    decision_id text NOT NULL,
    meeting_id text NOT NULL,
    clause text NOT NULL,
    counted_from timestamptz NOT NULL,
    due date,
    state text NOT NULL CHECK (state IN ('drafting')),
    UNIQUE (government, decision_id)
);
"""


def upgrade() -> None:
    apply("0001_backbone.up")
    execute(UP)
    tenant_table("document")


def downgrade() -> None:
    execute("DROP TABLE document;")
    apply("0001_backbone.down")

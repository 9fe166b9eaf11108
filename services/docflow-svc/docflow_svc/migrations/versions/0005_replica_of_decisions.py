"""The decisions of meetings, as docflow-svc knows them; what a document's decision is about."""

from zhengling.migrations import execute, tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE decision (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    meeting_id text NOT NULL,
    topic_id text NOT NULL,
    meeting_kind text,
    edition text,
    resolution jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('recorded', 'adopted', 'amended', 'revoked')),
    revision integer NOT NULL,
    reason text NOT NULL,
    closed_at timestamptz,
    signed_at timestamptz,
    minutes jsonb,
    document jsonb
);
CREATE INDEX decision_meeting ON decision (government, meeting_id);
CREATE INDEX decision_topic ON decision (government, topic_id);
ALTER TABLE document ADD COLUMN decision_number text, ADD COLUMN topic jsonb;
"""
DOWN = """
ALTER TABLE document DROP COLUMN decision_number, DROP COLUMN topic;
DROP TABLE decision;
"""


def upgrade() -> None:
    execute(UP)
    tenant_table("decision")


def downgrade() -> None:
    execute(DOWN)

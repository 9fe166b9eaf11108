"""Drafts follow the corrections of the minutes that they come from."""

from zhengling.migrations import execute, tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE document
    ADD COLUMN withdrawn_reason text NOT NULL DEFAULT '',
    DROP CONSTRAINT document_state_check,
    ADD CONSTRAINT document_state_check CHECK (state IN ('drafting', 'withdrawn'));
CREATE TABLE corrected_decision (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    revision integer NOT NULL
);
"""
DOWN = """
DROP TABLE corrected_decision;
ALTER TABLE document
    DROP COLUMN withdrawn_reason,
    DROP CONSTRAINT document_state_check,
    ADD CONSTRAINT document_state_check CHECK (state IN ('drafting'));
"""


def upgrade() -> None:
    execute(UP)
    tenant_table("corrected_decision")


def downgrade() -> None:
    execute(DOWN)

"""Versions of the composition: who loaded which when and why. What stands is in the backbone's table."""

from zhengling.migrations import execute, tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE composition_version (
    id text NOT NULL,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    content jsonb NOT NULL,
    source text NOT NULL CHECK (source IN ('json', 'xlsx')),
    reason text NOT NULL,
    loaded_by text NOT NULL,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (government, version)
);
"""


def upgrade() -> None:
    execute(UP)
    tenant_table("composition_version")
    execute("REVOKE UPDATE ON composition_version FROM $app, $worker;")  # what was loaded stays as it was


def downgrade() -> None:
    execute("DROP TABLE composition_version;")

"""The document of minutes as it was signed, byte by byte, whatever becomes of the code that laid it out."""

from zhengling.migrations import execute, tenant_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE minutes_document (
    id text PRIMARY KEY REFERENCES minutes (id),
    government text NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    content bytea NOT NULL
);
"""


def upgrade() -> None:
    execute(UP)
    tenant_table("minutes_document")
    execute("REVOKE UPDATE ON minutes_document FROM $app, $worker;")  # what was signed stays


def downgrade() -> None:
    execute("DROP TABLE minutes_document;")

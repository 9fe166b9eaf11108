"""The supervision ledger."""

from zhengling.migrations import apply, execute, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
CREATE TABLE ledger_entry (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    number text NOT NULL,
    source_kind text NOT NULL,
    source_id text NOT NULL,
    title text NOT NULL,
    task text NOT NULL,
    lead jsonb NOT NULL,
    co_units jsonb NOT NULL,
    difficulty text NOT NULL,
    clause text NOT NULL,
    assigned_at timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    due date,
    due_at timestamptz,
    due_basis text NOT NULL CHECK (due_basis IN ('decision', 'rule', 'office', 'to_be_set')),
    due_rule text,
    due_clause text,
    provisional boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('open')),
    overdue_at timestamptz,
    origin jsonb NOT NULL,
    UNIQUE (government, number),
    UNIQUE (government, source_kind, source_id)
);
CREATE TABLE number_series (
    government text NOT NULL,
    series text NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (government, series)
);
ALTER TABLE number_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE number_series FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON number_series TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON number_series TO $app, $worker;
"""


def upgrade() -> None:
    apply("0001_backbone.up")
    execute(UP)
    tenant_table("ledger_entry")


def downgrade() -> None:
    execute("DROP TABLE number_series, ledger_entry;")
    apply("0001_backbone.down")

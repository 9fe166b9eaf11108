"""The pressure on matters: what was done, each rung once on a clock; proposals that a person decides."""

from zhengling.migrations import also_listed_by_readers, execute, no_longer_listed_by_readers, seen_by, tenant_table

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE pressure (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    entry_id text NOT NULL REFERENCES ledger_entry,
    deadline_id uuid,
    rung smallint,
    way text NOT NULL,
    recipients jsonb NOT NULL,
    reason_en text NOT NULL,
    reason_zh text NOT NULL,
    channel text NOT NULL,
    official text,
    on_behalf_of text,
    due date,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CHECK (rung IS NULL OR (official IS NULL AND deadline_id IS NOT NULL)),
    UNIQUE (deadline_id, rung)
);
CREATE INDEX pressure_entry ON pressure (entry_id, recorded_at);
CREATE TABLE proposal (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    entry_id text NOT NULL REFERENCES ledger_entry,
    number text NOT NULL,
    unit jsonb NOT NULL,
    among jsonb NOT NULL,
    reason_en text NOT NULL,
    reason_zh text NOT NULL,
    clause text NOT NULL,
    made_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'accepted', 'declined')),
    censure text,
    decision text NOT NULL,
    decided_by text,
    on_behalf_of text,
    decided_at timestamptz,
    CHECK ((state = 'waiting') = (decided_at IS NULL) AND (state = 'accepted') = (censure IS NOT NULL))
);
CREATE UNIQUE INDEX proposal_waiting ON proposal (entry_id) WHERE state = 'waiting';
CREATE INDEX proposal_entry ON proposal (entry_id, made_at);
CREATE TABLE supervision_notice (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    entry_id text NOT NULL REFERENCES ledger_entry,
    entry_number text NOT NULL,
    title text NOT NULL,
    unit jsonb NOT NULL,
    requirements text NOT NULL,
    drafted_by text NOT NULL,
    drafted_at timestamptz NOT NULL,
    clause text NOT NULL,
    state text NOT NULL CHECK (state IN ('drafted', 'issued', 'answered', 'withdrawn')),
    number text,
    text text NOT NULL,
    signed_by text,
    on_behalf_of text,
    signed_at timestamptz,
    due date,
    due_at timestamptz,
    overdue_at timestamptz,
    slip text NOT NULL,
    answered_by text,
    answered_at timestamptz,
    late boolean,
    withdrawn_reason text NOT NULL,
    CHECK ((state = 'drafted' OR state = 'withdrawn') = (number IS NULL)),
    UNIQUE (government, number)
);
CREATE INDEX supervision_notice_entry ON supervision_notice (entry_id);
"""


def upgrade() -> None:
    execute(UP)
    tenant_table("pressure")
    tenant_table("proposal")
    tenant_table("supervision_notice")
    seen_by("supervision_notice", "ARRAY['@']", "CASE WHEN number IS NOT NULL THEN ARRAY['u:' || (unit->>'code')] END")
    also_listed_by_readers("supervision_notice")


def downgrade() -> None:
    no_longer_listed_by_readers("supervision_notice")
    execute("DROP TABLE supervision_notice, proposal, pressure;")

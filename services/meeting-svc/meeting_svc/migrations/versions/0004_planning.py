"""Requests to hold something, and the yearly plan of meetings."""

from zhengling.migrations import execute, tenant_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE planning_request (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    type text NOT NULL,
    clause text NOT NULL,
    title text NOT NULL,
    sponsor text NOT NULL,
    led_by text,
    in_name_of text NOT NULL CHECK (in_name_of IN ('department', 'office', 'government')),
    day date NOT NULL,
    participants integer,
    invitees jsonb NOT NULL,
    guests jsonb NOT NULL,
    plan_item text,
    document text NOT NULL,
    reason text NOT NULL,
    exception text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    submitted_at timestamptz,
    due date,
    late_by integer NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'returned', 'approved', 'refused', 'withdrawn', 'held')),
    steps jsonb NOT NULL,
    lifts jsonb NOT NULL,
    returns jsonb NOT NULL,
    reply jsonb,
    invitations jsonb NOT NULL,
    approved_at timestamptz,
    held_at timestamptz,
    meeting_id text REFERENCES meeting,
    closed_reason text NOT NULL
);
CREATE TABLE meeting_plan (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    year integer NOT NULL,
    clause text NOT NULL,
    due date NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('collecting', 'in_review', 'adopted')),
    items jsonb NOT NULL,
    steps jsonb NOT NULL,
    committee jsonb NOT NULL,
    versions jsonb NOT NULL,
    reviewed_at timestamptz,
    adopted_at timestamptz,
    overdue_at timestamptz,
    UNIQUE (government, year)
);
"""


def upgrade() -> None:
    execute(UP)
    for noun in ("planning_request", "meeting_plan"):
        tenant_table(noun)
    execute("CREATE INDEX planning_request_days ON planning_request (government, type, day);")
    execute("CREATE INDEX planning_request_items ON planning_request (government, plan_item);")
    execute("CREATE INDEX meeting_held ON meeting (government, kind, day) WHERE opened_at IS NOT NULL;")


def downgrade() -> None:
    execute("DROP INDEX meeting_held;")
    execute("DROP TABLE planning_request, meeting_plan;")

"""Absences with their chain, and the leaders' days of field research."""

from zhengling.migrations import execute, tenant_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE absence (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    official text NOT NULL,
    asks_as text NOT NULL,
    organisation text,
    clause text NOT NULL,
    kind text NOT NULL,
    since date NOT NULL,
    until date NOT NULL CHECK (until >= since),
    away_until date NOT NULL CHECK (away_until <= until),
    reason text NOT NULL,
    destination text NOT NULL,
    contact text NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    notice_due date,
    exception text NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'approved', 'refused', 'cancelled', 'returned')),
    steps jsonb NOT NULL,
    lifts jsonb NOT NULL,
    stand_ins jsonb NOT NULL,
    vacancies jsonb NOT NULL,
    duties_done jsonb NOT NULL,
    extensions jsonb NOT NULL,
    approved_at timestamptz,
    returned_on date,
    closed_reason text NOT NULL
);
CREATE TABLE field_day (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    official text NOT NULL,
    day date NOT NULL,
    place text NOT NULL,
    subject text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    withdrawn boolean NOT NULL,
    withdrawn_reason text NOT NULL
);
CREATE UNIQUE INDEX field_day_counts_once ON field_day (government, official, day) WHERE NOT withdrawn;
"""


def upgrade() -> None:
    execute(UP)
    for noun in ("absence", "field_day"):
        tenant_table(noun)
    execute("CREATE INDEX absence_days ON absence (government, away_until, since);")


def downgrade() -> None:
    execute("DROP TABLE field_day, absence;")

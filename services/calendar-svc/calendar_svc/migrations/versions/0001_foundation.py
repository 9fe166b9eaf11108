"""The versions of the calendar's years, what changed them, and how far the services got with each change."""

from zhengling.migrations import apply, execute, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
CREATE TABLE closure (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    reason text NOT NULL,
    ordered_by text NOT NULL,
    document text NOT NULL,
    entered_on date NOT NULL,
    entered_by text NOT NULL,
    lifted_from date,
    lift_reason text
);
CREATE TABLE year_version (
    government text NOT NULL,
    year smallint NOT NULL,
    version bigint NOT NULL,
    content jsonb NOT NULL,
    cause text NOT NULL CHECK (cause IN ('base', 'notice', 'closure', 'lift')),
    why_en text NOT NULL,
    why_zh text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (government, year, version)
);
CREATE TABLE notice (
    government text NOT NULL,
    year smallint NOT NULL,
    number text NOT NULL,
    issuer text NOT NULL,
    date date NOT NULL,
    amends text,
    holidays jsonb NOT NULL,
    entered_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (government, year, number)
);
CREATE TABLE calendar_change (
    id text PRIMARY KEY,
    government text NOT NULL,
    subject text NOT NULL,
    why_en text NOT NULL,
    why_zh text NOT NULL,
    calendars jsonb NOT NULL,
    days jsonb NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE recomputed (
    service text NOT NULL,
    calendar text NOT NULL,
    government text NOT NULL,
    version bigint NOT NULL,
    examined bigint NOT NULL,
    moved bigint NOT NULL,
    finished_at timestamptz NOT NULL,
    PRIMARY KEY (service, calendar, version)
);
"""

#: What one's own government and everybody's calendar consist of: read by all, added to by the one it is of.
OWN_OR_NATIONAL = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own_or_national_read ON {table} FOR SELECT TO $app, $worker
    USING (government IN ('*', current_government()));
CREATE POLICY own_insert ON {table} FOR INSERT TO $app, $worker WITH CHECK (government = current_government());
GRANT SELECT, INSERT ON {table} TO $app, $worker;
"""


def upgrade() -> None:
    apply("0001_backbone.up")
    execute(UP)
    tenant_table("closure")
    for table in ("year_version", "notice", "calendar_change", "recomputed"):
        execute(OWN_OR_NATIONAL.replace("{table}", table))


def downgrade() -> None:
    execute("DROP TABLE closure, year_version, notice, calendar_change, recomputed;")
    apply("0001_backbone.down")

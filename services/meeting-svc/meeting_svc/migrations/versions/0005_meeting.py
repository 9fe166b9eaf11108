"""Meetings from the call to the close: agenda versions, invitees, notices, leave, movements, papers; circulars."""

from zhengling.migrations import execute, tenant_table

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LISTS = (
    "postponements",
    "agenda_versions",
    "agenda_removals",
    "invitees",
    "invitee_steps",
    "invitee_removals",
    "outside_consents",
    "notices",
    "acknowledgements",
    "leaves",
    "delegations",
    "staff",
    "movements",
    "handovers",
    "copies",
)
UP = """
ALTER TABLE meeting
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN place text NOT NULL DEFAULT '',
    ADD COLUMN organised_by text,
    ADD COLUMN convener text,
    ADD COLUMN participants jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN request_id text,
    ADD COLUMN recording jsonb,
    ADD COLUMN cancellation jsonb,
    ADD COLUMN devices jsonb,
    ADD COLUMN quorum_needed jsonb;
ALTER TABLE meeting DROP CONSTRAINT meeting_state_check;
ALTER TABLE meeting ADD CONSTRAINT meeting_state_check
    CHECK (state IN ('called', 'agenda_approved', 'cancelled', 'open', 'closed', 'minuted', 'signed'));
CREATE TABLE circular (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    since date NOT NULL,
    until date NOT NULL CHECK (until >= since),
    kind text,
    recipients text NOT NULL,
    officials jsonb NOT NULL,
    organisations jsonb NOT NULL,
    sent_by text NOT NULL,
    sent_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    execute(UP)
    for column in LISTS:
        execute(f"ALTER TABLE meeting ADD COLUMN {column} jsonb NOT NULL DEFAULT '[]';")
    tenant_table("circular")
    execute("CREATE INDEX meeting_by_kind ON meeting (government, kind, day);")


def downgrade() -> None:
    execute("DROP TABLE circular;")
    execute("DROP INDEX meeting_by_kind;")
    scalars = ("starts_at", "place", "organised_by", "convener", "participants", "request_id", "recording")
    for column in (*LISTS, *scalars, "cancellation", "devices", "quorum_needed"):
        execute(f"ALTER TABLE meeting DROP COLUMN {column};")
    execute("ALTER TABLE meeting DROP CONSTRAINT meeting_state_check;")
    execute("""
        ALTER TABLE meeting ADD CONSTRAINT meeting_state_check
            CHECK (state IN ('called', 'agenda_approved', 'open', 'closed', 'minuted', 'signed')) NOT VALID;
    """)

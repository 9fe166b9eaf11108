"""Topics, meetings, minutes, decisions."""

from zhengling.migrations import apply, execute, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UP = """
CREATE TABLE topic (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    meeting_kind text NOT NULL,
    title text NOT NULL,
    sponsor text NOT NULL,
    raised_by text NOT NULL,
    nature text NOT NULL,
    submitted_by text NOT NULL,
    submitted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    papers jsonb NOT NULL,
    matter text,
    aspects jsonb NOT NULL,
    concerned jsonb NOT NULL,
    convener text,
    urgency text NOT NULL,
    prepares_for text,
    text_since timestamptz,
    state text NOT NULL
        CHECK (state IN ('in_review', 'returned', 'withdrawn', 'ready', 'scheduled', 'concluded')),
    steps jsonb NOT NULL,
    gates jsonb NOT NULL,
    positions jsonb NOT NULL,
    coordination_note jsonb,
    earlier_notes jsonb NOT NULL DEFAULT '[]',
    coordinations jsonb NOT NULL,
    signatures jsonb NOT NULL,
    prior_meeting jsonb,
    history jsonb NOT NULL,
    late_admission jsonb,
    meeting_id text
);
CREATE TABLE meeting (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    edition text NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    day date NOT NULL,
    called_by text NOT NULL,
    state text NOT NULL CHECK (state IN ('called', 'agenda_approved', 'open', 'closed', 'minuted', 'signed')),
    agenda jsonb NOT NULL,
    agenda_steps jsonb NOT NULL,
    entrustment jsonb,
    earlier_entrustments jsonb NOT NULL DEFAULT '[]',
    chair text,
    members jsonb NOT NULL,
    attendance jsonb NOT NULL,
    resolutions jsonb NOT NULL,
    opened_at timestamptz,
    closed_at timestamptz,
    minutes_steps jsonb NOT NULL
);
CREATE TABLE minutes (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    meeting_id text NOT NULL REFERENCES meeting,
    number integer NOT NULL,
    text text NOT NULL,
    drafted_by text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'signed')),
    digest text,
    signed_by text,
    signed_at timestamptz,
    UNIQUE (meeting_id, number)
);
CREATE TABLE decision (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    meeting_id text NOT NULL REFERENCES meeting,
    topic_id text NOT NULL REFERENCES topic,
    resolution jsonb NOT NULL,
    standing text NOT NULL CHECK (standing IN ('recorded', 'adopted', 'in_ledger', 'overdue')),
    signed_at timestamptz,
    ledger_number text,
    ledger_due date,
    UNIQUE (meeting_id, topic_id)
);
"""
NOUNS = ("topic", "meeting", "minutes", "decision")


def upgrade() -> None:
    apply("0001_backbone.up")
    execute(UP)
    for noun in NOUNS:
        tenant_table(noun)
    execute("CREATE INDEX decision_by_meeting ON decision (meeting_id);")


def downgrade() -> None:
    execute("DROP TABLE decision, minutes, meeting, topic;")
    apply("0001_backbone.down")

"""Every version of minutes with its steps and its reason; their numbers; corrections, publication and execution of
decisions."""

from zhengling.migrations import execute

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE minutes
    ADD COLUMN drafted_at timestamptz,
    ADD COLUMN recorded_at timestamptz,
    ADD COLUMN mark text NOT NULL DEFAULT '会议纪要',
    ADD COLUMN issuer text NOT NULL DEFAULT '政府办公室',
    ADD COLUMN cause text NOT NULL DEFAULT 'draft' CHECK (cause IN ('draft', 'redraft', 'correction', 'waiver')),
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN major boolean NOT NULL DEFAULT false,
    ADD COLUMN corrects integer,
    ADD COLUMN amendments jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN steps jsonb,
    ADD COLUMN returned jsonb,
    ADD COLUMN issue text,
    ADD COLUMN signature text NOT NULL DEFAULT '',
    DROP CONSTRAINT minutes_state_check,
    ADD CHECK (state IN ('draft', 'returned', 'superseded', 'signed', 'waived'));
ALTER TABLE minutes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE meeting NO FORCE ROW LEVEL SECURITY;
UPDATE minutes SET drafted_at = coalesce(signed_at, modified_at), recorded_at = modified_at, signature = coalesce(signed_by, ''),
    steps = (SELECT minutes_steps FROM meeting WHERE meeting.id = meeting_id);
ALTER TABLE minutes FORCE ROW LEVEL SECURITY;
ALTER TABLE meeting FORCE ROW LEVEL SECURITY;
ALTER TABLE minutes
    ALTER COLUMN drafted_at SET NOT NULL,
    ALTER COLUMN recorded_at SET NOT NULL,
    ALTER COLUMN steps SET NOT NULL;
CREATE UNIQUE INDEX one_version_waits ON minutes (meeting_id) WHERE state = 'draft';
CREATE TABLE minutes_series (
    government text NOT NULL,
    kind text NOT NULL,
    year smallint NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (government, kind, year)
);
ALTER TABLE minutes_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE minutes_series FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON minutes_series TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON minutes_series TO $app, $worker;
ALTER TABLE meeting
    DROP CONSTRAINT meeting_state_check,
    ADD CHECK (state IN ('called', 'agenda_approved', 'cancelled', 'open', 'closed', 'minuted', 'signed', 'unminuted'));
ALTER TABLE decision
    ADD COLUMN revision integer NOT NULL DEFAULT 1,
    ADD COLUMN revisions jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN publication text NOT NULL DEFAULT 'not_asked'
        CHECK (publication IN ('not_asked', 'outstanding', 'published', 'withheld')),
    ADD COLUMN publication_clause text,
    ADD COLUMN publication_record jsonb,
    ADD COLUMN followed_clause text,
    ADD COLUMN executions jsonb NOT NULL DEFAULT '[]',
    DROP CONSTRAINT decision_standing_check,
    ADD CHECK (standing IN ('recorded', 'adopted', 'in_ledger', 'overdue', 'amended', 'revoked'));
CREATE INDEX decision_outstanding ON decision (government, modified_at, id) WHERE publication = 'outstanding';
"""
DOWN = """
ALTER TABLE decision
    DROP COLUMN revision, DROP COLUMN revisions, DROP COLUMN publication, DROP COLUMN publication_clause,
    DROP COLUMN publication_record, DROP COLUMN followed_clause, DROP COLUMN executions,
    DROP CONSTRAINT decision_standing_check,
    ADD CHECK (standing IN ('recorded', 'adopted', 'in_ledger', 'overdue'));
ALTER TABLE meeting
    DROP CONSTRAINT meeting_state_check,
    ADD CHECK (state IN ('called', 'agenda_approved', 'cancelled', 'open', 'closed', 'minuted', 'signed'));
DROP TABLE minutes_series;
DROP INDEX one_version_waits;
ALTER TABLE minutes
    DROP COLUMN drafted_at, DROP COLUMN recorded_at, DROP COLUMN mark, DROP COLUMN issuer, DROP COLUMN cause,
    DROP COLUMN reason, DROP COLUMN major, DROP COLUMN corrects, DROP COLUMN amendments, DROP COLUMN steps,
    DROP COLUMN returned, DROP COLUMN issue, DROP COLUMN signature,
    DROP CONSTRAINT minutes_state_check,
    ADD CHECK (state IN ('draft', 'signed'));
"""


def upgrade() -> None:
    execute(UP)


def downgrade() -> None:
    execute(DOWN)

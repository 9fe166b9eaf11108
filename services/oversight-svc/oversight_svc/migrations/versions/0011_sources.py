"""Sources of a matter in a table of their own; matters that are merged, parts of a matter, and similar ones."""

from zhengling.migrations import execute, tenant_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE entry_source (
    id text PRIMARY KEY,
    government text NOT NULL,
    version integer NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    entry_id text NOT NULL REFERENCES ledger_entry,
    recorded_for text NOT NULL REFERENCES ledger_entry,
    kind text NOT NULL,
    reference jsonb,
    ref_id text NOT NULL,
    title text NOT NULL,
    paper text NOT NULL DEFAULT '',
    dated date,
    added_by text NOT NULL,
    added_at timestamptz NOT NULL,
    approved_by text,
    approval text NOT NULL DEFAULT '',
    standing text NOT NULL CHECK (standing IN ('standing', 'withdrawn', 'revoked')),
    ended_at timestamptz,
    ended_reason text NOT NULL DEFAULT '',
    UNIQUE (government, kind, ref_id)
);
CREATE INDEX entry_source_entry ON entry_source (entry_id);
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry
    ADD COLUMN lead_code text GENERATED ALWAYS AS (lead->>'code') STORED,
    ADD COLUMN matter text GENERATED ALWAYS AS (topic->>'id') STORED,
    ADD COLUMN merged_into text REFERENCES ledger_entry,
    ADD COLUMN overlapping jsonb NOT NULL DEFAULT '[]',
    DROP CONSTRAINT ledger_entry_state_check,
    ADD CONSTRAINT ledger_entry_state_check
        CHECK (state IN ('open', 'accepted', 'refused', 'reported', 'verified', 'closed', 'revoked', 'merged'));
CREATE INDEX ledger_entry_merged ON ledger_entry (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ledger_entry_open_of_lead ON ledger_entry (government, lead_code, opened_at)
    WHERE state NOT IN ('closed', 'revoked', 'merged');
CREATE INDEX ledger_entry_open_of_matter ON ledger_entry (government, matter)
    WHERE state NOT IN ('closed', 'revoked', 'merged');
INSERT INTO entry_source (id, government, version, entry_id, recorded_for, kind, reference, ref_id, title, added_by, added_at,
                          standing, ended_at, ended_reason)
    SELECT id, government, 1, id, id, source_kind,
           jsonb_build_object('service', 'meeting', 'noun', 'decision', 'id', source_id, 'number', source_number),
           source_id, title, '', opened_at,
           CASE WHEN state = 'revoked' THEN 'revoked' ELSE 'standing' END,
           CASE WHEN state = 'revoked' THEN closed_at END, CASE WHEN state = 'revoked' THEN closed_reason ELSE '' END
    FROM ledger_entry;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
"""
#: A merged matter ends, as revoked ones do; the version before knows one source of each.
DOWN = """
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
UPDATE ledger_entry SET state = 'revoked' WHERE state = 'merged';
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
DROP TABLE entry_source;
ALTER TABLE ledger_entry
    DROP COLUMN lead_code, DROP COLUMN matter, DROP COLUMN merged_into, DROP COLUMN overlapping,
    DROP CONSTRAINT ledger_entry_state_check,
    ADD CONSTRAINT ledger_entry_state_check
        CHECK (state IN ('open', 'accepted', 'refused', 'reported', 'verified', 'closed', 'revoked'));
"""


def upgrade() -> None:
    execute(UP)
    tenant_table("entry_source")


def downgrade() -> None:
    execute(DOWN)

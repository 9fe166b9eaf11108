"""Parts of a matter, each of a unit; who gave an instruction, and when the result was seen."""

from zhengling.migrations import execute

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NUMBERED = """
DROP INDEX ledger_entry_numbers;
CREATE INDEX ledger_entry_numbers ON ledger_entry (government, opened_at)
    INCLUDE (lead_code, leader, category, source_kind, state, due, due_at, met_at, late, suspended, closed_at{more})
    WHERE readers && ARRAY['@'];
"""
UP = """
ALTER TABLE ledger_entry
    ADD COLUMN part_of text REFERENCES ledger_entry,
    DROP CONSTRAINT ledger_entry_government_source_kind_source_id_key;
CREATE UNIQUE INDEX ledger_entry_source ON ledger_entry (government, source_kind, source_id) WHERE part_of IS NULL;
CREATE INDEX ledger_entry_parts ON ledger_entry (part_of) WHERE part_of IS NOT NULL;
ALTER TABLE entry_source
    ADD COLUMN given_by text,
    ADD COLUMN giver text NOT NULL DEFAULT '',
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN handling text;
"""
#: A part becomes a matter of its own, as the version before knows no parts.
DOWN = """
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
ALTER TABLE entry_source NO FORCE ROW LEVEL SECURITY;
INSERT INTO entry_source (id, government, version, entry_id, recorded_for, kind, ref_id, title, paper, added_by, added_at,
                          standing)
    SELECT id, government, 1, id, id, 'leaders_assignment', id, title, source_number, '', opened_at, 'standing'
    FROM ledger_entry WHERE part_of IS NOT NULL;
UPDATE ledger_entry SET source_kind = 'leaders_assignment', source_id = id WHERE part_of IS NOT NULL;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
ALTER TABLE entry_source FORCE ROW LEVEL SECURITY;
ALTER TABLE entry_source DROP COLUMN given_by, DROP COLUMN giver, DROP COLUMN seen_at, DROP COLUMN handling;
DROP INDEX ledger_entry_source;
ALTER TABLE ledger_entry
    DROP COLUMN part_of,
    ADD CONSTRAINT ledger_entry_government_source_kind_source_id_key UNIQUE (government, source_kind, source_id);
"""


def upgrade() -> None:
    execute(UP)
    execute(_NUMBERED.format(more=", part_of"))


def downgrade() -> None:
    execute(_NUMBERED.format(more=""))
    execute(DOWN)

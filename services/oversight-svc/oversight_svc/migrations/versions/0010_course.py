"""The course of a matter, from its opening to its closing."""

from zhengling.migrations import execute

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE ledger_entry
    ADD COLUMN category text,
    ADD COLUMN leader text,
    ADD COLUMN responsible text,
    ADD COLUMN measures jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN contributions jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN course jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN suspended boolean NOT NULL DEFAULT false,
    ADD COLUMN met_at timestamptz,
    ADD COLUMN late boolean,
    ADD COLUMN quality text CHECK (quality IN ('excellent', 'good', 'fair')),
    DROP CONSTRAINT ledger_entry_state_check,
    ADD CONSTRAINT ledger_entry_state_check
        CHECK (state IN ('open', 'accepted', 'refused', 'reported', 'verified', 'closed', 'revoked'));
UPDATE ledger_entry SET suspended = true WHERE id IN (
    SELECT subject_id FROM deadline WHERE subject_type = 'entry' AND met_by = 'completion' AND state = 'suspended');
"""
#: An entry that isn't closed goes back to `open`, as the version before knows no course; a closed one ends, as revoked ones do.
DOWN = """
UPDATE ledger_entry SET state = CASE WHEN state = 'closed' THEN 'revoked' ELSE 'open' END
    WHERE state NOT IN ('open', 'revoked');
ALTER TABLE ledger_entry
    DROP COLUMN category, DROP COLUMN leader, DROP COLUMN responsible, DROP COLUMN measures, DROP COLUMN contributions,
    DROP COLUMN course, DROP COLUMN suspended, DROP COLUMN met_at, DROP COLUMN late, DROP COLUMN quality,
    DROP CONSTRAINT ledger_entry_state_check,
    ADD CONSTRAINT ledger_entry_state_check CHECK (state IN ('open', 'revoked'));
"""


def upgrade() -> None:
    _unforced(UP)


def downgrade() -> None:
    _unforced(DOWN)


def _unforced(script: str) -> None:
    """Run it on the rows of all governments: the tables' owner is subject to their policies otherwise."""
    tables = ("ledger_entry", "deadline")
    execute("".join(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;\n" for table in tables))
    execute(script)
    execute("".join(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;\n" for table in tables))

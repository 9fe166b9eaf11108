"""Due dates that a decision or the office stated are rows like those of a rule; every entry keeps its date."""

from zhengling.migrations import apply, execute

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# An overdue entry has passed its date; that of an ended entry no longer applies.
STATED = """
ALTER TABLE ledger_entry
    DROP CONSTRAINT ledger_entry_due_basis_check,
    ADD CONSTRAINT ledger_entry_due_basis_check
        CHECK (due_basis IN ('decision', 'leader', 'rule', 'office', 'to_be_set'));
ALTER TABLE deadline NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
INSERT INTO deadline (id, government, subject_type, subject_id, basis, rule, stated, edition, clause, counted_from, due, due_at,
                      provisional, calendar_version, state, passed_at)
SELECT gen_random_uuid(), government, 'entry', id, due_basis, due_basis, due, edition, clause, assigned_at, due, due_at,
       false, '', CASE state WHEN 'open' THEN 'running' ELSE 'cancelled' END, overdue_at
FROM ledger_entry WHERE due_basis IN ('decision', 'office') AND due IS NOT NULL;
UPDATE deadline d SET passed_at = e.overdue_at FROM ledger_entry e
WHERE d.subject_type = 'entry' AND d.subject_id = e.id AND d.basis = 'rule' AND d.state = 'running';
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
ALTER TABLE deadline FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    apply("0003_due_dates.up")
    execute(STATED)


def downgrade() -> None:
    execute("""
        ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
        UPDATE ledger_entry SET due_basis = 'office' WHERE due_basis = 'leader';
        ALTER TABLE ledger_entry
            DROP CONSTRAINT ledger_entry_due_basis_check,
            ADD CONSTRAINT ledger_entry_due_basis_check CHECK (due_basis IN ('decision', 'rule', 'office', 'to_be_set'));
        ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
    """)
    apply("0003_due_dates.down")

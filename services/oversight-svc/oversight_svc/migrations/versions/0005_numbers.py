"""The ledger's numbers move to the register: each with its decision, and who gave it when."""

from zhengling.migrations import apply, execute

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The owner reads and writes all governments' rows. A number of the series without an entry (there should be none) is void.
MOVE = """
ALTER TABLE number_series NO FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_entry NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit NO FORCE ROW LEVEL SECURITY;
ALTER TABLE number NO FORCE ROW LEVEL SECURITY;
INSERT INTO number (id, government, series, period, n, text, subject_noun, subject_id, state, given_by, given_at, state_by,
                    state_at, reason)
SELECT gen_random_uuid()::text, government, 'ledger', year, n, coalesce(number, year || '/' || n),
       CASE WHEN number IS NULL THEN 'unknown' ELSE 'decision' END, coalesce(source_id, ''),
       CASE WHEN number IS NULL THEN 'void' ELSE 'used' END,
       coalesce(actor, 'migration'), coalesce(opened_at, now()), coalesce(actor, 'migration'), coalesce(opened_at, now()),
       CASE WHEN number IS NULL THEN 'no record from before the register (登记簿启用前无记录)' ELSE '' END
FROM (SELECT government, split_part(series, ':', 2)::integer AS year, generate_series(1, last) AS n
      FROM number_series WHERE series LIKE 'ledger:%') given
LEFT JOIN (SELECT government, year, substring(number FROM year || '.*?([0-9]+)[^0-9]*$')::integer AS n, number, source_id,
                  opened_at, (SELECT actor FROM audit a WHERE a.government = e.government AND a.subject = e.source_id
                              AND a.action = 'on_decision_adopted' ORDER BY pos LIMIT 1) AS actor
           FROM (SELECT *, extract(year FROM assigned_at AT TIME ZONE 'Asia/Shanghai')::integer AS year
                 FROM ledger_entry) e) entry USING (government, year, n);
DO $$ BEGIN
    IF EXISTS (SELECT FROM ledger_entry e WHERE NOT EXISTS (
        SELECT FROM number n WHERE (n.government, n.text, n.subject_id) = (e.government, e.number, e.source_id)))
    THEN RAISE EXCEPTION 'the number of a ledger entry could not be read: its pattern has other digits after {n}';
    END IF;
END $$;
DROP TABLE number_series;
ALTER TABLE ledger_entry FORCE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
ALTER TABLE number FORCE ROW LEVEL SECURITY;
"""
MOVE_BACK = """
CREATE TABLE number_series (
    government text NOT NULL,
    series text NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (government, series)
);
ALTER TABLE number NO FORCE ROW LEVEL SECURITY;
INSERT INTO number_series
    SELECT government, 'ledger:' || period, max(n) FROM number WHERE series = 'ledger' GROUP BY government, period;
ALTER TABLE number_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE number_series FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON number_series TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON number_series TO $app, $worker;
"""


def upgrade() -> None:
    apply("0004_numbers.up")
    execute(MOVE)


def downgrade() -> None:
    execute(MOVE_BACK)
    apply("0004_numbers.down")

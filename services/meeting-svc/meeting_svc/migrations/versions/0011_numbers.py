"""The numbers of minutes move to the register: each with the minutes that were first signed under it."""

from zhengling.migrations import apply, execute

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# The owner reads and writes all governments' rows. A correction has the number of what it corrects. A number of the series
# without minutes (there should be none) is void.
MOVE = """
ALTER TABLE minutes_series NO FORCE ROW LEVEL SECURITY;
ALTER TABLE minutes NO FORCE ROW LEVEL SECURITY;
ALTER TABLE meeting NO FORCE ROW LEVEL SECURITY;
ALTER TABLE number NO FORCE ROW LEVEL SECURITY;
INSERT INTO number (id, government, series, period, n, text, subject_noun, subject_id, state, given_by, given_at, state_by,
                    state_at, reason)
SELECT gen_random_uuid()::text, government, 'minutes:' || kind, year, n, '〔' || year || '〕' || n || '号',
       CASE WHEN id IS NULL THEN 'unknown' ELSE 'minutes' END, coalesce(id, ''),
       CASE WHEN id IS NULL THEN 'void' ELSE 'used' END,
       coalesce(signed_by, 'migration'), coalesce(signed_at, now()), coalesce(signed_by, 'migration'),
       coalesce(signed_at, now()),
       CASE WHEN id IS NULL THEN 'no record from before the register (登记簿启用前无记录)' ELSE '' END
FROM (SELECT government, kind, year, generate_series(1, last) AS n FROM minutes_series) given
LEFT JOIN (SELECT DISTINCT ON (m.meeting_id, m.issue) m.government, kind,
                  substring(issue FROM '〔([0-9]+)〕')::smallint AS year,
                  substring(issue FROM '〕([0-9]+)号')::integer AS n, m.id, m.signed_by, m.signed_at
           FROM minutes m JOIN meeting ON meeting.id = m.meeting_id
           WHERE issue IS NOT NULL ORDER BY m.meeting_id, m.issue, m.number) signed USING (government, kind, year, n);
DROP TABLE minutes_series;
ALTER TABLE minutes FORCE ROW LEVEL SECURITY;
ALTER TABLE meeting FORCE ROW LEVEL SECURITY;
ALTER TABLE number FORCE ROW LEVEL SECURITY;
"""
MOVE_BACK = """
CREATE TABLE minutes_series (
    government text NOT NULL,
    kind text NOT NULL,
    year smallint NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (government, kind, year)
);
ALTER TABLE number NO FORCE ROW LEVEL SECURITY;
INSERT INTO minutes_series
    SELECT government, split_part(series, ':', 2), period, max(n) FROM number WHERE series LIKE 'minutes:%'
    GROUP BY government, series, period;
ALTER TABLE minutes_series ENABLE ROW LEVEL SECURITY;
ALTER TABLE minutes_series FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON minutes_series TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON minutes_series TO $app, $worker;
"""


def upgrade() -> None:
    apply("0004_numbers.up")
    execute(MOVE)


def downgrade() -> None:
    execute(MOVE_BACK)
    apply("0004_numbers.down")

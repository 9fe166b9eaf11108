-- The register of numbers: a row for each number that a series has given. There is no counter: the next number is the last
-- one plus 1, read while the series is locked, so that a rollback gives a number back. No role may delete a number.

CREATE TABLE number (
    id text PRIMARY KEY,
    government text NOT NULL,
    series text NOT NULL,
    period smallint,  -- a year; null where the series never begins again
    n integer NOT NULL CHECK (n > 0),
    text text NOT NULL,
    subject_noun text NOT NULL,
    subject_id text NOT NULL,
    state text NOT NULL CHECK (state IN ('reserved', 'used', 'void')),
    given_by text NOT NULL,
    given_at timestamptz NOT NULL,
    state_by text NOT NULL,
    state_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (state <> 'void' OR reason <> ''),
    modified_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX number_once ON number (government, series, coalesce(period, 0), n);
CREATE UNIQUE INDEX number_of_subject ON number (government, series, subject_noun, subject_id) WHERE state <> 'void';
CREATE INDEX number_reserved ON number (government, series) WHERE state = 'reserved';
CREATE INDEX number_feed ON number (government, modified_at, id);
ALTER TABLE number ENABLE ROW LEVEL SECURITY;
ALTER TABLE number FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON number TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT ON number TO $app, $worker;
GRANT UPDATE (state, state_by, state_at, reason, modified_at) ON number TO $app, $worker;

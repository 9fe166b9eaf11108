-- Due dates: stated by a decision, a leader or the office as well as computed; several clocks on one subject, each with what
-- meets it; rounds (a redo, a reopening) and the occurrences of a periodic rule. $app and $worker are the database's roles.
ALTER TABLE deadline
    ADD COLUMN basis text NOT NULL DEFAULT 'rule' CHECK (basis IN ('rule', 'decision', 'leader', 'office')),
    ADD COLUMN stated date,
    ADD COLUMN met_by text NOT NULL DEFAULT 'completion',
    ADD COLUMN round integer NOT NULL DEFAULT 1 CHECK (round >= 1),
    ADD COLUMN occurrence integer NOT NULL DEFAULT 1 CHECK (occurrence >= 1),
    ADD COLUMN recurs boolean NOT NULL DEFAULT false,
    ADD COLUMN passed_at timestamptz,
    ADD COLUMN met_at timestamptz,
    ADD CONSTRAINT deadline_stated CHECK ((basis = 'rule') = (stated IS NULL)),
    DROP CONSTRAINT deadline_subject_type_subject_id_rule_key,
    ADD CONSTRAINT deadline_of_subject UNIQUE (subject_type, subject_id, met_by, basis, rule, round, occurrence);
GRANT UPDATE (recurs, passed_at, met_at) ON deadline TO $app, $worker;

-- The version before knows one row of a rule on a subject, and none of a stated date: the noun itself keeps that.
ALTER TABLE deadline NO FORCE ROW LEVEL SECURITY;
ALTER TABLE deadline_change NO FORCE ROW LEVEL SECURITY;
WITH unknown AS (
    SELECT id FROM (
        SELECT id, basis, row_number() OVER (
            PARTITION BY subject_type, subject_id, rule ORDER BY basis <> 'rule', round DESC, occurrence DESC) AS nth
        FROM deadline) AS d
    WHERE basis <> 'rule' OR nth > 1),
changes AS (DELETE FROM deadline_change WHERE deadline_id IN (SELECT id FROM unknown))
DELETE FROM deadline WHERE id IN (SELECT id FROM unknown);
ALTER TABLE deadline_change FORCE ROW LEVEL SECURITY;
ALTER TABLE deadline FORCE ROW LEVEL SECURITY;
ALTER TABLE deadline
    DROP CONSTRAINT deadline_of_subject,
    DROP CONSTRAINT deadline_stated,
    DROP COLUMN basis, DROP COLUMN stated, DROP COLUMN met_by, DROP COLUMN round, DROP COLUMN occurrence,
    DROP COLUMN recurs, DROP COLUMN passed_at, DROP COLUMN met_at,
    ADD CONSTRAINT deadline_subject_type_subject_id_rule_key UNIQUE (subject_type, subject_id, rule);

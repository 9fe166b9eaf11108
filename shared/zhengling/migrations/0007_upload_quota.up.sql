-- Bytes uploaded on a day: of a person, and (with an empty name) of the government. They are claimed before an upload is read,
-- so uploads at the same time and on several replicas don't exceed a quota together.

CREATE TABLE upload_quota (
    government text NOT NULL,
    person text NOT NULL,
    day date NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (government, person, day)
);
ALTER TABLE upload_quota ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_quota FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON upload_quota TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT ON upload_quota TO $app;
GRANT UPDATE (bytes) ON upload_quota TO $app;
GRANT SELECT, DELETE ON upload_quota TO $worker;

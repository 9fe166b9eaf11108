-- Files: contents in the store (file_content) and uploads (file). A content's row is committed before its object gets its
-- key in the store, a file's row after. No role may change or delete a file.

CREATE TABLE file_content (
    government text NOT NULL,
    sha256 text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leaving_since timestamptz,  -- no file has this content, and its object is being deleted
    PRIMARY KEY (government, sha256)
);
CREATE INDEX file_content_claimed ON file_content (government, claimed_at);
ALTER TABLE file_content ENABLE ROW LEVEL SECURITY;
ALTER TABLE file_content FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON file_content TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT ON file_content TO $app, $worker;
GRANT UPDATE (claimed_at) ON file_content TO $app;
GRANT UPDATE (claimed_at, leaving_since), DELETE ON file_content TO $worker;

CREATE TABLE file (
    id text PRIMARY KEY,
    government text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    sha256 text NOT NULL,
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (government, sha256) REFERENCES file_content
);
CREATE INDEX file_feed ON file (government, modified_at, id);
CREATE INDEX file_by_content ON file (government, sha256);
ALTER TABLE file ENABLE ROW LEVEL SECURITY;
ALTER TABLE file FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON file TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT ON file TO $app, $worker;

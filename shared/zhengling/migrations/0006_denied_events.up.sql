-- Events that were received in another service's name, which that service never emitted. A reader reports what it received,
-- with a digest of each event's content (null for events received before); the sender compares it with its outbox.
ALTER TABLE inbox ADD COLUMN digest bytea;
CREATE INDEX inbox_by_time ON inbox (consumer, received_at);
ALTER TABLE reconciliation ADD COLUMN received_until timestamptz NOT NULL DEFAULT clock_timestamp();

CREATE TABLE denied_event (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    government text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('never_emitted', 'other_content')),
    denied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    discard_reason text,
    discard_requested_by text,
    discard_requested_for text,
    discarded_by text,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX denied_event_open ON denied_event (consumer) WHERE discarded_by IS NULL;
ALTER TABLE denied_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE denied_event FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON denied_event TO $app USING (government = current_government());
CREATE POLICY all_governments ON denied_event TO $worker USING (true);
CREATE POLICY only_the_one_entered ON denied_event AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
GRANT SELECT ON denied_event TO $app;
GRANT UPDATE (discard_reason, discard_requested_by, discard_requested_for, discarded_by) ON denied_event TO $app;
GRANT SELECT, INSERT ON denied_event TO $worker;

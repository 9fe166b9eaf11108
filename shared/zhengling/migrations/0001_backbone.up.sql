-- The tables of every service's database beside its own nouns: outbox, inbox, timers, idempotency keys, audit,
-- business clock, deadlines, the replicas of composition and calendar, and links to calendar feeds. $app and $worker are
-- the two roles; both see only rows of `app.government`, except that the worker's relay, retries, timers and audit sealing
-- find work in all governments.

-- business time -------------------------------------------------------------------------------------------------
CREATE TABLE business_clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    shift interval NOT NULL DEFAULT '0'
);
INSERT INTO business_clock DEFAULT VALUES;
GRANT SELECT, UPDATE ON business_clock TO $app;
GRANT SELECT ON business_clock TO $worker;

CREATE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql STABLE
    AS 'SELECT now() + shift FROM business_clock';
CREATE FUNCTION current_government() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    AS $$SELECT nullif(current_setting('app.government', true), '')$$;

-- outbox --------------------------------------------------------------------------------------------------------
-- `emit` locks the aggregate's row in outbox_sequence until the commit: this lock orders events.
CREATE TABLE outbox_sequence (
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    government text NOT NULL,
    last_seq bigint NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);
ALTER TABLE outbox_sequence ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_sequence FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON outbox_sequence TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON outbox_sequence TO $app, $worker;

CREATE TABLE outbox (
    pos bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    government text NOT NULL,
    lane smallint NOT NULL,
    topic text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    aggregate_seq bigint NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    classification text NOT NULL DEFAULT 'internal',
    correlation_id text,
    causation_id text,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_error text,
    parked_at timestamptz,
    UNIQUE (aggregate_type, aggregate_id, aggregate_seq)
);
CREATE INDEX outbox_unpublished ON outbox (lane, pos) WHERE published_at IS NULL;
CREATE INDEX outbox_held_back ON outbox (aggregate_type, aggregate_id)
    WHERE published_at IS NULL AND (parked_at IS NOT NULL OR next_attempt_at IS NOT NULL);
CREATE INDEX outbox_by_time ON outbox (created_at);
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON outbox TO $app USING (government = current_government());
CREATE POLICY all_governments ON outbox TO $worker USING (true);
CREATE POLICY only_the_one_entered ON outbox AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
GRANT SELECT, INSERT ON outbox TO $app, $worker;
GRANT UPDATE (published_at, attempts, next_attempt_at, last_error, parked_at) ON outbox TO $app, $worker;

CREATE TABLE outbox_lane (lane smallint PRIMARY KEY);
INSERT INTO outbox_lane SELECT generate_series(0, 15);
GRANT SELECT, UPDATE ON outbox_lane TO $app, $worker;

-- inbox ---------------------------------------------------------------------------------------------------------
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    source text NOT NULL,
    government text NOT NULL,
    event_type text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    aggregate_seq bigint NOT NULL,
    status text NOT NULL CHECK (status IN ('applied', 'ignored', 'waiting', 'dead', 'discarded')),
    envelope jsonb,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_error text,
    collides_with uuid,
    topic text NOT NULL,
    part integer NOT NULL,
    koffset bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    discard_reason text,
    discard_requested_by text,
    discard_requested_for text,
    discarded_by text,
    PRIMARY KEY (consumer, event_id)
);
CREATE UNIQUE INDEX inbox_one_event_per_seq
    ON inbox (consumer, source, aggregate_type, aggregate_id, aggregate_seq) WHERE collides_with IS NULL;
CREATE INDEX inbox_open ON inbox (consumer, status, received_at) WHERE status IN ('waiting', 'dead');
ALTER TABLE inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE inbox FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON inbox TO $app USING (government = current_government());
CREATE POLICY all_governments ON inbox TO $worker USING (true);
CREATE POLICY only_the_one_entered ON inbox AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
GRANT SELECT ON inbox TO $app;
GRANT UPDATE (status, attempts, next_attempt_at, discard_reason, discard_requested_by, discard_requested_for, discarded_by)
    ON inbox TO $app;
GRANT SELECT, INSERT ON inbox TO $worker;
GRANT UPDATE (status, envelope, attempts, next_attempt_at, last_error, applied_at) ON inbox TO $worker;

CREATE TABLE inbox_cursor (
    consumer text NOT NULL,
    source text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    furthest bigint NOT NULL DEFAULT 0,  -- the highest seq waiting or dead
    blocked_by uuid,
    PRIMARY KEY (consumer, source, aggregate_type, aggregate_id)
);
CREATE INDEX inbox_cursor_blocked ON inbox_cursor (consumer) WHERE blocked_by IS NOT NULL;
GRANT SELECT, INSERT, UPDATE ON inbox_cursor TO $worker;

-- Events known to be emitted and missing here: of an ordered aggregate all missing ones up to `upto`, of a snapshot only
-- `upto`. Requested repeatedly; the row is deleted when nothing is missing any more.
CREATE TABLE missing_event (
    consumer text NOT NULL,
    source text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    snapshot boolean NOT NULL,
    upto bigint NOT NULL,
    asks integer NOT NULL DEFAULT 0,
    since timestamptz NOT NULL,  -- when it was noticed or last requested
    PRIMARY KEY (consumer, source, aggregate_type, aggregate_id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON missing_event TO $worker;

-- Up to when this service has reported its events. The lock of this row admits one of several workers.
CREATE TABLE reconciliation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    reported_until timestamptz NOT NULL DEFAULT 'epoch',
    reported_at timestamptz NOT NULL DEFAULT 'epoch',
    sent_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO reconciliation DEFAULT VALUES;
GRANT SELECT, UPDATE ON reconciliation TO $worker;

-- A record that can't be parsed belongs to no government; the digest distinguishes records after a topic was recreated. Its
-- content may be any government's: the application's role, which serves one government, can't read it.
CREATE TABLE poison (
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    consumer text NOT NULL,
    topic text NOT NULL,
    part integer NOT NULL,
    koffset bigint NOT NULL,
    digest bytea NOT NULL,
    raw bytea NOT NULL,
    error text NOT NULL,
    size integer NOT NULL GENERATED ALWAYS AS (octet_length(raw)) STORED,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    discard_reason text,
    discard_requested_by text,
    discard_requested_for text,
    discarded_by text,
    PRIMARY KEY (consumer, topic, part, koffset, digest)
);
GRANT SELECT, INSERT ON poison TO $worker;
GRANT SELECT (id, consumer, topic, part, koffset, digest, size, error, received_at, discard_reason, discard_requested_by,
              discard_requested_for, discarded_by) ON poison TO $app;
GRANT UPDATE (discard_reason, discard_requested_by, discard_requested_for, discarded_by) ON poison TO $app;

-- timers --------------------------------------------------------------------------------------------------------
CREATE TABLE timer (
    id uuid PRIMARY KEY,
    government text NOT NULL,
    kind text NOT NULL,
    subject_id text NOT NULL,
    due_at timestamptz NOT NULL,
    generation integer NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'fired', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    last_error text,
    fired_at timestamptz,
    UNIQUE (kind, subject_id, generation)
);
CREATE INDEX timer_pending ON timer (due_at) WHERE state = 'pending';
ALTER TABLE timer ENABLE ROW LEVEL SECURITY;
ALTER TABLE timer FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON timer TO $app USING (government = current_government());
CREATE POLICY all_governments ON timer TO $worker USING (true);
CREATE POLICY only_the_one_entered ON timer AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
GRANT SELECT, INSERT ON timer TO $app, $worker;
GRANT UPDATE (state, attempts, next_attempt_at, last_error, fired_at) ON timer TO $app, $worker;

-- idempotency ---------------------------------------------------------------------------------------------------
CREATE TABLE idempotency_key (
    government text NOT NULL,
    client text NOT NULL,
    key text NOT NULL,
    route text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint NOT NULL,
    body bytea NOT NULL,
    headers jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (government, client, key)
);
CREATE INDEX idempotency_key_expiry ON idempotency_key (expires_at);
ALTER TABLE idempotency_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_key FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON idempotency_key TO $app USING (government = current_government());
CREATE POLICY all_governments ON idempotency_key TO $worker USING (true);
GRANT SELECT, INSERT, DELETE ON idempotency_key TO $app;
GRANT SELECT, DELETE ON idempotency_key TO $worker;

-- audit ---------------------------------------------------------------------------------------------------------
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    pos bigint GENERATED ALWAYS AS IDENTITY,
    government text NOT NULL,
    at text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL,
    hash bytea NOT NULL,
    seal bigint
);
CREATE INDEX audit_unsealed ON audit (government, pos) WHERE seal IS NULL;
CREATE INDEX audit_by_subject ON audit (government, subject, pos);
CREATE TABLE audit_seal (
    government text NOT NULL,
    seal bigint NOT NULL,
    rows uuid[] NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (government, seal)
);
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON audit TO $app USING (government = current_government());
CREATE POLICY all_governments ON audit TO $worker USING (true);
CREATE POLICY only_the_one_entered ON audit AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
ALTER TABLE audit_seal ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_seal FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON audit_seal TO $app USING (government = current_government());
CREATE POLICY all_governments ON audit_seal TO $worker USING (true);
CREATE POLICY only_the_one_entered ON audit_seal AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
GRANT SELECT, INSERT ON audit TO $app, $worker;
GRANT UPDATE (seal) ON audit TO $worker;
GRANT SELECT ON audit_seal TO $app;
GRANT SELECT, INSERT ON audit_seal TO $worker;

-- deadlines -----------------------------------------------------------------------------------------------------
CREATE TABLE deadline (
    id uuid PRIMARY KEY,
    government text NOT NULL,
    subject_type text NOT NULL,
    subject_id text NOT NULL,
    rule text NOT NULL,
    edition text NOT NULL,
    clause text NOT NULL,
    counted_from timestamptz NOT NULL,
    due date NOT NULL,
    due_at timestamptz NOT NULL,
    provisional boolean NOT NULL,
    calendar_version text NOT NULL,
    adjustments jsonb NOT NULL DEFAULT '[]',
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'suspended', 'met', 'cancelled')),
    UNIQUE (subject_type, subject_id, rule)
);
CREATE INDEX deadline_by_calendar ON deadline (government, calendar_version) WHERE state = 'running';
ALTER TABLE deadline ENABLE ROW LEVEL SECURITY;
ALTER TABLE deadline FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON deadline TO $app USING (government = current_government());
CREATE POLICY all_governments ON deadline TO $worker USING (true);
CREATE POLICY only_the_one_entered ON deadline AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
CREATE POLICY only_those_of_the_one_entered ON deadline AS RESTRICTIVE FOR UPDATE TO $worker
    USING (government = current_government());
GRANT SELECT, INSERT ON deadline TO $app, $worker;
GRANT UPDATE (due, due_at, provisional, calendar_version, adjustments, state) ON deadline TO $app, $worker;

CREATE TABLE deadline_change (
    id uuid PRIMARY KEY,
    government text NOT NULL,
    deadline_id uuid NOT NULL REFERENCES deadline,
    kind text NOT NULL CHECK (kind IN ('recomputed', 'suspended', 'resumed', 'extended')),
    old_due date NOT NULL,
    old_due_at timestamptz NOT NULL,
    new_due date NOT NULL,
    new_due_at timestamptz NOT NULL,
    calendar_version text NOT NULL,
    why_en text NOT NULL,
    why_zh text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX deadline_change_of ON deadline_change (deadline_id, recorded_at);
ALTER TABLE deadline_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE deadline_change FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON deadline_change TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT ON deadline_change TO $app, $worker;

-- Requests to recompute running deadlines after a change of the calendar.
CREATE TABLE recomputation (
    calendar text PRIMARY KEY,
    government text NOT NULL,
    version bigint NOT NULL,
    why_en text NOT NULL,
    why_zh text NOT NULL,
    examined bigint NOT NULL DEFAULT 0,
    moved bigint NOT NULL DEFAULT 0,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE INDEX recomputation_open ON recomputation (requested_at) WHERE finished_at IS NULL;
ALTER TABLE recomputation ENABLE ROW LEVEL SECURITY;
ALTER TABLE recomputation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON recomputation FOR SELECT TO $app USING (government = current_government());
CREATE POLICY all_governments ON recomputation TO $worker USING (true);
CREATE POLICY only_the_one_entered ON recomputation AS RESTRICTIVE FOR INSERT TO $worker
    WITH CHECK (government = current_government());
GRANT SELECT ON recomputation TO $app;
GRANT SELECT, INSERT ON recomputation TO $worker;
GRANT UPDATE (version, why_en, why_zh, examined, moved, requested_at, finished_at) ON recomputation TO $worker;

-- replicas of other services' reference data; each snapshot replaces the previous one ----------------------------
CREATE TABLE composition (
    government text PRIMARY KEY,
    version bigint NOT NULL,
    content jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE composition ENABLE ROW LEVEL SECURITY;
ALTER TABLE composition FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON composition TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON composition TO $app, $worker;

CREATE TABLE calendar_year (
    government text NOT NULL,
    year smallint NOT NULL,
    version bigint NOT NULL,
    content jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (government, year)
);
ALTER TABLE calendar_year ENABLE ROW LEVEL SECURITY;
ALTER TABLE calendar_year FORCE ROW LEVEL SECURITY;
CREATE POLICY own_or_national_read ON calendar_year FOR SELECT TO $app, $worker
    USING (government IN ('*', current_government()));
CREATE POLICY own_insert ON calendar_year FOR INSERT TO $app, $worker WITH CHECK (government = current_government());
CREATE POLICY own_update ON calendar_year FOR UPDATE TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON calendar_year TO $app, $worker;

-- The calendar's version for the current government; null before the first snapshot. A reader holds a shared lock until its
-- commit: a change waits for transactions that use the old calendar, and later ones see the new one.
CREATE FUNCTION held_calendar_version() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('calendar_year', 0));
    RETURN (
        SELECT string_agg(government || ':' || changes || '-' || digest, ' ' ORDER BY government)
        FROM (SELECT government, sum(version) AS changes,
                     left(md5(string_agg(year || ':' || version, ' ' ORDER BY year)), 8) AS digest
              FROM calendar_year GROUP BY government) v);
END $$;

-- the content of each rulebook edition used with this database ---------------------------------------------------
CREATE TABLE rulebook_edition (
    government text NOT NULL,
    edition text NOT NULL,
    revision integer NOT NULL,
    digest text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (government, edition, revision)
);
ALTER TABLE rulebook_edition ENABLE ROW LEVEL SECURITY;
ALTER TABLE rulebook_edition FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON rulebook_edition TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT ON rulebook_edition TO $app, $worker;

-- calendar feeds by secret links ---------------------------------------------------------------------------------
-- Only the SHA-256 of a secret is stored. A transaction that sets it (`app.feed`, local) sees that one row before its
-- government is known; no SECURITY DEFINER is needed, so forced row-level security applies to every role.
CREATE TABLE feed (
    id uuid PRIMARY KEY,
    government text NOT NULL,
    subject text NOT NULL,
    official text,
    language text NOT NULL CHECK (language IN ('en', 'zh')),
    secret_hash text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);
CREATE INDEX feed_of_government ON feed (government, created_at);
ALTER TABLE feed ENABLE ROW LEVEL SECURITY;
ALTER TABLE feed FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON feed TO $app, $worker USING (government = current_government());
CREATE POLICY whose_secret_is_named ON feed FOR SELECT TO $app
    USING (secret_hash = nullif(current_setting('app.feed', true), '') AND revoked_at IS NULL);
GRANT SELECT, INSERT ON feed TO $app;
GRANT UPDATE (revoked_at) ON feed TO $app;
GRANT SELECT ON feed TO $worker;

-- absences and stand-ins, from calendar-svc's events -------------------------------------------------------------
CREATE TABLE absence_replica (
    government text NOT NULL,
    id text NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    in_force boolean NOT NULL,
    content jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (government, id)
);
CREATE INDEX absence_replica_days ON absence_replica (government, until) WHERE in_force;
ALTER TABLE absence_replica ENABLE ROW LEVEL SECURITY;
ALTER TABLE absence_replica FORCE ROW LEVEL SECURITY;
CREATE POLICY own_government ON absence_replica TO $app, $worker USING (government = current_government());
GRANT SELECT, INSERT, UPDATE ON absence_replica TO $app, $worker;

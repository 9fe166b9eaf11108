DROP TABLE absence_replica;
DROP TABLE rulebook_edition, calendar_year, composition, deadline, audit_seal, audit, idempotency_key, timer, poison,
    inbox_cursor, inbox, outbox_lane, outbox, outbox_sequence;
DROP FUNCTION business_now(), current_government();
DROP TABLE business_clock;

DROP TABLE absence_replica, feed, rulebook_edition, calendar_year, composition, recomputation, deadline_change, deadline, audit_seal, audit,
    idempotency_key, timer, poison, reconciliation, missing_event, inbox_cursor, inbox, outbox_lane, outbox, outbox_sequence;
DROP FUNCTION business_now(), current_government(), held_calendar_version();
DROP TABLE business_clock;

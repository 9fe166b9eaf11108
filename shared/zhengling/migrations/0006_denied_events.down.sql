DROP TABLE denied_event;
ALTER TABLE reconciliation DROP COLUMN received_until;
DROP INDEX inbox_by_time;
ALTER TABLE inbox DROP COLUMN digest;

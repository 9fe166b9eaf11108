-- The rows of a table under each of their readers, in the order of the last change: `<table>_reader`, kept by this trigger
-- from the column `readers` (zhengling/migrations, listed_by_readers).

CREATE FUNCTION list_by_readers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.modified_at = OLD.modified_at AND NEW.readers = OLD.readers THEN
            RETURN NULL;
        END IF;
        EXECUTE format('DELETE FROM %I WHERE id = $1', TG_TABLE_NAME || '_reader') USING OLD.id;
    END IF;
    EXECUTE format(
        'INSERT INTO %I SELECT DISTINCT $1, reader, $2, $3 FROM unnest($4) AS reader WHERE reader NOT IN (''@'', ''#'')',
        TG_TABLE_NAME || '_reader'
    ) USING NEW.government, NEW.modified_at, NEW.id, NEW.readers;
    RETURN NULL;
END $$;

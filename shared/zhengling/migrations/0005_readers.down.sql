DROP FUNCTION reader_keys(text, jsonb);

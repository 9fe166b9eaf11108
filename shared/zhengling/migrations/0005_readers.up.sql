-- Who sees a row: the keys in its column `readers`, generated from the row itself (authority/readers.py).

-- Keys of one kind, from a JSON array of strings.
CREATE FUNCTION reader_keys(prefix text, among jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT prefix || value), '{}') FROM jsonb_array_elements_text(coalesce(among, '[]')) AS value
$$;

DROP FUNCTION list_by_readers();

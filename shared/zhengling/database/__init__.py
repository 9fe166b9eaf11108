"""The session and its transaction, rows in bulk, mapped columns, new databases."""

"""The session and its transaction, batched inserts, mapped columns, creation of databases."""

"""The session and its transaction, batched inserts, the register of numbers, mapped columns, creation of databases."""

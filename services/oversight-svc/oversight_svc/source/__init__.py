"""What matters of the ledger come from."""

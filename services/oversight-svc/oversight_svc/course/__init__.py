"""The course of a matter of the ledger, from its opening to its closing."""

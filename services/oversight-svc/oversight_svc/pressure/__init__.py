"""The pressure on a matter of the ledger: urging, the escalation ladder, ways of supervision."""

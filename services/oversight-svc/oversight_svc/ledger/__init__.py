"""The ledger as a whole: its numbers, and the workbook that clerks know."""

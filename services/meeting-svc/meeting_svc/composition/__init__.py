"""The composition of a government, imported and changed: rows, checks, changes, workbook."""

"""Imports every noun's table, so that all are on one metadata and every noun is mapped."""

from oversight_svc.entry import table as entry_table

TABLES = [entry_table]

"""Imports every noun's table, so that one metadata has them all and every noun is mapped."""

from oversight_svc.entry import table as entry_table
from oversight_svc.source import table as source_table

TABLES = [entry_table, source_table]

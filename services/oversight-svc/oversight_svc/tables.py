"""Imports every noun's table, so that one metadata has them all and every noun is mapped."""

from oversight_svc.entry import table as entry_table
from oversight_svc.notice import table as notice_table
from oversight_svc.pressure import table as pressure_table
from oversight_svc.proposal import table as proposal_table
from oversight_svc.source import table as source_table

TABLES = [entry_table, source_table, pressure_table, notice_table, proposal_table]

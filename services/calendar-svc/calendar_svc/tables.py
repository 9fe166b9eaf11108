"""Imports every noun's table, so that one metadata has them all and every noun is mapped."""

from calendar_svc.absence import table as absence_table
from calendar_svc.closure import table as closure_table
from calendar_svc.field_research import table as field_research_table

TABLES = [absence_table, closure_table, field_research_table]

"""Imports every noun's table, so that one metadata has them all and every noun is mapped."""

from docflow_svc.decision import table as decision_table
from docflow_svc.document import table as document_table

TABLES = [decision_table, document_table]

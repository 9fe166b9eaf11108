"""Imports every noun's table, so that one metadata has them all and every noun is mapped."""

from docflow_svc.document import table as document_table

TABLES = [document_table]

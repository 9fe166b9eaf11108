"""Imports every noun's table, so that all are on one metadata and every noun is mapped."""

from docflow_svc.document import table as document_table

TABLES = [document_table]

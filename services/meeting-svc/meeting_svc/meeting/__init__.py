"""A meeting: its record, state, participants, chair, the chair's successor, its view.

Convening a meeting and the session itself are folders of their own.
"""

"""A meeting: its record and state, its participants, who chairs and who succeeds the chair, its view.

Convening a meeting and the session itself are folders of their own.
"""

"""A meeting: its record and state, participants, who chairs and succeeds the chair, its view. Convening and the session itself are folders of their own."""

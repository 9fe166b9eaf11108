"""Invitees of a meeting, the notice to its participants, their acknowledgements."""

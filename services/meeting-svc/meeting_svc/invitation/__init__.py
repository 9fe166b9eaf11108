"""Who is invited to a meeting, is notified, answers."""

"""calendar-svc: working days, and deadlines for everybody."""

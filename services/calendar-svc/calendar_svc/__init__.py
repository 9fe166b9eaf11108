"""calendar-svc: working days, deadlines for all services, absences, field research."""

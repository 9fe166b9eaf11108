"""A change of the calendar, and how far the services have followed it."""

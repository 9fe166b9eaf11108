"""A change of the calendar, and the services' progress in following it."""

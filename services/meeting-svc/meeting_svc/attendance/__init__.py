"""Attendance of a session: roll call, arrivals and departures, quorum."""

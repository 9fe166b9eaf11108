"""The embedded stack on one machine: PostgreSQL, broker, services and tokens."""

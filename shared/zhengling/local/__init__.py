"""One laptop: PostgreSQL, broker, services and tokens without a cloud."""

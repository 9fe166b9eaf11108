"""A decision in force: published, amended, revoked."""

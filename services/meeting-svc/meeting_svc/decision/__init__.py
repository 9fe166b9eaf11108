"""A decision after the signature of the minutes: published, executed, amended, revoked."""

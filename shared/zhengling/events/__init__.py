"""Every event there is, one file for each service that emits it."""

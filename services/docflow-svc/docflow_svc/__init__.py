"""docflow-svc: official documents."""

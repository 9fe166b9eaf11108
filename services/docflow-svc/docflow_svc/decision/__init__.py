"""The decisions of meetings, as docflow-svc knows them."""

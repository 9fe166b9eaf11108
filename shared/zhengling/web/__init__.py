"""HTTP: command and query routes with one transaction each, ETags, pages, problem documents."""

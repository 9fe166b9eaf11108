"""HTTP: a command is a route with one transaction; answers, ETags, problem documents."""

"""The process of a service: settings, token verification, health, worker, command line."""

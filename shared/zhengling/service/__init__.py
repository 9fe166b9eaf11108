"""The process of a service: settings, callers' tokens, health, workers, the program."""

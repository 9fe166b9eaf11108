"""Deadlines computed on request."""

"""Leave from a meeting, and delegates."""

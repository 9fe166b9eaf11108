"""Leave from a meeting (请假), and delegates (替会)."""

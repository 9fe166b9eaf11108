"""Replicas of other services' data, fed by events, and the recomputation after a change of them."""

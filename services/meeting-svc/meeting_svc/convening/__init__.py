"""The convening of a meeting: call, postponement, cancellation, entrustment of the chair, recording."""

"""The kinds of meetings that the rulebook declares."""

"""The cadence of meetings: how often each kind has to be held."""

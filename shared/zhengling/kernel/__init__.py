"""The words of every room: refusals, characters, payloads, instants, bounds. Imports nothing of ours."""

"""Basics of all packages: refusals, states, characters, payloads, instants, bounds. Imports no other package of ours."""

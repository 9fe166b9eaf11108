"""Proposals against units that were urged repeatedly or delay for long: a person decides on each."""

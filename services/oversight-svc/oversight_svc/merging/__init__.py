"""Merging of matters that are supervised twice."""

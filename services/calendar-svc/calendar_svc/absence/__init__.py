"""Absence of officials: its rules, obligations, stand-ins, breaches."""

"""Absence of officials: rules, obligations, stand-ins, breaches."""

"""Notices of supervision (督办通知) to the unit that leads a matter, each with its return slip (回执)."""

"""Local closures on top of the national arrangements."""

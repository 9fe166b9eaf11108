"""Working days and deadlines, computed without I/O."""

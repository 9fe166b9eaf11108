"""A working year: its days and versions."""

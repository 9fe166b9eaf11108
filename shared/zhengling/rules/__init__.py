"""The rulebooks: what may be written in them, and how they are read and checked."""

"""The rulebooks: their schema, and how they are loaded and checked."""

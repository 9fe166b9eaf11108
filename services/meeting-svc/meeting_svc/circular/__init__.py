"""The circular on attendance."""

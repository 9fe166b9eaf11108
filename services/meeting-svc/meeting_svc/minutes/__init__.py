"""Minutes: drafted, reviewed, signed, corrected; their text and their document."""

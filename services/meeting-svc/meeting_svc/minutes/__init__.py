"""The minutes of a meeting: drafted, reviewed, signed, corrected; their text and their document."""

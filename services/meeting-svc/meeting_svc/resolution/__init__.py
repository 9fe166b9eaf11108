"""The decisions of a session: recorded, replaced, withdrawn until the minutes are signed."""

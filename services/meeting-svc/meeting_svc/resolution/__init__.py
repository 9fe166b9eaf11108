"""What a session resolves on a topic: recorded, replaced, withdrawn until the minutes are signed."""

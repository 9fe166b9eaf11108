"""How often each kind of meeting has to be held."""

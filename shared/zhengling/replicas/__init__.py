"""What a service keeps of another one's facts, and what follows from a change of them."""

"""Files: uploaded once, hashed, immutable."""

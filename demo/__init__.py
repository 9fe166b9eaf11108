"""The main job over the public API, for five governments, on a stack of its own: `python -m demo`."""

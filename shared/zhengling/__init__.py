"""The library that Zhengling's services stand on: rooms that import only rooms below them."""

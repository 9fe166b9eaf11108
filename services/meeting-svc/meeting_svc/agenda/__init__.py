"""The agenda of a meeting: topics, order, approval, periodic topics."""

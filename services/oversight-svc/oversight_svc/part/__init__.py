"""Parts of a matter, each of one unit (分解任务)."""

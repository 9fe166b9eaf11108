"""The `zhengling` command, one file for each group of commands."""

"""The yearly plan of meetings: collected, reviewed, adopted."""

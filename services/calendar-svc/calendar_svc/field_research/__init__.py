"""Days of field research (调研), compared with the year's minimum."""

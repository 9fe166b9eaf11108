"""Days of field research, held against the year's minimum."""

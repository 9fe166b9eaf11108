"""Who comes, goes and counts: roll call, arrivals and departures, quorum."""

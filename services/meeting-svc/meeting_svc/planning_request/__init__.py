"""A request to hold a meeting or major activity: submission, chain, breaches, invitees, holding."""

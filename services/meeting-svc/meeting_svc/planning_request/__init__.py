"""A request to hold a meeting or major activity: from asking to holding, what it breaks, whom it invites."""

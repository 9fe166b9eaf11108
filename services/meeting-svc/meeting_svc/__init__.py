"""meeting-svc: composition of the government, topics, meetings, minutes, decisions."""

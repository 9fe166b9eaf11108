"""Who may act: posts, stand-ins, chains of steps, the act itself."""

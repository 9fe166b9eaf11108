"""Authority: posts, stand-ins, chains of steps, recorded acts."""

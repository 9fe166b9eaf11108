"""A topic: declaration, papers, consultation, readiness, chain, transitions."""

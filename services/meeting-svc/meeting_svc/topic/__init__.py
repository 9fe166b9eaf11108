"""A topic on its way: declaration, papers, consultation, readiness, chain, transitions."""

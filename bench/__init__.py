"""Performance figures, kept as ratios."""

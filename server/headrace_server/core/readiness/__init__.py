"""How ready datasets are for use: rules, scores, what was observed."""

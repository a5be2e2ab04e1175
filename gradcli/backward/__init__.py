"""Hand-written backward passes: a verdict for every line, the mistake by name, the fork table."""

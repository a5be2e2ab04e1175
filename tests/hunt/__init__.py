"""A standing hunt for false words: random cases, held to oracles that share nothing with us."""

"""The interpreter: statements, expressions, functions and imports, one part for each kind."""

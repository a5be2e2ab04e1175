"""A circuit in every format: a file one, all of them written from the same labels."""

"""A program at a point: its run, and numbers of which every digit is true."""

"""What parameters may be that nobody gives: from the text that uses them, and from readings."""

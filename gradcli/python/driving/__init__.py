"""A subject is driven: its functions are called, and what they give is made claims."""

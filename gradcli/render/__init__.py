"""The last room but one: reports and errors in, text out; it knows nothing of the engine."""

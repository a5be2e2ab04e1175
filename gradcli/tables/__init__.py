"""Tables of numbers, read and written in blocks: a file a format, never a whole table in memory."""

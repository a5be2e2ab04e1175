"""Gates: the table, a row per gate, and the shape rules of gates that mix elements."""

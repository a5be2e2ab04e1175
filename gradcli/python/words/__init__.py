"""What names say: of gradients, of the parts of a pair, of what is returned."""

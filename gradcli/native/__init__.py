"""Straight lines of gates as machine code, by LLVM (the extra `native`); never for the checker."""

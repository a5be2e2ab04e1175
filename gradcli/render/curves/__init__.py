"""Curves: on a terminal in characters, and in files by matplotlib."""

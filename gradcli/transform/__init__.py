"""Transforms: from one graph to another."""

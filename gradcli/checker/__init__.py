"""Verdicts on gradients, from values alone."""

"""Verdicts on functions that nothing is known of but their values."""

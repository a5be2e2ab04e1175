"""What there is to check in a file: pairs, classes, objectives and trainings."""

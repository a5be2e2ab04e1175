"""Limits of reading Python, so that no file takes memory or time without end."""

MOST_CHARACTERS = 5_000_000  # of one file
DEEPEST_SYNTAX = 80  # brackets, blocks and operators inside one another
DEEPEST_CALLS = 24  # functions that have called one another
MOST_STATEMENTS = 200_000  # read, loops unrolled
MOST_ITERATIONS = 20_000  # of one loop
MOST_NODES = 200_000  # of the graph
MOST_DATA = 20_000_000  # elements of one array that is known while reading
MOST_PRODUCTS = 500_000_000  # of numbers, in one operation of known matrices
MOST_DIGITS = 4_000  # bits of a whole number
MOST_LENGTH = 1_000_000  # of a list or a text
STEPS_A_CALL = 2  # that a call takes beside the statements in it
ARRAYS_A_STEP = 10  # inside a list, looked at one by one: as much work as a statement
PARTS_A_STEP = 20  # of a list, looked at for arrays
SORTED_A_STEP = 10  # elements of a set, which are put in an order that every run has
COPIES_A_STEP = 200  # parts of a list or letters of a text, copied at once
MOST_FILES = 60  # that are imported from beside the file

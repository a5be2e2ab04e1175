"""A fuzzer of the whole command line: seeded, by grammar and by mutation, judged by what holds for
every input. Run by hand, `python -m tests.fuzz --seed 1 --inputs 10000`; a few inputs in the suite.
"""

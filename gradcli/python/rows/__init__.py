"""Functions that a file calls, as rows of tables: of numpy, scipy, math and Python itself."""

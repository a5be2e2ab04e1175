"""Python files: read, evaluated partially, and never executed.

    text -> source -> subjects -> inputs -> interpretation onto a tape -> claims -> Program

What the file's author knows while writing (whole numbers, shapes, strings, lists, `self`, data) is
known while reading, as Python values and numpy arrays. What depends on an input is a node of the
graph. Calls within the file are inlined, loops are unrolled, the known branch of `if` is taken,
and writing into an array makes a new version of it. The user's code is parsed, and no part of it
is ever compiled, imported or called.

From the lowest part up: `state` (text, values, tape), `rows` (functions that a file calls),
`interpreter`, `words` (what names say), `parameters` (what nobody gives), `subjects` (what there is
to check), `driving` (how it is called and what it claims), and above them the reading of a file.
"""

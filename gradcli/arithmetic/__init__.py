"""Arithmetics: the same gates over different kinds of number.

An arithmetic is a namespace of primitives (exp, log, ...) and a way to spell operators. The texts
of the gate table are compiled for it on first use and kept by row; nothing else is ever compiled,
and never anything a user wrote.

    floats.FLOATS   Python floats at full speed; may raise where IEEE 754 gives inf or nan
    floats.IEEE     Python floats in IEEE 754 semantics, which never raise
    digits.digits   mpmath at any number of digits
    symbols.Symbols nodes of a new graph, so that the backward sweep writes the adjoint graph
    arrays.ARRAYS   float64 arrays, in IEEE 754 semantics
    bounds          numbers and arrays that carry a bound on their error, over another arithmetic
"""

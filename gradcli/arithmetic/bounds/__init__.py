"""Bounds on rounding errors: numbers that carry their error with them, over any other arithmetic.

    Bounded = value, error        the truth lies within value +- error

Run over these, the engine's own two loops give every value and every gradient with its bound.
Each gate adds its own rounding to what the errors of its operands make of it, by the texts of the
gate table like everything else:

    error(out) = ulps * unit * |out| + sum of |local| * error(operand)

so that x * y, whose local gradients are y and x, has the error

    unit * |x*y| + (|y| + error(y)) * error(x) + |x| * error(y)

(Wilkinson; Higham, Accuracy and Stability of Numerical Algorithms, sections 3.1 and 3.3; as a kind
of number it is the ball of ball arithmetic.) A gate with a text is bounded operation by operation,
one without by its local gradients. What loses nothing, such as a product of short numbers, adds
nothing; what a bound to second order cannot cover makes it infinite. A choice that rounding may
have turned has no bound if it is that of a number, of which a limit can be computed; an element of
an array is then as uncertain as the branches are apart.

    bounded   the rules, once for every base
    numbers   single numbers, over floats and over many digits
    arrays    whole arrays, and the gates that move and mix elements
"""

"""Rows of gates that accumulate along an axis, sort, and do linear algebra.

The pullbacks of linear algebra are those of Giles, Collected matrix derivative results for forward
and reverse mode algorithmic differentiation (2008), and of Murray, Differentiation of the Cholesky
decomposition (2016). The lower triangle alone is what cholesky reads, as numpy's does.

A product of factors that may be 0 is not divided by them: both of its derivatives are the sums

    scan      t[k] = h[k] + x[k] * t[k-1]         from the first to the last along the axis
    scanback  t[k] = h[k] + x[k+1] * t[k+1]       from the last to the first

with h the upstream gradient, and each of the two is the pullback of the other.
"""

from gradcli.gates.row import array_gate
from gradcli.gates.shapes import determinant, of_first, solved, some, square

# fmt: off
MATRIX_ROWS = (
array_gate("log_softmax", "x, axis", some(of_first, "log_softmax"), "x - lse(x, kept(axis))",
           "g - softmax(x, axis) * sum(g, kept(axis))", "0",
           textbook=("g - exp(out) * sum(g)", "0"), ulps=4),
array_gate("cumsum",   "x, axis",  of_first, "",            "backsum(g, axis)", "0",
           textbook=("for each element the sum of its own g and all later ones", "0"),
           role="distributes"),
array_gate("cumprod",  "x, axis",  of_first, "",
           "behind = take(fill(1, shape(x)), before(x, axis)); "
           "scale(scanback(g, x, axis), where(behind == 0, 1, take(out, before(x, axis))))", "0",
           textbook=("the sum of g * out / x from its own place on", "0"), role="switches"),
array_gate("sort",     "x, axis",  of_first, "",            "unsort(g, x, axis)", "0",
           textbook=("g of the place it was sorted to", "0"), ulps=0, role="routes"),
array_gate("inv",      "x",        square("inv"), "",
           "t = transpose(out, swapped(out)); -mix(mix(t, g), t)",
           textbook=("-out.T @ g @ out.T",), ulps=16),
array_gate("solve",    "x, y",     solved,   "matmul(inv(x), y)",
           "t = inv(x); s = mix(transpose(t, swapped(t)), reshape(g, column(y))); "
           "-mix(s, transpose(reshape(out, column(y)), swapped(column(y))))",
           "t = inv(x); reshape(mix(transpose(t, swapped(t)), reshape(g, column(y))), shape(y))",
           textbook=("-dy @ out.T", "inv(x).T @ g"), ulps=16),
array_gate("det",      "x",        determinant("det"), "",
           "scale(spread(g, shape(x), ends(x)), cofactors(x))",
           textbook=("g * out * inv(x).T",), ulps=16),
array_gate("logdet",   "x",        determinant("logdet"), "",
           "t = inv(x); scale(spread(g, shape(x), ends(x)), transpose(t, swapped(t)))",
           textbook=("g * inv(x).T",), ulps=16),
array_gate("cholesky", "x",        square("cholesky"), "",
           "t = inv(out); half = take(fill(1, shape(x)), lower(x)) - 0.5 * eye(paired(x)); "
           "p = mix(transpose(out, swapped(out)), g); "
           "s = mix(mix(transpose(t, swapped(t)), half * p), t); "
           "half * (s + transpose(s, swapped(s)))",
           textbook=("of inv(out).T @ half(out.T @ g) @ inv(out), folded, the lower triangle",),
           ulps=16),

# Helpers of the texts
array_gate("backsum",  "x, axis",  of_first, "",            "cumsum(g, axis)", "0", hidden=True),
array_gate("scan",     "h, x, axis", of_first, "",          "scanback(g, x, axis)",
           "scale(scanback(g, x, axis), take(out, before(x, axis)))", "0", hidden=True),
array_gate("scanback", "h, x, axis", of_first, "",          "scan(g, x, axis)",
           "scale(take(scan(g, x, axis), before(x, axis)), out)", "0", hidden=True),
array_gate("unsort",   "h, x, axis", of_first, "",          "resort(g, x, axis)", "0", "0", ulps=0, hidden=True),
array_gate("resort",   "h, x, axis", of_first, "",          "unsort(g, x, axis)", "0", "0", ulps=0, hidden=True),
array_gate("cofactors", "x",       of_first, "",
           "t = inv(x); c = transpose(t, swapped(t)); "
           "scale(spread(sum(g * out, ends(x)), shape(x), ends(x)), c) "
           "- mix(mix(out, transpose(g, swapped(g))), c)", ulps=16, hidden=True),
)
# fmt: on

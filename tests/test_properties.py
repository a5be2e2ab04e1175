"""Random programs and random texts, against oracles that share nothing with the package.

A program is drawn as nested tuples. These render to our language and are evaluated by mpmath,
whose numeric differentiation gives the gradients; no rule of differentiation is written here.
"""

from __future__ import annotations

import ast
import math

import mpmath
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import gradcli
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS
from gradcli.checker.cone import Cone
from gradcli.checker.surroundings import Surroundings
from gradcli.engine import Machine, backward, local_gradients
from gradcli.errors import GradcliError
from gradcli.evaluation.numbers import value_bounds
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.syntax import Call, Tree, parse_expression, write
from gradcli.syntax.tokens import Source
from gradcli.transform.adjoint import adjoint
from gradcli.transform.fuse import fused_program

mp = mpmath.mp.clone()
mp.dps = 50
INPUTS = ("x", "y", "z")

# name: (our text, the same in mpmath). Domains are safe by construction, values stay moderate.
FORMS = {
    "add": ("({} + {})", lambda a, b: a + b),
    "sub": ("({} - {})", lambda a, b: a - b),
    "mul": ("({} * {})", lambda a, b: a * b),
    "div": ("({} / (1.5 + {}**2))", lambda a, b: a / (1.5 + b * b)),
    "neg": ("(-{})", lambda a: -a),
    "square": ("({}**2)", lambda a: a * a),
    "cube": ("({}**3)", lambda a: a * a * a),
    "power": ("((1 + {}**2)**(0.25*{}))", lambda a, b: mp.exp(b / 4 * mp.log(1 + a * a))),
    "exp": ("exp(-abs({}))", lambda a: mp.exp(-abs(a))),
    "log": ("log(1 + {}**2)", lambda a: mp.log(1 + a * a)),
    "log1p": ("log1p(abs({}))", lambda a: mp.log(1 + abs(a))),
    "sqrt": ("sqrt({}**2 + 0.5)", lambda a: mp.sqrt(a * a + 0.5)),
    "cbrt": ("cbrt(9 + sin({}))", lambda a: (9 + mp.sin(a)) ** (mp.mpf(1) / 3)),
    "sin": ("sin({})", lambda a: mp.expj(a).imag),
    "cos": ("cos({})", lambda a: mp.expj(a).real),
    "atan2": ("atan2({}, 2 + {}**2)", lambda a, b: mp.atan(a / (2 + b * b))),
    "tanh": ("tanh({})", lambda a: 1 - 2 / (mp.exp(2 * a) + 1)),
    "asinh": ("asinh({})", lambda a: mp.sign(a) * mp.log(abs(a) + mp.sqrt(a * a + 1))),
    "asin": ("asin(0.9*sin({}))", lambda a: mp.asin(mp.mpf(0.9) * mp.sin(a))),
    "sigmoid": ("sigmoid({})", lambda a: 1 / (1 + mp.exp(-a))),
    "softplus": ("softplus({})", lambda a: mp.log1p(mp.exp(a))),
    "silu": ("silu({})", lambda a: a / (1 + mp.exp(-a))),
    "gelu": ("gelu({})", lambda a: a * mp.ncdf(a)),
    "relu": ("relu({})", lambda a: max(a, 0)),
    "leaky": ("leaky_relu({}, 0.25)", lambda a: a if a > 0 else a / 4),
    "huber": ("huber({})", lambda a: a * a / 2 if abs(a) < 1 else abs(a) - 0.5),
    "abs": ("abs({})", abs),
    "max": ("max({}, {})", max),
    "min": ("min({}, {})", min),
    "hypot": ("hypot({}, {}, 1)", lambda a, b: mp.sqrt(a * a + b * b + 1)),
    "logsumexp": ("logsumexp({}, {})", lambda a, b: mp.log(mp.exp(a) + mp.exp(b))),
    "where": ("where({} > {}, {}, {})", lambda a, b, c, d: c if a > b else d),
    "choice": ("({} if {} <= {} else {})", lambda a, b, c, d: a if b <= c else d),
    "erf": ("erf({})", mp.erf),
    "lgamma": ("lgamma(1.5 + {}**2)", lambda a: mp.loggamma(1.5 + a * a)),
    "digamma": ("digamma(1.5 + {}**2)", lambda a: mp.digamma(1.5 + a * a)),
}


def arity(form):
    return FORMS[form][0].count("{}")


# ---------------------------------------------------------------- drawing programs

# Not so small that products of several could not be told from 0.
SIZES = st.floats(1e-6, 3)
NUMBERS = st.integers(-300, 300).map(lambda n: n / 100) | SIZES | SIZES.map(lambda x: -x)


@st.composite
def expressions(draw, names, depth):
    """("name", n), ("number", x) or (form, *expressions)."""
    if depth == 0 or draw(st.integers(0, 9)) == 0:
        if draw(st.integers(0, 3)):
            return "name", draw(st.sampled_from(names))
        return "number", draw(NUMBERS)
    form = draw(st.sampled_from(sorted(FORMS)))
    return form, *(draw(expressions(names, depth - 1)) for _ in range(arity(form)))


def names_in(tree):
    kind, *parts = tree
    return (
        {parts[0]}
        if kind == "name"
        else set()
        if kind == "number"
        else set().union(*map(names_in, parts))
    )


@st.composite
def programs(draw):
    """Statements (name, expression), each of which may read the stages before it."""
    names, statements = [*INPUTS], []
    for number in range(draw(st.integers(1, 4))):
        name, tree = f"s{number}", draw(expressions(names, draw(st.integers(1, 3))))
        if not names_in(tree):  # a constant would be an input
            tree = ("mul", tree, ("name", draw(st.sampled_from(names))))
        statements.append((name, tree))
        names.append(name)
    last = statements[-1][0]
    weight = draw(expressions(names, 1))
    return [*statements, ("f", ("add", ("mul", ("name", last), weight), ("name", "s0")))]


POINTS = st.fixed_dictionaries(dict.fromkeys(INPUTS, NUMBERS))


def rendered(tree):
    """As a name, a call, or in brackets, so that it may stand anywhere."""
    kind, *parts = tree
    if kind == "name":
        return parts[0]
    if kind == "number":
        return f"({parts[0]!r})"
    return FORMS[kind][0].format(*map(rendered, parts))


def text_of(program):
    return "\n".join(f"{name} = {rendered(tree)}" for name, tree in program)


def in_mpmath(tree, values):
    kind, *parts = tree
    if kind == "name":
        return values[parts[0]]
    if kind == "number":
        return mp.mpf(parts[0])
    return FORMS[kind][1](*(in_mpmath(part, values) for part in parts))


def function_of(program):
    """The program as a function of its inputs, in mpmath."""

    def f(*point):
        values = dict(zip(INPUTS, map(mp.mpf, point), strict=True))
        for name, tree in program:
            values[name] = in_mpmath(tree, values)
        return values["f"]

    return f


def true_slopes(f, point):
    """By values alone; None at a kink or a jump, where the two sides differ."""
    at = tuple(point[name] for name in INPUTS)
    slopes = {}
    for k, name in enumerate(INPUTS):
        left, right = (
            mp.diff(lambda t, k=k: f(*at[:k], t, *at[k + 1 :]), at[k], direction=side)
            for side in (-1, 1)
        )
        if abs(left - right) > mp.mpf(10) ** -35 * (1 + abs(right)):
            return None
        order = tuple(int(j == k) for j in range(len(INPUTS)))
        slopes[name] = mp.diff(f, at, order)
    return slopes


def float_run(text, point, expand=False, fuse=False):
    program = read(text, free=INPUTS, request=Request(expand=expand))
    program = fused_program(program) if fuse else program
    run = Machine(program.graph, FLOATS).run([point[n] for n in program.graph.inputs])
    backward(run, program.output, 1.0)
    return program, run


def gradient_bounds(program, point):
    """Bounds on the rounding of each gradient: those of the adjoint graph."""
    found = adjoint(program.graph, program.output)
    run = Machine(found.graph, FLOATS).run([point[n] for n in found.graph.inputs])
    bound = value_bounds(run)
    return {name: bound[node] for name, node in found.gradients.items()}


# The bounds are of first order in the unit roundoff; twice covers the rest.
SECOND_ORDER = 2
NOISE = 1e-40  # of mpmath's own differences, where the slope is 0


@given(programs(), POINTS)
def test_value_and_gradients_agree_with_mpmath(program, point):
    """To the conditioning of the problem: within the running error bound, and no looser."""
    f = function_of(program)
    slopes = true_slopes(f, point)
    assume(slopes is not None)
    read_program, run = float_run(text_of(program), point)
    true = f(*(point[name] for name in INPUTS))
    assert (
        abs(run.values[read_program.output] - true)
        <= SECOND_ORDER * value_bounds(run)[read_program.output]
    )
    allowed = gradient_bounds(read_program, point)
    for name, leaf in read_program.graph.inputs.items():
        assert abs(run.gradients[leaf] - slopes[name]) <= SECOND_ORDER * allowed[name] + NOISE, name
    for name in set(INPUTS) - set(read_program.graph.inputs):
        assert abs(slopes[name]) <= NOISE


@given(programs(), POINTS)
def test_bounds_are_small_where_the_problem_is_well_conditioned(program, point):
    """A bound that is always huge would make the test above say nothing."""
    f = function_of(program)
    at = [point[name] for name in INPUTS]
    steps = [mp.mpf(10) ** -20 * max(1, abs(x)) for x in at]
    spread = sum(
        abs(f(*at[:k], at[k] + step, *at[k + 1 :]) - f(*at)) / step for k, step in enumerate(steps)
    )
    assume(spread < 1e3)
    read_program, run = float_run(text_of(program), point)
    sizes = [abs(v) for v in run.values] + [1]
    bound = value_bounds(run)[read_program.output]
    if bound == math.inf:  # a choice whose condition is within its own rounding of a tie
        assert " if " in text_of(program)
    else:
        assert bound <= 1e-9 * max(sizes) ** 2


@given(programs(), POINTS)
def test_many_digits_agree_with_mpmath_to_many_digits(program, point):
    f = function_of(program)
    slopes = true_slopes(f, point)
    assume(slopes is not None)
    many = digits(50)
    parsed = read(text_of(program), free=INPUTS)
    run = Machine(parsed.graph, many).run([many.number(point[n]) for n in parsed.graph.inputs])
    backward(run, parsed.output, many.number(1.0))
    true = f(*(point[name] for name in INPUTS))
    size = 1 + max(abs(value) for value in run.values)
    assert abs(run.values[parsed.output] - true) <= mp.mpf(10) ** -42 * size**3
    for name, leaf in parsed.graph.inputs.items():
        biggest = 1 + max(abs(g) for g in run.gradients)
        assert abs(run.gradients[leaf] - slopes[name]) <= mp.mpf(10) ** -35 * size**3 * biggest


@given(programs(), POINTS)
def test_forward_mode_equals_reverse_mode(program, point):
    """Both multiply the same local gradients, in another order: within a rounding or two a gate."""
    parsed, run = float_run(text_of(program), point)
    graph, output = parsed.graph, parsed.output
    for name, leaf in graph.inputs.items():
        cone = graph.cone(leaf, output)
        local, sizes = local_gradients(run, cone), {leaf: 1.0}
        for node in cone:
            pairs = zip(local[node], graph.operands[node], strict=True)
            sizes[node] = sum(abs(slope or 0.0) * sizes.get(k, 0.0) for slope, k in pairs)
        around = Surroundings(run, output, value_bounds(run))
        forwards = Cone(around, leaf).speeds().get(output, 0.0)
        allowed = 2 * len(cone) * 2.0**-53 * sizes.get(output, 0.0)
        assert abs(forwards - run.gradients[leaf]) <= allowed, name


@given(programs(), POINTS)
def test_expanding_and_fusing_change_no_result(program, point):
    """But for rounding: within the bounds of both forms."""
    text = text_of(program)
    plain, run = float_run(text, point)
    for options in ({"expand": True}, {"fuse": True}):
        other, again = float_run(text, point, **options)
        allowed = value_bounds(run)[plain.output] + value_bounds(again)[other.output]
        assert abs(run.values[plain.output] - again.values[other.output]) <= 2 * allowed


@given(programs(), POINTS)
def test_compiling_and_evaluating_say_the_same(program, point):
    text = text_of(program)
    report = gradcli.evaluate(text, point, check=False, arithmetic="float64")
    value, gradients = gradcli.compile(text, inputs=INPUTS)(*(point[name] for name in INPUTS))
    assert value == report.value
    for name, gradient in zip(INPUTS, gradients, strict=True):
        assert gradient == report.gradients.get(name, 0.0)


# ---------------------------------------------------------------- the grammar and Python's

LITERALS = st.sampled_from(["0", "1", "2", "3.5", ".5", "1e-3", "2.", "1_000", "7E2"])
SPACE = st.sampled_from(["", "", " ", "  "])
OPERATORS = ("+", "-", "*", "/", "**")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
CALLED = {"sin": 1, "exp": 1, "max": 2, "abs": 1}


@st.composite
def python_texts(draw, depth, names=("x", "y", "z")):
    """A text that both languages have, with brackets only here and there."""
    if depth == 0:
        return draw(st.sampled_from(names) | LITERALS)
    deeper = python_texts(depth - 1, names)
    kind = draw(st.sampled_from(["binary"] * 5 + ["unary", "unary", "group", "call", "less", "if"]))
    gap = draw(SPACE)
    if kind == "binary":
        return f"{draw(deeper)}{gap}{draw(st.sampled_from(OPERATORS))}{gap}{draw(deeper)}"
    if kind == "unary":
        return f"{draw(st.sampled_from('-+'))}{gap}{draw(deeper)}"
    if kind == "group":
        return f"({gap}{draw(deeper)})"
    if kind == "call":
        name = draw(st.sampled_from(sorted(CALLED)))
        return f"{name}({f',{gap}'.join(draw(deeper) for _ in range(CALLED[name]))})"
    if kind == "less":
        return f"({draw(deeper)} {draw(st.sampled_from(COMPARISONS))} {draw(deeper)})"
    return f"({draw(deeper)} if {draw(deeper)} else {draw(deeper)})"


SIGNS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.Lt: "lt",
    ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne",
}  # fmt: skip


def python_entries(node):
    """Python's tree in our postorder; the sign of a literal belongs to it."""
    match node:
        case ast.Constant():
            return [("number", float(node.value))]
        case ast.Name():
            return [("name", node.id)]
        case ast.UnaryOp(op=ast.UAdd()):
            return python_entries(node.operand)
        case ast.UnaryOp():
            inner = python_entries(node.operand)
            (op, value), *rest = reversed(inner)
            return [("number", -value)] if op == "number" and not rest else [*inner, ("neg", None)]
        case ast.BinOp():
            sides = [*python_entries(node.left), *python_entries(node.right)]
            return [*sides, (SIGNS[type(node.op)], None)]
        case ast.Compare():
            sides = [*python_entries(node.left), *python_entries(node.comparators[0])]
            return [*sides, (SIGNS[type(node.ops[0])], None)]
        case ast.IfExp():
            parts = [python_entries(part) for part in (node.body, node.test, node.orelse)]
            return [*sum(parts, []), ("if", None)]
        case ast.Call():
            parts = [python_entries(part) for part in node.args]
            return [*sum(parts, []), ("call", Call(node.func.id, len(node.args)))]
    raise AssertionError(ast.dump(node))


def entries(tree):
    return list(zip(tree.ops, tree.args, strict=True))


@given(python_texts(4, ("x", "y", "z", "alpha", "x1", "_t", "max")))
@example("-x**2")
@example("2**-1**.5")
@example("-2**2")
@example("x**-y**2")
@example("x - y - z*x/y/z")
@example("--2 - -x")
@example("(-2)**2")
@example("x if y else z if x else y")
@example("-(2)")
@example("(x < y) == (y > x)")
def test_the_grammar_is_that_of_python(text):
    """Precedence, associativity and signs, entry by entry."""
    assert entries(parse_expression(Source(text))) == python_entries(
        ast.parse(text, mode="eval").body
    )


@given(python_texts(3), st.tuples(*[st.sampled_from([-2.0, -0.5, 0.0, 1.0, 3.0])] * 3))
def test_values_are_those_of_python(text, values):
    """Wherever Python has a real one."""
    names = dict(zip("xyz", values, strict=True))
    functions = {"sin": math.sin, "exp": math.exp, "max": max, "abs": abs, "power": math.pow}
    in_floats = ast.unparse(AsFloats().visit(ast.parse(text, mode="eval")))
    try:
        expected = eval(in_floats, {"__builtins__": {}}, {**functions, **names})
    except (ArithmeticError, ValueError):
        return
    value, _ = gradcli.compile(text, inputs=["x", "y", "z"])(*values)
    assert value == expected


class AsFloats(ast.NodeTransformer):
    """Our literals are float64, and so is every power: never a whole or a complex number."""

    def visit_Constant(self, node):
        return ast.Constant(float(node.value))

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(ast.Name("power", ast.Load()), [node.left, node.right], [])


# ---------------------------------------------------------------- reading what was written

PLAIN_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z_0-9]{0,4}", fullmatch=True).filter(
    lambda name: name not in ("if", "else", "inf", "nan", "True", "False", "math", "np", "numpy")
)
VALUES = st.floats(allow_nan=False) | st.integers(-20, 20).map(float) | st.just(math.nan)
BINARY = ("add", "sub", "mul", "div", "matmul", "pow", "lt", "le", "gt", "ge", "eq", "ne")
LEAVES = st.builds(lambda name: [("name", name)], PLAIN_NAMES) | st.builds(
    # the parser has one object for nan, and no other way to write it
    lambda value: [("number", math.nan if value != value else value)],
    VALUES,
)


def joined(parts, op, arg=None):
    return [*(entry for part in parts for entry in part), (op, arg)]


@st.composite
def forms(draw, inner):
    """One form of the grammar over smaller trees."""
    kind = draw(
        st.sampled_from(["binary", "binary", "neg", "if", "call", "list", "index", "other"])
    )
    if kind == "binary":
        return joined([draw(inner), draw(inner)], draw(st.sampled_from(BINARY)))
    if kind == "neg":
        part = draw(inner)
        assume(part[-1][0] != "number")  # the sign of a literal belongs to it
        return joined([part], "neg")
    if kind == "if":
        return joined([draw(inner) for _ in range(3)], "if")
    if kind == "call":
        keywords = tuple(draw(st.lists(PLAIN_NAMES, max_size=2, unique=True)))
        parts = [draw(inner) for _ in range(draw(st.integers(0, 2)) + len(keywords))]
        prefix = draw(st.sampled_from(["", "", "math.", "np.", "np.random.", "numpy.linalg."]))
        starred = bool(len(parts) - len(keywords)) and draw(st.booleans())
        call = Call(draw(PLAIN_NAMES), len(parts), keywords, prefix, starred)
        return joined(parts, "call", call)
    if kind == "list":
        parts = [draw(inner) for _ in range(draw(st.integers(0, 3)))]
        return joined(parts, "list", len(parts))
    if kind == "index":
        indices = [draw(inner | slices(inner)) for _ in range(draw(st.integers(1, 2)))]
        return joined([draw(inner), *indices], "index", len(indices))
    name = draw(st.sampled_from(["T", "shape", "dot", "sum", "tuple"]))
    if name in ("T", "shape"):
        return joined([draw(inner)], "attribute", name)
    parts = [draw(inner) for _ in range(draw(st.integers(1, 3)))]
    if name == "tuple":
        return joined(parts, "tuple", len(parts))
    return joined(parts, "call", Call(name, len(parts), method=True))


@st.composite
def slices(draw, inner):
    ends = draw(st.tuples(st.booleans(), st.booleans()))
    return joined([draw(inner) for end in ends if end], "slice", ends)


TREES = st.recursive(LEAVES, forms, max_leaves=12)


@given(TREES)
def test_a_tree_written_and_read_is_the_same_tree(drawn):
    tree = Tree([op for op, _ in drawn], [arg for _, arg in drawn], [0] * len(drawn))
    text = write(tree)
    assert entries(parse_expression(Source(text))) == entries(tree), text
    assert write(parse_expression(Source(text))) == text


@given(st.text(alphabet="xyz01.+-*/^()[],;=<>#e \n√²π", max_size=30))
def test_no_text_gives_anything_but_a_result_or_an_error(text):
    try:
        report = gradcli.evaluate(text, {"x": 2, "y": 3, "z": 0.5}, check=False)
    except GradcliError as error:
        assert error.message
        assert error.exit_code == 2
    else:
        assert isinstance(report.value, float | list)


@pytest.mark.parametrize("value", [0.1, -0.0, 5e-324, 1e308, 1 / 3, 2.0**53 + 2, 1e22, 123456.0])
def test_a_number_written_and_read_has_the_same_bits(value):
    tree = Tree(["number"], [value], [0])
    (again,) = parse_expression(Source(write(tree))).args
    assert again.hex() == value.hex()

"""How functions use their parameters: what their text says of ranks, sizes, keys and indices.

Calls of functions of the same file are followed: what they do with an argument is done with it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from itertools import pairwise

from gradcli.python.parameters.blocks import PRODUCTS, Blocks, blocks_of
from gradcli.python.parameters.documented import hints_of, numbers_of, shapes_of
from gradcli.python.parameters.packed import packed_in
from gradcli.python.parameters.quadratic import own_name, quadratic_forms
from gradcli.python.parameters.renamed import Renamed
from gradcli.python.parameters.shares import turned_to_shares
from gradcli.python.words.returned import JOINED

MAKES_ARRAYS = ("randn", "rand", "zeros", "ones", "empty", "range", "eye", "normal", "uniform",
                "standard_normal", "random", "full", "identity")  # fmt: skip
KEPT_SHAPE = re.compile(r"shape|dims", re.IGNORECASE)  # what a tuple of sizes is kept as
SCALES = re.compile(r"^(gamma|beta|scale|shift)s?$")
KEEPS_LENGTH = ("zeros_like", "ones_like", "empty_like", "asarray", "array", "copy", "atleast_1d")
OF_ARRAYS = ("T", "size", "shape", "ndim", "dtype")
TAKES_INDICES = ("at", "take", "take_along_axis", "put_along_axis", "one_hot", "to_categorical")
TURNED = ("enumerate", "zip", "reversed", "sorted", "list")  # loops go through what these are of
DERIVATIVE = re.compile(r"prime|deriv|grad|diff|slope", re.IGNORECASE)
SYSTEM = re.compile(r"^[A-MP-TY]$")  # matrices of equations, by their usual letters
UNKNOWN = re.compile(r"^[u-z]$|^beta$|^theta$|^coefs?$")
OF_SHARES = re.compile(r"[(,=] ?1(\.0*)? - [\w.]+|0?\.99\d+\b")  # as bounds
NUMBERS = (1, 2)  # of layers, in the keys of a dictionary
FLAT = 2  # places in the index of a column
DEEPEST = 3  # calls inside one another that are followed

Functions = Mapping[str, ast.FunctionDef]


class Usage:
    """How some functions use their parameters."""

    def __init__(
        self, functions: Iterable[ast.AST], known: Functions | None = None,
        inner: Iterable[ast.AST] = (),
    ) -> None:  # fmt: skip
        """`inner` are functions of the objects that these make: they call weights the same."""
        self.known = known or {}  # that may be called
        self.ranks: dict[str, int] = {}  # from unpacked shapes and docstrings
        self.certain: set[str] = set()  # whose shapes are unpacked
        self.numbers: set[str] = set()  # by their docstrings, and where they are made floats
        self.whole: set[str] = set()  # what is made a whole number: `int(n)`
        self.letters: dict[str, list[str]] = {}  # the sizes in docstrings: N, D, 3
        self.least: dict[str, int] = {}  # from places in shapes, and indices
        self.lengths: dict[str, int] = {}  # of what is indexed by constants only
        self.reach: dict[str, int] = {}  # of what is also indexed by others, or kept
        self.keys: dict[str, list[str]] = {}  # of dictionaries
        self.parameters: set[str] = set()  # of the functions
        self.counts: set[str] = set()  # sizes of arrays that are made, ends of loops
        self.lists: set[str] = set()  # what has a length, or is gone through
        self.scaling: set[str] = set()  # what scales and shifts of features are made of
        self.together: list[set[str]] = []  # whose first axes one loop counts through
        self.parted: set[str] = set()  # names of which one part is taken: `x[i]`
        self.columns: set[str] = set()  # names that are made columns: `x[:, None]`
        self.sliced: set[str] = set()  # names of which parts are taken: `x[1:-1]`
        self.packed: set[str] = set()  # vectors of several parameters: `theta[:n].reshape(H, D)`
        self.transposed: set[str] = set()  # names with `.T`
        self.products: set[str] = set()  # names that a matrix product is of: `A @ x`, `A.dot(x)`
        self.terms: set[str] = set()  # names in a difference or a power: `x - mu`, `mu ** 2`
        self.weights: set[str] = set()  # factors of what a product is off by: `M*(R - P @ Q)`
        self.arrays: set[str] = set()  # names that are asked what an array has: `p.size`, `p.shape`
        self.factors: set[int] = set()  # whole numbers that something is multiplied or divided by
        self.vectors: set[str] = set()  # of an outer product, or a quadratic form
        self.quadratic: set[str] = set()  # the matrices of these: `x @ Q @ x`
        self.probabilities: set[str] = set()  # names that are held between e and 1 - e
        self.whole_shares: set[str] = set()  # names that a softmax over everything is of
        self.indices: set[str] = set()  # names that stand in square brackets
        self.compared: set[str] = set()  # with numbers: `y == 1`
        self.parts: dict[str, list[str]] = {}  # the names that something is unpacked into
        self.numbered: dict[str, list[str]] = {}  # keys with a number behind: `params[f"W{k}"]`
        self.defaulted: set[str] = set()  # keys that are read with a default
        self.filled: set[str] = set()  # what entries are stored in, under texts
        self.blocks: dict[str, Blocks] = {}  # axes that are cut into equal parts
        self.called: set[str] = set()  # what is called with one value: `act(z)`
        self.asks_slope = False  # whether a function is called with a flag for its derivative
        self.kept_called: set[str] = set()  # attributes that are: `self.act(z)`
        self.hints: dict[str, str] = {}  # what type hints say
        self.texts: dict[str, str] = {}  # that a parameter is compared with
        self.functions = [*functions]
        followed = [part for f in self.functions for part in self._followed(f, DEEPEST)]
        self.aliases = dict(
            pair for function in [*self.functions, *followed] for node in ast.walk(function)
            if (pair := _kept_shape(node)) is not None
        )  # fmt: skip
        for function in self.functions:
            self.numbers |= numbers_of(function)
            self.hints.update(hints_of(function))
            for name, parts in shapes_of(function).items():
                self.ranks.setdefault(name, len(parts))
                self.letters.setdefault(name, parts)
        for function in [*self.functions, *followed]:
            self.whole_shares |= turned_to_shares(function)
            vectors, matrices = quadratic_forms(function)
            self.vectors, self.quadratic = self.vectors | vectors, self.quadratic | matrices
            self.blocks.update(blocks_of(function))
            for node in ast.walk(function):
                self._look(node)
                if isinstance(node, ast.FunctionDef):
                    self._look_for_sizes(node)
        for function in inner:
            self.blocks.update({**blocks_of(function), **self.blocks})
        for name in self.numbered.keys() - self.keys.keys():
            self.keys[name] = [f"{key}{k}" for k in NUMBERS for key in self.numbered[name]]
        self._spread_to_parameters()
        self._measure([*self.functions, *followed])
        for name in self.arrays & self.parts.keys():  # numbers in one array: `p.size`
            self.lengths.setdefault(name, len(self.parts[name]))
        self._look_for_packed([*self.functions, *followed])

    # ---------------------------------------------------------------- calls

    def _followed(self, function: ast.AST, depth: int) -> Iterator[ast.FunctionDef]:
        """The functions that are called, their parameters called as the arguments are."""
        if not depth:
            return
        for node in ast.walk(function):
            if not isinstance(node, ast.Call):
                continue
            callee = self.known.get(_called(node))
            if callee is None or callee in self.functions:
                continue
            names = [a.arg for a in (*callee.args.posonlyargs, *callee.args.args)]
            if names[:1] == ["self"]:
                names = names[1:]
            pairs = [*zip(names, node.args, strict=False)]
            pairs += [(k.arg, k.value) for k in node.keywords if k.arg]
            known = {name: own_name(part) for name, part in pairs if own_name(part)}
            if known:
                renamed: ast.FunctionDef = Renamed(known, callee.name).visit(deepcopy(callee))
                yield renamed
                yield from self._followed(renamed, depth - 1)

    def _spread_to_parameters(self) -> None:
        """What is found of `self.t` holds of the parameter that was kept there: `self.t = t`."""
        for function in self.functions:
            for node in ast.walk(function):
                if not isinstance(node, ast.Assign):
                    continue
                targets, values = _pairs_of(node)
                for target, value in zip(targets, values, strict=False):
                    if isinstance(target, ast.Attribute) and isinstance(value, ast.Name):
                        for names in (self.indices, self.compared):
                            if target.attr in names:
                                names.add(value.id)
                        if target.attr in self.texts:
                            self.texts.setdefault(value.id, self.texts[target.attr])
                        if target.attr in self.kept_called:
                            self.called.add(value.id)

    # ---------------------------------------------------------------- one node

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple):
                    self._unpacked(node, target.elts)
        elif isinstance(node, ast.Subscript):
            self._subscript(node)
        elif isinstance(node, ast.Compare):
            self._comparison(node)
        elif isinstance(node, ast.Attribute) and node.attr in OF_ARRAYS:
            self.arrays.add(own_name(node.value) or "")
            if node.attr == "T":
                self.transposed.add(own_name(node.value) or "")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            self._product(node.left, node.right)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Pow)):
            self.terms |= {own_name(node.left) or "", own_name(node.right) or ""}
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            self.factors |= {
                part.value for part in (node.left, node.right)
                if isinstance(part, ast.Constant) and isinstance(part.value, int)
            }  # fmt: skip
            self.weights |= {
                own_name(part) or "" for part, other in pairwise((node.left, node.right, node.left))
                if isinstance(other, ast.BinOp) and isinstance(other.op, ast.Sub)
                and any(map(_is_product, ast.walk(other)))
            }  # fmt: skip
        asks_slope = isinstance(node, ast.Call) and any(
            DERIVATIVE.search(k.arg or "") for k in node.keywords
        )  # `act(z, derivative=True)`
        self.asks_slope = self.asks_slope or asks_slope
        if isinstance(node, ast.Call) and len(node.args) == 1 and (
            asks_slope or not node.keywords
        ):  # fmt: skip
            is_own = isinstance(node.func, ast.Name)
            (self.called if is_own else self.kept_called).add(own_name(node.func) or "")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            is_get = node.func.attr == "get" and len(node.args) == 1
            if node.func.attr == "get" and not is_get and _is_text(next(iter(node.args), node)):
                self.defaulted.add(ast.literal_eval(node.args[0]))
            if is_get and isinstance(owner, ast.Name) and isinstance(node.args[0], ast.Constant):
                self._key(owner.id, str(node.args[0].value))
            if node.func.attr in PRODUCTS and node.args:
                self._product(*[owner, *node.args][-2:])
            if node.func.attr == "clip" and node.args and _are_of_shares(ast.unparse(node)):
                self.probabilities.add(own_name(node.args[0]) or "")
            if node.func.attr in ("outer", "cross"):
                self.vectors |= {own_name(part) or "" for part in node.args}
            if node.func.attr in TAKES_INDICES and len(node.args) > 1:
                self._index(node.args[1])

    def _product(self, left: ast.expr, right: ast.expr) -> None:
        """Note what a matrix product is of; `A @ x` is of a vector, where A is no weight."""
        names = own_name(left) or "", own_name(right) or ""
        self.products |= {*names}
        if SYSTEM.match(names[0]) and UNKNOWN.match(names[1]):
            self.vectors.add(names[1])

    def _unpacked(self, node: ast.Assign, targets: list[ast.expr]) -> None:
        names = [
            part.id if isinstance(part, ast.Name) else part.attr
            for part in targets if isinstance(part, (ast.Name, ast.Attribute))
        ]  # fmt: skip
        if (whole := own_name(node.value)) is not None and len(names) == len(targets):
            self.parts.setdefault(whole, names)
        name = _shaped(node.value) or self.aliases.get(ast.unparse(node.value))
        if name:
            self.ranks[name] = len(targets)
            self.certain.add(name)
            if len(names) == len(targets) and not self.parameters.isdisjoint(names):
                own = [x if x in self.parameters else f"{x} of {name}" for x in names]
                self.letters.setdefault(name, own)  # `n, D = x.shape`, and D is a parameter

    def _subscript(self, node: ast.Subscript) -> None:
        name, place = _shaped(node.value), node.slice
        if name and isinstance(place, ast.Constant) and isinstance(place.value, int):
            least = place.value + 1 if place.value >= 0 else -place.value
            self.least[name] = max(self.least.get(name, 0), least)
        elif ast.unparse(node.value) in JOINED:
            return
        elif isinstance(node.value, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            for part in place.elts if isinstance(place, ast.Tuple) else [place]:
                self._index(part)
        if isinstance(node.value, ast.Name):
            if isinstance(node.ctx, ast.Store) and _is_text(place):
                self.filled.add(node.value.id)
                return
            if (key := _before_number(place)) is not None:
                keys = self.numbered.setdefault(node.value.id, [])
                keys += [key] if key not in keys else []
            self._indexed(node.value.id, place)
            self.parted.add(node.value.id)
            if isinstance(place, ast.Slice):
                self.sliced.add(node.value.id)

    def _index(self, place: ast.expr) -> None:
        """Note a name that serves as an index: `scores[rows, y]`, `W[self.idx]`, `p[y[i]]`."""
        name = own_name(place)
        if name is None and isinstance(place, ast.Subscript):
            name = own_name(place.value)
        if name is None and isinstance(place, ast.Call) and isinstance(place.func, ast.Attribute):
            name = own_name(place.func.value)  # y.astype(int), y.flatten()
        if name is not None:
            self.indices.add(name)

    def _comparison(self, node: ast.Compare) -> None:
        other = node.comparators[0]
        name = own_name(node.left)
        if name and isinstance(other, ast.Constant) and isinstance(other.value, str):
            self.texts.setdefault(name, other.value)
        if isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            for side, against in ((node.left, other), (other, node.left)):
                is_part = isinstance(side, ast.Subscript)
                compared = own_name(side.value if isinstance(side, ast.Subscript) else side)
                if compared and (is_part or isinstance(against, ast.Constant)):
                    self.compared.add(compared)

    # ---------------------------------------------------------------- sizes

    def _look_for_sizes(self, function: ast.FunctionDef) -> None:
        """Note the parameters of a function that it takes for sizes, and for lists."""
        own = _parameters(function)
        self.parameters |= own
        for node in ast.walk(function):
            if isinstance(node, ast.comprehension):
                own -= {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
        counts, lists = self.counts, self.lists
        self.counts, self.lists = set(), set()
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                self._sizes_in(node)
                is_length = ast.unparse(node.func) == "len" and node.args
                if is_length and isinstance(node.args[0], ast.Name):
                    self.lists.add(node.args[0].id)
            if isinstance(node, ast.Assign) and KEPT_SHAPE.search(own_name(node.targets[0]) or ""):
                self.counts |= _names_of_sizes(getattr(node.value, "elts", []))
            if isinstance(node, ast.Assign) and SCALES.match(own_name(node.targets[0]) or ""):
                self.scaling |= {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
            if isinstance(node, ast.For):
                self.together.append({*_taken_by(node)} & self.parameters)
            if isinstance(node, (ast.For, ast.comprehension)):
                self.lists |= {part.id for part in _gone_through(node.iter)}
        self.counts, self.lists = counts | (self.counts & own), lists | (self.lists & own)

    def _sizes_in(self, node: ast.Call) -> None:
        """Note names that a call takes for sizes: `np.zeros((n, m))`, `range(n)`."""
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in ("int", "float") and len(node.args) == 1:
            made = self.whole if called == "int" else self.numbers
            made |= {own_name(node.args[0]) or ""}
        if called in MAKES_ARRAYS:
            parts = [*node.args, *(k.value for k in node.keywords if k.arg in ("size", "shape"))]
            for part in parts:
                names = part.elts if isinstance(part, ast.Tuple) else [part]
                self.counts |= _names_of_sizes(names)

    def _indexed(self, name: str, place: ast.expr) -> None:
        if isinstance(place, ast.Constant) and isinstance(place.value, str):
            self._key(name, place.value)
        elif isinstance(place, ast.Tuple):
            axes = [p for p in place.elts if not (isinstance(p, ast.Constant) and p.value is None)]
            if all(not isinstance(p, ast.Starred) for p in axes):
                count = sum(not _is_newaxis(p) for p in axes)
                if count == 1 and len(place.elts) == FLAT and isinstance(place.elts[0], ast.Slice):
                    self.columns.add(name)
                if not any(isinstance(p, ast.Constant) and p.value is Ellipsis for p in axes):
                    self.least[name] = max(self.least.get(name, 0), count)

    def _key(self, name: str, key: str) -> None:
        keys = self.keys.setdefault(name, [])
        if key not in keys:
            keys.append(key)

    def _measure(self, functions: Iterable[ast.AST]) -> None:
        """Note the lengths of what is unpacked, or indexed by constants, and nothing else."""
        longest: dict[str, int] = {}
        counted: dict[str, int] = {}
        used: dict[str, int] = {}
        for function in functions:
            handed = {id(part) for node in ast.walk(function) if isinstance(node, ast.Call)
                      for part in self._kept_whole(node)}  # fmt: skip
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    used[node.id] = used.get(node.id, 0) + (id(node) not in handed)
                if found := _length(node):
                    name, length = found
                    longest[name] = max(longest.get(name, 0), length)
                    counted[name] = counted.get(name, 0) + 1
        self.reach = longest
        self.lengths = {n: k for n, k in longest.items() if counted[n] == used.get(n)}

    def _look_for_packed(self, functions: Iterable[ast.AST]) -> None:
        """Note vectors of several parameters; of what has a length in the code that is known."""
        sized = self.lists | self.least.keys() | self.keys.keys()
        for function in functions:
            packed = packed_in(function)
            if names := packed.names - sized:
                self.packed |= names
                self.counts |= packed.sizes & self.parameters - sized - self.packed

    def _kept_whole(self, node: ast.Call) -> list[ast.expr]:
        """The arguments of a call that says nothing of their lengths, or that is followed."""
        callee = _called(node)
        is_plain = callee in KEEPS_LENGTH
        return [*node.args] if is_plain or callee in self.known else []


def _called(node: ast.Call) -> str:
    """The name of a function or method that is called."""
    return ast.unparse(node.func).rpartition(".")[2]


def _are_of_shares(call: str) -> bool:
    """Whether bounds are those of a probability: `np.clip(p, eps, 1 - eps)`."""
    return bool(OF_SHARES.search(call))


def _gone_through(node: ast.expr) -> list[ast.Name]:
    """The names that a loop goes through: `x`, `enumerate(x)`, `zip(x, reversed(y))`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in TURNED:
        return [name for part in node.args for name in _gone_through(part)]
    return [node] if isinstance(node, ast.Name) else []


def _taken_by(loop: ast.For) -> Iterator[str]:
    """The names of which a loop takes one part after the other: `x[i]`, `y[i, :]`."""
    counter = ast.unparse(loop.target)
    for node in ast.walk(loop):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            place = (
                node.slice.elts[0]
                if isinstance(node.slice, ast.Tuple) and node.slice.elts
                else node.slice
            )
            if ast.unparse(place) == counter:
                yield node.value.id


def _is_product(node: ast.AST) -> bool:
    """Whether a node is a product of matrices."""
    if isinstance(node, ast.Call):
        return _called(node) in PRODUCTS
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)


def _pairs_of(node: ast.Assign) -> tuple[list[ast.expr], list[ast.expr]]:
    """The targets of an assignment and their values, tuples taken apart."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return target.elts, value.elts
    return [target], [value]


def _parameters(function: ast.FunctionDef) -> set[str]:
    args = function.args
    return {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}


def _length(node: ast.AST) -> tuple[str, int] | None:
    """A name, and how many elements one use of it says it has at least."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
        parts = node.targets[0].elts
        if isinstance(node.value, ast.Name) and all(isinstance(p, ast.Name) for p in parts):
            return node.value.id, len(parts)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        place = node.slice
        if isinstance(place, ast.Constant) and isinstance(place.value, int) and place.value >= 0:
            return node.value.id, place.value + 1
    return None


def _names_of_sizes(parts: Iterable[ast.expr]) -> set[str]:
    """The names that the sizes of a shape are computed from: `(depth, width - k + 1)`."""
    return {
        n.id for part in parts if not _is_inside_shape(part)
        for n in ast.walk(part) if isinstance(n, ast.Name)
    }  # fmt: skip


def _is_inside_shape(node: ast.AST) -> bool:
    """Whether an expression takes apart an array, so that its names are not sizes."""
    return any(isinstance(n, (ast.Attribute, ast.Call, ast.Subscript)) for n in ast.walk(node))


def _is_newaxis(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "newaxis"


def _is_text(node: ast.expr) -> bool:
    """Whether an index is a text for certain: `"dW"`, `f"d{name}"`, `"dW" + str(k)`."""
    while isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _before_number(node: ast.expr) -> str | None:
    """What stands before the number in a key: `"W" + str(k)`, `f"W{k}"`, `"W%d" % k`."""
    match node:
        case ast.BinOp(ast.Constant(str() as key), ast.Add(), ast.Call(ast.Name("str"))):
            return key
        case ast.BinOp(ast.Constant(str() as text), ast.Mod()):
            return text[:-2] if text.endswith(("%d", "%i", "%s")) else None
        case ast.JoinedStr([ast.Constant(str() as key), ast.FormattedValue()]):
            return key
        case ast.Call(ast.Attribute(ast.Constant(str() as text), "format")):
            return text[:-2] if text.endswith("{}") else None
    return None


def _kept_shape(node: ast.AST) -> tuple[str, str] | None:
    """`self.shape = x.shape` as the pair of `self.shape` and `x`."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        name = _shaped(node.value)
        if name:
            return ast.unparse(node.targets[0]), name
    return None


def _shaped(node: ast.AST) -> str | None:
    """The name whose `.shape` an expression is, also as `np.shape(x)`."""
    if isinstance(node, ast.Call) and _called(node) == "shape" and len(node.args) == 1:
        return own_name(node.args[0])
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        owner = node.value
        if isinstance(owner, ast.Name):
            return owner.id
        if isinstance(owner, ast.Attribute):
            return owner.attr
        if isinstance(owner, ast.Subscript) and isinstance(owner.slice, ast.Constant):
            return str(owner.slice.value)
    return None

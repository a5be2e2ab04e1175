"""What there is to check in a Python file: pairs, classes, objectives, functions with gradients.

pair       NAME_forward and NAME_backward, in one of their usual spellings
class      a class with forward and backward, or with a method that returns loss and gradients
objective  a function that returns a value and gradients
node       a method of an autograd class, and the closure in it that sends gradients back
training   a function whose loop computes a loss and changes the weights
fit        one whose loop computes no loss, but the error of a prediction
slope      a gradient, or one step, whose loss is nowhere, in a file without anything else
gradient   f and its gradient: f_grad, grad_f, f_der, f_prime, jac_f, ...
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gradcli.python.subjects.class_parts import (
    Bases,
    goes_along,
    heirs_of,
    is_abstract,
    is_called,
    is_for_heirs,
    is_own,
    is_property,
    methods_of,
)
from gradcli.python.subjects.handed import handed_together
from gradcli.python.subjects.signatures import (
    feeder,
    gives,
    of_same_operands,
    required,
    takes_apart,
    takes_gradients,
    takes_upstream,
    with_upstream,
)
from gradcli.python.subjects.slopes import slopes_of
from gradcli.python.subjects.trainings import Training, that_train_nothing
from gradcli.python.words.returned import (
    LIKELIHOOD,
    OBJECTIVES,
    filled_gradient,
    returns_gradients,
    returns_only_gradients,
)
from gradcli.python.words.roles import (
    ANY_LOSS,
    BACKWARD,
    ENERGY,
    FILLERS,
    FORCE,
    FORWARD,
    FORWARD_METHODS,
    FUNCTION_METHODS,
    GRADIENT,
    HESSIAN,
    JACOBIAN,
    KNOWN,
    OF_FUNCTIONS,
    POTENTIALS,
    RESIDUALS,
    SCORE,
    SHORT_DERIVATIVE,
    SHORTEST,
    VALUE_METHODS,
    base_of,
    role,
)

OF_LAYER = 2  # parameters of a backward part: what flows back, and what was kept


class Subject(NamedTuple):
    """One thing to check; names are those of functions, or of methods of the class."""

    kind: str
    name: str  # by which it is chosen
    forward: str
    backward: str | None  # None where one function gives both
    cls: str | None
    line: int

    @property
    def is_script(self) -> bool:
        """Whether it is the file's own statements."""
        return not self.forward

    @property
    def is_force(self) -> bool:
        """Whether what is claimed is minus the gradient: the force of an energy."""
        name = self.backward or ""
        is_slope = role(name, f"{GRADIENT}|{HESSIAN}") is not None  # `f_grad`, `f_hess`
        is_named = _subject_of_force(name) is not None and not is_slope
        is_named = is_named and _subject_of_energy(self.forward) is not None  # and not `f`, `d_f`
        return self.kind == "gradient" and is_named

    @property
    def is_training(self) -> bool:
        """Whether one turn of its loop is read."""
        return self.kind in ("training", "fit", "slope")

    @property
    def words(self) -> str:
        """The subject as it is shown."""
        if self.is_script:
            return "the statements of the file"
        parts = [part for part in (self.forward, self.backward) if part]
        inner = " and ".join(parts)
        return f"class {self.cls}: {inner}" if self.cls else inner


def subjects(
    tree: ast.Module, bases: Bases | None = None, others: Iterable[ast.FunctionDef] = ()
) -> list[Subject]:  # fmt: skip
    """All subjects of a file, in the order of their lines.

    `bases` are classes of other files, `others` functions of these that may be forward parts.
    """
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = _pairs(functions, None, others)
    taken = {name for s in found for name in (s.forward, s.backward)}
    found += [
        Subject("objective", node.name, node.name, None, None, node.lineno)
        for node in functions
        if node.name not in taken and (returns_gradients(node) or filled_gradient(node))
    ]
    found += _handed(tree, functions, found, None)
    taken |= {s.forward for s in found}
    helpers = that_train_nothing(tree)
    found += [
        Subject(training.kind, node.name, node.name, None, None, node.lineno)
        for node in functions if node.name not in taken
        and (training := Training(node, {}, helpers)).is_one
    ]  # fmt: skip
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found += _of_class(node, tree, bases or {}, helpers)
    if not found:
        found = [Subject("slope", node.name, node.name, None, None, node.lineno)
                 for node in slopes_of(functions)]  # fmt: skip
    return sorted(found, key=lambda subject: subject.line)


def _handed(
    tree: ast.Module, functions: list[ast.FunctionDef], found: list[Subject], cls: str | None
) -> list[Subject]:
    """The functions that an optimiser is handed with their gradients, whatever they are called."""
    lines = {node.name: node.lineno for node in functions}
    taken = {name for s in found for name in (s.forward, s.backward)}
    return [
        Subject("gradient" if gradient else "objective", of, of, gradient, cls, lines[of])
        for of, gradient in handed_together(tree, are_methods=cls is not None)
        if of in lines and (gradient or of) in lines and (gradient or of) not in taken
        and gradient != of
    ]  # fmt: skip


def without_partner(tree: ast.Module, found: list[Subject]) -> list[ast.FunctionDef]:
    """The backward functions of a file that no subject has."""
    taken = {name for s in found for name in (s.forward, s.backward)}
    return [
        node for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name not in taken
        and role(node.name, BACKWARD) and not is_abstract(node)
    ]  # fmt: skip


def of_known(tree: ast.Module, found: list[Subject]) -> list[Subject]:
    """The backward functions without a partner whose forward part everybody knows.

    They take an upstream gradient, and what was kept: `sigmoid_backward(dA, cache)`.
    """
    return [
        Subject("pair", of, of, node.name, None, node.lineno)
        for node in without_partner(tree, found)
        if (of := role(node.name, BACKWARD)) in KNOWN and len(required(node)) == OF_LAYER
        and not takes_apart(node, required(node)[1])
    ]  # fmt: skip


def chosen(found: list[Subject], name: str) -> list[Subject]:
    """The subjects that a name means: its own, a function of it, or a class."""
    exact = [s for s in found if name in (s.name, s.cls)]
    return exact or [s for s in found if name in (s.forward, s.backward, f"{s.cls}.{s.forward}")]


# ---------------------------------------------------------------- pairs


def _pairs(
    functions: list[ast.FunctionDef], cls: str | None, others: Iterable[ast.FunctionDef] = ()
) -> list[Subject]:  # fmt: skip
    """Functions that belong together, the forward one first."""
    lines = {node.name: node.lineno for node in functions}
    by_name = {node.name: node for node in functions}
    inner = set() if cls is None else _inner_parts(functions)
    functions = [node for node in functions if node.name not in inner | {"__init__"}]
    forwards: dict[str, str] = {}
    for node in (*functions, *others):
        rest = role(node.name, FORWARD)
        if rest is not None and role(node.name, BACKWARD) is None:
            forwards.setdefault(rest, node.name)
    plain = {base_of(node.name): node.name for node in (*others, *functions)}
    found, used = [], set()
    for node in functions:
        rest = role(node.name, BACKWARD)
        if rest is None:
            continue
        partner = forwards.get(rest) or (plain.get(rest) if rest else None)
        if partner is None:
            near = [key for key in forwards if key and rest.startswith(key)]
            partner = forwards[max(near, key=len)] if near else None
        is_alone = cls is not None and len(forwards) == 1 and not is_called(node, functions)
        if partner is None and is_alone:
            partner = forwards.get("")  # `backprop_through_time` of the only forward pass
        if partner is not None and partner != node.name:
            name = rest or node.name
            line = lines.get(partner, node.lineno)
            found.append(Subject("pair", name, partner, node.name, cls, line))
            used.add(node.name)
    for node in functions:
        differentiated = _differentiated(node.name)
        if node.name in used or differentiated is None:
            continue
        of = plain.get(differentiated) or _short_for(node, functions) or node.name
        if of != node.name and of in lines:
            kind = "pair" if takes_upstream(node, by_name[of]) else "gradient"
            found.append(Subject(kind, of, of, node.name, cls, lines[of]))
    if cls is None:
        found += _of_known(functions, found, {*plain})
        found += _of_losses(functions, found)
    found += _forces(functions, found, cls)
    return found + _hessians(functions, found, cls)


def _short_for(gradient: ast.FunctionDef, functions: list[ast.FunctionDef]) -> str | None:
    """The only function of the same parameters that a gradient shortens, as `rosen_der` does."""
    short = role(gradient.name, GRADIENT) or ""
    names = [
        node.name for node in functions
        if len(short) >= SHORTEST and short not in ANY_LOSS and base_of(node.name).startswith(short)
        and _differentiated(node.name) is None and required(node) == required(gradient) != []
        and role(node.name, f"{HESSIAN}|{BACKWARD}") is None
    ]  # fmt: skip
    return names[0] if len(names) == 1 else None


def _inner_parts(methods: list[ast.FunctionDef]) -> set[str]:
    """The methods that another of the same part calls: `forward` keeps x, and calls `_forward`."""
    inner = set()
    for words in (FORWARD, BACKWARD):
        parts = [node for node in methods if role(node.name, words) == ""]
        inner |= {node.name for node in parts if is_called(node, parts)}
    return inner


def _of_known(
    functions: list[ast.FunctionDef], found: list[Subject], names: set[str]
) -> list[Subject]:  # fmt: skip
    """The derivatives of functions that everybody knows, where the file has these nowhere."""
    taken = {s.backward for s in found}
    pairs = [(node, role(node.name, GRADIENT) or _differentiated(node.name)) for node in functions]
    return [
        Subject("gradient", node.name, of, node.name, None, node.lineno) for node, of in pairs
        if of in KNOWN and of not in names and node.name not in taken and len(required(node)) == 1
    ]  # fmt: skip


def _forces(
    functions: list[ast.FunctionDef], found: list[Subject], cls: str | None
) -> list[Subject]:
    """The energies that have a force, a function of the same coordinates."""
    taken = {s.backward for s in found}
    energies = {
        rest: node for node in functions if (rest := _subject_of_energy(node.name)) is not None
        and _subject_of_force(node.name) is None
    }  # fmt: skip
    pairs = []
    for node in functions:
        rest = _subject_of_force(node.name)
        energy = energies.get(rest) if rest is not None and node.name not in taken else None
        if energy is not None and required(node) == required(energy) != []:
            pairs.append(
                Subject("gradient", energy.name, energy.name, node.name, cls, energy.lineno)
            )
    return pairs


def _subject_of_force(name: str) -> str | None:
    """What the name of a force is without that word; None for the name of nothing such."""
    return role(name, FORCE)


def _subject_of_energy(name: str) -> str | None:
    """What the name of an energy is without that word; None for the name of nothing such."""
    return base_of(name) if base_of(name) in POTENTIALS else role(name, ENERGY)


def _of_losses(functions: list[ast.FunctionDef], found: list[Subject]) -> list[Subject]:
    """A function called `gradient` and the only loss that has the same parameters.

    That of a log likelihood is called its `score`, that of residuals their `jacobian`. What else is
    in both names may be the same, too: `compute_cost_reg` and `gradient_reg`.
    """
    taken = {name for s in found for name in (s.forward, s.backward)}
    losses = [f for f in functions if OBJECTIVES.search(f.name) and role(f.name, GRADIENT) is None]
    pairs = []
    for node in functions:
        rest, is_score = role(node.name, GRADIENT), role(node.name, SCORE) in ANY_LOSS
        if rest is None and (is_score or returns_only_gradients(node)):
            rest = ""
        if node.name in taken or rest is None:
            continue
        of = [f for f in losses if not is_score or LIKELIHOOD.search(f.name)]
        if role(node.name, JACOBIAN) in ANY_LOSS:
            of += [f for f in functions if RESIDUALS.search(f.name) and f not in (*of, node)]
        same = [f for f in of if rest in ANY_LOSS and f is not node
                and ast.dump(f.args) == ast.dump(node.args)]  # fmt: skip
        if len(same) != 1:
            same = [f for f in of if _matter(f.name) == _matter(node.name)
                    and required(f) == required(node) != []]  # fmt: skip
        if len(same) == 1:
            pairs.append(
                Subject("gradient", same[0].name, same[0].name, node.name, None, same[0].lineno)
            )
    return pairs


def _matter(name: str) -> list[str]:
    """The words of a name that do not say that it is of a loss, or of its gradient."""
    usual = re.compile(f"{GRADIENT}|{FILLERS}")
    return [
        word for word in base_of(name).split("_")
        if not usual.fullmatch(word) and not OBJECTIVES.search(word)
    ]  # fmt: skip


def _hessians(
    functions: list[ast.FunctionDef], found: list[Subject], cls: str | None
) -> list[Subject]:
    """The gradients that have a Hessian, which is their Jacobian.

    What is called `hessian` alone is that of the only one of the same parameters.
    """
    gradients = {base_of(s.forward): s for s in found if s.kind == "gradient" and s.backward}
    nodes = {node.name: node for node in functions}
    pairs = []
    for node in functions:
        base = role(node.name, HESSIAN)
        if base in gradients:
            pairs.append((gradients[base], node))
            continue
        same = [s for s in gradients.values() if s.backward in nodes and required(node) != []
                and required(nodes[s.backward]) == required(node)]  # fmt: skip
        if base in ANY_LOSS and len(same) == 1:
            pairs.append((same[0], node))
    lines = {node.name: node.lineno for node in functions}
    return [
        Subject("gradient", node.name, s.backward, node.name, cls, lines[s.backward])
        for s, node in pairs if s.backward is not None
    ]  # fmt: skip


def _differentiated(name: str) -> str | None:
    """The function whose gradient one is, by its name."""
    base = base_of(name)
    rest = role(name, GRADIENT)
    if rest:
        return rest
    forms = (r"d_?(\w+)", rf"(?:{GRADIENT})(\w+)", rf"(\w+?)(?:{GRADIENT})", "([fgh])p")
    for form in forms:  # the last ones: fprime, fp
        if match := re.fullmatch(form, base):
            return match[1]
    return None


# ---------------------------------------------------------------- classes


def _of_class(
    node: ast.ClassDef, tree: ast.Module, bases: Bases, functions: Mapping[str, ast.FunctionDef]
) -> list[Subject]:  # fmt: skip
    methods = methods_of(node, tree, bases)
    real = [m for m in methods.values() if not is_abstract(m) and not is_property(m)]
    names = [m.name for m in real]  # in their order, so that every run finds the same
    found = _pairs(real, node.name)
    found += _handed(tree, real, found, node.name)
    if not found:
        backward = next(
            (n for n in names if role(n, BACKWARD) is not None or role(n, GRADIENT) in ANY_LOSS),
            None,
        )
        is_gradient = (
            backward is not None and role(backward, BACKWARD) is None
            and not takes_gradients(methods[backward])
        )  # fmt: skip
        likely = (*VALUE_METHODS, *FORWARD_METHODS) if is_gradient else FORWARD_METHODS
        forward = next((n for n in likely if n in names), None)
        if forward is None and backward is not None and (gives(methods[backward])
                                                          or not is_gradient):  # fmt: skip
            forward = of_same_operands(real, backward)
        if forward and backward and is_gradient and goes_along(methods[forward], backward):
            forward = None
        if forward and backward and forward != backward:
            before = feeder(methods, backward, forward, FORWARD_METHODS) if is_gradient else None
            kind, forward = ("pair", before) if before else (
                "gradient" if is_gradient else "pair", forward)  # fmt: skip
            found = [Subject(kind, node.name, forward, backward, node.name, node.lineno)]
            found += _hessians(real, found, node.name)
    upstreams = _of_upstreams(real, found, node)
    derivatives = _derivatives(real, [*found, *upstreams], node)
    objectives = [
        Subject("objective", f"{node.name}.{m.name}", m.name, None, node.name, node.lineno)
        for m in real
        if (returns_gradients(m) or filled_gradient(m))
        and m.name not in {s.backward for s in (*found, *upstreams, *derivatives)}
    ]
    objectives += [
        Subject("node", f"{node.name}.{m.name}", m.name, inner.name, node.name, m.lineno)
        for m in real for inner in m.body
        if isinstance(inner, ast.FunctionDef) and role(inner.name, BACKWARD) is not None
    ]  # fmt: skip
    if heirs := heirs_of(node, tree):
        found = [
            s
            for s in found
            if not is_for_heirs({s.forward, s.backward or s.forward}, methods, heirs)
        ]
    taken = {
        n for s in (*found, *upstreams, *derivatives, *objectives) for n in (s.forward, s.backward)
    }
    objectives += [
        Subject(training.kind, f"{node.name}.{m.name}", m.name, None, node.name, node.lineno)
        for m in methods.values()
        if m.name not in taken
        and is_own(m, node, methods)
        and not (heirs and is_for_heirs({m.name}, methods, heirs))
        and (training := Training(m, methods, functions)).is_one
    ]
    main = [s for s in found if role(s.forward, FORWARD) == "" or s.forward == "__call__"]
    if main:
        found = [s._replace(name=node.name) for s in main[:1]] + [
            s._replace(name=f"{node.name}.{s.forward}") for s in found if s not in main
        ]
    else:
        found = [s._replace(name=f"{node.name}.{s.forward}" if len(found) > 1 else node.name)
                 for s in found]  # fmt: skip
    at_class = [s._replace(line=node.lineno) for s in (*found, *upstreams, *derivatives)]
    return at_class + [s if s.kind == "node" else s._replace(line=node.lineno) for s in objectives]


def _of_upstreams(
    methods: list[ast.FunctionDef], found: list[Subject], cls: ast.ClassDef
) -> list[Subject]:  # fmt: skip
    """The methods that take what the forward part does, and an upstream gradient: `grad_x`."""
    taken = {name for s in found for name in (s.forward, s.backward)}
    return [
        Subject("pair", f"{cls.name}.{backward}", forward, backward, cls.name, cls.lineno)
        for forward, backward in with_upstream(methods, FORWARD_METHODS) if backward not in taken
    ]  # fmt: skip


def _derivatives(
    methods: list[ast.FunctionDef], found: list[Subject], cls: ast.ClassDef
) -> list[Subject]:  # fmt: skip
    """The methods that are derivatives of another of the same parameters, as of an activation."""
    taken = {s.backward for s in found}
    derivatives = [m for m in methods if m.name not in taken and _is_derivative(m)]
    pairs = []
    for node in derivatives:
        same = [m.name for m in methods if m not in derivatives and _takes_as_many(m, node)
                and not goes_along(m, node.name)]  # fmt: skip
        usual = [name for name in FUNCTION_METHODS if name in same]
        plain = [name for name in same if not name.startswith("__") and name not in taken]
        of = usual[:1] or (plain if len(plain) == 1 else [])
        pairs += [(name, node.name) for name in of]
    is_only = len(pairs) == 1 and not found
    return [
        Subject("gradient", cls.name if is_only else f"{cls.name}.{backward}", name, backward,
                cls.name, cls.lineno) for name, backward in pairs
    ]  # fmt: skip


def _is_derivative(node: ast.FunctionDef) -> bool:
    """Whether a method is a derivative by its name, which says of no more than "the function"."""
    is_short = bool(SHORT_DERIVATIVE.match(node.name))
    is_named = is_short or role(node.name, GRADIENT) in OF_FUNCTIONS
    return is_named and bool(required(node)) and gives(node) and not takes_gradients(node)


def _takes_as_many(node: ast.FunctionDef, derivative: ast.FunctionDef) -> bool:
    """Whether a method gives a value for the parameters of its derivative, or for one as that."""
    names, own = required(node), required(derivative)
    return (names == own or len(names) == len(own) == 1) and gives(node)

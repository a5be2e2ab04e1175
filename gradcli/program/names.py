"""What the names of a program stand for: settings, inputs, stages and constants."""

from __future__ import annotations

from collections.abc import Iterable

from gradcli.errors import BindingError, GradcliError, MissingValue, NameFault, did_you_mean
from gradcli.gates.row import GateTable
from gradcli.gates.shapes import Shape
from gradcli.gates.table import CONSTANTS
from gradcli.graph.lowering import Value, find_constant
from gradcli.graph.nodes import Graph
from gradcli.graph.sizes import UnknownSizeError, known_number
from gradcli.program.bindings import (
    check_name,
    hides_constant,
    lower_constant,
    lower_setting,
    parted,
)
from gradcli.program.stages import Stages
from gradcli.requests import Request, Setting
from gradcli.syntax import Tree
from gradcli.syntax.refusals import INSTEAD
from gradcli.syntax.tokens import Source

LONGEST_PRODUCT = 100  # characters of a name that may be two
MOST_UNKNOWN = 20  # names without a value that are reported one by one


class Names:
    """The names of one program, as they are met."""

    def __init__(
        self, source: Source, request: Request, varied: Iterable[str], table: GateTable
    ) -> None:
        self.source = source
        self.request = request
        self.varied = frozenset(varied)  # inputs that get other values later: no sizes
        self.graph = Graph(table)
        self.settings = Graph(table)
        self.graph.most_elements = self.settings.most_elements = request.max_array
        self.bound: dict[str, Value] = {}  # nodes of `settings`
        self.uncertainties: dict[str, Value] = {}  # nodes of `settings`
        self.caller_names: set[str] = set()  # names the caller gave a value
        self.overruled: dict[str, Tree] = {}  # settings of the text that the caller's stand in for
        self.inputs: dict[str, Value] = {}
        self.values: dict[str, Value] = {}  # inputs and stages: what is read and may be named
        self.stages = Stages(self.values, self.inputs)
        self.setting_tokens: dict[str, int] = {}  # the token where a setting is assigned
        self.constants: set[str] = set()  # of pi, tau and e, those that were used
        self.unknown = 0  # names without a value
        self.errors: list[GradcliError] = []
        self.warnings: list[str] = []
        self._sizes: dict[int, float] = {}  # of `settings`: those that were read as sizes

    # ---------------------------------------------------------------- settings

    def bind(self, settings: list[tuple[str, Setting]], free: list[str]) -> None:
        """Bind what the caller gives a value, and what gets its value later."""
        for name, value in [*settings, *((name, 0.0) for name in free)]:
            self._warn(check_name(name, self.graph.table))
            if name in self.bound:
                self.errors.append(BindingError(f"`{name}` is given twice"))
            self._bind(name, value)

    def _bind(self, name: str, value: Setting) -> None:
        """Bind a value, or a value and its uncertainty."""
        value, spread = parted(value) if isinstance(value, str) else (value, None)
        if spread is not None:
            spread_node = lower_setting(self.settings, name, spread)
            if self.settings.shape(spread_node):
                raise BindingError(f"the uncertainty of `{name}` must be one number")
            self.uncertainties[name] = spread_node
        self.bound[name] = lower_setting(self.settings, name, value)
        self.caller_names.add(name)

    def bind_upstream(self, name: str, shape: Shape) -> None:
        """Bind a name to the upstream gradient of the request."""
        value = self.request.upstream
        assert value is not None
        size = f"({', '.join(map(str, shape))},)"
        self._bind(name, (f"ones({size})" if shape else 1.0) if value == "ones" else value)

    def set(self, name: str, token: int, tree: Tree, sizes: dict[str, Value]) -> None:
        """Bind a name to a constant expression, unless the caller has given it a value."""
        self.setting_tokens[name] = token
        if name in self.caller_names:
            self.overruled[name] = tree
            return
        self._warn(hides_constant(name))
        self.bound[name] = lower_constant(self.settings, name, self.source, tree, sizes)

    def is_constant(self, tree: Tree) -> bool:
        """Whether nothing but literals, pi, tau and e occurs."""
        for op, arg in zip(tree.ops, tree.args, strict=True):
            if op == "name" and (self.is_known(arg) or find_constant(arg) is None):
                return False
        return True

    def sizes_of(self, tree: Tree, known: dict[int, float]) -> dict[str, Value] | None:
        """The names of an array that depends on no value, `randn(N, X.shape[1])`, in `settings`.

        Such an array is an input, as if its sizes were written out. None where a stage tells one
        that is not among the `known` numbers.
        """
        sizes = {}
        for op, arg in zip(tree.ops, tree.args, strict=True):
            if op == "name" and arg in self.bound:
                sizes[arg] = self.bound[arg]
            elif op == "name" and arg in self.stages:
                if self.stages[arg] not in known:
                    return None
                sizes[arg] = self.settings.constant(known[self.stages[arg]])
        return sizes

    # ---------------------------------------------------------------- looking up

    def is_known(self, name: str) -> bool:
        """Whether a name is bound or a stage."""
        return name in self.bound or name in self.stages

    def place(self, name: str) -> int:
        """The token where a stage or a setting is assigned; -1 for other names."""
        if name in self.stages:
            return self.stages.token(name)
        return self.setting_tokens.get(name, -1)

    def find(self, name: str, token: int) -> Value:
        """The value of a name; an unknown one is noted, and is an input meanwhile."""
        if name in self.values:
            return self.values[name]
        if name in self.bound:
            shape = self.settings.shape(self.bound[name])
            value = self.graph.input(name, token, shape)
        else:
            number = find_constant(name)
            if number is not None:
                self.constants.add(name)
                return self.graph.constant(number, token)
            self.unknown += 1
            if self.unknown <= MOST_UNKNOWN:
                self.errors.append(self._without_value(name, token))
            value = self.graph.input(name, token)
        self.inputs[name] = self.values[name] = value
        return value

    def _without_value(self, name: str, token: int) -> GradcliError:
        span = self.source.span(token)
        if name in self.graph.table.functions:
            return NameFault(f"`{name}` is a function", span, f"write `{name}(...)`")
        unused = [known for known in self.bound if known not in self.inputs]
        known = [*self.bound, *self.stages, *CONSTANTS]
        hint = _product(name, {*known}) or did_you_mean(name, unused) or did_you_mean(name, known)
        prefix, _, word = name.rpartition(".")
        if prefix or word == "None":  # any other word may be a name that was forgotten
            hint = INSTEAD.get(word) or hint
        if prefix:
            hint = hint or f"`{prefix}.` stands before functions, pi and e only"
        return MissingValue(name, span, hint)

    def number_of(self, name: str) -> float | str:
        """The number an input is set to, for a size; else words for what it is."""
        if name in self.varied or name in self.uncertainties:
            return "not one fixed number"
        if name not in self.bound:
            return "without a value"
        try:
            return known_number(self.settings, self.bound[name], self._sizes, str)
        except UnknownSizeError as error:
            return error.words

    # ---------------------------------------------------------------- what is wrong

    def _warn(self, warning: str | None) -> None:
        if warning is not None:
            self.warnings.append(warning)

    def collected(self) -> GradcliError:
        """Everything that was found wrong, as one error."""
        if self.unknown > MOST_UNKNOWN:
            more = self.unknown - MOST_UNKNOWN
            self.errors.append(NameFault(f"{more} more names have no value"))
        first, *others = self.errors
        first.also = tuple(others)
        return first


def _product(name: str, known: set[str]) -> str | None:
    """The advice for a name that is two known ones, one after the other; None for another."""
    for k in range(1, min(len(name), LONGEST_PRODUCT)):
        if name[:k] in known and name[k:] in known:
            return f"write `{name[:k]}*{name[k:]}` for a product"
    return None

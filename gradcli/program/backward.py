"""The backward part of a program: hand-written gradients, line after line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from gradcli.errors import GradcliError, NameFault, ParseError, ShapeError
from gradcli.gates import GATES
from gradcli.graph import Graph
from gradcli.lowering import Lowering, Value
from gradcli.syntax import Statement

if TYPE_CHECKING:  # a protocol is slow to make, and only the type checker reads it
    from typing import Protocol

    class ForwardPart(Protocol):
        """What a gradient line needs to know of the forward part."""

        graph: Graph
        lowering: Lowering
        inputs: dict[str, Value]
        stages: dict[str, Value]

        def find(self, name: str, token: int) -> Value:
            """What a forward name stands for."""

        def is_known(self, name: str) -> bool:
            """Whether the name is bound or a stage."""

        def gradient_of(self, target: str) -> str | None:
            """The forward name whose gradient the target is."""

        def fail(
            self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
        ) -> NoReturn:
            """Raise an error at the place of a token."""


class GradientLine:
    """One line of the backward part: a gradient, or a helper for later lines.

    `reads` tells what each name on its right side stood for: `helper`, `forward` or `gradient`,
    the helper's or forward name, and the value it had then.
    """

    __slots__ = ("name", "reads", "statement", "total", "value")

    def __init__(self, statement: Statement, name: str | None) -> None:
        self.statement = statement
        self.name = name  # the forward name whose gradient this is; None for a helper
        self.reads: dict[str, tuple[str, str, Value]] = {}
        self.value: Value = []  # of the right side
        self.total: Value = []  # of the whole target once the line is done


class Backward:
    """The backward part: gradient names as they stand, line after line."""

    def __init__(self, reader: ForwardPart, output: str) -> None:
        self.reader = reader
        self.output_name = output
        self.lines: list[GradientLine] = []
        self.claims: dict[str, Value] = {}  # by forward name
        self.tokens: dict[str, int] = {}  # where each was assigned last
        self.helpers: dict[str, Value] = {}
        self.unread: dict[str, int] = {}  # helpers no line has read yet, by their token
        self.upstream: int | None = None

    def line(self, statement: Statement) -> None:
        """Read one line: a gradient, or a helper for later lines. Raises GradcliError."""
        reader, target = self.reader, statement.target
        assert statement.tree is not None
        name = reader.gradient_of(target)
        line = GradientLine(statement, name)
        self.lines.append(line)
        line.value = value = reader.lowering.value(statement.tree, {}, self._find)
        if name is None:
            if statement.index:
                reader.fail(ParseError, statement.token, f"`{target}` is not a gradient")
            if statement.kind == "add" and target in self.helpers:
                value = self._sum(self.helpers[target], value, statement.token)
            self.helpers[target] = line.total = value
            self.unread[target] = statement.token
            return
        self.tokens[name] = statement.token
        if statement.index:
            self._element(statement, name, value)
        elif statement.kind == "add" and name in self.claims:
            self.claims[name] = self._sum(self.claims[name], value, statement.token)
        else:
            self.claims[name] = value
        self._check_shape(name, statement.token)
        line.total = _copied(self.claims[name])
        if name == self.output_name and isinstance(self.claims[name], int):
            node = self.claims[name]
            assert isinstance(node, int)
            self.upstream = node

    def _find(self, name: str, token: int) -> Value:
        """What a name stands for on this line, which remembers it."""
        kind, of, value = self._resolved(name, token)
        self.lines[-1].reads[name] = kind, of, _copied(value)
        return value

    def _resolved(self, name: str, token: int) -> tuple[str, str, Value]:
        """Helpers, then the forward part, then gradients."""
        reader = self.reader
        if name in self.helpers:
            self.unread.pop(name, None)
            return "helper", name, self.helpers[name]
        if reader.is_known(name) or name in reader.inputs:
            return "forward", name, reader.find(name, token)
        of = reader.gradient_of(name)
        if of is None:
            return "forward", name, reader.find(name, token)
        if of in self.claims:
            return "gradient", of, self.claims[of]
        if of == self.output_name:
            return "gradient", of, reader.graph.constant(1.0, token)
        reader.fail(
            NameFault, token, f"`{name}` has no value yet",
            f"the gradient of `{of}` must be assigned on an earlier line",
        )  # fmt: skip

    def _sum(self, old: Value, new: Value, token: int) -> Value:
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            return [self._sum(a, b, token) for a, b in zip(old, new, strict=True)]
        if isinstance(old, list) or isinstance(new, list):
            self.reader.fail(ShapeError, token, "`+=` of a list and a number")
        return self.reader.graph.node(GATES["add"], (old, new), token)

    def _element(self, statement: Statement, name: str, value: Value) -> None:
        """`dw[0] += ...`: an element of a gradient that starts from zeros."""
        reader = self.reader
        shape = reader.stages.get(name, reader.find(name, statement.token))
        gradient = self.claims.setdefault(name, self._zeros(shape, statement.token))
        for index in statement.index[:-1]:
            gradient = self._part(gradient, index, statement.token)
        last = statement.index[-1]
        old = self._part(gradient, last, statement.token)
        assert isinstance(gradient, list)
        is_sum = statement.kind == "add"
        gradient[last] = self._sum(old, value, statement.token) if is_sum else value

    def _part(self, value: Value, index: int, token: int) -> Value:
        if not isinstance(value, list) or not -len(value) <= index < len(value):
            self.reader.fail(ShapeError, token, f"there is no element {index}")
        return value[index]

    def _zeros(self, shape: Value, token: int) -> Value:
        if isinstance(shape, list):
            return [self._zeros(part, token) for part in shape]
        return self.reader.graph.constant(0.0, token)

    def _check_shape(self, name: str, token: int) -> None:
        reader = self.reader
        shape = reader.stages[name] if name in reader.stages else reader.find(name, token)
        if _shape(shape) != _shape(self.claims[name]):
            reader.fail(
                ShapeError, token,
                f"the gradient of `{name}` has {_described(self.claims[name])}, "
                f"`{name}` has {_described(shape)}",
            )  # fmt: skip

    def finish(self) -> None:
        """Refuse a helper that nothing reads: it may be a stage after a mistaken output."""
        for name, token in self.unread.items():
            self.reader.fail(
                ParseError, token,
                f"`{name}` is no gradient and no later gradient line reads it: a stage after the "
                f"output `{self.output_name}`, or a slip in the backward part",
                "name the output with `--output NAME` or `# gradcli: output NAME`, "
                "or remove the line",
            )  # fmt: skip


def _copied(value: Value) -> Value:
    """The value as it is now: lists of a gradient change as its elements are assigned."""
    return [_copied(part) for part in value] if isinstance(value, list) else value


def _shape(value: Value) -> Any:
    return [_shape(part) for part in value] if isinstance(value, list) else 0


def _described(value: Value) -> str:
    if not isinstance(value, list):
        return "one"
    return f"{len(value)} element{'s' * (len(value) != 1)}"

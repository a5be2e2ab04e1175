"""The backward part of a program: hand-written gradients, line after line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from gradcli.errors import BindingError, GradcliError, NameFault, ParseError, ShapeError, SizeFault
from gradcli.gates.shapes import broadcast
from gradcli.graph.lowering import Lowering, Value
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.program.shape_words import has_shape, product_advice
from gradcli.syntax import Statement, Tree

# Of a graph, its output and the upstream gradient: the node of the gradient of every node.
TrueGradients = Callable[[Graph, int, int], Callable[[int], int]]

# What a gradient of the output is called where its name says nothing of the output's.
UPSTREAM_NAMES = ("dout", "upstream", "grad_out", "grad_output", "output_gradient")

if TYPE_CHECKING:  # a protocol is slow to make, and only the type checker reads it
    from typing import Protocol

    from gradcli.program.names import Names
    from gradcli.requests import Request

    class ForwardPart(Protocol):
        """The forward part, as gradient lines read it."""

        graph: Graph
        lowering: Lowering
        names: Names
        request: Request
        true_gradients: TrueGradients | None

        def gradient_of(self, target: str) -> str | None:
            """The forward name whose gradient the target is."""

        def fail(
            self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
        ) -> NoReturn:
            """Raise an error at the place of a token."""


class Read(NamedTuple):
    """A name on the right side of a gradient line, resolved."""

    kind: str  # helper, forward or gradient
    name: str  # the helper's or forward name
    value: Value  # that it has there
    line: int | None = None  # of a helper: the place of the line that gave it, among all lines


class Misfit(NamedTuple):
    """What keeps a line from being a claim, in words: its shapes do not fit."""

    name: str | None  # whose gradient it would be; None for a helper
    message: str
    hint: str | None
    cause: int | None = None  # the place of the line that gives what this one reads, but for a fit
    place: tuple[Any, ...] = ()  # of an indexed target


class Spelling(NamedTuple):
    """The text of a line of Python whose right side is a tree."""

    before: str  # what stands before the right side
    words: str
    after: str
    tree: Tree
    in_python: Callable[[Tree], Tree | None]  # a changed tree; None where it cannot be written


class GradientLine:
    """One line of the backward part: a gradient, or a helper for later lines.

    `reads` are the names on its right side; `sizes` are those of them that are known numbers.
    """

    __slots__ = (
        "before", "call", "misfit", "name", "part_of", "place", "reads", "shifted", "sizes",
        "spelling", "statement", "total", "turn", "unread", "value",
    )  # fmt: skip

    def __init__(self, statement: Statement, name: str | None) -> None:
        self.statement = statement
        self.name = name  # the forward name whose gradient this is; None for a helper
        self.reads: dict[str, Read] = {}
        self.value: Value = []  # of the right side
        self.total: Value = []  # of the whole target once the line is done
        self.place: tuple[Any, ...] = ()  # of an indexed target: places, and (start, stop)
        self.sizes: dict[str, float] = {}
        self.turn: tuple[str, ...] = ()  # of a Python file: the loops around it, as `t = 2`
        self.call: tuple[int, ...] = ()  # and the lines of the calls it stands in
        self.spelling: Spelling | None = None  # of a line of Python
        self.unread: dict[str, Value] = {}  # what it might have read, and no line does
        self.shifted: dict[str, Value] = {}  # `hs[t - 1]` beside `hs[t]`, which it reads
        self.before: Value | None = None  # where the next line writes it into an array
        self.misfit: Misfit | None = None  # then it is no claim, and the truth stands in for it
        self.part_of: str | None = None  # the name of a gradient that another line's misfit spoils

    @property
    def owner(self) -> str | None:
        """The name whose gradient the line is about, also where it is set aside."""
        return self.name or self.part_of or (self.misfit.name if self.misfit else None)

    def moved(self, translate: Callable[[Value], Value]) -> GradientLine:
        """The line over another graph, whose nodes `translate` gives for those of this one."""
        line = GradientLine(self.statement, self.name)
        line.place, line.sizes, line.misfit = self.place, self.sizes, self.misfit
        line.part_of = self.part_of
        line.turn, line.call, line.spelling = self.turn, self.call, self.spelling
        line.value, line.total = translate(self.value), translate(self.total)
        line.before = None if self.before is None else translate(self.before)
        line.unread = {name: translate(value) for name, value in self.unread.items()}
        line.shifted = {name: translate(value) for name, value in self.shifted.items()}
        line.reads = {
            name: read._replace(value=translate(read.value)) for name, read in self.reads.items()
        }
        return line


class Backward:
    """The backward part: gradient names as they stand, line after line."""

    def __init__(self, reader: ForwardPart, output: str) -> None:
        self.reader = reader
        self.output_name = output
        self.lines: list[GradientLine] = []
        self.claims: dict[str, Value] = {}  # by forward name
        self.tokens: dict[str, int] = {}  # where each was assigned last
        self.helpers: dict[str, Read] = {}
        self.assigned: dict[str, str] = {}  # the forward name whose gradient a target is
        self.unread: dict[str, int] = {}  # helpers no line has read yet, by their token
        self.upstream: int | None = None
        self.given: str | None = None  # the name of an upstream gradient that no line assigns
        self.spoilt: dict[str, Value] = {}  # what stands in for gradients with a misfit
        self.broken: dict[str, int] = {}  # helpers without a value, by the place of their line
        self.untold: GradcliError | None = None  # why the truth is sought that nothing tells
        self.stray: ParseError | None = None  # of the first helper that nothing reads
        self._truth_of: Callable[[Value], Value] | None = None

    @property
    def written(self) -> list[str]:
        """The names whose gradients have lines, also those with a misfit."""
        return [*self.claims, *self.spoilt]

    def line(self, statement: Statement) -> None:
        """Read one line: a gradient, or a helper for later lines. Raises GradcliError.

        One whose shapes do not fit is set aside where the truth can stand in for it.
        """
        line = GradientLine(statement, self.reader.gradient_of(statement.target))
        self.lines.append(line)
        try:
            self._read(line)
        except ShapeError as error:
            is_readable = not isinstance(error, SizeFault)  # else it may be right
            if self.reader.true_gradients and is_readable and line.name != self.output_name:
                self._set_aside(line, error)
            else:
                raise

    def _read(self, line: GradientLine) -> None:
        reader, statement, name = self.reader, line.statement, line.name
        target = statement.target
        assert statement.tree is not None
        first, known = len(reader.graph), reader.lowering.known
        value = reader.lowering.value(statement.tree, {}, self._find)
        line.value = value = reader.graph.own(value, first, statement.token)
        line.sizes = {
            name: known[read.value] for name, read in line.reads.items() if read.value in known
        }
        reader.graph.call(value, target)
        if name is None:
            if statement.place:
                reader.fail(ParseError, statement.token, f"`{target}` is not a gradient")
            if statement.kind == "add" and target in self.helpers:
                value = self._sum(self.helpers[target].value, value, statement.token)
            line.total = value
            self.helpers[target] = Read("helper", target, value, len(self.lines) - 1)
            self.unread[target] = statement.token
            return
        self.assigned[target] = name
        if name in self.spoilt:
            self._take_part(line, name)
            return
        self.tokens[name] = statement.token
        if statement.kind == "add" and not statement.place:
            line.value = value = self._spread(value, name, statement.token)
        if statement.place:
            line.place = reader.lowering.places(statement.place, {}, self._in_index)
            line.value = self._element(line, name, value)
        elif statement.kind == "add" and name in self.claims:
            self.claims[name] = self._sum(self.claims[name], value, statement.token)
        else:
            self.claims[name] = value
        self._check_shape(self.claims[name], name, statement.token)
        line.total = self.claims[name]
        if name == self.output_name:
            self.upstream = self.claims[name]

    def _find(self, name: str, token: int) -> Value:
        """The value of a name on the right side of this line, which notes that it is read."""
        read = self.lines[-1].reads[name] = self._resolved(name, token)
        return read.value

    def _in_index(self, name: str, token: int) -> Value:
        """The value of a name in the index of a target; the line reads it for a size only."""
        return self._resolved(name, token).value

    def _resolved(self, name: str, token: int) -> Read:
        """A name, looked up among helpers, then in the forward part, then among gradients.

        An input that a gradient line has overwritten is that gradient, as in Python: `dx` beside x.
        """
        reader = self.reader
        if name in self.broken:
            reader.fail(ShapeError, token, f"it reads `{name}`, which has no value")
        if name in self.helpers:
            self.unread.pop(name, None)
            return self.helpers[name]
        if self._is_given(name):
            return Read("gradient", self.output_name, self._given(name, token))
        is_forward = reader.names.is_known(name) or name in reader.names.inputs
        if is_forward and name not in self.assigned:
            return Read("forward", name, reader.names.find(name, token))
        of = self.assigned.get(name) or reader.gradient_of(name)
        if of is None:
            return Read("forward", name, reader.names.find(name, token))
        if of in self.spoilt:
            return Read("gradient", of, self.spoilt[of])
        if of in self.claims:
            return Read("gradient", of, self.claims[of])
        if of == self.output_name:
            if reader.graph.shape(reader.names.stages[of]):
                reader.fail(
                    NameFault, token, f"`{of}` is an array, and `{name}` is not given",
                    f"give the upstream gradient in the shape of `{of}`: a line `{name} = ...`, "
                    f"or `{name}=...` on the command line, or --upstream VALUE",
                )  # fmt: skip
            return Read("gradient", of, reader.graph.constant(1.0, token))
        error = NameFault(
            f"`{name}` has no value yet", reader.names.source.span(token),
            f"the gradient of `{of}` must be assigned on an earlier line",
        )  # fmt: skip
        if not reader.request.fills_gaps:
            raise error
        return Read("gradient", of, self._truth(of, error))

    def _is_given(self, name: str) -> bool:
        """Whether a name is the upstream gradient, and the caller or the forward part gives it."""
        reader, names = self.reader, self.reader.names
        if self.given is not None or not self.output_name:
            return name == self.given
        if name in names.stages or name in names.inputs or self.output_name in self.claims:
            return False
        is_meant = reader.gradient_of(name) == self.output_name
        if name not in names.bound:
            return is_meant and reader.request.upstream is not None
        from gradcli.program.gradient_names import owner  # late: few names are bound and unread

        is_meant |= owner(name, names.is_known, self.output_name) == self.output_name
        return is_meant or name in UPSTREAM_NAMES

    def _given(self, name: str, token: int) -> Value:
        """The upstream gradient that is given as an input. Raises BindingError if it misfits."""
        reader, graph = self.reader, self.reader.graph
        shape = graph.shape(reader.names.stages[self.output_name])
        if self.given is None:
            if name not in reader.names.bound:
                reader.names.bind_upstream(name, shape)
            self.given, self.upstream = name, reader.names.find(name, token)
            self.claims[self.output_name] = self.upstream
            self.tokens[self.output_name] = token
            if graph.shape(self.upstream) != shape:
                reader.fail(BindingError, token, f"the upstream gradient `{name}` "
                            f"{has_shape(graph.shape(self.upstream))}, `{self.output_name}` "
                            f"{has_shape(shape)}")  # fmt: skip
        return self.claims[self.output_name]

    def _spread(self, value: Value, name: str, token: int) -> Value:
        """The value that `+=` adds, broadcast to the shape of the gradient as numpy does."""
        graph = self.reader.graph
        shape, expected = graph.shape(value), graph.shape(self._forward(name, token))
        try:
            fits = shape != expected and broadcast(shape, expected) == expected
        except ShapeError:
            return value  # `_check_shape` says what is wrong
        return self._node("fill", (value, graph.static(expected)), token) if fits else value

    def _sum(self, old: Value, new: Value, token: int) -> Value:
        graph = self.reader.graph
        if graph.shape(old) != graph.shape(new):
            self.reader.fail(ShapeError, token, f"`+=` of shape {graph.shape(new)} to shape "
                             f"{graph.shape(old)}")  # fmt: skip
        return graph.node(graph.table["add"], (old, new), token)

    def _element(self, line: GradientLine, name: str, value: Value) -> Value:
        """Put a value into a gradient of zeros, `dw[0] += ...`; returns it in the part's shape."""
        graph, token = self.reader.graph, line.statement.token
        at = graph.static(line.place)
        if not graph.shape(self._forward(name, token)):
            self.reader.fail(ShapeError, token, f"`{name}` is a number and has no elements")
        if name not in self.claims:
            zero = graph.constant(0.0, token)
            shape = graph.static(graph.shape(self._forward(name, token)))
            self.claims[name] = self._node("fill", (zero, shape), token)
        gradient = self.claims[name]
        part = self._node("index", (gradient, at), token)
        value = self._in_part(line, gradient, part, value)
        total = self._node("add", (part, value), token) if line.statement.kind == "add" else value
        self.claims[name] = self._node("put", (gradient, total, at), token)
        return value

    def _in_part(self, line: GradientLine, gradient: Value, part: Value, value: Value) -> Value:
        """A value in the shape of a part of a gradient. Raises ShapeError where it does not fit."""
        graph, token = self.reader.graph, line.statement.token
        if graph.shape(value) == graph.shape(part):
            return value
        self._node("put", (gradient, value, graph.static(line.place)), token)  # refuses a misfit
        return self._node("fill", (value, graph.static(graph.shape(part))), token)

    def _node(self, gate: str, operands: tuple[int, ...], token: int) -> int:
        try:
            graph = self.reader.graph
            return graph.node(graph.table[gate], operands, token)
        except ShapeError as error:
            self.reader.fail(ShapeError, token, error.message, error.hint)

    def _forward(self, name: str, token: int) -> Value:
        names = self.reader.names
        return names.stages[name] if name in names.stages else names.find(name, token)

    def _check_shape(self, value: Value, name: str, token: int) -> None:
        """Refuse a gradient whose shape is not that of its input or stage. Raises ShapeError."""
        graph = self.reader.graph
        expected, shape = graph.shape(self._forward(name, token)), graph.shape(value)
        if expected != shape:
            self.reader.fail(
                ShapeError, token,
                f"the gradient of `{name}` {has_shape(shape)}, `{name}` {has_shape(expected)}",
                product_advice(graph, value, expected, {**graph.names, **graph.spoken}),
            )  # fmt: skip

    # ---------------------------------------------------------------- what does not fit

    def _set_aside(self, line: GradientLine, error: ShapeError) -> None:
        """Let the true gradient stand in for a line, so that the others can be judged.

        A helper has no truth: the lines that read it are set aside as well.
        """
        causes = [self.broken[name] for name in self._names_of(line) if name in self.broken]
        place: tuple[Any, ...] = ()
        with suppress(GradcliError):
            if line.statement.place:
                place = self.reader.lowering.places(line.statement.place, {}, self._in_index)
        cause = causes[0] if causes else None
        line.misfit = Misfit(line.name, error.message, error.hint, cause, place)
        graph, token, name, target = (
            self.reader.graph, line.statement.token, line.name, line.statement.target
        )  # fmt: skip
        if name is None:
            self.broken[target] = len(self.lines) - 1
            self.unread.pop(target, None)
            stand_in = graph.constant(0.0, token)
        else:
            for other in self.lines:
                if other.name == name and other is not line:
                    other.name, other.part_of = None, name
            self.claims.pop(name, None)
            self.tokens.pop(name, None)
            if name not in self.spoilt:
                self.spoilt[name] = graph.own(self._truth(name, error), len(graph), token)
                graph.call(self.spoilt[name], target)
            stand_in, line.name = self.spoilt[name], None
        line.place = ()
        line.value = line.total = graph.own(stand_in, len(graph), token)

    def _names_of(self, line: GradientLine) -> list[str]:
        """The names that a line reads; those that have a value are noted as read."""
        tree = line.statement.tree
        assert tree is not None
        names = [str(arg) for op, arg in zip(tree.ops, tree.args, strict=True) if op == "name"]
        for name in names:
            if name not in line.reads and name not in self.broken:
                with suppress(GradcliError):
                    line.reads[name] = self._resolved(name, line.statement.token)
        return names

    def _truth(self, name: str, error: GradcliError) -> Value:
        """The node of the true gradient of a name; zeros where the upstream one is not known.

        So it is also while a stage of the backward part is taken for the output.
        """
        reader, output = self.reader, self.reader.names.stages.get(self.output_name)
        if reader.true_gradients is None or output is None:
            raise error
        if self._truth_of is None:
            try:
                upstream = self._resolved(f"d{self.output_name}", reader.graph.tokens[output])
            except GradcliError:
                self.untold = self.untold or error
                zero, shape = reader.graph.constant(0.0), reader.graph.shape(self._forward(name, 0))
                return self._node("fill", (zero, reader.graph.static(shape)), 0) if shape else zero
            self._truth_of = reader.true_gradients(reader.graph, output, upstream.value)
        return self._truth_of(self._forward(name, 0))

    def _take_part(self, line: GradientLine, name: str) -> None:
        """A further line of a gradient that has a misfit: a part of it, and no claim."""
        graph, token = self.reader.graph, line.statement.token
        if line.statement.place:
            line.place = self.reader.lowering.places(line.statement.place, {}, self._in_index)
            part = self._node("index", (self.spoilt[name], graph.static(line.place)), token)
            line.value = self._in_part(line, self.spoilt[name], part, line.value)
        else:
            line.value = self._spread(line.value, name, token)
            self._check_shape(line.value, name, token)
        line.name, line.part_of, line.total = None, name, line.value

    def finish(self) -> None:
        """Look at helpers that nothing reads: each may be a stage after a mistaken output."""
        for name, token in self.unread.items():
            self._look_at_unread(name, token)

    def _look_at_unread(self, name: str, token: int) -> None:
        from gradcli.program.gradient_names import GradientNames  # late: few programs err
        from gradcli.program.strays import unread

        names = self.reader.names
        likeness = GradientNames([*names.stages, *names.inputs]).likeness(name, is_near=True)
        is_made_of_gradients = self._reads_gradients(self.helpers[name].line)
        if name[0] == "d" and is_made_of_gradients and likeness is None:
            names.warnings.append(f"nothing reads `{name}`, which is made of gradients")
        elif self.stray is None:
            message, hint = unread(name, self.output_name)
            advice = f"{likeness.cure}; else {hint}" if likeness else hint
            self.stray = ParseError(message, names.source.span(token), advice)

    def _reads_gradients(self, line: int | None) -> bool:
        """Whether a helper is made of gradients, also through others."""
        pending, seen = [line], {line}
        while pending:
            k = pending.pop()
            for read in self.lines[k].reads.values() if k is not None else ():
                if read.kind == "gradient":
                    return True
                if read.line is not None and read.line not in seen:
                    seen.add(read.line)
                    pending.append(read.line)
        return False

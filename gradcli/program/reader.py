"""A program's text, read statement by statement into a graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from gradcli.errors import GradcliError, NameFault, ParseError, ShapeError, did_you_mean
from gradcli.gates.row import GateTable
from gradcli.gates.table import BUILT_IN
from gradcli.graph.lowering import Lowering
from gradcli.program.bindings import beside
from gradcli.program.ending import EarlierOutputError, Ending
from gradcli.program.model import Program, ValueClaim
from gradcli.program.names import Names
from gradcli.requests import PLAIN, Request, Setting, finite_number, whole_number
from gradcli.syntax import Statement, Tree, statements, write
from gradcli.syntax.tokens import Source

if TYPE_CHECKING:
    from gradcli.program.gradient_lines import Backward, TrueGradients

# Of `# gradcli:` comments; whether a file is skipped is asked before it is read.
DIRECTIVES = ("output NAME", "wrt x, y", "seed N", "tolerance T", "skip REASON")


class StrayLineError(ParseError):
    """Nothing reads a line of the backward part, and no verdict would be about it."""

    def __init__(self, error: ParseError, program: Program) -> None:
        super().__init__(error.message, error.span, error.hint)
        self.program = program


class Reader:
    """Reads one program, statement after statement."""

    def __init__(
        self,
        source: Source,
        settings: list[tuple[str, Setting]],
        free: list[str],
        request: Request,
        varied: Iterable[str],
        table: GateTable,
        is_wide: bool = False,
        last_stage: str | None = None,
        true_gradients: TrueGradients | None = None,
    ) -> None:
        self.source = source
        self.true_gradients = true_gradients
        self.request = request
        self.is_wide = is_wide  # gradients may have other names than `dx`
        self.names = Names(source, request, varied, table)
        self.graph = self.names.graph
        self.lowering = Lowering(
            self.graph, source, request.expand, self.names.number_of,
            beside(source, request.max_array),
        )  # fmt: skip
        self.ending = Ending(self.names, last_stage)
        self.backward: Backward | None = None
        self.value_claims: list[ValueClaim] = []
        self.forward_nodes: int | None = None  # once gradient lines begin
        self.aside: set[int] = set()  # nodes of claims on values
        self.wrt: tuple[str, ...] = ()
        self.seed = request.seed
        self.tolerance: float | None = None
        self.names.bind(settings, free)

    # ---------------------------------------------------------------- statements

    def program(self) -> Program:
        """Read everything. Raises GradcliError."""
        try:
            self._read()
        except ShapeError as error:
            if not self.names.errors:
                raise
            raise self.names.collected() from error  # a name without a value has no shape, either
        self.source.tokens.clear()  # read, and far larger than the graph
        return self._finish()

    def _read(self) -> None:
        expression: Statement | None = None
        graph = self.graph
        for statement in statements(self.source):
            self.source.forget(statement.token)  # advice looks back no farther than this one
            kind, target = statement.kind, statement.target
            if expression is not None and not self._may_follow_output(statement):
                span = self.source.span(expression.token)
                raise ParseError("only the last line may lack a name", span, "write `f = ...`")
            if kind == "expression" and not self._is_value_claim(statement):
                expression = statement
            if graph.anonymous:
                graph.begin_statement()
            if (
                kind == "assign"
                and self.backward is None
                and ((target[0] != "d" and not self.is_wide) or self.gradient_of(target) is None)
                and not self.ending.is_over
            ):
                self._forward(statement)
            else:
                self._statement(statement)

    def _may_follow_output(self, statement: Statement) -> bool:
        return (
            statement.kind == "directive"
            or self._is_value_claim(statement)
            or self.gradient_of(statement.target) is not None
            or self.backward is not None
        )

    def _statement(self, statement: Statement) -> None:
        kind = statement.kind
        self.lowering.stream = statement.target
        if kind == "directive":
            self._directive(statement)
        elif kind == "seed":
            self._seed(statement)
        elif kind == "expression":
            self._expression(statement)
        elif kind in ("assign", "add"):
            is_gradient = self.ending.is_over or self.gradient_of(statement.target) is not None
            if self.backward is None and is_gradient:
                from gradcli.program.gradient_lines import Backward  # late: few programs have one

                has_name = self.ending.chosen is not None or self.ending.nameless is None
                self.backward = Backward(self, self.ending.name() if has_name else "")
                self.forward_nodes = len(self.graph)
            if self.backward is not None:
                self.backward.line(statement)
            else:
                self._forward(statement)

    def _forward(self, statement: Statement) -> None:
        kind, token, tree, name, place, _, _ = statement
        assert tree is not None
        if place or kind == "add":
            form = "`+=`" if kind == "add" else "an index on the left"
            self.fail(
                ParseError, token, f"{form} is for gradient lines only",
                f"give the result a name of its own: `{name}2 = {name} + ...`",
            )  # fmt: skip
        names = self.names
        if name in names.values or name in names.setting_tokens:
            self._refuse_second(name, token)
        if name in names.constants:
            self.fail(NameFault, token, f"`{name}` is assigned after the constant was used")
        if tree.args[0] not in names.values and names.is_constant(tree):
            names.set(name, token, tree, {})
            return
        graph = self.graph
        first, elements, streams = len(graph.gates), graph.elements, len(graph.streams)
        self.lowering.stream = name
        node = self.lowering.value(tree, names.values, names.find)
        if not graph.active[node] and graph.shape(node):
            sizes = names.sizes_of(tree, self.lowering.known)
            if sizes is not None:
                self.lowering.measured.update(range(first, len(graph.gates)))
                graph.discount(elements, streams)
                names.set(name, token, tree, sizes)
                return
        if name in names.caller_names:
            self.fail(
                NameFault, token, f"`{name}` is a stage and cannot be given a value",
                "give the stage, or the input, a name of its own",
            )  # fmt: skip
        value = graph.stage(name, node, first, token)
        names.stages.add(name, value, token)
        self.ending.meet(name, value)
        if node in graph.constants:  # a size: nothing else is a number without being computed
            self.lowering.known[value] = graph.constants[node]
            return
        self.ending.latest, self.ending.last = name, (value, tree)

    def _refuse_second(self, name: str, token: int) -> None:
        """Refuse a second assignment, and one after use, unless the caller gave the value."""
        names = self.names
        if name in names.setting_tokens or name in names.stages:
            self.ending.refuse_if_over(name)
            first = names.setting_tokens.get(name, -1)
            if first < 0:
                first = self.graph.tokens[names.stages[name]]
            self.fail(
                NameFault, token,
                f"`{name}` is assigned a second time, after line {self.source.span(first).line}",
                "give the new value a name of its own",
            )  # fmt: skip
        if name not in names.caller_names:
            self.fail(NameFault, token, f"`{name}` is assigned after it was used")

    def _expression(self, statement: Statement) -> None:
        tree = statement.tree
        assert tree is not None
        if self._is_value_claim(statement):
            first = len(self.graph)
            claimed = Tree(tree.ops[1:-1], tree.args[1:-1], tree.starts[1:-1])  # without `f ==`
            stage = self.names.stages.get(statement.target)
            assert stage is not None
            node = self.lowering.value(claimed, self.names.values, self.names.find)
            if self.graph.shape(node) != self.graph.shape(stage):
                self.fail(ShapeError, statement.token,
                          f"`{statement.target}` has shape {self.graph.shape(stage)}, the claim "
                          f"has {self.graph.shape(node)}")  # fmt: skip
            self.aside.update(range(first, len(self.graph)))
            self.value_claims.append(ValueClaim(statement.target, stage, node, statement.token))
            return
        if self.backward is not None:
            self.fail(
                ParseError, statement.token, "an expression after the gradient lines",
                "the output stands before them; give this line a name or remove it",
            )  # fmt: skip
        if statement.is_claim and statement.target in self.names.bound and self.names.stages:
            self.fail(
                ParseError, statement.token, f"`{statement.target}` is an input, and not claimed",
                "claim the value of a stage: `f == ...`",
            )  # fmt: skip
        first = len(self.graph)
        value = self.lowering.value(tree, self.names.values, self.names.find)
        is_stage = value in self.graph.names and not self.graph.is_leaf(value)
        if not is_stage and (value < first or self.graph.is_leaf(value)):
            value = self.graph.node(self.graph.table["copy"], (value,), statement.token)
        self.ending.nameless, self.ending.last = value, (value, tree)

    def _is_value_claim(self, statement: Statement) -> bool:
        """Whether a statement claims the value of a stage, as in `f == -12`."""
        if not statement.is_claim or statement.target not in self.names.stages:
            return False
        return statement.tree is not None and statement.tree.ops[-1] == "eq"

    def _directive(self, statement: Statement) -> None:
        word, _, rest = statement.text.partition(" ")
        rest = rest.strip()
        if word == "output" and rest:
            self.ending.chosen = self.request.output or rest
        elif word == "wrt" and rest:
            self.wrt = tuple(part.strip() for part in rest.split(","))
        elif word == "seed" and (number := whole_number(rest)) is not None:
            self.seed = number if self.request.seed is None else self.request.seed
        elif word == "tolerance" and (tolerance := finite_number(rest)) is not None:
            self.tolerance = tolerance
        elif word != "skip":
            self.fail(
                ParseError, statement.token, f"`{statement.text}` is not a directive",
                f"known are `{'`, `'.join(DIRECTIVES[:-1])}` and `{DIRECTIVES[-1]}`",
            )  # fmt: skip

    def _seed(self, statement: Statement) -> None:
        """Take the seed from `np.random.seed(n)`, as from the directive `seed n`."""
        tree = statement.tree
        assert tree is not None
        if tree.ops != ["number", "call"] or tree.args[0] != tree.args[0] // 1:
            self.fail(ParseError, statement.token, "the seed must be a whole number",
                      "write `np.random.seed(0)`")  # fmt: skip
        if self.request.seed is None:
            self.seed = int(tree.args[0])

    def gradient_of(self, target: str) -> str | None:
        """The forward name whose gradient `target` is, once there is a stage: dx, d_x, dfdx."""
        names, ending = self.names, self.ending
        if not ending.latest or not (self.is_wide or target.startswith("d")):
            return None
        if ending.chosen and ending.chosen not in names.stages:
            return None  # the output named by the caller is still to come
        output = self.backward.output_name if self.backward else ending.name()
        for prefix in ("d", "d_", f"d{output}d", f"d{output}_d"):
            name = target[len(prefix) :]
            if target.startswith(prefix) and (names.is_known(name) or name in names.inputs):
                return name
        if self.is_wide:
            from gradcli.program.gradient_names import owner  # late: few programs need it

            return owner(target, names.is_known, output)
        return None

    # ---------------------------------------------------------------- the end

    def _finish(self) -> Program:
        if self.backward is not None:
            self.backward.finish()
        names, ending, back = self.names, self.ending, self.backward
        if names.errors:
            raise names.collected()
        output = ending.output(back)
        if back is not None and ending.last_stage is None:
            name = ending.before_helpers(output, back, self.aside)
            if name is not None:
                raise EarlierOutputError(name)
        if back is not None and back.untold is not None:
            raise back.untold
        needed = self._needed(output)
        self._forget_sizes(needed)
        self._look_for_strays(output, needed)
        inputs = {name: names.inputs[name] for name in names.bound if name in self.graph.inputs}
        program = Program(
            source=self.source,
            graph=self.graph,
            output=output,
            forward_nodes=len(self.graph) if self.forward_nodes is None else self.forward_nodes,
            aside=self.aside,
            expression=write(self._tree_of(output)),
            inputs=inputs,
            settings=names.settings,
            values={name: names.bound[name] for name in inputs},
            stages={n: node for n, node in names.stages.items() if node in self.graph.names},
            claims=back.claims if back else {},
            claim_tokens={
                **(back.tokens if back else {}),
                **{claim.name: claim.token for claim in self.value_claims},
            },
            lines=back.lines if back else [],
            value_claims=self.value_claims,
            upstream=back.upstream if back else None,
            given=back.given if back else None,
            wrt=self.wrt,
            warnings=names.warnings,
            uncertainties=names.uncertainties,
            seed=self._sow(),
            tolerance=self.tolerance,
            overruled=names.overruled,
        )
        if back is not None and back.stray is not None:
            raise StrayLineError(back.stray, program)
        return program

    def _tree_of(self, output: int) -> Tree:
        """The output's own expression: that of the last forward line, or one that is read again."""
        last = self.ending.last
        if last is not None and last[0] == output:
            return last[1]
        start = self.source.span(self.names.stages.token(self.graph.names[output])).start
        statement = next(statements(Source(self.source.text[start:])))
        assert statement.tree is not None
        return statement.tree

    def _needed(self, output: int) -> list[int]:
        """The nodes that must stay: the output, those of claims, inputs that vary."""
        back, names = self.backward, self.names
        needed = [output, *(names.inputs[n] for n in names.varied if n in names.inputs)]
        for claim in self.value_claims:
            needed += [claim.stage, claim.claimed]
        if back is not None:
            forward = {**names.inputs, **names.stages}
            needed += [forward[name] for name in back.claims]
            needed += [node for line in back.lines for node in (line.value, line.total)]
        return needed

    def _forget_sizes(self, needed: list[int]) -> None:
        """Make constants of stages and inputs that only sizes and shapes are read from."""
        lowering = self.lowering
        if lowering.known or lowering.measured:
            self.graph.forget(lowering.known, lowering.measured, needed)

    def _look_for_strays(self, output: int, needed: list[int]) -> None:
        """Warn of settings and stages without use; refuse those that look like gradients."""
        names, ending, graph = self.names, self.ending, self.graph
        unused = [n for n in names.bound if n not in names.inputs and n not in names.stages]
        if not unused and len(names.stages) + (ending.nameless is not None) < 2:
            return
        from gradcli.program.strays import Forward, idle_words, strays  # late: of several stages

        reached, aside = graph.reaches(*needed), self.lowering.measured  # only their shapes
        forward = Forward(
            self.source, graph, names.stages, names.place,
            [*names.bound, *names.inputs],
            [n for n in unused if n in names.setting_tokens and n not in names.caller_names],
            [n for n, k in names.stages.items()
             if not reached[k] and k in graph.names and k not in aside],
            graph.names.get(output) if output != ending.nameless else None,
            ending.chosen is not None,
        )  # fmt: skip
        for token, message, hint in strays(forward):
            names.errors.append(ParseError(message, self.source.span(token), hint))
        if names.errors:
            raise names.collected()
        for name in unused:
            near = did_you_mean(name, names.inputs)
            words = f"`{name}` is given a value but not used"
            names.warnings.append(f"{words}; {near}" if near else words)
        if (idle := idle_words(forward)) is not None:
            names.warnings.append(idle)

    def _sow(self) -> int | None:
        """Give the random numbers their seed; None if there are none."""
        seed = self.seed or 0
        sown = [graph.sow(seed) for graph in (self.graph, self.names.settings)]
        return seed if any(sown) else None

    def fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        """Raise an error at the place of a token."""
        raise kind(message, self.source.span(token), hint)


# Targets that may be gradients by other names than `dx`: `grad_w`, `W_grad`, `dL_dw`, `gW`.
WIDE = r"(?im)(?:^|;)\s*(?:(?:grad|nabla|d\w+_d|g\w)\w*|\w+grad\w*)\s*\+?="


def read(
    text: str,
    name: str = "<expression>",
    settings: Mapping[str, Setting] | Iterable[tuple[str, Setting]] = (),
    free: Iterable[str] = (),
    request: Request = PLAIN,
    varied: Iterable[str] = (),
    table: GateTable = BUILT_IN,
    last_stage: str | None = None,
    true_gradients: TrueGradients | None = None,
) -> Program:
    """Read a program.

    `settings` are pairs of a name and its value and win over the text's own; `free` names inputs
    that get their values later, `varied` those that get other values later and are no sizes. Of the
    `request` counts how a program is read: output, expand, seed, max_array; `table` holds the gates
    it may call; all after `last_stage` is the backward part. With `true_gradients` a gradient line
    whose shapes do not fit is no error: the truth stands in for it. Raises GradcliError; names
    without a value are reported together.
    """
    if not isinstance(text, str):
        raise ParseError(f"a program is a text, this is {type(text).__name__}")
    pairs = list(settings.items() if isinstance(settings, Mapping) else settings)
    names = list(free)

    def reading(is_wide: bool) -> Program:
        def reader(last: str | None) -> Reader:
            return Reader(
                Source(text, name), pairs, names, request, varied, table, is_wide, last,
                true_gradients,
            )  # fmt: skip

        try:
            return reader(last_stage).program()
        except EarlierOutputError as error:
            return reader(error.name).program()

    try:
        return reading(is_wide=False)
    except GradcliError:
        if not re.search(WIDE, text):  # compiled where a text cannot be read as it stands
            raise
        with suppress(GradcliError):
            program = reading(is_wide=True)
            if program.claims:
                return program
        raise

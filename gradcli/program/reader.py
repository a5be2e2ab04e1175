"""A program's text, read statement by statement into a graph."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from gradcli.errors import (
    BindingError,
    GradcliError,
    NameFault,
    ParseError,
    ShapeError,
    did_you_mean,
)
from gradcli.gates.row import GateTable
from gradcli.gates.shapes import Shape
from gradcli.gates.table import BUILT_IN, CONSTANTS
from gradcli.graph.lowering import Lowering, Value, find_constant
from gradcli.graph.nodes import Graph
from gradcli.graph.sizes import UnknownSizeError, known_number
from gradcli.program.bindings import (
    check_name,
    hides_constant,
    lower_constant,
    lower_setting,
    parted,
)
from gradcli.program.model import Program, ValueClaim
from gradcli.requests import PLAIN, Request, Setting
from gradcli.syntax import Statement, Tree, statements, write
from gradcli.syntax.refusals import INSTEAD
from gradcli.syntax.tokens import Source

if TYPE_CHECKING:
    from gradcli.program.gradient_lines import Backward


class EarlierOutputError(Exception):
    """The forward part ends earlier than it seemed: at the stage of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


MOST_UNKNOWN = 20  # names without a value that are reported one by one


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
    ) -> None:
        self.source = source
        self.request = request
        self.is_wide = is_wide  # gradients may have other names than `dx`
        self.last_stage = last_stage  # after it comes the backward part
        self.varied = frozenset(varied)  # inputs that get other values later: no sizes
        self.graph = Graph(table)
        self.settings = Graph(table)
        self.lowering = Lowering(self.graph, source, request.expand, self._number_of)
        self.sizes: dict[int, float] = {}  # of `settings`: those that were read as sizes
        self.bound: dict[str, Value] = {}  # nodes of `settings`
        self.uncertainties: dict[str, Value] = {}  # nodes of `settings`
        self.caller_names: set[str] = set()  # names the caller gave a value
        self.inputs: dict[str, Value] = {}
        self.stages: dict[str, Value] = {}
        self.names: dict[str, Value] = {}  # all of these: what is read so far and may be named
        self.setting_tokens: dict[str, int] = {}  # the token where a setting is assigned
        self.overruled: dict[str, Tree] = {}  # settings of the text that the caller's stand in for
        self.stage_tokens: dict[str, int] = {}  # the token where a stage is assigned
        self.unknown = 0  # names without a value
        self.constants: set[str] = set()  # of pi, tau and e, those that were used
        self.errors: list[GradcliError] = []
        self.warnings: list[str] = []
        self.wrt: tuple[str, ...] = ()
        self.seed = request.seed
        self.graph.most_elements = self.settings.most_elements = request.max_array
        self.output_name = request.output or last_stage
        self.output: int | None = None
        self.latest = ""  # the last forward stage; a size is not taken for the output
        self.last: tuple[int, Tree] | None = None  # node and tree of the last forward line
        self.plain = ""  # the last stage that is not named like a gradient
        self.reader_of_plain = 0  # the first node that reads it, or that may be the first
        self.backward: Backward | None = None
        self.value_claims: list[ValueClaim] = []
        self.forward_nodes: int | None = None  # once gradient lines begin
        self.aside: set[int] = set()  # nodes of claims on values
        self._bind(settings, free)

    # ---------------------------------------------------------------- settings

    def _bind(self, settings: list[tuple[str, Setting]], free: list[str]) -> None:
        for name, value in [*settings, *((name, 0.0) for name in free)]:
            warning = check_name(name, self.graph.table)
            if warning:
                self.warnings.append(warning)
            if name in self.bound:
                self.errors.append(BindingError(f"`{name}` is given twice"))
            self._bind_one(name, value)
            self.caller_names.add(name)

    def _bind_one(self, name: str, value: Setting) -> None:
        """Bind a value, or a value and its uncertainty."""
        value, spread = parted(value) if isinstance(value, str) else (value, None)
        if spread is not None:
            spread_node = lower_setting(self.settings, name, spread)
            if self.settings.shape(spread_node):
                raise BindingError(f"the uncertainty of `{name}` must be one number")
            self.uncertainties[name] = spread_node
        self.bound[name] = lower_setting(self.settings, name, value)

    def bind_upstream(self, name: str, shape: Shape) -> None:
        """Bind a name to the upstream gradient of the request."""
        value = self.request.upstream
        assert value is not None
        size = f"({', '.join(map(str, shape))},)"
        self._bind_one(name, (f"ones({size})" if shape else 1.0) if value == "ones" else value)
        self.caller_names.add(name)

    # ---------------------------------------------------------------- statements

    def program(self) -> Program:
        """Read everything. Raises GradcliError."""
        try:
            self._read()
        except ShapeError as error:
            if not self.errors:
                raise
            raise self._collected() from error  # a name without a value has no shape, either
        self.source.tokens.clear()  # read, and far larger than the graph
        return self._finish()

    def _read(self) -> None:
        expression: Statement | None = None
        graph = self.graph
        for statement in statements(self.source):
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
                and (self.last_stage is None or self.last_stage not in self.stages)
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
            is_over = self.last_stage is not None and self.last_stage in self.stages
            is_gradient = is_over or self.gradient_of(statement.target) is not None
            if self.backward is None and is_gradient:
                from gradcli.program.gradient_lines import Backward  # late: few programs have one

                has_name = self.output_name is not None or self.output is None
                self.backward = Backward(self, self._last_stage() if has_name else "")
                self._end_forward()
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
        if name in names or name in self.setting_tokens:
            self._refuse_second(name, token)
        if name in self.constants:
            self.fail(NameFault, token, f"`{name}` is assigned after the constant was used")
        if tree.args[0] not in names and self._is_constant(tree):
            self._set(name, token, tree, {})
            return
        graph = self.graph
        first, elements, streams = len(graph.gates), graph.elements, len(graph.streams)
        self.lowering.stream = name
        node = self.lowering.value(tree, names, self.find)
        if not graph.active[node] and graph.shape(node):
            sizes = self._sizes_of(tree)
            if sizes is not None:
                self.lowering.measured.update(range(first, len(graph.gates)))
                graph.discount(elements, streams)
                self._set(name, token, tree, sizes)
                return
        if name in self.caller_names:
            self.fail(
                NameFault, token, f"`{name}` is a stage and cannot be given a value",
                "give the stage, or the input, a name of its own",
            )  # fmt: skip
        value = graph.stage(name, node, first, token)
        self.stages[name] = names[name] = value
        self.stage_tokens[name] = token
        if not _is_like_a_gradient(name):
            self.plain, self.reader_of_plain = name, value + 1
        if node in graph.constants:  # a size: nothing else is a number without being computed
            self.lowering.known[value] = graph.constants[node]
            return
        self.latest, self.last = name, (value, tree)

    def _set(self, name: str, token: int, tree: Tree, sizes: dict[str, Value]) -> None:
        """Bind a name to a constant expression, unless the caller has given it a value."""
        self.setting_tokens[name] = token
        if name in self.caller_names:
            self.overruled[name] = tree
            return
        warning = hides_constant(name)
        if warning:
            self.warnings.append(warning)
        self.bound[name] = lower_constant(self.settings, name, self.source, tree, sizes)

    def _sizes_of(self, tree: Tree) -> dict[str, Value] | None:
        """The names of an array that depends on no value, `randn(N, X.shape[1])`, in `settings`.

        Such an array is an input, as if its sizes were written out. None where a stage tells one.
        """
        known, sizes = self.lowering.known, {}
        for op, arg in zip(tree.ops, tree.args, strict=True):
            if op == "name" and arg in self.bound:
                sizes[arg] = self.bound[arg]
            elif op == "name" and arg in self.stages:
                if self.stages[arg] not in known:
                    return None
                sizes[arg] = self.settings.constant(known[self.stages[arg]])
        return sizes

    def _refuse_second(self, name: str, token: int) -> None:
        """Refuse a second assignment, and one after use, unless the caller gave the value."""
        if name in self.setting_tokens or name in self.stages:
            if self._may_be_backward(name):
                raise EarlierOutputError(self.plain)
            first = self.setting_tokens.get(name, -1)
            if first < 0:
                first = self.graph.tokens[self.stages[name]]
            self.fail(
                NameFault, token,
                f"`{name}` is assigned a second time, after line {self.source.span(first).line}",
                "give the new value a name of its own",
            )  # fmt: skip
        if name not in self.caller_names:
            self.fail(NameFault, token, f"`{name}` is assigned after it was used")

    def _may_be_backward(self, name: str) -> bool:
        """Whether a gradient of something without a name is assigned again, after all stages."""
        if not (_is_like_a_gradient(name) and self.plain) or self.output_name or self.backward:
            return False
        node, token = self.stages[self.plain], self.stage_tokens.get(name, -1)
        is_read = any(node in operands for operands in self.graph.operands[node + 1 :])
        return token > self.stage_tokens[self.plain] and not is_read

    def _is_constant(self, tree: Tree) -> bool:
        """Whether nothing but literals, pi, tau and e occurs."""
        for op, arg in zip(tree.ops, tree.args, strict=True):
            if op == "name" and (self.is_known(arg) or find_constant(arg) is None):
                return False
        return True

    def is_known(self, name: str) -> bool:
        """Whether a name is bound or a stage."""
        return name in self.bound or name in self.stages

    def _expression(self, statement: Statement) -> None:
        tree = statement.tree
        assert tree is not None
        if self._is_value_claim(statement):
            first = len(self.graph)
            claimed = Tree(tree.ops[1:-1], tree.args[1:-1], tree.starts[1:-1])  # without `f ==`
            stage = self.stages.get(statement.target)
            assert stage is not None
            node = self.lowering.value(claimed, self.names, self.find)
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
        if statement.is_claim and statement.target in self.bound and self.stages:
            self.fail(
                ParseError, statement.token, f"`{statement.target}` is an input, and not claimed",
                "claim the value of a stage: `f == ...`",
            )  # fmt: skip
        first = len(self.graph)
        value = self.lowering.value(tree, self.names, self.find)
        is_stage = value in self.graph.names and not self.graph.is_leaf(value)
        if not is_stage and (value < first or self.graph.is_leaf(value)):
            value = self.graph.node(self.graph.table["copy"], (value,), statement.token)
        self.output = value
        self.last = value, tree

    def _is_value_claim(self, statement: Statement) -> bool:
        """Whether a statement claims the value of a stage, as in `f == -12`."""
        if not statement.is_claim or statement.target not in self.stages:
            return False
        return statement.tree is not None and statement.tree.ops[-1] == "eq"

    def _directive(self, statement: Statement) -> None:
        word, _, rest = statement.text.partition(" ")
        rest = rest.strip()
        if word == "output" and rest:
            self.output_name = self.request.output or rest
        elif word == "wrt" and rest:
            self.wrt = tuple(part.strip() for part in rest.split(","))
        elif word == "seed" and rest.isdecimal():
            self.seed = int(rest) if self.request.seed is None else self.request.seed
        else:
            self.fail(
                ParseError, statement.token, f"`{statement.text}` is not a directive",
                "known are `output NAME`, `wrt x, y` and `seed N`",
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

    # ---------------------------------------------------------------- names

    def find(self, name: str, token: int) -> Value:
        """The value of a name; an unknown one is noted, and is an input meanwhile."""
        if name in self.names:
            return self.names[name]
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
                self.errors.append(self._unknown(name, token))
            value = self.graph.input(name, token)
        self.inputs[name] = self.names[name] = value
        return value

    def _unknown(self, name: str, token: int) -> GradcliError:
        span = self.source.span(token)
        if name in self.graph.table.functions:
            return NameFault(f"`{name}` is a function", span, f"write `{name}(...)`")
        unused = [known for known in self.bound if known not in self.inputs]
        known = [*self.bound, *self.stages, *CONSTANTS]
        hint = did_you_mean(name, unused) or did_you_mean(name, known)
        prefix, _, word = name.rpartition(".")
        if prefix or word == "None":  # any other word may be a name that was forgotten
            hint = INSTEAD.get(word) or hint
        if prefix:
            hint = hint or f"`{prefix}.` stands before functions, pi and e only"
        return NameFault(f"`{name}` has no value", span, hint or f"give it one: `{name}=...`")

    def gradient_of(self, target: str) -> str | None:
        """The forward name whose gradient `target` is, once there is a stage: dx, d_x, dfdx."""
        if not self.latest or not (self.is_wide or target.startswith("d")):
            return None
        if self.output_name and self.output_name not in self.stages:
            return None  # the output named by the caller is still to come
        outputs = [self.backward.output_name if self.backward else self._last_stage()]
        for prefix in ("d", "d_", *(f"d{o}d" for o in outputs), *(f"d{o}_d" for o in outputs)):
            name = target[len(prefix) :]
            if target.startswith(prefix) and (self.is_known(name) or name in self.inputs):
                return name
        if self.is_wide:
            from gradcli.program.gradient_names import owner  # late: few programs need it

            return owner(target, ChainMap(self.bound, self.stages), outputs[0])
        return None

    # ---------------------------------------------------------------- the end

    def _last_stage(self) -> str:
        """The name of the output: the last stage, but no `dz` after it that has no stage `z`.

        Backward passes often begin with the gradient of something that has no name. Such a line is
        taken for one of theirs if the stage before it is read by nothing.
        """
        last = self.output_name or self.latest or next(reversed(self.stages))
        if self.output_name or not self.plain or not _is_like_a_gradient(last):
            return last
        node, operands = self.stages[self.plain], self.graph.operands
        if node > self.stages[last]:
            return last
        while self.reader_of_plain < len(operands) and node not in operands[self.reader_of_plain]:
            self.reader_of_plain += 1  # once over all nodes, however often the question is put
        return last if self.reader_of_plain < len(operands) else self.plain

    def _end_of_forward(self, output: int) -> str | None:
        """The output, where stages after it are read by gradient lines: these are helpers.

        It is the one before them that nothing reads. None where there are no such stages.
        """
        back, graph = self.backward, self.graph
        if back is None or not back.claims:
            return None
        chosen = self.output_name if self.output_name is not None else graph.names.get(output)
        if chosen is None or chosen not in self.stages:
            return None
        reads = [read for line in back.lines for read in line.reads.values()]
        used = {read.name for read in reads if read.kind == "forward"}
        last = self.stage_tokens[chosen]
        if used.intersection(n for n, token in self.stage_tokens.items() if token > last):
            return chosen
        if self.output_name is not None:
            return None
        is_passed_on = any(read.kind == "gradient" and read.name == chosen for read in reads)
        is_helper = chosen in used and chosen not in back.claims and not is_passed_on
        return self._idle_before(chosen) if is_helper or not self._is_seeded(chosen) else None

    def _idle_before(self, chosen: str) -> str | None:
        """A stage before another that nothing reads, if it can be the output.

        The first that is made of all whose gradients are claimed, else the last.
        """
        assert self.backward is not None
        graph, forward = self.graph, {**self.inputs, **self.stages}
        read = {k for operands in graph.operands for k in operands}
        idle = [n for n, k in self.stages.items() if k not in read and k not in self.aside
                and self.stage_tokens[n] < self.stage_tokens[chosen]]  # fmt: skip
        claimed = [forward[name] for name in self.backward.claims]
        for name in idle[:-1]:
            is_behind = graph.reaches(self.stages[name])
            if self._is_seeded(name) and all(is_behind[node] for node in claimed):
                return name
        return idle[-1] if idle and self._is_seeded(idle[-1]) else None

    def _is_seeded(self, name: str) -> bool:
        """Whether a stage can be the output: a number, or an array with an upstream gradient."""
        assert self.backward is not None
        is_given = self.request.upstream is not None or name in self.backward.claims
        return is_given or not self.graph.shape(self.stages[name])

    def _end_forward(self) -> None:
        if self.forward_nodes is None:
            self.forward_nodes = len(self.graph)

    def _finish(self) -> Program:
        if self.backward is not None:
            self.backward.finish()
        if self.errors:
            raise self._collected()
        back = self.backward
        output = self._find_output()
        if self.last_stage is None and (name := self._end_of_forward(output)) is not None:
            raise EarlierOutputError(name)
        needed = self._needed(output)
        self._forget_sizes(needed)
        self._look_for_strays(output, needed)
        inputs = {name: self.inputs[name] for name in self.bound if name in self.graph.inputs}
        return Program(
            source=self.source,
            graph=self.graph,
            output=output,
            forward_nodes=len(self.graph) if self.forward_nodes is None else self.forward_nodes,
            aside=self.aside,
            expression=write(self._tree_of(output)),
            inputs=inputs,
            settings=self.settings,
            values={name: self.bound[name] for name in inputs},
            stages={n: node for n, node in self.stages.items() if node in self.graph.names},
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
            warnings=self.warnings,
            uncertainties=self.uncertainties,
            seed=self._sow(),
            overruled=self.overruled,
        )

    def _collected(self) -> GradcliError:
        """Everything that was found wrong, as one error."""
        if self.unknown > MOST_UNKNOWN:
            more = self.unknown - MOST_UNKNOWN
            self.errors.append(NameFault(f"{more} more names have no value"))
        first, *others = self.errors
        first.also = tuple(others)
        return first

    def _tree_of(self, output: int) -> Tree:
        """The output's own expression: that of the last forward line, or one that is read again."""
        if self.last is not None and self.last[0] == output:
            return self.last[1]
        start = self.source.span(self.stage_tokens[self.graph.names[output]]).start
        statement = next(statements(Source(self.source.text[start:])))
        assert statement.tree is not None
        return statement.tree

    def _number_of(self, name: str) -> float | str:
        """The number an input is set to, for a size; else words for what it is."""
        if name in self.varied or name in self.uncertainties:
            return "not one fixed number"
        if name not in self.bound:
            return "without a value"
        try:
            return known_number(self.settings, self.bound[name], self.sizes, str)
        except UnknownSizeError as error:
            return error.words

    def _needed(self, output: int) -> list[int]:
        """The nodes that must stay: the output, those of claims, inputs that vary."""
        back = self.backward
        needed = [output, *(self.inputs[n] for n in self.varied if n in self.inputs)]
        for claim in self.value_claims:
            needed += [claim.stage, claim.claimed]
        if back is not None:
            forward = {**self.inputs, **self.stages}
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
        unused = [n for n in self.bound if n not in self.inputs and n not in self.stages]
        if not unused and len(self.stages) + (self.output is not None) < 2:
            return
        from gradcli.program.strays import Forward, idle_words, strays  # late: of several stages

        names, reached = self.graph.names, self.graph.reaches(*needed)
        aside = self.lowering.measured  # only their shapes are read
        forward = Forward(
            self.source, self.graph, self.stages, ChainMap(self.stage_tokens, self.setting_tokens),
            [*self.bound, *self.inputs],
            [n for n in unused if n in self.setting_tokens and n not in self.caller_names],
            [n for n, k in self.stages.items() if not reached[k] and k in names and k not in aside],
            names.get(output) if output != self.output else None,
            self.output_name is not None,
        )  # fmt: skip
        for token, message, hint in strays(forward):
            self.errors.append(ParseError(message, self.source.span(token), hint))
        if self.errors:
            raise self._collected()
        for name in unused:
            near = did_you_mean(name, self.inputs)
            words = f"`{name}` is given a value but not used"
            self.warnings.append(f"{words}; {near}" if near else words)
        if (idle := idle_words(forward)) is not None:
            self.warnings.append(idle)

    def _sow(self) -> int | None:
        """Give the random numbers their seed; None if there are none."""
        seed = self.seed or 0
        sown = [graph.sow(seed) for graph in (self.graph, self.settings)]
        return seed if any(sown) else None

    def _find_output(self) -> int:
        name = self.output_name
        if name is not None:
            value = self.stages.get(name)
            if value is None:
                hint = did_you_mean(name, self.stages)
                raise NameFault(f"`{name}` is not a stage of the program", None, hint)
        elif self.output is not None:
            return self.output
        elif not self.stages:
            raise ParseError(
                "nothing to compute: the program has no stage",
                self.source.end(),
                "write an expression, such as `x*y`",
            )
        else:
            name = self.backward.output_name if self.backward else self._last_stage()
            value = self.stages[name]
        output: int = value
        return output

    def fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        """Raise an error at the place of a token."""
        raise kind(message, self.source.span(token), hint)


# Targets that may be gradients by other names than `dx`: `grad_w`, `W_grad`, `dL_dw`, `gW`.
WIDE = re.compile(
    r"(?:^|;)\s*(?:(?:grad|nabla|d\w+_d|g\w)\w*|\w+grad\w*)\s*\+?=", re.IGNORECASE | re.MULTILINE
)


def _is_like_a_gradient(name: str) -> bool:
    return len(name) > 1 and name[0] == "d"


def read(
    text: str,
    name: str = "<expression>",
    settings: Mapping[str, Setting] | Iterable[tuple[str, Setting]] = (),
    free: Iterable[str] = (),
    request: Request = PLAIN,
    varied: Iterable[str] = (),
    table: GateTable = BUILT_IN,
    last_stage: str | None = None,
) -> Program:
    """Read a program.

    `settings` are pairs of a name and its value and win over the text's own; `free` names inputs
    that get their values later, `varied` those that get other values later and are no sizes. Of the
    `request` counts how a program is read: output, expand, seed, max_array; `table` holds the gates
    it may call; all after `last_stage` is the backward part. Raises GradcliError; names without a
    value are reported together.
    """
    if not isinstance(text, str):
        raise ParseError(f"a program is a text, this is {type(text).__name__}")
    pairs = list(settings.items() if isinstance(settings, Mapping) else settings)
    names = list(free)

    def reading(is_wide: bool) -> Program:
        def reader(last: str | None) -> Reader:
            return Reader(Source(text, name), pairs, names, request, varied, table, is_wide, last)

        try:
            return reader(last_stage).program()
        except EarlierOutputError as error:
            return reader(error.name).program()

    try:
        return reading(is_wide=False)
    except GradcliError:
        if not WIDE.search(text):
            raise
        with suppress(GradcliError):
            program = reading(is_wide=True)
            if program.claims:
                return program
        raise

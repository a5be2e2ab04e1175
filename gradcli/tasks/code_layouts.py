"""Lines of code laid out: as a script, a function, a class with forward and backward."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import isfinite
from typing import Any, NamedTuple

from gradcli.emit.languages import Language
from gradcli.emit.staged import gradient_name
from gradcli.errors import UsageError
from gradcli.reports.evaluations import Number
from gradcli.tasks.code_lines import CodeLines, flat

MOST_LITERAL = 1_000  # numbers of an array that are written out


class Wrapping(NamedTuple):
    """What the code is wrapped in: a function or a class of this name, or nothing."""

    function: str | None = None
    gate_class: str | None = None
    textbook: bool = False  # local gradients as a lecture writes them, not in their stable form
    batched: bool = False  # at many points at once


def _grouped(parts: Any, form: Callable[[str], str] = str) -> str:
    """Names in nested lists as they are written."""
    if not isinstance(parts, list):
        return form(parts)
    return f"[{', '.join(_grouped(part, form) for part in parts)}]"


def _literal(number: Number, language: Language, is_array: bool) -> str:
    """An input as it is set."""
    if isinstance(number, list):
        text = f"[{', '.join(_literal(part, language, False) for part in number)}]"
        array = "torch.tensor" if language.library == "torch." else f"{language.library}array"
        return f"{array}({text})" if is_array else text
    if isfinite(number):
        return repr(number)
    return language.nan if number != number else f"{'-' * (number < 0)}{language.infinity}"


def _imports(lines: CodeLines, body: list[str]) -> list[str]:
    whole = "\n".join(body)
    return [text for sign, text in lines.language.imports if sign in whole]


def _regrouped(lines: CodeLines) -> Iterator[str]:
    """Gradients of elements put together as the gradient of their input."""
    for name, parts in lines.parts.items():
        if isinstance(parts, list):
            gradient = gradient_name(lines.roots[name])
            yield lines.language.let.format(gradient, _grouped(parts, gradient_name))


def _unpacked(lines: CodeLines) -> Iterator[str]:
    """Inputs taken apart into their elements."""
    for name, parts in lines.parts.items():
        if isinstance(parts, list) and flat(parts):
            text = _grouped(parts)
            if lines.language.is_python and len(parts) > 1:
                text = text[1:-1]
            yield lines.language.let.format(text, lines.roots[name])


def _inputs(lines: CodeLines) -> Iterator[str]:
    for name, number in lines.inputs.items():
        is_array = isinstance(lines.parts[name], str)
        if isinstance(number, list) and len(flat(number)) > MOST_LITERAL:
            raise UsageError(f"`{name}` has too many numbers to be written out",
                             hint="write --function NAME")  # fmt: skip
        own = lines.parts[name] if is_array else lines.roots[name]
        yield lines.language.let.format(own, _literal(number, lines.language, is_array))


def _seed(lines: CodeLines) -> str:
    upstream = lines.circuit.upstream
    assert upstream is not None
    return _literal(upstream, lines.language, True)


def _helpers(lines: CodeLines) -> Iterator[str]:
    blank = ["", ""] if lines.language.is_python else [""]
    for text in lines.writer.helpers.values():
        yield from (lines.language.in_library(text), *blank)


def laid_out(lines: CodeLines, wrapping: Wrapping) -> str:
    """The code in what it is to be wrapped in. Raises UsageError for arrays too large to write."""
    if lines.language.name in OWN_LAYOUTS:
        return OWN_LAYOUTS[lines.language.name](lines, wrapping)
    if wrapping.batched:
        return _batched(lines, wrapping.function or "gradient")
    if wrapping.function:
        return _function(lines, wrapping.function)
    if wrapping.gate_class:
        return _class(lines, wrapping.gate_class)
    return _script(lines)


def _script(lines: CodeLines) -> str:
    """The code as it stands in a lecture: inputs, forward pass, backward pass."""
    comment, let = lines.language.comment, lines.language.let
    body = [
        *_helpers(lines), *_inputs(lines), *_unpacked(lines), "", f"{comment}forward pass",
        *lines.forward, "", f"{comment}backward pass", let.format(lines.seed, _seed(lines)),
        *lines.backward, *_regrouped(lines),
    ]  # fmt: skip
    return _joined(lines, body)


def _joined(lines: CodeLines, body: list[str]) -> str:
    head = _imports(lines, body)
    return "\n".join([*head, *([""] if head else []), *body]) + "\n"


def _arguments(lines: CodeLines) -> list[str]:
    return [p if isinstance(p, str) else lines.roots[name] for name, p in lines.parts.items()]


def _batched(lines: CodeLines, name: str) -> str:
    """A function of many points: of numbers in one go, of arrays a point after the other."""
    if not any(isinstance(number, list) for number in lines.inputs.values()):
        each = f"{lines.seed} = {lines.seed} * np.ones(np.shape({lines.output}))  # of every point"
        return _function(lines, name, [each], "; numbers, or arrays of points")
    arguments = ", ".join(_arguments(lines))
    driver = f"""

def {name}_batched({arguments}):
    \"\"\"Values and gradients at many points, along the first axis of every argument.\"\"\"
    rows = [{name}(*point) for point in zip({arguments}, strict=True)]
    gradients = zip(*[gradients for _, gradients in rows], strict=True)
    return np.stack([value for value, _ in rows]), tuple(map(np.stack, gradients))
"""
    return _function(lines, name) + driver


def _function(lines: CodeLines, name: str, upstream: Sequence[str] = (), remark: str = "") -> str:
    """A function that returns the value and the gradients; `upstream` are lines between them."""
    comment, language = lines.language.comment, lines.language
    is_python = language.is_python
    arguments = _arguments(lines)
    gradients = [gradient_name(a) for a in arguments]
    seeded = ", ".join(
        [
            *arguments,
            f"{lines.seed}={_seed(lines)}" if is_python else f"{lines.seed} = {_seed(lines)}",
        ]
    )
    about = f"{lines.circuit.expression}, and its gradients by {', '.join(arguments)}{remark}."
    body = [
        *_unpacked(lines), f"{comment}forward pass", *lines.forward, "",
        f"{comment}backward pass", *upstream, *lines.backward, *_regrouped(lines),
    ]  # fmt: skip
    indented = [f"    {line}" if line else "" for line in body]
    if is_python:
        returned = f"{lines.output}, ({', '.join(gradients)}{',' * (len(gradients) == 1)})"
        head = [f"def {name}({seeded}):", f'    """{about}"""']
        return _joined(lines, [*_helpers(lines), *head, *indented, f"    return {returned}"])
    head = [f"{comment}{about}", f"function {name}({seeded}) {{"]
    returned = f"    return [{lines.output}, [{', '.join(gradients)}]];"
    return _joined(lines, [*_helpers(lines), *head, *indented, returned, "}"])


class _Gate(NamedTuple):
    """A gate as a class or a pair of functions: what forward keeps, what backward takes."""

    arguments: str
    forward: list[str]
    kept: str  # names with commas between them; empty where nothing is
    backward: list[str]
    gradients: str


def _gate(lines: CodeLines) -> _Gate:
    arguments = _arguments(lines)
    used = "\n".join(lines.backward)
    stages = [lines.names[lines.staged.nodes[node.id]] for node in lines.gates]
    stages += [line.name for own in lines.own.values() for line in own.forward]
    leaves = [leaf for parts in lines.parts.values() for leaf in flat(parts)]
    cache = [
        x
        for x in dict.fromkeys([*leaves, *stages])
        if re.search(rf"(?<![\w.]){re.escape(x)}\b", used)
    ]
    return _Gate(
        ", ".join(arguments), [*_unpacked(lines), *lines.forward],
        f"{', '.join(cache)}{',' * (len(cache) == 1)}",
        [*lines.backward, *_regrouped(lines)], ", ".join(map(gradient_name, arguments)),
    )  # fmt: skip


def _class(lines: CodeLines, name: str) -> str:
    """A gate class as the lecture has it: forward keeps what backward needs."""
    gate = _gate(lines)
    keep, recall = ([f"self.cache = {gate.kept}"], [f"{gate.kept} = self.cache"])
    forward = [*gate.forward, *keep * bool(gate.kept), f"return {lines.output}"]
    backward = [*recall * bool(gate.kept), *gate.backward, f"return {gate.gradients}"]
    body = [
        *_helpers(lines), f"class {name}:", f'    """{lines.circuit.expression}"""', "",
        f"    def forward(self, {gate.arguments}):", *_indented(forward, 2), "",
        f"    def backward(self, {lines.seed}):", *_indented(backward, 2),
    ]  # fmt: skip
    return _joined(lines, body)


def _indented(lines: list[str], depth: int = 1) -> list[str]:
    return [f"{'    ' * depth}{line}" if line else "" for line in lines]


def _autograd(lines: CodeLines, wrapping: Wrapping) -> str:
    """An autograd function of PyTorch."""
    gate, name = _gate(lines), wrapping.gate_class or wrapping.function or "Gate"
    keep = [f"ctx.save_for_backward({gate.kept.removesuffix(',')})"]
    recall = [f"{gate.kept} = ctx.saved_tensors"]
    forward = [*gate.forward, *keep * bool(gate.kept), f"return {lines.output}"]
    backward = [*recall * bool(gate.kept), *gate.backward, f"return {gate.gradients}"]
    body = [
        *_helpers(lines), f"class {name}(torch.autograd.Function):",
        f'    """{lines.circuit.expression}; call `{name}.apply({gate.arguments})`."""', "",
        "    @staticmethod", f"    def forward(ctx, {gate.arguments}):", *_indented(forward, 2), "",
        "    @staticmethod", f"    def backward(ctx, {lines.seed}):", *_indented(backward, 2),
    ]  # fmt: skip
    return _joined(lines, body)


def _custom_vjp(lines: CodeLines, wrapping: Wrapping) -> str:
    """A function of JAX with a pullback of its own."""
    gate, name = _gate(lines), wrapping.function or wrapping.gate_class or "gate"
    forward = [*gate.forward, f"return {lines.output}, ({gate.kept})"]
    recall = [f"{gate.kept} = kept"] * bool(gate.kept)
    comma = "," * (len(_arguments(lines)) == 1)
    backward = [*recall, *gate.backward, f"return ({gate.gradients}{comma})"]
    body = [
        *_helpers(lines), "@jax.custom_vjp", f"def {name}({gate.arguments}):",
        f'    """{lines.circuit.expression}, with a gradient of its own."""',
        f"    return {name}_forward({gate.arguments})[0]", "", "",
        f"def {name}_forward({gate.arguments}):", *_indented(forward), "", "",
        f"def {name}_backward(kept, {lines.seed}):", *_indented(backward), "", "",
        f"{name}.defvjp({name}_forward, {name}_backward)",
    ]  # fmt: skip
    return _joined(lines, body)


def _sizes(parts: Any) -> list[int]:
    """The shape of nested lists."""
    return [len(parts), *(_sizes(parts[0]) if parts else ())] if isinstance(parts, list) else []


def _unpacked_in_julia(lines: CodeLines) -> Iterator[str]:
    """Elements by their places, which count from 1: a matrix is no list of rows."""
    for name, parts in lines.parts.items():
        if isinstance(parts, list) and flat(parts):
            places = product(*(range(1, size + 1) for size in _sizes(parts)))
            whole = lines.roots[name]
            elements = [f"{whole}[{', '.join(map(str, place))}]" for place in places]
            yield f"{', '.join(flat(parts))} = {', '.join(elements)}"


def _regrouped_in_julia(lines: CodeLines) -> Iterator[str]:
    """Gradients of elements as an array, which Julia fills along its first axis."""
    for name, parts in lines.parts.items():
        if isinstance(parts, list):
            sizes = _sizes(parts)
            array = f"[{', '.join(map(gradient_name, flat(parts)))}]"
            if len(sizes) > 1:
                axes = ", ".join(map(str, range(len(sizes), 0, -1)))
                shape = ", ".join(map(str, reversed(sizes)))
                array = f"permutedims(reshape({array}, {shape}), ({axes}))"
            yield f"{gradient_name(lines.roots[name])} = {array}"


def _julia(lines: CodeLines, wrapping: Wrapping) -> str:
    """A function of Julia that returns the value and the gradients."""
    arguments, comment = _arguments(lines), lines.language.comment
    gradients = ", ".join(map(gradient_name, arguments)) + "," * (len(arguments) == 1)
    body = [*_unpacked_in_julia(lines), f"{comment}forward pass", *lines.forward, "",
            f"{comment}backward pass", *lines.backward, *_regrouped_in_julia(lines),
            f"return {lines.output}, ({gradients})"]  # fmt: skip
    head = f"function {wrapping.function or 'gradient'}({', '.join(arguments)}; {lines.seed} = 1.0)"
    told = f"{comment}{lines.circuit.expression}, and its gradients by {', '.join(arguments)}."
    return _joined(lines, [*_helpers(lines), told, head, *_indented(body), "end"])


def _c(lines: CodeLines, wrapping: Wrapping) -> str:
    """A function of numbers that returns the value and fills in the gradients."""
    leaves = [leaf for parts in lines.parts.values() for leaf in flat(parts)]
    name, comment = wrapping.function or "gradient", lines.language.comment
    told = f"{comment}{lines.circuit.expression}; gradients by {', '.join(leaves)}, in this order."
    arguments = ", ".join([*(f"double {x}" for x in leaves), f"double {lines.seed}",
                           f"double gradients[{len(leaves)}]"])  # fmt: skip
    stored = [f"gradients[{k}] = {gradient_name(leaf)};" for k, leaf in enumerate(leaves)]
    body = [*lines.forward, "", *lines.backward, *stored, f"return {lines.output};"]
    return "\n".join([
        "#include <math.h>", "", *_helpers(lines), told, f"double {name}({arguments}) {{",
        *(f"    {line}" if line else "" for line in body), "}", "",
    ])  # fmt: skip


# Languages whose code is always wrapped, by the name of the language.
OWN_LAYOUTS: dict[str, Callable[[CodeLines, Wrapping], str]] = {
    "C": _c, "PyTorch": _autograd, "JAX": _custom_vjp, "Julia": _julia,
}  # fmt: skip

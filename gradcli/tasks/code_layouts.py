"""Lines of code laid out: as a script, a function, a class with forward and backward."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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


def _grouped(parts: Any, form: Callable[[str], str] = str) -> str:
    """Names in nested lists as they are written."""
    if not isinstance(parts, list):
        return form(parts)
    return f"[{', '.join(_grouped(part, form) for part in parts)}]"


def _literal(number: Number, language: Language, is_array: bool) -> str:
    """An input as it is set."""
    if isinstance(number, list):
        text = f"[{', '.join(_literal(part, language, False) for part in number)}]"
        return f"np.array({text})" if is_array else text
    if isfinite(number):
        return repr(number)
    return language.nan if number != number else f"{'-' * (number < 0)}{language.infinity}"


def _imports(body: list[str]) -> list[str]:
    whole = "\n".join(body)
    names = [("math.", "import math"), ("np.", "import numpy as np")]
    return [text for sign, text in names if sign in whole]


def _regrouped(lines: CodeLines) -> Iterator[str]:
    """Gradients of elements put together as the gradient of their input."""
    for name, parts in lines.parts.items():
        if isinstance(parts, list):
            yield lines.language.let.format(f"d{name}", _grouped(parts, gradient_name))


def _unpacked(lines: CodeLines) -> Iterator[str]:
    """Inputs taken apart into their elements."""
    for name, parts in lines.parts.items():
        if isinstance(parts, list):
            text = _grouped(parts) if lines.language.name == "JavaScript" else _grouped(parts)[1:-1]
            yield lines.language.let.format(text, name)


def _inputs(lines: CodeLines) -> Iterator[str]:
    for name, number in lines.inputs.items():
        is_array = isinstance(lines.parts[name], str)
        if isinstance(number, list) and len(flat(number)) > MOST_LITERAL:
            raise UsageError(f"`{name}` has too many numbers to be written out",
                             hint="write --function NAME")  # fmt: skip
        own = lines.parts[name] if is_array else name
        yield lines.language.let.format(own, _literal(number, lines.language, is_array))


def _seed(lines: CodeLines) -> str:
    upstream = lines.circuit.upstream
    assert upstream is not None
    return _literal(upstream, lines.language, True)


def _helpers(lines: CodeLines) -> Iterator[str]:
    blank = ["", ""] if lines.language.name in ("Python", "NumPy") else [""]
    for text in lines.writer.helpers.values():
        yield from (text, *blank)


def laid_out(lines: CodeLines, wrapping: Wrapping) -> str:
    """The code in what it is to be wrapped in. Raises UsageError for arrays too large to write."""
    if lines.language.name == "C":
        return _c(lines, wrapping)
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
    head = _imports(body) if lines.language.name in ("Python", "NumPy") else []
    return "\n".join([*head, *([""] if head else []), *body]) + "\n"


def _arguments(lines: CodeLines) -> list[str]:
    return [p if isinstance(p, str) else name for name, p in lines.parts.items()]


def _function(lines: CodeLines, name: str) -> str:
    comment, language = lines.language.comment, lines.language
    is_python = language.name in ("Python", "NumPy")
    arguments = _arguments(lines)
    gradients = [gradient_name(a) for a in arguments]
    seeded = ", ".join(
        [
            *arguments,
            f"{lines.seed}={_seed(lines)}" if is_python else f"{lines.seed} = {_seed(lines)}",
        ]
    )
    about = f"{lines.circuit.expression}, and its gradients by {', '.join(arguments)}."
    body = [
        *_unpacked(lines), f"{comment}forward pass", *lines.forward, "",
        f"{comment}backward pass", *lines.backward, *_regrouped(lines),
    ]  # fmt: skip
    indented = [f"    {line}" if line else "" for line in body]
    if is_python:
        returned = f"{lines.output}, ({', '.join(gradients)}{',' * (len(gradients) == 1)})"
        head = [f"def {name}({seeded}):", f'    """{about}"""']
        return _joined(lines, [*_helpers(lines), *head, *indented, f"    return {returned}"])
    head = [f"{comment}{about}", f"function {name}({seeded}) {{"]
    returned = f"    return [{lines.output}, [{', '.join(gradients)}]];"
    return _joined(lines, [*_helpers(lines), *head, *indented, returned, "}"])


def _class(lines: CodeLines, name: str) -> str:
    """A gate class as the lecture has it: forward keeps what backward needs."""
    arguments = _arguments(lines)
    used = "\n".join(lines.backward)
    stages = [lines.names[lines.staged.nodes[node.id]] for node in lines.gates]
    leaves = [leaf for parts in lines.parts.values() for leaf in flat(parts)]
    cache = [x for x in [*leaves, *stages] if re.search(rf"(?<![\w.]){re.escape(x)}\b", used)]
    kept = f"{', '.join(cache)}{',' * (len(cache) == 1)}"
    gradients = [gradient_name(a) for a in arguments]
    forward = [*_unpacked(lines), *lines.forward, *([f"self.cache = {kept}"] if cache else []),
               f"return {lines.output}"]  # fmt: skip
    backward = [*([f"{kept} = self.cache"] if cache else []), *lines.backward, *_regrouped(lines),
                f"return {', '.join(gradients)}"]  # fmt: skip
    body = [
        *_helpers(lines), f"class {name}:", f'    """{lines.circuit.expression}"""', "",
        f"    def forward(self, {', '.join(arguments)}):", *(f"        {x}" for x in forward), "",
        f"    def backward(self, {lines.seed}):", *(f"        {x}" for x in backward),
    ]  # fmt: skip
    return _joined(lines, body)


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

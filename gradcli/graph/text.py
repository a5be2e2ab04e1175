"""Gates as text, as the language writes them: `x + y`, `x[0, 1:3]`, `sum(x, axis=0)`, `x.T`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.gates.row import Gate
from gradcli.syntax import spell
from gradcli.syntax.tree import POSTFIX, SIGNS, Phrase, number_phrase, number_text

REDUCTIONS_AS_WRITTEN = {"sum": "sum", "prod": "prod", "mean": "mean", "var": "var", "std": "std",
              "amax": "max", "amin": "min", "norm": "norm", "softmax": "softmax",
              "lse": "logsumexp", "log_softmax": "log_softmax", "cumsum": "cumsum",
              "cumprod": "cumprod", "sort": "sort"}  # fmt: skip

PLACED = ("take", "give")  # gates by places, which remember how they were written


def gate_phrase(gate: Gate, parts: list[Phrase]) -> Phrase:
    """A gate with its operands as text: infix where the language has a sign for it."""
    if gate.name == "scale":
        return spell("mul", parts)
    if gate.name == "copy":
        return parts[0]
    if gate.name == "neg" or gate.name in SIGNS:
        return spell(gate.name, parts)
    texts = [text for text, _ in parts]
    for default in reversed(gate.defaults):
        if texts[-1] == number_text(default):
            texts.pop()
        else:
            break
    return f"{gate.name}({', '.join(texts)})", POSTFIX


def constant_phrase(value: Any) -> Phrase:
    """A number; a static operand as the tuple it is; of an array that is constant its shape."""
    if isinstance(value, float):
        return number_phrase(value)
    if isinstance(value, tuple):
        return str(value), POSTFIX
    return f"array({', '.join(map(str, value.shape))})", POSTFIX


def structural_label(name: str, looks: Sequence[Any]) -> str:
    """The gate as it is drawn; `looks` are the operands' shapes, or the statics themselves."""
    if name == "index":
        return _at(looks[1])
    if name == "matmul":
        return "@"
    if name in PLACED and (written := _written(name, looks[-1])):
        return str(written[0] or written[1])
    return {"transpose": ".T", "list": "[ ]", **REDUCTIONS_AS_WRITTEN}.get(name, name)


def structural_phrase(name: str, parts: list[Phrase], looks: Sequence[Any]) -> Phrase:
    """The gate with its operands as text."""
    if name in ("matmul", "mix"):
        return spell("matmul", parts)
    texts = [text for text, _ in parts]
    inner = texts[0] if parts and parts[0][1] >= POSTFIX else f"({texts[0]})" if parts else ""
    if name == "index":
        return f"{inner}{_at(looks[1])}", POSTFIX
    if name == "list":
        return f"[{', '.join(texts)}]", POSTFIX
    if name in PLACED and (written := _written(name, looks[-1])):
        function, rest = written
        return f"{function}({texts[0]}{rest})" if function else f"{inner}{rest}", POSTFIX
    if name == "fill":
        return _filled(texts[0], looks[1]), POSTFIX
    if name == "transpose" and looks[1] == tuple(reversed(range(len(looks[0])))):
        return f"{inner}.T", POSTFIX
    if name == "concatenate":
        return f"concatenate([{', '.join(texts[1:])}], axis={looks[0][0]})", POSTFIX
    if name == "linspace":
        return f"linspace({texts[0]}, {texts[1]}, {looks[2][0]})", POSTFIX
    if name in ("randn", "eye"):
        return f"{name}({', '.join(map(str, looks[0]))})", POSTFIX
    if name in REDUCTIONS_AS_WRITTEN:
        return f"{REDUCTIONS_AS_WRITTEN[name]}({texts[0]}{_axis(looks[0], looks[1])})", POSTFIX
    return f"{name}({', '.join(texts)})", POSTFIX


def _written(name: str, at: tuple[Any]) -> tuple[str, str] | None:
    """How a gate by places is written; what scatters in one direction picks in the other."""
    written: tuple[str, str] | None = at[0].written
    if written is None or (written[0] == "scatter") == (name == "give"):
        return written
    return ("", f"[{written[1][2 : written[1].rindex(',')]}]") if name == "take" else None


def _filled(number: str, shape: Any) -> str:
    """An array of equal numbers, as it is written in the language."""
    if shape == (0,):
        return "[]"
    sizes = ", ".join(map(str, shape))
    if number in ("0", "1"):
        return f"{'ones' if number == '1' else 'zeros'}({sizes})"
    return f"{number}*ones({sizes})"


def place_text(place: Any) -> str:
    """One entry of an index: a place, or a slice."""
    if isinstance(place, tuple):
        return ":".join("" if end is None else str(end) for end in place)
    return str(place)


def _at(at: Sequence[Any]) -> str:
    return f"[{', '.join(map(place_text, at))}]"


def _axis(shape: tuple[int, ...], axis: tuple[tuple[int, ...], bool]) -> str:
    axes, is_kept = axis
    text = ""
    if len(axes) < len(shape):
        text = f", axis={axes[0] if len(axes) == 1 else axes}"
    return f"{text}, keepdims=True" if is_kept else text

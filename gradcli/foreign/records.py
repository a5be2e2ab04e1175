"""A function and its gradient run on recorded arrays, as a forward and a backward function."""

from __future__ import annotations

from collections.abc import Sequence
from traceback import walk_tb
from typing import Any

import numpy as np

from gradcli.foreign.dialects import OnTape
from gradcli.foreign.pairs import CACHED, FIRST, LAST, NONE, Pair
from gradcli.foreign.recording import NAME, Recorded, Tape, Unrecorded, text_of

UPSTREAM = "dout"


def recorded(pair: Pair, moved: Sequence[Any]) -> dict[str, Any]:
    """The program as text, and the line in the function's file that each of its lines comes from.

    It is 0 for a line of the program's own. Where something cannot be recorded `unknown` says what:
    also that the code is not the same at each call, as where it draws random numbers.
    """
    try:
        first, again = (_Record(pair, moved).program() for _ in range(2))
        if first["text"] != again["text"]:
            raise Unrecorded("it computes something else at each call")
        return again
    except Unrecorded as unknown:
        return {"unknown": f"{unknown}{_where(pair, unknown)}"}
    except Exception as error:  # the code is called with what nobody promised it would be
        return {"unknown": f"{type(error).__name__}: {error}"}


def _where(pair: Pair, error: BaseException) -> str:
    """Where in the code an error is, in words; empty where that is not known."""
    home = getattr(getattr(pair.function, "__code__", None), "co_filename", "")
    own = [line for frame, line in walk_tb(error.__traceback__)
           if frame.f_code.co_filename == home]  # fmt: skip
    return f" in line {own[-1]}" if own else ""


class _Record:
    """One run of a pair at some inputs."""

    def __init__(self, pair: Pair, moved: Sequence[Any]) -> None:
        code = getattr(pair.function, "__code__", None)
        self.tape = Tape(getattr(code, "co_filename", ""))
        self.pair = pair.rebound(OnTape(self.tape))
        self.names = pair.real_names
        arrays = [np.array(x, dtype=float) for x in moved]
        self.inputs = [Recorded(self.tape, n, x) for n, x in zip(self.names, arrays, strict=True)]

    def program(self) -> dict[str, Any]:
        """The two functions. Raises Unrecorded."""
        value, rest = self.pair.parted(self.inputs)
        if not isinstance(value, Recorded):
            raise Unrecorded("the value does not depend on the inputs")
        end = len(self.tape.statements)
        claimed = self._claimed(value, rest)
        results = self._by_input(claimed)
        forward = ", ".join(self.names)
        seen = {*NAME.findall(" ".join([*self.tape.statements[end:], *results]))}
        made = {s.split(" ")[0] for s in self.tape.statements[:end]}
        cache = ", ".join([*self.names, *sorted(seen & made)])
        lines = [
            ("import math", 0), ("import numpy as np", 0), (f"def recorded_forward({forward}):", 0),
            *self._body(0, end), (f"    return {value.name}, ({cache},)", 0),
            (f"def recorded_backward({UPSTREAM}, cache):", 0), (f"    ({cache},) = cache", 0),
            *self._body(end, None), (f"    return {', '.join(results)}", 0),
        ]  # fmt: skip
        return {
            "text": "\n".join(text for text, _ in lines) + "\n",
            "lines": [line for _, line in lines], "is_number": not value.shape,
            "variables": self.tape.variables,
        }  # fmt: skip

    def _body(self, start: int, end: int | None) -> list[tuple[str, int]]:
        texts = [f"    {statement}" for statement in self.tape.statements[start:end]]
        return [*zip(texts, self.tape.lines[start:end], strict=True)]

    def _claimed(self, value: Recorded, rest: Any) -> Any:
        """What the gradient gives. Raises Unrecorded."""
        pair, whole = self.pair, self.pair.whole(self.inputs)
        upstream = Recorded(self.tape, UPSTREAM, np.ones(value.shape))
        if pair.gradient is None:
            if callable(rest):
                return rest(upstream)
            if value.shape:
                raise Unrecorded("gradients of an array without its upstream gradient")
            return rest
        if pair.upstream == FIRST:
            return pair.gradient(upstream, *whole)
        if pair.upstream == LAST:
            return pair.gradient(*whole, upstream)
        if pair.upstream == CACHED:
            return pair.gradient(upstream, rest)
        assert pair.upstream == NONE
        claimed = pair.gradient(*whole)
        if value.shape:
            raise Unrecorded("Jacobians, or slopes without an upstream gradient")
        return claimed

    def _by_input(self, claimed: Any) -> list[str]:
        """The results by the real inputs, as texts. Raises Unrecorded."""
        is_one = len(self.pair.names) == 1 and isinstance(claimed, list) and len(claimed) != 1
        is_several = isinstance(claimed, (tuple, list)) and not is_one
        parts = [*claimed] if is_several else [claimed]
        if isinstance(claimed, dict) or len(parts) not in (len(self.names), len(self.pair.names)):
            raise Unrecorded("gradients that are not one for each input, in their order")
        if len(parts) > len(self.names):
            parts = [parts[k] for k in self.pair.places]
        return [self._result(part) for part in parts]

    def _result(self, part: Any) -> str:
        """A result as a text; a list of numbers becomes an array, in the line that lists them."""
        if not isinstance(part, (list, tuple)):
            return text_of(part)
        text = f"np.array({text_of(part)})"
        made = [int(x.name[1:]) for x in part if isinstance(x, Recorded) and NAME.match(x.name)]
        lines = {self.tape.lines[number - 1] for number in made}
        if len(lines) != 1:
            return text
        self.tape.lines += lines
        self.tape.statements.append(f"t{len(self.tape.lines)} = {text}")
        return f"t{len(self.tape.lines)}"

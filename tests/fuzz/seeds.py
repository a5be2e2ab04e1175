"""What the project has of programs, Python files and command lines, and how they are mutated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from tests.fuzz.case import Input, input_of

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ("sample_exprs", "tests/wrong", "tests/golden")
GATES_A_FILE = 5
MOST = 6_000  # letters of a seed: longer ones take the time of many
TOKEN = re.compile(r"\d+\.?\d*(?:e[+-]?\d+)?|\w+|\*\*|[-+*/@=<>!]=?|[^\w\s]|[ \t]+")
NUMBERS = (
    "0", "1", "-1", "2", "3.5", "1e308", "5e-324", "inf", "nan", "1e400", "10**9", "1e-3", "0.0", "7",
)  # fmt: skip
OF_PROGRAMS = (
    "+", "-", "*", "/", "**", "@", "<", "==", "+=", "=", "(", ")", "[", "]", ",", ";", ".T", "sum(",
    "exp(", "x", "dx", "f", "axis=0", " if ", " else ", "#", "²", "[0]", ".shape", "@a.npy", "1/0",
)  # fmt: skip
OF_PYTHON = (
    "for _ in range(10**9):", "while True:", "import os", "lambda x: x", "yield x", "async def", "None",
    "class A(A):", "def f(): return f()", "[[]]*9", "*args", "**kw", "global x", "del x", "try:", "1j",
    "with open('/etc/passwd') as f:", "@property", "x[..., None]", "np.einsum('ij,jk->ik', x, x)", "''",
    "f'{x}'", "b''", "0x_1", "match x:", "print(x)", "exit()", "__import__('os').system('x')", "x[::-1]",
    "x.T", "self", "return", "return x", "raise ValueError", "assert x", "pass", "break", "continue", "{}",
    "np.zeros((2, 3))", "np.random.randn(10**6)", "x.copy()", "not x", "x is None", "len(x)", "[i for i in x]",
    "9**9**9", "'a' * 10**9", "range(10**12)", "np.ones(10**10)", "(" * 50, "if x:", "x += x", "-x", "~x",
    "nonlocal x", "x: int = 3", "(y := 3)", "x @ x", "dict(x=1)", "zip(x, x)", "enumerate(x)", "super()",
)  # fmt: skip


@cache
def programs() -> tuple[str, ...]:
    """Every program of the project that is short, also those that are wrong on purpose."""
    return _texts(PROGRAMS, ".grad")


@cache
def scripts() -> tuple[str, ...]:
    """Python files with forward and backward passes."""
    return _texts(("tests/python_files", "sample_exprs"), ".py")


@cache
def gate_files() -> tuple[str, ...]:
    """Python files with a few gates of one's own each."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "tests" / "gates").glob("*.py"))]
    return tuple(piece for text in texts for piece in _pieces(text) if len(piece) <= MOST)


def _pieces(text: str) -> Iterator[str]:
    """A file as several, each with what stands at its head."""
    head, *parts = text.split("\n\n\n")
    for k in range(0, len(parts), GATES_A_FILE):
        yield "\n\n\n".join([head, *parts[k : k + GATES_A_FILE]]) + "\n"


@cache
def lines() -> tuple[Input, ...]:
    """The hostile command lines that are data already."""
    held = (ROOT / "tests" / "hostile" / "cases.jsonl").read_text("utf-8")
    cases = [json.loads(line) for line in held.splitlines()]
    return tuple(
        input_of(case) for case in cases
        if case["class"] not in ("cost", "size") and len(json.dumps(case)) < MOST
    )  # fmt: skip


def _texts(folders: tuple[str, ...], suffix: str) -> tuple[str, ...]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob(f"*{suffix}"))]
    texts = [path.read_bytes().decode("utf-8", "replace") for path in paths]
    return tuple(text for text in texts if len(text) < MOST)


def mutated_program(rng: Random, text: str, words: tuple[str, ...] = OF_PROGRAMS) -> str:
    """A text of many lines with some of them, or of their words, changed."""
    held = text.splitlines()
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not held:
            return rng.choice(words)
        at = rng.randrange(len(held))
        kind = rng.random()
        if kind < 0.6:
            held[at] = _line(rng, held[at], words)
        elif kind < 0.7:
            del held[at]
        elif kind < 0.78:
            held.insert(at, held[rng.randrange(len(held))])
        elif kind < 0.84:
            other = rng.randrange(len(held))
            held[at], held[other] = held[other], held[at]
        elif kind < 0.9:
            held.insert(at, " " * rng.choice((0, 0, 4, 8, 1)) + rng.choice(words))
        elif kind < 0.94:
            held[at] = held[at].strip() if rng.random() < 0.5 else "    " + held[at]
        elif kind < 0.97:
            del held[at:]
        else:
            held[at:at] = held[at : at + rng.randint(1, 6)] * rng.randint(1, 20)
    return rng.choice(("\n", "\n", "\n", "\r\n")).join(held)


def _line(rng: Random, line: str, words: tuple[str, ...]) -> str:
    """A line in which one word is another, is gone, or stands twice."""
    tokens = TOKEN.findall(line)
    if not tokens:
        return rng.choice(words)
    at = rng.randrange(len(tokens))
    kind = rng.random()
    if kind < 0.3 and tokens[at][0].isdigit():
        tokens[at] = rng.choice(NUMBERS)
    elif kind < 0.5:
        tokens[at] = rng.choice(tokens)
    elif kind < 0.65:
        del tokens[at]
    elif kind < 0.75:
        tokens.insert(at, tokens[at])
    else:
        tokens[at : at + rng.choice((0, 1))] = [rng.choice((*words, *NUMBERS))]
    return "".join(tokens)

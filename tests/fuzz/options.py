"""Random options of every command, read from the commands themselves."""

from __future__ import annotations

from functools import cache
from random import Random

import click

from gradcli.cli.main import COMMANDS, gradcli

ENDLESS = ("watch", "selfcheck")  # the one never ends by itself, the other takes long
FOREIGN = ("gates", "call", "torch", "jax", "external")  # run code: only what is written here
NUMBERS = (
    "0", "1", "2", "3", "7", "10", "100", "1000", "-1", "1e3", "0.5", "1e-6", "inf", "nan", "1e400",
    "99999999999999999999", "x", "", " 1", "1_0", "٣", "0x10", "1e-400", "-0", "+2",
)  # fmt: skip
TEXTS = {  # by the name of the parameter
    "path": ("a.grad", "b.grad", "a.py", "-", "missing.grad", ".", "a.csv", "/dev/null", "a.py:f"),
    "wrt": ("x", "y", "x,y", "x,x", "q", "", ",", "x[0]", "s0", "x, y"),
    "upstream": ("1", "2", "0", "ones", "-1e300", "inf", "nan", "[1,2]", "x", "@a.npy", "1/0", ""),
    "output": ("s0", "f", "x", "q", "#1", "#out", "", "dx"),
    "claims": ("x=1", "x=inf", "x,y=2", "x[0]=1", "q=1", "x=[1,2]", "=", "x=", "x=1e400", "x=@a.npy"),
    "grads": ("dx=x", "dx", "x=dx", "=", "dW=W"),
    "expression": ("x*y", "f = x*y", "2x", "", "a.grad", "-x"),
    "excluded": ("*.py", "*", "a", "[", "**", ""),
    "baseline": ("known.json", "missing.json", "a.grad", "."),
    "key": ("a.key", "missing.key", "a.grad", ""),
    "sheets": ("sheets", "a.grad", ""),
    "target": ("r.txt", "r.json", "r.csv", "r.svg", "r.html", "r.md", "r.tex", "r.xml", "r.sarif",
               "r.npz", "r.jsonl", "r.npy", "r.png", "r.tsv", "r.dot", "a.grad", ".", "", "-", "no/r",
               "r", "r.grad", "/dev/null", "r.parquet"),
    "junit": ("s.xml", "r.xml", "a.grad"), "sarif": ("r.sarif", "a.grad"), "gitlab": ("g.json", "."),
    "points": ("a.csv", "a.npy", "a.npz", "a.jsonl", "-", "missing.csv", "a.grad"),
    "names": ("x", "x,y", "x,x", "", "x,y,z,w"),
    "shard": ("1/2", "2/2", "3/2", "0/0", "1/1000000000000", "1", "-1/2", "x/y", ""),
    "mistakes": ("1", "2", "sign", "transposed,sign", "99", "0", "-1", "nosuch", "", "sign,sign"),
    "mistake": ("sign", "overwritten", "nosuch", "", "missing-path"),
    "function": ("f", "1f", "class", "", "f;g", "x"), "gate_class": ("G", "", "1"),
    "gate": ("Square", "Cube", "nosuch", ""),
    "gates": ("gates.py", "missing.py", "a.grad"),
    "call": ("gates:f", "math:sin", "gates.py:Square", "nosuch:f", ""),
    "torch": ("gates.py:Square",), "jax": ("gates.py:Square",), "external": ("true", "false", "cat"),
    "more": ("-v", "", '"'),
}  # fmt: skip
RARELY = 0.02
WRONG = 0.1


@cache
def options_of(command: str) -> tuple[click.Option, ...]:
    """The options of a command; of those that run code only such whose words are given here."""
    known = gradcli.get_command(click.Context(gradcli), command)
    params = known.params if known is not None else []
    return tuple(param for param in params if isinstance(param, click.Option))


def random_command(rng: Random) -> str:
    """A command that ends."""
    return rng.choice([name for name in COMMANDS if name not in ENDLESS])


def random_options(rng: Random, command: str, count: int) -> list[str]:
    """So many options with values, mostly of the right kind."""
    words: list[str] = []
    for option in rng.sample(options_of(command), min(count, len(options_of(command)))):
        if option.name in (*FOREIGN, "jobs") and rng.random() > RARELY:
            continue
        if option.name == "debug":
            continue
        words.append(max(option.opts, key=len) if rng.random() < 0.8 else rng.choice(option.opts))
        if not (option.is_flag or option.count):
            words.append(_value(rng, option))
    return words


def _value(rng: Random, option: click.Option) -> str:
    if option.name in FOREIGN:
        return rng.choice(TEXTS[option.name])
    if option.name == "jobs":
        return rng.choice(("1", "2"))
    if rng.random() < WRONG:
        return rng.choice((*NUMBERS, *TEXTS["wrt"]))
    if isinstance(option.type, click.Choice):
        return str(rng.choice([*option.type.choices]))
    return rng.choice(TEXTS.get(option.name or "", NUMBERS))

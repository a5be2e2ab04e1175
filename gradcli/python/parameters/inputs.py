"""Values of parameters: from the command line, `# gradcli:` comments, the file's own tests.

A value is written in the language of the file itself, and read as the file is: numbers, lists,
dictionaries, `randn(4, 5)`. A bare word that names nothing is a text.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np

from gradcli.errors import BindingError, GradcliError
from gradcli.program.array_files import open_array
from gradcli.python.rows.calls import CONSTANTS, ROWS
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array, Given, Library, Scope
from gradcli.requests import Setting, finite_number, whole_number

if TYPE_CHECKING:
    from gradcli.python.state.source import Script

DIRECTIVE = re.compile(r"#\s*gradcli:\s*(.*)")
SETTING = re.compile(r"([A-Za-z_]\w*)\s*=\s*(?!=)(.*)", re.DOTALL)
SHORT = {"randn": "random.randn", "rand": "random.rand", "randint": "random.randint",
         "uniform": "random.uniform", "normal": "random.normal"}  # fmt: skip


class Directives(NamedTuple):
    """What `# gradcli:` comments say: of values, of which result is whose gradient."""

    values: dict[str, str]
    grads: dict[str, str]  # result -> of what
    seed: int | None
    skip: str | None = None  # the reason not to check
    tolerance: float | None = None
    unknown: tuple[str, ...] = ()  # what is no directive of a Python file


def directives(script: Script, lines: list[int]) -> Directives:
    """The comments above the definitions at some lines, and those that stand above none."""
    values: dict[str, str] = {}
    grads: dict[str, str] = {}
    seed, skip, tolerance = None, None, None
    unknown: list[str] = []
    above = [text for line in sorted(lines) for text in _above(script, line)]
    for text in [*_loose(script), *above]:
        word, _, rest = text.partition(" ")
        if word == "grads" and "=" in rest:
            for pair in rest.split(","):
                result, _, of = pair.partition("=")
                grads[result.strip()] = of.strip()
        elif word == "seed" and (number := whole_number(rest.strip())) is not None:
            seed = number
        elif word == "skip":
            skip = rest.strip()
        elif word == "tolerance" and (bound := finite_number(rest)) is not None:
            tolerance = bound
        else:
            said = [SETTING.fullmatch(part.strip()) for part in _statements(text)]
            values |= {match[1]: match[2].strip() for match in said if match}
            unknown += [text] * (not any(said))
    return Directives(values, grads, seed, skip, tolerance, tuple(unknown))


def _statements(text: str) -> list[str]:
    """The settings of one comment, separated by semicolons outside brackets and texts."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text.split(";")
    return [ast.get_source_segment(text, node) or "" for node in tree.body]


def _above(script: Script, line: int) -> list[str]:
    """The directives in the comments right above a line, decorators between them."""
    texts = []
    for number in range(line - 1, 0, -1):
        row = script.line(number).strip()
        if match := DIRECTIVE.fullmatch(row):
            texts.append(match[1])
        elif (row and row[0] not in "#@") or (not row and not texts):
            break
    return texts[::-1]


def _loose(script: Script) -> list[str]:
    """The directives that belong to no definition: they hold for the whole file."""
    texts, block = [], []
    for number in range(1, len(script.line_starts) + 1):
        row = script.line(number)
        if match := DIRECTIVE.fullmatch(row.strip()):
            block.append(match[1])
        elif row.strip().startswith(("def ", "class ")):
            block = []
        elif row.strip() and row.strip()[0] not in "#@":
            texts += block
            block = []
    return [*texts, *block]


def value_of(reader: Reader, name: str, setting: Setting) -> Any:
    """The value that a setting gives a parameter. Raises BindingError."""
    if not isinstance(setting, str):
        return known_value(setting)
    if setting.startswith("@"):
        array = open_array(name, setting[1:], reader.tape.graph.most_elements)
        return Array(np.asarray(array))
    try:
        tree = ast.parse(setting.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BindingError(f"`{name}={setting}` cannot be read",
                           hint="write a number, a list, a dictionary, randn(4, 5), "
                           "@FILE.npy") from None  # fmt: skip
    if isinstance(tree.body, ast.Name) and tree.body.id not in (*CONSTANTS, "True", "False"):
        return setting.strip()
    kept, reader.random = (
        reader.random,
        np.random.RandomState((crc32(name.encode()) + reader.seed) % 2**32),
    )
    try:
        return known_value(reader.evaluate(tree.body, _language(reader)))
    except GradcliError as error:
        raise BindingError(f"`{name}={setting}`: {error.message}", hint=error.hint) from None
    finally:
        reader.random = kept


def _language(reader: Reader) -> Scope:
    """The names that values are written with."""
    scope = Scope()
    for row in ROWS:
        if "." not in row:
            scope[row] = Library(row)
    for name, row in SHORT.items():
        scope[name] = Library(row)
    scope.update(CONSTANTS)
    scope.update(np=Library(""), numpy=Library(""), math=Library("math", "math"))
    for name in ("range", "len", "dict", "list", "tuple"):
        scope[name] = Library(name, "python")
    return scope


def known_value(value: Any) -> Any:
    """A value as the file has it: lists of numbers are arrays, those of whole ones may be."""
    if isinstance(value, (np.ndarray, np.generic)):
        return Array(np.asarray(value)) if value.shape else value.item()
    if isinstance(value, list) and value:
        try:
            array = np.array(value)
        except (ValueError, TypeError):
            return [known_value(part) for part in value]
        if array.dtype.kind in "iub":
            return Given(value)
        if array.dtype.kind == "f":
            return Array(array)
        return [known_value(part) for part in value]
    if isinstance(value, tuple):
        return tuple(known_value(part) for part in value)
    if isinstance(value, dict):
        return {key: known_value(part) for key, part in value.items()}
    return value


def is_like_labels(value: Any) -> bool:
    """Whether a value is made of whole numbers."""
    return isinstance(value, (int, Given)) or (
        isinstance(value, Array) and value.content.__class__ is not int
        and value.content.dtype.kind in "iub"
    )  # fmt: skip

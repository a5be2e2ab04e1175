"""What a parameter that nobody gives may be, from how the code uses it and what it is called.

guess = a rank                 floats in so many axes, each of a size of its own
| "labels"               whole numbers along one axis
| "number" | "count" | "text"
| a dictionary of guesses, by the keys that the code reads
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

Guess = Any

NUMBER = re.compile(
    r"^(lr|reg\w*|lam\w*|lambd\w*|l2|l1|alpha|eps|epsilon|beta[12]|momentum|margin|sigma|sig|temp\w*|"
    r"tau|keep_?prob|drop\w*|rate|decay|slope|scale|c|C|k|p|dt|learning_?rate|m|v0|nu|theta0)$"
)
COUNT = re.compile(
    r"^(stride|pad\w*|size|steps?|num_\w+|n_\w+|\w+_size|\w+_dim|dim\w*|n|N|K|T|H|D|M|G|axis|"
    r"input_\w+|hidden\w*|output_\w+|num\w*|filter_\w+|kernel_size|in_\w+|out_\w+|n[A-Z]\w*|\w+_units|"
    r"heads|h_dim|seed|d_\w+|\w+_len|vocab\w*|embed\w*|units|features|nx|ny|nh)$"
)
LABELS = re.compile(
    r"^(y|t|labels?|targets?|ids|idx|indices|word\w*|\w*_idx|\w*Idx|classes|tokens)$"
)
TARGETS = re.compile(
    r"^(?!y_?(hat|pred|prob))(y|Y|t|T|labels?|targets?|y_true|ytrue|one_?hot|Y_\w*|y_\w*|truth|gt)$"
)
SHARES = re.compile(r"^(y_?hat\w*|y_?pred\w*|p|probs?|prob\w*|pred\w*|AL|A\d?|output|out|q|sigma|"
                    r"yhat|a|p_hat|phat)$")  # fmt: skip
VECTOR = re.compile(r"^(b\w*|gamma|beta|theta|bias\w*|w0|w|g|shift|h_?0?|mu|params?|x0)$")
SIZES_OF_LAYERS = re.compile(
    r"^(layer_?s?(_?dims?|_?sizes?)?|sizes|dims|layers|layer_dimensions|hidden_dims|hidden_sizes|"
    r"hidden_layers|architecture|arch|\w+_list|\w+_dims|\w+_sizes|widths|topology|shape|n_neurons)$"
)
SHAPE = re.compile(r"^(?:\w+_)?(?:dims?|shapes?|sizes?|resolution)(?:_\w+)?$", re.IGNORECASE)
MAKES_ARRAYS = ("randn", "rand", "zeros", "ones", "empty", "range", "eye", "normal", "uniform",
                "standard_normal", "random", "full", "identity")  # fmt: skip
OPTIONS = re.compile(r"\w*_params?|hparam\w*|config|options|cfg")
IMAGES = re.compile(r"^(x|X|w|W|inputs?|A_prev|img\w*|images?|data|filters?|kernels?|A)$")
IMAGE_RANK = 4
LABELS_OF_RANK = {1: "labels", 2: "labels2"}
INDEX = re.compile(r"^(\w+(2|_to_)(idx|ix|char|id|word|index)|vocab(ulary)?)$")
# What settings in dictionaries usually are.
SETTINGS: dict[str, Any] = {
    "stride": 1, "pad": 1, "pool_height": 2, "pool_width": 2, "mode": "train", "p": 0.6,
    "eps": 1e-5, "momentum": 0.9, "f": 2, "seed": 0, "keep_prob": 0.6, "lr": 0.01,
    "padding": 1, "axis": 1,
}  # fmt: skip
TEXTS: dict[str, list[str]] = {
    "mode": ["train", "max", "average"], "activation": ["relu", "sigmoid", "tanh"],
    "act": ["relu", "sigmoid", "tanh"], "nonlinearity": ["relu", "tanh"], "optimizer": ["sgd"],
    "reduction": ["mean"], "loss": ["mse"], "padding": ["same", "valid"],
}  # fmt: skip
COUNTS = {
    "stride": 1, "pad": 1, "pool_h": 2, "pool_w": 2, "kernel_width": 3, "filter_h": 3,
    "filter_w": 3, "kernel_height": 3, "pool_width": 2, "pool_height": 2, "n_class": 3,
    "kernel_size": 3, "filter_size": 3, "pool_size": 2, "axis": 1, "seed": 0, "num_heads": 2,
    "G": 3, "groups": 3, "num_groups": 3, "n_groups": 3,
    "n_heads": 2, "heads": 2, "padding": 1, "timesteps": 3,
}  # fmt: skip


class Parts(NamedTuple):
    """Something that is unpacked: a list of its parts."""

    parts: dict[str, Guess]


class Sizes(NamedTuple):
    """A list of so many whole numbers."""

    length: int


class Usage:
    """How some functions use their parameters."""

    def __init__(self, functions: Iterable[ast.AST]) -> None:
        self.functions = [*functions]
        self.ranks: dict[str, int] = {}  # from unpacked shapes and docstrings
        self.numbers: set[str] = set()  # by their docstrings
        self.ones: dict[str, tuple[int, ...]] = {}  # axes of size 1, by their docstrings
        self.least: dict[str, int] = {}  # from places in shapes, and indices
        self.keys: dict[str, list[str]] = {}  # of dictionaries
        self.counts: set[str] = set()  # sizes of arrays that are made, ends of loops
        self.lists: set[str] = set()  # what has a length, or is gone through
        self.is_of_images = False  # by the names of the functions
        self.has_labels = True  # whether targets may be whole numbers
        self.indices: set[str] = set()  # names that stand in square brackets
        self.parts: dict[str, list[str]] = {}  # the names that something is unpacked into
        self.made: dict[str, Any] = {}  # calls that make a parameter
        self.texts: dict[str, str] = {}  # that a parameter is compared with
        self.aliases = dict(
            pair for function in self.functions for node in ast.walk(function)
            if (pair := _kept_shape(node)) is not None
        )  # fmt: skip
        for function in self.functions:
            self.numbers |= _numbers(function)
            for name, parts in _documented(function).items():
                self.ranks.setdefault(name, len(parts))
                self.ones.setdefault(name, tuple(k for k, p in enumerate(parts) if p == "1"))
            for node in ast.walk(function):
                self._look(node)
                if isinstance(node, ast.FunctionDef):
                    self._look_for_sizes(node)

    def _look(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            names = [
                part.id if isinstance(part, ast.Name) else part.attr
                for part in node.targets[0].elts
                if isinstance(part, (ast.Name, ast.Attribute))
            ]
            if isinstance(node.value, ast.Name) and len(names) == len(node.targets[0].elts):
                self.parts.setdefault(node.value.id, names)
            name = _shaped(node.value) or self.aliases.get(ast.unparse(node.value))
            if name:
                self.ranks[name] = len(node.targets[0].elts)
        elif isinstance(node, ast.Subscript):
            name = _shaped(node.value)
            place = node.slice
            if name and isinstance(place, ast.Constant) and isinstance(place.value, int):
                least = place.value + 1 if place.value >= 0 else -place.value
                self.least[name] = max(self.least.get(name, 0), least)
            elif isinstance(node.value, (ast.Name, ast.Attribute)):
                parts = place.elts if isinstance(place, ast.Tuple) else [place]
                self.indices |= {part.id for part in parts if isinstance(part, ast.Name)}
            if isinstance(node.value, ast.Name):
                self._indexed(node.value.id, place)
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
            other = node.comparators[0]
            if isinstance(other, ast.Constant) and isinstance(other.value, str):
                self.texts.setdefault(node.left.id, other.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            is_get = node.func.attr == "get" and len(node.args) == 1
            if is_get and isinstance(owner, ast.Name) and isinstance(node.args[0], ast.Constant):
                self._key(owner.id, str(node.args[0].value))

    def _look_for_sizes(self, function: ast.FunctionDef) -> None:
        """Note the parameters of a function that it takes for sizes, and for lists."""
        args = function.args
        own = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
        for node in ast.walk(function):
            if isinstance(node, ast.comprehension):
                own -= {part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)}
        counts, lists = self.counts, self.lists
        self.counts, self.lists = set(), set()
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                self._sizes_in(node)
                is_length = ast.unparse(node.func) == "len" and node.args
                if is_length and isinstance(node.args[0], ast.Name):
                    self.lists.add(node.args[0].id)
            if isinstance(node, ast.For) and isinstance(node.iter, ast.Name):
                self.lists.add(node.iter.id)
        self.counts, self.lists = counts | (self.counts & own), lists | (self.lists & own)

    def _sizes_in(self, node: ast.Call) -> None:
        """Note names that a call takes for sizes: `np.zeros((n, m))`, `range(n)`."""
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in MAKES_ARRAYS:
            parts = [*node.args, *(k.value for k in node.keywords if k.arg in ("size", "shape"))]
            for part in parts:
                names = part.elts if isinstance(part, ast.Tuple) else [part]
                self.counts |= {
                    n.id for name in names for n in ast.walk(name)
                    if isinstance(n, ast.Name) and not _is_inside_shape(name)
                }  # fmt: skip

    def _indexed(self, name: str, place: ast.expr) -> None:
        if isinstance(place, ast.Constant) and isinstance(place.value, str):
            self._key(name, place.value)
        elif isinstance(place, ast.Tuple):
            axes = [p for p in place.elts if not (isinstance(p, ast.Constant) and p.value is None)]
            if all(not isinstance(p, ast.Starred) for p in axes):
                count = sum(not _is_newaxis(p) for p in axes)
                if not any(isinstance(p, ast.Constant) and p.value is Ellipsis for p in axes):
                    self.least[name] = max(self.least.get(name, 0), count)

    def _key(self, name: str, key: str) -> None:
        keys = self.keys.setdefault(name, [])
        if key not in keys:
            keys.append(key)

    def guesses(self, name: str) -> list[Guess]:
        """What a parameter may be, the likeliest first."""
        found = self._guesses(name)
        if self.has_labels:
            return found
        return [g for g in found if g not in LABELS_OF_RANK.values()] or found

    def _guesses(self, name: str) -> list[Guess]:
        if name in self.made:
            return [self.made[name]]
        if name in self.parts and name not in self.ranks and SHAPE.match(name):
            return [Sizes(len(self.parts[name])), "count"]
        if name in self.parts and name not in self.ranks:
            parts = {str(k): self._guesses(part)[0] for k, part in enumerate(self.parts[name])}
            if name not in self.parts[name]:
                return [Parts(parts), len(parts)]
        if name in self.numbers:
            return ["number", 1]
        if INDEX.match(name) and name not in self.counts:
            words = [*self.keys.get(name, []), *"abcde"]
            return [("value", {word: k for k, word in enumerate(words)})]
        if OPTIONS.fullmatch(name) and name not in self.keys:
            return [("value", dict(SETTINGS))]
        if name in self.keys and not (name in self.ranks or name in self.least):
            return [{key: self._entry(key, rank) for key in self.keys[name]} for rank in (1, 2)]
        if name in self.texts:
            return ["text"]
        if "shape" in name and name not in self.ranks:
            return [Sizes(2), Sizes(1), Sizes(3), "count"]
        if SIZES_OF_LAYERS.match(name) and name not in self.ranks:
            return ["sizes", "count"]
        if name in self.ranks:
            rank = self.ranks[name]
            if name in self.indices and rank in LABELS_OF_RANK:
                return [LABELS_OF_RANK[rank], rank]
            if LABELS.match(name) and rank in LABELS_OF_RANK:
                return [LABELS_OF_RANK[rank], rank]
            if self.is_of_images and rank < IMAGE_RANK and IMAGES.match(name):
                return [IMAGE_RANK, rank]
            return [rank, *(r for r in (rank + 1, 1, 2) if r != rank)]
        if self.is_of_images and IMAGES.match(name):
            return [IMAGE_RANK, 2]
        if name in self.least:
            is_vector = bool(VECTOR.match(name)) and self.least[name] == 1
            rank = 1 if is_vector else max(2, self.least[name])
            is_labels = bool(LABELS.match(name)) and self.least[name] == 1
            start: list[Guess] = ["labels"] if is_labels else []
            return [
                *start,
                rank,
                *(r for r in (1, rank + 1) if r >= self.least[name] and r != rank),
            ]
        if name in TEXTS:
            return ["text", 2]
        if name in self.lists and name in self.counts:
            return ["sizes", "count"]
        if name in self.counts:
            return ["count", "sizes", 2]
        if LABELS.match(name):
            return ["labels", 2, 1, "number", 3]
        if COUNT.match(name):
            return ["count", 2, "number", 1]
        if NUMBER.match(name):
            return ["number", 1, 2]
        if name in ("model", "params", "parameters", "net"):
            return [{"W": 2}, 1, 2]
        if VECTOR.match(name):
            return [1, 2, "number"]
        return [2, 1, 3, 4, "number"] if len(name) > 1 or name.isupper() else [2, 1, "number", 3, 4]

    def _entry(self, key: str, rank: int) -> Guess:
        """What an entry of a dictionary is: a usual setting, or an array by its name."""
        if key in SETTINGS:
            return ("value", SETTINGS[key])
        return rank if VECTOR.match(key) and key[0] not in "w" else 2


def _is_inside_shape(node: ast.AST) -> bool:
    """Whether an expression takes apart an array, so that its names are not sizes."""
    return any(isinstance(n, (ast.Attribute, ast.Call, ast.Subscript)) for n in ast.walk(node))


def _is_newaxis(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "newaxis"


def _kept_shape(node: ast.AST) -> tuple[str, str] | None:
    """`self.shape = x.shape` as the pair of `self.shape` and `x`."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        name = _shaped(node.value)
        if name:
            return ast.unparse(node.targets[0]), name
    return None


def _shaped(node: ast.AST) -> str | None:
    """The name whose `.shape` an expression is."""
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        owner = node.value
        if isinstance(owner, ast.Name):
            return owner.id
        if isinstance(owner, ast.Attribute):
            return owner.attr
        if isinstance(owner, ast.Subscript) and isinstance(owner.slice, ast.Constant):
            return str(owner.slice.value)
    return None


SCALAR = re.compile(
    r"^[\s*:-]*(?:param\s+)?([A-Za-z_]\w*)\s*(?:--|:)[^\n]*\b(?:scalar|float|real number)\b",
    re.MULTILINE,
)


def _numbers(function: ast.AST) -> set[str]:
    """The parameters that a docstring calls numbers: `b -- bias, a scalar`."""
    if not isinstance(function, (ast.FunctionDef, ast.ClassDef)):
        return set()
    return set(SCALAR.findall(ast.get_docstring(function) or ""))


def _documented(function: ast.AST) -> dict[str, list[str]]:
    """The shapes that a docstring says: `x: an array of shape (N, D)`."""
    if not isinstance(function, (ast.FunctionDef, ast.ClassDef)):
        return {}
    text = ast.get_docstring(function) or ""
    shapes: dict[str, list[str]] = {}
    form = re.compile(
        r"^[\s*:-]*(?:param\s+)?([A-Za-z_]\w*)\s*(?:--|:|-|\()\s*[^\n]{0,120}?"
        r"\(((?:[^()\n]|\([^()\n]*\)){0,60})\)", re.MULTILINE,
    )  # fmt: skip
    for match in form.finditer(text):
        parts = [part for part in match[2].split(",") if part.strip()]
        if "..." in match[2] or not all(re.fullmatch(r"\s*[\w*+ /-]+\s*", p) for p in parts):
            continue
        if len(parts) > 1 or match[2].rstrip().endswith(",") or re.fullmatch(r"[A-Z]", match[2]):
            shapes.setdefault(match[1], [part.strip() for part in parts])
    return shapes

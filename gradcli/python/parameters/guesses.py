"""What a parameter that nobody gives may be, from how the code uses it and what it is called.

guess = a rank                 floats in so many axes, each of a size of its own
| "labels"               whole numbers along one axis
| "number" | "count" | "text"
| a dictionary of guesses, by the keys that the code reads
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gradcli.python.parameters.usage import DERIVATIVE, Usage
from gradcli.python.state.values import Library

Guess = Any

NUMBER = re.compile(
    r"^_?(?:log_?)?(lr|weight_decay\w*|wd|\w*lambda\w*|penalty|lmbda|reg\w*|lam\w*|lambd\w*|l2|l1|alpha|eps|epsilon|beta[12]|momentum|mom|kappa|margin|sigma|sig|temp\w*|"
    r"tau|keep_?prob|drop\w*|rate|decay|slope|scale|eta|l_?rate|c|C|k|p|dt|learn(ing)?_?rate|m|v0|nu|theta0|\w*ratio)$"
)
RATE = re.compile(r"^_?(lr|l_?rate|eta|alpha|learn(ing)?_?rate|step(_?size)?|rate|epsilon)$")
LEARNING = re.compile(r"^_?(lr|l_?rate|eta|learn(ing)?_?rate)$")  # what is nothing else
PENALTY = re.compile(r"^(reg\w*|lam\w*|lmbda|l[12]\w*|weight_decay\w*|wd|decay|alpha|penalty)$")
COUNT = re.compile(
    r"^(?!\w*_(?:data|error|array|act\w*|signal|vector|values?|tensor|grad\w*|seq\w*|batch|images?|ids|tokens)$)(stride|pad\w*|size|steps?|num_\w+|n_\w+|\w+_size|\w+_dim|dim\w*|n|N|K|T|H|D|M|G|axis|"
    r"input_\w+|hidden\w*|output_\w+|num\w*|filter_\w+|kernel_size|in_\w+|out_\w+|n[A-Z]\w*|\w+_units|"
    r"heads|h_dim|\w*trunc\w*|bptt\w*|seed|d_\w+|\w+_len|\w+(?:Size|Dim|Width|Units|Length|Count)|num[A-Z]\w*|vocab\w*|embed\w*|units|features|nx|ny|nh)$"
)
LABELS = re.compile(
    r"^(y|t|labels?|targets?|ids|idx|indices|word\w*|\w*_idx|\w*Idx|classes|tokens)$"
)
ONE_INDEX = re.compile(r"(_id|_?idx|_?index|Idx|Index|[wW]ord)$|^(target|label|[ijkuv])$")  # one
TARGETS = re.compile(
    r"^(?![yY]_?(hat|pred|prob))(y|Y|t|T|labels?|targets?|y_true|ytrue|one_?hot|Y_\w*|y_\w*|truth|gt)$"
)
SHARES = re.compile(r"^([yY]_?hat\w*|[yY]_?pred\w*|p|probs?|prob\w*|pred\w*|AL|A\d?|output|out|q|"
                    r"sigma|yhat|a|p_hat|phat)$")  # fmt: skip
FACTOR = re.compile(r"^(mu|beta)$")  # or a mean, a shift, coefficients
BESIDE = {"beta": re.compile(r"^gamma$"), "mu": re.compile(r"var|sig|std|cov|prec|scale|^l?s$")}
# Symmetric by what they are, and so are the gradients that people write of them.
COVARIANCES = re.compile(r"^([sS]igma|(\w+_)?([cC]ov(ar(iance)?)?|prec(ision)?)(_\w+)?)$")
MASKS = re.compile(r"^(\w*_)?masks?(_\w*)?$|^observed$")
MAY_BE_MASKS = re.compile(r"^(R|rated|known|present|valid|available|obs|observations|indicators?)$")
# Of a mass M a lost square is a mistake, and zeros and ones would hide it; not where M weighs what
# a product of matrices is off by.
WEIGHING_MASKS = re.compile(r"^(M|I|Omega)$")
BIAS = re.compile(r"^(b\w*|B\d*|gamma|beta|bias\w*|shift)$")
VECTOR = re.compile(
    r"^(\w*[vV]ec(tor)?|b\w*|gamma|beta|theta|bias\w*|w0|w|g|shift|h_?0?|mu|params?|x0)$"
)
OF_EACH = re.compile(r"^(\w+_)?(rewards|returns|advantages)$")  # a number for each turn of a game
SIZES_OF_LAYERS = re.compile(
    r"^(layer_?s?(_?dims?|_?sizes?)?|sizes|dims|layers|layer_dimensions|hidden_dims|hidden_sizes|"
    r"hidden_layers|architecture|arch|\w+_list|\w+_dims|\w+_sizes|widths|topology|shape|n_neurons)$"
)
SHAPE = re.compile(r"^(?:\w+_)?(?:dims?|shapes?|sizes?|resolution)(?:_\w+)?$", re.IGNORECASE)
OPTIONS = re.compile(r"\w*_params?|hparam\w*|config|options|cfg")
IMAGES = re.compile(r"^(x|X|w|W|inputs?|A_prev|img\w*|images?|data|filters?|kernels?|A)$")
IMAGE_RANK = 4
SINGLE = ("number", "count", "index")  # guesses of one value
LABELS_OF_RANK = {1: "labels", 2: "labels2"}
ARRAY = re.compile(  # of a tuple
    r"^([A-Z]\w*|w\w*|b\w*|x_?\w+|weights?\w*|bias\w*|h\w*|prev_\w+|\w+_prev)$"
)
RANDOM = re.compile(r"^_?(np_)?(rng|random_state|prng|random_generator|generator)$")
OPTIMISER = re.compile(r"^_?(opt|optim|optimi[sz]er)$")
INPUT = re.compile(r"^(x|xs|inputs?|input_\w+|images?|samples?|features?)$", re.IGNORECASE)
OF_INPUT = re.compile(r"(^|_)(x|in|inp|inputs?|image|img|prev)(_|$)", re.IGNORECASE)
OF_OUTPUT = re.compile(r"(^|_)(out|output|target|new)(_|$)", re.IGNORECASE)
SIZE_OF = re.compile(r"(channels?|size|dim|units|features)$|^(num|n)_", re.IGNORECASE)
INDEX = re.compile(r"^(\w+(2|_to_)(idx|ind|ix|char|id|word|index)|vocab(ulary)?)$", re.IGNORECASE)
# What settings in dictionaries usually are.
SETTINGS: dict[str, Any] = {
    "stride": 1, "pad": 1, "pool_height": 2, "pool_width": 2, "mode": "train", "p": 0.6,
    "eps": 1e-5, "momentum": 0.9, "f": 2, "seed": 0, "keep_prob": 0.6, "lr": 0.01,
    "padding": 1, "axis": 1,
}  # fmt: skip
TEXTS: dict[str, list[str]] = {
    "mode": ["train", "max", "average"], "activation": ["relu", "sigmoid", "tanh"],
    "act": ["relu", "sigmoid", "tanh"], "nonlinearity": ["relu", "tanh"], "optimizer": ["sgd"],
    "pool_type": ["max", "average"], "pool_mode": ["max", "average"],
    "reduction": ["mean"], "loss": ["mse"], "padding": ["same", "valid"],
}  # fmt: skip
COUNTS = {
    "stride": 1, "pad": 1, "padding": 1, "n_class": 3, "axis": 1, "seed": 0, "timesteps": 3,
    "layer_num": 2, "num_layers": 2, "n_layers": 2,
    "G": 3, "groups": 3, "num_groups": 3, "n_groups": 3,
}  # fmt: skip


KERNELS = re.compile(
    r"^(k|f|kernel|filter|filt|conv)_?(h|w|s|height|width|size|len|length|dim|shape)?$|^ksize$|"
    r"^(h|w|height|width|size)_?(k|f|filter|kernel)$|^(FH|FW|HH|WW|KH|KW)$"
)
POOLS = re.compile(r"^(p|pool|pooling|window)_?(h|w|height|width|size|shape)?$")
TRUNCATION = re.compile(r"trunc|^bptt")  # of steps back: what is cut off is no gradient
NEVER = 1000
HEADS = re.compile(r"^(\w+_)?heads?(_(num|count))?$|^n_?head$")
STRIDES = re.compile(r"^(s|stride|strides|stride_?\w)$")


def usual_count(name: str, is_of_pools: bool = False) -> int | None:
    """The whole number that a parameter usually is, by its name; None for any."""
    if is_of_pools and (name == "size" or STRIDES.match(name) or KERNELS.match(name)):
        return 2
    if name in COUNTS:
        return COUNTS[name]
    if KERNELS.match(name):
        return 3
    if TRUNCATION.search(name):
        return NEVER
    if HEADS.match(name):
        return 2
    return 2 if POOLS.match(name) else 1 if STRIDES.match(name) else None


def _is_alphabet(names: list[str]) -> bool:
    """Whether names are the first letters in their order, as numbers are called: a, b, c."""
    return "".join(names) == "abcdefgh"[: len(names)]


def setting(key: str) -> Guess:
    """What an entry of a dictionary may be, by its key: a size, a text, a number, an array."""
    if key in TEXTS:
        return ("value", TEXTS[key][0])
    usual = usual_count(key)
    if usual is not None:
        return ("value", usual)
    return "count" if COUNT.match(key) else "number" if NUMBER.match(key) else 2


HINTED: dict[str, list[Guess]] = {"int": ["count", "index"], "float": ["number"], "array": [2, 1],
                                  "ints": ["sizes", "labels"],
                                  "bool": [("value", True)]}  # fmt: skip


def example_of(name: str) -> str:
    """How a value of a parameter is given on the command line, by its name: a size, or an array."""
    return f"{name}=4" if COUNT.match(name) else f"{name}='randn(3, 4)'"


def _is_of(hint: str, guess: Guess) -> bool:
    """Whether a guess is one of what a type hint names."""
    if isinstance(guess, int):
        return hint == "array"
    if isinstance(guess, tuple) and guess[:1] == ("value",):
        return type(guess[1]).__name__ == hint
    kinds = {"int": ("count", "index"), "float": ("number",), "str": ("text",),
             "array": (*LABELS_OF_RANK.values(),), "ints": ("sizes", "labels")}  # fmt: skip
    return guess in kinds.get(hint, ())


class Parts(NamedTuple):
    """Something that is unpacked: a list of its parts."""

    parts: dict[str, Guess]


class Sizes(NamedTuple):
    """A list of so many whole numbers."""

    length: int


class ShapeOf(NamedTuple):
    """The shape of another parameter, from one of its axes on; or so many of the last ones."""

    name: str
    first: int


class Guesser:
    """What parameters may be, by how they are used and what they are called."""

    def __init__(self, usage: Usage, made: Mapping[str, Any]) -> None:
        self.usage = usage
        self.made = made  # calls that make a parameter
        self.objects: dict[str, list[Guess]] = {}  # calls that make what may be a parameter
        self.is_of_images = False  # by the names of the functions
        self.has_labels = True  # whether targets may be whole numbers
        self.shaped: str | None = None  # the input of a layer, which has the shapes of settings
        self.is_prepared = False  # whether settings have the axis of examples, too

    def guesses(self, name: str) -> list[Guess]:
        """What a parameter may be, the likeliest first."""
        found = self._as_hinted(name, self._guesses(name))
        if name in self.usage.arrays:  # `t.size`: no number has one
            found = [guess for guess in found if guess not in SINGLE] or found
        if self.has_labels:
            return found
        whole = (*LABELS_OF_RANK.values(), *(() if ONE_INDEX.search(name) else ("index",)))
        return [g for g in found if g not in whole] or found

    def _as_hinted(self, name: str, found: list[Guess]) -> list[Guess]:
        """The guesses that a type hint leaves, or what it says itself."""
        hint = self.usage.hints.get(name)
        if hint is None or name in self.made or SHAPE.match(name):  # a shape is no array
            return found
        fitting = [guess for guess in found if _is_of(hint, guess)]
        return fitting or HINTED.get(hint, found)

    def is_labels(self, name: str) -> bool:
        """Whether a parameter is used as whole numbers are: as an index, or compared."""
        is_index = name in self.usage.indices and not SHARES.match(name)
        return is_index or (name in self.usage.compared and bool(LABELS.match(name)))

    def _guesses(self, name: str) -> list[Guess]:
        usage = self.usage
        if name in self.made:
            return [self.made[name]]
        if name in self.objects:
            return self.objects[name]
        if name in usage.called and name not in usage.texts and name not in usage.indices:
            return [("value", self._function(name))]
        if OPTIMISER.match(name):
            return [("value", Library("helper step", "python"))]
        if RANDOM.match(name):
            return [("value", Library("random"))]
        if name in ("name", "layer_name"):
            return [("value", name)]
        if name in usage.parts and name not in usage.ranks:
            return self._unpacked(name, usage.parts[name])
        if name in usage.numbers:
            return ["number", 1]
        if name in usage.whole and name not in usage.ranks:
            return ["index", "count"] if ONE_INDEX.search(name) else ["count", "index"]
        if INDEX.match(name) and name not in usage.counts:
            words = [*usage.keys.get(name, []), *"abcde"]
            places = {word: k for k, word in enumerate(words)}  # words may be numbers already
            return [("value", {**places, **{k: k for k in range(len(words))}})]
        if name in usage.filled and name not in usage.keys:
            return [("value", {})]
        if name in usage.packed and usage.ranks.get(name, 1) == 1:
            return [1]
        if OPTIONS.fullmatch(name) and name not in usage.keys:
            left = {*usage.defaulted, "axis"}  # the code's own defaults suit it best
            options = {key: ("value", SETTINGS[key]) for key in SETTINGS if key not in left}
            numbers = [] if name.endswith("s") else ["number"]  # `sparsity_param`
            return [1] if name in usage.lengths else [options, *numbers, 1, 2]
        if name in usage.keys and not (name in usage.ranks or name in usage.least):
            entries = [self._entries(usage.keys[name], rank) for rank in (1, 2)]
            vectors = {key: 1 if isinstance(g, int) else g for key, g in entries[0].items()}
            return entries if vectors in entries else [*entries, vectors]
        if name in usage.texts:
            return ["text"]
        if SHAPE.match(name) and usage.reach.get(name, 0) > 1 and name not in usage.ranks:
            return self._of_shape(name, usage.reach[name])
        if "shape" in name and name not in usage.ranks:
            own = self._of_input(name, (0, 1) if self.is_prepared else (1, 0))
            return [*own, Sizes(2), Sizes(1), Sizes(3), "count"]
        if SIZES_OF_LAYERS.match(name) and name not in usage.ranks:
            return ["sizes", "count", 1]
        if name in usage.ranks:
            return self._of_rank(name, usage.ranks[name])
        if self.is_of_images and IMAGES.match(name):
            return [IMAGE_RANK, 2]
        if name in usage.least:
            return self._of_least(name, usage.least[name])
        if name in TEXTS:
            return ["text", 2]
        if name in usage.lists and name in usage.counts:
            return ["sizes", "count"]
        if name in usage.lengths:
            return [1]
        if name in usage.counts:
            return ["count", "sizes", 2]
        return self._of_name(name)

    def _function(self, name: str) -> Library:
        """An activation; where its derivative is one of its own, both are those of a leaky relu."""
        if not (self.usage.asks_slope or any(map(DERIVATIVE.search, self.usage.called))):
            return Library("tanh")
        of = "slope of leaky relu" if DERIVATIVE.search(name) else "leaky relu"
        return Library(f"helper {of}", "python")

    def _unpacked(self, name: str, parts: list[str]) -> list[Guess]:
        """Numbers in one array, `x, y = p`; parts of their own where these are called arrays."""
        own: list[Guess] = []
        if SHAPE.match(name):
            return self._of_shape(name, len(parts))
        if name not in parts:
            own = [Parts({str(k): self._guesses(part)[0] for k, part in enumerate(parts)})]
        are_arrays = any(ARRAY.match(part) for part in parts) and not _is_alphabet(parts)
        is_array = name in self.usage.lengths and (name in self.usage.arrays or not are_arrays)
        return [1, *own] if is_array else [*own, 1]

    def _of_shape(self, name: str, length: int) -> list[Guess]:
        """What has the sizes of so many axes."""
        usual = usual_count(name)
        if usual is not None:  # a kernel is no square: that would hide much
            last = usual - 1 if KERNELS.match(name) else usual
            return [("value", [*[usual] * (length - 1), last]), "count"]
        return [*self._of_input(name, (-length,)), Sizes(length), "count"]

    def _of_input(self, name: str, places: tuple[int, ...]) -> list[Guess]:
        """The shape of the input, from some axes on, where a parameter may be that."""
        is_any = self.is_prepared and not OF_OUTPUT.search(name)
        if self.shaped is not None and name in self.usage.scaling:
            return [ShapeOf(self.shaped, 1)]
        if self.shaped is None or not (is_any or OF_INPUT.search(name)):
            return []
        return [ShapeOf(self.shaped, first) for first in places]

    def _of_rank(self, name: str, rank: int) -> list[Guess]:
        """What has a known number of axes."""
        if rank in LABELS_OF_RANK and self.is_labels(name):
            return [LABELS_OF_RANK[rank], rank]
        if name in self.usage.certain:
            return [rank]
        if rank in LABELS_OF_RANK and LABELS.match(name):
            return [rank, LABELS_OF_RANK[rank]]
        if self.is_of_images and rank < IMAGE_RANK and IMAGES.match(name):
            return [IMAGE_RANK, rank]
        return [rank, *(r for r in (rank + 1, 1, 2) if r != rank)]

    def _of_least(self, name: str, least: int) -> list[Guess]:
        """What has at least so many axes."""
        is_vector = bool(VECTOR.match(name)) or name in self.usage.columns
        rank = 1 if is_vector and least == 1 else max(2, least)
        labels: list[Guess] = ["labels"] if least == 1 and LABELS.match(name) else []
        ranks = [rank, *(r for r in (1, rank + 1) if r >= least and r != rank)]
        return [*labels, *ranks] if self.is_labels(name) else [*ranks, *labels]

    def _of_name(self, name: str) -> list[Guess]:
        """What a name alone says."""
        if self.is_labels(name):
            may_be_one = not name.endswith("s") and name not in self.usage.lists
            return ["labels", *(["index"] if may_be_one else []), 2, 1, "number", 3]
        if LABELS.match(name):
            return [2, 1, "labels", "number", 3]
        if name in self.usage.vectors | self.usage.whole_shares or OF_EACH.match(name):
            return [1, 2]
        if name in self.usage.weights:
            return [2, 1, "number"]
        if name in self.usage.transposed | self.usage.products and not VECTOR.match(name):
            is_matrix = name in self.usage.transposed and name[0].isupper()
            return [2, 3] if is_matrix and not TARGETS.match(name) else [2, 1, 3]
        if COUNT.match(name) and not (TARGETS.match(name) and name in self.usage.parted):
            return ["count", 2, "number", 1]
        if NUMBER.match(name) and name not in self.usage.parted:
            return ["number", 1, 2]
        if name in ("model", "params", "parameters", "net") and name not in self.usage.sliced:
            return [{"W": 2}, 1, 2]
        if self._is_factor(name):
            return ["number", 1, 2]
        if VECTOR.match(name):
            return [2, 1, "number"] if name in self.usage.transposed else [1, 2, "number"]
        return [2, 1, 3, 4, "number"] if len(name) > 1 or name.isupper() else [2, 1, "number", 3, 4]

    def _is_factor(self, name: str) -> bool:
        """Whether a Greek letter is a number: `beta` of no batch norm, `mu` that is no mean."""
        usage = self.usage
        if name in usage.products | usage.terms or not FACTOR.match(name):
            return False
        return not any(map(BESIDE[name].search, usage.parameters))

    def _entries(self, keys: Iterable[str], rank: int) -> dict[str, Guess]:
        """What the entries of a dictionary are; pools that are stepped through do not overlap."""
        entries = {key: self._entry(key, rank) for key in keys}
        if "stride" in entries and "pool_height" in entries:
            entries["stride"] = entries["pool_height"]
        return entries

    def _entry(self, key: str, rank: int) -> Guess:
        """What an entry of a dictionary is: a usual setting, or an array by its name."""
        if key in SETTINGS:
            return ("value", SETTINGS[key])
        if key in TEXTS or usual_count(key) is not None or SIZE_OF.search(key):
            return setting(key)
        return rank if VECTOR.match(key) and key[0] not in "w" else 2

"""Names of a program as code in a language can have them.

A name stays as it is unless code could not bear it: a word of the language (`lambda`), a function
that the lines call (`sigmoid`, where that is a stage, too), or the gradient of another name (`dx`
beside `x`). It then ends with `_`; the names that stay are given out first, so that no two meet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from gradcli.emit.languages import Language
from gradcli.emit.staged import gradient_name


class Spelling:
    """How the nodes and the inputs of a program are called in a language.

    `sources` are the names of its nodes, `x` and `w[0]`; `roots` those of its inputs, which are
    taken apart in languages without arrays: `w_0` is an element of `w` there.
    """

    def __init__(
        self, sources: Mapping[int, str], roots: Iterable[str], language: Language,
        words: Collection[str],
    ) -> None:  # fmt: skip
        self.words = {*language.words, *words}
        self._has_arrays = language.has_arrays
        self._spelled: dict[str, str] = {}
        self._given: set[str] = set()
        self._gradients: set[str] = set()
        wholes = dict.fromkeys([*map(self._whole, sources.values()), *roots])
        for whole in sorted(wholes, key=self._rank):
            plain = whole.replace("][", "_").replace("[", "_").removesuffix("]")
            spelled = next(text for text in _lengthened(plain) if self._is_free(text))
            self._spelled[whole] = spelled
            self._given.add(spelled)
            self._gradients.add(gradient_name(spelled))
        self.nodes = {node: self._of(name) for node, name in sources.items()}
        self.inputs = {root: self._spelled[root] for root in roots}

    def _rank(self, whole: str) -> tuple[bool, bool, int]:
        """Names that stay come first, `x` before `dx`."""
        return "[" in whole, whole in self.words, len(whole)

    def _whole(self, name: str) -> str:
        """What has to be a name of its own: of `w[0]` the input, or the element itself."""
        return name.partition("[")[0] if self._has_arrays else name

    def _of(self, name: str) -> str:
        whole = self._whole(name)
        return f"{self._spelled[whole]}{name.removeprefix(whole)}"

    def _is_free(self, text: str) -> bool:
        is_new = text not in self.words and text not in self._given
        return is_new and text not in self._gradients and gradient_name(text) not in self._given


def _lengthened(name: str) -> Iterator[str]:
    while True:
        yield name
        name += "_"

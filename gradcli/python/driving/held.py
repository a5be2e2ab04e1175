"""Claims, and those on what an object holds: its lists of weights, or the only array it has."""

from __future__ import annotations

import re
from typing import NamedTuple

from gradcli.python.driving.driven import Driven, Leaf
from gradcli.python.driving.results import Result
from gradcli.python.parameters.guesses import TARGETS
from gradcli.python.state.values import Array
from gradcli.python.words.gradients import is_holder, kin

PLACE = re.compile(r"\[\d+\]$")  # in a list


class Claim(NamedTuple):
    """A result that is held to be the gradient of an input."""

    leaf: Leaf
    result: Result
    by: str  # name, position, step, or as it was said


class Mapped(NamedTuple):
    """All claims of a subject, and what is claimed of nothing."""

    claims: list[Claim]
    unclaimed: list[str]  # results


def by_place(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """What a list of gradients has where the list of weights has one: `self.grads[0]`."""
    instance = driven.instance
    lists = {
        name: value for name, value in (instance.attributes.items() if instance else ())
        if isinstance(value, list) and all(isinstance(part, Array) for part in value)
    }  # fmt: skip
    taken = {c.leaf.node for c in claims}
    leaves = {leaf.node: leaf for leaf in driven.leaves if leaf.node not in taken}
    by_words = {r.words: r for r in results}
    return [
        Claim(leaves[part.content], by_words[words], "name")
        for weights, parts in lists.items() if not is_holder(weights)
        for name, others in lists.items() if is_holder(name) and len(others) == len(parts)
        for k, part in enumerate(parts)
        if part.content.__class__ is int and part.content in leaves
        and (words := f"self.{name}[{k}]") in by_words
    ]  # fmt: skip


def by_count(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """What is called by a number after the list of weights: `grads["dW2"]` of `self.W[1]`.

    The numbers begin anywhere, follow one another, and there are as many as weights.
    """
    taken = {c.leaf.node for c in claims}
    lists: dict[str, list[Leaf]] = {}
    for leaf in driven.leaves:
        if leaf.node not in taken and PLACE.search(leaf.short):
            lists.setdefault(PLACE.sub("", leaf.short), []).append(leaf)
    found = []
    for name, leaves in lists.items():
        numbered = {
            int(match[1]): r for r in unclaimed(results, claims) for root in r.roots
            if (match := re.fullmatch(rf"{re.escape(kin(name))}(\d+)", kin(root)))
        }  # fmt: skip
        first = min(numbered, default=0)
        if len(leaves) > 1 and sorted(numbered) == [*range(first, first + len(leaves))]:
            of = zip(leaves, sorted(numbered), strict=True)
            found += [Claim(leaf, numbered[number], "name") for leaf, number in of]
    return found


def of_a_list(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """A returned list of gradients, of as many parts as the only list of weights an object has."""
    taken = {c.leaf.node for c in claims}
    kept = [x for x in driven.leaves if not x.is_parameter and PLACE.search(x.short)]
    returned = [r for r in unclaimed(results, claims) if r.order >= 0 and PLACE.search(r.words)]
    names = {PLACE.sub("", x.short) for x in kept}
    holders = {PLACE.sub("", r.words) for r in returned}
    if len(names) != 1 or len(holders) != 1 or len(kept) != len(returned) or len(kept) < 2:
        return []
    if any(x.node in taken for x in kept):
        return []
    return [Claim(x, r, "position") for x, r in zip(kept, returned, strict=True)]


def in_order(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """Nameless results in the order and the shapes of all that an object holds."""
    kept = [x for x in driven.leaves if not x.is_parameter]
    returned = [r for r in results if r.order >= 0]
    shapes = [[driven.reader.tape.shape(x.node) for x in some] for some in (kept, returned)]
    is_plain = len(kept) > 1 and shapes[0] == shapes[1] and not any(r.roots for r in returned)
    if claims or not is_plain:
        return []
    return [Claim(x, r, "position") for x, r in zip(kept, returned, strict=True)]


def of_the_object(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """The only gradient of a loss that takes data and targets: of what the object holds."""
    kept = [x for x in driven.leaves if not x.is_parameter]
    returned = [r for r in results if r.order >= 0]
    takes_data = any(TARGETS.match(x.short) for x in driven.leaves if x.is_parameter)
    if claims or not takes_data or len(kept) != 1 or len(returned) != 1:
        return []
    of_others = {kin(x.short) for x in driven.leaves if x.is_parameter}
    shapes = {driven.reader.tape.shape(node) for node in (kept[0].node, returned[0].node)}
    if len(shapes) > 1 or any(kin(root) in of_others for root in returned[0].roots):
        return []
    return [Claim(kept[0], returned[0], "name")]


def unclaimed(results: list[Result], claims: list[Claim]) -> list[Result]:
    """The results that no claim has."""
    return [r for r in results if all(claim.result is not r for claim in claims)]

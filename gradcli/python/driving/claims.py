"""Which result is whose gradient: as it was said, by names and keys, then by position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import NameFault, did_you_mean
from gradcli.python.driving.driven import Driven, Leaf
from gradcli.python.driving.held import (
    Claim,
    Mapped,
    by_count,
    by_place,
    in_order,
    of_a_list,
    of_the_object,
    unclaimed,
)
from gradcli.python.driving.results import Result
from gradcli.python.parameters.guesses import BIAS, SHARES, TARGETS
from gradcli.python.state.values import Array, arrays_in
from gradcli.python.words.gradients import folded, kin, roots
from gradcli.python.words.returned import OBJECTIVES

WEIGHT = re.compile(r"^_?(W|w|U|V|K|b|gamma|beta)\w*$")
INNER = re.compile(r"^self\.\w+(\[.*?\])?\.")  # `self.layer1.dinputs`
PART = re.compile(r"^self\.(\w+)\[(\d+)\]\.(.+)$")  # of a part of a list, what it keeps
SHORTEST = 3  # letters that a name shares with another


def mapped(driven: Driven, said: Mapping[str, str]) -> Mapped:
    """The claims of a subject that was driven. Raises NameFault."""
    reached = driven.reader.tape.graph.reaches(*[node for node, _ in driven.outputs])
    unread = [x for x in driven.leaves if not reached[x.node] and (
        WEIGHT.match(x.short) or (x.is_parameter and not TARGETS.match(x.short))
    )]  # fmt: skip
    driven.leaves = [leaf for leaf in driven.leaves if reached[leaf.node]]
    results = [
        r for r in driven.results if not _is_forward(driven, r) and not _is_upstream(driven, r)
    ]  # fmt: skip
    results = _joined(driven, [r for r in results if not _is_inner(r)])
    shared = _sharing(driven)
    results = [r for r in results if not _is_of_one(r, shared, results)]
    claims = _as_said(driven, results, said)
    claims += _handed_on(driven, results, claims)
    claims += _by_name(driven, results, claims)
    claims += _by_local_name(driven, results, claims)
    claims += by_place(driven, results, claims)
    claims += by_count(driven, results, claims)
    claims += of_a_list(driven, results, claims)
    claims += in_order(driven, results, claims)
    claims += _by_step(driven, [*driven.leaves, *unread], claims)
    claims += _between(driven, results, claims)
    claims += _of_the_input(driven, results, claims)
    claims += _itself(driven, results, claims)
    claims += of_the_object(driven, results, claims)
    claims += _of_unread(driven, unread, results, claims)
    claims += _by_position(driven, [r for r in results if not _is_of(r, unread)], claims)
    taken = {claim.result.words for claim in claims}
    nodes = {claim.result.node for claim in claims}  # which may have another name, too
    left = [r.words for r in results if r.words not in taken and (r.order >= 0 or r.roots)
            and r.words and r.node not in nodes]  # fmt: skip
    return Mapped(claims, [] if not claims else [w for w in left if _is_gradient(results, w)])


def _joined(driven: Driven, results: list[Result]) -> list[Result]:
    """The results with one for a list of numbers, `dw = [0.0] * 3`, beside a vector of as many."""
    tape = driven.reader.tape
    for leaf in driven.leaves:
        shape = tape.shape(leaf.node)
        if len(shape) != 1 or len(results) < prod(shape):
            continue
        of = [
            next((r for r in results if f"{leaf.short}[{k}]" in r.roots
                  and not tape.shape(r.node)), None) for k in range(shape[0])
        ]  # fmt: skip
        parts = [r for r in of if r is not None]
        if len(parts) == shape[0] and all(r.words.endswith("]") for r in parts):
            node = tape.join([tape.reshape(r.node, (1,)) for r in parts], 0)
            name = parts[0].words.rpartition("[")[0]
            own = parts[0]._replace(name=name, words=name, node=node)
            results = [own if r is parts[0] else r for r in results if r not in parts[1:]]
    return results


def _is_gradient(results: list[Result], words: str) -> bool:
    return any(r.words == words and r.order >= 0 for r in results)


def _is_forward(driven: Driven, result: Result) -> bool:
    """Whether a result is what it was handed: an input, or a value of the forward part."""
    if result.order >= 0:
        return False
    forward = driven.reader.forward
    if forward is not None:
        return result.node in forward
    reached = driven.reader.tape.graph.reaches(*[node for node, _ in driven.outputs])
    return bool(reached[result.node])


def _is_inner(result: Result) -> bool:
    """Whether a result is what a layer inside the object keeps of its own input."""
    inner = result.order < 0 and INNER.match(result.words)
    return bool(inner) and kin("inputs") in map(kin, result.roots)


def _sharing(driven: Driven) -> set[str]:
    """The lists of an object whose parts hold the same input: a cell for every step."""
    holders: dict[tuple[str, int], set[str]] = {}
    for path, array in arrays_in(driven.instance) if driven.instance is not None else ():
        inner = PART.match(f"self{path}")
        if inner and array.content.__class__ is int:
            holders.setdefault((inner[1], array.content), set()).add(inner[2])
    leaves = {leaf.node for leaf in driven.leaves}
    return {name for (name, node), places in holders.items() if node in leaves and len(places) > 1}


def _is_of_one(result: Result, shared: set[str], results: list[Result]) -> bool:
    """Whether a result is what one of several cells sends to a weight that they share."""
    inner = PART.match(result.words)
    if result.order >= 0 or inner is None or inner[1] not in shared:
        return False
    return any(
        (other := PART.match(r.words)) is not None and other[1] == inner[1] and other[3] == inner[3]
        and r.node != result.node for r in results
    )  # fmt: skip


def _is_upstream(driven: Driven, result: Result) -> bool:
    """Whether what an object keeps is the upstream gradient, which is of the output.

    Under another name it is meant to be the gradient of what that says: a layer that changes
    nothing has `self.dinputs = dvalues`, one that has `self.db = dvalues` lacks a sum.
    """
    graph, node = driven.reader.tape.graph, result.node
    while graph.gates[node].name == "copy":
        node = graph.operands[node][0]
    if result.order >= 0 or all(node != upstream for _, upstream in driven.outputs):
        return False
    is_renamed = graph.inputs.get(result.name.rpartition(".")[2]) != node
    named = {leaf.short for leaf in driven.leaves if is_renamed or not leaf.is_parameter}
    of_input = is_renamed and kin("inputs") in map(kin, result.roots)
    return not of_input and named.isdisjoint(result.roots)


def _as_said(driven: Driven, results: list[Result], said: Mapping[str, str]) -> list[Claim]:
    claims = []
    for words, of in said.items():
        result = next((r for r in results if words in (r.words, r.name)), None)
        leaf = next((x for x in driven.leaves if of in (x.name, x.short)), None)
        if result is None:
            known = [r.words for r in results if r.words]
            raise NameFault(f"no result is called `{words}`", None, did_you_mean(words, known)
                            or f"results are {', '.join(known)}")  # fmt: skip
        if leaf is None:
            names = [x.short for x in driven.leaves]
            raise NameFault(f"`{of}` is no input of floats", None, did_you_mean(of, names)
                            or f"inputs are {', '.join(names)}")  # fmt: skip
        claims.append(Claim(leaf, result, "as said"))
    return claims


def _handed_on(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """What a layer of one input returns, which is the gradient of that, whatever else it keeps.

    A layer that calls its input and its output `A` keeps the gradient of the output as `dA`.
    """
    inputs = [x for x in driven.leaves if x.is_parameter and not TARGETS.match(x.short)]
    returned = [r for r in results if r.order >= 0]
    is_layer = bool(driven.outputs) and all(upstream is not None for _, upstream in driven.outputs)
    if claims or not is_layer or len(inputs) != 1 or len(returned) != 1:
        return []
    others = {kin(x.short) for x in driven.leaves} - {kin(inputs[0].short)}
    if returned[0].is_key or any(kin(root) in others for root in returned[0].roots):
        return []
    return [Claim(inputs[0], returned[0], "position")]


def _of_the_input(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """`self.dinputs` and its like, which are of the only input, whatever that is called."""
    inputs = [x for x in driven.leaves if x.is_parameter and not TARGETS.match(x.short)]
    taken = {c.leaf.node for c in claims}
    kept = [
        r for r in unclaimed(results, claims)
        if r.order < 0 and kin("inputs") in map(kin, r.roots)
    ]  # fmt: skip
    if len(inputs) != 1 or len(kept) != 1 or inputs[0].node in taken:
        return []
    return [Claim(inputs[0], kept[0], "name")]


def _by_name(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    found: list[Claim] = []
    shape = driven.reader.tape.shape
    for matches in (_exactly, _folded, _kin, _inside):
        for leaf in driven.leaves:
            taken = [*claims, *found]
            if any(c.leaf.node == leaf.node for c in taken):
                continue
            fitting = [
                r for r in unclaimed(results, taken)
                if any(matches(leaf.short, name) for name in r.roots)
            ]  # fmt: skip
            fitting.sort(key=lambda r: (shape(r.node) != shape(leaf.node), r.order < 0))
            if fitting and (matches is not _inside or len(fitting) == 1):
                found.append(Claim(leaf, fitting[0], "name"))
    return found


def _by_local_name(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """What has the name that the forward part unpacks an input to: `U, W, b = params`."""
    inner: Mapping[str, Any] = driven.reader.scopes.get(driven.forward, {})
    called = {
        value.content: name for name, value in inner.items()
        if isinstance(value, Array) and value.content.__class__ is int
    }  # fmt: skip
    taken = {c.leaf.node for c in claims}
    found: list[Claim] = []
    for leaf in driven.leaves:
        name = called.get(leaf.node)
        if name is None or leaf.node in taken or "[" not in leaf.short:
            continue
        fitting = [r for r in unclaimed(results, [*claims, *found]) if name in r.roots]
        found += [Claim(leaf, result, "name") for result in fitting[:1]]
    return found


def _by_step(driven: Driven, leaves: list[Leaf], claims: list[Claim]) -> list[Claim]:
    """What weights are changed by, of which nothing else is the gradient."""
    taken = {c.leaf.node for c in claims}
    return [
        Claim(leaf, driven.steps[leaf.node].result, "step")
        for leaf in leaves if leaf.node in driven.steps and leaf.node not in taken
    ]  # fmt: skip


def _between(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """What stands among returned gradients where that of an input between two others would.

    Where as much is returned as there are parameters, this holds at both ends too.
    """
    places = {c.result.order: c.leaf for c in claims if c.result.order >= 0 and not c.result.is_key}
    taken = [c.leaf.node for c in claims]
    parameters = [x for x in driven.leaves if x.is_parameter]
    returned = [r for r in results if r.order >= 0]
    is_whole = (
        sorted(r.order for r in returned) == [*range(len(parameters))]
        and bool(places)
        and all(parameters[order] == leaf for order, leaf in places.items())
    )
    found = []
    for result in results:
        if result.order < 0 or result.order in places:
            continue
        if is_whole:
            found.append(Claim(parameters[result.order], result, "position"))
            continue
        own = places.get(result.order - 1), places.get(result.order + 1)
        for before, leaf, after in zip(driven.leaves, driven.leaves[1:], driven.leaves[2:],
                                       strict=False):  # fmt: skip
            if leaf.node not in taken and own == (before, after):
                found.append(Claim(leaf, result, "position"))
    return [c for c in found if c.leaf.node not in taken]


def _itself(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """A weight that is returned itself where its gradient would be."""
    taken = {c.leaf.node for c in claims}
    return [
        Claim(leaf, result, "position") for leaf in driven.leaves for result in results
        if result.order >= 0 and result.node == leaf.node and leaf.node not in taken
        and claims and WEIGHT.match(leaf.short)
    ]  # fmt: skip


def _of_unread(
    driven: Driven, unread: list[Leaf], results: list[Result], claims: list[Claim]
) -> list[Claim]:
    """What is named the gradient of a weight that the output does not depend on, and is no 0.

    Where it depends on an input that has no gradient, that one may depend on the weight.
    """
    taken = {c.leaf.node for c in claims}
    if any(x.is_parameter and x.node not in taken and SHARES.match(x.short) for x in driven.leaves):
        return []
    left = unclaimed(results, claims)
    values = driven.reader.tape.values
    return [
        Claim(leaf, result, "name") for leaf in unread for result in left
        if any(_folded(leaf.short, root) for root in result.roots) and np.any(values[result.node])
    ]  # fmt: skip


def _exactly(name: str, root: str) -> bool:
    return name == root


def _folded(name: str, root: str) -> bool:
    return folded(name) == folded(root)


def _kin(name: str, root: str) -> bool:
    return kin(name) == kin(root)


def _inside(name: str, root: str) -> bool:
    """Whether one name ends or begins with the other: `mean` and `t_mean`."""
    short, long = sorted((folded(name), folded(root)), key=len)
    return len(short) >= SHORTEST and (long.startswith(short) or long.endswith(short))


def _by_position(driven: Driven, results: list[Result], claims: list[Claim]) -> list[Claim]:
    """What is returned and has no claim yet, in the order of the parameters that have none."""
    taken = [c.leaf.node for c in claims]
    leaves = [x for x in driven.leaves if x.node not in taken]
    parameters = [x for x in leaves if x.is_parameter]
    if not any(x.is_parameter for x in driven.leaves):
        parameters = leaves
    inner: Mapping[str, Any] = driven.reader.scopes.get(driven.forward, {})
    known = {kin(name): value for name, value in inner.items()}
    free = [r for r in unclaimed(results, claims) if r.order >= 0 and not r.is_key]
    if all(driven.reader.tape.shape(x.node) for x in parameters):
        free = [r for r in free if not _is_loss(driven, r)]
    if driven.reader.forward is None:
        reached = driven.reader.tape.graph.reaches(*[node for node, _ in driven.outputs])
        free = [r for r in free if not reached[r.node]]
    own = [x for x in parameters if x.short in driven.own]
    if len(own) != len(free):
        own = _without_targets(driven, own, free)
    parameters = own or parameters
    parts = [x for x in parameters if "[" in x.short]
    holders = {x.short.partition("[")[0] for x in parts}
    if len(parts) == len(free) > 1 and len(holders) == 1:  # the parts of one list
        parameters = parts
    if len(free) != len(parameters):  # a result of another name may be of something else
        parameters = _without_targets(driven, parameters, free)
    handed = {kin(root) for name in driven.upstreams for root in roots(name)}
    is_told = any({*map(kin, r.roots)} - handed for r in free)  # `dz, -dz` says nothing of its own
    is_plain = bool(driven.own) or not is_told
    if 1 < len(free) < len(parameters) and is_plain and _are_alike(driven, parameters, free, True):
        parameters = parameters[: len(free)]
    if len(free) != len(parameters):
        free = [r for r in free if not _is_of_stage(driven, r, known, parameters)]
        parameters = _likeliest(driven, parameters, free[0]) if len(free) == 1 else parameters
    if len(free) != len(parameters) or _are_unrolled(driven, free, parameters, leaves):
        return []
    return [Claim(leaf, result, "position") for leaf, result in zip(parameters, free, strict=True)]


def _is_of(result: Result, leaves: list[Leaf]) -> bool:
    """Whether a result is called the gradient of one of some inputs that the output ignores."""
    own = {kin(x.short) for x in leaves if not x.is_parameter}
    return any(kin(root) in own for root in result.roots)


def _is_loss(driven: Driven, result: Result) -> bool:
    """Whether a result is the loss itself, a number that a backward part computes beside."""
    return not driven.reader.tape.shape(result.node) and bool(OBJECTIVES.search(result.name))


def _without_targets(driven: Driven, leaves: list[Leaf], results: list[Result]) -> list[Leaf]:
    """The inputs that are no targets; all of them where the only gradient fits the first alone."""
    others = [x for x in leaves if not TARGETS.match(x.short)]
    is_first = len(results) == 1 and _are_alike(driven, leaves[:1], results)
    return (
        others if not is_first or any(_are_alike(driven, [x], results) for x in others) else leaves
    )


def _are_unrolled(
    driven: Driven, results: list[Result], parameters: list[Leaf], leaves: list[Leaf]
) -> bool:
    """Whether the only result has as many elements as all weights of the object, and one axis."""
    shape = driven.reader.tape.shape
    kept = sum(prod(shape(x.node)) for x in leaves if not x.is_parameter and WEIGHT.match(x.short))
    of = [shape(x.node) for x in parameters]
    return len(results) == 1 and shape(results[0].node) == (kept,) not in of


def _is_of_stage(
    driven: Driven, result: Result, known: Mapping[str, Any], leaves: list[Leaf]
) -> bool:
    """Whether a result is called after a value of the forward part that is alike, and no input."""
    shape, own = driven.reader.tape.shape, {kin(x.short) for x in leaves}
    for name in {*map(kin, result.roots)} - own:
        value = known.get(name)
        content = value.content if isinstance(value, Array) else None
        is_reshaped = content.__class__ is int and shape(content) != shape(result.node)
        if name in known and not is_reshaped:
            return True
    return False


def _likeliest(driven: Driven, leaves: list[Leaf], result: Result) -> list[Leaf]:
    """The first input that has the shape of the only gradient; else the first of all."""
    shape = driven.reader.tape.shape
    fitting = [x for x in leaves if shape(x.node) == shape(result.node)]
    return (fitting or leaves)[:1]


def _are_alike(
    driven: Driven, leaves: list[Leaf], results: list[Result], may_be_numbers: bool = False
) -> bool:  # fmt: skip
    """Whether results have the shapes of the first leaves, one after the other.

    A number may be the gradient of a bias behind others, of which nothing said that it is one.
    """
    shape = driven.reader.tape.shape
    return all(
        shape(x.node) == shape(r.node)
        or (may_be_numbers and k > 0 and not shape(r.node) and bool(BIAS.match(x.short)))
        for k, (x, r) in enumerate(zip(leaves, results, strict=False))
    )  # fmt: skip

"""Which line speaks for which use of a name.

A line is matched to the consumers whose gradients it reads (`dsigx` -> `sigx`), one that reads none
to the output. What is then left over is matched by value, and a single line to a single consumer.
Lines that cannot be told apart stay together in one group.
"""

from __future__ import annotations

from collections.abc import Callable

from gradcli.backward.amounts import Amount, total
from gradcli.backward.cut import Use

Agree = Callable[[Amount, Amount], bool]


class Part:
    """What one line adds to one number of a gradient."""

    __slots__ = ("is_lost", "line", "names", "reads", "value")

    def __init__(self, line: int, value: Amount, reads: set[str], names: set[str]) -> None:
        self.line = line  # its place among the program's gradient lines
        self.value = value
        self.reads = reads  # the names whose gradients it reads, also through helpers
        self.names = names  # the forward names it reads
        self.is_lost = False  # overwritten by a later line


class Group:
    """Lines that answer, together, for some consumers."""

    __slots__ = ("consumers", "expected", "parts")

    def __init__(self, parts: list[Part], consumers: list[str], expected: Amount) -> None:
        self.parts = parts
        self.consumers = consumers
        self.expected = expected

    @property
    def value(self) -> Amount:
        """What the lines give together."""
        return total(part.value for part in self.parts)


def matched(
    parts: list[Part], uses: list[Use], output: str, agree: Agree,
    operands: dict[str, set[str]], assigned: dict[str, int],
) -> list[Group]:  # fmt: skip
    """Groups of lines and consumers; each line and each consumer is in one group.

    `operands` are the names each consumer is computed from, and its own; `assigned` the lines at
    which the gradients of names are known.
    """
    amounts: dict[str, Amount] = {}
    for use in uses:
        amounts[use.consumer] = amounts.get(use.consumer, 0.0) + use.amount
    if amounts and len(parts) == 1 and not _is_incomplete(parts[0], amounts, output, agree):
        return [Group(parts, list(amounts), total(amounts.values()))]
    spare = _spare(parts, amounts, agree)
    if spare is not None:
        rest = [part for part in parts if part is not spare]
        return [Group(rest, list(amounts), total(amounts.values())), Group([spare], [], 0.0)]
    sorted_by_reading = _all_but_one(parts, amounts, output, agree)
    if sorted_by_reading is not None:
        return sorted_by_reading
    read = {name for part in parts for name in part.reads or {base(output)}}
    missing = [consumer for consumer in amounts if base(consumer) not in read]
    unread = assigned.get(base(missing[0])) if len(missing) == 1 else None
    groups, lines, left = [], [], dict(amounts)
    components = _components(parts, amounts, output)
    has_strays = any(not consumers for _, consumers in components)
    some_miss = len({c for _, consumers in components for c in consumers}) < len(amounts)
    for together, consumers in components:
        expected = total(amounts[c] for c in consumers)
        group = Group(together, consumers, expected)
        has_extra = some_miss and len(together) > len(consumers)  # may belong to another one
        is_right = agree(group.value, expected) and not has_extra
        if consumers and (is_right or (len(together) == 1 and not has_strays)):
            groups.append(group)
        else:
            sorted_out, rest, remaining = _by_value(
                together, consumers, amounts, uses, agree, unread
            )
            groups += sorted_out
            left |= remaining
            if len(rest) == 1 and consumers and not sorted_out:
                groups.append(group)  # alone as before
            else:
                lines += rest
    for consumer in [c for group in groups for c in group.consumers]:
        left.pop(consumer, None)
    return groups + _left_over(lines, left, agree, operands)


def _is_incomplete(part: Part, amounts: dict[str, Amount], output: str, agree: Agree) -> bool:
    """Whether a lone line is right for the consumers it reads of, and leaves others out."""
    reads = part.reads or {base(output)}
    mine = [amount for consumer, amount in amounts.items() if base(consumer) in reads]
    return 0 < len(mine) < len(amounts) and agree(part.value, total(mine))


def _all_but_one(
    parts: list[Part], amounts: dict[str, Amount], output: str, agree: Agree
) -> list[Group] | None:
    """Groups where all lines but one are right for the consumers they read of: it has the rest.

    A line may also hold what the output itself sends back, if no line is there for that alone.
    """
    if any(part.is_lost for part in parts):
        return None
    left, groups, rest = dict(amounts), [], []
    is_direct = output in amounts and all(part.reads for part in parts)
    for part in parts:
        reads = part.reads or {base(output)}
        mine = [consumer for consumer in left if base(consumer) in reads]
        with_output = [*mine, output] if is_direct and output in left else mine
        fits = [
            chosen for chosen in (mine, with_output)
            if chosen and agree(part.value, total(amounts[c] for c in chosen))
        ]  # fmt: skip
        if not fits:
            rest.append(part)
            continue
        groups.append(Group([part], fits[0], total(amounts[c] for c in fits[0])))
        for consumer in fits[0]:
            del left[consumer]
    if len(rest) != 1 or not left or not groups:
        return None
    if any(
        part.reads == rest[0].reads and agree(part.value, rest[0].value)
        for group in groups
        for part in group.parts
    ):
        return None  # of two that say the same either may be the slip
    return [*groups, Group(rest, list(left), total(left.values()))]


def _spare(parts: list[Part], amounts: dict[str, Amount], agree: Agree) -> Part | None:
    """The one line without which the sum would be right; None if there is none, or several."""
    if len(parts) < 2 or any(part.is_lost for part in parts):
        return None
    if any(agree(amount, 0.0) for amount in amounts.values()):
        return None  # then a line may be in its place, and should give 0
    expected = total(amounts.values())
    found = [
        part for part in parts
        if not any(agree(part.value, amount) for amount in (0.0, *amounts.values()))
        and agree(total(other.value for other in parts if other is not part), expected)
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None


def base(element: str) -> str:
    """The name of the list an element belongs to."""
    return element.partition("[")[0]


def _components(
    parts: list[Part], amounts: dict[str, Amount], output: str
) -> list[tuple[list[Part], list[str]]]:
    """Lines that read the gradient of the same consumer, and all consumers they read of."""
    components: list[tuple[list[Part], list[str]]] = []
    for part in parts:
        reads = part.reads or {base(output)}
        mine = [consumer for consumer in amounts if base(consumer) in reads]
        shared = [c for c in components if set(c[1]) & set(mine)]
        together = [p for c in shared for p in c[0]] + [part]
        consumers = dict.fromkeys([name for c in shared for name in c[1]] + mine)
        components = [c for c in components if c not in shared]
        components.append((together, list(consumers)))
    return components


def _by_value(
    parts: list[Part], consumers: list[str], amounts: dict[str, Amount], uses: list[Use],
    agree: Agree, unread: int | None,
) -> tuple[list[Group], list[Part], dict[str, Amount]]:  # fmt: skip
    """Split lines that are wrong together: those whose value is that of one use are right.

    Where two lines are equally near, neither is taken for the right one, unless only the later can
    be the slip: `unread` is the line that gives the gradient of the one consumer that no line reads
    of, and the earlier stands above it. Returns the groups, the
    lines left, and what is left of consumers that some line has answered for in part.
    """
    groups, taken = [], set()
    left: dict[str, Amount] = {}
    for consumer in consumers:
        remaining = [use.amount for use in uses if use.consumer == consumer]
        whole = [p for p in parts if p not in taken and agree(p.value, amounts[consumer])]
        if len(whole) == 2 and unread is not None:
            whole = [p for p in whole if p.line < unread] or whole
        if len(whole) == 1:
            groups.append(Group(whole, [consumer], amounts[consumer]))
            taken.add(whole[0])
            continue
        right = []
        single = [] if whole or len(remaining) < 2 else list(remaining)
        for amount in single:
            fits = [p for p in parts if p not in taken and agree(p.value, amount)]
            if len(fits) == 1:
                right.append(Group(fits, [], amount))
                taken.add(fits[0])
                del remaining[next(k for k, other in enumerate(remaining) if other is amount)]
        if not right:
            continue
        groups += right
        rest = [p for p in parts if p not in taken and base(consumer) in p.reads]
        if rest:
            taken.update(rest)
            groups.append(Group(rest, [consumer], total(remaining)))
        elif remaining:
            left[consumer] = total(remaining)
        else:
            groups.append(Group([], [consumer], 0.0))
    return groups, [part for part in parts if part not in taken], left


def _left_over(
    lines: list[Part], left: dict[str, Amount], agree: Agree, operands: dict[str, set[str]]
) -> list[Group]:
    """Match what reading did not: by value, by the names they share, else all together."""
    groups = []
    for part in list(lines):
        fits = [consumer for consumer, amount in left.items() if agree(part.value, amount)]
        rivals = [p for p in lines if fits and agree(p.value, left[fits[0]])]
        if len(fits) == 1 and len(rivals) == 1:
            groups.append(Group([part], fits, left.pop(fits[0])))
            lines.remove(part)
    is_one_each = 1 < len(lines) == len(left)
    for part in list(lines) if is_one_each else ():
        shared = {name: len(part.names & operands.get(name, set())) for name in left}
        best = [name for name in left if shared[name] == max(shared.values())]
        if len(best) == 1 and shared[best[0]]:
            groups.append(Group([part], best, left.pop(best[0])))
            lines.remove(part)
    if lines:
        groups.append(Group(lines, list(left), total(left.values())))
    else:
        groups += [Group([], [consumer], amount) for consumer, amount in left.items()]
    return groups

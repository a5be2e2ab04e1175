"""Lines matched to the uses they speak for, by the gradients they read and by value.

A line is matched to the consumers whose gradients it reads (`dsigx` -> `sigx`), one that reads none
to the output. What is then left over is matched by value, and a single line to a single consumer.
Lines that cannot be told apart stay together in one group.

Of n lines and n uses none is compared with all: consumers are looked up by the names that a line
reads, and amounts that agree stand beside each other in their order.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from gradcli.backward.amounts import Amount, is_finite, total
from gradcli.backward.nearest import Nearest
from gradcli.program.model import Element

Amounts = dict[Element, Amount]  # by consumer


class Part:
    """The contribution of one line to one number of a gradient."""

    __slots__ = ("is_lost", "line", "names", "reads", "value")

    def __init__(self, line: int, value: Amount, reads: frozenset[str], names: set[str]) -> None:
        self.line = line  # its place among the program's gradient lines
        self.value = value
        self.reads = reads  # the names whose gradients it reads, also through helpers
        self.names = names  # the forward names it reads
        self.is_lost = False  # overwritten by a later line


class Group:
    """Lines that answer, together, for some consumers."""

    __slots__ = ("consumers", "expected", "parts")

    def __init__(self, parts: list[Part], consumers: list[Element], expected: Amount) -> None:
        self.parts = parts
        self.consumers = consumers
        self.expected = expected

    @property
    def value(self) -> Amount:
        """The sum of the contributions of the lines."""
        return total(part.value for part in self.parts)


class Clues(NamedTuple):
    """The clues to which line speaks for which consumer, besides the lines themselves."""

    output: Element
    agree: Callable[[Amount, Amount], bool]
    tolerance: float
    operands: Callable[[Element], set[str]]  # the names a consumer is computed from, and its own
    assigned: Mapping[str, int]  # the lines at which the gradients of names are known


def matched(
    parts: list[Part], uses: Mapping[Element, Sequence[Amount]], clues: Clues
) -> list[Group]:
    """Groups of lines and consumers; each line and each consumer is in one group."""
    amounts: Amounts = {consumer: sum(each, 0.0) for consumer, each in uses.items()}
    if amounts and len(parts) == 1 and not _is_incomplete(parts[0], amounts, clues):
        return [Group(parts, list(amounts), total(amounts.values()))]
    spare = _spare(parts, amounts, clues)
    if spare is not None:
        rest = [part for part in parts if part is not spare]
        return [Group(rest, list(amounts), total(amounts.values())), Group([spare], [], 0.0)]
    return _all_but_one(parts, amounts, clues) or _sorted_by_reading(parts, uses, amounts, clues)


def _sorted_by_reading(
    parts: list[Part], uses: Mapping[Element, Sequence[Amount]], amounts: Amounts, clues: Clues
) -> list[Group]:
    """Groups by the gradients that lines read; what these do not settle goes by value."""
    read = {name for part in parts for name in part.reads or (clues.output.name,)}
    missing = [consumer for consumer in amounts if consumer.name not in read]
    unread = clues.assigned.get(missing[0].name) if len(missing) == 1 else None
    groups: list[Group] = []
    lines: list[Part] = []
    left = dict(amounts)
    components = _components(parts, amounts, clues)
    has_strays = any(not consumers for _, consumers in components)
    some_miss = sum(len(consumers) for _, consumers in components) < len(amounts)
    for together, consumers in components:
        expected = total(amounts[c] for c in consumers)
        group = Group(together, consumers, expected)
        has_extra = some_miss and len(together) > len(consumers)  # may belong to another one
        is_right = clues.agree(group.value, expected) and not has_extra
        if consumers and (is_right or (len(together) == 1 and not has_strays)):
            groups.append(group)
        else:
            by_value, rest, remaining = _by_value(group, amounts, uses, clues, unread)
            groups += by_value
            left |= remaining
            if len(rest) == 1 and consumers and not by_value:
                groups.append(group)  # alone as before
            else:
                lines += rest
    for consumer in [c for group in groups for c in group.consumers]:
        left.pop(consumer, None)
    return groups + _left_over(lines, left, clues)


def _by_name(consumers: Iterable[Element]) -> dict[str, list[Element]]:
    """Consumers by the name they are numbers of, in order."""
    table: dict[str, list[Element]] = {}
    for consumer in consumers:
        table.setdefault(consumer.name, []).append(consumer)
    return table


def _is_incomplete(part: Part, amounts: Amounts, clues: Clues) -> bool:
    """Whether a lone line is right for the consumers it reads of, and leaves others out."""
    reads = part.reads or {clues.output.name}
    mine = [amount for consumer, amount in amounts.items() if consumer.name in reads]
    return 0 < len(mine) < len(amounts) and clues.agree(part.value, total(mine))


def _all_but_one(parts: list[Part], amounts: Amounts, clues: Clues) -> list[Group] | None:
    """Groups where all lines but one are right for the consumers they read of: it has the rest.

    A line may also hold what the output itself sends back, if no line is there for that alone.
    """
    if any(part.is_lost for part in parts):
        return None
    output, order = clues.output, {consumer: k for k, consumer in enumerate(amounts)}
    left = {name: dict.fromkeys(some) for name, some in _by_name(amounts).items()}
    groups: list[Group] = []
    others: list[Part] = []
    is_direct = output in amounts and all(part.reads for part in parts)
    for part in parts:
        read = part.reads or {output.name}
        mine = sorted((c for name in read for c in left.get(name, ())), key=order.__getitem__)
        choices = [mine]
        if is_direct and output in left.get(output.name, ()) and output not in mine:
            choices.append([*mine, output])
        fitting = next((some for some in choices if some and clues.agree(
            part.value, total(amounts[c] for c in some))), None)  # fmt: skip
        if fitting is None:
            others.append(part)
            if len(others) > 1:
                return None
            continue
        groups.append(Group([part], fitting, total(amounts[c] for c in fitting)))
        for consumer in fitting:
            del left[consumer.name][consumer]
    rest = sorted((c for some in left.values() for c in some), key=order.__getitem__)
    if not (others and rest and groups):
        return None
    (last,) = others
    if any(
        part.reads == last.reads and clues.agree(part.value, last.value)
        for group in groups
        for part in group.parts
    ):
        return None  # of two that say the same either may be the slip
    return [*groups, Group(others, rest, total(amounts[c] for c in rest))]


def _spare(parts: list[Part], amounts: Amounts, clues: Clues) -> Part | None:
    """The one line without which the sum would be right; None if there is none, or several."""
    if len(parts) < 2 or any(part.is_lost for part in parts):
        return None
    if any(clues.agree(amount, 0.0) for amount in amounts.values()):
        return None  # then a line may be in its place, and should give 0
    expected = total(amounts.values())
    sought = Nearest([(0.0, None), *((a, c) for c, a in amounts.items())], clues.tolerance)
    spare = None
    for part, others in zip(parts, _totals_without([p.value for p in parts]), strict=True):
        if clues.agree(others, expected) and not sought.near(part.value, 1):
            if spare is not None:
                return None
            spare = part
    return spare


def _totals_without(values: list[Amount]) -> list[Amount]:
    """Of each value the sum of all the others; of floats without rounding on the way."""
    if all(isinstance(value, float) and is_finite(value) for value in values):
        exact = [Fraction(value) for value in values]
        whole = sum(exact)
        try:
            return [float(whole - value) for value in exact]
        except OverflowError:
            pass  # beyond float64: as sums are
    before = [*accumulate(values, initial=0.0)]
    after = [*accumulate(reversed(values), initial=0.0)][::-1]
    return [before[k] + after[k + 1] for k in range(len(values))]


class _Component:
    """Lines that read gradients in common, and all consumers they read of."""

    def __init__(self) -> None:
        self.parts: deque[Part] = deque()
        self.consumers: deque[Element] = deque()
        self.names: list[str] = []
        self.last = -1  # its latest line


def _components(
    parts: list[Part], amounts: Amounts, clues: Clues
) -> list[tuple[list[Part], list[Element]]]:
    """Lines that read the gradient of the same consumer, and all consumers they read of.

    The smaller component is always entered into the larger, before or after what stands there.
    """
    consumers, order = _by_name(amounts), {consumer: k for k, consumer in enumerate(amounts)}
    owners: dict[str, _Component] = {}
    components: dict[int, _Component] = {}
    for number, part in enumerate(parts):
        names = [name for name in part.reads or (clues.output.name,) if name in consumers]
        fresh = [name for name in names if name not in owners]
        shared = {owners[name].last: owners[name] for name in names if name in owners}
        for last in shared:
            del components[last]
        component = _joined([shared[last] for last in sorted(shared)], owners)
        component.parts.append(part)
        component.consumers += sorted(
            (c for name in fresh for c in consumers[name]), key=order.__getitem__
        )
        component.names += fresh
        owners.update(dict.fromkeys(fresh, component))
        component.last = number
        components[number] = component
    return [([*c.parts], [*c.consumers]) for c in components.values()]


def _joined(shared: list[_Component], owners: dict[str, _Component]) -> _Component:
    """Several components as one, in their order."""
    if not shared:
        return _Component()
    largest = max(shared, key=lambda c: len(c.parts) + len(c.consumers) + len(c.names))
    middle = shared.index(largest)
    for component in reversed(shared[:middle]):
        largest.parts.extendleft(reversed(component.parts))
        largest.consumers.extendleft(reversed(component.consumers))
    for component in shared[middle + 1 :]:
        largest.parts.extend(component.parts)
        largest.consumers.extend(component.consumers)
    for component in shared:
        if component is not largest:
            largest.names += component.names
            owners.update(dict.fromkeys(component.names, largest))
    return largest


def _by_value(
    group: Group, amounts: Amounts, uses: Mapping[Element, Sequence[Amount]], clues: Clues,
    unread: int | None,
) -> tuple[list[Group], list[Part], Amounts]:  # fmt: skip
    """Split lines that are wrong together: those whose value is that of one use are right.

    Where two lines are equally near, neither is taken for the right one, unless only the later can
    be the slip: `unread` is the line that gives the gradient of the one consumer that no line reads
    of, and the earlier stands above it. Returns the groups, the lines left, and what is left of
    consumers that some line has answered for in part.
    """
    groups: list[Group] = []
    left: Amounts = {}
    free = Nearest(((part.value, part) for part in group.parts), clues.tolerance)
    readers: dict[str, list[Part]] = {}
    for part in group.parts:
        for name in part.reads:
            readers.setdefault(name, []).append(part)
    for consumer in group.consumers:
        whole = free.near(amounts[consumer], 3)
        if len(whole) == 2 and unread is not None:
            whole = [p for p in whole if p.line < unread] or whole
        if len(whole) == 1:
            groups.append(Group(whole, [consumer], amounts[consumer]))
            free.remove(whole[0])
            continue
        if whole or len(uses[consumer]) < 2:
            continue
        right, remaining = _single_uses(uses[consumer], free)
        if not right:
            continue
        groups += right
        rest = [part for part in readers.pop(consumer.name, ()) if part in free]
        if rest:
            for part in rest:
                free.remove(part)
            groups.append(Group(rest, [consumer], total(remaining)))
        elif remaining:
            left[consumer] = total(remaining)
        else:
            groups.append(Group([], [consumer], 0.0))
    return groups, [part for part in group.parts if part in free], left


def _single_uses(
    amounts: Sequence[Amount], free: Nearest[Part]
) -> tuple[list[Group], list[Amount]]:
    """Lines that give what one use of several sends back, and the amounts that none gives."""
    right: list[Group] = []
    remaining: list[Amount] = []
    for amount in amounts:
        fitting = free.near(amount, 2)
        if len(fitting) == 1:
            right.append(Group(fitting, [], amount))
            free.remove(fitting[0])
        else:
            remaining.append(amount)
    return right, remaining


def _left_over(lines: list[Part], left: Amounts, clues: Clues) -> list[Group]:
    """Match what reading did not: by value, by the names they share, else all together."""
    groups: list[Group] = []
    consumers = Nearest(((amount, consumer) for consumer, amount in left.items()), clues.tolerance)
    parts = Nearest(((part.value, part) for part in lines), clues.tolerance)
    for part in lines:
        fitting = consumers.near(part.value, 2)
        if len(fitting) == 1 and len(parts.near(left[fitting[0]], 2)) == 1:
            groups.append(Group([part], fitting, left.pop(fitting[0])))
            consumers.remove(fitting[0])
            parts.remove(part)
    lines = [part for part in lines if part in parts]
    if 1 < len(lines) == len(left):
        by_names = _by_names(lines, left, clues)
        groups += by_names
        done = {part for group in by_names for part in group.parts}
        lines = [part for part in lines if part not in done]
    if lines:
        groups.append(Group(lines, list(left), total(left.values())))
    else:
        groups += [Group([], [consumer], amount) for consumer, amount in left.items()]
    return groups


def _by_names(lines: list[Part], left: Amounts, clues: Clues) -> list[Group]:
    """Lines with the one consumer each that shares most names with it; `left` loses these."""
    groups: list[Group] = []
    users: dict[str, set[Element]] = {}
    for consumer in left:
        for name in clues.operands(consumer):
            users.setdefault(name, set()).add(consumer)
    for part in lines:
        everywhere = [name for name in part.names if len(users.get(name, ())) == len(left)]
        counts = Counter(
            consumer for name in part.names.difference(everywhere)
            for consumer in users.get(name, ())
        )  # fmt: skip
        most = max(counts.values(), default=0)
        best = [consumer for consumer, count in counts.items() if count == most]
        if not counts and everywhere:
            best = [*left]
        if len(best) == 1:
            groups.append(Group([part], best, left.pop(best[0])))
            for name in clues.operands(best[0]):
                users[name].discard(best[0])
    return groups

"""Amounts in order of size: those that agree with another one stand beside it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import Amount, mean_size

ROUNDING_OF_SIZES = 1e-9  # of sizes: what their own rounding may make of them

Key = TypeVar("Key", bound=Hashable)


class Nearest(Generic[Key]):
    """Things by their amounts; what agrees with nothing, such as nan, is near nothing."""

    def __init__(self, pairs: Iterable[tuple[Amount, Key]], tolerance: float) -> None:
        self._tolerance = tolerance
        self._amounts: list[Amount] = []
        self._keys: list[Key] = []
        self._places: dict[Key, tuple[float, int]] = {}
        for amount, key in pairs:
            self._places[key] = mean_size(amount), len(self._keys)
            self._amounts.append(amount)
            self._keys.append(key)
        self._order = sorted(place for place in self._places.values() if place[0] == place[0])

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def remove(self, key: Key) -> None:
        """Leave a thing out from here on."""
        place = self._places.pop(key)
        if place[0] == place[0]:
            del self._order[bisect_left(self._order, place)]

    def near(self, amount: Amount, most: int) -> list[Key]:
        """Things whose amounts agree with this one, so many at most."""
        size, order = mean_size(amount), self._order
        reach = self._tolerance + ROUNDING_OF_SIZES
        middle = bisect_left(order, (size, -1))
        keys: list[Key] = []
        for places in (range(middle, len(order)), range(middle - 1, -1, -1)):
            for place in places:
                other, number = order[place]
                if not abs(size - other) <= reach * (size + other):
                    break
                if agree(amount, self._amounts[number], self._tolerance):
                    keys.append(self._keys[number])
                    if len(keys) == most:
                        return keys
        return keys

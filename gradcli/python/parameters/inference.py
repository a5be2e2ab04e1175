"""Shapes of inputs from the code alone.

Every axis gets a size of its own, the code is read, and every misfit says which two axes are one:
`5 columns meet 7 rows`. Ranks are guessed and varied where nothing fits.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from gradcli.errors import GradcliError
from gradcli.python.parameters.draws import Draws
from gradcli.python.parameters.flaws import Halted, Imperfect, Unreal, is_stuck
from gradcli.python.parameters.guesses import BIAS, TARGETS, Guess, Guesser, Parts, ShapeOf
from gradcli.python.parameters.lessons import Lesson
from gradcli.python.parameters.likely_axes import Unlikely, unlikely
from gradcli.python.parameters.misfits import (
    WEIGHT,
    counted_through,
    has_batch,
    is_misfit,
    joined,
    like_other,
    pair_of,
    single_axis,
    single_beside,
    single_column,
    single_example,
    squares,
    taken_apart,
    twins_alike,
    with_column,
    with_lonely_column,
    with_ones,
    with_part,
    with_size_one,
)
from gradcli.python.parameters.packed import Measured
from gradcli.python.parameters.starts import (
    CLASSES,
    EIGHTS,
    EVEN,
    LABELLED,
    SIZES,
    TURNS,
    Choice,
    as_numbers,
    combinations,
    starts,
    with_array,
    with_examples,
    with_learned,
)
from gradcli.python.state.missing import MissingInputs, NoNumber, Unclaimed
from gradcli.python.state.source import ForeignFault
from gradcli.python.words.returned import is_of_gradients

MOST_READINGS = 90  # of the code, in search of shapes that fit
MOST_WORK = 100_000  # statements, gates and thousands of elements of these readings
# Sizes that are looked through one after the other, with the readings and the work for each.
Family = tuple[tuple[int, ...], int, int]
FAMILIES: tuple[Family, ...] = (
    (SIZES, MOST_READINGS, MOST_WORK),
    (EVEN, MOST_READINGS // 3, MOST_WORK // 4),
    (EIGHTS, MOST_READINGS // 3, MOST_WORK // 4),
)
AGAIN = ((SIZES, MOST_READINGS // 3, MOST_WORK // 4),)  # once a reading has failed
MOST_DRAWN = 60_000  # elements of all inputs; code that needs more is not understood
MOST_MERGES = 24  # of axes, for one choice of ranks
MORE_READINGS = 40  # once there is one that ends, though not as it should
FLAT = 2  # axes of what is usual
ONE_NUMBER = re.compile("truth value of an array is ambiguous|takes one number")


class Inference:
    """Searches values for parameters so that a reading succeeds."""

    def __init__(
        self, guesser: Guesser, draws: Draws,
        learn: Callable[[GradcliError, dict[str, Any]], Lesson | None], work: Callable[[], int],
        first: Mapping[str, Guess] | None = None, refused: Sequence[Choice] = (),
    ) -> None:  # fmt: skip
        self.guesser = guesser
        self.usage = guesser.usage
        self.draws = draws
        self.learn = learn  # says what a fault teaches of the values
        self.first = first or {}  # guesses to begin with
        self.refused = refused  # with which a reading has failed
        self.chosen: Choice | None = None  # what the values are drawn for
        self.work = work  # that all readings have been so far
        self.readings = 0
        self.faults: list[GradcliError] = []  # that ended the readings with each choice of ranks
        self.imperfect: tuple[Any, dict[str, Any]] | None = None  # the first of such readings
        self.is_final = False  # whether other shapes would only hide what is wrong with it
        self.is_unreal = False  # whether a value was no number
        self.wants_numbers = False  # as arrays gave none, or were refused
        self.is_single = False  # whether the code takes one example at a time
        self.takes_batches = False  # whether it would be right with one, and asks for the number
        self.batch: tuple[Halted, dict[str, Any], Choice] | None = None  # that it has stopped at
        self.single: int | None = None  # the size of the axis that is to be of one element
        self.halted: tuple[Halted, dict[str, Any]] | None = None  # the first, where none ended
        self.likely_halt: tuple[Halted, dict[str, Any]] | None = None  # that of likely inputs
        self.unclaimed: Unclaimed | None = None  # the first reading that ended without a claim
        self.most = MOST_READINGS
        self.families: tuple[Family, ...] = FAMILIES
        self.sizes: tuple[int, ...] = SIZES
        self.learned: dict[str, Guess] = {}  # of parameters, by their ways, from faults
        self.pending: list[Choice] = []  # that faults have taught, and that were not tried
        self.reached: dict[str, Guess] = {}  # guesses with which more inputs turned out missing
        self.seen: list[dict[str, Guess]] = []  # guesses that were tried
        self.last_pair: tuple[int, int] | None = None  # of sizes that were to be one
        self.squared: set[str] = set()  # what is square only because a line of gradients asks

    def search(
        self, missing: list[str], attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """What `attempt` gives for the first values that fit, and these; None for none."""
        for sizes, most, work in AGAIN if self.refused else self.families:
            self.sizes = sizes
            found = self._search(missing, attempt, most, self.work() + work)
            if found is not None or self.halted is not None or self.unclaimed is not None:
                return found
        return None

    def _search(
        self, missing: list[str], attempt: Callable[[dict[str, Any]], Any], most: int, end: int
    ) -> tuple[Any, dict[str, Any]] | None:
        """What a search with sizes of one family gives."""
        self.end = end
        for self.draws.is_positive in (False, True):
            self.readings, self.most = 0, most
            self.seen, self.pending = [], []
            for choice in self._narrowed():
                if (found := self._merged(choice, attempt)) is not None:
                    return found
            for likely in self._likely(missing):
                guesses = with_learned(likely, self.learned)
                if guesses in self.seen or self._would_hide(guesses):
                    continue
                self.seen.append(guesses)
                for shapes in starts(self.guesser, guesses, self.sizes):
                    found = self._merged(Choice(guesses, shapes), attempt)
                    while found is None and self.pending and self.readings < self.most:
                        found = self._merged(self.pending.pop(0), attempt)
                    if found is None and self.draws.style.targets and not self.refused:
                        found = self._with_targets(Choice(guesses, shapes), attempt)
                    if found is not None:
                        return found
                    if self.readings >= self.most:
                        break
                if self.readings >= self.most:
                    break
            if not self.is_unreal:
                break
        return None if self.refused else self.imperfect

    def _likely(self, missing: list[str]) -> Iterator[dict[str, Guess]]:
        """The combinations of guesses; numbers early where the code is of numbers.

        It asks whether an array is above 0, calls `math`, or works element by element and gives an
        array where a number is to come.
        """
        are_numbers_due = True
        for guesses in combinations({name: self._options(name) for name in missing}):
            yield guesses
            if self.wants_numbers and are_numbers_due:
                are_numbers_due = False
                yield {
                    name: "number" if "number" in self.guesser.guesses(name) else guess
                    for name, guess in guesses.items()
                }

    def _options(self, name: str) -> list[Guess]:
        """What a parameter may be; first of all what it was in a reading that came further."""
        options = self.guesser.guesses(name)
        if name not in self.first:
            return options
        return [self.first[name], *(guess for guess in options if guess != self.first[name])]

    def _would_hide(self, guesses: dict[str, Guess]) -> bool:
        """Whether a choice takes numbers for arrays, or the other way round, or few or deep ones.

        Once the likely choices have been read with a misfit, such a one would only hide it.
        """
        if self.refused:
            return bool(unlikely(self.guesser, guesses).fewer) or self._has_fewer_parts(guesses)
        is_stuck = self.halted is not None and is_misfit(self.halted[0].message)
        if not (is_stuck or self.imperfect is not None) or self.wants_numbers:
            return False
        if self._has_fewer_parts(guesses):
            return True
        for name in guesses.keys() - self.learned.keys():
            guess, likely = guesses[name], self.guesser.guesses(name)[0]
            if isinstance(guess, int) != isinstance(likely, int) and guess not in LABELLED:
                return True
            if isinstance(guess, int) and guess > max(likely, FLAT):
                return True
        return False

    def _has_fewer_parts(self, guesses: dict[str, Guess]) -> bool:
        """Whether a choice takes fewer parts than is likely: of one layer no order is wrong."""
        likely = {name: self.guesser.guesses(name)[0] for name in guesses}
        return any(
            isinstance(guess, Parts) and isinstance(likely[name], Parts)
            and len(guess.parts) < len(likely[name].parts) for name, guess in guesses.items()
        )  # fmt: skip

    def _narrowed(self) -> Iterator[Choice]:
        """The refused choices with twins alike, columns for vectors, or a last axis of size 1.

        First axes keep their sizes: most often they are examples, and one alone would hide much.
        """
        for guesses, shapes in self.refused:
            if self.single is not None:
                if (narrow := with_size_one(shapes, self.single, BIAS)) is not None:
                    yield Choice(guesses, narrow)
                return
            if (alike := twins_alike(shapes)) is not None:
                yield Choice(guesses, alike)
            vectors = [
                name for name, guess in guesses.items()
                if guess == 1 and name not in self.usage.packed
            ]  # fmt: skip
            if vectors:
                columns = {name: (*shapes[name], 1) for name in vectors}
                yield Choice({**guesses, **dict.fromkeys(vectors, FLAT)}, {**shapes, **columns})
            flat = [shape for name, shape in shapes.items() if guesses.get(name) == FLAT]
            firsts = {shape[0] for shape in shapes.values() if shape}
            for size in dict.fromkeys(s[-1] for s in flat if s and s[-1] not in firsts):
                if (narrow := with_size_one(shapes, size)) is not None:
                    yield Choice(guesses, narrow)

    @property
    def unlikely(self) -> Unlikely:
        """The inputs that the kept choice gives fewer or more axes than is likely."""
        return Unlikely() if self.chosen is None else self._unlikely(self.chosen)

    def _unlikely(self, choice: Choice) -> Unlikely:
        """The inputs of a choice that have unlikely axes; what the forward part needs is likely."""
        guesses = {n: g for n, g in choice.guesses.items() if self.learned.get(n) != g}
        return unlikely(self.guesser, guesses)

    def _with_targets(
        self, choice: Choice, attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """The outcome with targets in every shape that other axes have: one-hot rows for labels."""
        targets = [n for n, s in choice.shapes.items() if TARGETS.match(n) and len(s) == 2]
        sizes = {n for name, s in choice.shapes.items() if name not in targets for n in s}
        if len(targets) != 1:
            return None
        for shape in itertools.product(sorted(sizes), repeat=2):
            if shape[0] != shape[1] and self.readings < self.most:
                shapes = {**choice.shapes, targets[0]: shape}
                found = self._merged(choice._replace(shapes=shapes), attempt)
                if found is not None:
                    return found
        return None

    def _merged(
        self, choice: Choice, attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """The outcome once axes that misfits name have become one."""
        lengths: Mapping[str, tuple[int, ...]] = {}  # of packed vectors, with the sizes so far
        past = [choice.shapes]
        first: tuple[Halted, Choice, dict[str, Any]] | None = None
        for _ in range(MOST_MERGES):
            self.readings += 1
            if sum(map(prod, choice.shapes.values())) > MOST_DRAWN:
                return None
            if self.work() > self.end:
                self.readings = self.most
                return None
            if choice in self.refused:
                return None
            measured = with_ones(choice.shapes, lengths, [])
            tried = choice if measured is None else choice._replace(shapes=measured)
            values = self.draws.values(tried)
            changed: dict[str, tuple[int, ...]] | None
            is_for_gradient = False
            try:
                outcome = attempt(values)
                if self.is_single and self._reads_its_batch(outcome):
                    return None
                self.chosen = tried
                return self._with_labels(tried, attempt) or (outcome, values)
            except MissingInputs:
                self.reached = choice.guesses
                raise
            except Measured as found:
                lengths = found.shapes
                continue
            except Imperfect as flaw:
                self._keep(flaw, values, choice)
                if flaw.is_final and not self.refused:
                    return self.imperfect  # the likeliest
                changed = with_ones(choice.shapes, flaw.shapes, [*choice.guesses])
                if flaw.halted is not None and first is None:
                    first = flaw.halted, choice, values
                if changed in past:  # the code holds on to what it has
                    changed = self._after(*first) if first is not None else None
            except Halted as halt:
                if (other := with_array(halt.message, choice, self.usage.indices)) is not None:
                    choice = other
                    continue
                is_for_gradient = True
                changed = self._after(halt, choice, values)
                if changed is None and (other := self._taught(halt, choice, values)) is not None:
                    self.halted = None
                    choice = other
                    continue
            except GradcliError as error:
                if (other := with_array(error.message, choice, self.usage.indices)) is not None:
                    choice = other
                    continue
                at = error.span
                is_for_gradient = at is not None and is_of_gradients(at.line_text, at.column)
                changed = self._refitted(error, choice)
                if isinstance(error, Unclaimed) and self.unclaimed is None:
                    self.unclaimed = error
                is_elementwise = isinstance(error, NoNumber) and error.is_elementwise
                if is_elementwise or ONE_NUMBER.search(error.message):
                    self.wants_numbers = True
                if changed is None:
                    self.faults.append(error)
                    if is_stuck(self.faults):
                        self.readings = self.most
                    if (other := self._taught(error, choice, values)) is not None:
                        choice = other
                        continue
            if changed is None or self.readings >= self.most:
                return None
            if is_for_gradient:
                self.squared |= squares(changed) - squares(choice.shapes)
            choice, lengths = choice._replace(shapes=changed), {}
            past.append(changed)
        return None

    def _with_labels(
        self, choice: Choice, attempt: Callable[[dict[str, Any]], Any]
    ) -> tuple[Any, dict[str, Any]] | None:
        """The outcome with as many labels as examples: `p[np.arange(len(y)), y]` takes fewer."""
        other = with_examples(choice, self.guesser.shaped)
        if other is None:
            return None
        values = self.draws.values(other)
        try:
            outcome = attempt(values)
        except GradcliError:
            return None
        self.chosen = other
        return outcome, values

    def _keep(self, flaw: Imperfect, values: dict[str, Any], choice: Choice) -> None:
        """Keep the first reading that ends, and look at few more."""
        self.is_unreal = self.is_unreal or isinstance(flaw, Unreal)
        if self.imperfect is None and flaw.outcome is not None:
            self.imperfect, self.chosen = (flaw.outcome, values), choice
            self.is_final = flaw.is_final
            self.most = min(self.most, self.readings + MORE_READINGS)

    def _refitted(self, error: GradcliError, choice: Choice) -> dict[str, tuple[int, ...]] | None:
        """The shapes that an error of the forward part asks for; None where it asks for none."""
        if isinstance(error, NoNumber):
            return with_lonely_column(choice.shapes)
        message = f"{error.message} {error.hint or ''}"
        if (single := single_axis(message)) is not None:
            return with_size_one(choice.shapes, single)
        if (rows := taken_apart(choice.shapes, message)) is not None:
            return rows
        column = like_other(choice.shapes, message, TARGETS) or with_column(
            choice.shapes, message, BIAS
        )
        pair = pair_of(message)
        if pair is None:
            pair = counted_through(message, choice.guesses, choice.shapes, self.sizes)
        if (single := self._single_beside(pair)) is not None:
            return with_size_one(choice.shapes, single)
        if column is not None or pair is None or self._makes_square(pair, choice):
            return column
        if 1 in pair:  # of what the code itself has made
            return with_size_one(choice.shapes, max(pair))
        return joined(choice.shapes, *pair, (*self.sizes, TURNS)) or with_part(
            choice.shapes, message
        )

    def _single_beside(self, pair: tuple[int, int] | None) -> int | None:
        """The size that is 1 as two sizes that were made one have grown apart again."""
        last, self.last_pair = self.last_pair, pair
        return None if last is None or pair is None else single_beside(pair, last)

    def _makes_square(self, pair: tuple[int, int], choice: Choice) -> bool:
        """Whether two axes of an input would be one as a shape was taken for that of this input.

        Of a shape that is another's, `units, width = shape`, the input may have one axis only.
        """
        shaped = {guess.name for guess in choice.guesses.values() if isinstance(guess, ShapeOf)}
        return any({*pair} <= {*choice.shapes.get(name, ())} for name in shaped)

    def _after(
        self, halt: Halted, choice: Choice, values: dict[str, Any]
    ) -> dict[str, tuple[int, ...]] | None:
        """The shapes that a stop of the backward part asks for; None where it is a mistake.

        Two axes that the forward part holds apart are not made one: that would hide it.
        """
        message = f"{halt.message} {halt.hint or ''}"
        single = single_example(halt.message) or single_column(message, choice.shapes)
        if single is not None:
            counts = [n for n, guess in choice.guesses.items() if guess == "count"]
            if any(single in choice.shapes.get(name, ()) for name in counts):
                return None
            if single_example(halt.message) is not None and has_batch(choice.shapes, single):
                self.is_single, self.batch = True, (halt, values, choice)
            return with_size_one(choice.shapes, single)
        pair = pair_of(message)
        if (single := self._single_beside(pair)) is not None:
            return with_size_one(choice.shapes, single)
        counted = counted_through(message, choice.guesses, choice.shapes, ())
        if counted is not None:  # labels, which no axis holds apart
            return joined(choice.shapes, *counted, (*self.sizes, TURNS))
        is_one = pair is not None and (not {*pair} <= halt.sizes or self._are_tied(pair, choice))
        if pair is not None and (is_one or halt.meets_identity):
            return joined(choice.shapes, *pair, (*self.sizes, TURNS))
        if self.halted is None or halt.line > self.halted[0].line:  # the furthest it came
            self.halted, self.chosen = (halt, values), choice
        is_further = self.likely_halt is None or halt.line > self.likely_halt[0].line
        if is_further and not any(self._unlikely(choice)):
            self.likely_halt = halt, values
        return None

    def _reads_its_batch(self, outcome: Any) -> bool:
        """Whether code that is read with one example asks how many there are: then it takes more.

        What has stopped it with more of them is a mistake, such as a sum that is missing.
        """
        driven = outcome[0]
        if self.batch is None or not driven.reader.reads_one:
            return False
        halt, values, self.chosen = self.batch
        self.halted, self.is_single, self.takes_batches = (halt, values), False, True
        return True

    def _are_tied(self, pair: tuple[int, int], choice: Choice) -> bool:
        """Whether labels make two sizes one: their classes, or their examples."""
        own = {n for shape in choice.shapes.values() for n in shape if not self.usage.lists}
        if CLASSES in {*pair} - own and "labels" in choice.guesses.values():
            return True
        labels = {choice.shapes[n][0] for n, guess in choice.guesses.items() if guess == "labels"}
        rows = {
            choice.shapes[name][0] for name, guess in choice.guesses.items()
            if isinstance(guess, int) and guess >= FLAT and not WEIGHT.match(name)
        }  # fmt: skip
        return any(x in labels and y in rows for x, y in (pair, pair[::-1]))

    def _taught(self, error: GradcliError, choice: Choice, values: dict[str, Any]) -> Choice | None:
        """The choice with what a fault says of a parameter; None where it says nothing new."""
        if isinstance(error, NoNumber):
            return self._of_numbers(error, choice)
        found = self.learn(error, values)
        if found is None or found.name in self.usage.packed:
            return None
        if self.learned.get(found.name) == found.guess:
            return None
        self.learned[found.name] = found.guess
        guesses = with_learned(choice.guesses, self.learned)
        if guesses in self.seen:
            return None
        self.seen.append(guesses)
        choices = [Choice(guesses, shapes) for shapes in starts(self.guesser, guesses, self.sizes)]
        self.pending += choices[1:]
        return choices[0] if choices else None

    def _of_numbers(self, error: NoNumber, choice: Choice) -> Choice | None:
        """The choice with numbers for some arrays; None where they are none, or it was tried."""
        numbers = as_numbers(error, choice, self.guesser)
        if error.is_sum:  # whatever the others are
            self.learned.update({n: guess for n, guess in numbers.items() if guess == "number"})
        guesses: dict[str, Guess] = {**choice.guesses, **numbers}
        if not numbers or guesses in self.seen:
            return None
        self.seen.append(guesses)
        return next((Choice(guesses, shapes)
                     for shapes in starts(self.guesser, guesses, self.sizes)), None)  # fmt: skip

    def fault(self, otherwise: GradcliError) -> GradcliError:
        """The error to show: what stopped the likeliest reading, if that is no misfit of shapes."""
        if self.unclaimed is not None:
            return self.unclaimed
        foreign = [fault for fault in self.faults if isinstance(fault, ForeignFault)]
        first = next(iter(foreign or self.faults), otherwise)
        is_of_shapes = first.kind in ("shape", "binding") or is_misfit(first.message)
        return otherwise if is_of_shapes else first

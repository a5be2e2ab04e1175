"""Numbers as a person draws them beside a wire, and never rounded to what they are not.

0.731      0.73        two decimals, as the lecture draws
3          3.00
0.0041     4.1e-3      not 0.00
0.9999     0.9999      not 1.00
1234567.8  1.23e6
"""

from __future__ import annotations

import math
import re

from gradcli.render.arrays import cell_text, flattened
from gradcli.reports.digits import certain_text
from gradcli.reports.evaluations import Number

DECIMALS = 2
ALL_DIGITS = 12  # of numbers whose digits are not cut
LARGEST_FIXED = 1e6  # from here on a power of ten tells more
MOST_DECIMALS_MORE = 6  # beyond those asked for, that tell a number from the whole one next to it
MOST_SHOWN = 6  # elements of an array that are drawn one by one


def drawn(number: float, decimals: int | None = DECIMALS, bound: float | None = None) -> str:
    """The text of a number with so many decimals; None are all digits that are certain.

    >>> [drawn(x) for x in (0.7310585, 3, 0.0041, 0.9999, 1234567.8, -0.2)]
    ['0.73', '3.00', '4.1e-3', '0.9999', '1.23e6', '-0.20']
    """
    if decimals is None or not math.isfinite(number):
        return certain_text(number, bound, ALL_DIGITS)
    text = _rounded(number, decimals, bound or 0.0)
    is_shown = not bound or (0 < bound <= _last_place(text) and float(text.lstrip("≈")) != 0)
    return text if is_shown else certain_text(number, bound, decimals + 1).replace(" +- ", " ± ")


def _rounded(number: float, decimals: int, slack: float) -> str:
    """The number with fixed decimals where these say enough, else with an exponent."""
    size = abs(number)
    if size >= LARGEST_FIXED:
        return _scientific(number, decimals)
    text = f"{number + 0.0:.{decimals}f}"
    if _is_within(number, text, slack):
        return text.removeprefix("-") if not float(text) else text
    if size < 10.0 ** -max(decimals - 1, 1):
        return _scientific(number, max(decimals - 1, 0))
    for more in range(1, MOST_DECIMALS_MORE + 1):
        if float(text) != round(number):
            return text
        text = f"{number:.{decimals + more}f}"
    return text if float(text) != round(number) else f"≈{number:.{decimals}f}"


def _scientific(number: float, decimals: int) -> str:
    mantissa, exponent = f"{number:.{decimals}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _is_within(number: float, text: str, slack: float) -> bool:
    """Whether the text is the number, or as near to it as its own rounding errors."""
    return abs(float(text) - number) <= max(slack, 4 * math.ulp(number))


def _last_place(text: str) -> float:
    """Half a unit of the last digit of a number's text."""
    mantissa, _, exponent = text.lstrip("≈").partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5 * 10.0 ** (int(exponent or 0) - decimals)


def drawn_lines(number: Number, decimals: int | None, bound: Number | None = None) -> list[str]:
    """A number, or an array: small ones whole, a line for each row; of large ones the size.

    >>> drawn_lines([[1.0, -0.25], [0.5, 2.0]], 2)
    ['[[1.00, -0.25],', ' [0.50,  2.00]]']
    >>> drawn_lines([3.0, 4.0] + [0.0] * 8, 2)
    ['norm 5.00']
    """
    if not isinstance(number, list):
        return [drawn(number, decimals, None if isinstance(bound, list) else bound)]
    numbers = flattened(number)
    if len(numbers) > MOST_SHOWN:
        if any(map(math.isnan, numbers)):
            return ["with nan"]
        return [f"norm {drawn(math.hypot(*numbers), decimals)}"]
    return cell_text(number, bound, lambda x, b: drawn(x, decimals, b), show_all=True).split("\n")


def drawn_line(number: Number, decimals: int | None, bound: Number | None = None) -> str:
    """A number or an array on one line."""
    return re.sub(r"(?<=\[) +| +(?= )", "", " ".join(drawn_lines(number, decimals, bound)))

"""Claims on values, `y == 3`: held to what is true in many digits, or in float64 with its bounds."""

import pytest

from gradcli import check

LONG = "; ".join(["x = 1; a0 = x", *(f"a{k} = a{k - 1}*1.0000001" for k in range(1, 21_000))])

NUMBERS = [
    ("x = 1; y = (x + 1e16) - 1e16", "1", {"pass"}),  # float64 has 0
    ("x = 1; y = (x + 1e16) - 1e16", "0", {"fail"}),
    ("x = 1; y = (x + 2**-3e5) - 1", "0", {"inconclusive"}),  # it is, to 90,000 digits
    ("x = 1; y = 1/(cos(x)**2 + sin(x)**2 - 1)", "3", {"inconclusive", "fail"}),  # a pole
    ("x = 1e300; y = x*1e10", "inf", {"fail", "inconclusive"}),  # 1e310
    ("x = 1e300; y = x*1e10", "1e308", {"fail", "inconclusive"}),
    ("x = -1; y = log(x)", "0", {"undefined"}),
    ("x = 0; y = log(x)", "-inf", {"pass"}),
    ("x = 0; y = log(x)", "0", {"fail"}),
    (f"{LONG}; b = a20999 + 1e16; y = b - 1e16", "1", {"inconclusive"}),
]


@pytest.mark.parametrize(("text", "claim", "verdicts"), NUMBERS)
def test_claims_on_numbers(text, claim, verdicts):
    (case,) = check(f"{text}; f = 2*x; y == {claim}; dx = 2").cases
    assert next(found.verdict for found in case.values) in verdicts


ARRAYS = [
    ("w*2", "[[2, 2], [2, 2]]", {"pass"}),
    ("w*2", "[[2, 2], [2, 3]]", {"fail"}),
    ("w*2", "[[2, 2], [2, nan]]", {"fail"}),
    ("w*2", "[[2, 2], [2, inf]]", {"fail"}),
    ("log(-w)", "zeros(2, 2)", {"undefined"}),
    ("exp(w*1000)", "zeros(2, 2)", {"inconclusive", "fail"}),
    ("(w + 1e16) - 1e16", "ones(2, 2)", {"pass", "inconclusive"}),  # float64 has 0
    ("(w + 1e16) - 1e16", "7*ones(2, 2)", {"fail"}),
]


@pytest.mark.parametrize("most", [1, 1000])  # as arrays, and number by number
@pytest.mark.parametrize(("text", "claim", "verdicts"), ARRAYS)
def test_claims_on_arrays(text, claim, verdicts, most):
    program = f"w = ones(2, 2); y = {text}; f = sum(w); y == {claim}; dw = ones(2, 2)"
    (case,) = check(program, max_elements=most).cases
    order = ("pass", "inconclusive", "undefined", "fail")
    assert max((found.verdict for found in case.values), key=order.index) in verdicts


def test_a_claim_on_no_elements_is_right():
    text = "w = zeros(0, 2); y = w*2; f = sum(w) + 1; y == zeros(0, 2); dw = zeros(0, 2)"
    assert check(text).verdict == "pass"

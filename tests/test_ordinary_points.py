"""Ordinary points: formulas of physics, floating-point benchmarks, optimisation and learning.

At every point value and gradients are within their bounds, no digit of the table is wrong, and
many digits are needed on few of them. The truth is the same graph in mpmath at 300 digits for the
gradients, and Python's own parser over mpmath for the values.
"""

import math
import re
from decimal import Decimal
from random import Random

import mpmath
import pytest
from mpmath import mp

import gradcli
from gradcli.arithmetic.digits import digits
from gradcli.engine import Machine, backward
from gradcli.evaluation import limits
from gradcli.program.reader import read
from gradcli.reports.digits import certain_text

# A line: an expression; every name is drawn from 0.5 to 3 unless `name:low:high` says otherwise.
FORMULAS = """
m*a
m*v**2/2
G*m1*m2/r**2
q1*q2/(4*pi*eps*r**2)
m*c**2/sqrt(1 - v**2/c**2) ; v:0.1:0.9 c:1:2
(x - u*t)/sqrt(1 - u**2/c**2) ; u:0.1:0.9 c:1:2
exp(-theta**2/2)/sqrt(2*pi)
exp(-(theta/sigma)**2/2)/(sqrt(2*pi)*sigma)
exp(-((theta-theta1)/sigma)**2/2)/(sqrt(2*pi)*sigma)
sqrt((x2-x1)**2 + (y2-y1)**2)
x1*y1 + x2*y2 + x3*y3
mu*Nn
q*(Ef + B*v*sin(theta))
k*x**2/2 + m*g*y
(m1*r1 + m2*r2)/(m1 + m2)
I0*sin(n*theta/2)**2/sin(theta/2)**2 ; theta:0.5:2.5
asin(lambd/(n*d)) ; lambd:0.1:0.4
1/(1/d1 + n/d2)
omega/c
x1**2 + x2**2 - 2*x1*x2*cos(theta1 - theta2)
p*V/(gamma0 - 1) ; gamma0:1.2:1.7
n*kb*T/V*log(V2/V1)
h*omega**3/(pi**2*c**2*(exp(h*omega/(kb*T)) - 1))
(1/(gamma0 - 1))*k*v/A ; gamma0:1.2:1.7
sigma*A*T**4
q/(4*pi*eps*y*(1 - v/c)) ; v:0.1:0.5 c:1:2
-p*E*cos(theta)
3/5*q**2/(4*pi*eps*d)
eps*c*E**2/2
mom*tanh(mom*B/(kb*T))
n0*exp(-m*g*x/(kb*T))
n0/(exp(mom*B/(kb*T)) + exp(-mom*B/(kb*T)))
1/(exp(h*omega/(kb*T)) - 1)
sin(E*t/h)**2
2*U*(1 - cos(k*d))
beta*(1 + alpha*cos(theta))
x1*(cos(omega*t) + alpha*cos(omega*t)**2)
G*m*M*(1/r2 - 1/r1)
sqrt(2*g*h)
2*pi*sqrt(L/g)
v0*t*sin(theta) - g*t**2/2
R*T/(V - b) - a/V**2 ; V:3:6 b:0.1:0.5
(P + a/V**2)*(V - b) ; V:3:6 b:0.1:0.5
A*exp(-Ea/(R*T))
Vmax*S/(Km + S)
r*x*(1 - x/K)
K/(1 + (K - P0)/P0*exp(-r*t))
Q/(2*eps)*(1 - x/sqrt(x**2 + R**2))
1 - exp(-t/(R*C))
V0*exp(-t/(R*C))*cos(omega*t)
4*eps*((s/r)**12 - (s/r)**6) ; r:1.2:2
D*(1 - exp(-a*(r - r0)))**2
hc/(lambd**5*(exp(hc/(lambd*kT)) - 1))
(1-x)**2 + 100*(y - x*x)**2
(x**2 + y - 11)**2 + (x + y**2 - 7)**2
(x + 2*y - 7)**2 + (2*x + y - 5)**2
0.26*(x**2 + y**2) - 0.48*x*y
sin(3*pi*x)**2 + (x-1)**2*(1 + sin(3*pi*y)**2) + (y-1)**2*(1 + sin(2*pi*y)**2)
(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2
-20*exp(-0.2*sqrt(0.5*(x**2 + y**2))) - exp(0.5*(cos(2*pi*x) + cos(2*pi*y))) + e + 20
20 + x**2 - 10*cos(2*pi*x) + y**2 - 10*cos(2*pi*y)
-cos(x)*cos(y)*exp(-((x - pi)**2 + (y - pi)**2))
100*sqrt(abs(y - 0.01*x**2)) + 0.01*abs(x + 10)
sin(x + y) + (x - y)**2 - 1.5*x + 2.5*y + 1
-0.0001*(abs(sin(x)*sin(y)*exp(abs(100 - sqrt(x**2 + y**2)/pi))) + 1)**0.1
0.5 + (sin(x**2 - y**2)**2 - 0.5)/(1 + 0.001*(x**2 + y**2))**2
(x**4 - 16*x**2 + 5*x + y**4 - 16*y**2 + 5*y)/2
4*x**2 - 2.1*x**4 + x**6/3 + x*y - 4*y**2 + 4*y**4
2*x**2 - 1.05*x**4 + x**6/6 + x*y + y**2
(y - 5.1/(4*pi**2)*x**2 + 5/pi*x - 6)**2 + 10*(1 - 1/(8*pi))*cos(x) + 10
(x + 10*y)**2 + 5*(z - w)**2 + (y - 2*z)**4 + 10*(x - w)**4
1 + x**2/4000 + y**2/4000 - cos(x)*cos(y/sqrt(2))
-sin(x)*sin(x**2/pi)**20 - sin(y)*sin(2*y**2/pi)**20
exp(sin(50*x)) + sin(60*exp(y)) + sin(70*sin(x)) - sin(10*(x+y)) + (x*x + y*y)/4
sqrt(x + 1) - sqrt(x) ; x:1:100
1/(x + 1) - 1/x
x/(1 + x*x)
(x*x - 2*x + 1)/(x + 3)
-(331.4 + 0.6*T)*v/((331.4 + 0.6*T + u)**2) ; T:-30:50 u:-100:100 v:20:20000
-x*y - 2*y*z - x - z
2*x*y*z + 3*z*z - y*x*y*z + 3*z*z - y
x + y*z/3 - x**3/6
x - x**3/6 + x**5/120 - x**7/5040
1 + 0.5*x - 0.125*x**2 + 0.0625*x**3
0.954929658551372*x - 0.12900613773279798*x**3
(4*(y*z - 1) + x)/(x*y + 2)
sqrt(x*x + y*y)
atan2(y, x)
exp(x)/(exp(x) + exp(y))
log(x**2 + y**2)
x**y
hypot(x, y, z)
asinh(x)*acosh(y + 1) ; y:0.5:3
atanh(x/4) + acos(x/4)
cbrt(x)*exp2(y) + log2(z) + log10(x)
tan(x/3)*sinh(y) - cosh(z)
1/(1 + exp(-(w0*x0 + w1*x1 + w2)))
log(1 + exp(w*x + b))
tanh(w1*x + b1)*w2 + b2
max(0, w1*x + b1)*w2 + b2 ; w1:-2:2 b1:-2:2
relu(w1*x1 + w2*x2 + b) ; w1:-2:2 w2:-2:2
(sigmoid(w*x + b) - y)**2
-(y*log(sigmoid(z)) + (1 - y)*log(1 - sigmoid(z))) ; y:0.1:0.9 z:-3:3
logsumexp(a, b, c) - b
-log(exp(a)/(exp(a) + exp(b) + exp(c)))
huber(y - w*x - b)
silu(w*x + b) ; w:-2:2
gelu(w*x + b) ; w:-2:2
softplus(w*x) - logsigmoid(b)
leaky_relu(w*x, 0.1) ; w:-2:2
exp(-(x - mu)**2/(2*s**2))/(s*sqrt(2*pi))
log(s) + (x - mu)**2/(2*s**2)
erf(x/sqrt(2))*erfc(y)
gamma(x)*gamma(y)/gamma(x + y)
sigmoid(x)*(1 - sigmoid(x))
g*tanh(c*f + i*o) ; f:0.1:0.9
a*exp(q*k/sqrt(d)) ; d:2:8
where(x > y, x**2, y**3)
max(x, y)*min(x, z)
floor(x)*y + abs(z) ; z:-3:3
x/(abs(x) + 1) ; x:-3:3
w*w*lam + (w*x - y)**2
lr*g/(sqrt(v) + 1e-8)
(x - mu)/sqrt(var + 1e-5)*gam + beta
"""
LINES = [line for line in FORMULAS.strip().split("\n") if line]
POINTS = 3


def points():
    rng = Random(20240607)
    for line in LINES:
        text, _, ranges = line.partition(" ; ")
        known = {n: (float(a), float(b)) for n, a, b in (r.split(":") for r in ranges.split())}
        names = list(dict.fromkeys(re.findall(r"(?<![\w.])[A-Za-z_]\w*(?![\w(])", text)))
        names = [n for n in names if n not in ("pi", "e", "exp", "if", "else")]
        for _ in range(POINTS):
            yield text, {n: rng.uniform(*known.get(n, (0.5, 3.0))) for n in names}


ALL = list(points())


def truth(text, point):
    """Value and gradients by the graph in 300 digits."""
    program = read(text, "<test>", list(point.items()))
    arithmetic = digits(300)
    run = Machine(program.graph, arithmetic).run(
        [arithmetic.number(point[name]) for name in program.graph.inputs]
    )
    backward(run, program.output, arithmetic.number(1.0))
    slopes = {name: run.gradients[leaf] for name, leaf in program.graph.inputs.items()}
    return run.values[program.output], slopes


@pytest.mark.parametrize(("text", "point"), ALL, ids=[text for text, _ in ALL])
def test_results_are_within_their_bounds_and_no_digit_is_wrong(text, point):
    report = gradcli.evaluate(text, point, check=False)
    value, slopes = truth(text, point)
    numbers = [(report.value, report.bound, value)]
    numbers += [(report.gradients[n], report.gradient_bounds[n], slopes[n]) for n in slopes]
    with mpmath.workdps(320):
        for found, bound, exact in numbers:
            assert abs(mp.mpf(found) - exact) <= bound
            shown = certain_text(found, bound, 15)
            assert "+-" not in shown
            unit = mp.mpf(10) ** Decimal(shown).as_tuple().exponent
            assert abs(mp.mpf(shown) - exact) <= unit / 2


def test_many_digits_are_needed_on_few_of_them(capsys):
    reports = [gradcli.evaluate(text, point, check=False) for text, point in ALL]
    rate = sum(report.arithmetic == "mpmath" for report in reports) / len(reports)
    losses = [r.bound / abs(r.value) for r in reports if r.arithmetic == "float64" and r.value]
    with capsys.disabled():
        print(
            f"\n{len(ALL)} ordinary points: {rate:.1%} in many digits, worst bound {max(losses):.1e}"
        )
    assert rate <= 0.05
    assert all(math.isfinite(report.value) for report in reports)


def test_verdicts_need_them_on_fewer(capsys, monkeypatch):
    """Each limit that is searched for is an input that float64 differences have not settled."""
    searched, own = [], limits._searched
    monkeypatch.setattr(limits, "_searched", lambda *parts: searched.append(parts) or own(*parts))
    reports = [gradcli.evaluate(text, point) for text, point in ALL[::POINTS]]
    answers = [answer for report in reports for answer in report.check.inputs.values()]
    rate = len(searched) / len(answers)
    with capsys.disabled():
        print(f"\n{len(answers)} verdicts on their inputs: {rate:.1%} in many digits")
    assert rate <= 0.01
    assert {answer.verdict for answer in answers} == {"pass"}

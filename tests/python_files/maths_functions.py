"""Objectives of one or two numbers with math.* and their gradients."""
import math


# gradcli: x = 0.7; y = -1.2
def surface(x, y):
    u = math.sin(x) * math.cosh(y / 2)
    v = math.exp(-x * x) + math.sqrt(1 + y ** 2)
    f = u * v + math.atan2(y, x)
    du_dx, du_dy = math.cos(x) * math.cosh(y / 2), 0.5 * math.sin(x) * math.sinh(y / 2)
    dv_dx, dv_dy = -2 * x * math.exp(-x * x), y / math.sqrt(1 + y * y)
    r2 = x * x + y * y
    dx = du_dx * v + u * dv_dx - y / r2
    dy = du_dy * v + u * dv_dy + x / r2
    return f, dx, dy


# gradcli: q = 1.3
def action(q, mass=2.0):
    return mass * q ** 4 / 4 - math.log1p(q * q) + abs(q - 5)


def action_prime(q, mass=2.0):
    sign = 1 if q > 5 else -1
    return mass * q ** 3 - 2 * q / (1 + q * q) + sign


# mistake: sign = 1 if q > 5 else -1 => sign = 1  (elsewhere)
# mistake: dx = du_dx * v + u * dv_dx - y / r2 => dx = du_dx * v + u * dv_dx + y / r2
# mistake: dy = du_dy * v + u * dv_dy + x / r2 => dy = du_dy * v + x / r2

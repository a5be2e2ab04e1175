"""A program that `gradcli check --external` runs: the sum of squares times y."""

import json
import sys


def answer(asked):
    x, y, upstream = asked["inputs"]["x"], asked["inputs"]["y"], asked["upstream"] or 0
    square = sum(a * a for a in x)
    gradients = {"x": [2 * a * y * upstream for a in x], "y": square * upstream}
    if "wrong" in sys.argv:
        gradients["y"] *= 2
    if "broken" in sys.argv:
        sys.exit("a reason of its own")
    if "text" in sys.argv:
        print("hello")
    if "greedy" in sys.argv:
        bytearray(2**29)
    value = 10**400 if "huge" in sys.argv else square * y
    return {"value": value, "gradients": gradients}


if "lines" in sys.argv:
    with open(sys.argv[-1], "a") as starts:
        starts.write("started\n")
    for line in sys.stdin:
        print(json.dumps({**answer(json.loads(line)), "lines": True}), flush=True)
        if "stops" in sys.argv:
            break
else:
    json.dump(answer(json.load(sys.stdin)), sys.stdout)

"""A program that `gradcli check --external` runs: the sum of squares times y."""

import json
import sys

asked = json.load(sys.stdin)
x, y, upstream = asked["inputs"]["x"], asked["inputs"]["y"], asked["upstream"] or 0
square = sum(a * a for a in x)
gradients = {"x": [2 * a * y * upstream for a in x], "y": square * upstream}
if "wrong" in sys.argv:
    gradients["y"] *= 2
if "broken" in sys.argv:
    sys.exit("a reason of its own")
if "text" in sys.argv:
    print("hello")
json.dump({"value": square * y, "gradients": gradients}, sys.stdout)

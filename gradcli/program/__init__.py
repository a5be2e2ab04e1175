"""Programs, read from text and bindings: inputs, stages, an output, and gradient lines.

    program = settings ; forward part ; backward part
    setting = NAME "=" constant            an input, unless the caller gives the name a value
    stage   = NAME "=" expression          a wall in the graph
    output  = the last forward stage, or a last line that is an expression
    claim   = "d" NAME "=" expression      a hand-written gradient, from the first such line on
            | OUTPUT "==" constant         a claim on the value

Statements are lowered one at a time. The values of settings stay expressions of constants, in a
graph of their own, so that this room computes nothing.
"""

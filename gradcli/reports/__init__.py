"""Reports as frozen data: everything that is printed is read from here.

evaluations   of `gradcli eval`: EvalReport, Stage, and the Check of gradients
checks        of `gradcli check`: CheckReport and its cases
lines         verdicts on the lines of a hand-written backward pass
grades        of answers to an exercise
mistakes      the pages on mistakes
digits        a number as the digits that its bound certifies
"""

"""Programs as code in other words: staged code with its backward pass, and JavaScript."""

from gradcli.emit.staged import BackwardLine, backward_lines, forward_lines

__all__ = ["BackwardLine", "backward_lines", "forward_lines"]

"""The errors of parameters without a value, and of backward parts without a claim."""

from gradcli.python.source import PythonFault


class MissingInputs(PythonFault):
    """Parameters that nothing gives a value to."""

    kind = "binding"

    def __init__(self, names: list[str], message: str, hint: str) -> None:
        super().__init__(message, None, hint)
        self.names = names


class Unclaimed(PythonFault):
    """A backward part that gives nothing that is the gradient of an input."""

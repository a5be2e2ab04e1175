"""The error of parameters that nothing gives a value to."""

from gradcli.python.source import PythonFault


class MissingInputs(PythonFault):
    """Parameters that nothing gives a value to."""

    kind = "binding"

    def __init__(self, names: list[str], message: str, hint: str) -> None:
        super().__init__(message, None, hint)
        self.names = names

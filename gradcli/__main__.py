"""`python -m gradcli`, and the command `gradcli`: signals are heeded before the rest is loaded."""

import gc
from typing import NoReturn

from gradcli.cli.signals import heed, leave

MADE_BEFORE_A_SEARCH = 50_000  # objects: loading modules makes as many, and no garbage


def main() -> NoReturn:
    """Run the command line and exit."""
    heed()
    gc.set_threshold(MADE_BEFORE_A_SEARCH)
    from gradcli.cli.main import main as command_line  # late: it takes a tenth of a second

    try:
        command_line()
    except SystemExit as end:
        leave(end.code)


if __name__ == "__main__":
    main()

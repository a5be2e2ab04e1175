"""`python -m gradcli`, and the command `gradcli`: signals are heeded before the rest is loaded."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the part of `signal` that loads nothing else
import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MADE_BEFORE_A_SEARCH = 50_000  # objects: loading modules makes as many, and no garbage


def main() -> NoReturn:
    """Run the command line and exit."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # a traceback
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from gradcli.cli.signals import heed, leave  # late, as it loads a dozen modules

    heed()
    gc.set_threshold(MADE_BEFORE_A_SEARCH)
    from gradcli.cli.main import main as command_line  # late: it takes a tenth of a second

    try:
        command_line()
    except SystemExit as end:
        leave(end.code)


if __name__ == "__main__":
    main()

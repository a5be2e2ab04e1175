"""`python -m gradcli`, and the command `gradcli`: signals are heeded before the rest is loaded."""

from typing import NoReturn

from gradcli.cli.signals import heed


def main() -> NoReturn:
    """Run the command line and exit."""
    heed()
    from gradcli.cli.main import main as command_line  # late: it takes a tenth of a second

    command_line()


if __name__ == "__main__":
    main()

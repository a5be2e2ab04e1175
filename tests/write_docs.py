"""The pages of docs/ that are generated; `python -m tests.write_docs` writes them again."""

import inspect
import re
from pathlib import Path

from gradcli.cli.main import COMMANDS
from gradcli.cli.main import gradcli as command_line
from gradcli.reports.mistakes import MISTAKES

DOCS = Path(__file__).parent.parent / "docs"


def commands_page():
    """Every command with its help, its examples and its options, as it says them itself."""
    yield "# Commands\n\nWhat `gradcli help COMMAND` says, for reading. `--help` is an option of each.\n"
    for name in COMMANDS:
        command = command_line.get_command(None, name)
        yield f"\n## gradcli {name}\n"
        for paragraph in re.split(r"\n\n+", inspect.cleandoc(command.help)):
            if paragraph.startswith("\b\n"):
                yield f"\n```sh\n{paragraph[2:]}\n```\n"
            else:
                yield f"\n{paragraph}\n"
        options = [option for option in command.params if option.param_type_name == "option"]
        if options:
            yield "\n| option | does |\n|---|---|\n"
        for option in options:
            yield f"| `{spelt(option)}` | {option.help} |\n"


def manual():
    """The same as a page of `man`, in the macros of man(7)."""
    yield '.TH GRADCLI 1 "" gradcli "User commands"\n'
    yield ".SH NAME\ngradcli \\- gradients of expressions, stage by stage, and checked\n"
    yield ".SH SYNOPSIS\n.B gradcli\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIEXPR\\fR|\\fIPATH\\fR] [\\fINAME\\fR=\\fIVALUE\\fR]...\n"
    yield ".SH COMMANDS\n"
    for name, (_, _, short) in COMMANDS.items():
        yield f".TP\n.B {name}\n{roff(short)}\n"
    for name in COMMANDS:
        command = command_line.get_command(None, name)
        yield f".SH GRADCLI {name.upper()}\n"
        for paragraph in re.split(r"\n\n+", inspect.cleandoc(command.help)):
            is_code = paragraph.startswith("\b\n")
            yield (
                f".PP\n.EX\n{roff(paragraph[2:])}\n.EE\n"
                if is_code
                else f".PP\n{roff(paragraph)}\n"
            )
        for option in command.params:
            if option.param_type_name == "option":
                names = spelt(option).replace("\\|", "|")
                yield f".TP\n.B {roff(names)}\n{roff(option.help)}\n"
    yield ".SH SEE ALSO\nThe pages of docs/ in the repository;\n.B gradcli help\n.I COMMAND\n"


def roff(text):
    """Text in which nothing is a request or an escape, and a minus is one."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)


def spelt(option):
    """The names of an option, and what its value is called."""
    names = ", ".join(option.opts)
    if option.is_flag:
        return names
    choices = getattr(option.type, "choices", None)
    return f"{names} {option.metavar or (chr(92) + '|').join(choices)}"


def mistakes_page():
    """Every mistake with its page, as `gradcli explain NAME` prints it."""
    yield "# Mistakes\n\n"
    yield "What `gradcli explain NAME` says of each mistake that `gradcli check` calls by a name.\n"
    for row in MISTAKES.values():
        yield f"\n## {row.name}: {row.title}\n\n{row.meaning}\n\n"
        yield f"Wrong:\n\n```grad\n{row.wrong}\n```\n\nRight:\n\n```grad\n{row.right}\n```\n\n"
        yield f"{row.advice}\n"


PAGES = {"commands.md": commands_page, "mistakes.md": mistakes_page, "gradcli.1": manual}

if __name__ == "__main__":
    for page, parts in PAGES.items():
        (DOCS / page).write_text("".join(parts()), encoding="utf-8")

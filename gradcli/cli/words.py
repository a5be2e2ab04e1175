"""Words of the command line: options, expressions that begin with a minus, bindings."""

from __future__ import annotations

from collections.abc import Iterable

import click

from gradcli.cli.explained import ExplainedCommand
from gradcli.errors import UsageError

Pairs = list[tuple[str, str]]


def plain_help(ctx: click.Context) -> click.Option:
    """The help option without click's translations, whose look-up costs a tenth of the start-up."""

    def show(ctx: click.Context, _: click.Parameter, is_asked: bool) -> None:
        if is_asked and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), color=ctx.color)
            ctx.exit()

    return click.Option(
        ctx.help_option_names, is_flag=True, is_eager=True, expose_value=False, callback=show,
        default=False, help="Show this message and exit.",
    )  # fmt: skip


class ExpressionCommand(ExplainedCommand):
    """A command whose arguments may begin with a minus sign: `gradcli eval "-x**2" x=3`.

    A word that is exactly a known option is that option, a word with two leading dashes is always
    one; everything else is an argument, and goes behind a `--` before click looks at it.
    """

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """`-h` and `--help`."""
        if self._help_option is None:
            self._help_option = plain_help(ctx)
        return self._help_option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the options before the arguments, then parse as ever."""
        params = self.get_params(ctx)
        takes_value = {
            name: isinstance(param, click.Option) and not (param.is_flag or param.count)
            for param in params
            for name in (*param.opts, *param.secondary_opts)
        }
        # click looks among long names first, and makes up an error with advice before short ones.
        long_names = {name: max(param.opts, key=len) for param in params for name in param.opts}
        options: list[str] = []
        arguments: list[str] = []
        words = iter(args)
        for word in words:
            if word == "--":
                arguments += words
            elif word in takes_value or word.startswith("--"):
                options.append(long_names.get(word, word))
                if takes_value.get(word):
                    value = next(words, None)
                    if value is None and ctx.resilient_parsing:
                        break  # a shell asks what it may be
                    if value is None:
                        raise click.BadOptionUsage(word, f"{word} requires an argument", ctx)
                    options.append(value)
            else:
                arguments.append(word)
        return super().parse_args(ctx, [*options, "--", *arguments])


def program_text(words: tuple[str, ...], path: str | None) -> tuple[str, str, list[str]]:
    """The program of `eval`: from a file, from stdin, or the expression among the words.

    Returns its text, what it is called in messages, and the words that are left.
    """
    if path is not None:
        return _read(path), path, list(words)
    if not words:
        command = click.get_current_context().info_name
        raise UsageError("an expression is missing",
                         hint=f'write gradcli {command} "(x+y)*z" x=-2 y=5 z=-4')  # fmt: skip
    place = next((k for k, word in enumerate(words) if not is_binding(word)), 0)
    rest = [*words[:place], *words[place + 1 :]]
    if words[place].endswith((".grad", ".py")):
        raise UsageError(f"`{words[place]}` is a program file, not an expression",
                         hint=f"write --file {words[place]}")  # fmt: skip
    if words[place] == "-":
        return _read("-"), "<stdin>", rest
    return words[place], "<expression>", rest


def _read(path: str) -> str:
    from gradcli.program.files import read_text, subject_of  # late: most programs are expressions

    return read_text(subject_of(path)[0])


def input_files(paths: Iterable[str | None], values: Iterable[str | None]) -> tuple[str, ...]:
    """The files a command reads: programs, and those that values such as `@FILE` name."""
    files = [path for path in paths if path is not None]
    named = [value[1:] for value in values if value is not None and value.startswith("@")]
    if not named:
        return tuple(files)
    from gradcli.program.files import file_of  # late: few values are files

    return (*files, *(file_of(name.partition("±")[0].partition("+/-")[0]) for name in named))


def is_binding(word: str) -> bool:
    """Whether a word is NAME=VALUE and not a program of several statements."""
    return _split(word) is not None and ";" not in word and "\n" not in word


def _split(word: str) -> tuple[str, str] | None:
    """NAME and VALUE of NAME=VALUE, None for any other word (`x==1` is an expression)."""
    name, sign, value = word.partition("=")
    name = name.strip()
    return (name, value) if sign and name.isidentifier() and value[:1] != "=" else None


def claimed(words: Iterable[str]) -> Pairs:
    """(name, value text) of every claim: NAME=VALUE, or `x,y=VALUE` and `x[0],y=VALUE`.

    Raises UsageError.
    """
    pairs = []
    for word in words:
        name, sign, value = word.partition("=")
        sides = [side.split("[")[0].strip() for side in name.split(",")]
        if not sign or value[:1] == "=" or not all(side.isidentifier() for side in sides):
            raise UsageError(f"`{word}` is no claim",
                             hint="write --claim x=4, or --claim x,y=4")  # fmt: skip
        pairs.append((name.replace(" ", ""), value))
    return pairs


def bindings(words: list[str]) -> Pairs:
    """(name, value text) of every word. Raises UsageError."""
    pairs = []
    for word in words:
        pair = _split(word)
        if pair is None:
            raise UsageError(f"`{word}` is neither the expression nor NAME=VALUE", hint=_hint(word))
        pairs.append(pair)
    return pairs


def _hint(word: str) -> str:
    """What to write instead of a word that is no binding: `w₀=1`, `x[0]=3`, half an expression."""
    from unicodedata import normalize  # late: few words are refused

    name, sign, value = word.partition("=")
    plain = normalize("NFKC", name.strip())
    if sign and plain != name and plain.isidentifier():
        return f"`{name}` is no name: write {plain}={value}, and {plain} in the expression"
    whole, bracket, _ = name.partition("[")
    if sign and bracket and whole.isidentifier():
        return f"an array is given whole: {whole}=[1,2], {whole}=@{whole}.npy"
    return "quote an expression; no spaces around `=`"

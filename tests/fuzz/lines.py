"""Random command lines of all kinds: by grammar, from what there is, and about every kind of file."""

from __future__ import annotations

from random import Random

from tests.fuzz import files, seeds
from tests.fuzz.case import Input
from tests.fuzz.inputs import expression, mutated, program, random_input, value
from tests.fuzz.options import ENDLESS, FOREIGN, random_command, random_options

READERS = ("eval", "check", "graph", "explain", "code", "batch", "steps", "plot", "exercise")
RUNNING = tuple(f"--{name[:2]}" for name in FOREIGN)
OPTIONS = (0, 0, 1, 1, 2, 3, 5)


def any_input(rng: Random) -> Input:
    """A command line of any kind."""
    make = rng.choices([*KINDS], [*KINDS.values()])[0]
    case = make(rng)
    words = [word.replace("\0", "") for word in case.words]
    files = {
        name: held
        for name, held in case.files.items()
        if name == "pyproject.toml" or "." in words or any(name in word for word in words)
    }
    return Input(words, files, case.stdin)


def of_options(rng: Random) -> Input:
    """Any command with any of its options."""
    command = random_command(rng)
    words = [command]
    if command in READERS:
        words += _program_words(rng, command)
    elif rng.random() < 0.7:
        words.append(
            rng.choice(
                (
                    "exp",
                    "softmax",
                    "sign",
                    "staged.grad",
                    "eval",
                    "bash",
                    "check",
                    "",
                    "nosuch",
                    "conventions",
                    "mistakes/sign.grad",
                )
            )
        )
    words += random_options(rng, command, rng.choice(OPTIONS))
    if rng.random() < 0.3:
        first, *rest = words
        rng.shuffle(rest)
        words = [first, *rest]
    held: dict[str, str | bytes] = {"a.grad": program(rng), "a.py": rng.choice(seeds.scripts())}
    if rng.random() < 0.2:
        held["a.npy"] = files.array(rng)
        held["a.key"] = rng.choice(("{}", '{"schema": "gradcli.key/1"}', "x", "[]"))
    return Input(words, held, program(rng) if rng.random() < 0.1 else "")


def _program_words(rng: Random, command: str) -> list[str]:
    """An expression with its inputs, or a file."""
    if rng.random() < 0.3:
        return ["a.grad"] if command == "check" else ["--file", "a.grad"]
    text = expression(rng, 3)
    settings = [f"{name}={value(rng)}" for name in "xyzwb" if name in text]
    if command == "plot" and settings:
        settings[0] = (
            f"{settings[0][0]}={rng.choice(('-2:2', '0:1', '1:1', '-1e308:1e308', '2:-2', ':', 'nan:1'))}"
        )
    return [text, *settings]


def of_program(rng: Random) -> Input:
    """A program of the project, mutated."""
    text = seeds.mutated_program(rng, rng.choice(seeds.programs()))
    command = rng.choice((*READERS, "check", "check", "check", "eval"))
    words = [command, *(["a.grad"] if command == "check" else ["--file", "a.grad"])]
    if rng.random() < 0.1:
        words.append(f"{rng.choice('xywb')}={value(rng)}")
    return Input([*words, *random_options(rng, command, rng.choice(OPTIONS))], {"a.grad": text})


def of_script(rng: Random) -> Input:
    """A Python file of the project, mutated; also as a notebook, or as an answer."""
    text = seeds.mutated_program(rng, rng.choice(seeds.scripts()), seeds.OF_PYTHON)
    if rng.random() < 0.1:
        text = mutated(rng, text)
    name = rng.choice(("a.py", "a.py", "a.py", "a.ipynb"))
    held: dict[str, str | bytes] = {name: files.notebook(rng, text) if name == "a.ipynb" else text}
    subject = rng.choice(("", "", "", ":f", ":affine", ":nosuch"))
    words = ["check", name + subject]
    if rng.random() < 0.1:
        words.append(f"{rng.choice(('x', 'W', 'dout', 'self.W'))}={value(rng)}")
    return Input([*words, *random_options(rng, "check", rng.choice(OPTIONS[:5]))], held)


def of_lines(rng: Random) -> Input:
    """A hostile command line that is data already, with a word changed."""
    case = rng.choice(seeds.lines())
    words = [*case.words]
    if not words or any(word.startswith("/") or "../" in word for word in words):
        return case  # what is written stays in the folder
    at = rng.randrange(len(words))
    if rng.random() < 0.5:
        words[at] = mutated(rng, words[at])
    else:
        words[at] = rng.choice(rng.choice(seeds.lines()).words or [""])
    if words[:1] and words[0] in ("eval", "check") and rng.random() < 0.4:
        words += random_options(rng, words[0], 1)
    if any(word in ENDLESS or word.startswith(RUNNING) or "/" in word[:1] for word in words):
        return case  # neither foreign code nor what does not end
    return case._replace(words=words)


def of_table(rng: Random) -> Input:
    """Points of `batch`, in every format."""
    held: dict[str, str | bytes] = {
        "a.csv": files.table(rng), "a.jsonl": files.json_lines(rng), "a.npy": files.array(rng),
        "a.npz": files.archive(rng),
    }  # fmt: skip
    if rng.random() < 0.1:
        held["a.csv"] = files.altered(rng, files.table(rng).encode("utf-8", "replace"))
    text = expression(rng, 2)
    points = rng.choices([*held, "-"], [6, 2, 2, 2, 1])[0]
    words = ["batch", text, *(f"{name}={value(rng)}" for name in "yzw" if rng.random() < 0.2)]
    words += ["--points", points] if rng.random() < 0.85 else [f"x={value(rng)}", "--grid"]
    words += random_options(rng, "batch", rng.choice(OPTIONS[:6]))
    return Input(words, held, files.table(rng) if points == "-" else "")


def of_arrays(rng: Random) -> Input:
    """Inputs that are files of arrays."""
    held: dict[str, str | bytes] = {
        "a.npy": files.array(rng), "a.npz": files.archive(rng), "a.csv": files.table(rng),
    }  # fmt: skip
    command = rng.choice(READERS)
    named = rng.choice(
        ("@a.npy", "@a.npz:x", "@a.npz", "@a.csv", "@a.npz:q", "@", "@.", "@a.npz:../x")
    )
    words = [
        command,
        rng.choice(("sum(x)", "x*2", "x@x.T", "sum(exp(x))", "x", "norm(x)*y")),
        f"x={named}",
        "y=2",
    ]
    return Input([*words, *random_options(rng, command, rng.choice(OPTIONS[:5]))], held)


def of_configuration(rng: Random) -> Input:
    """A `pyproject.toml` with settings of any kind."""
    text = files.configuration(rng)
    if rng.random() < 0.2:
        text = mutated(rng, text)
    held: dict[str, str | bytes] = {"pyproject.toml": text, "a.grad": rng.choice(seeds.programs())}
    words = ["check", *rng.choice((["a.grad"], ["."], [], ["x*y", "x=1", "y=2"]))]
    return Input([*words, *random_options(rng, "check", rng.choice(OPTIONS[:5]))], held)


def of_gates(rng: Random) -> Input:
    """Gates of one's own, which run in a child process."""
    text = rng.choice(seeds.gate_files())
    if rng.random() < 0.7:
        text = seeds.mutated_program(
            rng, text, ("None", "raise ValueError", "x", "1/0", "return", "[]", "'x'")
        )
    words = ["check", "--gates", "gates.py", "--timeout", "5"]
    if rng.random() < 0.5:
        words = ["eval", "square(x)", "x=2", *words[1:]]
    return Input([*words, *random_options(rng, words[0], rng.choice((0, 1)))], {"gates.py": text})


KINDS = {  # and how often each is taken
    random_input: 40, of_options: 14, of_program: 14, of_script: 9, of_lines: 8, of_table: 6,
    of_arrays: 4, of_configuration: 4, of_gates: 0.3,
}  # fmt: skip

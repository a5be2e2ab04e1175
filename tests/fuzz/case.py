"""A command line as data: its words, its files, what stands on stdin; also as a line of JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, NamedTuple


class Input(NamedTuple):
    """A command line, the files it finds, and what stands on stdin."""

    words: list[str]
    files: dict[str, str | bytes]
    stdin: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The command line as JSON holds it; a file that is no text in base 64."""
        files = {
            name: {"base64": b64encode(held).decode()} if isinstance(held, bytes) else held
            for name, held in self.files.items()
        }
        return {
            "words": self.words,
            **({"files": files} if files else {}),
            **({"stdin": self.stdin} if self.stdin else {}),
        }


def input_of(data: dict[str, Any]) -> Input:
    """The command line that a line of JSON holds."""
    files = {
        name: b64decode(held["base64"]) if isinstance(held, dict) else held
        for name, held in data.get("files", {}).items()
    }
    return Input(data["words"], files, data.get("stdin", ""))

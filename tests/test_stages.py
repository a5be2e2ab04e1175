"""The stages of a program, held in little room."""

from __future__ import annotations

import pytest

from gradcli.program.names import Names
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.syntax.tokens import Source


@pytest.fixture
def names():
    """Two stages around an input, as they are met while a program is read."""
    names = Names(Source("a = 1; u = a; x = 2; v = x"), Request(), (), read("1").graph.table)
    names.stages.add("u", 4, 5)
    names.inputs["x"] = names.values["x"] = 6
    names.stages.add("v", 8, 13)
    names.setting_tokens["a"] = 0
    return names


def test_stages_are_the_values_of_names_but_for_inputs(names):
    assert dict(names.stages) == {"u": 4, "v": 8}
    assert [*reversed(names.stages)] == ["v", "u"]
    assert len(names.stages) == 2
    assert "x" not in names.stages
    assert names.stages.get("x") is None
    assert names.values == {"u": 4, "x": 6, "v": 8}
    with pytest.raises(KeyError):
        names.stages["x"]


def test_every_stage_and_setting_has_its_place(names):
    assert [names.place(name) for name in ("u", "v", "a", "x", "y")] == [5, 13, 0, -1, -1]

"""Every figure of the paper is available by its number: as a module, as a plot, as a make target."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("number", [3, 4, 5, 6, 7])
def test_a_figure_has_a_module_a_plot_and_a_target(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"experiments.fig{number}")
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    assert stop.value.code == 0 and "--control-plane" in capsys.readouterr().out
    assert callable(importlib.import_module(f"plots.fig{number}").main)
    assert f"\nfig{number}: " in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(("number", "name"), [(5, "delta_loss"), (7, "cloning_cost")])
def test_a_number_and_a_name_are_one_experiment(number: int, name: str) -> None:
    one, other = (importlib.import_module(f"experiments.{module}") for module in (f"fig{number}", name))
    assert one.main is other.main


def test_no_room_has_a_file_called_more() -> None:
    assert not [path for room in ("experiments", "plots") for path in (ROOT / room).rglob("more*.py")]


def test_every_room_says_what_is_in_it_and_who_may_import_it() -> None:
    for room in (*(ROOT / "experiments").rglob("__init__.py"), ROOT / "plots" / "__init__.py"):
        text = room.read_text()
        assert text.startswith('"""') and "import" in text, f"{room} needs a docstring"

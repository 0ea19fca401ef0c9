"""Ways to reconfigure: one per file of this folder, each with a `STRATEGY`. A new file is a new strategy everywhere."""

from __future__ import annotations

import importlib
import pkgutil

from state4.errors import State4Error
from state4.reconfigure import Strategy


def strategy_names() -> list[str]:
    """Names of the files of this folder, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load_strategy(name: str) -> Strategy:
    """Raises State4Error if there is none of that name."""
    if name not in strategy_names():
        raise State4Error(f"there is no strategy '{name}'; choose one of {', '.join(strategy_names())}")
    strategy: Strategy = importlib.import_module(f"{__name__}.{name}").STRATEGY
    return strategy


def load_strategies() -> dict[str, Strategy]:
    """All strategies by name."""
    return {name: load_strategy(name) for name in strategy_names()}

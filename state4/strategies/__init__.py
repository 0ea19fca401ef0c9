"""Reconfiguration strategies: one file each, with a `STRATEGY`. A new file here is available everywhere.

Files in the folders named by STATE4_STRATEGIES (separated by `:`) are strategies as well, so one can be tried without
changing this tree. Strategies may import `state4.reconfigure`, `state4.transfer` and all that these import.
"""

from __future__ import annotations

import importlib
import os
import pkgutil

from state4.errors import State4Error
from state4.reconfigure import Strategy

SEARCH_PATH_VARIABLE = "STATE4_STRATEGIES"

__path__ += [os.path.abspath(folder) for folder in os.environ.get(SEARCH_PATH_VARIABLE, "").split(os.pathsep) if folder]


def strategy_names() -> list[str]:
    """The names of all strategies, sorted."""
    return sorted({module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")})


def load_strategy(name: str) -> Strategy:
    """Raises State4Error if there is no strategy of that name."""
    if name not in strategy_names():
        raise State4Error(f"no strategy named '{name}'; choose one of {', '.join(strategy_names())}")
    strategy: Strategy = importlib.import_module(f"{__name__}.{name}").STRATEGY
    return strategy


def load_strategies() -> dict[str, Strategy]:
    """All strategies by name."""
    return {name: load_strategy(name) for name in strategy_names()}

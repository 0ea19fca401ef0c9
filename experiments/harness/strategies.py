"""The available strategies: the files in state4/strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.claims.c1_flows_survive import PUBLISHED_FATES

if TYPE_CHECKING:
    from state4.cim import Track


def available_strategies() -> tuple[str, ...]:
    """The paper's four first, in its order, then all others by name."""
    from state4.strategies import strategy_names

    names = strategy_names()
    published = [name for name in PUBLISHED_FATES if name in names]
    return (*published, *sorted(set(names) - set(published)))


def is_instrumented(name: str) -> bool:
    """Whether a strategy requires State4's instrumentation of a program."""
    from state4.reconfigure import needs_map
    from state4.strategies import load_strategy

    strategy = load_strategy(name)
    return strategy.needs_cloning or needs_map(strategy)


def track_of(strategy: str, target: str) -> Track:
    """How the programs of a trial are instrumented: as the strategy requires on that switch."""
    from state4.cim import Track
    from state4.reconfigure import needs_map
    from state4.strategies import load_strategy

    if not needs_map(load_strategy(strategy)):
        return Track.CLONES
    return Track.BOTH if target == "bmv2" else Track.MAP


_LACKING = {"bmv2": {"reconcile": "bmv2 has no RECONCILE_AND_COMMIT, it keeps no state by itself"}}


def lacking(target: str, strategy: str) -> str:
    """Why a target cannot run a strategy at all; "" if it can."""
    return _LACKING.get(target, {}).get(strategy, "")

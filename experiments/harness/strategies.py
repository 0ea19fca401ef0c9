"""Which ways to reconfigure there are: whatever lies in state4/strategies."""

from __future__ import annotations

from experiments.claims.c1_flows_survive import PUBLISHED_FATES


def available_strategies() -> tuple[str, ...]:
    """The paper's four first, in its order, then all others by name."""
    from state4.strategies import strategy_names

    names = strategy_names()
    published = [name for name in PUBLISHED_FATES if name in names]
    return (*published, *sorted(set(names) - set(published)))


_LACKING = {"bmv2": {"reconcile": "bmv2 has no RECONCILE_AND_COMMIT, it keeps no state by itself"}}


def lacking(target: str, strategy: str) -> str:
    """Why a target cannot do a strategy at all; "" if it can."""
    return _LACKING.get(target, {}).get(strategy, "")

"""All claims: those of the paper in the order of its figures, then our own. What a report lists, and what figures show
of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from experiments.claims import (
    c1_flows_survive,
    c2_disruption,
    c3_delta_loss,
    c4_loss_windows,
    c7_fabric,
    c7_network_resources,
    m1_model,
)
from experiments.claims.base import PublishedClaim
from experiments.claims.c5_cloning_cost import ABOVE_HALF, FULL_LOAD, HALF_LOAD
from experiments.claims.c6_overhead import MEMORY, PACKETS

CLAIMS: tuple[PublishedClaim, ...] = (
    c1_flows_survive.PUBLISHED,
    c2_disruption.PUBLISHED,
    c3_delta_loss.PUBLISHED,
    c4_loss_windows.PUBLISHED,
    HALF_LOAD,
    ABOVE_HALF,
    FULL_LOAD,
    MEMORY,
    PACKETS,
    c7_network_resources.PUBLISHED,
    c7_fabric.PUBLISHED,
    m1_model.PUBLISHED,
)


def drawn_values(claims: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The published values that figures show, of those of the claims (by id) that have any."""
    wanted = set(claims)
    return {claim.id: claim.drawn for claim in CLAIMS if claim.id in wanted and claim.drawn}

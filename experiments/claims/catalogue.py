"""All claims of the paper in the order of its figures: what a report lists."""

from __future__ import annotations

from experiments.claims import c1_flows_survive, c2_disruption, c3_delta_loss, c4_loss_windows, c7_network_resources
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
)

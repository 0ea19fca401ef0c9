"""P4Info of a checked program: what P4Runtime lets a controller see of it (P4Runtime specification, section 6)."""

from p4front.p4info.build import build_p4info
from p4front.p4info.ids import stable_id

__all__ = ["build_p4info", "stable_id"]

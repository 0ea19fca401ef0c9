"""P4Info of a checked program: its objects as visible to P4Runtime controllers (P4Runtime specification, section 6).

Objects, names and sizes are those of `p4front.elaborate`; here they get ids and become messages. May import the rest of
p4front except the checker, and the protobuf classes.
"""

from p4front.p4info.build import build_p4info
from p4front.p4info.ids import stable_id

__all__ = ["build_p4info", "stable_id"]

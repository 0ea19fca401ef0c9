"""Which kind of switch an address means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finsy.proto import p4i

from state4.errors import MissingTool
from state4.targets.p4runtime.target import P4RuntimeTarget

if TYPE_CHECKING:
    from state4.targets.bmv2.target import Bmv2Target

BMV2 = "bmv2"


def connect(
    address: str,
    *,
    cpu_interface: str = "",
    cpu_port: int | None = None,
    device_id: int | None = None,
    role: str | None = None,
    election_id: int | None = None,
    running: p4i.P4Info | None = None,
    update_ring: bool = True,
) -> P4RuntimeTarget | Bmv2Target:
    """A target by its address: "bmv2" (its usual place), "bmv2://host:port", or a P4Runtime address.

    `cpu_port`: None for the one behind `cpu_interface`. `running` is for bmv2 only; `device_id`, `role`,
    `election_id` (None: as P4RuntimeTarget chooses) and `update_ring` are for P4Runtime only. Raises what the targets
    raise, and MissingTool where a program or a package that the target needs is not installed."""
    scheme, _, place = address.partition("://")
    if scheme != BMV2:
        return P4RuntimeTarget(
            address,
            cpu_interface=cpu_interface,
            cpu_port=cpu_port,
            device_id=device_id,
            role=role,
            election_id=election_id,
            update_ring=update_ring,
        )
    try:  # its packages are optional
        from state4.targets.bmv2.client import DEFAULT_PORT
        from state4.targets.bmv2.program import require_compiler
        from state4.targets.bmv2.target import Bmv2Target
    except ModuleNotFoundError as error:
        raise MissingTool(f"bmv2 needs the Python package {error.name}: pip install 'state4[bmv2]'") from None
    require_compiler()
    return Bmv2Target(
        place or f"127.0.0.1:{DEFAULT_PORT}", cpu_interface=cpu_interface, cpu_port=cpu_port, running=running
    )

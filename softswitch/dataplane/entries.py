"""Table entries and what they are made of, as values: plain integers of any width, in host order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from p4front.match_kinds import EXACT, LPM, OPTIONAL, RANGE, TERNARY
from softswitch.dataplane.interface import interface

_TWO_RATES, _SINGLE_RATE = (interface().constants[name] for name in ("SS_TWO_RATES", "SS_SINGLE_RATE"))


@dataclass(frozen=True)
class Exact:
    value: int


@dataclass(frozen=True)
class Lpm:
    """The `prefix` highest bits of `value` must match; 0 matches everything."""

    value: int
    prefix: int


@dataclass(frozen=True)
class Ternary:
    """The bits that are 1 in `mask` must match; mask 0 matches everything."""

    value: int
    mask: int


@dataclass(frozen=True)
class Range:
    """`low <= x <= high`."""

    low: int
    high: int


@dataclass(frozen=True)
class Optional:
    """`value`, or anything when it is None."""

    value: int | None


KeyMatch = Exact | Lpm | Ternary | Range | Optional
Match = KeyMatch
MATCH_CLASSES: dict[str, type[KeyMatch]] = {
    EXACT.name: Exact,
    LPM.name: Lpm,
    TERNARY.name: Ternary,
    RANGE.name: Range,
    OPTIONAL.name: Optional,
}
"""By the name of the kind (p4front.match_kinds)."""


@dataclass(frozen=True)
class WeightedAction:
    """One action of a one-shot group (P4Runtime's ActionProfileActionSet). `watch_port` None: always live."""

    action: str
    params: tuple[int, ...] = ()
    weight: int = 1
    watch_port: int | None = None


@dataclass(frozen=True)
class Entry:
    """One table entry.

    `keys`: one per match key of the table, in order (selector keys have none).
    `priority`: larger wins; 0 and meaningless in tables that have only exact and at most one lpm key.
    What it does is one of: `action` with `params`; `member` or `group` of the table's action profile; `action_set`.
    `idle_timeout_ns`: 0 never times out.
    """

    keys: tuple[KeyMatch, ...]
    action: str = ""
    params: tuple[int, ...] = ()
    priority: int = 0
    member: int | None = None
    group: int | None = None
    action_set: tuple[WeightedAction, ...] = ()
    idle_timeout_ns: int = 0
    metadata: bytes = b""  # the controller's own note; kept, not read
    set_modes: tuple[int, int] = (0, 0)  # a note, too: action_selection_mode and size_semantics of an action set


@dataclass(frozen=True)
class DefaultEntry:
    """An action with its parameters, or a member or group of the table's action profile."""

    action: str
    params: tuple[int, ...] = ()
    member: int | None = None
    group: int | None = None


class CounterValue(NamedTuple):
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class MeterConfig:
    """Two-rate three-colour meter (RFC 2698): rates per second and bursts, in packets or bytes by the meter's kind.

    With `eburst` it is a single-rate one (RFC 2697) with that excess burst; then `pir` and `pburst` equal `cir` and
    `cburst`.
    """

    cir: int
    cburst: int
    pir: int
    pburst: int
    eburst: int | None = None

    def words(self) -> tuple[int, int, int, int, int]:
        """As the runtime takes it."""
        if self.eburst is not None:
            return _SINGLE_RATE, self.cir, self.cburst, self.cir, self.eburst
        return _TWO_RATES, self.cir, self.cburst, self.pir, self.pburst


def meter_config(words: Sequence[int]) -> MeterConfig | None:
    """From the runtime's first five words of a cell; None: it was not configured."""
    mode, cir, cburst, pir, burst = (int(word) for word in words[:5])
    if mode == _SINGLE_RATE:
        return MeterConfig(cir, cburst, cir, cburst, burst)
    return MeterConfig(cir, cburst, pir, burst) if mode else None


class ColourCounts(NamedTuple):
    """What a meter has marked so far."""

    green: CounterValue = CounterValue()
    yellow: CounterValue = CounterValue()
    red: CounterValue = CounterValue()


@dataclass(frozen=True)
class MeterState:
    """One meter cell as it is now. `config` None: not configured, everything is green."""

    config: MeterConfig | None = None
    counts: ColourCounts = field(default_factory=ColourCounts)


@dataclass(frozen=True)
class Member:
    """A member of an action profile."""

    id: int
    action: str
    params: tuple[int, ...] = ()


@dataclass(frozen=True)
class GroupMember:
    """`watch_port`: the member counts only while that port is up; None: always."""

    member: int
    weight: int = 1
    watch_port: int | None = None


@dataclass(frozen=True)
class Group:
    """A group of an action selector. `max_size` 0: as large as the profile allows."""

    id: int
    members: tuple[GroupMember, ...] = ()
    max_size: int = 0


class Replica(NamedTuple):
    """One copy of a multicast group or clone session: egress port and instance (egress_rid). A pair is as good.

    `backups`: (port, instance) pairs; while the port is down, the first of them whose port is up stands in.
    """

    port: int
    instance: int = 0
    backups: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class CloneSession:
    """`truncate`: most bytes of each clone, 0: no limit."""

    id: int
    replicas: tuple[Replica, ...]
    truncate: int = 0


@dataclass(frozen=True)
class MulticastGroup:
    id: int
    replicas: tuple[Replica, ...]


@dataclass(frozen=True)
class DigestMessage:
    """One learning message: `digest` is the index and `name` the name of the digest in its program, `fields` are in the
    order of its struct; `time_us` is on the switch's clock; `program`: serial of the pipeline that sent it."""

    digest: int
    fields: tuple[int, ...]
    time_us: int
    name: str = ""
    program: int = field(default=0, compare=False)


@dataclass(frozen=True)
class EntryState:
    """An entry as it is now. `idle_ns`: since its last hit, kept in tables with time-outs. `const`: given by the
    program and not to be changed by the control plane. `meter`: None in a table without a direct meter."""

    entry: Entry
    counter: CounterValue
    idle_ns: int
    const: bool = False
    meter: MeterState | None = None

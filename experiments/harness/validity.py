"""When a trial shows nothing: pure rules, each with its bound. An invalid trial is repeated, and then not judged.

A trial is about a switch that is reconfigured during a flow, on a machine where every process gets the cores it needs.
If the swap was not within the flow, a sender was late, or the switch or a host had no core, the numbers show the
machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.harness.phases import Interval, Phases

MAX_WAITED = 0.10
"""Share of a trial in which the data plane was ready to run but had no core."""
MAX_HOST_WAITED = 0.30
"""The same for a sender or a receiver, whose timing is less critical."""
MIN_FLOW_S = 0.1
"""Duration of a flow before and after a reconfiguration, needed to show that it went on."""


@dataclass(frozen=True)
class Machine:
    """The machine's influence on a trial. Shares of the time; None for what could not be determined.

    waited: of the data plane; host_waited: of senders and receivers, by name; late_ms: the largest delay of a sender.
    """

    waited: float | None
    host_waited: Mapping[str, float | None]
    late_ms: float | None = None

    def as_dict(self) -> dict[str, object]:
        return {"waited": self.waited, "host_waited": dict(self.host_waited), "worst_sender_delay_ms": self.late_ms}

    @property
    def disturbance(self) -> float:
        return max([self.waited or 0.0, *(share or 0.0 for share in self.host_waited.values())])


@dataclass(frozen=True)
class MachineBounds:
    """What a trial bears of the machine: shares of the time without a core, and how late a sender may be (None: no
    matter). `host_waited` is None where a trial is judged by what its hosts did (`slow_sender`, `missed_frames`)."""

    waited: float = MAX_WAITED
    host_waited: float | None = MAX_HOST_WAITED
    late_ms: float | None = None


def disturbed(machine: Machine, bounds: MachineBounds, *, accept_busy: bool) -> list[str]:
    """Whether the data plane or a host lacked a core, or a sender was late, beyond a bound. Empty if trials are to
    count on a busy machine as well (`--accept-busy`)."""
    if accept_busy:
        return []
    found = []
    if machine.waited is not None and machine.waited > bounds.waited:
        share = f"{machine.waited:.0%} of the time (bound {bounds.waited:.0%})"
        found.append(f"the data plane was without a core for {share}")
    for name, share_of_host in machine.host_waited.items():
        if bounds.host_waited is not None and share_of_host is not None and share_of_host > bounds.host_waited:
            share = f"{share_of_host:.0%} of the time (bound {bounds.host_waited:.0%})"
            found.append(f"{name} was without a core for {share}")
    if bounds.late_ms is not None and machine.late_ms is not None and machine.late_ms > bounds.late_ms:
        found.append(f"a sender was {machine.late_ms:.0f} ms late (bound {bounds.late_ms:g} ms)")
    return found


MIN_OFFERED = 0.95
"""Of the packets of a flow: what the machine cannot send, it cannot say anything about."""
MAX_LOST_BEFORE = 0.05
"""Of the packets of a flow at the highest steady rate, while nothing is cloned."""
MAX_MISSED = 0.01
"""Of the packets of a flow: those that reached the receiver's interface and not the receiver."""


def slow_sender(sent: int, asked: float, when: str) -> list[str]:
    """The sender sent fewer packets than it was asked to, beyond a bound. `when`: the part of the trial, in words."""
    if sent >= MIN_OFFERED * asked:
        return []
    return [f"the sender kept up with {sent / asked:.0%} of the rate {when} (bound {MIN_OFFERED:.0%})"]


def unsteady(loss_before: float) -> list[str]:
    """A flow that nothing had touched yet lost packets, as a share of them, beyond a bound: until its reconfiguration
    such a trial is a control trial, and this one was disturbed."""
    if loss_before <= MAX_LOST_BEFORE:
        return []
    return [f"{loss_before:.1%} of the packets were lost before the reconfiguration (bound {MAX_LOST_BEFORE:.0%})"]


def missed_frames(at_interface: int, received: int) -> list[str]:
    """The receiver took fewer frames than reached its interface, beyond a bound: that loss is not the switch's."""
    missed = at_interface - received
    if missed <= MAX_MISSED * at_interface:
        return []
    share = f"{missed / at_interface:.1%} of the frames that reached its interface (bound {MAX_MISSED:.0%})"
    return [f"the receiver missed {share}"]


def outside_flow(phases: Phases, flow: Interval, *, margin_s: float = MIN_FLOW_S) -> list[str]:
    """The reconfiguration, or a part of it, was outside the flow that should show it. Times on one clock, in s."""
    found = []
    window, swap = phases.window, phases.swap
    if not flow.begin <= swap.begin <= swap.end <= flow.end:
        found.append(
            f"the swap ({swap.begin:.2f} to {swap.end:.2f} s) was outside the flow ({flow.begin:.2f} to "
            f"{flow.end:.2f} s)"
        )
    elif window.begin < flow.begin + margin_s or window.end > flow.end - margin_s:
        found.append(
            f"the reconfiguration ({window.begin:.2f} to {window.end:.2f} s) leaves less than {margin_s:g} s of the "
            f"flow ({flow.begin:.2f} to {flow.end:.2f} s) before or after it"
        )
    return found


def disturbed_alone(*, lost: int, what: str = "packets") -> list[str]:
    """A run without a reconfiguration must lose nothing."""
    return [f"{lost} {what} were lost without any reconfiguration"] if lost else []

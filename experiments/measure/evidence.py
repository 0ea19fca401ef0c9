"""Is a trial of the scenario what it says? Bounds beyond which it measured the machine, or nothing, and not the switch.

What all experiments share is in `harness/validity.py`; here are the scenario's own proofs: its flows span the change,
its capture is whole, its data plane wakes for each packet.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.harness.phases import Interval

MAX_LATE_MS = 100.0
"""A sender that was later than this sent another flow than it was told to: two bins of the figure. Hosts share their
cores with the switch here, and opening a listener alone can keep a core in the kernel for tens of milliseconds."""
MAX_SLOW_MS = 20.0
"""What 99 % of the packets may take through the switch, outside of the reconfiguration. It is some ms at most where the
data plane has a core when it needs one. The time that it waits for the core says less: it wakes for every packet."""
MAX_CONTROL_WAITED = 1.0
"""Cores that the threads of the control plane lacked, on average over the reconfiguration."""
MIN_BEFORE_S = 0.2
MIN_AFTER_S = 0.5
"""Traffic that has to be there before a reconfiguration and after its swap."""


@dataclass(frozen=True)
class Evidence:
    """What is known about the conditions of a trial. Times in s after its start.

    traffic: the flows that go through the whole trial; window, swap: None without a reconfiguration.
    latest_packet_ms: of the senders, against their schedule. slow_packet_ms: 99 % of the packets were through the
    switch in this time, outside of the window; None without a packet. control_waited: cores that the control plane was
    ready for and did not get in the window; None where that is unknown. captured_bytes, interface_bytes: the same
    link's, by tcpdump and by the kernel's counter. after_reading: frames that arrived when the state was already read.
    late_knock: when the knock inside the reconfiguration was over, None without one; knock_deadline: when it has to be
    over, None where that does not matter.
    """

    traffic: Interval
    window: Interval | None
    swap: Interval | None
    latest_packet_ms: float
    slow_packet_ms: float | None
    control_waited: float | None
    capture_dropped: int
    captured_bytes: int
    interface_bytes: int
    after_reading: int
    late_knock: float | None = None
    knock_deadline: float | None = None


def problems(evidence: Evidence, *, accept_busy: bool = False) -> tuple[str, ...]:
    """Why the trial shows nothing, in words; () when it does. `accept_busy`: what the machine did does not matter."""
    found = [] if accept_busy else _busy(evidence)
    if evidence.window is not None and evidence.swap is not None:
        before = evidence.window.begin - evidence.traffic.begin
        after = evidence.traffic.end - evidence.swap.end
        if before < MIN_BEFORE_S:
            found.append(
                f"the reconfiguration began {before:.2f} s after the flows, at least {MIN_BEFORE_S:g} s are needed"
            )
        if after < MIN_AFTER_S:
            found.append(f"the flows lasted for {after:.2f} s after the swap ({MIN_AFTER_S:g} s are needed)")
    if evidence.capture_dropped:
        found.append(f"the capture missed {evidence.capture_dropped} frames")
    if evidence.captured_bytes != evidence.interface_bytes:
        found.append(
            f"the capture has {evidence.captured_bytes} bytes, the interface's counter {evidence.interface_bytes}"
        )
    if evidence.after_reading:
        found.append(f"{evidence.after_reading} frames arrived after the state was read")
    if evidence.knock_deadline is not None:
        if evidence.late_knock is None:
            found.append("the knock inside the reconfiguration was not made")
        elif evidence.late_knock >= evidence.knock_deadline:
            found.append("the knock inside the reconfiguration came after the swap had begun")
    return tuple(found)


def _busy(evidence: Evidence) -> list[str]:
    """Where the machine kept the cores for something else."""
    found = []
    if evidence.latest_packet_ms > MAX_LATE_MS:
        found.append(f"a sender was {evidence.latest_packet_ms:.0f} ms late (bound: {MAX_LATE_MS:g} ms)")
    if evidence.slow_packet_ms is not None and evidence.slow_packet_ms > MAX_SLOW_MS:
        found.append(
            f"the data plane lacked a core: 1 % of the packets took {evidence.slow_packet_ms:.0f} ms and more "
            f"(bound: {MAX_SLOW_MS:g} ms)"
        )
    if evidence.control_waited is not None and evidence.control_waited > MAX_CONTROL_WAITED:
        found.append(f"the control plane lacked {evidence.control_waited:.2f} cores (bound: {MAX_CONTROL_WAITED:g})")
    return found

"""Whether a trial of the scenario is valid. Beyond these bounds it measured the machine, or nothing, not the switch.

Rules that all experiments share are in `harness/validity.py`; these are the scenario's own: its flows span the change,
its capture is complete, its data plane wakes for each packet.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.harness.phases import Interval

MAX_LATE_MS = 100.0
"""A sender that was later than this sent a different flow from the planned one: two bins of the figure. Hosts share
their cores with the switch here, and opening a listener alone can occupy a core in the kernel for tens of
milliseconds."""
MAX_SLOW_MS = 20.0
"""The time in which 99 % of the packets must pass the switch, outside the reconfiguration. It is at most some ms if the
data plane gets a core when it needs one. The data plane's waiting time says less, because it wakes for every packet."""
MAX_CONTROL_WAITED = 1.0
"""Cores that the threads of the control plane lacked, averaged over the reconfiguration."""
MIN_BEFORE_S = 0.2
MIN_AFTER_S = 0.5
"""Required duration of traffic before a reconfiguration and after its swap."""


@dataclass(frozen=True)
class Evidence:
    """What is known about the conditions of a trial. Times in s after its start.

    traffic: of the flows that last the whole trial; window, swap: None without a reconfiguration. latest_packet_ms:
    largest delay of a sender behind its schedule. slow_packet_ms: 99 % of the packets outside the window passed the
    switch in this time; None without a packet. control_waited: cores that the control plane was ready for but did not
    get in the window; None if unknown. captured_bytes, interface_bytes: of the same link, by tcpdump and by the
    kernel's counter. after_reading: frames that arrived after the state had been read. late_knock: when the knock
    during the reconfiguration was over, None without one; knock_deadline: when it has to be over, None if that does not
    matter.
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
    """Why the trial is invalid; () if it is valid. `accept_busy`: accepts a busy machine."""
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
    """Problems caused by other work on the machine."""
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

"""The paper's claims: what was published and the rule by which our numbers are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from experiments.harness.stats import Spread, spread


@dataclass(frozen=True)
class Finding:
    """A number behind a verdict, with its spread over the repeats; `published` is what the paper has for it, in words.

    The report shows these first, and `make compare` compares them: `what` names the same thing in every run.
    """

    what: str
    published: str
    spread: Spread
    unit: str

    @staticmethod
    def of(what: str, published: str, numbers: Mapping[str, Any], unit: str, *, factor: float = 1.0) -> Finding:
        """From a spread as it is in a summary, multiplied by `factor` for the unit."""
        return Finding(what, published, Spread(**numbers).scaled(factor), unit)


@dataclass(frozen=True)
class Claim:
    """One verdict. `why` says in a sentence what decided it; `findings` are the numbers to show with it."""

    id: str
    published: Any
    measured: Any
    unit: str
    holds: bool
    why: str
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class FlowCount:
    """Packets of one flow, split by when they were sent: before and after the swap.

    `permitted` are those sent when the firewall had been opened for the flow; packets sent too close to the knock or to
    the swap for their fate to be decided are in neither count.
    """

    permitted_before: int
    arrived_before: int
    permitted_after: int
    arrived_after: int
    wrongly_arrived: int

    @property
    def complete(self) -> bool:
        return self.arrived_before == self.permitted_before and self.arrived_after == self.permitted_after

    @property
    def silent_after(self) -> bool:
        return self.permitted_after > 0 and self.arrived_after == 0


# What the paper shows in Figure 3: the fate of each flow's packets that were sent after the swap.
ALL, NOTHING = "all arrive", "none arrives"
PUBLISHED_FIG3: dict[str, dict[str, str]] = {
    "none": {"open": NOTHING, "early1": NOTHING, "early2": NOTHING, "late": NOTHING},
    "controller": {"open": ALL, "early1": ALL, "early2": ALL, "late": NOTHING},
    "swing_state": {"open": ALL, "early1": NOTHING, "early2": NOTHING, "late": ALL},
    "state4": {"open": ALL, "early1": ALL, "early2": ALL, "late": ALL},
}


def judge_fig3(counts: Mapping[str, Mapping[str, FlowCount]]) -> Claim:
    """C1, from the counts by strategy and flow. Strategies without a published outcome do not count.

    It holds when every flow of every strategy met its published fate, nothing was lost before the swap, and no packet
    got past the closed firewall. A claim about four strategies can't hold on fewer.
    """
    wrong: list[str] = [f"{name} was not run" for name in PUBLISHED_FIG3 if name not in counts]
    measured: dict[str, dict[str, str]] = {}
    for strategy, flows in counts.items():
        measured[strategy] = {}
        for flow, count in flows.items():
            fate = ALL if count.complete else NOTHING if count.silent_after else "some arrive"
            measured[strategy][flow] = fate
            published = PUBLISHED_FIG3.get(strategy, {}).get(flow)
            if published is None:
                continue
            place = f"{strategy}, flow {flow}"
            if count.permitted_after == 0:
                wrong.append(f"{place}: no packet was sent after the swap, so nothing is shown")
            if count.arrived_before != count.permitted_before:
                wrong.append(f"{place}: {count.arrived_before} of {count.permitted_before} arrived before the swap")
            if count.wrongly_arrived:
                wrong.append(f"{place}: {count.wrongly_arrived} packets passed the closed firewall")
            if fate != published:
                got = f"{count.arrived_after} of {count.permitted_after} arrived after the swap"
                wrong.append(f"{place}: {got}, published: {published}")
    why = "; ".join(wrong) if wrong else "every flow of every strategy met its published fate"
    return Claim("C1", PUBLISHED_FIG3, measured, "fate of the packets sent after the swap", not wrong, why)


def fig3_findings(repeats: Sequence[Mapping[str, Mapping[str, FlowCount]]]) -> tuple[Finding, ...]:
    """How many flows lose nothing after the swap, by strategy, from the counts of each repeat."""
    found = []
    for strategy in dict.fromkeys(name for counts in repeats for name in counts):
        fates = PUBLISHED_FIG3.get(strategy)
        published = "" if fates is None else f"{sum(fate == ALL for fate in fates.values())} of {len(fates)}"
        whole = [
            sum(count.complete and count.permitted_after > 0 for count in counts[strategy].values())
            for counts in repeats
            if strategy in counts
        ]
        found.append(Finding(f"{strategy}: flows that lose nothing", published, spread(whole), "flows"))
    return tuple(found)


PUBLISHED_DELTA_LOSS = {"state4": "below 1 % at every rate", "controller": "far above it, growing with the read time"}
_STATE4_LIMIT = 0.01
_FAR_ABOVE = 2.0  # how many times State4's loss counts as "far above"


def judge_delta_loss(losses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Claim:
    """C3, from delta-loss by strategy and rate (`{"delta_loss": Spread as dict, ...}`).

    It holds when State4 stays below 1 % in every repeat, the controller approach loses at least twice as much and more
    than nothing at every rate, and a run without a reconfiguration loses exactly nothing (or the harness is wrong).
    """
    wrong = []
    for rate, result in losses.get("no-reconfiguration", {}).items():
        if result["delta_loss"]["maximum"] != 0 or result["delta_loss"]["minimum"] != 0:
            wrong.append(f"without a reconfiguration at {rate} Mbit/s the register differs from the wire")
    for rate, result in losses["state4"].items():
        loss = result["delta_loss"]
        if loss["maximum"] >= _STATE4_LIMIT:
            wrong.append(f"State4 loses {loss['maximum']:.2%} at {rate} Mbit/s")
        other = losses["controller"].get(rate)
        if other is None:
            wrong.append(f"the controller approach was not run at {rate} Mbit/s")
        elif other["delta_loss"]["median"] <= _FAR_ABOVE * max(loss["median"], 0.0):
            wrong.append(f"at {rate} Mbit/s the controller approach loses {other['delta_loss']['median']:.2%} only")
    measured = {
        strategy: {rate: result["delta_loss"]["median"] for rate, result in rates.items()}
        for strategy, rates in losses.items()
    }
    why = (
        "; ".join(wrong) if wrong else "State4 stays below 1 % and the controller approach far above it, at every rate"
    )
    unit = "share of the bytes on the wire, by rate in Mbit/s"
    return Claim("C3", PUBLISHED_DELTA_LOSS, measured, unit, not wrong, why, delta_loss_findings(losses))


def delta_loss_findings(losses: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[Finding, ...]:
    """Delta-loss of each strategy at the rate where its median is highest, of the controller also at the lowest."""

    def at(strategy: str, rate: str, which: str, published: str) -> Finding:
        what = f"{strategy}: {which} delta-loss of all rates"
        return Finding.of(what, published, losses[strategy][rate]["delta_loss"], "%", factor=100)

    published = {"state4": "< 1 %", "controller": "far above"}
    found = []
    for strategy, rates in losses.items():
        ordered = sorted(rates, key=lambda rate: float(rates[rate]["delta_loss"]["median"]))
        if strategy == "controller":
            found.append(at(strategy, ordered[0], "lowest", published[strategy]))
        found.append(at(strategy, ordered[-1], "highest", published.get(strategy, "")))
    return tuple(found)


PUBLISHED_FIG4 = {"reconfiguration_s": 1.82, "gap_at_swap_ms": 20.0, "state_kept": True}
_TIME_TOLERANCE = 0.15  # of the published time, with the profile that is paced to it


def judge_fig4(measured: Mapping[str, Mapping[str, Any]], profile: str) -> Claim:
    """C2, from State4's spread of times and gaps.

    It holds when all state was kept, no packet was lost, the swap stopped traffic for no longer than published, and the
    reconfiguration took the published time within 15 % (profile `paper`) or less (`native`).
    """
    ours = measured["state4"]
    seconds, gap = ours["reconfiguration_s"]["median"], ours["gap_at_swap_ms"]["median"]
    published_s, published_ms = float(PUBLISHED_FIG4["reconfiguration_s"]), float(PUBLISHED_FIG4["gap_at_swap_ms"])
    wrong = []
    if not ours["state_kept"]:
        wrong.append("state was lost")
    if ours["lost_packets"]:
        wrong.append(f"{ours['lost_packets']} packets were lost")
    if gap > published_ms:
        bare = measured.get("none", {}).get("swap_ms")
        why = f" (the switch's own call to swap, with nothing preserved, takes {bare['median']:.1f} ms)" if bare else ""
        wrong.append(f"the longest gap at the swap is {gap:.1f} ms{why}")
    if profile == "paper" and abs(seconds - published_s) > _TIME_TOLERANCE * published_s:
        wrong.append(f"the reconfiguration took {seconds:.2f} s, not about {published_s:.2f} s")
    if profile != "paper" and seconds > published_s:
        wrong.append(f"the reconfiguration took {seconds:.2f} s")
    why = (
        "; ".join(wrong)
        or f"{seconds:.2f} s in all, {gap:.1f} ms without a packet at the swap, no state and no packet lost"
    )
    values = {"reconfiguration_s": seconds, "gap_at_swap_ms": gap, "state_kept": ours["state_kept"]}
    return Claim("C2", PUBLISHED_FIG4, values, "s and ms", not wrong, why, fig4_findings(measured))


def fig4_findings(measured: Mapping[str, Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Time and longest gap of State4, and to compare with: a bare swap, and a run without a reconfiguration."""
    numbers = (
        ("state4", "reconfiguration_s", "state4: time of the reconfiguration", "about 1.82 s", "s"),
        ("state4", "gap_at_swap_ms", "state4: longest gap at the swap", "about 20 ms", "ms"),
        ("none", "swap_ms", "no preservation: the switch's call to swap", "", "ms"),
        ("no-reconfiguration", "longest_gap_ms", "no reconfiguration: longest gap of the run", "", "ms"),
    )
    return tuple(
        Finding.of(what, published, measured[strategy][name], unit)
        for strategy, name, what, published, unit in numbers
        if name in measured.get(strategy, {})
    )

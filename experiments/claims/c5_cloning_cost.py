"""Claim C5 (Figure 7) in its three parts: what cloning costs. Published values, thresholds, rules, findings.

What is *kept* is the share of the packets that arrive, of those sent in a part of a trial; medians over the repeats.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.claims.base import Claim, Finding, PublishedClaim
from experiments.claims.stats import Spread
from experiments.measure.full_load import BUSY

HALF_LOAD = PublishedClaim(
    "C5 half",
    "Fig. 7",
    "State4 at half load",
    "At half of the switch's highest steady rate State4 barely disturbs traffic.",
    "The published rate was 600 Mbit/s of bmv2. Ours is searched for first, on the switch and machine at hand, "
    "three times, with a core for the data plane alone.",
)

ABOVE_HALF = PublishedClaim(
    "C5 above",
    "Fig. 7",
    "State4 and Swing State above half load",
    "Above half of the highest steady rate State4 is ahead of Swing State.",
    "Judged by the packets of the whole trial that arrive, within each repeat. The longer a trial, the larger the "
    "lead: State4 clones for its reconfiguration only.",
)

FULL_LOAD = PublishedClaim(
    "C5 cost",
    "Fig. 7",
    "What cloning costs at full load",
    "Cloning every packet halves the throughput at full load: for State4 during the reconfiguration only, for "
    "Swing State always.",
    "Measured with a flood, which the switch can't take all of, without and with cloning in turn; and at the "
    "highest steady rate, which is a little below what a flood gets through, so that cloning costs less there.",
)

HALF, ABOVE, COST = HALF_LOAD.id, ABOVE_HALF.id, FULL_LOAD.id
PUBLISHED_HIGHEST_MBIT = 600
PUBLISHED_KEEPS = 0.5  # of the throughput at full load, while every packet is cloned
_PUBLISHED = {
    HALF: "at 50 % State4 barely disturbs the traffic",
    ABOVE: "above 50 % State4 is ahead of Swing State",
    COST: "at 100 % cloning halves the throughput: for State4 during the reconfiguration, for Swing State always",
}
_UNDISTURBED = 0.95  # of the packets or more: "barely disturbed"
_HALVED = 0.75  # of a flood's throughput or less: half of it, within half of that
_COSTS = 0.98  # of the packets or less: cloning is seen at the highest steady rate, of which a thousandth is noise
_NOISE = 0.02  # two shares that differ by less are equal


def judge_cloning(measured: Mapping[str, Any]) -> list[Claim]:
    """C5, from full load (`steady`), shares by strategy, load and part of a trial (`strategies`), and State4's `lead`.

    *Half* holds when at 50 % State4 keeps at least 95 % during its reconfiguration. *Above* holds when at every load
    above, State4 keeps no less of the whole trial than Swing State in the same repeat, and more at 100 %. *Cost* holds
    when a flooded switch that clones every packet keeps at most 75 % of its throughput, and at 100 % packets are lost
    by it, by State4 only during its reconfiguration (95 % are kept before it), by Swing State before it, too. How much
    cloning costs depends on the switch: "half" is the published one's and is shown beside ours.
    """
    return [_half(measured), _above(measured), _cost(measured)]


def _kept(measured: Mapping[str, Any], strategy: str, load: str, part: str) -> float:
    return 1.0 - float(measured["strategies"][strategy][load]["parts"][part]["loss"]["median"])


def _half(measured: Mapping[str, Any]) -> Claim:
    kept = _kept(measured, "state4", "50", "during")
    why = f"at 50 % State4 keeps {kept:.1%} during its reconfiguration"
    findings = (_finding(measured, "state4", "50", "during", "nearly all"),)
    return Claim(HALF, _PUBLISHED[HALF], kept, "share of the packets", kept >= _UNDISTURBED, why, findings)


def _above(measured: Mapping[str, Any]) -> Claim:
    loads = sorted((load for load in measured["lead"] if float(load) > 50), key=float)
    lead = {load: measured["lead"][load] for load in loads}
    holds = all(lead[load]["median"] >= (_NOISE if load == "100" else -_NOISE) for load in loads)
    told = [
        f"at {load} % State4 keeps {_kept(measured, 'state4', load, 'whole'):.1%} of the whole trial, Swing State "
        f"{_kept(measured, 'swing_state', load, 'whole'):.1%}"
        for load in loads
    ]
    findings = [Finding("highest steady rate", _highest(), Spread(**measured["steady"]["steady_mbit"]), "Mbit/s")]
    for load in loads:
        findings += [
            _finding(measured, "state4", load, "whole", "more than Swing State"),
            _finding(measured, "swing_state", load, "whole", "half" if load == "100" else ""),
        ]
    return Claim(ABOVE, _PUBLISHED[ABOVE], lead, "lead in shares", holds, "; ".join(told), tuple(findings))


def _cost(measured: Mapping[str, Any]) -> Claim:
    steady = measured["steady"]
    flooded = float(steady["cloning_keeps"]["median"])
    before, during = (_kept(measured, "state4", "100", part) for part in ("before", "during"))
    swing = _kept(measured, "swing_state", "100", "before")
    wrong = []
    if flooded > _HALVED:
        wrong.append(f"a flooded switch keeps {flooded:.0%} of its throughput: cloning is cheap on it")
    if before < _UNDISTURBED:
        wrong.append(f"at 100 % State4 keeps {before:.0%} only, even before it clones")
    for name, share in (("State4", during), ("Swing State", swing)):
        if share > _COSTS:
            wrong.append(f"at 100 % {name} keeps {share:.1%} while it clones")
    ours = (
        f"flooded, the switch keeps {flooded:.0%} of its throughput when it clones every packet "
        f"({steady['flood_cloning_mbit']['median']:.0f} of {steady['flood_mbit']['median']:.0f} Mbit/s; published: "
        "half); "
        f"at 100 % State4 keeps {during:.0%} while it reconfigures and {before:.1%} before, Swing State {swing:.0%}"
    )
    findings = (
        Finding.of("flooded: throughput kept when all is cloned", "half", steady["cloning_keeps"], "%", factor=100),
        Finding.of("flooded: throughput without cloning", "", steady["flood_mbit"], "Mbit/s"),
        _finding(measured, "state4", "100", "before", "all"),
        _finding(measured, "state4", "100", "during", "half"),
        _finding(measured, "swing_state", "100", "before", "half"),
    )
    values = {"flooded": flooded, "state4_before": before, "state4_during": during, "swing_state_before": swing}
    busy = f"the machine was busy: the data plane was without a core for {steady['waited']:.0%} of a flood"
    why = "; ".join([*wrong, ours, *([busy] if steady["waited"] > BUSY else [])])
    return Claim(COST, _PUBLISHED[COST], values, "share kept", not wrong, why, findings)


def _finding(measured: Mapping[str, Any], strategy: str, load: str, part: str, published: str) -> Finding:
    loss = measured["strategies"][strategy][load]["parts"][part]["loss"]
    names = {"median": "median", "low": "high", "high": "low", "minimum": "maximum", "maximum": "minimum"}
    kept = Spread(**{name: 100 * (1 - loss[other]) for name, other in names.items()}, count=loss["count"])
    return Finding(f"{strategy}: packets kept at {load} %, {_PARTS[part]}", published, kept, "%")


def _highest() -> str:
    return f"{PUBLISHED_HIGHEST_MBIT} Mbit/s"


_PARTS = {"before": "before reconfiguring", "during": "while reconfiguring", "whole": "whole trial"}

"""Claim C5 (Figure 7) in its three parts: the cost of cloning. Published values, thresholds, rules, findings.

What is *kept* is the share of packets that arrive, among those sent in a part of a trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from experiments.claims.base import (
    CONTROL_TRIAL,
    Check,
    Claim,
    Finding,
    PublishedClaim,
    Verdict,
    decide,
    not_asked,
    not_judged,
    reasons_of,
)
from experiments.claims.bounds import Quantity, at_least, at_most
from experiments.claims.stats import Spread

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

PUBLISHED_KEEPS = 0.5
"""Share of the throughput at full load that is kept while every packet is cloned."""

FULL_LOAD = PublishedClaim(
    "C5 cost",
    "Fig. 7",
    "What cloning costs at full load",
    "Cloning every packet halves the throughput at full load: for State4 during the reconfiguration only, for "
    "Swing State always.",
    "Measured with a flood, which the switch can't take all of, without and with cloning in turn; and at the "
    "highest steady rate, which is a little below what a flood gets through, so that cloning costs less there.",
    drawn={"keeps_while_cloning": PUBLISHED_KEEPS},
)

PUBLISHED_HIGHEST_MBIT = 600
HALF_AT_LEAST, HALF_AT_MOST = 0.40, 0.60
"""The range that counts as half. Less is worse than published, more is better."""
UNDISTURBED_LOSS = 0.05
"""Largest loss, as a share of the packets, that "barely disturbed" allows."""
NOISE = 0.02
"""Two shares that differ by less count as equal."""
BUSY = 0.15
"""Share of a flood in which the data plane was ready and had no core: from here on the flood measured the machine."""
AGREEMENT = 0.8
"""The second highest result of the searches for full load, as a share of the highest: below, full load is not known."""

_PAPER = {
    HALF_LOAD.id: "at 50 % State4 barely disturbs the traffic",
    ABOVE_HALF.id: "above 50 % State4 is ahead of Swing State",
    FULL_LOAD.id: "at 100 % cloning halves the throughput: for State4 while it reconfigures, for Swing State always",
}


def judge_cloning_cost(measured: Mapping[str, Any], unusable: Mapping[str, str] | None = None) -> list[Claim]:
    """C5, from full load (`steady`), shares by strategy, load and part of a trial (`strategies`), and State4's `lead`.

    *Half* holds when at 50 % State4 loses at most 5 % of the packets during its reconfiguration. *Above* holds when at
    every load above, State4 keeps no less of the whole trial than Swing State in the same repeat, and more at 100 %
    (where Swing State loses next to nothing, there is nothing to be ahead of, which is better than published). *Cost*
    holds when a flooded switch that clones every packet keeps 40 to 60 % of its throughput, and at 100 % State4 while
    it reconfigures and Swing State always keep as much, and State4 loses at most 5 % before; more than 60 % is better.
    Full load has to be known: two searches have to agree, on a machine that let the switch have its core.
    """
    return [judge(measured, unusable or {}) for judge in (_half, _above, _cost)]


def full_load_not_found(why: str) -> list[Claim]:
    """C5 if no search for full load counts: nothing of it can be judged."""
    return [not_judged(claim, f"full load is not known: {why}") for claim in (HALF_LOAD, ABOVE_HALF, FULL_LOAD)]


def _half(measured: Mapping[str, Any], unusable: Mapping[str, str]) -> Claim:
    claim = _unmeasured(measured, unusable, HALF_LOAD, (("state4", "50", "during"),))
    if claim is not None:
        return claim
    lost = _lost(measured, "state4", "50", "during")
    checks = [at_most(lost, UNDISTURBED_LOSS)]
    reason = f"at 50 % State4 keeps {1 - lost.spread.median:.1%} during its reconfiguration"
    findings = (_kept_finding(measured, "state4", "50", "during", "nearly all"),)
    return _decide(HALF_LOAD, checks, reason, 1 - lost.spread.median, "share of the packets", findings)


def _above(measured: Mapping[str, Any], unusable: Mapping[str, str]) -> Claim:
    loads = sorted((load for load in measured["loads"] if float(load) > 50), key=float)
    needed = [(name, load, "whole") for load in loads for name in ("state4", "swing_state")]
    claim = _unmeasured(measured, unusable, ABOVE_HALF, needed)
    if claim is not None:
        return claim
    if "100" not in loads:
        return not_asked(ABOVE_HALF, "full load was left out")
    checks = [_ahead(measured, load) for load in loads]
    reason = "; ".join(
        f"at {load} % State4 keeps {_kept(measured, 'state4', load, 'whole'):.1%} of the whole trial, Swing State "
        f"{_kept(measured, 'swing_state', load, 'whole'):.1%}"
        for load in loads
    )
    findings = [
        Finding(
            "highest steady rate",
            f"{PUBLISHED_HIGHEST_MBIT} Mbit/s",
            Spread(**measured["steady"]["steady_mbit"]),
            "Mbit/s",
        )
    ]
    for load in loads:
        findings += [
            _kept_finding(measured, "state4", load, "whole", "more than Swing State"),
            _kept_finding(measured, "swing_state", load, "whole", "half" if load == "100" else ""),
        ]
    lead = {load: measured["lead"].get(load) for load in loads}
    return _decide(ABOVE_HALF, checks, reason, lead, "lead in shares", findings)


def _ahead(measured: Mapping[str, Any], load: str) -> Check:
    swing = _lost(measured, "swing_state", load, "whole")
    if swing.interval[1] <= NOISE:
        state4 = _lost(measured, "state4", load, "whole")
        check = at_most(state4, NOISE)
        return replace(check, better=True) if check.verdict is Verdict.HOLDS else check
    if load not in measured["lead"]:
        return Check(Verdict.NOT_JUDGED, f"at {load} % the two were never measured in the same repeat")
    lead = Quantity.of(f"State4's lead at {load} %", measured["lead"][load], "%", 100)
    return at_least(lead, NOISE if load == "100" else -NOISE)


def _cost(measured: Mapping[str, Any], unusable: Mapping[str, str]) -> Claim:
    needed = (("state4", "100", "before"), ("state4", "100", "during"), ("swing_state", "100", "before"))
    claim = _unmeasured(measured, unusable, FULL_LOAD, needed)
    if claim is not None:
        return claim
    steady = measured["steady"]
    before, during = (_lost(measured, "state4", "100", part) for part in ("before", "during"))
    swing = _lost(measured, "swing_state", "100", "before")
    keeps = Quantity.of(
        "what a flooded switch keeps of its throughput when it clones", steady["cloning_keeps"], "%", 100
    )
    checks = [
        at_least(keeps, HALF_AT_LEAST, better_above=HALF_AT_MOST),
        at_most(before, UNDISTURBED_LOSS),
        _half_is_kept("State4 keeps at 100 % while it reconfigures", during),
        _half_is_kept("Swing State keeps at 100 %", swing),
    ]
    kept = {name: 1 - lost.spread.median for name, lost in (("before", before), ("during", during), ("swing", swing))}
    reason = (
        f"flooded, the switch keeps {keeps.spread.median:.0%} of its throughput when it clones every packet "
        f"({steady['flood_cloning_mbit']['median']:.0f} of {steady['flood_mbit']['median']:.0f} Mbit/s; published: "
        f"half); at 100 % State4 keeps {kept['during']:.0%} while it reconfigures and {kept['before']:.1%} before, "
        f"Swing State {kept['swing']:.0%}"
    )
    findings = (
        Finding.of("flooded: throughput kept when all is cloned", "half", steady["cloning_keeps"], "%", factor=100),
        Finding.of("flooded: throughput without cloning", "", steady["flood_mbit"], "Mbit/s"),
        _kept_finding(measured, "state4", "100", "before", "all"),
        _kept_finding(measured, "state4", "100", "during", "half"),
        _kept_finding(measured, "swing_state", "100", "before", "half"),
    )
    values = {
        "flooded": keeps.spread.median,
        "state4_before": kept["before"],
        "state4_during": kept["during"],
        "swing_state_before": kept["swing"],
    }
    return _decide(FULL_LOAD, checks, reason, values, "share kept", findings)


def _half_is_kept(what: str, lost: Quantity) -> Check:
    """Half of the packets, within the tolerance. The interval is that of the loss, inverted."""
    kept = Quantity(f"what {what}", complement(lost.spread), "%", 100)
    return at_least(kept, HALF_AT_LEAST, better_above=HALF_AT_MOST)


def why_full_load_is_unknown(measured: Mapping[str, Any]) -> str:
    """Why shares of full load are meaningless in a run; "" if full load is known well enough."""
    steady = measured["steady"]
    waited, agreement = steady.get("waited"), steady.get("agreement")
    if waited is not None and waited > BUSY:
        return f"the data plane was without a core for {waited:.0%} of a flood"
    if agreement is None:
        return "full load was searched for once: its uncertainty is unknown"
    if agreement < AGREEMENT:
        return f"full load is not known: the second highest search found {agreement:.0%} of the highest"
    return why_control_is_disturbed(measured, {}, "100")


def why_control_is_disturbed(measured: Mapping[str, Any], unusable: Mapping[str, str], load: str) -> str:
    """Why a load shows nothing: the same flow without a reconfiguration was disturbed, or loses packets by itself."""
    alone = measured["strategies"].get(CONTROL_TRIAL, {}).get(load, {}).get("parts", {}).get("whole")
    if alone is None:
        names = [name for name in unusable if name.startswith(f"{CONTROL_TRIAL}-load{load}-")]
        return f"the flow at {load} % was disturbed without any reconfiguration: {unusable[names[0]]}" if names else ""
    if alone["loss"]["median"] > UNDISTURBED_LOSS:
        return f"the flow at {load} % loses {alone['loss']['median']:.1%} without any reconfiguration"
    return ""


def _unmeasured(
    measured: Mapping[str, Any],
    unusable: Mapping[str, str],
    published: PublishedClaim,
    needed: Any,
) -> Claim | None:
    """Why a part is not judged, where something that it needs was left out or has no usable trial."""
    asked = measured["asked"]
    for strategy, load, part in needed:
        if strategy not in asked or load not in measured["loads"]:
            return not_asked(published, f"{strategy} at {load} % of full load was left out")
        if part not in measured["strategies"].get(strategy, {}).get(load, {}).get("parts", {}):
            return not_judged(published, f"at {load} %: {reasons_of(unusable, f'{strategy}-load{load}')}")
    if not needed:
        return not_asked(published, "no load above 50 % was asked for")
    loads = dict.fromkeys(load for _, load, _ in needed)
    reasons_open = [
        why_full_load_is_unknown(measured),
        *(why_control_is_disturbed(measured, unusable, load) for load in loads),
    ]
    return next((not_judged(published, why) for why in reasons_open if why), None)


def _lost(measured: Mapping[str, Any], strategy: str, load: str, part: str) -> Quantity:
    loss = measured["strategies"][strategy][load]["parts"][part]["loss"]
    return Quantity.of(f"what {strategy} loses at {load} %, {_PARTS[part]},", loss, "%", 100)


def _kept(measured: Mapping[str, Any], strategy: str, load: str, part: str) -> float:
    return 1.0 - _lost(measured, strategy, load, part).spread.median


def complement(loss: Spread) -> Spread:
    """The share kept, from the share lost."""
    return Spread(
        1 - loss.median, 1 - loss.high, 1 - loss.low, loss.count, minimum=1 - loss.maximum, maximum=1 - loss.minimum
    )


def _kept_finding(measured: Mapping[str, Any], strategy: str, load: str, part: str, published: str) -> Finding:
    kept = complement(_lost(measured, strategy, load, part).spread).scaled(100)
    return Finding(f"{strategy}: packets kept at {load} %, {_PARTS[part]}", published, kept, "%")


def _decide(published: PublishedClaim, checks: Any, reason: str, measured: Any, unit: str, findings: Any) -> Claim:
    return decide(
        published, checks, reason, paper=_PAPER[published.id], measured=measured, unit=unit, findings=tuple(findings)
    )


_PARTS = {"before": "before reconfiguring", "during": "while reconfiguring", "whole": "whole trial"}

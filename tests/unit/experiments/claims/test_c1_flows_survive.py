"""Claim C1: which flows survive."""

from __future__ import annotations

import pytest

from experiments.claims.base import Claim, Verdict
from experiments.claims.c1_flows_survive import (
    ALL,
    NOTHING,
    PUBLISHED_FATES,
    FlowCount,
    KnockSeries,
    flow_findings,
    judge_flows_survive,
    knock_findings,
)


def published_counts() -> dict[str, dict[str, FlowCount]]:
    """Counts in which every flow meets its published fate."""
    return {
        strategy: {flow: FlowCount(10, 10, 10, 10 if fate == ALL else 0, 0) for flow, fate in flows.items()}
        for strategy, flows in PUBLISHED_FATES.items()
    }


def judged_with(strategy: str, flow: str, count: FlowCount) -> Claim:
    counts = published_counts()
    counts[strategy][flow] = count
    return judge_flows_survive([counts])


def test_the_published_outcome_holds() -> None:
    claim = judge_flows_survive([published_counts(), published_counts()])
    assert claim.verdict is Verdict.HOLDS, claim.why
    assert claim.measured == claim.published == PUBLISHED_FATES


@pytest.mark.parametrize(
    ("strategy", "flow", "count", "why"),
    [
        ("state4", "early1", FlowCount(10, 10, 10, 9, 0), "9 of 10 arrived after the swap, published: all arrive"),
        ("state4", "late", FlowCount(10, 10, 10, 0, 0), "0 of 10 arrived after the swap"),
        ("controller", "late", FlowCount(10, 10, 10, 1, 0), "1 of 10 arrived after the swap, published: none arrives"),
        ("none", "open", FlowCount(10, 9, 10, 0, 0), "9 of 10 arrived before the swap"),
        ("controller", "late", FlowCount(0, 0, 10, 0, 1), "1 packets passed the closed firewall"),
    ],
)
def test_one_packet_breaks_it(strategy: str, flow: str, count: FlowCount, why: str) -> None:
    claim = judged_with(strategy, flow, count)
    assert claim.verdict is Verdict.FAILS
    assert claim.why == f"{strategy}, flow {flow}: {why}" or why in claim.why


def test_nothing_sent_after_the_swap_shows_nothing() -> None:
    claim = judged_with("none", "late", FlowCount(5, 5, 0, 0, 0))
    assert claim.verdict is Verdict.NOT_JUDGED and "nothing is shown" in claim.why


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_repeat_counts(place: int) -> None:
    """Not only the last or the first one."""
    repeats = [published_counts() for _ in range(3)]
    repeats[place]["state4"]["late"] = FlowCount(10, 10, 10, 0, 0)
    claim = judge_flows_survive(repeats)
    assert claim.verdict is Verdict.FAILS
    assert claim.measured["state4"]["late"] == NOTHING  # the repeat that decides is the one that is shown


def test_a_strategy_without_a_usable_trial_leaves_the_claim_open() -> None:
    counts = published_counts()
    del counts["swing_state"]
    claim = judge_flows_survive([counts], {"swing_state-1": "the swap was outside the flow", "none-2": "x"})
    assert claim.verdict is Verdict.NOT_JUDGED and claim.covered
    assert claim.why == "swing_state-1: the swap was outside the flow"


def test_a_strategy_that_is_missing_in_one_repeat_is_judged_by_the_others() -> None:
    lacking = published_counts()
    del lacking["swing_state"]
    assert judge_flows_survive([lacking, published_counts()]).holds


def test_a_new_strategy_is_reported_and_not_judged() -> None:
    counts = published_counts()
    counts["mine"] = {"open": FlowCount(10, 10, 10, 0, 0), "late": FlowCount(0, 0, 10, 3, 0)}
    claim = judge_flows_survive([counts])
    assert claim.holds
    assert claim.measured["mine"] == {"open": NOTHING, "late": "some arrive"}


def test_findings_count_the_flows_that_lose_nothing() -> None:
    broken = published_counts()
    broken["state4"]["late"] = FlowCount(10, 10, 10, 9, 0)
    findings = {finding.what: finding for finding in flow_findings([published_counts(), broken])}
    state4 = findings["state4: flows that lose nothing"]
    assert (state4.published, state4.spread.median, state4.spread.minimum) == ("4 of 4", 3.5, 3.0)
    assert findings["controller: flows that lose nothing"].spread.median == 3.0
    assert findings["none: flows that lose nothing"].published == "0 of 4"


SERIES = KnockSeries(before_swap_s=(2.0, 1.5, 1.0, 0.5, 0.1), survived=(True, True, True, False, False), window_s=1.6)


def test_survival_against_the_moment_of_the_knock() -> None:
    assert SERIES.share(1.6, 0.0) == pytest.approx(0.5)  # the first was before the reconfiguration
    assert SERIES.share(2.1, 1.0) == 1.0
    assert SERIES.share(0.09, 0.0) is None
    assert SERIES.last_survivor_s == 1.0
    assert KnockSeries((1.0,), (False,), 1.0).last_survivor_s is None


def test_a_moment_on_the_edge_belongs_to_the_later_part() -> None:
    assert SERIES.share(1.5, 1.0) == 1.0 and SERIES.share(0.5, 0.1) == 0.0
    edge = KnockSeries((2.0, 1.0), (True, False), 2.0)
    assert edge.share(2.0, 1.0) == 0.0 and edge.share(2.1, 1.0) == 0.5


def test_a_series_says_of_each_knock_what_became_of_it() -> None:
    with pytest.raises(ValueError, match="zip"):
        _ = KnockSeries((2.0, 1.0), (True,), 2.0).share(2.0, 0.0)
    with pytest.raises(ValueError, match="zip"):
        _ = KnockSeries((2.0,), (True, True), 2.0).last_survivor_s


def test_a_flow_that_is_not_published_hides_none_that_is() -> None:
    counts = published_counts()
    counts["state4"] = {"mine": FlowCount(1, 1, 1, 0, 0), **counts["state4"], "late": FlowCount(10, 10, 10, 0, 0)}
    assert judge_flows_survive([counts]).verdict is Verdict.FAILS


def test_survival_is_shown_and_decides_nothing() -> None:
    claim = judge_flows_survive([published_counts()], knocks={"controller": [SERIES], "none": []})
    assert claim.holds
    shown = {finding.what: finding for finding in claim.findings}
    assert shown["controller: knocks while reconfiguring that survive"].spread.median == pytest.approx(50)
    assert shown["controller: last knock that survives, before the swap"].spread.median == pytest.approx(1000)
    assert not [what for what in shown if what.startswith("none: knocks")]
    half = KnockSeries((0.5,), (True,), 1.0)
    assert knock_findings({"state4": [half]})[1].spread.median == 500  # ms
    assert knock_findings({"none": [KnockSeries((1.0,), (False,), 2.0)]})[0].spread.median == 0

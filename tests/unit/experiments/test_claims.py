"""The verdict on claim C1."""

from __future__ import annotations

from experiments.claims.c1_flows_survive import ALL, NOTHING, PUBLISHED_FIG3, FlowCount, fig3_findings, judge_fig3


def published_counts() -> dict[str, dict[str, FlowCount]]:
    """Counts in which every flow meets its published fate."""
    return {
        strategy: {flow: FlowCount(10, 10, 10, 10 if fate == ALL else 0, 0) for flow, fate in flows.items()}
        for strategy, flows in PUBLISHED_FIG3.items()
    }


def test_the_published_outcome_holds() -> None:
    claim = judge_fig3(published_counts())
    assert claim.holds, claim.why
    assert claim.measured == PUBLISHED_FIG3


def test_one_lost_packet_breaks_it() -> None:
    counts = published_counts()
    counts["state4"]["early1"] = FlowCount(10, 10, 10, 9, 0)
    claim = judge_fig3(counts)
    assert not claim.holds
    assert claim.why == "state4, flow early1: 9 of 10 arrived after the swap, published: all arrive"


def test_a_loss_before_the_swap_breaks_it() -> None:
    counts = published_counts()
    counts["none"]["open"] = FlowCount(10, 9, 10, 0, 0)
    assert "9 of 10 arrived before the swap" in judge_fig3(counts).why


def test_a_hole_in_the_firewall_breaks_it() -> None:
    counts = published_counts()
    counts["controller"]["late"] = FlowCount(0, 0, 10, 0, 1)
    assert "passed the closed firewall" in judge_fig3(counts).why


def test_nothing_sent_shows_nothing() -> None:
    counts = published_counts()
    counts["none"]["late"] = FlowCount(0, 0, 0, 0, 0)
    claim = judge_fig3(counts)
    assert not claim.holds and "nothing is shown" in claim.why


def test_a_strategy_left_out_leaves_the_claim_open() -> None:
    counts = published_counts()
    del counts["swing_state"]
    assert "swing_state was not run" in judge_fig3(counts).why


def test_a_new_strategy_is_reported_and_not_judged() -> None:
    counts = published_counts()
    counts["mine"] = {"open": FlowCount(10, 10, 10, 0, 0), "late": FlowCount(0, 0, 10, 3, 0)}
    claim = judge_fig3(counts)
    assert claim.holds
    assert claim.measured["mine"] == {"open": NOTHING, "late": "some arrive"}


def test_findings_count_the_flows_that_lose_nothing() -> None:
    broken = published_counts()
    broken["state4"]["late"] = FlowCount(10, 10, 10, 9, 0)
    findings = {finding.what: finding for finding in fig3_findings([published_counts(), broken])}
    state4 = findings["state4: flows that lose nothing"]
    assert (state4.published, state4.spread.median, state4.spread.minimum) == ("4 of 4", 3.5, 3.0)
    assert findings["controller: flows that lose nothing"].spread.median == 3.0
    assert findings["none: flows that lose nothing"].published == "0 of 4"

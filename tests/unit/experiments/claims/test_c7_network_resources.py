"""Claim C7: the network resources used by a reconfiguration."""

from __future__ import annotations

from experiments.claims.base import Verdict
from experiments.claims.c7_network_resources import judge_network_resources

QUIET = {
    "no-reconfiguration": {"stray_frames": [0, 0]},
    "state4": {"stray_frames": [0, 0], "clones": [500, 510]},
    "swing_state": {"stray_frames": [0, 0], "clones": [900, 1000]},
}


def test_no_frame_other_than_the_flows_holds() -> None:
    claim = judge_network_resources(QUIET)
    assert claim.verdict is Verdict.HOLDS
    shown = {finding.what: finding.spread.median for finding in claim.findings}
    assert shown == {
        "state4: frames on links beside the flow": 0,
        "swing_state: frames on links beside the flow": 0,
        "swing_state: clones that it would send over a link": 950,
    }


def test_one_frame_in_one_repeat_breaks_it() -> None:
    claim = judge_network_resources({**QUIET, "state4": {"stray_frames": [0, 1]}})
    assert claim.verdict is Verdict.FAILS and claim.why == "1 frames beside the flow were on the links"


def test_frames_that_are_there_anyway_are_the_machines() -> None:
    found = {**QUIET, "state4": {"stray_frames": [1, 1]}, "no-reconfiguration": {"stray_frames": [0, 2]}}
    assert judge_network_resources(found).verdict is Verdict.NOT_JUDGED


def test_without_usable_trials_there_is_no_statement() -> None:
    assert judge_network_resources({}, {"state4-1": "no core"}).why == "state4-1: no core"
    disturbed = {"state4": {"stray_frames": [0]}}
    assert judge_network_resources(disturbed, {"no-reconfiguration-1": "x"}).verdict is Verdict.NOT_JUDGED


def test_a_trial_that_did_not_count_frames_says_nothing() -> None:
    claim = judge_network_resources({**QUIET, "state4": {}}, {"state4-1": "no core"})
    assert claim.verdict is Verdict.NOT_JUDGED and claim.why == "state4-1: no core"
    noisy = {"state4": {"stray_frames": [2]}}
    for control in ({}, {"no-reconfiguration": {}}):
        claim = judge_network_resources({**noisy, **control})
        assert claim.verdict is Verdict.FAILS and claim.why == "2 frames beside the flow were on the links"

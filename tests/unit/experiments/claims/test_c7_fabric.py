"""Claim C7 in a fabric: the frames that the change of one spine puts on links and neighbours."""

from __future__ import annotations

from typing import Any

from experiments.claims.base import Verdict
from experiments.claims.c7_fabric import judge_fabric


def numbers(frames: list[int], gaps: list[float] | None = None) -> dict[str, Any]:
    sums = dict.fromkeys(("frames", "bytes", "neighbour_frames", "neighbour_bytes"), frames)
    return {"runs": len(frames), "strays": sums, "probe_gaps_s": gaps or [0.12] * len(frames)}


QUIET = {"no-reconfiguration": numbers([0, 0]), "state4": numbers([0, 0]), "state4_exact": numbers([0, 0])}


def test_no_frame_on_any_link_holds() -> None:
    claim = judge_fabric({**QUIET, "drain": numbers([0, 0], [2.5, 2.4])})
    assert claim.verdict is Verdict.HOLDS and claim.id == "C7 fabric"
    assert {finding.what for finding in claim.findings} >= {"state4: frames of its own on links"}


def test_one_frame_in_one_repeat_of_either_breaks_it() -> None:
    for name in ("state4", "state4_exact"):
        claim = judge_fabric({**QUIET, name: numbers([0, 1])})
        assert claim.verdict is Verdict.FAILS and claim.why == f"{name} put 1 frames on links"


def test_what_is_there_anyway_is_the_machines() -> None:
    found = {**QUIET, "state4": numbers([2, 0]), "no-reconfiguration": numbers([0, 1])}
    assert judge_fabric(found).verdict is Verdict.NOT_JUDGED
    found = {**QUIET, "state4": numbers([0], [1.0]), "no-reconfiguration": numbers([0], [1.2])}
    assert judge_fabric(found).verdict is Verdict.NOT_JUDGED


def test_probes_that_stay_away_for_hulas_time_out_break_it() -> None:
    assert judge_fabric({**QUIET, "state4": numbers([0, 0], [0.1, 0.99])}).verdict is Verdict.HOLDS
    claim = judge_fabric({**QUIET, "state4": numbers([0, 0], [0.1, 1.0])})
    assert claim.verdict is Verdict.FAILS and "for 1.00 s, so HULA re-routed traffic" in claim.why


def test_others_frames_are_no_matter() -> None:
    claim = judge_fabric({**QUIET, "none": numbers([500, 400], [9.0, 9.0])})
    assert claim.verdict is Verdict.HOLDS
    shown = {finding.what: finding.spread.median for finding in claim.findings}
    assert shown["none: frames that neighbours had to take"] == 450


def test_what_the_paper_says_of_swing_state_is_next_to_its_frames() -> None:
    claim = judge_fabric({**QUIET, "swing_links": numbers([2500, 2600])})
    published = {finding.what: finding.published for finding in claim.findings}
    assert published["swing_links: frames of its own on links"] == "every update of state"
    assert published["state4: frames of its own on links"] == "0"


def test_without_usable_trials_there_is_no_statement() -> None:
    assert judge_fabric({}, {"state4-1": "no core"}).why == "state4-1: no core"
    unusable = {"state4": numbers([]), "state4_exact": numbers([0])}
    assert judge_fabric(unusable, {"state4-1": "no core"}).verdict is Verdict.NOT_JUDGED
    alone = {"state4": numbers([0]), "no-reconfiguration": numbers([])}
    assert judge_fabric(alone, {"no-reconfiguration-1": "x"}).verdict is Verdict.NOT_JUDGED

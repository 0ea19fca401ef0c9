"""How verdicts are formed."""

from __future__ import annotations

import json

import pytest

from experiments.claims import base, catalogue
from experiments.claims.base import Check, PublishedClaim, Verdict, decide, verdict_of

CLAIM = PublishedClaim("C9", "Fig. 9", "A title", "Something is published.", "")
HOLDS, FAILS, OPEN = Verdict.HOLDS, Verdict.FAILS, Verdict.NOT_JUDGED


def decided(*checks: Check) -> base.Claim:
    return decide(CLAIM, checks, "all is well", paper=1, measured=2, unit="ms")


@pytest.mark.parametrize(
    ("verdicts", "result"),
    [
        ((), HOLDS),
        ((HOLDS, HOLDS), HOLDS),
        ((HOLDS, OPEN), OPEN),
        ((OPEN, FAILS, HOLDS), FAILS),
    ],
)
def test_a_claim_is_as_good_as_its_worst_check(verdicts: tuple[Verdict, ...], result: Verdict) -> None:
    claim = decided(*(Check(verdict, f"why {place}") for place, verdict in enumerate(verdicts)))
    assert claim.verdict is result
    assert claim.holds == (result is HOLDS)
    assert claim.why == {HOLDS: "all is well", OPEN: "why 1", FAILS: "why 1"}[result]


def test_only_a_claim_that_holds_is_called_better() -> None:
    better = Check(HOLDS, "the gap is 1 ms", better=True)
    assert decided(better, Check(HOLDS, "x")).better == "the gap is 1 ms"
    assert decided(better, Check(FAILS, "x")).better == ""
    assert decided(better, Check(OPEN, "x")).better == ""


def test_a_claim_as_json() -> None:
    content = json.loads(json.dumps(decided(Check(OPEN, "nobody knows")).as_dict()))
    assert content["verdict"] == "not judged" and content["covered"] is True and content["why"] == "nobody knows"
    assert verdict_of(content) is OPEN


@pytest.mark.parametrize(("holds", "verdict"), [(True, HOLDS), (False, FAILS)])
def test_a_claim_of_an_older_run_can_be_read(holds: bool, verdict: Verdict) -> None:
    assert verdict_of({"holds": holds}) is verdict


def test_a_claim_that_was_not_asked_for_is_not_covered() -> None:
    asked, not_asked = base.not_judged(CLAIM, "disturbed"), base.not_asked(CLAIM, "left out")
    assert (asked.verdict, asked.covered) == (OPEN, True)
    assert (not_asked.verdict, not_asked.covered) == (OPEN, False)


def test_reasons_are_those_of_the_strategy() -> None:
    unusable = {"state4-1": "a", "state4_exact-1": "b", "none-1": "c", "state4-rate10-2": "d"}
    assert base.reasons_of(unusable, "state4") == "state4-1: a; state4-rate10-2: d"
    assert base.reasons_of(unusable, "controller", "reconcile") == "there is no trial of controller and reconcile"


def test_a_disturbed_control_run_leaves_nothing_to_say() -> None:
    unusable = {"no-reconfiguration-1": "3 packets were lost"}
    claim = base.undisturbed_control(CLAIM, ("state4",), unusable)
    assert claim is not None and claim.verdict is OPEN and "3 packets were lost" in claim.why
    assert base.undisturbed_control(CLAIM, ("state4", base.CONTROL_TRIAL), unusable) is None  # another repeat is good
    assert base.undisturbed_control(CLAIM, ("state4",), {"state4-1": "x"}) is None


def test_all_claims_are_listed_in_order_the_papers_first() -> None:
    ids = [claim.id for claim in catalogue.CLAIMS]
    assert ids == sorted(set(ids), key=ids.index) and sorted({name[:2] for name in ids}) == [
        "C1",
        "C2",
        "C3",
        "C4",
        "C5",
        "C6",
        "C7",
        "M1",
    ]
    assert all(claim.published and claim.title and claim.figure for claim in catalogue.CLAIMS)

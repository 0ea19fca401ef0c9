"""Random writes of three controllers, packets and reconfigurations against a switch that is never reconfigured.

python -m tests.switch.state4.schedules --count 10000
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from typing import Any

from tests.switch.state4.bench.lockstep import EXACT, Lockstep

STRATEGIES = ("state4_exact", "precopy", "state4_exact", "reconcile", "controller", "state4", "swing_state")

PROGRESS = 1_000


def schedule(seed: int) -> Lockstep:
    """One run. Packets write registers only if the strategy loses no such writes."""
    chosen = random.Random(f"schedule {seed}")
    strategy = chosen.choice(STRATEGIES)
    options: dict[str, Any] = {"busy": chosen.choice((0.5, 1.5, 4.0)), "packets": strategy in EXACT}
    if strategy != "reconcile":
        options["renamed"] = chosen.random() < 0.5
    if strategy == "state4_exact":
        options["can_hand_over"] = chosen.random() < 0.7
    return Lockstep(strategy, seed, **options).run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=10_000, help="schedules (default %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first one's number (default %(default)s)")
    args = parser.parse_args()
    if args.count < 1 or args.first < 0:
        parser.error("at least one schedule, from 0 on")
    began, bad, given_up, acknowledged, refused = time.monotonic(), 0, 0, 0, 0
    for done, seed in enumerate(range(args.first, args.first + args.count), 1):
        run = schedule(seed)
        if done % PROGRESS == 0:
            print(f"{done:,} schedules, {bad:,} differences so far", flush=True)
        acknowledged += run.acknowledged
        refused += run.refused
        given_up += run.failure is not None
        for difference in [*run.differences, *(run.outcome.inexact if run.outcome is not None else ())]:
            bad += 1
            print(f"schedule {seed} ({run.strategy}): {difference}", file=sys.stderr)
    print(
        f"{args.count:,} schedules, {acknowledged:,} writes acknowledged and {refused:,} refused alike, {given_up:,} "
        f"changes given up, {bad:,} differences, in {time.monotonic() - began:.0f} s"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

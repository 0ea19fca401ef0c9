"""A longer run of the generated cases of State4's rule: python -m tests.switch.state4.rule --cases 100000"""

from __future__ import annotations

import argparse
import os
import sys

import pytest

FILES = tuple(f"tests/switch/state4/test_{name}.py" for name in ("rule", "precopy", "waiting"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make rule", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=20_000, help="of each of the larger tests (default %(default)s)")
    parser.add_argument("--programs", type=int, default=200, help="generated programs (default %(default)s)")
    args = parser.parse_args()
    if args.cases < 1 or args.programs < 1:
        parser.error("at least one case and one program")
    os.environ |= {"STATE4_CASES": str(args.cases), "STATE4_PROGRAMS": str(args.programs)}
    return int(pytest.main(["-q", "--durations=0", *FILES]))


if __name__ == "__main__":
    sys.exit(main())

"""How every experiment ends: errors are caught once, here, and become one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from experiments.control.client import ControlError
from experiments.harness.results import ResultError
from experiments.traffic.armed import TrafficError
from plots.load import ResultMissingError
from softswitch.errors import SwitchError
from topologies.errors import NetworkError

EXIT_OK = 0
EXIT_CLAIM_FAILS = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def run_main(run: Callable[[], int]) -> int:
    """Runs an experiment. 0: done; 1: a claim does not hold; 2: wrong use or a failed step; 130: Ctrl-C."""
    try:
        return run()
    except (NetworkError, TrafficError, ControlError, ResultError, ResultMissingError, SwitchError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted; complete trials are kept: continue with --resume", file=sys.stderr)
        return EXIT_INTERRUPTED

"""The common main function of all experiments: errors are caught here and become one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from experiments.claims.base import Claim, Verdict
from experiments.control.errors import ControlError
from experiments.harness.results import ResultError
from experiments.traffic.armed import TrafficError
from plots.load import ResultMissingError
from softswitch.errors import SwitchError
from topologies.errors import NetworkError

EXIT_OK = 0
EXIT_CLAIM_FAILS = 1
EXIT_ERROR = 2
EXIT_NOT_JUDGED = 3
EXIT_INTERRUPTED = 130


class ClusterDone(Exception):
    """The machines of a cluster ran the experiment, and its result folder is complete. `code`: its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"done by a cluster with code {code}")
        self.code = code


def code_of(claims: Iterable[Claim]) -> int:
    """The exit code for verdicts. A claim that the run was not meant to judge is ignored."""
    verdicts = [claim.verdict for claim in claims if claim.covered]
    if Verdict.FAILS in verdicts:
        return EXIT_CLAIM_FAILS
    return EXIT_NOT_JUDGED if Verdict.NOT_JUDGED in verdicts else EXIT_OK


def run_main(run: Callable[[], int]) -> int:
    """Runs an experiment and returns its exit code: 0: everything that was judged holds; 1: a claim does not hold; 2:
    wrong usage or a failed step; 3: no claim fails, but one could not be judged; 130: after Ctrl-C."""
    try:
        return run()
    except ClusterDone as done:
        return done.code
    except (NetworkError, TrafficError, ControlError, ResultError, ResultMissingError, SwitchError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_ERROR
    except OSError as error:  # for example a full disk; complete trials are kept
        print(f"error: {f'{error.filename}: {error.strerror}' if error.filename else error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("interrupted; complete trials are kept: continue with --resume", file=sys.stderr)
        return EXIT_INTERRUPTED

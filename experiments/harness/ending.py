"""The common end of all experiments: the figure, the summary, the output, the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.claims.base import Claim
from experiments.harness.main import code_of
from experiments.harness.options import CommonOptions
from experiments.harness.progress import working
from experiments.harness.sweep import Sweep, describe
from plots.load import ResultMissingError


def conclude(
    sweep: Sweep,
    options: CommonOptions,
    measured: Any,
    claims: Sequence[Claim],
    *,
    draw: Callable[[Path], object],
    table: Callable[[Any, Sequence[Claim], Path], None],
) -> int:
    """Draws the figure from the folder, completes the folder, and prints the summary (`--json`) or the table.

    Returns the exit code for the verdicts. If no trial is left for the figure to show, there is none, and the summary
    says why the trials do not count. A failure to draw the figure affects no number and no verdict.
    """
    folder = sweep.folder
    with working("drawing the figure", quiet=options.json):
        try:
            draw(folder.path)
        except ResultMissingError as error:
            print(f"no figure: {error}", file=sys.stderr)
        except Exception as error:  # the numbers are complete, and `python -m plots...` can draw them again
            print(f"no figure: drawing it failed: {describe(error)}", file=sys.stderr)
    summary = folder.finish(
        target=options.target,
        profile=options.profile,
        measured=measured,
        claims=claims,
        trials=sweep.for_summary(),
    )
    if options.json:
        print(summary.read_text(), end="")
    else:
        table(measured, claims, folder.path)
    return code_of(claims)

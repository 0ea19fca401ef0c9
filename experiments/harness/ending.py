"""How every experiment ends: the figure, the summary, what is printed, the exit code."""

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
    """Draws the figure from the folder, completes it, and prints the summary (`--json`) or the table.

    Returns the exit code by the verdicts. Where no trial is left that a figure could show, there is none, and the
    summary says why the trials do not count. A figure that cannot be drawn takes no number and no verdict with it.
    """
    folder = sweep.folder
    with working("drawing the figure", quiet=options.json):
        try:
            draw(folder.path)
        except ResultMissingError as error:
            print(f"no figure: {error}", file=sys.stderr)
        except Exception as error:  # the numbers are whole all the same, and `python -m plots...` draws them again
            print(f"no figure, drawing it failed: {describe(error)}", file=sys.stderr)
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

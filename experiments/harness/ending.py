"""How every experiment ends: the figure, the summary, what is printed, the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments.claims.base import Claim
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_OK
from experiments.harness.options import CommonOptions
from experiments.harness.progress import working
from experiments.harness.results import ResultFolder


def conclude(
    folder: ResultFolder,
    options: CommonOptions,
    measured: Any,
    claims: Sequence[Claim],
    *,
    draw: Callable[[Path], object],
    table: Callable[[Any, Sequence[Claim], Path], None],
) -> int:
    """Draws the figure from the folder, completes it, and prints the summary (`--json`) or the table.

    Returns the exit code: that of a failed claim when one does not hold. What can't be drawn leaves no summary.
    """
    with working("drawing the figure", quiet=options.json):
        draw(folder.path)
    summary = folder.finish(target=options.target, profile=options.profile, measured=measured, claims=claims)
    if options.json:
        print(summary.read_text(), end="")
    else:
        table(measured, claims, folder.path)
    return EXIT_OK if all(claim.holds for claim in claims) else EXIT_CLAIM_FAILS

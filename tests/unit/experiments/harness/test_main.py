"""How an experiment ends: the exit code, and a one-line message for errors."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from experiments.claims.base import Claim, Verdict
from experiments.control.errors import ControlError
from experiments.harness.main import code_of, run_main
from experiments.harness.results import ResultError
from experiments.traffic.armed import OwnLossError
from plots.load import ResultMissingError
from softswitch.errors import CacheError
from topologies.errors import NetworkError


def raising(error: BaseException) -> Callable[[], int]:
    def run() -> int:
        raise error

    return run


@pytest.mark.parametrize(
    "kind", [NetworkError, OwnLossError, ControlError, ResultError, ResultMissingError, CacheError]
)
def test_what_we_know_of_is_one_line(kind: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(raising(kind("it broke"))) == 2
    assert capsys.readouterr().err == "error: it broke\n"


def test_a_full_disk_is_one_line_with_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "results/fig3/x/trials/.state4-1.json")
    assert run_main(raising(full)) == 2
    assert capsys.readouterr().err == "error: results/fig3/x/trials/.state4-1.json: No space left on device\n"


def test_an_error_of_the_system_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(raising(OSError(errno.EMFILE, "Too many open files"))) == 2
    assert "Too many open files" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(raising(KeyboardInterrupt())) == 130
    assert "--resume" in capsys.readouterr().err


def test_a_defect_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_main(raising(ZeroDivisionError()))


HOLDS, FAILS, OPEN = Verdict.HOLDS, Verdict.FAILS, Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([], 0),
        ([(HOLDS, True)], 0),
        ([(HOLDS, True), (OPEN, False)], 0),  # not asked for
        ([(HOLDS, True), (OPEN, True)], 3),
        ([(OPEN, True), (FAILS, True), (HOLDS, True)], 1),
    ],
)
def test_the_exit_code_is_that_of_the_worst_claim(verdicts: list[tuple[Verdict, bool]], code: int) -> None:
    claims = [Claim("C1", "", "", "", verdict, "", covered=covered) for verdict, covered in verdicts]
    assert code_of(claims) == code and run_main(lambda: code_of(claims)) == code

"""Runs the repeats of an experiment on the machines of a Dask cluster (`--cluster`), one at a time on each of them.

The unit of work is a repeat: all its trials run on one machine, so that whatever is compared within it was measured on
that machine. A worker must have the resource `testbed=1` to be used. A repeat that fails, or whose worker dies, is
repeated on another machine, a bounded number of times. Dask is imported only here, so nobody else needs it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments.harness.cluster_unit import UnitResult, run_unit
from experiments.harness.environment import git_state
from experiments.harness.machines import add_unit, together, units_of
from experiments.harness.main import EXIT_CLAIM_FAILS, EXIT_NOT_JUDGED, EXIT_OK, ClusterDone
from experiments.harness.options import CommonOptions
from experiments.harness.progress import Display
from experiments.harness.results import ResultError, ResultFolder

TESTBED = "testbed"
MAX_MACHINES = 3
"""Workers on which a repeat is tried at most."""
NO_WORKER_S = 60.0
"""The run ends after this time without a worker."""
_LOOK_S = 0.25
_WITH_VALUE = ("--cluster", "--out")
_ALONE = ("--resume", "--json")


def own_command() -> tuple[str, list[str]]:
    """This process's experiment as a module, and its arguments without those about cluster and output. Raises
    ResultError if it was not started with -m."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is None:
        raise ResultError("--cluster requires that the experiment is started as python -m experiments.<name> ...")
    kept: list[str] = []
    waiting = iter(sys.argv[1:])
    for argument in waiting:
        if argument in _WITH_VALUE:
            next(waiting, None)
        elif argument not in _ALONE and not argument.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            kept.append(argument)
    return str(spec.name).removesuffix(".__main__"), kept


@dataclass
class _Repeats:
    """The remaining repeats. By repeat, `tried`: workers that were given it; `best`: fewest unusable trials so far."""

    waiting: list[int]
    tried: dict[int, list[str]] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    best: dict[int, tuple[str, UnitResult]] = field(default_factory=dict)

    def for_worker(self, worker: str, workers: Collection[str]) -> int | None:
        """The next repeat for a worker; one that failed there only if it has failed on all other workers as well."""
        for repeat in self.waiting:
            seen = self.tried.get(repeat, [])
            if worker not in seen or all(other in seen for other in workers):
                self.waiting.remove(repeat)
                self.tried.setdefault(repeat, []).append(worker)
                return repeat
        return None

    def failed(self, repeat: int, why: str) -> bool:
        """Records a failure; returns whether the repeat is tried again."""
        self.reasons[repeat] = why
        again = len(self.tried[repeat]) < MAX_MACHINES
        if again:
            self.waiting.append(repeat)
        return again


def spread_over(
    address: str, options: CommonOptions, folder: ResultFolder, show: Display, trials_in_repeat_s: float
) -> None:
    """Runs the repeats that `folder` lacks and completes the folder. Always raises: ClusterDone with the exit code, or
    ResultError if nothing could be done."""
    module, arguments = own_command()
    done = units_of(folder)
    repeats = _Repeats([repeat for repeat in range(1, options.repeats + 1) if repeat not in done])
    if repeats.waiting:
        _run(address, module, arguments, repeats, folder, show, trials_in_repeat_s)
    by_machine: dict[str, list[int]] = {}
    for repeat, name in units_of(folder).items():
        by_machine.setdefault(name, []).append(repeat)
    if not by_machine:
        raise ResultError("; ".join(dict.fromkeys(repeats.reasons.values())) or "no repeat was done")
    summaries = {name: _judge(module, arguments, folder, name, found) for name, found in by_machine.items()}
    missing = {repeat: why for repeat, why in repeats.reasons.items() if repeat not in units_of(folder)}
    summary = together(folder, summaries, missing)
    content = json.loads(summary.read_text())
    if options.json:
        print(summary.read_text(), end="")
    else:
        for claim in content["claims"]:
            print(f"Claim {claim['id']} {claim['verdict']}: {claim['why']}")
        print(f"Data:   {folder.path}")
    verdicts = [claim["verdict"] for claim in content["claims"] if claim.get("covered", True)]
    if "does not hold" in verdicts:
        raise ClusterDone(EXIT_CLAIM_FAILS)
    raise ClusterDone(EXIT_NOT_JUDGED if "not judged" in verdicts else EXIT_OK)


def _judge(module: str, arguments: Sequence[str], folder: ResultFolder, name: str, repeats: Sequence[int]) -> Any:
    """The verdicts for one machine, formed by the experiment itself from that machine's folder alone."""
    place = folder.path / "machines" / name
    chosen = ",".join(map(str, sorted(repeats)))
    argv = [sys.executable, "-m", module, *arguments, "--judge", str(place), "--only-repeats", chosen, "--json"]
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    path = place / "summary.json"
    if not path.exists():
        raise ResultError(f"what {name} measured could not be judged; it is in {place}")
    return json.loads(path.read_text())


def _run(
    address: str,
    module: str,
    arguments: Sequence[str],
    repeats: _Repeats,
    folder: ResultFolder,
    show: Display,
    repeat_s: float,
) -> None:
    try:
        from distributed import Client, Event, Future
    except ImportError:
        raise ResultError("--cluster needs Dask: pip install 'state4[cluster]'") from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ResultError(f"there is no Dask scheduler at {address}: {error}") from error
    state = git_state()
    commit = None if state is None else str(state["commit"])
    stop = f"state4-stop-{uuid.uuid4().hex}"
    running: dict[str, tuple[int, Future, str]] = {}
    alone_since = time.monotonic()
    try:
        while repeats.waiting or running:
            # Not client.scheduler_info: its result is overwritten from time to time by an answer without workers.
            workers = testbeds(client.sync(client.scheduler.identity, n_workers=-1)["workers"])
            if workers or running:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > NO_WORKER_S:
                raise ResultError(
                    f"no worker with the resource {TESTBED}=1 is at {address}: start one on each machine by "
                    f"`dask worker {address} --resources {TESTBED}=1 --nthreads 1`"
                )
            for place, (repeat, future, worker) in list(running.items()):
                if place in workers and not future.done():
                    continue
                del running[place]
                if not future.done():
                    future.cancel()
                    _again(repeats, repeat, f"worker {worker} died", folder, show)
                    continue
                try:
                    result: UnitResult = future.result()
                except Exception as error:  # whatever the error was, it did not work on that machine
                    _again(repeats, repeat, f"on {worker}: {error}", folder, show)
                    continue
                _keep(repeats, repeat, worker, result, folder, show, repeat_s, others=len(workers) > 1)
            for place in [place for place in workers if place not in running]:
                repeat_or_none = repeats.for_worker(place, workers)
                if repeat_or_none is not None:
                    future = client.submit(
                        _unit_on_worker,
                        module,
                        list(arguments),
                        repeat_or_none,
                        commit,
                        stop,
                        workers=[place],
                        allow_other_workers=False,
                        resources={TESTBED: 1},
                        pure=False,
                        retries=0,
                    )
                    running[place] = repeat_or_none, future, workers[place]
                    show.state(f"repeat {repeat_or_none} on {workers[place]}")
            time.sleep(_LOOK_S)
    except BaseException:
        with contextlib.suppress(Exception):
            Event(stop, client=client).set()  # lets workers end their work in an orderly way
            _wait_for_all([future for _, future, _ in running.values()])
        raise
    finally:
        client.close()


def testbeds(workers: dict[str, Any]) -> dict[str, str]:
    """Names of the usable workers, by address."""
    return {
        address: str(worker.get("name") or address)
        for address, worker in workers.items()
        if worker.get("resources", {}).get(TESTBED, 0) >= 1
    }


def _again(repeats: _Repeats, repeat: int, why: str, folder: ResultFolder, show: Display) -> None:
    """After a failure: tries another machine, or keeps the result of an earlier attempt."""
    more = "tried elsewhere" if repeats.failed(repeat, why) else "given up"
    show.log(f"repeat {repeat}: {why}; {more}")
    if repeat not in repeats.waiting and repeat in repeats.best:
        add_unit(folder, repeat, *repeats.best[repeat])


def _keep(
    repeats: _Repeats,
    repeat: int,
    worker: str,
    result: UnitResult,
    folder: ResultFolder,
    show: Display,
    repeat_s: float,
    *,
    others: bool,
) -> None:
    """Stores a repeat, unless some trials of it do not count and another machine may do better."""
    before = repeats.best.get(repeat)
    if before is None or len(result.unusable) < len(before[1].unusable):
        repeats.best[repeat] = worker, result
    if result.unusable and others and repeats.failed(repeat, "; ".join(result.unusable.values())):
        show.log(f"repeat {repeat}: {len(result.unusable)} trials on {worker} do not count; trying another machine")
        return
    add_unit(folder, repeat, *repeats.best[repeat])
    show.begin_trial(f"repeat {repeat} is done, on {worker}", repeat_s)
    show.end_trial()


def _wait_for_all(futures: Sequence[Any], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and not all(future.done() for future in futures):
        time.sleep(_LOOK_S)


def _unit_on_worker(module: str, arguments: list[str], repeat: int, commit: str | None, stop: str) -> UnitResult:
    """Runs in the worker."""
    from distributed import Event, get_client

    event = Event(stop, client=get_client())
    is_stopped: Callable[[], bool] = event.is_set
    return run_unit(module, arguments, repeat, commit, is_stopped)

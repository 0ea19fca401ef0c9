"""`make clean-net`: removes what crashed runs of ours left behind."""

from __future__ import annotations

import os
import sys

from topologies.errors import NotRootError, RunFolderError
from topologies.rundir import prune


def main() -> int:
    if os.geteuid() != 0:
        print(f"error: {NotRootError()}", file=sys.stderr)
        return 2
    count = 0
    try:
        for removed in prune():
            count += 1
            ended = f", ended {', '.join(removed.processes)}" if removed.processes else ""
            print(f"removed {removed.path}{ended}")
    except RunFolderError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("nothing of ours was left behind" if not count else f"{count} crashed run(s) cleaned up")
    return 0


if __name__ == "__main__":
    sys.exit(main())

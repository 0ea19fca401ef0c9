"""For all tests: Ctrl-C means the same, however they were started; and none is about how long something takes."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from softswitch.build.runtime import runtime_library, sanitize_wanted
from softswitch.errors import SwitchError

# A shell starts background jobs with SIGINT ignored, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A generated case may be slow because the machine does something else.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several processes share the tests by file. Networks take turns in one: two at a time would disturb each other."""
    for item in items:
        group = "networks" if item.get_closest_marker("root") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What a switch's first start builds, where nothing is cached: no test's time-out is for that. A compiler that is
    missing is for the tests to say."""
    here = Path(__file__).parent
    switches = [here / room for room in ("switch", "net", "bmv2")]
    if not session.config.option.collectonly and any(
        room in item.path.parents for item in session.items for room in switches
    ):
        with suppress(SwitchError):
            runtime_library(sanitize_wanted())

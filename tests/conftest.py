"""For all tests: Ctrl-C means the same, however they were started; and none is about how long something takes."""

from __future__ import annotations

import signal

from hypothesis import settings

# A shell starts background jobs with SIGINT ignored, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A generated case may be slow because the machine does something else.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")

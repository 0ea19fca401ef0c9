"""For all tests: Ctrl-C means the same, however the tests were started."""

from __future__ import annotations

import signal

# A shell starts background jobs with SIGINT ignored, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

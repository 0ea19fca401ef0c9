"""`python -m state4.cli`: the command `state4`."""

import sys

from state4.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

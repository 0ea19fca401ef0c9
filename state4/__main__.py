"""`python -m state4`: the command `state4`."""

import sys

from state4.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

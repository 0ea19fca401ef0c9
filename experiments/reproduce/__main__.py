"""`python -m experiments.reproduce`: all experiments one after the other, and a report on all claims."""

import sys

from experiments.reproduce.runner import main

if __name__ == "__main__":
    sys.exit(main())

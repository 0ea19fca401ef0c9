"""Figure 5 (claim C3): delta-loss against the rate. The experiment is `experiments.delta_loss`; this is its number."""

import sys

from experiments.delta_loss import main

if __name__ == "__main__":
    sys.exit(main())

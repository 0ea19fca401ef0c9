"""Figure 7 (claim C5): what cloning costs. The experiment is `experiments.cloning_cost`; this is its number."""

import sys

from experiments.cloning_cost import main

if __name__ == "__main__":
    sys.exit(main())

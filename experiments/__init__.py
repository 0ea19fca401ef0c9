"""The experiments: one module per figure, and what they share. `python -m experiments.fig3 --help`."""

"""Tests of experiments, claims, report and plots that need no network and no root.

`fake_experiment.py` and `reports.py` stand in for real runs.
"""

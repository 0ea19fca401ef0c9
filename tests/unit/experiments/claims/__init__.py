"""Tests of the claims' rules, one file a claim, and of the statistics: pure functions, on both sides of each threshold.

Imports `experiments.claims` only.
"""

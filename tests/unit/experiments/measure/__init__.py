"""Tests of `experiments.measure`: what is measured, without a network."""

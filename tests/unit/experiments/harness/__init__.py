"""Tests of what all experiments share: options, sweeps, results, validity of trials, conclusion."""

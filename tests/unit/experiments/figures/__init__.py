"""Tests of plots: what is drawn, compared with the result files."""

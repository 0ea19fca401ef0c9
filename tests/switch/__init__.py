"""Tests with a switch whose ports are memory and whose clock stands still: `harness.py`, `controller.py` start it."""
